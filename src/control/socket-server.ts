/**
 * The control socket: the operations as HTTP with JSON on a unix socket of mode 0600. There is no other authentication:
 * only the server's own user and root may open the socket. Errors are `{code, message}` with the codes of AppError.
 */

import { existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Operations } from '../core/admin/operations.ts';
import { AppError, type ErrorCode, operatorMessage } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import { type ConnectionLimits, Connections } from '../http/app/connections.ts';
import {
  closeServers,
  guardServer,
  HEADERS_TIMEOUT_MS,
  requestListener,
  TIMEOUT_CHECK_MS,
} from '../http/app/guarded-server.ts';
import { ListenError, removeStaleSocket } from '../http/app/listen.ts';
import { type FoundOperation, findOperation, isInQuery } from './routes.ts';

export const CONTROL_STATUS = {
  'request-malformed': 400,
  'body-malformed': 400,
  'cross-site': 403,
  'name-invalid': 404,
  'address-invalid': 400,
  'not-authenticated': 401,
  'too-many-guesses': 503,
  'not-permitted': 403,
  'quota-exceeded': 403,
  'host-disabled': 403,
  'address-refused': 403,
  'rate-limited': 503,
  'caller-unknown': 503,
  conflict: 409,
  contended: 503,
  'primary-refused': 502,
  'primary-key-rejected': 502,
  'primary-unreachable': 502,
  'store-unreachable': 503,
  'publish-unknown': 504,
  'check-failed': 502,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** Errors of a stream whose other end was closed. */
const CLIENT_GONE: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET']);

const MAX_JSON_OCTETS = 64 * 1024;

/** Open connections. Only the operator's commands use the socket. */
export const MAX_CONTROL_CONNECTIONS = 64;
const LIMITS: ConnectionLimits = { total: MAX_CONTROL_CONNECTIONS, perSource: 0, exempt: [] };

export interface ControlOptions {
  readonly operations: Operations;
  readonly observer: Observer;
}

export class ControlSocket {
  readonly #options: ControlOptions;
  readonly #connections = new Connections(() => LIMITS);
  #server: Server | undefined;
  #requests = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** @param path absolute; its directory must be there. @throws ListenError */
  async open(path: string): Promise<void> {
    const refuse = (why: string, cause?: unknown): never => {
      throw new ListenError(`Cannot listen on the control socket '${path}': ${why}.`, { cause });
    };
    const directory = dirname(path);
    if (!existsSync(directory)) refuse(`the directory '${directory}' does not exist`);
    await removeStaleSocket(path);
    const file = statSync(path, { throwIfNoEntry: false });
    if (file?.isSocket()) refuse('another dyndns serves this control socket; stop it, or set another `control`');
    if (file !== undefined) refuse('a file that is not a socket is there');
    // An import has no time limit, as long as it moves.
    const server = createServer({
      // A missing Host would get an empty reply of Node's.
      requireHostHeader: false,
      requestTimeout: 0,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    const onFault = (error: unknown) =>
      this.#options.observer.warn(`The control socket reported an error: ${textOf(error)}`);
    const answer = requestListener((request, response) => this.#answer(request, response), onFault);
    guardServer(server, this.#connections, { isUnix: true, isTls: false, onFault }, answer);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The socket must not be open to others for even the moment before a chmod.
      const mask = process.umask(0o177);
      try {
        server.listen({ path }, resolve);
      } finally {
        process.umask(mask);
      }
    }).catch((cause: NodeJS.ErrnoException) => {
      refuse(cause.code === 'EACCES' ? `the directory '${directory}' is not writable for this user` : cause.message);
    });
    this.#server = server;
  }

  /** Accepts no new connections. Requests in flight are cut after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await closeServers([server], this.#connections, graceMs);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const [path, query] = splitTarget(url);
    const startedMs = performance.now();
    let found: FoundOperation | undefined;
    let error: AppError | undefined;
    let status = 200;
    try {
      found = findOperation(method, path);
      if (found === undefined) throw malformed(`This server has no operation ${method} ${path}.`);
      await send(response, await this.#call(found, new URLSearchParams(query), request));
    } catch (cause) {
      // The client closed the connection: there is no one to answer.
      if (CLIENT_GONE.has(Reflect.get(Object(cause), 'code'))) return;
      error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
      status = CONTROL_STATUS[error.code];
      // Node closes a connection whose request was not read to its end, and the client would not see the reply.
      if (!request.readableEnded) await finished(request.resume()).catch(() => undefined);
      sendError(response, error);
    }
    if (method === 'GET' && error?.code !== 'internal') return;
    this.#requests += 1;
    this.#options.observer.requestAnswered({
      requestId: `control-${this.#requests}`,
      method,
      route: found?.operation.path.replace(/\{\w+\}/g, '*') ?? path,
      source: 'the control socket',
      status,
      durationMs: performance.now() - startedMs,
      outcome: error === undefined ? 'info' : 'failed',
      detail: error?.logText ?? 'done',
      error,
    });
  }

  async #call(
    { name, operation, pathFields }: FoundOperation,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<object> {
    const fields = readPath(pathFields);
    const hasFields = Object.keys(operation.input.properties).length > 0;
    if (!isInQuery(operation) && query.size > 0)
      throw malformed('This operation has its fields in a JSON body, not in the URL.');
    const others = isInQuery(operation) ? firstValues(query) : hasFields ? await readJson(request) : {};
    const body = operation.body === undefined ? undefined : piecesOf(request);
    // `call` checks the input.
    return this.#options.operations.call(name, { ...others, ...fields } as never, body);
  }
}

/** Sends an object as JSON, and pieces of text as a zone file. */
async function send(response: ServerResponse, answer: object): Promise<void> {
  if (!(Symbol.asyncIterator in answer)) {
    response.setHeader('Content-Type', 'application/json; charset=utf-8').end(`${JSON.stringify(answer)}\n`);
    return;
  }
  response.setHeader('Content-Type', 'text/dns; charset=utf-8');
  await pipeline(Readable.from(answer as AsyncIterable<string>), response);
}

function sendError(response: ServerResponse, error: AppError): void {
  const { code, retryAfterSeconds } = error;
  const message = operatorMessage(error);
  // A stream that has begun can only be cut: its reader must not consider it complete.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(CONTROL_STATUS[code], { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ code, message, retryAfterSeconds })}\n`);
}

/** A reader that stops early leaves the connection open, for the reply. */
function piecesOf(body: IncomingMessage): AsyncIterable<string> {
  return { [Symbol.asyncIterator]: () => body.setEncoding('utf8').iterator({ destroyOnReturn: false }) };
}

async function readJson(body: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let json = '';
  for await (const piece of piecesOf(body)) {
    json += piece;
    if (json.length > MAX_JSON_OCTETS) throw malformed('The request is too long.');
  }
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw malformed('The request must be a JSON object.');
}

/** Path and query of a request target. It may be no URL. */
function splitTarget(target: string): [string, string] {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt + 1)];
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function malformed(message: string): AppError {
  return new AppError('request-malformed', message);
}

function firstValues(query: URLSearchParams): Readonly<Record<string, string>> {
  return Object.fromEntries([...query].reverse());
}

function readPath(pathFields: FoundOperation['pathFields']): Readonly<Record<string, string>> {
  try {
    return pathFields();
  } catch (error) {
    if (error instanceof URIError) throw malformed('The path has an escape that is not valid UTF-8.');
    throw error;
  }
}

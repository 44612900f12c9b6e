/**
 * The control socket: the admin calls as HTTP with JSON on a unix socket of mode 0600. There is no other authentication:
 * who may open the socket is the server's own user, or root. Errors are `{code, message}` with the codes of AppError.
 */

import { existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import { type DomainName, NameError, parseHostName } from '../dns/name.ts';
import { ListenError, removeStaleSocket } from '../http/app/listeners.ts';
import type { ServerCalls } from './calls.ts';
import { CLIENT_ROUTES } from './client-routes.ts';

export const CONTROL_STATUS = {
  'request-malformed': 400,
  'name-invalid': 404,
  'address-invalid': 400,
  'not-authenticated': 401,
  'not-permitted': 403,
  'host-disabled': 403,
  'address-refused': 403,
  'rate-limited': 503,
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

/** What a stream says whose other end was closed. */
const GONE: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET']);

const MAX_JSON_OCTETS = 64 * 1024;

interface ControlRequest {
  readonly calls: ServerCalls;
  readonly query: URLSearchParams;
  readonly body: IncomingMessage;
  /** The zone in the path. @throws AppError name-invalid */
  readonly zone: () => DomainName;
}

/** A value is sent as JSON, pieces of text as a zone file. */
type Answer = object | AsyncIterable<string>;

/** `METHOD /path`, in which `*` is the name of a zone. */
const ROUTES: Readonly<Record<string, (request: ControlRequest) => Promise<Answer> | Answer>> = {
  'GET /v1/status': ({ calls }) => calls.status(),
  'POST /v1/reload': ({ calls }) => calls.reload(),
  'GET /v1/zones': async ({ calls }) => ({ zones: await calls.zoneAdmin.zones() }),
  'GET /v1/zones/*/file': ({ calls, zone }) => calls.zoneAdmin.exportZone(zone()),
  'POST /v1/zones/*/import': ({ calls, zone, query, body }) =>
    calls.zoneAdmin.importZone(zone(), piecesOf(body), {
      replace: oneOf(query, 'mode', ['merge', 'replace']) === 'replace',
      dryRun: oneOf(query, 'dry_run', ['0', '1']) === '1',
    }),
  'POST /v1/zones/*/serial': async ({ calls, zone, body }) => {
    const { serial } = await readJson(body);
    if (typeof serial !== 'number' || !Number.isInteger(serial) || serial < 0 || serial > 0xffffffff) {
      throw malformed("'serial' must be a number from 0 to 4294967295.");
    }
    return calls.zoneAdmin.setSerial(zone(), serial);
  },
  'POST /v1/backup': async ({ calls, body }) => {
    const { file } = await readJson(body);
    if (typeof file !== 'string' || !file.startsWith('/')) throw malformed("'file' must be an absolute path.");
    return calls.zoneAdmin.backup(file);
  },
  'POST /v1/update': async ({ calls, body }) => {
    const { fqdn, ips, ttl } = await readJson(body);
    if (!Array.isArray(ips) || !ips.every((ip) => typeof ip === 'string')) throw malformed("'ips' must be texts.");
    if (ttl !== undefined && typeof ttl !== 'string') throw malformed("'ttl' must be a text.");
    return calls.update({ fqdn: text(fqdn, 'fqdn'), ips, ...(ttl !== undefined && { ttl }) });
  },
  'POST /v1/delete': async ({ calls, body }) => calls.delete({ fqdn: text((await readJson(body))['fqdn'], 'fqdn') }),
  'POST /v1/check': ({ calls }) => calls.check(),
  ...Object.fromEntries(
    Object.entries(CLIENT_ROUTES).map(([route, handle]) => [
      route,
      ({ calls, query, body }: ControlRequest) => handle({ clients: calls.clients, query, json: () => readJson(body) }),
    ]),
  ),
};

export interface ControlOptions {
  readonly calls: ServerCalls;
  readonly observer: Observer;
}

export class ControlSocket {
  readonly #options: ControlOptions;
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
    const known = statSync(path, { throwIfNoEntry: false });
    if (known?.isSocket()) refuse('another dyndns serves this control socket; end it, or set another `control`');
    if (known !== undefined) refuse('a file that is no socket is there');
    // An import takes as long as it takes.
    const server = createServer({ requestTimeout: 0, headersTimeout: 15_000 }, (request, response) => {
      void this.#answer(request, response);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Never open to others, not even for the moment until a chmod.
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

  /** Takes no new connections; requests under way end within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const { pathname, searchParams: query } = new URL(url, 'http://control');
    const zoneText = /^\/v1\/zones\/([^/]+)\//.exec(pathname)?.[1];
    const route = `${method} ${zoneText === undefined ? pathname : pathname.replace(zoneText, () => '*')}`;
    const begunMs = performance.now();
    let error: AppError | undefined;
    let status = 200;
    try {
      const handle = Object.hasOwn(ROUTES, route) ? ROUTES[route] : undefined;
      if (handle === undefined) throw malformed(`This server does not know ${method} ${pathname}.`);
      const zone = () => parseZoneName(zoneText ?? '');
      await send(response, await handle({ calls: this.#options.calls, query, body: request, zone }));
    } catch (cause) {
      // The client has gone: there is nobody to answer.
      if (GONE.has(Reflect.get(Object(cause), 'code'))) return;
      error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
      status = CONTROL_STATUS[error.code];
      // Node closes a connection whose request was not read to its end; then the answer would not be seen.
      if (!request.readableEnded) await finished(request.resume()).catch(() => undefined);
      sendError(response, error);
    }
    if (method === 'GET' && error?.code !== 'internal') return;
    this.#requests += 1;
    this.#options.observer.requestAnswered({
      requestId: `control-${this.#requests}`,
      method,
      route: route.slice(method.length + 1),
      source: 'the control socket',
      status,
      durationMs: performance.now() - begunMs,
      outcome: error === undefined ? 'info' : 'failed',
      detail: error?.logText ?? 'done',
      error,
    });
  }
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (!(Symbol.asyncIterator in answer)) {
    response.setHeader('Content-Type', 'application/json; charset=utf-8').end(`${JSON.stringify(answer)}\n`);
    return;
  }
  response.setHeader('Content-Type', 'text/dns; charset=utf-8');
  await pipeline(Readable.from(answer), response);
}

function sendError(response: ServerResponse, { code, message, retryAfterSeconds }: AppError): void {
  // A stream that has begun can only be cut: its reader must not take it for whole.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(CONTROL_STATUS[code], { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify({ code, message, retryAfterSeconds })}\n`);
}

/** Whoever stops reading leaves the connection as it is: it is still to be answered. */
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
    // Told below.
  }
  throw malformed('The request must be a JSON object.');
}

function malformed(message: string): AppError {
  return new AppError('request-malformed', message);
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw malformed(`'${name}' must be a text.`);
}

/** The first is the default. @throws AppError request-malformed */
function oneOf(query: URLSearchParams, name: string, values: readonly [string, ...string[]]): string {
  const value = query.get(name) ?? values[0];
  if (values.includes(value)) return value;
  throw malformed(`'${name}' must be ${values.join(' or ')}.`);
}

function parseZoneName(encoded: string): DomainName {
  try {
    return parseHostName(decodeURIComponent(encoded));
  } catch (error) {
    if (error instanceof NameError) throw new AppError('name-invalid', error.message);
    if (error instanceof URIError) throw malformed('The name of the zone in the path is not readable.');
    throw error;
  }
}

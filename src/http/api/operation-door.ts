/**
 * Answers a request for an operation of the administration: finds the operation, reads its input, calls it, and sends the
 * result or a problem document. For the control socket and for the HTTP API, which differ in who calls.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { type AdminCaller, type Browser, type CallContext, NO_BODY } from '../../core/admin/caller.ts';
import { allowedMethods, type FoundOperation, fillPath, findOperation } from '../../core/admin/operation-routes.ts';
import {
  isInQuery,
  type NormalInput,
  type Operation,
  type OperationName,
  type Result,
} from '../../core/admin/operations.ts';
import { AppError, InputError } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import { discardRest, endsConnection, jsonObjectIn, piecesOf } from '../request/limited-body.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

/** Calls operations for whoever asks. */
export interface OperationCalls {
  /** @throws AppError, InputError */
  call<Name extends OperationName>(name: Name, input: object, context: CallContext): Promise<Result<Name>>;
}

/** An open event stream: see event-stream.ts. It answers the request itself, until the reader or the stream ends. */
export type OpenStream = (
  request: IncomingMessage,
  response: ServerResponse,
  input: NormalInput<'stream'>,
  caller: AdminCaller,
) => Promise<void>;

export interface OperationDoorOptions {
  readonly calls: OperationCalls;
  readonly observer: Observer;
  /**
   * Who asks. Called before anything of the body is read.
   * @param operation undefined: there is none of this method and path @throws AppError
   */
  readonly callerOf: (request: IncomingMessage, operation: Operation | undefined) => Promise<AdminCaller> | AdminCaller;
  /** What the browser keeps, which the reply may change. */
  readonly browserOf?: (request: IncomingMessage, response: ServerResponse) => Browser;
  /** Whether the door has the operation. */
  readonly has: (operation: Operation) => boolean;
  /** Further paths, before those of the table. */
  readonly findOther?: (method: string, path: string, query: URLSearchParams) => FoundOperation | undefined;
  /** For the log: where the request comes from. */
  readonly sourceOf: (request: IncomingMessage) => string;
  readonly nextRequestId: () => string;
  readonly openStream?: OpenStream;
  /** A refused client may send its whole body, however long that takes. Else little of it is read. */
  readonly isPatient?: true;
  /** Errors also have the `message` that they had before they were problem documents. */
  readonly withMessage?: true;
}

/** In octets. */
const MAX_JSON = 64 * 1024;
const MAX_BATCH = 2 * 1024 * 1024;
export const MAX_ZONE_FILE = 64 * 1024 * 1024;

/** Errors of a stream whose other end was closed. */
const CLIENT_GONE: ReadonlySet<unknown> = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET']);

export class OperationDoor {
  readonly #options: OperationDoorOptions;

  constructor(options: OperationDoorOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { callerOf, has, isPatient, observer, sourceOf, nextRequestId } = this.#options;
    const { method = '', url = '' } = request;
    const [path, query] = splitTarget(url);
    const parameters = new URLSearchParams(query);
    const requestId = nextRequestId();
    const startedMs = performance.now();
    let found: FoundOperation | undefined;
    let caller: AdminCaller | undefined;
    let error: AppError | undefined;
    let status: number | undefined;
    try {
      found = this.#find(method === 'HEAD' ? 'GET' : method, path, parameters);
      caller = await callerOf(request, found?.operation);
      if (found === undefined) {
        const allowed = allowedMethods(path, has);
        status = allowed.length > 0 ? 405 : 404;
        if (allowed.length > 0) response.setHeader('Allow', allowed.join(', '));
        throw unknownOperation(method, path, allowed);
      }
      status = await this.#run(found, caller, request, response, parameters);
    } catch (cause) {
      // The client closed the connection: there is no one to answer.
      if (CLIENT_GONE.has(Reflect.get(Object(cause), 'code'))) return;
      error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
      const problem = problemOf(inHttp(error, found), requestId, status);
      status = problem.status;
      if (isPatient) await finished(request.resume()).catch(() => undefined);
      else if (endsConnection(request)) {
        await discardRest(request);
        response.shouldKeepAlive = false;
      }
      this.#sendProblem(response, problem, error, requestId);
    }
    if (method === 'GET' && error?.code !== 'internal' && caller?.kind === 'operator') return;
    observer.requestAnswered({
      requestId,
      method,
      route: found === undefined ? '(none)' : routeOf(found.operation),
      source: sourceOf(request),
      ...(caller?.kind === 'user' && { actor: actorOf(caller) }),
      status,
      durationMs: performance.now() - startedMs,
      outcome: error === undefined ? 'info' : 'failed',
      detail: error?.logText ?? 'done',
      error,
    });
  }

  #find(method: string, path: string, query: URLSearchParams): FoundOperation | undefined {
    const { has, findOther } = this.#options;
    const other = findOther?.(method, path, query);
    if (other !== undefined) return other;
    const found = findOperation(method, path);
    return found !== undefined && has(found.operation) ? found : undefined;
  }

  /** @returns the status that was sent */
  async #run(
    found: FoundOperation,
    caller: AdminCaller,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<number> {
    const { name, operation, convertInput = unchanged, convertResult = unchanged } = found;
    const input = convertInput(await readInputOf(found, request, query));
    const isHead = request.method === 'HEAD';
    if (operation.result === 'event stream') {
      if (this.#options.openStream === undefined) throw new AppError('conflict', 'There is no event stream here.');
      await this.#options.openStream(request, response, input as NormalInput<'stream'>, caller);
      return response.statusCode;
    }
    const body = operation.body === 'zone file' ? piecesOf(request, MAX_ZONE_FILE) : NO_BODY;
    const ifMatch = entityTags(request.headers['if-match']);
    const browser = this.#options.browserOf?.(request, response);
    const context = { caller, body, ifMatch, browser };
    const result = convertResult((await this.#options.calls.call(name, input, context)) as object);
    if (Symbol.asyncIterator in result) {
      response.setHeader('Content-Type', 'text/dns; charset=utf-8');
      setCommonHeaders(response);
      if (isHead) response.end();
      else await pipeline(Readable.from(result as AsyncIterable<string>), response);
      return 200;
    }
    const status = operation.creates === undefined ? 200 : 201;
    const text = `${JSON.stringify(result)}\n`;
    setCommonHeaders(response);
    setResultHeaders(response, operation, input, result as Record<string, unknown>, query);
    response.writeHead(status, { 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(text) });
    response.end(isHead ? undefined : text);
    return status;
  }

  #sendProblem(
    response: ServerResponse,
    { status, headers, body }: ReturnType<typeof problemOf>,
    { message }: AppError,
    requestId: string,
  ): void {
    // A stream that has begun can only be cut: its reader must not consider it complete.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const text = this.#options.withMessage ? withMessage(body, message) : body;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    setCommonHeaders(response);
    response.writeHead(status, {
      'Content-Type': `${PROBLEM_TYPE}; charset=utf-8`,
      'Content-Length': Buffer.byteLength(text),
      'X-Request-Id': requestId,
    });
    response.end(response.req.method === 'HEAD' ? undefined : text);
  }
}

/** For the log. */
function actorOf({ user, credential }: Extract<AdminCaller, { kind: 'user' }>): string {
  return `${user.name} ${credential.kind === 'key' ? credential.name : credential.kind}`;
}

/** The path with `*` for its fields. */
function routeOf({ path }: Operation): string {
  return path
    .split('/')
    .map((part) => (part.startsWith('{') ? '*' : part))
    .join('/');
}

const unchanged = <Value>(value: Value) => value;
const JSON_TYPE = 'application/json; charset=utf-8';

function setCommonHeaders(response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-store');
}

/** `ETag`, `Location` of a new object, and `Link` to the next page of a list (RFC 8288). */
function setResultHeaders(
  response: ServerResponse,
  { etag, creates, input }: Operation,
  sent: Readonly<Record<string, unknown>>,
  result: Readonly<Record<string, unknown>>,
  query: URLSearchParams,
): void {
  const tag = etag && result[etag];
  if (tag !== undefined) response.setHeader('ETag', `"${String(tag)}"`);
  if (creates !== undefined) {
    response.setHeader('Location', fillPath(creates, sent));
  }
  const { next } = result;
  if (typeof next !== 'string') return;
  const page = new URLSearchParams(query);
  page.set(Object.hasOwn(input.properties, 'cursor') ? 'cursor' : 'before', next);
  response.setHeader('Link', `<?${page}>; rel="next"`);
}

function withMessage(problem: string, message: string): string {
  const document = JSON.parse(problem) as Record<string, unknown>;
  return `${JSON.stringify({ ...document, message: document['code'] === 'internal' ? 'internal error' : message })}\n`;
}

async function readInputOf(
  { operation, pathFields }: FoundOperation,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<Readonly<Record<string, unknown>>> {
  const fields = readPath(pathFields);
  const isQuery = isInQuery(operation);
  if (!isQuery && query.size > 0) {
    throw malformed('This operation has its fields in a JSON body, not in the URL.');
  }
  if (isQuery) return { ...fieldsOfQuery(query, operation), ...fields };
  const limit = operation.body === 'batch' ? MAX_BATCH : MAX_JSON;
  const sent = await jsonObjectIn(request, limit);
  const twice = Object.keys(fields).find((field) => Object.hasOwn(sent, field) && sent[field] !== fields[field]);
  if (twice !== undefined) throw malformed(`'${twice}' is in the path, and another value of it in the body.`);
  return { ...sent, ...fields };
}

/** The first value of each name; of a list all of them. */
function fieldsOfQuery(query: URLSearchParams, { input }: Operation): Readonly<Record<string, unknown>> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const name of query.keys()) {
    const isList = Object.hasOwn(input.properties, name) && input.properties[name]!.type === 'array';
    fields[name] ??= isList ? query.getAll(name) : query.get(name);
  }
  return fields;
}

/** The error with fields of the path and the query as parameters: only a body has JSON pointers. */
function inHttp(error: AppError, found: FoundOperation | undefined): AppError {
  if (!(error instanceof InputError) || found === undefined) return error;
  const { operation } = found;
  const isParameter = (field: string) => isInQuery(operation) || operation.path.includes(`{${field}}`);
  const errors = error.errors.map(({ pointer, detail }) => {
    const field = pointer.split('/')[1] ?? '';
    return field !== '' && isParameter(field) ? { parameter: field, detail } : { pointer, detail };
  });
  return Object.assign(new InputError(error.errors, error.message, error.code), { errors });
}

/** The opaque tags of If-Match; undefined for `*` and without the header. @throws AppError */
function entityTags(header: string | undefined): readonly string[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  return header.split(',').map((tag) => {
    const text = tag.trim();
    // A weak tag never matches here (RFC 9110 §13.1.1).
    return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : `W/${text}`;
  });
}

function readPath(pathFields: FoundOperation['pathFields']): Readonly<Record<string, string>> {
  try {
    return pathFields();
  } catch (error) {
    if (error instanceof URIError) throw malformed('The path has an escape that is not valid UTF-8.');
    throw error;
  }
}

/** Path and query of a request target. It may be no URL. */
function splitTarget(target: string): [string, string] {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt + 1)];
}

function unknownOperation(method: string, path: string, allowed: readonly string[]): AppError {
  const shown = path.slice(0, 200);
  if (allowed.length > 0)
    return malformed(`${shown} has no operation ${method.slice(0, 20)}, only ${allowed.join(', ')}.`);
  return malformed(`This server has no operation ${method.slice(0, 20)} ${shown}.`);
}

function malformed(message: string): AppError {
  return new AppError('request-malformed', message);
}

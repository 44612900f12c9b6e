/**
 * Sends replies: one of a protocol, with the headers that all replies have, or one outside of any protocol (404, 405, 413,
 * a malformed request, an internal error).
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import type { DoorReply } from '../request/door.ts';
import { originalErrorReply } from '../request/error-reply.ts';
import { MAX_BODY_OCTETS } from './body-parsers.ts';
import { callerOf } from './caller.ts';
import type { ProxyTrust } from './client-address.ts';

export interface ReplyOptions {
  /** Called for each request, so that a reload takes effect at once. */
  readonly trust: () => ProxyTrust;
  readonly observer: Observer;
}

const BAD_REQUESTS: Partial<Record<number, string>> = {
  400: 'The request is malformed: see that special characters in the URL are percent-encoded.',
  413: `The body is larger than ${MAX_BODY_OCTETS} octets.`,
};

/**
 * Sends a reply past Fastify, whose way for any kind of payload takes longer than the rest of a small request. The length is
 * explicit: Node would send the body in chunks, which old clients cannot read.
 * @param mayHaveHeaders headers may have been set on `reply`
 */
export function sendReply(reply: FastifyReply, doorReply: DoorReply, mayHaveHeaders = true): void {
  const { status, body, contentType, headers, outcome } = doorReply;
  const { raw, request } = reply;
  // A request whose body was too large has its reply already.
  if (raw.headersSent) return;
  const lines = ['x-content-type-options', 'nosniff', 'cache-control', 'no-store'];
  // RFC 9110 §8.6: a 204 has neither.
  if (status !== 204) {
    lines.push('content-type', contentType ?? 'text/plain; charset=utf-8');
    lines.push('content-length', String(Buffer.byteLength(body)));
  }
  // The id in a user's report finds the log line, also where the protocol's reply has no place for it.
  if (outcome === 'failed') lines.push('x-request-id', request.id);
  if (mayHaveHeaders) pushHeaders(lines, reply.getHeaders());
  if (headers !== undefined) pushHeaders(lines, headers);
  reply.hijack();
  raw.writeHead(status, lines);
  raw.end(request.method === 'HEAD' ? undefined : body);
}

function pushHeaders(lines: string[], headers: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) lines.push(name.toLowerCase(), String(value));
}

/** Answers outside of any protocol. @param text what is wrong; by default the usual text of the status */
export function sendStatus(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  { observer, trust }: ReplyOptions,
  text = BAD_REQUESTS[status] ?? 'The request is malformed.',
): FastifyReply {
  sendReply(reply, { status, body: `ERROR: ${text}\n`, outcome: 'failed', detail: text });
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    // The path of an unknown route may contain a secret.
    route: request.routeOptions?.url ?? '(none)',
    source: callerOf(request.raw.socket, request.headers, trust()).address?.text ?? 'unknown',
    status,
    durationMs: 0,
    outcome: 'failed',
    detail: text,
  });
  return reply;
}

/** Answers a request that cannot be read (a broken percent escape, a body that is too large), or a defect of this program. */
export function sendFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  options: ReplyOptions,
): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status < 500) return sendStatus(request, reply, status, options);
  const internal = new AppError('internal', 'internal error', { cause: error });
  sendReply(reply, originalErrorReply(internal, request.id));
  options.observer.warn(`request ${request.id}: ${error.stack ?? error.message}`);
  return reply;
}

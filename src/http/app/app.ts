/**
 * The HTTP application: puts the protocols' routes on Fastify. Here, and only here, is what all doors share: request
 * ids, client addresses, headers of replies, 404 and 405, and what happens with an error that nobody expected.
 */

import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import { acmeDnsProtocol } from '../protocols/acme-dns.ts';
import { duckdnsProtocol } from '../protocols/duckdns.ts';
import { dyndns1Protocol } from '../protocols/dyndns1.ts';
import { dyndns2Protocol } from '../protocols/dyndns2.ts';
import { dynv6Protocol } from '../protocols/dynv6.ts';
import { echoProtocol } from '../protocols/echo.ts';
import { freednsProtocol } from '../protocols/freedns.ts';
import { freemyipProtocol } from '../protocols/freemyip.ts';
import { healthProtocol } from '../protocols/health.ts';
import { httpreqProtocol } from '../protocols/httpreq.ts';
import { noipProtocol } from '../protocols/noip.ts';
import { formatOriginalError, originalProtocol } from '../protocols/original.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { clientAddress, type ProxyTrust, peerOf } from './client-address.ts';
import { MultipartError, multipartBoundary, parseMultipart } from './multipart.ts';
import { listParameters, mergeParameters, parseParameters, type ReadBody, type TextByName } from './parameters.ts';

/** All protocols that are served. dyndns2 takes on `/update` what those before it leave. */
const PROTOCOLS: readonly Protocol[] = [
  originalProtocol,
  acmeDnsProtocol,
  duckdnsProtocol,
  dynv6Protocol,
  freemyipProtocol,
  dyndns2Protocol,
  dyndns1Protocol,
  noipProtocol,
  freednsProtocol,
  httpreqProtocol,
  echoProtocol,
  healthProtocol,
];

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const MAX_BODY_OCTETS = 64 * 1024;

export interface AppOptions {
  /** Asked at each request, so that a reload takes effect at once. */
  readonly services: () => Services;
  readonly trust: () => ProxyTrust;
  readonly observer: Observer;
}

export function buildApp(options: AppOptions): FastifyInstance {
  const app = fastify({
    exposeHeadRoutes: false,
    // No route has a JSON schema: without these two, 10 MiB of schema compilers would be loaded at every start.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    bodyLimit: MAX_BODY_OCTETS,
    routerOptions: { maxParamLength: 4096, querystringParser: parseParameters },
    rewriteUrl: (request) => routedTarget(request.url ?? '/', request.headers.host),
    genReqId: makeRequestIds(),
    frameworkErrors: (error, request, reply) => answerFrameworkError(error, request, reply, options),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, { text: body as string, fields: parseParameters(body as string) } satisfies ReadBody);
  });
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, { text: body as string, fields: undefined } satisfies ReadBody);
  });
  // Python's requests sends JSON without a type.
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    const isUntyped = request.headers['content-type'] === undefined;
    if (isUntyped) done(null, { text: body as string, fields: undefined } satisfies ReadBody);
    else done(Object.assign(new Error('a body of an unknown type'), { statusCode: 415 }));
  });
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const boundary = multipartBoundary(request.headers['content-type'] ?? '');
      if (boundary === undefined) throw new MultipartError('no boundary');
      done(null, { text: undefined, fields: parseMultipart(body as Buffer, boundary) } satisfies ReadBody);
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
  const shared = new Map<string, Candidate[]>();
  for (const protocol of PROTOCOLS) {
    for (const route of protocol.routes) {
      const candidates = shared.get(route.pattern) ?? [];
      candidates.push({ protocol, route });
      shared.set(route.pattern, candidates);
    }
  }
  for (const [pattern, candidates] of shared) addRoutes(app, pattern, candidates, options);
  app.setNotFoundHandler((request, reply) => answerStatus(request, reply, 404, 'Not found.', options));
  app.setErrorHandler((error: FastifyError, request, reply) => answerFrameworkError(error, request, reply, options));
  return app;
}

function noSchemas(): never {
  throw new TypeError('routes are checked by their protocol, not by JSON schemas');
}

/** A route, and the protocol that it is of. */
interface Candidate {
  readonly protocol: Protocol;
  readonly route: Route;
}

function addRoutes(app: FastifyInstance, pattern: string, candidates: readonly Candidate[], options: AppOptions): void {
  app.route({
    method: [...ALL_METHODS],
    url: pattern,
    handler: (request, reply) => {
      const doorRequest = readRequest(request, options.trust());
      const services = options.services();
      const isOpen = ({ protocol }: Candidate) => !services.protocolsOff.has(protocol.name);
      const isAllowed = ({ route }: Candidate) => allows(route, request.method);
      const taken = candidates.find(
        (one) => isOpen(one) && isAllowed(one) && (one.route.takes === undefined || one.route.takes(doorRequest)),
      );
      if (taken !== undefined) {
        if (taken.route.takesJson !== true && isJson(request)) {
          return answerStatus(request, reply, 415, BAD_REQUESTS[415]!, options);
        }
        return answer(taken, doorRequest, request, reply, services, options);
      }
      const open = candidates.filter(isOpen);
      if (open.length === 0 || open.some(isAllowed)) return answerStatus(request, reply, 404, 'Not found.', options);
      reply.header('Allow', [...new Set(open.flatMap(({ route }) => methodsOf(route))), 'OPTIONS'].join(', '));
      if (request.method === 'OPTIONS') return reply.code(204).send();
      return answerStatus(request, reply, 405, `The method ${request.method} is not allowed here.`, options);
    },
  });
}

function methodsOf(route: Route): string[] {
  return route.safe ? [...route.methods, 'HEAD'] : [...route.methods];
}

function allows({ methods, safe }: Route, method: string): boolean {
  return (methods as readonly string[]).includes(method) || (safe && method === 'HEAD');
}

async function answer(
  { protocol, route }: Candidate,
  doorRequest: DoorRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  services: Services,
  { observer }: AppOptions,
): Promise<FastifyReply> {
  const startMs = performance.now();
  let error: AppError | undefined;
  let answered: DoorReply;
  try {
    answered = await route.handle(doorRequest, services);
  } catch (cause) {
    error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
    error = services.record.refuse(error, { caller: doorRequest.clientAddress });
    answered = protocol.formatError(error, request.id);
  }
  send(reply, answered);
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    route: route.pattern,
    source: doorRequest.clientAddress?.text ?? 'unknown',
    status: answered.status,
    durationMs: performance.now() - startMs,
    outcome: answered.outcome,
    detail: answered.detail,
    error: error ?? answered.error,
  });
  if (answered.warning !== undefined) observer.warn(answered.warning);
  return reply;
}

function isJson({ body }: FastifyRequest): boolean {
  return body !== undefined && body !== null && (body as ReadBody).fields === undefined;
}

function readRequest(request: FastifyRequest, trust: ProxyTrust): DoorRequest {
  const body = request.body as ReadBody | null | undefined;
  let parameters: TextByName | undefined;
  return {
    method: request.method,
    headers: request.headers,
    path: request.params as Record<string, string>,
    get parameters() {
      parameters ??= mergeParameters(request.query as TextByName, body?.fields);
      return parameters;
    },
    get lists() {
      return listParameters(queryOf(request.raw.url ?? ''), body);
    },
    body: body?.text,
    clientAddress: clientAddress(peerOf(request.raw.socket), request.headers, trust),
  };
}

function send(reply: FastifyReply, answer: DoorReply): void {
  reply.code(answer.status);
  reply.header('Content-Type', answer.contentType ?? 'text/plain; charset=utf-8');
  reply.header('X-Content-Type-Options', 'nosniff');
  reply.header('Cache-Control', 'no-store');
  // What a user reports of a failure leads to its line in the log, also where the protocol's words have no room for it.
  if (answer.outcome === 'failed') reply.header('X-Request-Id', reply.request.id);
  if (answer.headers !== undefined) reply.headers(answer.headers);
  reply.send(answer.body);
}

function answerStatus(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  text: string,
  { observer, trust }: AppOptions,
): FastifyReply {
  send(reply, { status, body: `ERROR: ${text}\n`, outcome: 'failed', detail: text });
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    // The path of an unknown route may hold a secret.
    route: request.routeOptions?.url ?? '(none)',
    source: clientAddress(peerOf(request.raw.socket), request.headers, trust())?.text ?? 'unknown',
    status,
    durationMs: 0,
    outcome: 'failed',
    detail: text,
  });
  return reply;
}

/** A request that could not be read (a broken percent escape, a body too large), or a defect of ours. */
function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  options: AppOptions,
): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status < 500)
    return answerStatus(request, reply, status, BAD_REQUESTS[status] ?? 'The request is malformed.', options);
  const internal = new AppError('internal', 'internal error', { cause: error });
  send(reply, formatOriginalError(internal, request.id));
  options.observer.warn(`request ${request.id}: ${error.stack ?? error.message}`);
  return reply;
}

const BAD_REQUESTS: Partial<Record<number, string>> = {
  400: 'The request is malformed: see that special characters in the URL are percent-encoded.',
  413: `The body is larger than ${MAX_BODY_OCTETS} octets.`,
  415: 'The body must be application/x-www-form-urlencoded or multipart/form-data.',
};

/** The target that a route is looked for with: the root of a host `checkip.…` is the address echo. */
export function routedTarget(target: string, host: string | undefined): string {
  const regular = normalizeTarget(target);
  const isRoot = regular === '/' || regular.startsWith('/?');
  return isRoot && host !== undefined && /^checkip\./i.test(host) ? `/checkip${regular.slice(1)}` : regular;
}

/** Some FRITZ!Boxes send two URLs that are set up for them, one for each family, as one. */
const SECOND_URL = /%20https?:\/.*/is;

/**
 * The path as routers send it, made regular: absolute form, `\`, repeated slashes and one final slash go, and a second
 * URL behind a space; the query is cut off at the first `?` and else left as it is.
 */
export function normalizeTarget(whole: string): string {
  const target = whole.includes('%20http') ? whole.replace(SECOND_URL, '') : whole;
  const cut = target.indexOf('?');
  let path = cut < 0 ? target : target.slice(0, cut);
  if (!path.startsWith('/')) path = path.replace(/^https?:\/\/[^/]*/i, '') || '/';
  if (path.includes('\\')) path = path.replaceAll('\\', '');
  // inadyn escapes a backslash that stands before the path; one further on may belong to a secret.
  if (path.startsWith('/%5')) path = path.replace(/^(?:\/%5c)+(?=\/)/i, '');
  if (path.includes('//')) path = path.replace(/\/{2,}/g, '/');
  if (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1);
  if (cut < 0) return path;
  return path.length === cut ? target : path + target.slice(cut);
}

function queryOf(target: string): string {
  const cut = target.indexOf('?');
  return cut < 0 ? '' : target.slice(cut + 1);
}

/** Unique within one run and easy to find in a log: the start time and a counter. */
function makeRequestIds(): () => string {
  const start = Date.now().toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

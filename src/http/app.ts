/**
 * The HTTP application: puts the protocols' routes on Fastify. Here, and only here, is what all doors share: request
 * ids, client addresses, headers of replies, 404 and 405, and what happens with an error that nobody expected.
 */
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { Observer } from '../core/ports.ts';
import { clientAddress, type ProxyTrust, peerOf } from './client-address.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from './door.ts';
import { MultipartError, multipartBoundary, parseMultipart } from './multipart.ts';
import { mergeParameters, parseParameters, type TextByName } from './parameters.ts';
import { dyndns2Protocol } from './protocols/dyndns2.ts';
import { echoProtocol } from './protocols/echo.ts';
import { healthProtocol } from './protocols/health.ts';
import { formatOriginalError, originalProtocol } from './protocols/original.ts';

/** All protocols that are served. */
const PROTOCOLS: readonly Protocol[] = [originalProtocol, dyndns2Protocol, echoProtocol, healthProtocol];

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
    done(null, parseParameters(body as string));
  });
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const boundary = multipartBoundary(request.headers['content-type'] ?? '');
      if (boundary === undefined) throw new MultipartError('no boundary');
      done(null, parseMultipart(body as Buffer, boundary));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
  for (const protocol of PROTOCOLS) for (const route of protocol.routes) addRoute(app, protocol, route, options);
  app.setNotFoundHandler((request, reply) => answerStatus(request, reply, 404, 'Not found.', options));
  app.setErrorHandler((error: FastifyError, request, reply) => answerFrameworkError(error, request, reply, options));
  return app;
}

function noSchemas(): never {
  throw new TypeError('routes are checked by their protocol, not by JSON schemas');
}

function addRoute(app: FastifyInstance, protocol: Protocol, route: Route, options: AppOptions): void {
  const methods: string[] = route.safe ? [...route.methods, 'HEAD'] : [...route.methods];
  app.route({
    method: methods,
    url: route.pattern,
    handler: async (request, reply) => {
      const startMs = performance.now();
      const doorRequest = readRequest(request, options.trust());
      let error: AppError | undefined;
      let answer: DoorReply;
      try {
        answer = await route.handle(doorRequest, options.services());
      } catch (cause) {
        error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
        answer = protocol.formatError(error, request.id);
      }
      send(reply, answer);
      options.observer.requestAnswered({
        requestId: request.id,
        method: request.method,
        route: route.pattern,
        source: doorRequest.clientAddress?.text ?? 'unknown',
        status: answer.status,
        durationMs: performance.now() - startMs,
        outcome: answer.outcome,
        detail: answer.detail,
        error: error ?? answer.error,
      });
      if (answer.warning !== undefined) options.observer.warn(answer.warning);
      return reply;
    },
  });
  const allowed = [...methods, 'OPTIONS'].join(', ');
  app.route({
    method: ALL_METHODS.filter((method) => !methods.includes(method)),
    url: route.pattern,
    handler: (request, reply) => {
      reply.header('Allow', allowed);
      if (request.method === 'OPTIONS') return reply.code(204).send();
      return answerStatus(request, reply, 405, `The method ${request.method} is not allowed here.`, options);
    },
  });
}

function readRequest(request: FastifyRequest, trust: ProxyTrust): DoorRequest {
  return {
    method: request.method,
    headers: request.headers,
    path: request.params as Record<string, string>,
    get parameters() {
      return mergeParameters(request.query as TextByName, request.body);
    },
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

/** Unique within one run and easy to find in a log: the start time and a counter. */
function makeRequestIds(): () => string {
  const start = Date.now().toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

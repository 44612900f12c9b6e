/**
 * Puts the routes of the protocols on Fastify. Several protocols may share a pattern: the first one that is enabled, allows
 * the method and takes the request answers it. Otherwise the reply is 404 or 405.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { actorName } from '../../core/access/principal.ts';
import { AppError } from '../../core/errors.ts';
import { refusalContext } from '../request/authentication.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { callerOf } from './caller.ts';
import type { ProxyTrust } from './client-address.ts';
import { crossOriginHeaders, refuseCrossSite } from './cross-origin.ts';
import { mergeParameters, type ReadBody, repeatedTexts, type TextByName } from './parameters.ts';
import { type ReplyOptions, sendReply, sendStatus } from './replies.ts';

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export interface RoutingOptions extends ReplyOptions {
  /** Called for each request, so that a reload takes effect at once. */
  readonly services: () => Services;
}

/** A route that may answer requests of its pattern. */
interface Candidate {
  readonly protocol: Protocol;
  readonly route: Route;
}

/** @param protocols in the order in which they may take a request of a shared pattern */
export function addRoutes(app: FastifyInstance, protocols: readonly Protocol[], options: RoutingOptions): void {
  const byPattern = new Map<string, Candidate[]>();
  for (const protocol of protocols) {
    for (const route of protocol.routes) {
      const candidates = byPattern.get(route.pattern) ?? [];
      candidates.push({ protocol, route });
      byPattern.set(route.pattern, candidates);
    }
  }
  for (const [pattern, candidates] of byPattern) addPattern(app, pattern, candidates, options);
}

function addPattern(
  app: FastifyInstance,
  pattern: string,
  candidates: readonly Candidate[],
  options: RoutingOptions,
): void {
  const mayHaveHeaders = candidates.some(({ route }) => route.crossOrigin !== undefined);
  app.route({
    method: [...ALL_METHODS],
    url: pattern,
    ...crossOriginHook(candidates, options),
    handler: (request, reply) => {
      const doorRequest = readRequest(request, options.trust());
      const services = options.services();
      const isEnabled = ({ protocol }: Candidate) => !services.protocolsOff.has(protocol.name);
      const isAllowed = ({ route }: Candidate) => allows(route, request.method);
      const match = candidates.find(
        (one) => isEnabled(one) && isAllowed(one) && (one.route.takes === undefined || one.route.takes(doorRequest)),
      );
      if (match !== undefined) {
        return answer(match, doorRequest, request, reply, services, options.observer, mayHaveHeaders);
      }
      const enabled = candidates.filter(isEnabled);
      if (enabled.length === 0 || enabled.some(isAllowed)) return sendNotFound(request, reply, options);
      reply.header('Allow', [...new Set(enabled.flatMap(({ route }) => methodsOf(route))), 'OPTIONS'].join(', '));
      if (request.method === 'OPTIONS') return reply.code(204).send();
      return sendStatus(request, reply, 405, options, `The method ${request.method} is not allowed here.`);
    },
  });
}

/** Sets the headers of CORS before the body is read, so that error replies have them, too. */
function crossOriginHook(
  candidates: readonly Candidate[],
  { services }: RoutingOptions,
): Pick<RouteShorthandOptions, 'onRequest'> {
  const candidate = candidates.find(({ route }) => route.crossOrigin !== undefined);
  if (candidate === undefined) return {};
  const { protocol, route } = candidate;
  return {
    onRequest: ({ method, headers }, reply, done) => {
      const { acmeDns, protocolsOff } = services();
      if (acmeDns !== undefined && acmeDns.corsOrigins.size > 0 && !protocolsOff.has(protocol.name)) {
        reply.headers(crossOriginHeaders(method, headers, route.crossOrigin!, acmeDns.corsOrigins));
      }
      done();
    },
  };
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply, options: ReplyOptions): FastifyReply {
  return sendStatus(request, reply, 404, options, 'Not found.');
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
  observer: RoutingOptions['observer'],
  mayHaveHeaders: boolean,
): Promise<FastifyReply> {
  const startMs = performance.now();
  let error: AppError | undefined;
  let doorReply: DoorReply;
  try {
    refuseCrossSite(doorRequest.headers, route, services.acmeDns?.corsOrigins);
    refuseUnread(request, route);
    doorReply = await route.handle(doorRequest, services);
  } catch (cause) {
    error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
    error = services.record.refuse(error, refusalContext(doorRequest, protocol.name));
    doorReply = protocol.formatError(error, request.id);
  }
  sendReply(reply, doorReply, mayHaveHeaders);
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    route: route.pattern,
    source: doorRequest.clientAddress?.text ?? 'unknown',
    actor: doorRequest.principal && actorName(doorRequest.principal),
    status: doorReply.status,
    durationMs: performance.now() - startMs,
    outcome: doorReply.outcome,
    detail: doorReply.detail,
    error: error ?? doorReply.error,
    isPrivate: doorReply.isPrivate === true,
  });
  return reply;
}

/** @throws AppError body-malformed where a protocol would get its parameters from JSON that cannot be read as such */
function refuseUnread({ body }: FastifyRequest, route: Route): void {
  if (body === undefined || body === null || route.readsBody === true) return;
  const { problem } = body as ReadBody;
  if (problem !== undefined) throw problem;
}

function readRequest(request: FastifyRequest, trust: ProxyTrust): DoorRequest {
  const { address, peer } = callerOf(request.raw.socket, request.headers, trust);
  return new ReadRequest(request, address, peer);
}

/** A class: getters of an object literal would be made anew for each request. */
class ReadRequest implements DoorRequest {
  readonly method: string;
  readonly headers: DoorRequest['headers'];
  readonly path: DoorRequest['path'];
  readonly clientAddress: DoorRequest['clientAddress'];
  readonly peer: DoorRequest['peer'];
  readonly #query: TextByName;
  readonly #body: ReadBody | null | undefined;
  #parameters: TextByName | undefined;
  principal: DoorRequest['principal'] = undefined;

  constructor(request: FastifyRequest, address: DoorRequest['clientAddress'], peer: DoorRequest['peer']) {
    this.method = request.method;
    this.headers = request.headers;
    this.path = request.params as Record<string, string>;
    this.clientAddress = address;
    this.peer = peer;
    this.#query = request.query as TextByName;
    this.#body = request.body as ReadBody | null | undefined;
  }

  get parameters(): TextByName {
    this.#parameters ??= mergeParameters(this.#query, this.#body?.fields);
    return this.#parameters;
  }

  get repeated(): DoorRequest['repeated'] {
    return repeatedTexts(this.parameters);
  }

  get body(): string | undefined {
    return this.#body?.text;
  }

  get isJsonObject(): boolean {
    return this.#body?.isObject === true;
  }
}

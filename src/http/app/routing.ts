/**
 * Puts the routes of the protocols on Fastify. Several protocols may share a pattern: the first one that is enabled, allows
 * the method and takes the request answers it. Otherwise the reply is 404, 405 or 415.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import type { DoorReply, DoorRequest, Protocol, Route, Services } from '../request/door.ts';
import { callerOf } from './caller.ts';
import type { ProxyTrust } from './client-address.ts';
import { listParameters, mergeParameters, type ReadBody, type TextByName } from './parameters.ts';
import { type ReplyOptions, sendReply, sendStatus } from './replies.ts';
import { queryOf } from './request-target.ts';

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
  app.route({
    method: [...ALL_METHODS],
    url: pattern,
    handler: (request, reply) => {
      const doorRequest = readRequest(request, options.trust());
      const services = options.services();
      const isEnabled = ({ protocol }: Candidate) => !services.protocolsOff.has(protocol.name);
      const isAllowed = ({ route }: Candidate) => allows(route, request.method);
      const match = candidates.find(
        (one) => isEnabled(one) && isAllowed(one) && (one.route.takes === undefined || one.route.takes(doorRequest)),
      );
      if (match !== undefined) {
        if (match.route.takesJson !== true && isJson(request)) return sendStatus(request, reply, 415, options);
        return answer(match, doorRequest, request, reply, services, options);
      }
      const enabled = candidates.filter(isEnabled);
      if (enabled.length === 0 || enabled.some(isAllowed)) return sendNotFound(request, reply, options);
      reply.header('Allow', [...new Set(enabled.flatMap(({ route }) => methodsOf(route))), 'OPTIONS'].join(', '));
      if (request.method === 'OPTIONS') return reply.code(204).send();
      return sendStatus(request, reply, 405, options, `The method ${request.method} is not allowed here.`);
    },
  });
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
  { observer }: RoutingOptions,
): Promise<FastifyReply> {
  const startMs = performance.now();
  let error: AppError | undefined;
  let doorReply: DoorReply;
  try {
    doorReply = await route.handle(doorRequest, services);
  } catch (cause) {
    error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
    error = services.record.refuse(error, { caller: doorRequest.clientAddress, peer: doorRequest.peer });
    doorReply = protocol.formatError(error, request.id);
  }
  sendReply(reply, doorReply);
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    route: route.pattern,
    source: doorRequest.clientAddress?.text ?? 'unknown',
    status: doorReply.status,
    durationMs: performance.now() - startMs,
    outcome: doorReply.outcome,
    detail: doorReply.detail,
    error: error ?? doorReply.error,
  });
  if (doorReply.warning !== undefined) observer.warn(doorReply.warning);
  return reply;
}

function isJson({ body }: FastifyRequest): boolean {
  return body !== undefined && body !== null && (body as ReadBody).fields === undefined;
}

function readRequest(request: FastifyRequest, trust: ProxyTrust): DoorRequest {
  const body = request.body as ReadBody | null | undefined;
  let parameters: TextByName | undefined;
  const { address, peer } = callerOf(request.raw.socket, request.headers, trust);
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
    clientAddress: address,
    peer,
  };
}

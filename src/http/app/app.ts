/**
 * The HTTP application: the list of protocols, and Fastify set up for them. Fastify's own parsers, schemas and HEAD routes
 * are off: protocols read requests themselves.
 */
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { acmeDnsProtocol } from '../protocols/acme-dns.ts';
import { duckdnsProtocol } from '../protocols/duckdns.ts';
import { dyndns1Protocol } from '../protocols/dyndns1.ts';
import { dyndns2Protocol } from '../protocols/dyndns2.ts';
import { dynv6Protocol } from '../protocols/dynv6.ts';
import { easydnsProtocol } from '../protocols/easydns.ts';
import { echoProtocol } from '../protocols/echo.ts';
import { freednsProtocol } from '../protocols/freedns.ts';
import { freemyipProtocol } from '../protocols/freemyip.ts';
import { healthProtocol } from '../protocols/health.ts';
import { httpreqProtocol } from '../protocols/httpreq.ts';
import { njallaProtocol } from '../protocols/njalla.ts';
import { noipProtocol } from '../protocols/noip.ts';
import { originalProtocol } from '../protocols/original.ts';
import type { Protocol } from '../request/door.ts';
import { addBodyParsers, dropMalformedType, MAX_BODY_OCTETS } from './body-parsers.ts';
import { parseParameters } from './parameters.ts';
import { sendFrameworkError } from './replies.ts';
import { routedTarget, routeMatcher } from './request-target.ts';
import { addRoutes, type RoutingOptions, sendNotFound } from './routing.ts';

/** All protocols, in routing order: on `/update`, dyndns2 takes every request that those before it leave. */
export const PROTOCOLS: readonly Protocol[] = [
  originalProtocol,
  acmeDnsProtocol,
  duckdnsProtocol,
  dynv6Protocol,
  freemyipProtocol,
  njallaProtocol,
  dyndns2Protocol,
  dyndns1Protocol,
  easydnsProtocol,
  noipProtocol,
  freednsProtocol,
  httpreqProtocol,
  echoProtocol,
  healthProtocol,
];

const IS_ROUTE = routeMatcher(PROTOCOLS.flatMap(({ routes }) => routes.map(({ pattern }) => pattern)));

/** A part of the HTTP interface with routes of its own, which is loaded only where the configuration has it. */
export interface Door {
  /** Protocols that share patterns with others: they come first. */
  readonly protocols?: readonly Protocol[];
  addRoutes(app: FastifyInstance, options: RoutingOptions): void;
  /** Answers a request that has no route and begins with `/v1`, or whose target cannot be decoded. */
  readonly answerUnrouted?: (request: FastifyRequest, reply: FastifyReply) => void;
}

export interface AppOptions extends RoutingOptions {
  /** Unique within one run. */
  readonly nextRequestId?: () => string;
  readonly doors?: readonly Door[];
  /** False: the doors alone. */
  readonly hasProtocols?: boolean;
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { doors = [], hasProtocols = true, nextRequestId = makeRequestIds() } = options;
  const app = fastify({
    exposeHeadRoutes: false,
    // No route has a JSON schema. Without these two, Fastify would load 10 MiB of schema compilers at every start.
    schemaController: { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } },
    bodyLimit: MAX_BODY_OCTETS,
    routerOptions: { maxParamLength: 4096, querystringParser: parseParameters },
    rewriteUrl: (request) => {
      dropMalformedType(request.headers);
      return routedTarget(request.url ?? '/', request.headers.host, IS_ROUTE);
    },
    genReqId: nextRequestId,
    frameworkErrors: (error, request, reply) =>
      answerUnrouted(doors, request, reply) ?? sendFrameworkError(error, request, reply, options),
  });
  addBodyParsers(app);
  const shared = doors.flatMap(({ protocols = [] }) => protocols);
  addRoutes(app, hasProtocols ? [...shared, ...PROTOCOLS] : shared, options);
  for (const door of doors) door.addRoutes(app, options);
  app.setNotFoundHandler(
    (request, reply) => answerUnrouted(doors, request, reply) ?? sendNotFound(request, reply, options),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => sendFrameworkError(error, request, reply, options));
  return app;
}

/** @returns undefined where it is not a request of the HTTP API */
function answerUnrouted(
  doors: readonly Door[],
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  if (!/^\/v1(?:[/?]|$)/.test(request.raw.url ?? '')) return undefined;
  const door = doors.find((one) => one.answerUnrouted !== undefined);
  door?.answerUnrouted?.(request, reply);
  return door && reply;
}

function refuseSchema(): never {
  throw new TypeError('A protocol checks its requests itself, without JSON schemas.');
}

/** The start time and a counter: unique within one run, and easy to find in a log. */
export function makeRequestIds(): () => string {
  const start = Date.now().toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

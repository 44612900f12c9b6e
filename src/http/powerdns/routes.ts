/**
 * An API that is compatible with that of PowerDNS (https://doc.powerdns.com/authoritative/http-api/), for the records of embedded
 * zones. A key (`X-API-Key`) is a token: what it sees and changes is its scope, so that a client that fetches a whole zone to change
 * one name gets that name alone.
 *
 * Left out: making and removing zones, DNSSEC, metadata, statistics, comments, disabled records.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { actorName, type Principal } from '../../core/access/principal.ts';
import { AppError } from '../../core/errors.ts';
import { tokenScope } from '../../core/records/record-scope.ts';
import { callerOf } from '../app/caller.ts';
import { connectionOf } from '../app/connections.ts';
import { refuseCrossSite } from '../app/cross-origin.ts';
import type { TextByName } from '../app/parameters.ts';
import { sendReply } from '../app/replies.ts';
import type { RoutingOptions } from '../app/routing.ts';
import { clientContext } from '../request/authentication.ts';
import { headerCandidate } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Services } from '../request/door.ts';
import { BodyError, discardRest, endsConnection, readLimitedBody } from '../request/limited-body.ts';
import { errorReply, formatError } from './errors.ts';
import { sendPieces } from './send-pieces.ts';
import {
  type Answer,
  changeZone,
  exportZone,
  listCryptoKeys,
  listZones,
  notFound,
  notifyZone,
  type PiecesReply,
  refuseZones,
  showConfig,
  showServer,
  showServers,
  showZone,
} from './zone-requests.ts';

/** In the history and the counters. */
export const POWERDNS_PROTOCOL = 'powerdns';

/** Of a PATCH, after its key was found to be right. */
export const MAX_PATCH_OCTETS = 2 * 1024 * 1024;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Answers = Readonly<Partial<Record<Method, Answer>>>;

const ZONES = '/api/v1/servers/:server/zones';
const ZONE = `${ZONES}/:zone`;

/** By the pattern of the path, which may have a final slash, too. */
export const POWERDNS_ROUTES: Readonly<Record<string, Answers>> = {
  '/api/v1/servers': { GET: showServers },
  '/api/v1/servers/:server': { GET: showServer },
  '/api/v1/servers/:server/config': { GET: showConfig },
  [ZONES]: { GET: listZones, POST: refuseZones },
  [ZONE]: { GET: showZone, PATCH: changeZone, PUT: refuseZones, DELETE: refuseZones },
  [`${ZONE}/notify`]: { PUT: notifyZone },
  [`${ZONE}/export`]: { GET: exportZone },
  [`${ZONE}/cryptokeys`]: { GET: listCryptoKeys },
};

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const REST = '/api/v1/servers/*';
const EVERY: Answers = { GET: notFound, POST: notFound, PUT: notFound, PATCH: notFound, DELETE: notFound };

export function addPowerdnsRoutes(app: FastifyInstance, options: RoutingOptions): void {
  app.register((scope, _none, done) => {
    // The body is read after the key, and by this door alone.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    for (const [pattern, answers] of Object.entries(POWERDNS_ROUTES)) {
      for (const url of [pattern, `${pattern}/`]) addRoute(scope, url, pattern, answers, options);
    }
    addRoute(scope, REST, REST, EVERY, options);
    done();
  });
}

function addRoute(
  scope: FastifyInstance,
  url: string,
  pattern: string,
  answers: Answers,
  options: RoutingOptions,
): void {
  scope.route({
    method: [...ALL_METHODS],
    url,
    handler: (request, reply) => answer(request, reply, pattern, answers, options),
  });
}

/** A request on its way to its reply. */
interface Exchange extends Pick<DoorRequest, 'headers' | 'clientAddress' | 'peer'> {
  readonly request: FastifyRequest;
  readonly services: Services;
  principal: Principal | undefined;
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  pattern: string,
  answers: Answers,
  { services, trust, observer }: RoutingOptions,
): Promise<FastifyReply> {
  const startMs = performance.now();
  const { address, peer } = callerOf(request.raw.socket, request.headers, trust());
  const exchange: Exchange = {
    request,
    headers: request.headers,
    clientAddress: address,
    peer,
    services: services(),
    principal: undefined,
  };
  let error: AppError | undefined;
  let doorReply: DoorReply;
  try {
    const answered = await answerExchange(exchange, answers);
    doorReply = 'pieces' in answered ? await sendPieces(reply, answered) : answered;
  } catch (cause) {
    if (cause instanceof BodyError) doorReply = errorReply(cause.status, cause.message);
    else {
      error = cause instanceof AppError ? cause : new AppError('internal', 'internal error', { cause });
      error = exchange.services.record.refuse(error, contextOf(exchange));
      doorReply = formatError(error, request.id);
    }
  }
  if (endsConnection(request.raw)) {
    await discardRest(request.raw);
    endWithReply(reply);
  }
  sendReply(reply, doorReply);
  observer.requestAnswered({
    requestId: request.id,
    method: request.method,
    route: pattern,
    source: address?.text ?? 'unknown',
    actor: exchange.principal && actorName(exchange.principal),
    status: doorReply.status,
    durationMs: performance.now() - startMs,
    outcome: doorReply.outcome,
    detail: doorReply.detail,
    error,
    isPrivate: doorReply.isPrivate === true,
  });
  return reply;
}

async function answerExchange(exchange: Exchange, answers: Answers): Promise<DoorReply | PiecesReply> {
  const { request, headers, services } = exchange;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const handle = Object.hasOwn(answers, method) ? answers[method as Method] : undefined;
  if (handle === undefined) return wrongMethod(method, answers);
  refuseCrossSite(headers, { safe: method === 'GET' }, undefined);
  const principal = await authenticate(exchange);
  exchange.principal = principal;
  return handle({
    path: request.params as Record<string, string>,
    query: request.query as TextByName,
    scope: tokenScope(principal.token),
    context: clientContext(exchange, POWERDNS_PROTOCOL, principal),
    services,
    readBody: () => readLimitedBody(request.raw, MAX_PATCH_OCTETS),
  });
}

function wrongMethod(method: string, answers: Answers): DoorReply {
  const headers = { Allow: [...Object.keys(answers), 'OPTIONS'].join(', ') };
  if (method === 'OPTIONS') return { status: 204, body: '', outcome: 'info', detail: '', headers };
  return { ...errorReply(405, 'Method Not Allowed'), headers };
}

type TokenPrincipal = Extract<Principal, { readonly kind: 'token' }>;
const isToken = (principal: Principal): principal is TokenPrincipal => principal.kind === 'token';

/** The master secret is no key here: it is not limited to any name. @throws AppError */
async function authenticate({ headers, clientAddress, peer, services }: Exchange): Promise<TokenPrincipal> {
  const candidate = headerCandidate(headers['x-api-key']);
  if (candidate === undefined) throw new AppError('not-authenticated', 'Unauthorized: the request has no X-API-Key.');
  const found = await services.authenticator.authenticate([candidate], { caller: clientAddress, peer }, isToken);
  if (typeof found === 'object' && isToken(found.principal)) return found.principal;
  throw new AppError('not-authenticated', 'Unauthorized: the X-API-Key is not a valid token.');
}

function contextOf(exchange: Exchange) {
  const { principal, clientAddress: caller, peer } = exchange;
  return principal === undefined ? { caller, peer } : clientContext(exchange, POWERDNS_PROTOCOL, principal);
}

/** The body may not have been read to its end: then it is not known where the next request begins. */
function endWithReply({ raw, request }: FastifyReply): void {
  const connection = connectionOf(request.raw.socket);
  if (connection !== undefined) connection.isRefused = true;
  raw.shouldKeepAlive = false;
}

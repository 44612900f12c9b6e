/**
 * The HTTP API of the administration at `/v1`: who asks (a management key), from which web site, and then the operation.
 * Loaded only with `admin.enabled`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestSource } from '../../core/access/authenticate.ts';
import type { AdminCaller } from '../../core/admin/caller.ts';
import type { Operation } from '../../core/admin/operations.ts';
import { AppError, errorStack } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import type { UserCredential } from '../../core/users/credential.ts';
import type { FoundSession } from '../../core/users/sign-in-store.ts';
import type { ManagementKey, User } from '../../core/users/user.ts';
import type { IpAddress } from '../../dns/address.ts';
import type { Door } from '../app/app.ts';
import { callerOf } from '../app/caller.ts';
import type { ProxyTrust } from '../app/client-address.ts';
import { findCandidates } from '../request/credentials.ts';
import { browserOf, sessionSecret } from './cookies.ts';
import { type OpenStream, type OperationCalls, OperationDoor } from './operation-door.ts';
import { checkHost, checkOrigin, checkOwnPage, isReading } from './origin-rules.ts';

/** Finds the user of a key. @throws AppError not-authenticated, too-many-guesses, store-unreachable */
export interface KeyChecker {
  authenticate(text: string, source: RequestSource): Promise<{ readonly user: User; readonly key: ManagementKey }>;
}

/** Finds the user of a session. @throws AppError not-authenticated, store-unreachable */
export interface SessionChecker {
  authenticate(secret: string): Promise<FoundSession>;
}

/** Finds the user whom a reverse proxy names. */
export interface ProxyUsers {
  /** Undefined: the header is not there. @throws AppError not-permitted, store-unreachable */
  userOf(request: IncomingMessage, peer: IpAddress | undefined): Promise<User | undefined>;
}

export interface ApiOptions {
  /** Each is called for each request, so that a reload takes effect at once. */
  readonly calls: () => OperationCalls;
  readonly keys: () => KeyChecker;
  readonly sessions: () => SessionChecker;
  readonly trust: () => ProxyTrust;
  /** Undefined: no header names a user. */
  readonly proxyUsers: () => ProxyUsers | undefined;
  /** `admin.url`. */
  readonly url: () => string | undefined;
  readonly openStream: OpenStream;
  readonly observer: Observer;
  readonly nextRequestId: () => string;
  /** The document that describes the API, as JSON. */
  readonly openApi: () => string;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const DOCUMENT_PATH = '/v1/openapi.json';

/** What the HTTP API has: everything but the operator's own. */
export function isInApi({ allowed }: Operation): boolean {
  return allowed !== 'operator';
}

/** Answers requests of `/v1`. */
export function apiDoor(options: ApiOptions): Required<Omit<Door, 'protocols'>> {
  const { calls, trust, url, observer, openStream, nextRequestId } = options;
  const door = new OperationDoor({
    calls: { call: (...request) => calls().call(...request) },
    observer,
    has: isInApi,
    openStream,
    nextRequestId,
    sourceOf: (request) => callerOf(request.socket, request.headers, trust()).address?.text ?? 'unknown',
    callerOf: (request, operation) => {
      const { headers } = request;
      checkHost(headers, url());
      checkOrigin(headers, url());
      return identify(request, operation, options);
    },
    browserOf: (request, response) => browserOf(request.headers, response, url()),
  });
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split('?', 1)[0];
    if (path === DOCUMENT_PATH && isReading(request)) {
      sendDocument(request, response, options.openApi());
      return Promise.resolve();
    }
    return door.answer(request, response);
  };
  const take = (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    void answer(request.raw, reply.raw).catch((error: unknown) => {
      reply.raw.destroy();
      observer.warn(`HTTP API: ${errorStack(error)}`);
    });
  };
  const addRoutes = (app: FastifyInstance) =>
    void app.register(async (scope) => {
      // The door reads bodies itself, when it knows who asks.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      for (const path of ['/v1', '/v1/*']) {
        scope.route({ method: [...METHODS], url: path, handler: take });
      }
    });
  return { addRoutes, answerUnrouted: take };
}

function sendDocument(request: IncomingMessage, response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/**
 * By a key, else by the cookie of a session. What a browser without a session may do, needs neither.
 * @throws AppError not-authenticated, too-many-guesses, cross-site, store-unreachable
 */
async function identify(
  request: IncomingMessage,
  operation: Operation | undefined,
  options: ApiOptions,
): Promise<AdminCaller> {
  const { keys, trust, url } = options;
  const { headers, socket } = request;
  const { address, peer } = callerOf(socket, headers, trust());
  const from = { source: address, userAgent: headers['user-agent'] ?? '' };
  const isForAnyone = operation?.allowed === 'anyone';
  if (isForAnyone && !isReading(request)) {
    checkOwnPage(headers, url());
    return { kind: 'anonymous', ...from };
  }
  const candidate = findCandidates(headers, undefined).find(({ isUserName }) => !isUserName);
  if (candidate !== undefined && !isForAnyone) {
    const { user, key } = await keys().authenticate(candidate.text, { caller: address, peer });
    return { kind: 'user', user, credential: { kind: 'key', id: key.id, name: key.name }, ...from };
  }
  const found = await signedInUser(request, peer, options).catch((error: unknown) => {
    // The page asks whether it has a session: an end of it is an answer.
    if (isForAnyone && error instanceof AppError && error.code === 'not-authenticated') return undefined;
    throw error;
  });
  if (found !== undefined) return { kind: 'user', ...found, ...from };
  if (isForAnyone) return { kind: 'anonymous', ...from };
  throw new AppError(
    'not-authenticated',
    "Send a management key: 'Authorization: Bearer dyn_…'. `dyndns user key` makes one. Or sign in with a browser at /ui/.",
  );
}

/**
 * The user whom a reverse proxy names, or of the session in the cookie. Undefined: neither is there.
 * @throws AppError not-authenticated, not-permitted, cross-site, store-unreachable
 */
async function signedInUser(
  request: IncomingMessage,
  peer: IpAddress | undefined,
  { sessions, url, proxyUsers }: ApiOptions,
): Promise<{ readonly user: User; readonly credential: UserCredential } | undefined> {
  const { headers } = request;
  const checkPage = () => isReading(request) || checkOwnPage(headers, url());
  const named = await proxyUsers()?.userOf(request, peer);
  if (named !== undefined) {
    checkPage();
    return { user: named, credential: { kind: 'proxy', id: named.id } };
  }
  const secret = sessionSecret(headers, url());
  if (secret === undefined) return undefined;
  checkPage();
  const { user, session } = await sessions().authenticate(secret);
  const { id, createdMs, endsMs, method } = session;
  return { user, credential: { kind: 'session', id, createdMs, endsMs, method } };
}

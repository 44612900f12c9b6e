/**
 * The HTTP API of the administration at `/v1`: who asks (a management key), from which web site, and then the operation.
 * Loaded only with `admin.enabled`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestSource } from '../../core/access/authenticate.ts';
import type { AdminCaller } from '../../core/admin/caller.ts';
import type { Operation } from '../../core/admin/operations.ts';
import { AppError } from '../../core/errors.ts';
import type { Observer } from '../../core/observer.ts';
import type { ManagementKey, User } from '../../core/users/user.ts';
import type { Door } from '../app/app.ts';
import { callerOf } from '../app/caller.ts';
import type { ProxyTrust } from '../app/client-address.ts';
import { findCandidates } from '../request/credentials.ts';
import { type OpenStream, type OperationCalls, OperationDoor } from './operation-door.ts';
import { checkHost, checkOrigin } from './origin-rules.ts';

/** Finds the user of a key. @throws AppError not-authenticated, too-many-guesses, store-unreachable */
export interface KeyChecker {
  authenticate(text: string, source: RequestSource): Promise<{ readonly user: User; readonly key: ManagementKey }>;
}

export interface ApiOptions {
  /** Each is called for each request, so that a reload takes effect at once. */
  readonly calls: () => OperationCalls;
  readonly keys: () => KeyChecker;
  readonly trust: () => ProxyTrust;
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
  const { calls, keys, trust, url, observer, openStream, nextRequestId } = options;
  const door = new OperationDoor({
    calls: { call: (...request) => calls().call(...request) },
    observer,
    has: isInApi,
    openStream,
    nextRequestId,
    sourceOf: (request) => callerOf(request.socket, request.headers, trust()).address?.text ?? 'unknown',
    callerOf: (request) => {
      const { headers } = request;
      checkHost(headers, url());
      checkOrigin(headers, url());
      return authenticate(request, trust(), keys());
    },
  });
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split('?', 1)[0];
    if (path === DOCUMENT_PATH && (request.method === 'GET' || request.method === 'HEAD')) {
      sendDocument(request, response, options.openApi());
      return Promise.resolve();
    }
    return door.answer(request, response);
  };
  const take = (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    void answer(request.raw, reply.raw).catch((error: unknown) => {
      reply.raw.destroy();
      observer.warn(`HTTP API: ${error instanceof Error ? error.stack : String(error)}`);
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

/** @throws AppError not-authenticated, too-many-guesses, store-unreachable */
async function authenticate(request: IncomingMessage, trust: ProxyTrust, keys: KeyChecker): Promise<AdminCaller> {
  const { headers, socket } = request;
  const { address, peer } = callerOf(socket, headers, trust);
  const candidate = findCandidates(headers, undefined).find(({ isUserName }) => !isUserName);
  if (candidate === undefined) {
    throw new AppError(
      'not-authenticated',
      "Send a management key: 'Authorization: Bearer dyn_…'. `dyndns user key` makes one.",
    );
  }
  const { user, key } = await keys.authenticate(candidate.text, { caller: address, peer });
  return { kind: 'user', user, key, source: address, userAgent: headers['user-agent'] ?? '' };
}

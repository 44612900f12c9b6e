/** Turns the credential of a request into a principal, for every protocol; wrong ones are throttled (guess-limiter.ts). */

import type { Principal } from '../../core/access/principal.ts';
import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError } from '../../core/errors.ts';
import { findCredential } from './credentials.ts';
import type { DoorRequest, Services } from './door.ts';

/**
 * A promise only where the store must be queried, or the credential is wrong.
 * @param parameter the protocol's own credential, from path, query or body
 * @param isMeant whether the credential belongs to the account that the request names; else it is wrong
 * @throws AppError not-authenticated; rate-limited where too many wrong ones wait; store-unreachable
 */
export function authenticateRequest(
  request: DoorRequest,
  services: Pick<Services, 'authenticator' | 'guesses'>,
  parameter: string | undefined,
  isMeant: (principal: Principal) => boolean = anyone,
): Principal | Promise<Principal> {
  const { headers, clientAddress } = request;
  const principal = services.authenticator.authenticate(findCredential(headers, parameter), clientAddress);
  if (principal instanceof Promise) return principal.then((found) => accept(found, request, services, isMeant));
  return accept(principal, request, services, isMeant);
}

const anyone = () => true;

function accept(
  principal: Principal | undefined,
  { clientAddress, peer }: DoorRequest,
  { guesses }: Pick<Services, 'guesses'>,
  isMeant: (principal: Principal) => boolean,
): Principal | Promise<Principal> {
  return principal !== undefined && isMeant(principal) ? principal : refuse(clientAddress ?? peer, guesses);
}

async function refuse(source: DoorRequest['clientAddress'], guesses: Services['guesses']): Promise<never> {
  if ((await guesses.wrong(source)) === 'overloaded') {
    throw new AppError('rate-limited', 'Too many requests with a wrong secret key.', { retryAfterSeconds: 60 });
  }
  throw new AppError('not-authenticated', 'You specified a wrong secret key.');
}

/**
 * The context of a client's request. Some clients send their first request without a credential, to be challenged for it:
 * that is not a guess.
 * A promise only where the store must be queried, or the credential is wrong.
 * @param parameter as above; an empty one is absent
 * @throws AppError as above
 */
export function authenticateClient(
  request: DoorRequest,
  services: Pick<Services, 'authenticator' | 'guesses'>,
  protocol: string,
  parameter: string | undefined,
): RequestContext | Promise<RequestContext> {
  const { headers } = request;
  if (headers.authorization === undefined && !findCredential(headers, parameter)) {
    throw new AppError('not-authenticated', 'The request has no credential.');
  }
  const principal = authenticateRequest(request, services, parameter);
  return principal instanceof Promise
    ? principal.then((found) => contextOf(request, protocol, found))
    : contextOf(request, protocol, principal);
}

function contextOf(
  { headers, clientAddress: caller, peer }: DoorRequest,
  protocol: string,
  principal: Principal,
): RequestContext {
  return { principal, caller, peer, protocol, userAgent: headers['user-agent'] ?? '', origin: 'client' };
}

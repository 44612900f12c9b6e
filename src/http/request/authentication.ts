/** Turns the candidates of a request into a principal, for every protocol. */

import type { Authenticated, Authentication, Candidate } from '../../core/access/authenticate.ts';
import type { Principal } from '../../core/access/principal.ts';
import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError } from '../../core/errors.ts';
import { findCandidates } from './credentials.ts';
import type { DoorRequest, Services } from './door.ts';
import type { Parameters } from './update-parameters.ts';

/**
 * A promise only where the store must be queried, or the first candidate is not the credential.
 * @param isOfKind a credential that this request accepts; any other is wrong
 * @param otherKind the error where there are only credentials of other kinds
 * @throws AppError not-authenticated, too-many-guesses, store-unreachable
 */
export function authenticateRequest(
  request: DoorRequest,
  { authenticator }: Pick<Services, 'authenticator'>,
  candidates: readonly Candidate[],
  isOfKind?: (principal: Principal) => boolean,
  otherKind: () => AppError = wrongCredential,
): Authenticated | Promise<Authenticated> {
  const { clientAddress: caller, peer } = request;
  const found = authenticator.authenticate(candidates, { caller, peer }, isOfKind);
  return found instanceof Promise
    ? found.then((one) => accept(one, request, otherKind))
    : accept(found, request, otherKind);
}

function accept(found: Authentication, request: DoorRequest, otherKind: () => AppError): Authenticated {
  if (typeof found === 'object') {
    request.principal = found.principal;
    return found;
  }
  throw found === 'wrong' ? wrongCredential() : otherKind();
}

function wrongCredential(): AppError {
  return new AppError('not-authenticated', 'You specified a wrong secret key.');
}

/**
 * The context of a client's request. Some clients send their first request without a credential, to be challenged for it:
 * that is not a guess.
 * A promise only where the store must be queried, or the first candidate is not the credential.
 * @param parameters with names in lower case @param own see findCandidates
 * @throws AppError as above
 */
export function authenticateClient(
  request: DoorRequest,
  services: Pick<Services, 'authenticator'>,
  protocol: string,
  parameters: Parameters,
  ...own: readonly (string | undefined)[]
): RequestContext | Promise<RequestContext> {
  const candidates = findCandidates(request.headers, parameters, ...own);
  if (candidates.length === 0) throw new AppError('not-authenticated', 'The request has no credential.');
  const found = authenticateRequest(request, services, candidates);
  return found instanceof Promise
    ? found.then(({ principal }) => clientContext(request, protocol, principal))
    : clientContext(request, protocol, found.principal);
}

/** For an error reply: with the principal, if the request got so far. */
export function refusalContext(
  request: DoorRequest,
  protocol: string,
): RequestContext | Pick<RequestContext, 'caller' | 'peer'> {
  const { clientAddress: caller, peer, principal } = request;
  return principal === undefined ? { caller, peer } : clientContext(request, protocol, principal);
}

export function clientContext(
  { headers, clientAddress: caller, peer }: Pick<DoorRequest, 'headers' | 'clientAddress' | 'peer'>,
  protocol: string,
  principal: Principal,
): RequestContext {
  return { principal, caller, peer, protocol, userAgent: headers['user-agent'] ?? '', origin: 'client' };
}

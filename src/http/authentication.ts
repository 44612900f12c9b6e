/** The credential of a request to a principal, for every protocol; wrong ones are slowed down (limits.ts). */
import { AppError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import type { RequestContext } from '../core/request-context.ts';
import { findCredential } from './credentials.ts';
import type { DoorRequest, Services } from './door.ts';

/**
 * @param parameter the protocol's own credential, from path, query or body
 * @param isMeant whether the credential is that of the one whom the request names; else it is as good as a wrong one
 * @throws AppError not-authenticated; rate-limited where too many wrong ones wait; store-unreachable
 */
export async function authenticateRequest(
  { headers, clientAddress }: DoorRequest,
  { authenticator, guesses }: Pick<Services, 'authenticator' | 'guesses'>,
  parameter: string | undefined,
  isMeant: (principal: Principal) => boolean = () => true,
): Promise<Principal> {
  const answer = authenticator.authenticate(findCredential(headers, parameter), clientAddress);
  const principal = answer instanceof Promise ? await answer : answer;
  if (principal !== undefined && isMeant(principal)) return principal;
  if ((await guesses.wrong(clientAddress)) === 'overloaded') {
    throw new AppError('rate-limited', 'Too many requests with a wrong secret key.', { retryAfterSeconds: 60 });
  }
  throw new AppError('not-authenticated', 'You specified a wrong secret key.');
}

/**
 * Who sends the request of a protocol, and whence. The first request of some clients has no credential, so as to be asked
 * for it: that is no guess.
 * @param parameter as above; an empty one is absent
 * @throws AppError as above
 */
export async function authenticateClient(
  request: DoorRequest,
  services: Pick<Services, 'authenticator' | 'guesses'>,
  protocol: string,
  parameter: string | undefined,
): Promise<RequestContext> {
  const { headers, clientAddress: caller } = request;
  if (headers.authorization === undefined && !findCredential(headers, parameter)) {
    throw new AppError('not-authenticated', 'The request has no credential.');
  }
  const principal = await authenticateRequest(request, services, parameter);
  return { principal, caller, protocol, userAgent: headers['user-agent'] ?? '' };
}

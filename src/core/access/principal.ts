/** The authenticated party of a request. */
import { type TokenOwner, tokenOwner, type User } from '../users/user.ts';
import type { HostToken } from './token.ts';

export type Principal =
  /**
   * The master secret, or the operator: it covers every name in every zone. With `user`: a user of the HTTP API, whose right to
   * change the host was checked before.
   */
  | { readonly kind: 'master'; readonly user?: User }
  /** A token covers its own hosts and RR types. */
  | { readonly kind: 'token'; readonly token: HostToken };

/**
 * Whom a credential acts for, if that is not the operator: it may change only what this user may, and its changes count towards
 * those of the user.
 */
export function ownerOfPrincipal(principal: Principal): TokenOwner | undefined {
  if (principal.kind === 'token') return principal.token.owner;
  return principal.user && tokenOwner(principal.user);
}

export const MASTER: Principal = { kind: 'master' };

/** The principal in the log and the history: never a secret. */
export function actorName(principal: Principal): string {
  return principal.kind === 'master' ? (principal.user?.name ?? 'master') : principal.token.name;
}

/** The authenticated party of a request. */
import type { HostToken } from './token.ts';

export type Principal =
  /** The master secret covers every name in every zone. */
  | { readonly kind: 'master' }
  /** A token covers its own hosts and RR types. */
  | { readonly kind: 'token'; readonly token: HostToken };

export const MASTER: Principal = { kind: 'master' };

/** The principal in the log and the history: never a secret. */
export function actorName(principal: Principal): string {
  return principal.kind === 'master' ? 'master' : principal.token.name;
}

/** Who is asking, once the credential is known. */
import type { HostToken } from './token.ts';

export type Principal =
  /** The master secret covers every name in every zone. */
  | { readonly kind: 'master' }
  /** A token may do what it says. */
  | { readonly kind: 'token'; readonly token: HostToken };

export const MASTER: Principal = { kind: 'master' };

/** For the log and the history: never a secret. */
export function actorName(principal: Principal): string {
  return principal.kind === 'master' ? 'master' : principal.token.name;
}

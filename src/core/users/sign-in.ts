/** How users sign in with a browser: sessions, one-time links, and the secrets of a user. Of a session or link only the SHA-256 is stored. */
import type { Quotas, UserRole } from './user.ts';

/** How a session began. */
export type SignInMethod = 'link' | 'password' | 'oidc';

/** A browser that is signed in. It may do what its user may. */
export interface Session {
  /** Random; also the id of its last use (TokenStore.touchLastUsed). */
  readonly id: string;
  readonly userId: string;
  /** Of the secret in the cookie. */
  readonly sha256: string;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  /** It ends then, however much it is used. */
  readonly endsMs: number;
  readonly method: SignInMethod;
  /** The address that signed in; empty if it was not known. */
  readonly source: string;
  readonly userAgent: string;
}

export interface ListedSession extends Session {
  /** Accurate to about a second; absent: not since the sign-in. */
  readonly lastUsedMs?: number;
}

/** Sessions of one user: a new one ends the oldest. */
export const MAX_SESSIONS = 50;

/** `sign-in`: of a user who exists. `invitation`: whoever has it chooses a name and becomes a user. */
export type LinkKind = 'sign-in' | 'invitation';

/** A link that is valid once. */
export interface OneTimeLink {
  readonly id: string;
  readonly kind: LinkKind;
  /** Of the secret in the fragment of the URL. */
  readonly sha256: string;
  /** Of a sign-in link. */
  readonly userId?: string;
  /** Of an invitation: what the new user gets. */
  readonly invitation?: Invitation;
  /** The name of a user; `operator`: the command line, or the server itself. */
  readonly createdBy: string;
  readonly createdMs: number;
  /** It is valid until then. */
  readonly endsMs: number;
}

export interface Invitation {
  readonly role: UserRole;
  readonly quotas: Quotas;
  /** The name that the user gets; absent: the user chooses it. */
  readonly name?: string;
  /** The server made it because it has no users. */
  readonly isFirst?: true;
}

/** Of one user. */
export interface UserSecrets {
  /** PHC string, see password.ts; absent: there is none. */
  readonly password?: string;
  /** Base32, in force; absent: no second factor. */
  readonly totp?: string;
  /** Base32, of a second factor that is not confirmed yet. */
  readonly pendingTotp?: string;
}

/** An account at an OpenID provider that belongs to a user. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly userId: string;
}

/**
 * Users of the HTTP API: who they are, what each may have, and their management keys. Of a key only the SHA-256 is stored.
 *
 * The operator, who owns the machine, is not a user: what has no owner belongs to the operator and to the admins.
 */

/** `admin`: everything but the files of the server. `member`: own hosts and tokens, and hosts that are shared with them. */
export type UserRole = 'admin' | 'member';

/** 0: no limit. An admin has none. */
export interface Quotas {
  /** Hosts that the user owns. */
  readonly hosts: number;
  /** Valid tokens of the user. */
  readonly tokens: number;
  /** Changes of all tokens of the user together. */
  readonly changesPerMinute: number;
}

/** Of a new member. */
export const DEFAULT_QUOTAS: Quotas = { hosts: 20, tokens: 50, changesPerMinute: 60 };

export interface User {
  /** Random; never reused. */
  readonly id: string;
  /** Unique; see USER_NAME. */
  readonly name: string;
  readonly role: UserRole;
  readonly quotas: Quotas;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  /** Absent: the user is enabled. A disabled user's keys and tokens are refused; records stay. */
  readonly disabledMs?: number;
}

/** One to 64 lower-case letters, digits and `. _ @ + -`, beginning with a letter or digit. */
export const USER_NAME = /^[a-z0-9][a-z0-9._@+-]{0,63}$/;

/** A credential for the HTTP API. It may do what its user may. */
export interface ManagementKey {
  /** Random; also the id of its last use (TokenStore.touchLastUsed). */
  readonly id: string;
  readonly userId: string;
  /** Unique among the valid keys of the user; not secret. */
  readonly name: string;
  /** Of the whole key, with its prefix: 64 hexadecimal digits, lower case. */
  readonly sha256: string;
  readonly createdMs: number;
  /** The last day on which it is valid, `YYYY-MM-DD` in UTC. */
  readonly expires?: string;
  /** It ends when it was not used for this number of days, since its creation or its last use. */
  readonly maxUnusedDays?: number;
  readonly revokedMs?: number;
}

export interface ListedKey extends ManagementKey {
  /** Accurate to about a second; absent: never used. */
  readonly lastUsedMs?: number;
}

/** What every management key begins with, so that people and scanners recognise one; 32 letters and digits follow. */
export const KEY_PREFIX = 'dyn_';

/** What a user may do with a host: everything, change its addresses and records, or see it. */
export type HostAccess = 'own' | 'change' | 'view';

/** A host that its owner lets another user see or change. */
export interface HostShare {
  readonly userId: string;
  readonly access: 'change' | 'view';
}

/** The owner of a token, as far as each use of the token depends on it. */
export interface TokenOwner {
  /** User.id. */
  readonly id: string;
  readonly name: string;
  /** An admin's token may change every host in its scope. */
  readonly role: UserRole;
  readonly isDisabled: boolean;
  /** 0: no limit. */
  readonly changesPerMinute: number;
}

/** What a token has of its owner. */
export function tokenOwner({ id, name, role, quotas, disabledMs }: User): TokenOwner {
  const changesPerMinute = role === 'admin' ? 0 : quotas.changesPerMinute;
  return { id, name, role, isDisabled: disabledMs !== undefined, changesPerMinute };
}

/** Of a token whose owner was removed meanwhile: it may do nothing, and is not the operator's. */
export function missingOwner(id: string): TokenOwner {
  return { id, name: '', role: 'member', isDisabled: true, changesPerMinute: 0 };
}

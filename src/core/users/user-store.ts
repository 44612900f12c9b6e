/** Contract: where users and their management keys are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { ListedKey, ManagementKey, Quotas, User, UserRole } from './user.ts';

export const MAX_REVOKED_KEYS = 100;

export interface UserPage {
  /** By name, compared by code points. */
  readonly users: readonly User[];
  /** The name after which the next page begins; absent: there is none. */
  readonly next?: string;
}

/** What changes; absent: stays. */
export interface UserChange {
  readonly role?: UserRole;
  readonly quotas?: Quotas;
  /** Null: the user is enabled again. */
  readonly disabledMs?: number | null;
}

export interface UserConditions {
  /** The change must leave an admin who is enabled, else it is refused with `last-admin`. */
  readonly keepAdmin?: boolean;
}

/** What becomes of a removed user's hosts, tokens and history. Keys always end. */
export interface UserRemoval {
  /** `operator`: they stay and belong to the operator. `remove`: their settings are removed; records stay at the primary. */
  readonly hosts: 'operator' | 'remove';
  /** `operator`: they stay, except those with a name that the user might not change: they would gain power, and are revoked. */
  readonly tokens: 'operator' | 'revoke';
  /** `purge`: the events and the activity of the hosts that the user owned are deleted. */
  readonly history: 'keep' | 'purge';
}

export interface RemovedUser {
  /** Those whose settings changed or were removed: what the user owned, and what was shared with the user. */
  readonly hosts: readonly DomainName[];
  /** Numbers of tokens. */
  readonly revoked: number;
  readonly kept: number;
}

export interface UserStore {
  create(user: User): Promise<'created' | 'name-taken'>;

  get(name: string): Promise<User | undefined>;

  /** By name; an unknown name is not in the map. */
  byName(names: readonly string[]): Promise<ReadonlyMap<string, User>>;

  /** By id; an unknown id is not in the map. */
  byId(ids: readonly string[]): Promise<ReadonlyMap<string, User>>;

  /** @param after the name after which the page begins @param search a part of the name, in any case */
  page(limit: number, after?: string, search?: string): Promise<UserPage>;

  /**
   * Changes a user. It is in force for the user's tokens within a second in every process.
   * @returns the user after the change; undefined: there is none of this id
   */
  update(id: string, change: UserChange, conditions?: UserConditions): Promise<User | 'last-admin' | undefined>;

  /**
   * Removes a user and everything that `UserRemoval` says, in one transaction.
   * @returns undefined: there is none of this id
   * @throws AppError contended, where others change users and hosts all the time
   */
  remove(
    id: string,
    removal: UserRemoval,
    nowMs: number,
    conditions?: UserConditions,
  ): Promise<RemovedUser | 'last-admin' | undefined>;

  /**
   * Of the revoked keys of the user, the newest MAX_REVOKED_KEYS stay.
   * `name-taken`: a key of the user that is not revoked has this name. `user-unknown`: there is no such user.
   */
  createKey(key: ManagementKey): Promise<'created' | 'name-taken' | 'user-unknown'>;

  /** The key with this SHA-256, also if it is revoked or expired, and its user. Not cached: a revocation is in force at once. */
  findKey(sha256: string): Promise<{ readonly key: ListedKey; readonly user: User } | undefined>;

  /** By id, with the users, as `findKey`; for streams, which ask again while they are open. */
  findKeys(ids: readonly string[]): Promise<readonly { readonly key: ListedKey; readonly user: User }[]>;

  /** The keys of a user, revoked ones included, by name and then by age. */
  listKeys(userId: string): Promise<readonly ListedKey[]>;

  revokeKey(userId: string, name: string, nowMs: number): Promise<'revoked' | 'unknown'>;
}

/** Contract: many users, hosts and tokens that are created together, all or none. See core/store.ts for durability and errors. */
import type { HostToken } from './access/token.ts';
import type { HostSettings } from './hosts/host.ts';
import type { User } from './users/user.ts';

/** The numbers that a user may own after the creation, of hosts and of valid tokens. */
export interface OwnedLimit {
  readonly hosts: number;
  readonly tokens: number;
}

export interface GivenHost {
  /** The settings that were read. */
  readonly before: HostSettings;
  readonly after: HostSettings;
}

export interface CustomerBatch {
  readonly users: readonly User[];
  /** Of hosts that have no settings. Their owners exist, or are among `users`. */
  readonly hosts: readonly HostSettings[];
  /** Hosts that have settings, of which only the owner is new. */
  readonly given?: readonly GivenHost[] | undefined;
  /** Their owners exist, or are among `users`; of `owner` the id counts. */
  readonly tokens: readonly HostToken[];
  /** By the id of the user; absent: no limit. */
  readonly limits?: ReadonlyMap<string, OwnedLimit> | undefined;
}

export type CustomerKind = 'user' | 'host' | 'given' | 'token';

/**
 * `exists`: a user or a token has the name, the host has settings, or another entry of the batch has the same name.
 * `changed`: a host that is given has other settings now. `secret-taken`: a token has the secret. `owner-unknown`: no user has the id of the owner. `quota`: the owner would own too many.
 */
export type ConflictReason = 'exists' | 'changed' | 'secret-taken' | 'owner-unknown' | 'quota';

export interface CustomerConflict {
  readonly kind: CustomerKind;
  /** In the list of that kind. */
  readonly index: number;
  readonly why: ConflictReason;
}

/** Not empty where nothing was created. */
export type CustomerOutcome = { readonly conflicts: readonly CustomerConflict[] };

export interface CustomerStore {
  /**
   * Creates everything in one transaction, or nothing. After store-unreachable it is safe to call again with the same batch.
   * @throws AppError contended, where others change users and hosts all the time
   */
  create(batch: CustomerBatch): Promise<CustomerOutcome>;
}

/** Contract: where settings of hosts are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';
import type { HostActivity } from '../history/history.ts';
import type { HostAccess } from '../users/user.ts';
import type { HostSettings } from './host.ts';

export interface PutConditions {
  /**
   * The settings that were read before: they must be in force still, so that a concurrent change is not lost. Null: the host
   * must have none. Absent: any.
   */
  readonly expected?: HostSettings | null;
  /** The owner may own this many hosts, this one included. Checked together with the change. */
  readonly maxOwned?: number;
}

/**
 * `changed`: the host has other settings than `expected`. `quota`: the owner owns `maxOwned` others. `owner-unknown`: no user
 * has the id of `ownerId`.
 */
export type PutOutcome = 'put' | 'changed' | 'quota' | 'owner-unknown';

/** Which hosts; every one without a field. */
export interface HostQuery {
  /** At least 1. */
  readonly limit: number;
  /** The page begins behind this name. */
  readonly after?: DomainName | undefined;
  /** Only hosts that this user owns or that are shared with the user. */
  readonly userId?: string | undefined;
  /** Of those: only with this access. */
  readonly access?: HostAccess | undefined;
  /** A part of the name, in any case. */
  readonly search?: string | undefined;
}

/** A host with settings, or one that was updated. */
export interface ListedHost {
  readonly ownerName: DomainName;
  readonly settings?: HostSettings;
  readonly activity?: HostActivity;
}

export interface HostPage {
  /** By the lower-case text of the name, compared by code points. */
  readonly hosts: readonly ListedHost[];
  /** The name behind which the next page begins; absent: there is none. */
  readonly next?: DomainName;
}

export interface HostGrant {
  readonly ownerName: DomainName;
  readonly access: HostAccess;
}

export interface HostStore {
  /** Sets all settings of a host, and who has access to it. */
  put(settings: HostSettings, conditions?: PutConditions): Promise<PutOutcome>;
  get(ownerName: DomainName): Promise<HostSettings | undefined>;
  /** In canonical order of names (RFC 4034 §6.1). */
  list(): Promise<readonly HostSettings[]>;
  /** Those whose silence is limited (`silentAfterSeconds`, `leaseSeconds`): a few of many, found by an index. */
  listLimited(): Promise<readonly HostSettings[]>;
  /** Hosts with settings and hosts that were updated, page by page. */
  page(query: HostQuery): Promise<HostPage>;
  /** The hosts that a user owns or that are shared with the user, in the order of `page`. */
  hostsOf(userId: string): Promise<readonly HostGrant[]>;
  countOwned(userId: string): Promise<number>;
  /**
   * Removes the settings of a host and all access to it. Its history and its pending updates stay.
   * @param expected as of `put`; `changed`: it has others
   */
  remove(ownerName: DomainName, expected?: HostSettings): Promise<'removed' | 'unknown' | 'changed'>;
}

/**
 * Contract: hosts as people look at them, with their state, their addresses and what happened to them lately. It is written
 * with the events, the activity and the settings of hosts, so that a page of a hundred thousand is read at once. See
 * core/store.ts for durability and errors.
 */
import type { DomainName } from '../../dns/name.ts';
import type { HistoryEvent } from '../history/history.ts';
import type { HostAccess } from '../users/user.ts';
import type { HostSettings } from './host.ts';

/**
 * The first that holds. `disabled`: updates are refused. `waiting`: an update was accepted and is not published yet.
 * `lease-ended`: its addresses were replaced because it was silent, and it has not come back. `never`: no update yet.
 * `silent`: for longer than its settings allow. `fresh`: everything else.
 */
export type HostState = 'waiting' | 'silent' | 'lease-ended' | 'disabled' | 'never' | 'fresh';

/** The most urgent first: the order of a list that is sorted by state. */
export const HOST_STATES: readonly HostState[] = ['waiting', 'silent', 'lease-ended', 'disabled', 'never', 'fresh'];

/** `state`: the most urgent first; `seen`, `changed`: the newest first. Among equals by name. */
export type OverviewSort = 'name' | 'state' | 'seen' | 'changed';

/** What a host is sorted by: the rank of its state, or a time in milliseconds since 1970; 0 of all by name. */
export type SortKey = number;

export interface OverviewPlace {
  readonly key: SortKey;
  readonly ownerName: DomainName;
}

export interface OverviewQuery {
  /** At least 1. */
  readonly limit: number;
  readonly sort: OverviewSort;
  /** The page begins behind this place. */
  readonly after?: OverviewPlace | undefined;
  readonly state?: HostState | undefined;
  /** Only hosts that this user owns or that are shared with the user. */
  readonly userId?: string | undefined;
  /** Of those: only with this access. */
  readonly access?: HostAccess | undefined;
  /** A part of the name, in any case. */
  readonly search?: string | undefined;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly nowMs: number;
}

export interface KnownAddresses {
  readonly addresses: readonly string[];
  /** Undefined: longer than the history knows. */
  readonly sinceMs?: number;
}

/** What happened to a host on one day. */
export interface DayCount {
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  readonly changes: number;
  /** Refusals and failures. */
  readonly faults: number;
}

export interface HostFacts {
  readonly ownerName: DomainName;
  readonly settings?: HostSettings;
  /** The addresses that were published last, as far as the history knows. */
  readonly A?: KnownAddresses;
  readonly AAAA?: KnownAddresses;
  readonly lastSeenMs?: number;
  readonly lastChangeMs?: number;
  /** The last change was the end of the lease. */
  readonly isLease: boolean;
  /** The last event that was refused or failed, while the history has it. */
  readonly fault?: HistoryEvent;
  /** When its oldest pending update was accepted. */
  readonly waitingSinceMs?: number;
  /** Days with events, in any order; at least the last 90. */
  readonly days: readonly DayCount[];
}

export interface OverviewHost extends HostFacts {
  readonly state: HostState;
}

export interface OverviewPage {
  readonly hosts: readonly OverviewHost[];
  /** Behind it the next page begins; absent: there is none. */
  readonly next?: OverviewPlace;
}

export type HostCounts = Readonly<Record<HostState, number>>;

export interface OverviewStore {
  /** Hosts with settings, those that were updated, and those whose updates failed. */
  page(query: OverviewQuery): Promise<OverviewPage>;
  /** Of these hosts those that are known, in any order. */
  hosts(ownerNames: readonly DomainName[], nowMs: number): Promise<readonly OverviewHost[]>;
  /** How many hosts are in each state. */
  count(query: Pick<OverviewQuery, 'userId' | 'access' | 'nowMs'>): Promise<HostCounts>;
  /** Since when updates could arrive without a pause; 0: not recorded. */
  watchedSinceMs(): Promise<number>;
}

type StateFacts = Pick<HostFacts, 'lastSeenMs' | 'lastChangeMs' | 'isLease' | 'waitingSinceMs'>;
type StateSettings = Pick<HostSettings, 'enabled' | 'silentAfterSeconds'>;

/** @param watchedSinceMs see OverviewStore: time without a running server does not count as silence */
export function hostState(
  { lastSeenMs, lastChangeMs, isLease, waitingSinceMs }: StateFacts,
  settings: StateSettings | undefined,
  nowMs: number,
  watchedSinceMs: number,
): HostState {
  if (settings?.enabled === false) return 'disabled';
  if (waitingSinceMs !== undefined) return 'waiting';
  if (isLease && (lastSeenMs ?? 0) < (lastChangeMs ?? 0)) return 'lease-ended';
  if (lastSeenMs === undefined) return lastChangeMs === undefined ? 'never' : 'fresh';
  const afterSeconds = settings?.silentAfterSeconds;
  if (afterSeconds === undefined) return 'fresh';
  return Math.max(lastSeenMs, watchedSinceMs) + afterSeconds * 1000 <= nowMs ? 'silent' : 'fresh';
}

export function sortKey({ state, lastSeenMs, lastChangeMs }: OverviewHost, sort: OverviewSort): SortKey {
  switch (sort) {
    case 'name':
      return 0;
    case 'state':
      return HOST_STATES.indexOf(state);
    case 'seen':
      return lastSeenMs ?? 0;
    case 'changed':
      return lastChangeMs ?? 0;
  }
}

/** Compares two places in a list that is sorted this way; names by their lower-case text, by code points. */
export function comparePlaces(a: OverviewPlace, b: OverviewPlace, sort: OverviewSort): number {
  if (a.key !== b.key) return sort === 'seen' || sort === 'changed' ? b.key - a.key : a.key - b.key;
  const [first, second] = [a, b].map(({ ownerName }) => ownerName.toString().toLowerCase()) as [string, string];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** The place of a host in a list. */
export function placeOf(host: OverviewHost, sort: OverviewSort): OverviewPlace {
  return { key: sortKey(host, sort), ownerName: host.ownerName };
}

/**
 * Wishes: addresses that were accepted and could not be published yet. One for each name and family; a newer one takes
 * its place. Here is what a wish is and what becomes of it; who tries again, and when, is not.
 */
import type { DomainName } from '../../dns/name.ts';
import type { ErrorCode } from '../errors.ts';
import type { Family } from '../zones/family.ts';

export interface NewPendingUpdate {
  readonly ownerName: DomainName;
  readonly family: Family;
  /** A canonical address; null: none. */
  readonly wanted: string | null;
  /** Seconds, for what is written. */
  readonly ttl: number;
  /**
   * What may be published if nobody else has changed it, each a sorted list: what was there when the wish was made; then
   * what wishes before this one wanted and had, because a message that was given up may still arrive. Undefined: that
   * could not be read.
   */
  readonly before: readonly (readonly string[])[] | undefined;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  readonly nextAttemptMs: number;
  readonly lastError?: ErrorCode;
  /** Wishes with the same text came of one request and are published in one step. */
  readonly site?: string;
}

export interface PendingUpdate extends NewPendingUpdate {
  /** Greater than that of every wish that the store had before. */
  readonly sequence: number;
  /** How often it was tried again. */
  readonly attempts: number;
}

/**
 * What to do about a wish, given what is published now.
 * - `settled`: it is there already.
 * - `publish`: nobody has changed it since.
 * - `foreign`: somebody else has; only `reconcile: enforce` may write over it.
 */
export function judgePending(
  { wanted, before }: Pick<PendingUpdate, 'wanted' | 'before'>,
  published: readonly string[],
): 'settled' | 'publish' | 'foreign' {
  if (isSame(addressesOf(wanted), published)) return 'settled';
  return before === undefined || before.some((addresses) => isSame(addresses, published)) ? 'publish' : 'foreign';
}

/** States that a wish remembers at most: half of them the newest, and the oldest, which are the likeliest to be there. */
const MAX_BEFORE = 16;

/** What may be published under a new wish that takes the place of `older`. @param known what was read or recalled */
export function statesBefore(
  known: readonly string[] | undefined,
  older: Pick<PendingUpdate, 'wanted' | 'before' | 'attempts' | 'lastError'> | undefined,
): NewPendingUpdate['before'] {
  if (older === undefined) return known && [known];
  if (known === undefined && older.before === undefined) return undefined;
  const wasSent = older.attempts > 0 || older.lastError !== 'primary-unreachable';
  const sent = wasSent ? [addressesOf(older.wanted)] : [];
  const states = [...(known ? [known] : []), ...sent, ...(older.before ?? [])];
  const different = states.filter((state, index) => states.findIndex((other) => isSame(state, other)) === index);
  if (different.length <= MAX_BEFORE) return different;
  return [...different.slice(0, MAX_BEFORE / 2), ...different.slice(-MAX_BEFORE / 2)];
}

function addressesOf(wanted: string | null): readonly string[] {
  return wanted === null ? [] : [wanted];
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((address, index) => address === others[index]);
}

const FIRST_RETRY_MS = 2_000;
export const LAST_RETRY_MS = 30_000;

/** Milliseconds until the next attempt: twice as long each time, from 2 to 30 seconds. */
export function retryDelayMs(attempts: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 20), LAST_RETRY_MS);
}

/** After which failures a wish is kept: a refusal by key or policy keeps none. `SERVFAIL` is primary-refused too. */
export function keepsPending(code: ErrorCode, rcode?: string): boolean {
  return code === 'primary-unreachable' || code === 'publish-unknown' || rcode === 'SERVFAIL';
}

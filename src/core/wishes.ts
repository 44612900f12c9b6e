/**
 * Wishes: addresses that were accepted and could not be published yet. One for each name and family; a newer one takes
 * its place. Here is what a wish is and what becomes of it; who tries again, and when, is not.
 */
import type { DomainName } from '../dns/name.ts';
import type { ErrorCode } from './errors.ts';
import type { Family } from './plan-change.ts';

export interface NewWish {
  readonly ownerName: DomainName;
  readonly family: Family;
  /** A canonical address; null: none. */
  readonly wanted: string | null;
  /** Seconds, for what is written. */
  readonly ttl: number;
  /** What was published when the wish was made, sorted; undefined: that could not be read. */
  readonly before: readonly string[] | undefined;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  readonly nextAttemptMs: number;
  readonly lastError?: ErrorCode;
}

export interface Wish extends NewWish {
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
export function judgeWish(
  { wanted, before }: Pick<Wish, 'wanted' | 'before'>,
  published: readonly string[],
): 'settled' | 'publish' | 'foreign' {
  if (isSame(wanted === null ? [] : [wanted], published)) return 'settled';
  return before === undefined || isSame(before, published) ? 'publish' : 'foreign';
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((address, index) => address === others[index]);
}

const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 300_000;

/** Milliseconds until the next attempt: twice as long each time, from 2 seconds to 5 minutes. */
export function retryDelayMs(attempts: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 20), LAST_RETRY_MS);
}

/** After which failures a wish is kept: a refusal by key or policy keeps none. `SERVFAIL` is primary-refused too. */
export function keepsWish(code: ErrorCode, rcode?: string): boolean {
  return code === 'primary-unreachable' || code === 'publish-unknown' || rcode === 'SERVFAIL';
}

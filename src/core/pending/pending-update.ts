/**
 * A pending update: addresses that were accepted and could not be published yet. There is one for each name and family; a
 * newer one replaces it. Here is what it is and what becomes of it, without the store and the timers.
 */
import type { DomainName } from '../../dns/name.ts';
import { type AppError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import { type Family, sameAddresses } from '../zones/family.ts';

export interface NewPendingUpdate {
  readonly ownerName: DomainName;
  readonly family: Family;
  /** Sorted canonical addresses; empty: none. */
  readonly wanted: readonly string[];
  /** Seconds, for what is written. */
  readonly ttl: number;
  /**
   * The states over which it may be published, because no one else has made them; each is a sorted list. First what was
   * there when it was saved, then what earlier pending updates wanted and found, because a message that was given up may
   * still arrive. Undefined: that could not be read.
   */
  readonly before: readonly (readonly string[])[] | undefined;
  /** Milliseconds since 1970, as every `…Ms` here. */
  readonly createdMs: number;
  readonly nextAttemptMs: number;
  readonly lastError?: ErrorCode;
  /** Pending updates with the same text result from one request and are published in one step. */
  readonly site?: string;
}

export interface PendingUpdate extends NewPendingUpdate {
  /** Greater than that of every pending update that the store had before. */
  readonly sequence: number;
  /** Retries so far. */
  readonly attempts: number;
}

/**
 * What to do with a pending update, given what is published now.
 * - `settled`: it is published already.
 * - `publish`: no one has changed the name since.
 * - `foreign`: someone else has; only `reconcile: enforce` may write over it.
 */
export function judgePending(
  { wanted, before }: Pick<PendingUpdate, 'wanted' | 'before'>,
  published: readonly string[],
): 'settled' | 'publish' | 'foreign' {
  if (sameAddresses(wanted, published)) return 'settled';
  return before === undefined || before.some((addresses) => sameAddresses(addresses, published))
    ? 'publish'
    : 'foreign';
}

/** States that one pending update stores at most: half of them the newest, and the oldest, which are the most likely. */
const MAX_BEFORE = 16;

/**
 * The states over which a new pending update may be published that replaces `older`.
 * @param known what was read or recalled
 */
export function statesBefore(
  known: readonly string[] | undefined,
  older: Pick<PendingUpdate, 'wanted' | 'before' | 'attempts' | 'lastError'> | undefined,
): NewPendingUpdate['before'] {
  if (older === undefined) return known && [known];
  if (known === undefined && older.before === undefined) return undefined;
  const wasSent = older.attempts > 0 || older.lastError !== 'primary-unreachable';
  const sent = wasSent ? [older.wanted] : [];
  const states = [...(known ? [known] : []), ...sent, ...(older.before ?? [])];
  const different = states.filter((state, index) => states.findIndex((other) => sameAddresses(state, other)) === index);
  if (different.length <= MAX_BEFORE) return different;
  return [...different.slice(0, MAX_BEFORE / 2), ...different.slice(-MAX_BEFORE / 2)];
}

const FIRST_RETRY_MS = 2_000;
export const LAST_RETRY_MS = 30_000;

/** Milliseconds until the next attempt: exponential backoff from 2 to 30 seconds. */
export function retryDelayMs(attempts: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 20), LAST_RETRY_MS);
}

/**
 * What a failed update means for pending updates of its names (see ErrorFacts.pending). `SERVFAIL` is primary-refused like a
 * refusal by key or policy, but the primary may answer otherwise soon.
 */
export function pendingAfter({ code, rcode }: Pick<AppError, 'code' | 'rcode'>): 'keep' | 'end' | 'leave' {
  return rcode === 'SERVFAIL' ? 'keep' : ERROR_CODES[code].pending;
}

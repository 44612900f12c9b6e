/**
 * Limits the guessing of passwords and codes of one account: ten attempts, then one every 30 seconds. A browser that has signed in
 * to the account before has a budget of its own, so that strangers cannot lock a user out. Pure: the clock is passed in.
 */
import { setBounded } from '../bounded-map.ts';
import { AppError } from '../errors.ts';

const ATTEMPTS = 10;
const REFILL_MS = 30_000;

interface Bucket {
  level: number;
  atMs: number;
}

export class AttemptBudget {
  readonly #nowMs: () => number;
  readonly #maxKeys: number;
  /** A full one is not stored. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param nowMs monotonic */
  constructor(nowMs: () => number, maxKeys: number) {
    this.#nowMs = nowMs;
    this.#maxKeys = maxKeys;
  }

  /**
   * Takes one attempt, before it is evaluated. @returns to be called if it was right: it gives the attempt back
   * @throws AppError rate-limited
   */
  take(key: string): () => void {
    const bucket = this.#refilled(key);
    if (bucket.level < 1) {
      const seconds = Math.max(1, Math.ceil(((1 - bucket.level) * REFILL_MS) / 1000));
      throw new AppError('rate-limited', `Too many wrong attempts for this account. Try again in ${seconds} seconds.`, {
        retryAfterSeconds: seconds,
      });
    }
    bucket.level -= 1;
    setBounded(this.#buckets, key, bucket, this.#maxKeys);
    return () => {
      const current = this.#refilled(key);
      current.level = Math.min(ATTEMPTS, current.level + 1);
      if (current.level >= ATTEMPTS) this.#buckets.delete(key);
    };
  }

  #refilled(key: string): Bucket {
    const nowMs = this.#nowMs();
    const bucket = this.#buckets.get(key) ?? { level: ATTEMPTS, atMs: nowMs };
    bucket.level = Math.min(ATTEMPTS, bucket.level + (nowMs - bucket.atMs) / REFILL_MS);
    bucket.atMs = nowMs;
    return bucket;
  }
}

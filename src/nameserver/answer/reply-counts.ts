/** Counts of replies and of verdicts of the rate limit, in shared memory: a thread counts, and the main thread reads. */
import type { RateVerdict, ResponseLimiter } from './rate-limit.ts';

/** RCODEs up to 23 (BADCOOKIE) have a name (RFC 6895 §2.3); higher ones are never sent. */
export const COUNTED_RCODES = 24;
const DROPPED = 2 * COUNTED_RCODES;
const TRUNCATED = DROPPED + 1;

export class ReplyCounts {
  /** By RCODE: first over UDP, then over TCP; then those that the limit dropped and truncated. */
  readonly #counts: Float64Array;

  /** @param memory that another thread counts in */
  constructor(memory = new SharedArrayBuffer((TRUNCATED + 1) * Float64Array.BYTES_PER_ELEMENT)) {
    this.#counts = new Float64Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#counts.buffer as SharedArrayBuffer;
  }

  /** @param rcode of 12 bits */
  readonly reply = (rcode: number, overTcp: boolean): void => {
    if (rcode < COUNTED_RCODES) this.#counts[overTcp ? COUNTED_RCODES + rcode : rcode]! += 1;
  };

  /** Wraps a limiter and counts its verdicts. */
  limiter(limiter: ResponseLimiter): ResponseLimiter {
    return { check: (peerAddress, kind, key) => this.#limit(limiter.check(peerAddress, kind, key)) };
  }

  #limit(verdict: RateVerdict): RateVerdict {
    if (verdict === 'drop') this.#counts[DROPPED]! += 1;
    else if (verdict === 'slip') this.#counts[TRUNCATED]! += 1;
    return verdict;
  }

  sent(rcode: number, overTcp: boolean): number {
    return this.#counts[overTcp ? COUNTED_RCODES + rcode : rcode]!;
  }

  get dropped(): number {
    return this.#counts[DROPPED]!;
  }

  get truncated(): number {
    return this.#counts[TRUNCATED]!;
  }
}

/** The ends of waits: passed on the clock, and on one that a clock that is set does not change. */
import { isPast } from '../keys/key-roles.ts';

export interface Clocks {
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that a clock that is set does not change. */
  readonly monotonicMs: () => number;
}

export class Waits {
  readonly #clocks: Clocks;
  /** On the monotonic clock, by seconds since 1970. Those of before a restart are not known. */
  readonly #ends = new Map<number, number>();

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  /** Plans an end. @param until seconds since 1970 */
  end(until: number): number {
    const { now, monotonicMs } = this.#clocks;
    this.#ends.set(until, monotonicMs() + (until - now()) * 1000);
    return until;
  }

  isOver(until: number): boolean {
    const { now, monotonicMs } = this.#clocks;
    return isPast(until, now()) && monotonicMs() >= (this.#ends.get(until) ?? 0);
  }
}

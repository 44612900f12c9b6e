/** The clocks and timers that parts of the core are given, so that tests can set the time. */

/** Reads a monotonic clock, in ms: deadlines are values of it. */
export type Clock = () => number;

export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after `delayMs`. @returns a function that cancels the timer */
  after(delayMs: number, call: () => void): () => void;
}

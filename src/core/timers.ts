/** The clock and the timers that parts of the core are given, so that tests can set the time. */
export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after so many milliseconds. @returns a function that cancels the timer */
  after(delayMs: number, call: () => void): () => void;
}

/** The clock of the machine and timers that keep no process alive, for the parts that are handed theirs. */
export const timers = {
  /** Milliseconds since 1970. */
  now: Date.now,
  /** Calls back once, after so many milliseconds. @returns what prevents it */
  after(delayMs: number, call: () => void): () => void {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The system clock and timers, for the parts that get their clock injected. No timer keeps the process alive. */
export const timers = {
  /** Milliseconds since 1970. */
  now: Date.now,
  /** Calls back once, after `delayMs`. @returns a function that cancels the timer */
  after(delayMs: number, call: () => void): () => void {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

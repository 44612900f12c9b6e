/** A clock that is the same in all threads. */

/** `performance.now()` begins with each thread. */
const beginMs = (() => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6 - performance.now();
})();

/** Milliseconds since some moment before the process began. */
export function monotonicMs(): number {
  return beginMs + performance.now();
}

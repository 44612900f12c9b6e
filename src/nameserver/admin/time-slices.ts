/**
 * Time slices for long work on the main thread: between two slices the event loop answers queries and accepts updates.
 * For operations on a whole zone, which may have a million names.
 */

/** Length of a slice, and so the delay of a query. */
const SLICE_MS = 5;
/** Steps between two readings of the clock. */
const STEPS = 64;

/** Counts the steps of a task and tells when its time slice is over. */
export class TimeSlices {
  #steps = 0;
  #startedMs = performance.now();

  /** Check it after each step: if true, `await next()`. */
  get over(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS === 0 && performance.now() - this.#startedMs > SLICE_MS;
  }

  /** Resolves after one turn of the event loop. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedMs = performance.now();
  }
}

/** Sorts by the code units of `key`, like Array.prototype.sort, in time slices. @returns a new list */
export async function sortInSlices<T extends { readonly key: string }>(
  items: readonly T[],
  slices: TimeSlices,
): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += 1024) {
    runs.push(items.slice(at, at + 1024).sort(({ key: a }, { key: b }) => (a < b ? -1 : Number(a > b))));
    await slices.next();
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at]!, runs[at + 1] ?? [], slices));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T extends { readonly key: string }>(
  left: readonly T[],
  right: readonly T[],
  slices: TimeSlices,
): Promise<readonly T[]> {
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    merged.push(right[r]!.key < left[l]!.key ? right[r++]! : left[l++]!);
    if (slices.over) await slices.next();
  }
  for (; l < left.length; l++) merged.push(left[l]!);
  for (; r < right.length; r++) merged.push(right[r]!);
  return merged;
}

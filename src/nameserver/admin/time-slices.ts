/**
 * Time slices for long work on the main thread: between two slices the event loop answers queries and accepts updates.
 * For operations on a whole zone, which may have a million names.
 */

/** Length of a slice, and so the delay of a query. */
const SLICE_MS = 5;
/** Steps between two readings of the clock. */
const STEPS = 64;

/** Gives slices to tasks of clients, one in each turn of the event loop, however many tasks there are. */
export class SliceTurns {
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  /** Resolves when it is the caller's turn. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#waiting.shift()?.();
      this.#schedule();
    });
  }
}

/** Counts the steps of a task and tells when its time slice is over. */
export class TimeSlices {
  readonly #turns: SliceTurns | undefined;
  #steps = 0;
  #startedMs = performance.now();

  /** @param turns shared with other tasks; absent: the task has slices of its own */
  constructor(turns?: SliceTurns) {
    this.#turns = turns;
  }

  /** Check it after each step: if true, `await next()`. */
  get over(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS === 0 && performance.now() - this.#startedMs > SLICE_MS;
  }

  /** Resolves after one turn of the event loop, or when it is the task's turn. */
  async next(): Promise<void> {
    if (this.#turns !== undefined) await this.#turns.take();
    else await new Promise((resolve) => setImmediate(resolve));
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

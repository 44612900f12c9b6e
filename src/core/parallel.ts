/**
 * Does something with each item in their order, with so many of them at a time.
 * @throws what `task` throws first; the others go on then
 */
export async function forEachInParallel<T>(
  items: readonly T[],
  many: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  // One iterator for all workers: each takes what comes next.
  const queue = items[Symbol.iterator]();
  const work = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: many }, work));
}

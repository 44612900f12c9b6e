/**
 * Runs a task for each item in their order, at most `limit` at a time.
 * @throws what `task` throws first; the tasks in flight go on then
 */
export async function forEachInParallel<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  // One iterator for all workers: each takes the next item.
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

import { expect, it } from 'vitest';
import { ReloadQueue } from './reload-queue.ts';

/** A queue whose reloads end when the test says so, without a pause after them unless it is given. */
function controlled(pause = () => Promise.resolve()) {
  const ends: { readonly resolve: (outcome: string) => void; readonly reject: (error: Error) => void }[] = [];
  const queue = new ReloadQueue<string>(() => new Promise((resolve, reject) => ends.push({ resolve, reject })), pause);
  return { queue, ends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('runs a reload at once if none runs', async () => {
  const { queue, ends } = controlled();
  const outcome = queue.request();
  ends[0]!.resolve('first');
  expect(await outcome).toBe('first');
});

it('runs one more reload for all requests that arrive during one, after it, and gives them its outcome', async () => {
  const { queue, ends } = controlled();
  const first = queue.request();
  const later = [queue.request(), queue.request(), queue.request()];
  await turn();
  expect(ends).toHaveLength(1);
  ends[0]!.resolve('first');
  expect(await first).toBe('first');
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]!.resolve('second');
  expect(await Promise.all(later)).toEqual(['second', 'second', 'second']);
  expect(ends).toHaveLength(2);
});

it('runs a third reload for a request that arrives during the second', async () => {
  const { queue, ends } = controlled();
  const outcomes = [queue.request(), queue.request()];
  ends[0]!.resolve('first');
  await turn();
  outcomes.push(queue.request());
  ends[1]!.resolve('second');
  await turn();
  ends[2]!.resolve('third');
  expect(await Promise.all(outcomes)).toEqual(['first', 'second', 'third']);
});

it('goes on after a reload that failed, whose error its own callers get', async () => {
  const { queue, ends } = controlled();
  const first = queue.request();
  const second = queue.request();
  ends[0]!.reject(new Error('refused'));
  await expect(first).rejects.toThrow('refused');
  await turn();
  ends[1]!.resolve('second');
  expect(await second).toBe('second');
});

it('is idle when the last reload has ended', async () => {
  const { queue, ends } = controlled();
  await queue.idle();
  let isIdle = false;
  const outcomes = [queue.request(), queue.request()];
  const idle = queue.idle().then(() => {
    isIdle = true;
  });
  ends[0]!.resolve('first');
  await turn();
  expect(isIdle).toBe(false);
  ends[1]!.resolve('second');
  await Promise.all([...outcomes, idle]);
});

it('pauses after a reload, and requests of that time share the one after the pause', async () => {
  const pauses: (() => void)[] = [];
  const { queue, ends } = controlled(() => new Promise((resolve) => pauses.push(resolve)));
  const first = queue.request();
  ends[0]!.resolve('first');
  expect(await first).toBe('first');
  const later = Array.from({ length: 100 }, () => queue.request());
  await turn();
  expect([pauses.length, ends.length]).toEqual([1, 1]);
  pauses[0]!();
  await turn();
  ends[1]!.resolve('second');
  expect(new Set(await Promise.all(later))).toEqual(new Set(['second']));
  expect(ends).toHaveLength(2);
});

import { expect, test } from 'vitest';
import { forEachInParallel, TaskLimit } from './parallel.ts';

test('a limited number is in flight at a time, and the next one in order starts when one ends', async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = forEachInParallel([1, 2, 3, 4], 2, (item) => {
    begun.push(item);
    return new Promise((resolve) => ends.push(resolve));
  });
  expect(begun).toEqual([1, 2]);
  ends[1]!();
  await new Promise(setImmediate);
  expect(begun).toEqual([1, 2, 3]);
  ends[0]!();
  await new Promise(setImmediate);
  expect(begun).toEqual([1, 2, 3, 4]);
  ends[2]!();
  ends[3]!();
  await all;
});

test('what fails is thrown, and keeps the others from nothing', async () => {
  const done: number[] = [];
  const all = forEachInParallel([1, 2, 3, 4], 2, async (item) => {
    if (item === 1) throw new Error('the first');
    done.push(item);
  });
  await expect(all).rejects.toThrow('the first');
  await new Promise(setImmediate);
  expect(done).toEqual([2, 3, 4]);
});

test('nothing to do is done at once', async () => {
  await forEachInParallel([], 8, () => Promise.reject(new Error('never')));
});

test('a limit of tasks gives the place of one that ends or fails to the next one that waits, and to no other', async () => {
  const limit = new TaskLimit(2);
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const run = (name: string) =>
    limit.run(async () => {
      begun.push(name);
      await new Promise<void>((resolve, reject) => ends.set(name, (error) => (error ? reject(error) : resolve())));
      return name;
    });
  const all = ['a', 'b', 'c', 'd'].map(run);
  expect(begun).toEqual(['a', 'b']);
  ends.get('a')!(new Error('failed'));
  await expect(all[0]).rejects.toThrow('failed');
  all.push(run('e'));
  await new Promise(setImmediate);
  expect(begun).toEqual(['a', 'b', 'c']);
  ends.get('b')!();
  await new Promise(setImmediate);
  ends.get('c')!();
  await new Promise(setImmediate);
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  ends.get('d')!();
  ends.get('e')!();
  expect(await Promise.all(all.slice(1))).toEqual(['b', 'c', 'd', 'e']);
});

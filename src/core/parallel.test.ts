import { expect, test } from 'vitest';
import { forEachInParallel } from './parallel.ts';

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

// Promises about time, told apart from a machine that stands still for a moment: what else runs on it only ever adds.
import { expect } from 'vitest';
import { waitUntil } from './process.ts';

const ATTEMPTS = 3;

/**
 * Fails unless something took less than `limitMs` in one of three runs.
 * @param run gives how long it took, in ms
 */
export async function expectWithin(limitMs: number, run: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  do took.push(await run());
  while (took.at(-1)! >= limitMs && took.length < ATTEMPTS);
  expect(Math.min(...took), `of ${took.length} runs`).toBeLessThan(limitMs);
}

/** The milliseconds that a promise took. */
export async function timeOf(promise: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await promise;
  return performance.now() - startMs;
}

/**
 * From one second after now, nothing that is sent is accepted any more; until then it may be. Asks without a pause
 * until a whole round of questions was sent after that second.
 * @param isAccepted sends one round of questions and tells whether any was accepted
 */
export async function expectEndWithinOneSecond(isAccepted: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 1_000;
  await waitUntil(
    'one second to go by',
    async () => {
      const isLate = performance.now() > endMs;
      if (await isAccepted()) expect(isLate, 'accepted though it was sent a second later').toBe(false);
      return isLate;
    },
    20_000,
  );
}

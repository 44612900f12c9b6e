/** Reports of a store that goes away and comes back, with fake time. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StoreHealth } from './store-health.ts';

const problem = (text: string) => ({ text, brief: 'away' });
let attempts: number;
let changes: (string | undefined)[];
let works: boolean;
let health: StoreHealth;

beforeEach(() => {
  vi.useFakeTimers();
  attempts = 0;
  changes = [];
  works = false;
  health = new StoreHealth({
    attempt: async () => {
      attempts += 1;
      if (works) health.works();
      else health.failed(problem('refused'));
    },
    onChange: (changed) => changes.push(changed?.text),
  });
});
afterEach(() => void vi.useRealTimers());

it('reports a problem once, and again when its reason changes', () => {
  health.works();
  for (const text of ['refused', 'refused', 'starts', 'starts']) health.failed(problem(text));
  expect(changes).toEqual(['refused', 'starts']);
  expect(health.problem?.text).toBe('starts');
});

it('tries with growing pauses of at most ten seconds, for as long as it takes, and reports the return', async () => {
  health.failed(problem('refused'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(attempts).toBeGreaterThanOrEqual(4);
  expect(attempts).toBeLessThan(7);
  const before = attempts;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(attempts - before).toBe(60);
  works = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(changes).toEqual(['refused', undefined]);
  const after = attempts;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(attempts).toBe(after);
});

it('does nothing any more when it is closed', async () => {
  health.failed(problem('refused'));
  health.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([attempts, changes]).toEqual([0, ['refused']]);
});

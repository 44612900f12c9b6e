import { beforeEach, expect, it } from 'vitest';
import { ManualTimers } from '../../test/support/manual-timers.ts';
import { BelievedClock } from './believed-clock.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 23, 10);

let stored: number | undefined;
/** The monotonic clock and all timers. */
let running: ManualTimers;
/** How far the system clock is ahead of the running time. */
let wallAheadMs: number;
let warnings: string[];

beforeEach(() => {
  stored = undefined;
  running = new ManualTimers(0);
  wallAheadMs = START_MS;
  warnings = [];
});

async function open(): Promise<BelievedClock> {
  const clock = new BelievedClock({
    clock: running.now,
    timers: { now: () => running.nowMs + wallAheadMs, after: running.after },
    warn: (text) => warnings.push(text),
  });
  await clock.start({
    lastTime: async () => stored,
    noteTime: async (timeMs) => {
      stored = timeMs;
    },
  });
  return clock;
}

it('is the system clock where nothing is known, and goes with it', async () => {
  const clock = await open();
  expect(clock.now()).toBe(START_MS);
  await running.pass(3 * DAY_MS);
  expect([clock.now(), warnings]).toEqual([START_MS + 3 * DAY_MS, []]);
  expect(clock.now() - stored!).toBeLessThanOrEqual(60_000);
});

it('a clock that is a year ahead at a start lets at most ten hours pass in an hour, with a warning; the right one ends that', async () => {
  await (await open()).close();
  stored = START_MS;
  wallAheadMs += 365 * DAY_MS;
  const clock = await open();
  expect(clock.now()).toBe(START_MS);
  await running.pass(DAY_MS / 24);
  expect(clock.now()).toBe(START_MS + (10 * DAY_MS) / 24);
  expect(warnings).toEqual([expect.stringContaining('365 days ahead of the last time')]);
  wallAheadMs -= 365 * DAY_MS;
  expect(clock.now()).toBe(START_MS + DAY_MS / 24);
  await running.pass(60_000);
  expect(stored).toBeLessThanOrEqual(clock.now());
});

it('is believed at once after a pause of less than a day', async () => {
  stored = START_MS - DAY_MS + 1;
  expect((await open()).now()).toBe(START_MS);
});

it('a clock that jumps while the server runs is the same', async () => {
  const clock = await open();
  await running.pass(DAY_MS);
  wallAheadMs += 365 * DAY_MS;
  await running.pass(60_000);
  expect(clock.now() - (START_MS + DAY_MS)).toBeLessThanOrEqual(20 * 60_000);
  expect(warnings).toHaveLength(1);
});

it('is believed after a pause of a month when the server has run for three days, over restarts', async () => {
  stored = START_MS - 27 * DAY_MS;
  for (let start = 0; start < 3; start += 1) {
    const clock = await open();
    await running.pass(DAY_MS + 60_000);
    await clock.close();
  }
  const clock = await open();
  expect(clock.now()).toBe(running.nowMs + wallAheadMs);
});

it('a clock that goes back is believed at once', async () => {
  const clock = await open();
  wallAheadMs -= 400 * DAY_MS;
  expect(clock.now()).toBe(START_MS - 400 * DAY_MS);
  await running.pass(120_000);
  expect(stored).toBeLessThan(START_MS);
});

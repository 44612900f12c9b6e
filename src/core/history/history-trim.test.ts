import { expect, it } from 'vitest';
import { HistoryTrim } from './history-trim.ts';

/** Runs the next call of a timer to its end. */
function setUp(events: number, maxEvents: number) {
  const state = { events, calls: [] as (() => void)[], steps: [] as number[], warnings: [] as string[], fails: false };
  const trim = new HistoryTrim({
    store: {
      trim: async (limit) => {
        if (state.fails) throw new Error('away');
        const deleted = Math.min(10, Math.max(0, state.events - limit));
        state.events -= deleted;
        return { stored: state.events, deleted };
      },
    },
    maxEvents: () => maxEvents,
    onStep: ({ deleted }) => state.steps.push(deleted),
    warn: (text) => state.warnings.push(text),
    timers: {
      after: (_, call) => {
        state.calls.push(call);
        return () => state.calls.splice(state.calls.indexOf(call), 1);
      },
    },
  });
  const run = async () => {
    for (const call of state.calls.splice(0)) call();
    while (state.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  trim.start();
  return { state, trim, run };
}

it('deletes in steps until the limit is kept, and again when it is exceeded', async () => {
  const { state, run } = setUp(125, 100);
  await run();
  expect([state.events, state.steps]).toEqual([100, [10, 10, 5, 0]]);
  state.events += 3;
  await run();
  expect(state.events).toBe(100);
});

it('0 is no limit', async () => {
  const { state, run } = setUp(125, 0);
  await run();
  expect([state.events, state.steps]).toEqual([125, [0]]);
});

it('a store that does not answer is a warning, and it is tried again', async () => {
  const { state, run } = setUp(125, 100);
  state.fails = true;
  await run();
  expect(state.warnings).toEqual(['The history could not be limited: away']);
  state.fails = false;
  await run();
  expect(state.events).toBe(100);
});

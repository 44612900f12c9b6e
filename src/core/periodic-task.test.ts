// Runs one after another, with a pause between; the clock is turned by hand.
import { expect, test } from 'vitest';
import { PeriodicTask } from './periodic-task.ts';

/** A task whose runs end when the test says so, and the timers that it set. */
function begin(pauseMs = () => 7) {
  const calls: { readonly delayMs: number; readonly call: () => void; isOff: boolean }[] = [];
  const ends: (() => void)[] = [];
  const task = new PeriodicTask({
    run: () => new Promise<void>((resolve) => ends.push(resolve)),
    pauseMs,
    timers: {
      after(delayMs, call) {
        const planned = { delayMs, call, isOff: false };
        calls.push(planned);
        return () => {
          planned.isOff = true;
        };
      },
    },
  });
  const turn = () => {
    const { call, isOff } = calls.at(-1)!;
    if (!isOff) call();
  };
  const endRun = async () => {
    ends.at(-1)!();
    await new Promise(setImmediate);
  };
  return { task, calls, ends, turn, endRun };
}

test('the first run starts at once, and each later one a pause after the end of the previous one', async () => {
  const { task, calls, turn, endRun } = begin();
  task.start();
  turn();
  expect(calls.map(({ delayMs }) => delayMs)).toEqual([0]);
  await endRun();
  turn();
  await endRun();
  expect(calls.map(({ delayMs }) => delayMs)).toEqual([0, 7, 7]);
});

test('a restarted pause replaces the old one', async () => {
  let pauseMs = 7;
  const { task, calls, turn, endRun } = begin(() => pauseMs);
  task.start();
  turn();
  await endRun();
  pauseMs = 1;
  task.restartPause();
  expect(calls.map(({ delayMs, isOff }) => [delayMs, isOff])).toEqual([
    [0, false],
    [7, true],
    [1, false],
  ]);
});

test('nothing restarts during a run: never two at once', async () => {
  const { task, calls, ends, turn, endRun } = begin();
  task.start();
  turn();
  task.restartPause();
  expect([calls.length, ends.length]).toEqual([1, 1]);
  await endRun();
  expect(calls).toHaveLength(2);
});

test('closed, it starts nothing more, neither by time nor by a call', async () => {
  const { task, calls, ends, turn, endRun } = begin();
  task.start();
  turn();
  await endRun();
  await task.close();
  turn();
  task.restartPause();
  expect([task.isClosed, calls.length, ends.length]).toEqual([true, 2, 1]);
});

test('closing waits for the run in flight, and none follows', async () => {
  const { task, calls, turn, endRun } = begin();
  task.start();
  turn();
  let isDone = false;
  const closing = task.close().then(() => {
    isDone = true;
  });
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  await endRun();
  await closing;
  expect(calls).toHaveLength(1);
});

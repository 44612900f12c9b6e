// Looks one after the other, with a pause between; the clock is turned by hand.
import { expect, test } from 'vitest';
import { PeriodicTask } from './periodic-task.ts';

/** A look whose end is in our hand, and the timers that it set. */
function begin(pauseMs = () => 7) {
  const calls: { readonly delayMs: number; readonly call: () => void; isOff: boolean }[] = [];
  const ends: (() => void)[] = [];
  const looks = new PeriodicTask({
    look: () => new Promise<void>((resolve) => ends.push(resolve)),
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
  const endLook = async () => {
    ends.at(-1)!();
    await new Promise(setImmediate);
  };
  return { looks, calls, ends, turn, endLook };
}

test('the first look is at once, and each later one a pause after the end of the one before', async () => {
  const { looks, calls, turn, endLook } = begin();
  looks.start();
  turn();
  expect(calls.map(({ delayMs }) => delayMs)).toEqual([0]);
  await endLook();
  turn();
  await endLook();
  expect(calls.map(({ delayMs }) => delayMs)).toEqual([0, 7, 7]);
});

test('a pause that is begun anew takes the place of the old one', async () => {
  let pauseMs = 7;
  const { looks, calls, turn, endLook } = begin(() => pauseMs);
  looks.start();
  turn();
  await endLook();
  pauseMs = 1;
  looks.pauseAnew();
  expect(calls.map(({ delayMs, isOff }) => [delayMs, isOff])).toEqual([
    [0, false],
    [7, true],
    [1, false],
  ]);
});

test('nothing begins anew while a look is under way: never two at once', async () => {
  const { looks, calls, ends, turn, endLook } = begin();
  looks.start();
  turn();
  looks.pauseAnew();
  expect([calls.length, ends.length]).toEqual([1, 1]);
  await endLook();
  expect(calls).toHaveLength(2);
});

test('closed, it begins nothing more, neither by time nor when it is asked', async () => {
  const { looks, calls, ends, turn, endLook } = begin();
  looks.start();
  turn();
  await endLook();
  await looks.close();
  turn();
  looks.pauseAnew();
  expect([looks.isClosed, calls.length, ends.length]).toEqual([true, 2, 1]);
});

test('closing waits for the look that is under way, and none follows', async () => {
  const { looks, calls, turn, endLook } = begin();
  looks.start();
  turn();
  let isDone = false;
  const closing = looks.close().then(() => {
    isDone = true;
  });
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  await endLook();
  await closing;
  expect(calls).toHaveLength(1);
});

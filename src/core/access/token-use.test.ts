/** The log of token uses on a store in memory. */
import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory.ts';
import { TokenUseLog } from './token-use.ts';

function setUp() {
  const store = openMemoryStore().tokens;
  const due = new Set<() => void>();
  const clock = { nowMs: 1_000 };
  const uses = new TokenUseLog(
    store,
    () => clock.nowMs,
    (_, call) => {
      due.add(call);
      return () => due.delete(call);
    },
  );
  return { store, due, clock, uses };
}

describe('TokenUseLog', () => {
  it('writes the last uses of all tokens together when its timer fires', async () => {
    const { store, due, clock, uses } = setUp();
    uses.used('a');
    uses.used('b');
    clock.nowMs = 1_500;
    uses.used('a');
    expect([await store.lastUses(['a', 'b']), due.size]).toEqual([new Map(), 1]);
    for (const call of due) call();
    expect(await store.lastUses(['a', 'b'])).toEqual(
      new Map([
        ['a', 1_500],
        ['b', 1_000],
      ]),
    );
  });

  it('reads include uses that were not written yet', async () => {
    const { uses } = setUp();
    uses.used('a');
    expect(await uses.lastUses(['a', 'b'])).toEqual(new Map([['a', 1_000]]));
  });

  it('writes the rest when it is closed, and nothing later', async () => {
    const { store, due, uses } = setUp();
    uses.used('a');
    await uses.close();
    expect([await store.lastUses(['a']), due.size]).toEqual([new Map([['a', 1_000]]), 0]);
  });

  it('a store that does not answer does not fail the use of a token', async () => {
    const { store, due, uses } = setUp();
    store.touchLastUsed = () => Promise.reject(new Error('away'));
    uses.used('a');
    for (const call of due) call();
    await uses.close();
    expect(await store.lastUses(['a'])).toEqual(new Map());
  });

  it('what a store did not take is written when it answers again, or by a later use', async () => {
    const { store, due, clock, uses } = setUp();
    const { touchLastUsed } = store;
    store.touchLastUsed = () => Promise.reject(new Error('away'));
    uses.used('a');
    uses.used('b');
    await uses.flush();
    clock.nowMs = 2_000;
    uses.used('b');
    await uses.flush();
    expect(due.size).toBe(1);
    store.touchLastUsed = touchLastUsed;
    for (const call of due) call();
    expect(await store.lastUses(['a', 'b'])).toEqual(
      new Map([
        ['a', 1_000],
        ['b', 2_000],
      ]),
    );
  });
});

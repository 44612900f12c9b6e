// Tokens that end when they are not used: on a store in memory, with servers that share it.
import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory.ts';
import { TokenUseLog } from './token-use.ts';
import { firstSeenKey, UnusedTokens } from './unused-tokens.ts';

const DAY_MS = 86_400_000;
const START_MS = 1_000 * DAY_MS;

/** A server on the store. `flush` writes its uses. */
function server(store: ReturnType<typeof openMemoryStore>['tokens'], clock: { nowMs: number }) {
  let queries = 0;
  const log = new TokenUseLog(
    store,
    () => clock.nowMs,
    () => () => undefined,
  );
  const uses = {
    lastUses: (ids: readonly string[]) => {
      queries += 1;
      return log.lastUses(ids);
    },
    touchLastUsed: store.touchLastUsed,
  };
  const unused = new UnusedTokens(uses, () => clock.nowMs);
  /** A request: was the token accepted? */
  const request = async (token: { id: string; createdMs: number; maxUnusedDays?: number }) => {
    const ended = await unused.hasEnded(token);
    if (!ended) log.used(token.id);
    return !ended;
  };
  return { unused, request, flush: () => log.flush(), queries: () => queries };
}

function setUp() {
  const store = openMemoryStore().tokens;
  const clock = { nowMs: START_MS };
  return { store, clock, ...server(store, clock) };
}

const token = { id: 't', createdMs: START_MS, maxUnusedDays: 30 };

describe('a token that ends when it is unused', () => {
  it('lives on its creation, then on its last use', async () => {
    const { clock, request } = setUp();
    clock.nowMs = START_MS + 29 * DAY_MS;
    expect(await request(token)).toBe(true);
    clock.nowMs += 29 * DAY_MS;
    expect(await request(token)).toBe(true);
    clock.nowMs += 31 * DAY_MS;
    expect(await request(token)).toBe(false);
    // A refused request is not a use.
    clock.nowMs += 1;
    expect(await request(token)).toBe(false);
  });

  it('ends after its creation where it was never used', async () => {
    const { clock, request } = setUp();
    clock.nowMs = START_MS + 31 * DAY_MS;
    expect(await request(token)).toBe(false);
  });

  it('has no end without the field, and asks nothing', async () => {
    const { clock, unused, queries } = setUp();
    clock.nowMs = START_MS + 3000 * DAY_MS;
    expect(unused.hasEnded({ id: 't', createdMs: START_MS })).toBe(false);
    expect(queries()).toBe(0);
  });

  it('costs the store one query in each such time, whatever the number of its uses', async () => {
    const { clock, request, queries } = setUp();
    for (let hour = 0; hour < 24 * 95; hour += 1) {
      clock.nowMs += 3_600_000;
      expect(await request(token)).toBe(true);
    }
    expect(queries()).toBe(3);
  });

  it('lives on uses at another server that shares the store, also before they are written', async () => {
    const { store, clock, request: first, flush } = setUp();
    const second = server(store, clock);
    clock.nowMs = START_MS + 29 * DAY_MS;
    expect(await second.request(token)).toBe(true);
    await second.flush();
    clock.nowMs = START_MS + 50 * DAY_MS;
    expect(await first(token)).toBe(true);
    await flush();
    const at = START_MS + 80 * DAY_MS - 500;
    clock.nowMs = at;
    expect(await second.request(token)).toBe(true);
    // The second server has not written it yet, and by the store the token ended at this moment.
    clock.nowMs = at + 900;
    expect(await first(token)).toBe(true);
  });

  it('accepted by one server in the last moment, it is accepted by the others after it', async () => {
    const { store, clock, request: first } = setUp();
    const second = server(store, clock);
    clock.nowMs = START_MS + 30 * DAY_MS + 59_900;
    expect(await first(token)).toBe(true);
    clock.nowMs += 200;
    expect(await second.request(token)).toBe(true);
    clock.nowMs += 29 * DAY_MS;
    expect(await server(store, clock).request(token)).toBe(true);
  });

  it('of the file: its time begins when it is first seen, which is no use', async () => {
    const { store, clock, unused, request } = setUp();
    const configured = { id: 'file-x', createdMs: 0, maxUnusedDays: 30 };
    expect(await unused.note([configured, { id: 'file-y', createdMs: 0 }])).toEqual([]);
    expect(await store.lastUses(['file-x', 'file-y', firstSeenKey('file-y')])).toEqual(new Map());
    clock.nowMs += 31 * DAY_MS;
    // A restart does not begin it again.
    const restarted = server(store, clock);
    expect(await restarted.unused.note([configured])).toEqual([configured]);
    expect(await restarted.request(configured)).toBe(false);
    expect(await request(configured)).toBe(false);
  });

  it('of the file, never noted: its time begins at its first request', async () => {
    const { clock, request } = setUp();
    const configured = { id: 'file-x', createdMs: 0, maxUnusedDays: 30 };
    expect(await request(configured)).toBe(true);
    clock.nowMs += 31 * DAY_MS;
    expect(await request(configured)).toBe(false);
  });

  it('is an error where the store does not answer, and not an end', async () => {
    const { store, clock, request } = setUp();
    clock.nowMs = START_MS + 40 * DAY_MS;
    store.lastUses = () => Promise.reject(new Error('away'));
    await expect(request(token)).rejects.toThrow('away');
  });
});

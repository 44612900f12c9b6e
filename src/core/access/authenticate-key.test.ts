// Management keys, on a store in memory.
import { describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory.ts';
import { DEFAULT_QUOTAS, KEY_PREFIX, type ManagementKey } from '../users/user.ts';
import { KeyAuthenticator } from './authenticate-key.ts';
import { GUESSES, GuessBudget } from './guess-budget.ts';
import { tokenSha256 } from './token.ts';
import { UnusedTokens } from './unused-tokens.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1);
const SECRET = `${KEY_PREFIX}${'a2'.repeat(16)}`;
const SOURCE = { caller: { family: 4, text: '192.0.2.1' } } as const;

async function setUp(fields: Partial<ManagementKey> = {}, secret = SECRET) {
  const store = openMemoryStore();
  const clock = { nowMs: NOW_MS };
  const used: string[] = [];
  await store.users.create({ id: 'u1', name: 'anna', role: 'member', quotas: DEFAULT_QUOTAS, createdMs: NOW_MS });
  await store.users.createKey({
    id: 'k1',
    userId: 'u1',
    name: 'laptop',
    sha256: tokenSha256(secret),
    createdMs: NOW_MS,
    ...fields,
  });
  const guesses = new GuessBudget(() => clock.nowMs);
  const keys = new KeyAuthenticator({
    users: store.users,
    guesses,
    unused: new UnusedTokens(store.tokens, () => clock.nowMs),
    now: () => clock.nowMs,
    onUse: ({ id }) => used.push(id),
  });
  return { store, clock, used, guesses, keys };
}

const WRONG = { code: 'not-authenticated' };

describe('a management key', () => {
  it('is the user to whom it belongs, and its use is noted', async () => {
    const { keys, used } = await setUp();
    expect(await keys.authenticate(SECRET, SOURCE)).toMatchObject({ user: { name: 'anna' }, key: { name: 'laptop' } });
    expect(used).toEqual(['k1']);
  });

  it('ends at once when it is revoked, or its user is disabled or removed', async () => {
    const { keys, store, used } = await setUp();
    await keys.authenticate(SECRET, SOURCE);
    await store.users.update('u1', { disabledMs: NOW_MS });
    await expect(keys.authenticate(SECRET, SOURCE)).rejects.toMatchObject(WRONG);
    await store.users.update('u1', { disabledMs: null });
    await keys.authenticate(SECRET, SOURCE);
    expect([...(await keys.stillValid(['k1', 'k2'])).keys()]).toEqual(['k1']);
    await store.users.revokeKey('u1', 'laptop', NOW_MS);
    await expect(keys.authenticate(SECRET, SOURCE)).rejects.toMatchObject(WRONG);
    expect((await keys.stillValid(['k1'])).size).toBe(0);
    expect(used).toHaveLength(2);
  });

  it('ends after its last day, and when it is not used', async () => {
    const { keys, clock, store } = await setUp({ expires: '2026-06-20', maxUnusedDays: 7 });
    clock.nowMs += 6 * DAY_MS;
    await keys.authenticate(SECRET, SOURCE);
    await store.tokens.touchLastUsed([{ tokenId: 'k1', lastUsedMs: clock.nowMs }]);
    clock.nowMs += 6 * DAY_MS;
    await keys.authenticate(SECRET, SOURCE);
    clock.nowMs += 2 * DAY_MS;
    await expect(keys.authenticate(SECRET, SOURCE)).rejects.toMatchObject(WRONG);
    const { keys: others, clock: later } = await setUp({ expires: '2026-06-20' });
    later.nowMs = Date.UTC(2026, 5, 20, 23, 59);
    await others.authenticate(SECRET, SOURCE);
    later.nowMs = Date.UTC(2026, 5, 21);
    await expect(others.authenticate(SECRET, SOURCE)).rejects.toMatchObject(WRONG);
  });

  it('is looked up only if it has the form of one', async () => {
    const token = 'a2'.repeat(16);
    const { keys } = await setUp({}, token);
    for (const text of [token, `${SECRET}a`, SECRET.toUpperCase(), `x${SECRET}`, '']) {
      await expect(keys.authenticate(text, SOURCE)).rejects.toMatchObject(WRONG);
    }
  });

  it('shares its budget of guesses with tokens: a right one is found with an empty budget, if it was right before', async () => {
    const { keys, guesses } = await setUp();
    await keys.authenticate(SECRET, SOURCE);
    const { settle } = await guesses.admit(
      '192.0.2.1',
      Array.from({ length: GUESSES - 1 }, (_, index) => `t${index}`),
    );
    settle(Array.from({ length: GUESSES - 1 }, () => 'wrong'));
    await expect(keys.authenticate(`${KEY_PREFIX}${'b'.repeat(32)}`, SOURCE)).rejects.toMatchObject(WRONG);
    await expect(keys.authenticate(`${KEY_PREFIX}${'c'.repeat(32)}`, SOURCE)).rejects.toMatchObject({
      code: 'too-many-guesses',
    });
    await keys.authenticate(SECRET, SOURCE);
    const elsewhere = { caller: { family: 4, text: '192.0.2.2' } } as const;
    await keys.authenticate(SECRET, elsewhere);
  });

  it('costs no guess while the store does not answer', async () => {
    const { keys, store, guesses } = await setUp();
    const broken = new KeyAuthenticator({
      users: { ...store.users, findKey: () => Promise.reject(new Error('away')) },
      guesses,
      unused: { hasEnded: () => false },
      now: () => NOW_MS,
      onUse: () => {},
    });
    for (let number = 0; number < 2 * GUESSES; number += 1) {
      await expect(broken.authenticate(SECRET, SOURCE)).rejects.toThrow('away');
    }
    await keys.authenticate(SECRET, SOURCE);
  });
});

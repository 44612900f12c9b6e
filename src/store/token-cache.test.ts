// The cache of tokens against a store that the test holds in its hands: what is asked when, and what is believed how long.
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostToken } from '../core/access/token.ts';
import { AppError } from '../core/errors.ts';
import { DomainName } from '../dns/name.ts';
import { MAX_TOKENS, MAX_UNKNOWN, TokenCache, type TokenChanges } from './token-cache.ts';

const token = (sha256: string, fields: Partial<HostToken> = {}): HostToken => ({
  id: `id of ${sha256}`,
  name: 'router1',
  sha256,
  hosts: [DomainName.parse('home.example.com')],
  types: [1],
  addresses: 'any',
  createdMs: 0,
  ...fields,
});

let tokens: Map<string, HostToken>;
let log: { version: number; sha256: string }[];
let lookUps: string[];
let comparisons: number;
let nowMs: number;
let gate: Promise<void>;
let isAway: boolean;

const away = () => new AppError('store-unreachable', 'away');

function change(sha256: string, changed: HostToken): void {
  tokens.set(sha256, changed);
  log.push({ version: log.length + 1, sha256 });
}

async function lookUp(sha256: string): Promise<HostToken | undefined> {
  lookUps.push(sha256);
  if (isAway) throw away();
  const found = tokens.get(sha256);
  await gate;
  return found;
}

async function changesSince(version: number | undefined): Promise<TokenChanges> {
  comparisons += 1;
  if (isAway) throw away();
  const missed = version === undefined ? [] : log.filter((note) => note.version > version);
  const answer = { version: log.length, changed: missed.map(({ sha256 }) => sha256) };
  await gate;
  return answer;
}

const shared = (timeoutMs = 1_000) => new TokenCache({ lookUp, changesSince }, { nowMs: () => nowMs, timeoutMs });
const alone = () => new TokenCache({ lookUp }, { nowMs: () => nowMs });

/** Lets everything run that waits for nothing. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  tokens = new Map([['a', token('a')]]);
  log = [];
  lookUps = [];
  comparisons = 0;
  nowMs = 1_000_000;
  gate = Promise.resolve();
  isAway = false;
});

describe('of one process alone', () => {
  it('asks for each secret once, also for one that is unknown, and answers the second time without a promise', async () => {
    const cache = alone();
    for (const sha256 of ['a', 'b']) expect(await cache.find(sha256)).toBe(tokens.get(sha256));
    nowMs += 1e9;
    expect(cache.find('a')).toBe(tokens.get('a'));
    expect(cache.find('b')).toBeUndefined();
    expect(lookUps).toEqual(['a', 'b']);
  });

  it('asks once for all that ask at the same time', async () => {
    const cache = alone();
    expect(await Promise.all([cache.find('a'), cache.find('a'), cache.find('a')])).toEqual(
      Array(3).fill(tokens.get('a')),
    );
    expect(lookUps).toEqual(['a']);
  });

  it('asks again for what was changed', async () => {
    const cache = alone();
    await cache.find('a');
    await cache.find('b');
    change('a', token('a', { revokedMs: 1 }));
    change('b', token('b'));
    cache.forget(['a', 'b']);
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
    expect(await cache.find('b')).toBeDefined();
  });

  it('does not keep what was looked up while it was changed', async () => {
    const cache = alone();
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const old = cache.find('a');
    change('a', token('a', { revokedMs: 1 }));
    cache.forget(['a']);
    open();
    expect(await old).not.toHaveProperty('revokedMs');
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
  });

  it('does not share a look-up of before a change', async () => {
    const cache = alone();
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const old = cache.find('a');
    change('a', token('a', { revokedMs: 1 }));
    cache.forget(['a']);
    const fresh = cache.find('a');
    open();
    expect(await old).not.toHaveProperty('revokedMs');
    expect(await fresh).toMatchObject({ revokedMs: 1 });
  });

  it('is bounded, in tokens and in unknown secrets, and keeps what is in use', async () => {
    const cache = alone();
    const count = Math.max(MAX_TOKENS, MAX_UNKNOWN);
    for (let index = 0; index < count; index += 1) tokens.set(`t${index}`, token(`t${index}`));
    await cache.find('a');
    for (let index = 0; index < count; index += 1) {
      await cache.find(`t${index}`);
      if (index % 1_000 === 0) cache.find('a');
    }
    const before = lookUps.length;
    await cache.find('a');
    expect(lookUps).toHaveLength(before);
    await cache.find('t1');
    expect(lookUps).toHaveLength(before + 1);
    for (let index = 0; index < MAX_UNKNOWN; index += 1) await cache.find(`u${index}`);
    await cache.find('u0');
    expect(lookUps.filter((sha256) => sha256 === 'u0')).toHaveLength(2);
    expect(cache.find('a')).toBe(tokens.get('a'));
  });

  it('does not remember that the store was away', async () => {
    const cache = alone();
    isAway = true;
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
    isAway = false;
    expect(await cache.find('a')).toBe(tokens.get('a'));
  });

  it('gives up on a store that does not answer', async () => {
    gate = new Promise(() => {});
    const cache = new TokenCache({ lookUp }, { timeoutMs: 20 });
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
  });
});

describe('beside other processes', () => {
  /** A cache that has compared, and remembers `a` as valid and `b` as unknown. */
  async function warm(): Promise<TokenCache> {
    const cache = shared();
    for (let round = 0; round < 2; round += 1) {
      await cache.find('a');
      await cache.find('b');
      await settle();
    }
    expect([cache.find('a'), cache.find('b')]).toEqual([tokens.get('a'), undefined]);
    return cache;
  }

  it('does not keep what it looked up before it has compared for the first time', async () => {
    // The first comparison sees the change already, so that no later one tells of it.
    const late = async (version: number | undefined) => {
      await settle();
      return changesSince(version);
    };
    const cache = new TokenCache({ lookUp, changesSince: late }, { nowMs: () => nowMs });
    const old = cache.find('a');
    change('a', token('a', { revokedMs: 1 }));
    expect(await old).not.toHaveProperty('revokedMs');
    await settle();
    await settle();
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
  });

  it('believes a revoked token for less than a second', async () => {
    const cache = await warm();
    const revokedMs = nowMs;
    change('a', token('a', { revokedMs }));
    for (let answer: HostToken | undefined = tokens.get('x'); answer?.revokedMs === undefined; nowMs += 10) {
      answer = await cache.find('a');
      expect(nowMs - revokedMs).toBeLessThan(1_000);
    }
  });

  it('believes it no longer after a pause, however long, without asking meanwhile', async () => {
    const cache = await warm();
    const before = comparisons;
    change('a', token('a', { revokedMs: 1 }));
    change('b', token('b'));
    for (const pauseMs of [1_000, 1e9]) {
      nowMs += pauseMs;
      expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
      expect(await cache.find('b')).toBeDefined();
    }
    expect(comparisons).toBe(before + 2);
  });

  it('compares four times a second under load, and no request waits for it', async () => {
    const cache = await warm();
    const before = comparisons;
    for (let step = 0; step < 1_000; step += 1) {
      nowMs += 10;
      expect(cache.find('a')).toBe(tokens.get('a'));
      await settle();
    }
    expect(comparisons - before).toBeGreaterThan(20);
    expect(comparisons - before).toBeLessThan(41);
  });

  it('says that the store is away within a second, also for a token that it remembers, and recovers', async () => {
    const cache = await warm();
    isAway = true;
    nowMs += 700;
    expect(cache.find('a')).toBe(tokens.get('a'));
    await settle();
    nowMs += 300;
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
    await expect(cache.find('b')).rejects.toMatchObject({ code: 'store-unreachable' });
    isAway = false;
    expect(await cache.find('a')).toBe(tokens.get('a'));
  });

  it('forgets everything when it is no longer known what was changed', async () => {
    let answer: TokenChanges = { version: 7, changed: [] };
    const cache = new TokenCache({ lookUp, changesSince: async () => answer }, { nowMs: () => nowMs });
    for (let round = 0; round < 2; round += 1) {
      await cache.find('a');
      await settle();
    }
    tokens.set('a', token('a', { revokedMs: 1 }));
    answer = { version: 3, changed: 'all' };
    nowMs += 1_000;
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
  });
});

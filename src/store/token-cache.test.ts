/**
 * The token cache against a store that the test controls: when the store is queried, and how long an entry is valid.
 */
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
let syncs: number;
let nowMs: number;
let gate: Promise<void>;
let isDown: boolean;

const unreachable = () => new AppError('store-unreachable', 'The store is down.');

function change(sha256: string, changed: HostToken): void {
  tokens.set(sha256, changed);
  log.push({ version: log.length + 1, sha256 });
}

/** One query: `lookUps` has an entry for each. */
async function lookUp(secrets: readonly string[]): Promise<readonly HostToken[]> {
  lookUps.push(secrets.join(' '));
  if (isDown) throw unreachable();
  const found = secrets.flatMap((sha256) => tokens.get(sha256) ?? []);
  await gate;
  return found;
}

async function changesSince(version: number | undefined): Promise<TokenChanges> {
  syncs += 1;
  if (isDown) throw unreachable();
  const missed = version === undefined ? [] : log.filter((entry) => entry.version > version);
  const answer = { version: log.length, changed: missed.map(({ sha256 }) => sha256) };
  await gate;
  return answer;
}

const shared = (timeoutMs = 1_000) => new TokenCache({ lookUp, changesSince }, { nowMs: () => nowMs, timeoutMs });
const alone = () => new TokenCache({ lookUp }, { nowMs: () => nowMs });

/** Runs everything that is ready to run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  tokens = new Map([['a', token('a')]]);
  log = [];
  lookUps = [];
  syncs = 0;
  nowMs = 1_000_000;
  gate = Promise.resolve();
  isDown = false;
});

describe('the token cache of a single process', () => {
  it('looks up each secret once, also an unknown one, and returns it without a promise the second time', async () => {
    const cache = alone();
    for (const sha256 of ['a', 'b']) expect(await cache.find(sha256)).toBe(tokens.get(sha256));
    nowMs += 1e9;
    expect(cache.find('a')).toBe(tokens.get('a'));
    expect(cache.find('b')).toBeUndefined();
    expect(lookUps).toEqual(['a', 'b']);
  });

  it('shares one query between concurrent lookups', async () => {
    const cache = alone();
    expect(await Promise.all([cache.find('a'), cache.find('a'), cache.find('a')])).toEqual(
      Array(3).fill(tokens.get('a')),
    );
    expect(lookUps).toEqual(['a']);
  });

  it('looks up several secrets with one query for those that are not cached', async () => {
    const cache = alone();
    change('b', token('b'));
    expect(await cache.findAll(['a', 'x', 'b'])).toEqual([tokens.get('a'), undefined, tokens.get('b')]);
    expect(lookUps).toEqual(['a x b']);
    expect(cache.findAll(['x', 'b'])).toEqual([undefined, tokens.get('b')]);
    expect(await cache.findAll(['y', 'a', 'z'])).toEqual([undefined, tokens.get('a'), undefined]);
    expect(lookUps).toEqual(['a x b', 'y z']);
    expect(cache.findAll([])).toEqual([]);
  });

  it('shares the queries of single and several lookups in flight', async () => {
    const cache = alone();
    const [one, both, again] = [cache.find('a'), cache.findAll(['b', 'a']), cache.find('b')];
    expect(await Promise.all([one, both, again])).toEqual([tokens.get('a'), [undefined, tokens.get('a')], undefined]);
    expect(lookUps).toEqual(['a', 'b']);
  });

  it('peeks without a query', async () => {
    const cache = alone();
    expect(cache.peek('a')).toBeUndefined();
    expect(lookUps).toEqual([]);
    await cache.findAll(['a', 'b']);
    expect([cache.peek('a'), cache.peek('b')]).toEqual([tokens.get('a'), undefined]);
    expect(lookUps).toEqual(['a b']);
  });

  it('looks up a changed secret again', async () => {
    const cache = alone();
    await cache.find('a');
    await cache.find('b');
    change('a', token('a', { revokedMs: 1 }));
    change('b', token('b'));
    cache.evict(['a', 'b']);
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
    expect(await cache.find('b')).toBeDefined();
  });

  it('does not cache a token that changed during its lookup', async () => {
    const cache = alone();
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const old = cache.find('a');
    change('a', token('a', { revokedMs: 1 }));
    cache.evict(['a']);
    open();
    expect(await old).not.toHaveProperty('revokedMs');
    expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
  });

  it('does not share a lookup that began before a change', async () => {
    const cache = alone();
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const old = cache.find('a');
    change('a', token('a', { revokedMs: 1 }));
    cache.evict(['a']);
    const fresh = cache.find('a');
    open();
    expect(await old).not.toHaveProperty('revokedMs');
    expect(await fresh).toMatchObject({ revokedMs: 1 });
  });

  it('is bounded in tokens and in unknown secrets, and keeps entries that are in use', async () => {
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

  it('does not cache that the store was unreachable', async () => {
    const cache = alone();
    isDown = true;
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
    isDown = false;
    expect(await cache.find('a')).toBe(tokens.get('a'));
  });

  it('fails a lookup when the store does not answer in time', async () => {
    gate = new Promise(() => {});
    const cache = new TokenCache({ lookUp }, { timeoutMs: 20 });
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
  });
});

describe('the token cache beside other processes', () => {
  /** A cache that is synchronized and holds `a` as valid and `b` as unknown. */
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

  it('does not cache a lookup from before its first synchronization', async () => {
    // The first synchronization starts after the change, so that no later one reports it.
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

  it('accepts a revoked token for less than a second', async () => {
    const cache = await warm();
    const revokedMs = nowMs;
    change('a', token('a', { revokedMs }));
    for (let answer: HostToken | undefined = tokens.get('x'); answer?.revokedMs === undefined; nowMs += 10) {
      answer = await cache.find('a');
      expect(nowMs - revokedMs).toBeLessThan(1_000);
    }
  });

  it('accepts it for less than a second among several secrets and in a peek', async () => {
    const cache = await warm();
    change('a', token('a', { revokedMs: nowMs }));
    nowMs += 999;
    expect(cache.peek('a')).toBeUndefined();
    expect(await cache.findAll(['b', 'a'])).toEqual([undefined, tokens.get('a')]);
    expect(cache.peek('a')).toBe(tokens.get('a'));
    isDown = true;
    nowMs += 1_000;
    expect(cache.peek('a')).toBeUndefined();
    await expect(cache.findAll(['a', 'b'])).rejects.toMatchObject({ code: 'store-unreachable' });
  });

  it('does not accept it after a pause, however long, and does not poll during the pause', async () => {
    const cache = await warm();
    const before = syncs;
    change('a', token('a', { revokedMs: 1 }));
    change('b', token('b'));
    for (const pauseMs of [1_000, 1e9]) {
      nowMs += pauseMs;
      expect(await cache.find('a')).toMatchObject({ revokedMs: 1 });
      expect(await cache.find('b')).toBeDefined();
    }
    expect(syncs).toBe(before + 2);
  });

  it('synchronizes four times a second under load, and no request waits for it', async () => {
    const cache = await warm();
    const before = syncs;
    for (let step = 0; step < 1_000; step += 1) {
      nowMs += 10;
      expect(cache.find('a')).toBe(tokens.get('a'));
      await settle();
    }
    expect(syncs - before).toBeGreaterThan(20);
    expect(syncs - before).toBeLessThan(41);
  });

  it('reports an unreachable store within a second, also for a cached token, and recovers', async () => {
    const cache = await warm();
    isDown = true;
    nowMs += 700;
    expect(cache.find('a')).toBe(tokens.get('a'));
    await settle();
    nowMs += 300;
    await expect(cache.find('a')).rejects.toMatchObject({ code: 'store-unreachable' });
    await expect(cache.find('b')).rejects.toMatchObject({ code: 'store-unreachable' });
    isDown = false;
    expect(await cache.find('a')).toBe(tokens.get('a'));
  });

  it('evicts everything when the changes are no longer known', async () => {
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

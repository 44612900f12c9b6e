// Many tokens or hosts at once, on a store in memory.
import { describe, expect, it } from 'vitest';
import { newToken, newUser, plain } from '../../../test/contract/store-fixtures.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { tokenSha256 } from '../access/token.ts';
import type { FieldError } from '../errors.ts';
import { defaultHostSettings } from '../hosts/host.ts';
import { BatchAdmin, type BatchHost, type BatchToken } from './batch-admin.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const nameOf = (label: string) => DomainName.parse(`${label}.dyn.example.com`);

function setUp() {
  const store = openMemoryStore();
  const changed: string[] = [];
  let sequence = 0;
  const admin = new BatchAdmin({
    store,
    tokens: [newToken({ name: 'filed' })],
    hosts: [defaultHostSettings(nameOf('filed'))],
    zones: [{ apex: DomainName.parse('dyn.example.com'), ttl: { max: 3_600 } }],
    directory: { changed: (ownerName) => void changed.push(`${ownerName}`) },
    read: () => Promise.reject(new Error('not used')),
    claim: async () => {},
    signIn: { sessionDays: 1, url: () => undefined },
    now: () => NOW_MS,
    random: (octets) => {
      sequence += 1;
      const random = Buffer.alloc(octets);
      random.writeUInt32BE(sequence);
      return random;
    },
  });
  return { store, admin, changed };
}

const token = (name: string, hosts: readonly string[], owner?: string, more: object = {}): BatchToken => ({
  token: { name, hosts: hosts.map(nameOf), types: [RRType.A], addresses: 'any', ...more },
  owner,
});
const host = (label: string, owner?: string, more: object = {}): BatchHost => ({
  host: { ownerName: nameOf(label), addresses: { allow: [], deny: [] }, ...more },
  owner,
});

/** What it failed with. */
async function failure(promise: Promise<unknown>): Promise<{ readonly code: string; readonly pointers: string[] }> {
  const error: { code: string; errors: readonly FieldError[] } = await promise.then(
    () => Promise.reject(new Error('It succeeded.')),
    (reason) => reason,
  );
  return { code: error.code, pointers: error.errors.map(({ pointer }) => pointer) };
}

describe('a batch of tokens', () => {
  it('creates tokens, their owners, and the hosts that these own', async () => {
    const { admin, store, changed } = setUp();
    const items = [token('t1', ['a', 'b'], 'anna'), token('t2', ['a'], 'anna'), token('t3', ['*.lab', 'c'])];
    const created = await admin.createTokens(items, true);
    expect(created.map((each) => each.token)).toMatchObject([
      { name: 't1', owner: 'anna', hosts: ['a.dyn.example.com.', 'b.dyn.example.com.'], state: 'valid' },
      { name: 't2', owner: 'anna' },
      { name: 't3' },
    ]);
    expect(new Set(created.map(({ secret }) => secret)).size).toBe(3);
    const stored = await store.tokens.findBySha256(tokenSha256(created[1]!.secret));
    expect(stored).toMatchObject({ name: 't2', owner: { name: 'anna', role: 'member' } });
    const anna = (await store.users.get('anna'))!;
    expect((await store.hosts.hostsOf(anna.id)).map(({ ownerName, access }) => `${access} ${ownerName}`)).toEqual([
      'own a.dyn.example.com.',
      'own b.dyn.example.com.',
    ]);
    expect(await store.hosts.get(nameOf('c'))).toBeUndefined();
    expect(changed).toEqual(['a.dyn.example.com.', 'b.dyn.example.com.']);
  });

  it('gives a host that no one owns, with its settings, and leaves what others share', async () => {
    const { admin, store } = setUp();
    const [anna, bert] = [newUser({ name: 'anna' }), newUser({ name: 'bert' })];
    for (const user of [anna, bert]) await store.users.create(user);
    const shares = [
      { userId: anna.id, access: 'view' as const },
      { userId: bert.id, access: 'change' as const },
    ];
    await store.hosts.put({ ...defaultHostSettings(nameOf('free')), ttl: 77, shares });
    await store.hosts.put({ ...defaultHostSettings(nameOf('own')), ownerId: anna.id });
    await store.hosts.put({
      ...defaultHostSettings(nameOf('shared')),
      ownerId: bert.id,
      shares: [{ ...shares[0]!, access: 'change' }],
    });
    await admin.createTokens([token('t1', ['free', 'own', 'shared'], 'anna')], false);
    expect(plain(await store.hosts.get(nameOf('free')))).toEqual(
      plain({ ...defaultHostSettings(nameOf('free')), ttl: 77, shares: [shares[1]], ownerId: anna.id }),
    );
    expect((await store.hosts.get(nameOf('shared')))?.ownerId).toBe(bert.id);
  });

  it('creates nothing where an entry is wrong, and names each entry and field', async () => {
    const { admin, store } = setUp();
    const [bert, boss] = [newUser({ name: 'bert' }), newUser({ name: 'boss', role: 'admin' })];
    for (const user of [bert, boss]) await store.users.create(user);
    await store.hosts.put({ ...defaultHostSettings(nameOf('others')), ownerId: bert.id });
    const foreign = { hosts: [DomainName.parse('home.example.net')] };
    const before = await failure(
      admin.createTokens(
        [token('filed', ['a']), token('x', ['a'], undefined, foreign), token('y', ['a'], 'none')],
        false,
      ),
    );
    expect(before).toEqual({
      code: 'request-malformed',
      pointers: ['/tokens/0/name', '/tokens/1/hosts/0', '/tokens/2/owner'],
    });
    expect(await failure(admin.createTokens([token('y', ['a'], '-bad')], true))).toMatchObject({
      pointers: ['/tokens/0/owner'],
    });
    const items = [
      token('t0', ['a'], 'anna'),
      token('t1', ['others', '*.lab', 'filed'], 'anna', { register: true }),
      token('t2', ['a'], 'bert'),
      token('t3', ['others', '*.lab', 'filed'], 'boss', { register: true }),
    ];
    expect(await failure(admin.createTokens(items, true))).toEqual({
      code: 'request-malformed',
      pointers: [
        '/tokens/1/register',
        '/tokens/1/hosts/0',
        '/tokens/1/hosts/1',
        '/tokens/1/hosts/2',
        '/tokens/2/hosts/0',
      ],
    });
    expect(await store.users.get('anna')).toBeUndefined();
    expect(await store.tokens.list()).toEqual([]);
  });

  it('creates nothing where a name is taken, or twice in the list, or a quota is reached', async () => {
    const { admin, store } = setUp();
    await store.tokens.create(newToken({ name: 'taken' }));
    const items = [token('t0', ['a']), token('taken', ['a']), token('t0', ['b'])];
    expect(await failure(admin.createTokens(items, true))).toEqual({
      code: 'conflict',
      pointers: ['/tokens/1/name', '/tokens/2/name'],
    });
    const quotas = { hosts: 1, tokens: 2, changesPerMinute: 0 };
    await store.users.create(newUser({ name: 'small', quotas }));
    const many = [token('s0', ['s0'], 'small'), token('s1', ['s0'], 'small'), token('s2', ['s1'], 'small')];
    expect(await failure(admin.createTokens(many, true))).toEqual({
      code: 'quota-exceeded',
      pointers: ['/tokens/2/hosts/0', '/tokens/2/name'],
    });
    expect(await store.tokens.list()).toHaveLength(1);
    await admin.createTokens(many.slice(0, 2), true);
  });
});

describe('a batch of hosts', () => {
  it('stores settings with their owners', async () => {
    const { admin, store, changed } = setUp();
    await store.history.countRepeats([{ ownerName: nameOf('b'), repeats: 4, lastSeenMs: NOW_MS }]);
    const views = await admin.createHosts([host('a', 'anna', { ttl: 60 }), host('b'), host('c', 'anna')], true);
    expect(views).toMatchObject([
      { host: 'a.dyn.example.com.', owner: 'anna', ttl: 60, origin: 'store' },
      { host: 'b.dyn.example.com.', repeats: 4 },
      { host: 'c.dyn.example.com.', owner: 'anna' },
    ]);
    const anna = (await store.users.get('anna'))!;
    expect(await store.hosts.countOwned(anna.id)).toBe(2);
    expect(changed).toHaveLength(3);
  });

  it('stores nothing where one is wrong or has settings', async () => {
    const { admin, store } = setUp();
    await store.hosts.put(defaultHostSettings(nameOf('taken')));
    const wrong = [
      host('a', 'none'),
      host('b', undefined, { ttl: 9_999 }),
      host('c', undefined, { ownerName: DomainName.parse('c.example.net') }),
      host('filed'),
    ];
    expect(await failure(admin.createHosts(wrong, false))).toEqual({
      code: 'request-malformed',
      pointers: ['/hosts/0/owner', '/hosts/1/ttl', '/hosts/2/host', '/hosts/3/host'],
    });
    expect(await failure(admin.createHosts([host('x', 'new'), host('taken'), host('x')], true))).toEqual({
      code: 'conflict',
      pointers: ['/hosts/1/host', '/hosts/2/host'],
    });
    expect(await store.hosts.list()).toHaveLength(1);
    expect(await store.users.get('new')).toBeUndefined();
  });

  it('has at most a hundred errors', async () => {
    const { admin } = setUp();
    const hosts = Array.from({ length: 1_000 }, (_, index) => host(`h${index}`, `none${index}`));
    expect((await failure(admin.createHosts(hosts, false))).pointers).toHaveLength(100);
  });
});

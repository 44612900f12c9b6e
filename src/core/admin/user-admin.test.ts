// Users and their keys, on a store in memory.
import { describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { tokenSha256 } from '../access/token.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import type { AdminCaller } from './caller.ts';
import { OPERATOR_CALLER } from './caller.ts';
import { UserAdmin } from './user-admin.ts';

const NOW_MS = Date.UTC(2026, 5, 1);

function setUp() {
  const store = openMemoryStore();
  const changed: [string, HostSettings | undefined][] = [];
  let octet = 0;
  const admin = new UserAdmin({
    store,
    tokens: [],
    hosts: [],
    zones: [
      { apex: DomainName.parse('dyn.example.com'), ttl: {}, members: { claim: true, pattern: '*.lab' } },
      { apex: DomainName.parse('example.net'), ttl: {}, members: { claim: false, pattern: '*' } },
      { apex: DomainName.parse('example.org'), ttl: {} },
    ],
    directory: { changed: (ownerName, settings) => void changed.push([`${ownerName}`, settings]) },
    read: () => Promise.reject(new Error('not used')),
    claim: async () => {},
    signIn: { sessionDays: 1, url: () => undefined },
    now: () => NOW_MS,
    random: (octets) => {
      octet += 1;
      return new Uint8Array(octets).fill(octet);
    },
  });
  const callerOf = async (name: string): Promise<AdminCaller> => ({
    kind: 'user',
    user: (await store.users.get(name))!,
    credential: { kind: 'key', id: 'k', name: 'key' },
    source: undefined,
    userAgent: '',
  });
  return { store, admin, changed, callerOf };
}

describe('users', () => {
  it('are members with the default quotas, unless something else is asked for', async () => {
    const { admin } = setUp();
    expect(await admin.create({ name: 'anna' })).toEqual({
      name: 'anna',
      role: 'member',
      enabled: true,
      quotas: { hosts: 20, tokens: 50, changesPerMinute: 60 },
      created: '2026-06-01T00:00:00.000Z',
    });
    expect(await admin.create({ name: 'bert', role: 'admin', quotas: { hosts: 3 } })).toMatchObject({
      role: 'admin',
      quotas: { hosts: 3, tokens: 50, changesPerMinute: 60 },
    });
    await expect(admin.create({ name: 'anna' })).rejects.toMatchObject({ code: 'conflict' });
    for (const name of ['', '.a', 'A', 'a b', 'a'.repeat(65), 'operator', 'master', 'é']) {
      await expect(admin.create({ name }), name).rejects.toMatchObject({
        code: 'request-malformed',
        errors: [{ pointer: '/name' }],
      });
    }
  });

  it('change: what is absent stays, and the time of an earlier end too', async () => {
    const { admin, store } = setUp();
    await admin.create({ name: 'anna' });
    const change = (fields: Parameters<UserAdmin['change']>[1]) => admin.change('anna', fields, OPERATOR_CALLER);
    expect(await change({ quotas: { tokens: 0 } })).toMatchObject({
      quotas: { hosts: 20, tokens: 0, changesPerMinute: 60 },
      hosts: 0,
      tokens: 0,
    });
    expect(await change({ enabled: false })).toMatchObject({ enabled: false, role: 'member' });
    const user = (await store.users.get('anna'))!;
    await store.users.update(user.id, { disabledMs: 5 });
    await change({ enabled: false, role: 'admin' });
    expect(await store.users.get('anna')).toMatchObject({ disabledMs: 5, role: 'admin' });
    expect(await change({ enabled: true })).toMatchObject({ enabled: true });
    await expect(admin.change('none', {}, OPERATOR_CALLER)).rejects.toMatchObject({ code: 'name-invalid' });
  });

  it('are listed page by page', async () => {
    const { admin } = setUp();
    for (const name of ['c', 'a', 'b']) await admin.create({ name });
    const first = await admin.list({ limit: 2 });
    expect(first.users.map(({ name }) => name)).toEqual(['a', 'b']);
    const second = await admin.list({ limit: 2, cursor: first.next! });
    expect(second.users.map(({ name }) => name)).toEqual(['c']);
    expect(second).not.toHaveProperty('next');
    await expect(admin.list({ cursor: 'x' })).rejects.toMatchObject({ errors: [{ pointer: '/cursor' }] });
  });

  it('an admin cannot end the last admin, and the operator can', async () => {
    const { admin, callerOf } = setUp();
    await admin.create({ name: 'anna', role: 'admin' });
    const anna = await callerOf('anna');
    const removal = { hosts: 'operator', tokens: 'revoke', history: 'keep' } as const;
    const conflict = { code: 'conflict' };
    await expect(admin.change('anna', { enabled: false }, anna)).rejects.toMatchObject(conflict);
    await expect(admin.change('anna', { role: 'member' }, anna)).rejects.toMatchObject(conflict);
    await expect(admin.remove('anna', removal, anna)).rejects.toMatchObject(conflict);
    await admin.create({ name: 'bert', role: 'admin' });
    await admin.change('anna', { enabled: false }, anna);
    expect(await admin.remove('bert', removal, OPERATOR_CALLER)).toMatchObject({ name: 'bert' });
    await expect(admin.show('bert')).rejects.toMatchObject({ code: 'name-invalid' });
  });

  it('a removal tells this server which hosts have other settings now', async () => {
    const { admin, store, changed } = setUp();
    await admin.create({ name: 'anna' });
    const ownerId = (await store.users.get('anna'))!.id;
    const host = DomainName.parse('a.dyn.example.com');
    await store.hosts.put({ ...defaultHostSettings(host), ownerId });
    await admin.remove('anna', { hosts: 'operator', tokens: 'revoke', history: 'keep' }, OPERATOR_CALLER);
    expect(changed).toEqual([['a.dyn.example.com.', defaultHostSettings(host)]]);
  });

  it('see themselves, with what they have and where they may take names', async () => {
    const { admin, store, callerOf } = setUp();
    await admin.create({ name: 'anna' });
    const anna = await callerOf('anna');
    const ownerId = (await store.users.get('anna'))!.id;
    await store.hosts.put({ ...defaultHostSettings(DomainName.parse('a.dyn.example.com')), ownerId });
    expect(await admin.me(anna)).toMatchObject({
      user: { name: 'anna', hosts: 1, tokens: 0 },
      claims: [{ zone: 'dyn.example.com.', pattern: '*.lab' }],
    });
    await expect(admin.me(OPERATOR_CALLER)).rejects.toMatchObject({ code: 'request-malformed' });
  });
});

describe('management keys', () => {
  it('begin with dyn_, are shown once, and only their SHA-256 is stored', async () => {
    const { admin, store } = setUp();
    await admin.create({ name: 'anna' });
    const { key, secret } = await admin.createKey('anna', { name: 'laptop', expires: '2030-01-31', maxUnusedDays: 9 });
    expect(secret).toMatch(/^dyn_[a-z0-9]{32}$/);
    expect(key).toEqual({
      name: 'laptop',
      state: 'valid',
      created: '2026-06-01T00:00:00.000Z',
      expires: '2030-01-31',
      maxUnusedDays: 9,
    });
    expect((await store.users.findKey(tokenSha256(secret)))?.user.name).toBe('anna');
    expect(JSON.stringify(await admin.keysOf('anna'))).not.toContain(secret);
    await expect(admin.createKey('anna', { name: 'laptop' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(admin.createKey('none', { name: 'x' })).rejects.toMatchObject({ code: 'name-invalid' });
    for (const [wanted, pointer] of [
      [{ name: ' ' }, '/name'],
      [{ name: 'a\nb' }, '/name'],
      [{ name: 'x', expires: '2030-02-30' }, '/expires'],
      [{ name: 'x', expires: '----------' }, '/expires'],
    ] as const) {
      await expect(admin.createKey('anna', wanted)).rejects.toMatchObject({ errors: [{ pointer }] });
    }
  });

  it('are revoked by their user, who cannot revoke those of others', async () => {
    const { admin, callerOf } = setUp();
    for (const name of ['anna', 'bert']) await admin.create({ name });
    const [anna, bert] = [await callerOf('anna'), await callerOf('bert')];
    await admin.createKeyOfCaller({ name: 'laptop' }, anna);
    await expect(admin.revokeKeyOfCaller('laptop', bert)).rejects.toMatchObject({ code: 'name-invalid' });
    expect(await admin.revokeKeyOfCaller('laptop', anna)).toMatchObject({ state: 'revoked' });
    expect((await admin.keysOfCaller(anna)).keys.map(({ state }) => state)).toEqual(['revoked']);
    expect((await admin.keysOfCaller(bert)).keys).toEqual([]);
    await expect(admin.revokeKey('anna', 'laptop')).rejects.toMatchObject({ code: 'name-invalid' });
  });

  it('are at most a hundred of one user', async () => {
    const { admin } = setUp();
    await admin.create({ name: 'anna' });
    for (let number = 0; number < 100; number += 1) await admin.createKey('anna', { name: `k${number}` });
    await expect(admin.createKey('anna', { name: 'one more' })).rejects.toMatchObject({ code: 'conflict' });
    await admin.revokeKey('anna', 'k7');
    await admin.createKey('anna', { name: 'one more' });
  });
});

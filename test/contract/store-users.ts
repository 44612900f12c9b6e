/** The contract of a store: users and their management keys (UserStore), and what belongs to users. */
import { describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { defaultHostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { MAX_REVOKED_KEYS } from '../../src/core/users/user-store.ts';
import { NOW_MS, nameOf, newEvent, newKey, newToken, newUser } from './store-fixtures.ts';

export function describeUserStore(store: () => Store): void {
  /** Creates a user with these fields. */
  const create = async (fields: Parameters<typeof newUser>[0] = {}) => {
    const user = newUser(fields);
    expect(await store().users.create(user)).toBe('created');
    return user;
  };
  const host = (name: string, ownerId?: string, shares: { userId: string; access: 'change' | 'view' }[] = []) => ({
    ...defaultHostSettings(nameOf(name)),
    ...(ownerId !== undefined && { ownerId }),
    ...(shares.length > 0 && { shares }),
  });

  describe('users', () => {
    it('stores a user with all fields, under a name that no other has', async () => {
      const user = await create({ role: 'admin', disabledMs: NOW_MS });
      expect(await store().users.get(user.name)).toEqual(user);
      expect(await store().users.create(user)).toBe('created');
      expect(await store().users.create(newUser({ name: user.name }))).toBe('name-taken');
      expect(await store().users.get('no one')).toBeUndefined();
      expect(await store().users.get('no\0one')).toBeUndefined();
      expect(await store().users.byId([user.id, 'unknown'])).toEqual(new Map([[user.id, user]]));
      expect(await store().users.byId([])).toEqual(new Map());
      expect(await store().users.byName(['no one', user.name, 'a\0'])).toEqual(new Map([[user.name, user]]));
    });

    it('lists users by name, page by page', async () => {
      const names = ['page.b', 'page.a', 'page-c', 'page.c', 'page_d'];
      for (const name of names) await create({ name });
      const inOrder = [...names].sort();
      const first = await store().users.page(2, undefined, 'PAGE');
      expect(first.users.map(({ name }) => name)).toEqual(inOrder.slice(0, 2));
      expect(first.next).toBe(inOrder[1]);
      const rest = await store().users.page(9, first.next, 'page');
      expect(rest.users.map(({ name }) => name)).toEqual(inOrder.slice(2));
      expect(rest).not.toHaveProperty('next');
      expect((await store().users.page(9, undefined, 'no such part')).users).toEqual([]);
      expect((await store().users.page(9, undefined, 'a\0')).users).toEqual([]);
    });

    it('changes the fields that a change has, and no others', async () => {
      const user = await create();
      const quotas = { hosts: 1, tokens: 2, changesPerMinute: 3 };
      expect(await store().users.update(user.id, { quotas })).toEqual({ ...user, quotas });
      expect(await store().users.update(user.id, { role: 'admin', disabledMs: NOW_MS })).toEqual({
        ...user,
        quotas,
        role: 'admin',
        disabledMs: NOW_MS,
      });
      expect(await store().users.update(user.id, {})).toMatchObject({ disabledMs: NOW_MS });
      const enabled = await store().users.update(user.id, { role: 'member', disabledMs: null });
      expect(enabled).toEqual({ ...user, quotas });
      expect(await store().users.get(user.name)).toEqual({ ...user, quotas });
      expect(await store().users.update('unknown', { quotas })).toBeUndefined();
    });

    it('keeps the last admin who is enabled, if that is asked for, of several that are ended at once', async () => {
      for (const user of (await store().users.page(500)).users) {
        if (user.role === 'admin') await store().users.update(user.id, { role: 'member' });
      }
      const admins = [
        await create({ role: 'admin' }),
        await create({ role: 'admin' }),
        await create({ role: 'admin' }),
      ];
      const keepAdmin = { keepAdmin: true };
      const outcomes = await Promise.all([
        store().users.update(admins[0]!.id, { disabledMs: NOW_MS }, keepAdmin),
        store().users.update(admins[1]!.id, { role: 'member' }, keepAdmin),
        store().users.remove(admins[2]!.id, REMOVAL, NOW_MS, keepAdmin),
      ]);
      expect(outcomes.filter((outcome) => outcome === 'last-admin')).toHaveLength(1);
      const { users } = await store().users.page(500);
      const [last, ...others] = users.filter(({ role, disabledMs }) => role === 'admin' && disabledMs === undefined);
      expect(others).toEqual([]);
      expect(await store().users.remove(last!.id, REMOVAL, NOW_MS, keepAdmin)).toBe('last-admin');
      expect(await store().users.update(last!.id, { quotas: last!.quotas }, keepAdmin)).toMatchObject({ id: last!.id });
      expect(await store().users.update(last!.id, { role: 'member' })).toMatchObject({ role: 'member' });
    });

    it('finds a management key by its SHA-256 with its user and its last use', async () => {
      const user = await create();
      const key = newKey(user.id, { expires: '2030-01-31', maxUnusedDays: 90 });
      expect(await store().users.createKey(key)).toBe('created');
      expect(await store().users.findKey(key.sha256)).toEqual({ key, user });
      expect(await store().users.findKey(tokenSha256('unknown'))).toBeUndefined();
      await store().tokens.touchLastUsed([{ tokenId: key.id, lastUsedMs: NOW_MS }]);
      await store().users.update(user.id, { disabledMs: NOW_MS });
      const found = { key: { ...key, lastUsedMs: NOW_MS }, user: { ...user, disabledMs: NOW_MS } };
      expect(await store().users.findKey(key.sha256)).toEqual(found);
      expect(await store().users.findKeys([key.id, 'unknown'])).toEqual([found]);
      expect(await store().users.listKeys(user.id)).toEqual([found.key]);
    });

    it('revokes a key, whose name is then free; it is still listed', async () => {
      const [user, other] = [await create(), await create()];
      const key = newKey(user.id);
      await store().users.createKey(key);
      const again = newKey(user.id, { name: key.name });
      expect(await store().users.createKey(again)).toBe('name-taken');
      expect(await store().users.createKey(newKey(other.id, { name: key.name }))).toBe('created');
      expect(await store().users.createKey(newKey('unknown'))).toBe('user-unknown');
      expect(await store().users.revokeKey(other.id, 'no such key', NOW_MS)).toBe('unknown');
      expect(await store().users.revokeKey(user.id, key.name, NOW_MS + 1)).toBe('revoked');
      expect(await store().users.revokeKey(user.id, key.name, NOW_MS + 2)).toBe('unknown');
      expect((await store().users.findKey(key.sha256))?.key.revokedMs).toBe(NOW_MS + 1);
      expect(await store().users.createKey(again)).toBe('created');
      expect((await store().users.listKeys(user.id)).map(({ id }) => id)).toEqual([key.id, again.id]);
      expect((await store().users.listKeys(other.id)).map(({ revokedMs }) => revokedMs)).toEqual([undefined]);
    });
  });

  it('keeps the newest of many revoked keys of a user', { timeout: 30_000 }, async () => {
    const [user, other] = [await create(), await create()];
    await store().users.createKey(newKey(other.id, { revokedMs: 1 }));
    for (let number = 0; number < MAX_REVOKED_KEYS + 2; number += 1) {
      await store().users.createKey(newKey(user.id, { revokedMs: NOW_MS - number }));
    }
    await store().users.createKey(newKey(user.id));
    const keys = await store().users.listKeys(user.id);
    expect(keys.filter(({ revokedMs }) => revokedMs === undefined)).toHaveLength(1);
    const revoked = keys.flatMap(({ revokedMs }) => revokedMs ?? []);
    expect(revoked.sort().reverse()).toEqual(Array.from({ length: MAX_REVOKED_KEYS }, (_, index) => NOW_MS - index));
    expect(await store().users.listKeys(other.id)).toHaveLength(1);
  });

  const REMOVAL = { hosts: 'operator', tokens: 'operator', history: 'keep' } as const;

  describe('the removal of a user', () => {
    /** A user with an own host, a shared one, tokens for both, for one that is only seen, and a key. */
    const customer = async (label: string) => {
      const [user, other] = [await create(), await create()];
      const [own, shared, seen] = [`own.${label}.example`, `shared.${label}.example`, `seen.${label}.example`];
      await store().hosts.put(host(own, user.id, [{ userId: other.id, access: 'view' }]));
      await store().hosts.put(
        host(shared, other.id, [
          { userId: user.id, access: 'change' },
          { userId: 'gone', access: 'view' },
        ]),
      );
      await store().hosts.put(host(seen, undefined, [{ userId: user.id, access: 'view' }]));
      const [ownToken, seenToken] = [own, seen].map((name) => newToken({ hosts: [nameOf(name)], owner: owner(user) }));
      const wide = newToken({ hosts: [nameOf(own.toUpperCase()), nameOf(shared)], owner: owner(user) });
      for (const token of [ownToken!, seenToken!, wide]) expect(await store().tokens.create(token)).toBe('created');
      const key = newKey(user.id);
      await store().users.createKey(key);
      await store().history.append([newEvent(own, NOW_MS), newEvent(shared, NOW_MS)]);
      await store().history.countRepeats([{ ownerName: nameOf(own), repeats: 1, lastSeenMs: NOW_MS }]);
      return { user, other, own, shared, seen, ownToken: ownToken!, seenToken: seenToken!, wide, key };
    };

    it('gives hosts and tokens to the operator, without what would gain power, and ends keys', async () => {
      const { user, other, own, shared, seen, ownToken, seenToken, wide, key } = await customer('given');
      await store().tokens.findBySha256(ownToken.sha256);
      const removed = await store().users.remove(user.id, REMOVAL, NOW_MS + 9);
      if (removed === undefined || removed === 'last-admin') throw new Error(`${removed}`);
      expect([removed.revoked, removed.kept]).toEqual([1, 2]);
      expect(removed.hosts.map(String).sort()).toEqual([own, seen, shared].map((name) => `${name}.`));
      expect(await store().users.get(user.name)).toBeUndefined();
      expect(await store().users.findKey(key.sha256)).toBeUndefined();
      const settings = await store().hosts.get(nameOf(own));
      expect(settings).not.toHaveProperty('ownerId');
      expect(settings?.shares).toEqual([{ userId: other.id, access: 'view' }]);
      expect((await store().hosts.get(nameOf(shared)))?.shares).toEqual([{ userId: 'gone', access: 'view' }]);
      expect(await store().hosts.get(nameOf(seen))).not.toHaveProperty('shares');
      expect(await store().hosts.hostsOf(user.id)).toEqual([]);
      expect((await store().hosts.hostsOf(other.id)).map(({ access }) => access)).toEqual(['view', 'own']);
      for (const kept of [ownToken, wide]) {
        const found = await store().tokens.findBySha256(kept.sha256);
        expect(found).not.toHaveProperty('owner');
        expect(found?.revokedMs).toBeUndefined();
      }
      expect((await store().tokens.findBySha256(seenToken.sha256))?.revokedMs).toBe(NOW_MS + 9);
      expect(await store().history.read(nameOf(own), 9)).toHaveLength(1);
      expect(await store().users.remove(user.id, REMOVAL, NOW_MS)).toBeUndefined();
    });

    it('leaves the operator the tokens of an admin, who might change everything', async () => {
      const admin = await create({ role: 'admin' });
      const token = newToken({ hosts: [nameOf('*.example.com')], owner: owner(admin) });
      await store().tokens.create(token);
      expect(await store().users.remove(admin.id, REMOVAL, NOW_MS)).toMatchObject({ revoked: 0, kept: 1 });
      expect((await store().tokens.findBySha256(token.sha256))?.revokedMs).toBeUndefined();
    });

    it('removes hosts, tokens and history of what the user owned', async () => {
      const { user, own, shared, ownToken, wide } = await customer('ended');
      const removal = { hosts: 'remove', tokens: 'revoke', history: 'purge' } as const;
      const removed = await store().users.remove(user.id, removal, NOW_MS + 9);
      expect(removed).toMatchObject({ revoked: 3, kept: 0 });
      expect(await store().hosts.get(nameOf(own))).toBeUndefined();
      expect(await store().hosts.get(nameOf(shared))).toBeDefined();
      expect(await store().history.read(nameOf(own), 9)).toEqual([]);
      expect(await store().history.activity(nameOf(own))).toBeUndefined();
      expect(await store().history.read(nameOf(shared), 9)).toHaveLength(1);
      for (const { sha256 } of [ownToken, wide]) {
        expect((await store().tokens.findBySha256(sha256))?.revokedMs).toBe(NOW_MS + 9);
      }
      expect((await store().hosts.page({ limit: 9, search: own })).hosts).toEqual([]);
    });

    it('loses no change of a host that is made at the same time', async () => {
      const user = await create();
      const names = Array.from({ length: 8 }, (_, index) => `busy${index}.removal.example`);
      for (const name of names) await store().hosts.put(host(name, user.id));
      const enable = names.map(async (name) => {
        const settings = (await store().hosts.get(nameOf(name)))!;
        return store().hosts.put({ ...settings, ttl: 77 }, { expected: settings });
      });
      const [removed, ...puts] = await Promise.all([store().users.remove(user.id, REMOVAL, NOW_MS), ...enable]);
      expect(removed).toBeTypeOf('object');
      for (const [index, name] of names.entries()) {
        const settings = await store().hosts.get(nameOf(name));
        expect(settings).not.toHaveProperty('ownerId');
        // An owner who is gone may not be set again either.
        expect(settings?.ttl, `${puts[index]}`).toBe(puts[index] === 'put' ? 77 : undefined);
      }
    });
  });

  describe('tokens of users', () => {
    it('come with their owner, who is as the user is now', async () => {
      const user = await create({ quotas: { hosts: 0, tokens: 0, changesPerMinute: 30 } });
      const token = newToken({ owner: owner(user) });
      await store().tokens.create(token);
      const found = async () => (await store().tokens.findBySha256(token.sha256))?.owner;
      const facts = { id: user.id, name: user.name, role: 'member', isDisabled: false, changesPerMinute: 30 };
      expect(await found()).toEqual(facts);
      expect((await store().tokens.findAllBySha256([token.sha256, 'x']))[0]?.owner).toEqual(facts);
      await store().users.update(user.id, { disabledMs: NOW_MS });
      expect(await found()).toEqual({ ...facts, isDisabled: true });
      await store().users.update(user.id, { disabledMs: null, quotas: { ...user.quotas, changesPerMinute: 7 } });
      expect(await found()).toEqual({ ...facts, changesPerMinute: 7 });
      await store().users.update(user.id, { role: 'admin' });
      expect(await found()).toEqual({ ...facts, role: 'admin', changesPerMinute: 0 });
      expect((await store().tokens.get(token.name))?.owner?.role).toBe('admin');
      expect((await store().tokens.list()).find(({ id }) => id === token.id)?.owner?.role).toBe('admin');
    });

    it('are created within the quota of the user, however many at once', async () => {
      const user = await create();
      const tokens = Array.from({ length: 12 }, () => newToken({ owner: owner(user) }));
      const outcomes = await Promise.all(tokens.map((token) => store().tokens.create(token, { maxOwned: 5 })));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(5);
      expect(outcomes.filter((outcome) => outcome === 'quota')).toHaveLength(7);
      expect(await store().tokens.countOwned(user.id)).toBe(5);
      const [created] = (await store().tokens.page({ limit: 1, ownerId: user.id })).tokens;
      await store().tokens.revoke(created!.name, NOW_MS);
      expect(await store().tokens.countOwned(user.id)).toBe(4);
      expect(await store().tokens.create(newToken({ owner: owner(user) }), { maxOwned: 5 })).toBe('created');
      const stranger = newToken({ owner: { ...owner(user), id: 'unknown' } });
      expect(await store().tokens.create(stranger)).toBe('owner-unknown');
      expect(await store().tokens.findBySha256(stranger.sha256)).toBeUndefined();
    });

    it('are listed page by page, by name and id, of one owner or all', async () => {
      const user = await create();
      const make = async (name: string, more: object = {}) => {
        const token = newToken({ name, ...more });
        await store().tokens.create(token);
        return token.id;
      };
      const old = await make('Paged-b');
      await store().tokens.revoke('Paged-b', NOW_MS);
      const ids = [old, await make('Paged-b', { owner: owner(user) }), await make('Paged-C'), await make('paged-a')];
      const all: string[] = [];
      let after: { name: string; id: string } | undefined;
      do {
        const page = await store().tokens.page({ limit: 1, after, search: 'paged-' });
        all.push(...page.tokens.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(all).toEqual([ids[2], ...[ids[0]!, ids[1]!].sort(), ids[3]]);
      const listed = async (query: object) =>
        (await store().tokens.page({ limit: 9, search: 'PAGED', ...query })).tokens.map(({ id }) => id);
      expect(await listed({ revoked: false })).toEqual([ids[2], ids[1], ids[3]]);
      expect(await listed({ ownerId: user.id })).toEqual([ids[1]]);
      expect(await listed({ ownerId: null })).toEqual([ids[2], ids[0], ids[3]]);
      expect(await listed({ search: 'no\0' })).toEqual([]);
      expect(await store().tokens.get('Paged-b')).toMatchObject({ id: ids[1] });
      expect(await store().tokens.get('Paged-x')).toBeUndefined();
    });

    it('show whether someone else has a name literally', async () => {
      const user = await create();
      const name = nameOf('literal\\032name.others.example');
      expect(await store().tokens.othersName(name, user.id)).toBe(false);
      const own = newToken({ hosts: [nameOf('a.example.com'), name], owner: owner(user) });
      await store().tokens.create(own);
      expect(await store().tokens.othersName(name, user.id)).toBe(false);
      expect(await store().tokens.othersName(name, 'another')).toBe(true);
      const pattern = newToken({ hosts: [nameOf('*.others.example'), nameOf('x.literal\\032name.others.example')] });
      await store().tokens.create(pattern);
      expect(await store().tokens.othersName(name, user.id)).toBe(false);
      const foreign = newToken({ hosts: [nameOf('LITERAL\\032name.others.example')] });
      await store().tokens.create(foreign);
      expect(await store().tokens.othersName(name, user.id)).toBe(true);
      await store().tokens.revoke(foreign.name, NOW_MS);
      expect(await store().tokens.othersName(name, user.id)).toBe(false);
    });
  });
}

/** What a token that is created has of its owner: the store looks only at the id. */
function owner({ id }: { readonly id: string }) {
  return { id, name: '', role: 'member', isDisabled: false, changesPerMinute: 0 } as const;
}

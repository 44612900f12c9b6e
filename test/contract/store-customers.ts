/** The contract of a store: many users, hosts and tokens that are created together (CustomerStore). */
import { describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { defaultHostSettings, type HostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { tokenOwner } from '../../src/core/users/user.ts';
import { NOW_MS, nameOf, newToken, newUser } from './store-fixtures.ts';

export function describeCustomerStore(store: () => Store): void {
  const batchOf = (label: string, count: number) => {
    const users = Array.from({ length: count }, () => newUser());
    const hosts = users.map(({ id }, index) => ({
      ...defaultHostSettings(nameOf(`c${index}.${label}.example`)),
      ownerId: id,
    }));
    const tokens = users.map((user, index) => newToken({ hosts: [hosts[index]!.ownerName], owner: tokenOwner(user) }));
    return { users, hosts, tokens };
  };

  describe('customers', () => {
    it('are created all at once: 2,000 users with a host and a token each', { timeout: 60_000 }, async () => {
      const batch = batchOf('many', 2_000);
      const startMs = performance.now();
      expect(await store().customers.create(batch)).toEqual({ conflicts: [] });
      expect(performance.now() - startMs).toBeLessThan(20_000);
      const [user, host, token] = [batch.users[1_234]!, batch.hosts[1_234]!, batch.tokens[1_234]!];
      expect(await store().users.get(user.name)).toEqual(user);
      expect(await store().hosts.hostsOf(user.id)).toEqual([{ ownerName: host.ownerName, access: 'own' }]);
      expect((await store().hosts.get(host.ownerName))?.ownerId).toBe(user.id);
      expect((await store().tokens.findBySha256(token.sha256))?.owner).toEqual(tokenOwner(user));
      expect((await store().hosts.page({ limit: 500, search: '.many.example' })).hosts).toHaveLength(500);
      // As after an answer that was lost.
      expect(await store().customers.create(batch)).toEqual({ conflicts: [] });
    });

    it('are not created at all where one of them conflicts, and every conflict is named', async () => {
      const taken = batchOf('taken', 2);
      await store().customers.create(taken);
      const batch = batchOf('refused', 6);
      const users = batch.users.with(1, newUser({ name: taken.users[0]!.name }));
      const hosts = batch.hosts
        .with(1, { ...batch.hosts[1]!, ownerId: users[1]!.id })
        .with(2, { ...taken.hosts[1]!, ownerId: users[2]!.id })
        .with(3, { ...batch.hosts[3]!, ownerId: 'unknown' });
      const tokens = batch.tokens
        .with(1, newToken({ owner: tokenOwner(users[1]!) }))
        .with(3, newToken({ name: taken.tokens[0]!.name }))
        .with(4, newToken({ sha256: taken.tokens[1]!.sha256 }))
        .with(5, newToken({ name: batch.tokens[0]!.name, owner: tokenOwner(newUser()) }));
      expect(await store().customers.create({ users, hosts, tokens })).toEqual({
        conflicts: [
          { kind: 'user', index: 1, why: 'exists' },
          { kind: 'host', index: 2, why: 'exists' },
          { kind: 'host', index: 3, why: 'owner-unknown' },
          { kind: 'token', index: 3, why: 'exists' },
          { kind: 'token', index: 4, why: 'secret-taken' },
          { kind: 'token', index: 5, why: 'exists' },
        ],
      });
      for (const { name } of [users[0]!, users[5]!]) expect(await store().users.get(name)).toBeUndefined();
      for (const { ownerName } of [hosts[0]!, hosts[5]!]) expect(await store().hosts.get(ownerName)).toBeUndefined();
      for (const { sha256 } of [tokens[0]!, tokens[2]!]) {
        expect(await store().tokens.findBySha256(sha256)).toBeUndefined();
      }
      expect(await store().hosts.hostsOf(users[0]!.id)).toEqual([]);
    });

    it('may get hosts that have settings, if these are still what was read', async () => {
      const user = newUser();
      const ownerName = nameOf('given.customers.example');
      const viewer = newUser();
      await store().users.create(viewer);
      const before = {
        ...defaultHostSettings(ownerName),
        ttl: 99,
        shares: [{ userId: viewer.id, access: 'view' as const }],
      };
      await store().hosts.put(before);
      const after = { ...before, ownerId: user.id };
      const stale = { before: { ...before, ttl: 98 }, after };
      const create = (given: readonly { before: HostSettings; after: HostSettings }[]) =>
        store().customers.create({ users: [user], hosts: [], given, tokens: [] });
      expect(await create([stale])).toEqual({ conflicts: [{ kind: 'given', index: 0, why: 'changed' }] });
      expect(await store().users.get(user.name)).toBeUndefined();
      expect(await create([{ before, after }])).toEqual({ conflicts: [] });
      expect(await create([{ before, after }])).toEqual({ conflicts: [] });
      expect(await store().hosts.get(ownerName)).toMatchObject({ ttl: 99, ownerId: user.id });
      expect(await store().hosts.hostsOf(user.id)).toEqual([{ ownerName, access: 'own' }]);
      expect(await store().hosts.hostsOf(viewer.id)).toEqual([{ ownerName, access: 'view' }]);
    });

    it('count towards the limits of their owners, with what these own already', async () => {
      const user = newUser();
      await store().users.create(user);
      const host = (label: string) => ({ ...defaultHostSettings(nameOf(`${label}.limits.example`)), ownerId: user.id });
      await store().hosts.put(host('first'));
      await store().tokens.create(newToken({ owner: tokenOwner(user) }));
      const tokens = [newToken({ owner: tokenOwner(user) }), newToken(), newToken({ owner: tokenOwner(user) })];
      const hosts = [host('second'), host('third')];
      const limits = new Map([[user.id, { hosts: 2, tokens: 2 }]]);
      expect(await store().customers.create({ users: [], hosts, tokens, limits })).toEqual({
        conflicts: [
          { kind: 'host', index: 1, why: 'quota' },
          { kind: 'token', index: 2, why: 'quota' },
        ],
      });
      const outcomes = await Promise.all([
        store().customers.create({ users: [], hosts: [hosts[0]!], tokens: [], limits }),
        store().hosts.put(hosts[1]!, { expected: null, maxOwned: 2 }),
        store().customers.create({ users: [], hosts: [host('fourth')], tokens: [], limits }),
      ]);
      expect(await store().hosts.countOwned(user.id), JSON.stringify(outcomes)).toBe(2);
      expect(await store().customers.create({ users: [], hosts: [host('fifth')], tokens: [] })).toEqual({
        conflicts: [],
      });
    });

    it('of concurrent batches with one name in common, one is created', async () => {
      const shared = newUser();
      const batches = Array.from({ length: 5 }, (_, index) => {
        const batch = batchOf(`race${index}`, 20);
        return { ...batch, users: [...batch.users, { ...shared, id: `race-${index}` }] };
      });
      const outcomes = await Promise.all(batches.map((batch) => store().customers.create(batch)));
      const created = outcomes.flatMap(({ conflicts }, index) => (conflicts.length === 0 ? [index] : []));
      expect(created).toHaveLength(1);
      expect((await store().users.get(shared.name))?.id).toBe(`race-${created[0]}`);
      for (const [index, { users, hosts }] of batches.entries()) {
        const isCreated = index === created[0];
        expect(await store().users.get(users[0]!.name)).toEqual(isCreated ? users[0] : undefined);
        expect((await store().hosts.get(hosts[19]!.ownerName)) !== undefined).toBe(isCreated);
      }
    });

    it('a token of the operator with the same name, created meanwhile, is a conflict', async () => {
      const batch = { users: [], hosts: [], tokens: [newToken({ name: 'one of two' })] };
      const other = newToken({ name: 'one of two', sha256: tokenSha256('the other of two') });
      const [outcome, created] = await Promise.all([store().customers.create(batch), store().tokens.create(other)]);
      expect([outcome.conflicts.length, created]).toEqual(created === 'created' ? [1, 'created'] : [0, 'name-taken']);
      expect((await store().tokens.get('one of two'))?.createdMs).toBeGreaterThan(NOW_MS);
    });
  });
}

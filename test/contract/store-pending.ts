/** The contract of a store: Pending updates (PendingStore). */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import type { DomainName } from '../../src/dns/name.ts';
import { NOW_MS, nameOf, newPendingUpdate, plain } from './store-fixtures.ts';

export function describePendingStore(store: () => Store): void {
  describe('pending updates', () => {
    it('stores one for each name and family, with all fields', async () => {
      const update = newPendingUpdate('pending.example.com', {
        before: [['192.0.2.1'], []],
        wanted: ['192.0.2.10', '192.0.2.9'],
      });
      const other = newPendingUpdate('pending.example.com', { family: 'AAAA', wanted: [], before: undefined });
      await store().pending.put(update);
      await store().pending.put(other);
      expect(plain(await store().pending.get(nameOf('PENDING.example.com'), 'A'))).toMatchObject(
        plain({ ...update, attempts: 0 }),
      );
      const stored = await store().pending.get(nameOf('pending.example.com'), 'AAAA');
      expect(stored).toMatchObject({ wanted: [], attempts: 0 });
      expect(stored?.before).toBeUndefined();
      expect(await store().pending.count()).toBe(2);
    });

    it('replaces a pending update by a newer one, with a greater sequence number and no attempts', async () => {
      const first = (await store().pending.get(nameOf('pending.example.com'), 'A'))!;
      await store().pending.postpone(first, NOW_MS + 9_000, 'publish-unknown');
      expect(await store().pending.get(first.ownerName, 'A')).toMatchObject({
        attempts: 1,
        nextAttemptMs: NOW_MS + 9_000,
        lastError: 'publish-unknown',
        sequence: first.sequence,
      });
      await store().pending.put(newPendingUpdate('pending.example.com', { wanted: ['192.0.2.3'] }));
      const second = (await store().pending.get(first.ownerName, 'A'))!;
      expect(second).toMatchObject({ wanted: ['192.0.2.3'], attempts: 0 });
      expect(second.sequence).toBeGreaterThan(first.sequence);
      expect((await store().pending.list()).map(({ family }) => family)).toEqual(['AAAA', 'A']);
      // A caller that still holds the first one cannot change the second.
      await store().pending.postpone(first, NOW_MS, 'internal');
      expect(await store().pending.remove(first.ownerName, 'A', first.sequence)).toBe('unknown');
      expect(plain(await store().pending.get(first.ownerName, 'A'))).toEqual(plain(second));
    });

    it('lists the pending updates of a site', async () => {
      const names = ['s1', 's2', 's3'].map((label) => `${label}.site.example.com`);
      await store().pending.put(...names.map((name) => newPendingUpdate(name, { site: 'one site' })));
      await store().pending.put(newPendingUpdate('other.site.example.com', { site: 'another' }));
      const site = await store().pending.listSite('one site');
      expect(site.map(({ ownerName, site }) => [String(ownerName), site])).toEqual(
        names.map((name) => [`${name}.`, 'one site']),
      );
      expect(new Set(site.map(({ sequence }) => sequence)).size).toBe(3);
      // A newer pending update of one of these names does not belong to the site.
      await store().pending.put(newPendingUpdate(names[1]!));
      expect((await store().pending.listSite('one site')).map(({ ownerName }) => String(ownerName))).toEqual([
        `${names[0]}.`,
        `${names[2]}.`,
      ]);
      for (const { ownerName, family } of await store().pending.list()) {
        if (String(ownerName).includes('.site.')) await store().pending.remove(ownerName, family);
      }
    });

    it('removes a pending update, by its sequence number or whichever is stored', async () => {
      const ownerName = nameOf('pending.example.com');
      const { sequence } = (await store().pending.get(ownerName, 'A'))!;
      expect(await store().pending.remove(ownerName, 'A', sequence)).toBe('removed');
      expect(await store().pending.remove(ownerName, 'AAAA')).toBe('removed');
      expect(await store().pending.remove(ownerName, 'AAAA')).toBe('unknown');
      expect(await store().pending.count()).toBe(0);
      await store().pending.put(newPendingUpdate('pending.example.com'));
      expect((await store().pending.get(ownerName, 'A'))?.sequence).toBeGreaterThan(sequence);
      await store().pending.remove(ownerName, 'A');
    });

    it('returns due updates, the most overdue first, each to one caller until it is due again', async () => {
      for (const [name, dueMs] of [
        ['c', 300],
        ['a', 100],
        ['b', 200],
        ['d', 400],
      ] as const) {
        await store().pending.put(newPendingUpdate(`${name}.due.example.com`, { nextAttemptMs: dueMs }));
      }
      const labels = (updates: readonly { readonly ownerName: DomainName }[]) =>
        updates.map(({ ownerName }) => String(ownerName)[0]).sort();
      expect(labels(await store().pending.takeDue(99, 1_000, 10))).toEqual([]);
      const taken = await store().pending.takeDue(300, 1_000, 2);
      expect(labels(taken)).toEqual(['a', 'b']);
      expect(taken.map(({ nextAttemptMs }) => nextAttemptMs)).toEqual([1_000, 1_000]);
      expect(labels(await store().pending.takeDue(300, 1_000, 10))).toEqual(['c']);
      expect(labels(await store().pending.takeDue(300, 1_000, 10))).toEqual([]);
      expect(labels(await store().pending.takeDue(1_000, 2_000, 10))).toEqual(['a', 'b', 'c', 'd']);
      for (const { ownerName, family } of await store().pending.list()) await store().pending.remove(ownerName, family);
    });

    it('returns each due update to one of several concurrent callers', async () => {
      for (let index = 0; index < 50; index += 1)
        await store().pending.put(newPendingUpdate(`w${index}.example.com`, { nextAttemptMs: 1 }));
      const taken = await Promise.all(Array.from({ length: 8 }, () => store().pending.takeDue(1, 2, 10)));
      const names = taken.flat().map(({ ownerName }) => ownerName.key);
      expect(new Set(names).size).toBe(names.length);
      for (const { ownerName, family } of await store().pending.list()) await store().pending.remove(ownerName, family);
    });
  });
}

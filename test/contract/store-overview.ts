/** The contract of a store: hosts as people look at them (OverviewStore). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../src/core/history/history.ts';
import { defaultHostSettings, type HostSettings } from '../../src/core/hosts/host.ts';
import type { OverviewHost, OverviewQuery } from '../../src/core/hosts/overview-store.ts';
import type { Store } from '../../src/core/store.ts';
import { nameOf, newEvent, newPendingUpdate, newUser } from './store-fixtures.ts';

const DAY_MS = 86_400_000;
/** Later than the events of every other test. */
const NOW_MS = Date.UTC(2026, 5, 15, 12);
const HOUR_MS = 3_600_000;

export function describeOverviewStore(store: () => Store): void {
  describe('overview of hosts', () => {
    const created: string[] = [];

    const full = (text: string) => `${text}.overview.example.com`;
    const settings = (text: string, fields: Partial<HostSettings> = {}): HostSettings => ({
      ...defaultHostSettings(nameOf(full(text))),
      ...fields,
    });
    const put = async (text: string, fields: Partial<HostSettings> = {}) => {
      created.push(text);
      expect(await store().hosts.put(settings(text, fields))).toBe('put');
    };
    const append = (text: string, timeMs: number, fields: Partial<HistoryEvent> = {}) =>
      store().history.append([newEvent(full(text), timeMs, fields)]);
    const seen = (text: string, lastSeenMs: number) =>
      store().history.countRepeats([{ ownerName: nameOf(full(text)), repeats: 0, lastSeenMs }]);
    const changed = async (text: string, timeMs: number, after: string, fields: Partial<HistoryEvent> = {}) => {
      created.push(text);
      await append(text, timeMs, { A: { before: ['192.0.2.250'], after: [after] }, ...fields });
      await seen(text, timeMs);
    };
    const query = (fields: Partial<OverviewQuery> = {}): OverviewQuery => ({
      limit: 100,
      sort: 'name',
      search: 'overview.example.com',
      nowMs: NOW_MS,
      ...fields,
    });
    const short = ({ ownerName }: Pick<OverviewHost, 'ownerName'>) => ownerName.toString().split('.')[0];
    const list = async (fields: Partial<OverviewQuery> = {}) =>
      (await store().overview.page(query(fields))).hosts.map(short);
    const one = async (text: string, nowMs = NOW_MS) => (await store().overview.hosts([nameOf(full(text))], nowMs))[0];

    beforeAll(async () => {
      await changed('fresh', NOW_MS - HOUR_MS, '192.0.2.1');
      await put('never');
      await changed('off', NOW_MS - 2 * HOUR_MS, '192.0.2.2');
      await put('off', { enabled: false });
      await changed('quiet', NOW_MS - 3 * HOUR_MS, '192.0.2.3');
      await put('quiet', { silentAfterSeconds: 7200 });
      await changed('ended', NOW_MS - 5 * HOUR_MS, '192.0.2.4');
      await append('ended', NOW_MS - 4 * HOUR_MS, { protocol: 'lease', A: { before: ['192.0.2.4'], after: [] } });
      await changed('held', NOW_MS - 6 * HOUR_MS, '192.0.2.5');
      await store().pending.put(newPendingUpdate(full('held'), { createdMs: NOW_MS - 60_000 }));
    });

    afterAll(async () => {
      await store().pending.remove(nameOf(full('held')), 'A');
      for (const text of created) {
        await store().history.purge(nameOf(full(text)));
        await store().hosts.remove(nameOf(full(text)));
      }
      expect(await list()).toEqual([]);
    });

    it('has each host with its state, by name', async () => {
      const { hosts, next } = await store().overview.page(query());
      expect(hosts.map((host) => [short(host), host.state])).toEqual([
        ['ended', 'lease-ended'],
        ['fresh', 'fresh'],
        ['held', 'waiting'],
        ['never', 'never'],
        ['off', 'disabled'],
        ['quiet', 'silent'],
      ]);
      expect(next).toBeUndefined();
      expect(hosts[2]?.waitingSinceMs).toBe(NOW_MS - 60_000);
      expect(hosts[5]?.settings).toMatchObject({ silentAfterSeconds: 7200 });
    });

    it('sorts by state, time of the last update and time of the last change, page by page', async () => {
      expect(await list({ sort: 'state' })).toEqual(['held', 'quiet', 'ended', 'off', 'never', 'fresh']);
      expect(await list({ sort: 'seen' })).toEqual(['fresh', 'off', 'quiet', 'ended', 'held', 'never']);
      expect(await list({ sort: 'changed' })).toEqual(['fresh', 'off', 'quiet', 'ended', 'held', 'never']);
      for (const sort of ['name', 'state', 'seen', 'changed'] as const) {
        const paged: unknown[] = [];
        let after: OverviewQuery['after'];
        do {
          const page = await store().overview.page(query({ sort, limit: 2, after }));
          expect(page.hosts.length).toBeLessThanOrEqual(2);
          paged.push(...page.hosts.map(short));
          after = page.next;
        } while (after !== undefined);
        expect(paged).toEqual(await list({ sort }));
      }
    });

    it('finds by a part of the name in any case, and by state', async () => {
      expect(await list({ search: 'QUIET.over' })).toEqual(['quiet']);
      expect(await list({ search: 'no\0thing' })).toEqual([]);
      expect(await list({ state: 'silent' })).toEqual(['quiet']);
      expect(await list({ state: 'fresh', sort: 'seen' })).toEqual(['fresh']);
      expect(await list({ state: 'fresh', search: 'quiet' })).toEqual([]);
    });

    it('counts hosts by state', async () => {
      const before = await store().overview.count({ nowMs: NOW_MS });
      await put('another');
      const after = await store().overview.count({ nowMs: NOW_MS });
      expect(after).toEqual({ ...before, never: before.never + 1 });
    });

    it('has the addresses and since when they are the same', async () => {
      expect(await one('fresh')).toMatchObject({ A: { addresses: ['192.0.2.1'], sinceMs: NOW_MS - HOUR_MS } });
      created.push('both');
      const AAAA = (before: string[], after: string[]) => ({ AAAA: { before, after } });
      await append('both', NOW_MS - 9, {
        A: { before: ['192.0.2.9'], after: ['192.0.2.9'] },
        ...AAAA([], ['2001:db8::1']),
      });
      await append('both', NOW_MS - 8, AAAA(['2001:db8::1'], ['2001:db8::2', '2001:db8::3']));
      await append('both', NOW_MS - 7, { A: { before: ['192.0.2.9'], after: [] }, ...AAAA(['x'], ['x']) });
      await append('both', NOW_MS - 6, { A: { before: [], after: [] }, ...AAAA(['x'], ['2001:db8::4']) });
      expect(await one('both')).toMatchObject({
        A: { addresses: [], sinceMs: NOW_MS - 7 },
        AAAA: { addresses: ['2001:db8::4'], sinceMs: NOW_MS - 6 },
        lastChangeMs: NOW_MS - 6,
      });
      created.push('long');
      await append('long', NOW_MS - 9, { A: { before: ['192.0.2.9'], after: ['192.0.2.9'] } });
      expect((await one('long'))?.A).toEqual({ addresses: ['192.0.2.9'] });
      expect((await one('long'))?.AAAA).toBeUndefined();
    });

    it('has the last fault, and no host for a name that was only refused', async () => {
      await append('fresh', NOW_MS - 500, { outcome: 'refused', code: 'address-refused' });
      await append('fresh', NOW_MS - 400, { outcome: 'failed', code: 'primary-unreachable', detail: 'no answer' });
      expect((await one('fresh'))?.fault).toMatchObject({ outcome: 'failed', detail: 'no answer' });
      await append('fresh', NOW_MS - 300, { outcome: 'refused', code: 'host-disabled' });
      expect((await one('fresh'))?.fault).toMatchObject({ outcome: 'refused', code: 'host-disabled' });
      await append('stranger', NOW_MS, { outcome: 'refused', code: 'not-permitted' });
      expect(await one('stranger')).toBeUndefined();
      await store().history.purge(nameOf(full('stranger')));
      created.push('failing');
      await append('failing', NOW_MS, { outcome: 'failed', code: 'primary-unreachable' });
      expect(await one('failing')).toMatchObject({ state: 'never', fault: { code: 'primary-unreachable' } });
    });

    it('counts changes and faults by day, each event once', async () => {
      created.push('daily');
      const day = Math.floor(NOW_MS / DAY_MS);
      const events = [
        newEvent(full('daily'), NOW_MS - 100 * DAY_MS),
        newEvent(full('daily'), NOW_MS - 89 * DAY_MS),
        newEvent(full('daily'), NOW_MS - DAY_MS),
        newEvent(full('daily'), NOW_MS - DAY_MS + 1, { outcome: 'refused', code: 'address-refused' }),
        newEvent(full('daily'), NOW_MS),
        newEvent(full('daily'), NOW_MS + 1),
      ];
      await store().history.append(events);
      await store().history.append(events);
      const days = ((await one('daily'))?.days ?? []).filter((count) => count.day > day - 90);
      expect([...days].sort((a, b) => a.day - b.day)).toEqual([
        { day: day - 89, changes: 1, faults: 0 },
        { day: day - 1, changes: 1, faults: 1 },
        { day, changes: 2, faults: 0 },
      ]);
    });

    it('is silent only while a server could see it', async () => {
      expect((await one('quiet', NOW_MS - 2 * HOUR_MS))?.state).toBe('fresh');
      const sinceMs = await store().history.noteWatch(NOW_MS, 60_000);
      expect(await store().overview.watchedSinceMs()).toBe(sinceMs);
      const isCounted = sinceMs + 2 * HOUR_MS <= NOW_MS;
      expect((await one('quiet'))?.state).toBe(isCounted ? 'silent' : 'fresh');
    });

    it('follows settings and updates', async () => {
      await changed('moving', NOW_MS - HOUR_MS, '192.0.2.7');
      await append('moving', NOW_MS - 1000, { protocol: 'lease', A: { before: ['192.0.2.7'], after: [] } });
      expect(await one('moving')).toMatchObject({ state: 'lease-ended', A: { addresses: [] } });
      await seen('moving', NOW_MS);
      expect(await one('moving')).toMatchObject({ state: 'fresh', lastSeenMs: NOW_MS });
      await put('moving', { enabled: false });
      expect((await one('moving'))?.state).toBe('disabled');
      await store().hosts.remove(nameOf(full('moving')));
      expect(await one('moving')).toMatchObject({ state: 'fresh' });
      expect((await one('moving'))?.settings).toBeUndefined();
      await put('moving');
      await store().history.purge(nameOf(full('moving')));
      const purged = await one('moving');
      expect(purged).toMatchObject({ state: 'never', days: [] });
      expect([purged?.A, purged?.lastSeenMs, purged?.lastChangeMs]).toEqual([undefined, undefined, undefined]);
      await store().hosts.remove(nameOf(full('moving')));
      expect(await one('moving')).toBeUndefined();
    });

    it('shows a user the own hosts and those that are shared', async () => {
      const [owner, guest] = [newUser(), newUser()];
      await store().users.create(owner);
      await store().users.create(guest);
      await put('owned', { ownerId: owner.id, shares: [{ userId: guest.id, access: 'view' }] });
      expect(await list({ userId: owner.id })).toEqual(['owned']);
      expect(await list({ userId: guest.id, sort: 'state' })).toEqual(['owned']);
      expect(await list({ userId: guest.id, access: 'own' })).toEqual([]);
      expect(await store().overview.count({ userId: guest.id, nowMs: NOW_MS })).toMatchObject({ never: 1, fresh: 0 });
      const removal = { hosts: 'remove', tokens: 'revoke', history: 'purge' } as const;
      await store().users.remove(owner.id, removal, NOW_MS);
      expect(await one('owned')).toBeUndefined();
      await store().users.remove(guest.id, removal, NOW_MS);
    });

    it('has the hosts of a batch', async () => {
      created.push('batch1', 'batch2');
      const hosts = [settings('batch2', { enabled: false }), settings('batch1')];
      expect(await store().customers.create({ users: [], hosts, tokens: [] })).toEqual({ conflicts: [] });
      expect(await list({ search: 'batch' })).toEqual(['batch1', 'batch2']);
      expect(await list({ search: 'batch', state: 'disabled' })).toEqual(['batch2']);
    });
  });
}

import { describe, expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { openMemoryStore } from '../../store/memory.ts';
import { eventId, type HistoryEvent } from '../history/history.ts';
import { defaultHostSettings, type HostSettings } from '../hosts/host.ts';
import { DEFAULT_QUOTAS, type User } from '../users/user.ts';
import { type AdminCaller, OPERATOR_CALLER } from './caller.ts';
import { OverviewAdmin } from './overview-admin.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const DAY_MS = 86_400_000;
const full = (text: string) => DomainName.parse(`${text}.dyn.example.com`);
let sequence = 0;

function event(host: string, timeMs: number, fields: Partial<HistoryEvent> = {}): HistoryEvent {
  sequence += 1;
  const id = eventId(timeMs, sequence, new Uint8Array(10));
  const who = { protocol: 'dyndns2', actor: 'router', source: '203.0.113.7', userAgent: '' };
  return { id, ownerName: full(host), timeMs, ...who, outcome: 'changed', ...fields };
}

const settings = (host: string, fields: Partial<HostSettings> = {}) => ({
  ...defaultHostSettings(full(host)),
  ...fields,
});

function make(configured: readonly HostSettings[] = []) {
  const store = openMemoryStore();
  const admin = new OverviewAdmin({ store, hosts: configured, now: () => NOW });
  const seen = (host: string, lastSeenMs: number) =>
    store.history.countRepeats([{ ownerName: full(host), repeats: 0, lastSeenMs }]);
  return { admin, store, seen };
}

const member = (user: User): AdminCaller => ({
  kind: 'user',
  user,
  credential: { kind: 'key', id: 'k', name: 'k' },
  source: undefined,
  userAgent: '',
});
const short = ({ host }: { readonly host: string }) => host.split('.')[0];

describe('OverviewAdmin', () => {
  it('shows state, addresses with their age, the last fault in words, and 90 days', async () => {
    const { admin, store, seen } = make();
    await store.history.append([
      event('home', NOW - 95 * DAY_MS),
      event('home', NOW - 89 * DAY_MS, { A: { before: [], after: ['192.0.2.1'] } }),
      event('home', NOW - DAY_MS, { AAAA: { before: [], after: ['2001:db8::1'] } }),
      event('home', NOW - 1000, { outcome: 'refused', code: 'address-refused', detail: 'The address …' }),
    ]);
    await seen('home', NOW - DAY_MS);
    const { days, hosts, next } = await admin.list({}, OPERATOR_CALLER);
    expect(days).toEqual({ first: '2026-08-26', last: '2026-11-23' });
    expect(next).toBeUndefined();
    const { changes, faults, ...home } = hosts[0]!;
    expect(home).toEqual({
      host: 'home.dyn.example.com.',
      origin: 'none',
      enabled: true,
      state: 'fresh',
      A: { addresses: ['192.0.2.1'], since: '2026-08-26T10:00:00.000Z' },
      AAAA: { addresses: ['2001:db8::1'], since: '2026-11-22T10:00:00.000Z' },
      lastSeen: '2026-11-22T10:00:00.000Z',
      lastChange: '2026-11-22T10:00:00.000Z',
      fault: {
        id: expect.any(String),
        time: '2026-11-23T09:59:59.000Z',
        outcome: 'refused',
        code: 'address-refused',
        text: 'The address policy of the zone, or a limit on the records of a name, refuses this value.',
        detail: 'The address …',
        actor: 'router',
        source: '203.0.113.7',
      },
      members: 0,
    });
    expect(changes).toEqual([1, ...new Array(87).fill(0), 1, 0]);
    expect(faults).toEqual([...new Array(89).fill(0), 1]);
  });

  it('merges hosts of the configuration file, which decides over what the store has', async () => {
    const configured = [settings('b', { enabled: false }), settings('d', { silentAfterSeconds: 60 }), settings('z')];
    const { admin, store, seen } = make(configured);
    for (const host of ['a', 'b', 'c', 'd', 'e']) {
      await store.hosts.put(settings(host));
      await seen(host, NOW - 3_600_000);
    }
    const all = await admin.list({}, OPERATOR_CALLER);
    expect(all.hosts.map((host) => [short(host), host.state, host.origin])).toEqual([
      ['a', 'fresh', 'store'],
      ['b', 'disabled', 'configuration'],
      ['c', 'fresh', 'store'],
      ['d', 'silent', 'configuration'],
      ['e', 'fresh', 'store'],
      ['z', 'never', 'configuration'],
    ]);
    for (const sort of ['name', 'state', 'seen', 'changed'] as const) {
      const listed: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await admin.list({ sort, limit: 2, ...(cursor && { cursor }) }, OPERATOR_CALLER);
        listed.push(...page.hosts.map(short));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(listed).toEqual((await admin.list({ sort }, OPERATOR_CALLER)).hosts.map(short));
    }
    expect((await admin.list({ sort: 'state' }, OPERATOR_CALLER)).hosts.map(short)).toEqual([
      'd',
      'b',
      'z',
      'a',
      'c',
      'e',
    ]);
    expect((await admin.list({ state: 'fresh' }, OPERATOR_CALLER)).hosts.map(short)).toEqual(['a', 'c', 'e']);
    expect((await admin.list({ search: 'Z.DYN' }, OPERATOR_CALLER)).hosts.map(short)).toEqual(['z']);
    expect(await admin.count(undefined, OPERATOR_CALLER)).toEqual({
      total: 6,
      states: { waiting: 0, silent: 1, 'lease-ended': 0, disabled: 1, never: 1, fresh: 3 },
    });
  });

  it('shows a member own and shared hosts, and those of the configuration file to no member', async () => {
    const { admin, store } = make([settings('filed')]);
    const user: User = { id: 'u1', name: 'alice', role: 'member', quotas: DEFAULT_QUOTAS, createdMs: NOW };
    const other: User = { ...user, id: 'u2', name: 'bob' };
    await store.users.create(user);
    await store.users.create(other);
    await store.hosts.put(settings('own', { ownerId: 'u1' }));
    await store.hosts.put(settings('shared', { ownerId: 'u2', shares: [{ userId: 'u1', access: 'view' }] }));
    await store.hosts.put(settings('filed', { ownerId: 'u1' }));
    await store.hosts.put(settings('hidden', { ownerId: 'u2' }));
    const { hosts } = await admin.list({}, member(user));
    expect(hosts.map((host) => [short(host), host.owner, host.access])).toEqual([
      ['own', 'alice', 'own'],
      ['shared', 'bob', 'view'],
    ]);
    expect((await admin.list({ owner: 'bob' }, member(user))).hosts).toEqual([]);
    expect((await admin.list({ owner: 'bob' }, OPERATOR_CALLER)).hosts.map(short)).toEqual(['hidden', 'shared']);
    expect((await admin.count('bob', OPERATOR_CALLER)).total).toBe(2);
    expect((await admin.count('bob', member(user))).total).toBe(0);
  });

  it('refuses the cursor of a list that is sorted otherwise', async () => {
    const { admin, store } = make();
    for (const host of ['a', 'b']) await store.hosts.put(settings(host));
    const { next } = await admin.list({ limit: 1 }, OPERATOR_CALLER);
    await expect(admin.list({ sort: 'seen', cursor: next! }, OPERATOR_CALLER)).rejects.toThrow("'cursor'");
    await expect(admin.list({ cursor: 'x' }, OPERATOR_CALLER)).rejects.toThrow("'cursor'");
  });

  it('reads the addresses of a family with durations, page by page', async () => {
    const { admin, store } = make();
    const step = (before: string[], after: string[]) => ({ A: { before, after } });
    await store.history.append([
      event('home', NOW - 10_000, step(['192.0.2.9'], ['192.0.2.1'])),
      event('home', NOW - 8000, {
        outcome: 'failed',
        code: 'primary-unreachable',
        ...step(['192.0.2.1'], ['192.0.2.1']),
      }),
      event('home', NOW - 7000, step(['192.0.2.1'], [])),
      event('home', NOW - 4000, step([], ['192.0.2.2', '192.0.2.3'])),
    ]);
    const first = await admin.timeline(full('home'), 'A', 2, undefined);
    const spans = (page: typeof first) =>
      page.spans.map(({ addresses, until, seconds }) => [addresses, until, seconds]);
    expect(spans(first)).toEqual([
      [['192.0.2.2', '192.0.2.3'], undefined, 4],
      [[], '2026-11-23T09:59:56.000Z', 3],
    ]);
    expect(first.earlier).toEqual(['192.0.2.1']);
    const second = await admin.timeline(full('home'), 'A', 2, first.next);
    expect(spans(second)).toEqual([[['192.0.2.1'], '2026-11-23T09:59:53.000Z', 3]]);
    expect(second).toMatchObject({ earlier: ['192.0.2.9'], host: 'home.dyn.example.com.' });
    expect(second.next).toBeUndefined();
    expect((await admin.timeline(full('home'), 'AAAA', 2, undefined)).spans).toEqual([]);
  });
});

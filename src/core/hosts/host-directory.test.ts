import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import { defaultHostSettings, type HostSettings } from './host.ts';
import { HostDirectory } from './host-directory.ts';
import type { HostStore } from './host-store.ts';

const name = (label: string) => DomainName.parse(`${label}.example.com`);
const settings = (label: string, ttl: number): HostSettings => ({ ...defaultHostSettings(name(label)), ttl });

/** A store that counts its queries and can be unreachable: it fails, or does not answer until `answer` is called. */
class CountingStore implements Pick<HostStore, 'get' | 'list'> {
  readonly content = new Map<string, HostSettings>();
  readonly waiting: (() => void)[] = [];
  queries = 0;
  state: 'there' | 'away' | 'silent' = 'there';
  async put(each: HostSettings): Promise<void> {
    this.content.set(each.ownerName.key, each);
  }
  async get(ownerName: DomainName): Promise<HostSettings | undefined> {
    this.queries += 1;
    if (this.state === 'away') throw new AppError('store-unreachable', 'The store does not answer.');
    const found = this.content.get(ownerName.key);
    if (this.state === 'silent') await new Promise<void>((resolve) => this.waiting.push(resolve));
    return found;
  }
  async list(): Promise<readonly HostSettings[]> {
    return [...this.content.values()];
  }
}

function directory(exclusive: boolean) {
  const store = new CountingStore();
  const timers = new Set<() => void>();
  const clock = {
    nowMs: 0,
    /** What waits for a time is called now. */
    fire: () => {
      for (const call of timers) call();
    },
  };
  const hosts = new HostDirectory({
    configured: [settings('fixed', 1)],
    store,
    exclusive,
    nowMs: () => clock.nowMs,
    after: (_, call) => {
      timers.add(call);
      return () => timers.delete(call);
    },
  });
  return { store, clock, hosts };
}

describe('HostDirectory', () => {
  it('has the settings of the configuration before those of the store', async () => {
    const { store, hosts } = directory(true);
    await store.put(settings('fixed', 2));
    await store.put(settings('stored', 3));
    await hosts.load();
    expect([await hosts.find(name('FIXED')), await hosts.find(name('stored'))]).toMatchObject([{ ttl: 1 }, { ttl: 3 }]);
  });

  it('does not query a store of its own after it has read it, and follows its changes', async () => {
    const { store, hosts } = directory(true);
    await store.put(settings('stored', 3));
    await hosts.load();
    expect(hosts.find(name('none'))).toBeUndefined();
    hosts.changed(name('none'), settings('none', 4));
    hosts.changed(name('stored'), undefined);
    expect([hosts.find(name('none')), hosts.find(name('stored'))]).toMatchObject([{ ttl: 4 }, undefined]);
    expect(store.queries).toBe(0);
  });

  it('keeps nothing of a host that has no settings of its own, and everything of one that has any', async () => {
    const { store, hosts } = directory(true);
    const plain = defaultHostSettings(name('plain'));
    const member = {
      ownerName: name('nas'),
      host: { kind: 'interface-id', text: '::10' },
      subnet: 0,
    } as const;
    const prefix = parseIpPrefix('192.0.2.0/24')!;
    const some: readonly Partial<HostSettings>[] = [
      { enabled: false },
      { ttl: 60 },
      { addresses: { allow: [prefix], deny: [] } },
      { addresses: { allow: [], deny: [prefix] } },
      { silentAfterSeconds: 60 },
      { leaseSeconds: 60 },
      { fallback: ['192.0.2.1'] },
      { interfaceId: '::1' },
      { prefixLength: 56 },
      { members: [member] },
    ];
    await store.put(plain);
    for (const [index, each] of some.entries()) await store.put({ ...plain, ownerName: name(`some${index}`), ...each });
    await hosts.load();
    for (const [index, each] of some.entries()) expect(hosts.find(name(`some${index}`))).toMatchObject(each);
    expect(hosts.find(name('plain'))).toBeUndefined();
    hosts.changed(name('plain'), { ...plain, enabled: false });
    expect(hosts.find(name('plain'))).toMatchObject({ enabled: false });
    hosts.changed(name('plain'), plain);
    expect(hosts.find(name('plain'))).toBeUndefined();
    expect(store.queries).toBe(0);
  });

  it('queries a shared store for each host once a second', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.load();
    await hosts.find(name('shared'));
    expect(await hosts.find(name('shared'))).toBeUndefined();
    expect(store.queries).toBe(1);
    await store.put(settings('shared', 5));
    clock.nowMs = 999;
    expect(hosts.find(name('shared'))).toBeUndefined();
    clock.nowMs = 1000;
    expect(await hosts.find(name('shared'))).toMatchObject({ ttl: 5 });
    expect(hosts.find(name('shared'))).toMatchObject({ ttl: 5 });
    expect(store.queries).toBe(2);
  });

  it('without an answer of the store goes on with what was read, for a minute after that was fresh', async () => {
    const { store, clock, hosts } = directory(false);
    await store.put(settings('ttl', 5));
    await store.put({ ...settings('off', 5), enabled: false });
    for (const label of ['ttl', 'off', 'plain']) await hosts.find(name(label));
    store.state = 'away';
    for (const nowMs of [1_000, 30_000, 60_999]) {
      clock.nowMs = nowMs;
      expect(await hosts.find(name('ttl'))).toMatchObject({ ttl: 5, enabled: true });
      expect(await hosts.find(name('off'))).toMatchObject({ enabled: false });
      expect(await hosts.find(name('plain'))).toBeUndefined();
    }
    clock.nowMs = 61_000;
    for (const label of ['ttl', 'off', 'plain']) {
      await expect(hosts.find(name(label))).rejects.toMatchObject({ code: 'store-unreachable' });
    }
  });

  it('without an answer of the store knows nothing of a host that it never read', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.find(name('known'));
    store.state = 'away';
    for (const nowMs of [0, 1_000, 1_001]) {
      clock.nowMs = nowMs;
      await hosts.find(name('known'));
      await expect(hosts.find(name('strange'))).rejects.toMatchObject({ code: 'store-unreachable' });
    }
  });

  it('follows the store at once when it answers again', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.find(name('home'));
    store.state = 'away';
    clock.nowMs = 30_000;
    expect(await hosts.find(name('home'))).toBeUndefined();
    expect(store.queries).toBe(2);
    // Not queried again so soon.
    clock.nowMs = 30_999;
    expect(hosts.find(name('home'))).toBeUndefined();
    store.state = 'there';
    await store.put({ ...settings('home', 5), enabled: false });
    clock.nowMs = 31_000;
    expect(await hosts.find(name('home'))).toMatchObject({ enabled: false });
  });

  it('waits for a silent store once, and takes its late answer', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.find(name('home'));
    store.state = 'silent';
    await store.put(settings('home', 5));
    clock.nowMs = 2_000;
    const first = hosts.find(name('home'));
    clock.fire();
    expect(await first).toBeUndefined();
    expect(hosts.find(name('home'))).toBeUndefined();
    clock.nowMs = 2_900;
    for (const answer of store.waiting) answer();
    await new Promise(setImmediate);
    expect(await hosts.find(name('home'))).toMatchObject({ ttl: 5 });
    // The time runs from the query.
    clock.nowMs = 3_000;
    store.state = 'there';
    await store.put(settings('home', 6));
    expect(await hosts.find(name('home'))).toMatchObject({ ttl: 6 });
  });

  it('a late answer is not taken for what was changed here since', async () => {
    const { store, hosts } = directory(false);
    store.state = 'silent';
    const queried = hosts.find(name('home'));
    hosts.changed(name('home'), { ...settings('home', 5), enabled: false });
    for (const answer of store.waiting) answer();
    await queried;
    expect(hosts.find(name('home'))).toMatchObject({ enabled: false });
  });

  it('an error of another kind is thrown', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.find(name('home'));
    clock.nowMs = 2_000;
    store.get = async () => {
      throw new Error('broken');
    };
    await expect(hosts.find(name('home'))).rejects.toThrow('broken');
  });

  it('knows only the configuration where there is no store', async () => {
    const hosts = new HostDirectory({
      configured: [settings('fixed', 1)],
      exclusive: true,
      nowMs: () => 0,
      after: () => () => {},
    });
    await hosts.load();
    expect([hosts.find(name('fixed')), hosts.find(name('other'))]).toMatchObject([{ ttl: 1 }, undefined]);
  });
});

it('with other settings of the configuration shares what it knows of the store, also what changes later', async () => {
  const { store, hosts } = directory(true);
  await store.put(settings('stored', 2));
  await hosts.load();
  const next = hosts.withConfigured([settings('stored', 3)]);
  expect(await next.find(name('stored'))).toEqual(settings('stored', 3));
  expect(await next.find(name('fixed'))).toBeUndefined();
  // An operator's change that was told to the old one.
  hosts.changed(name('late'), settings('late', 4));
  expect(await next.find(name('late'))).toEqual(settings('late', 4));
  expect(store.queries).toBe(0);
});

import { describe, expect, it } from 'vitest';
import { DomainName } from '../dns/name.ts';
import { defaultHostSettings, type HostSettings } from './host.ts';
import { HostDirectory } from './host-directory.ts';
import type { HostStore } from './store-ports.ts';

const name = (label: string) => DomainName.parse(`${label}.example.com`);
const settings = (label: string, ttl: number): HostSettings => ({ ...defaultHostSettings(name(label)), ttl });

/** A store that tells how often it was asked. */
class CountingStore implements HostStore {
  readonly content = new Map<string, HostSettings>();
  asked = 0;
  async put(each: HostSettings): Promise<void> {
    this.content.set(each.ownerName.key, each);
  }
  async get(ownerName: DomainName): Promise<HostSettings | undefined> {
    this.asked += 1;
    return this.content.get(ownerName.key);
  }
  async list(): Promise<readonly HostSettings[]> {
    return [...this.content.values()];
  }
  async remove(ownerName: DomainName): Promise<'removed' | 'unknown'> {
    return this.content.delete(ownerName.key) ? 'removed' : 'unknown';
  }
}

function directory(exclusive: boolean) {
  const store = new CountingStore();
  const clock = { nowMs: 0 };
  const hosts = new HostDirectory({
    configured: [settings('fixed', 1)],
    store,
    exclusive,
    nowMs: () => clock.nowMs,
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

  it('asks a store of its own no more once it has read it, and follows what it is told', async () => {
    const { store, hosts } = directory(true);
    await store.put(settings('stored', 3));
    await hosts.load();
    expect(hosts.find(name('none'))).toBeUndefined();
    hosts.changed(name('none'), settings('none', 4));
    hosts.changed(name('stored'), undefined);
    expect([hosts.find(name('none')), hosts.find(name('stored'))]).toMatchObject([{ ttl: 4 }, undefined]);
    expect(store.asked).toBe(0);
  });

  it('asks a shared store for each host once a second', async () => {
    const { store, clock, hosts } = directory(false);
    await hosts.load();
    await hosts.find(name('shared'));
    expect(await hosts.find(name('shared'))).toBeUndefined();
    expect(store.asked).toBe(1);
    await store.put(settings('shared', 5));
    clock.nowMs = 999;
    expect(hosts.find(name('shared'))).toBeUndefined();
    clock.nowMs = 1000;
    expect(await hosts.find(name('shared'))).toMatchObject({ ttl: 5 });
    expect(hosts.find(name('shared'))).toMatchObject({ ttl: 5 });
    expect(store.asked).toBe(2);
  });

  it('knows only the configuration where there is no store', async () => {
    const hosts = new HostDirectory({ configured: [settings('fixed', 1)], exclusive: true, nowMs: () => 0 });
    await hosts.load();
    expect([hosts.find(name('fixed')), hosts.find(name('other'))]).toMatchObject([{ ttl: 1 }, undefined]);
  });
});

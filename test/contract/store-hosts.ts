/** The contract of a store: Settings of hosts (HostStore). */
import { describe, expect, it } from 'vitest';
import { defaultHostSettings, type HostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { parseIpPrefix } from '../../src/dns/address.ts';
import { nameOf, plain } from './store-fixtures.ts';

export function describeHostStore(store: () => Store): void {
  describe('settings of hosts', () => {
    const full: HostSettings = {
      ownerName: nameOf('home.example.com'),
      ttl: 60,
      enabled: false,
      addresses: { allow: [parseIpPrefix('10.0.0.0/8')!], deny: [parseIpPrefix('2001:db8::/32')!] },
      silentAfterSeconds: 86_400,
      leaseSeconds: 3_600,
      fallback: ['192.0.2.98', '192.0.2.99', '2001:db8::99'],
      interfaceId: '::1',
      prefixLength: 56,
      members: [
        { ownerName: nameOf('nas.home.example.com'), host: { kind: 'interface-id', text: '::10' }, subnet: 3 },
        { ownerName: nameOf('tv.home.example.com'), host: { kind: 'mac', text: '00:11:22:33:44:55' }, subnet: 0 },
      ],
    };

    it('stores all settings, under the name in any case', async () => {
      await store().hosts.put(full);
      expect(plain(await store().hosts.get(nameOf('HOME.example.com')))).toEqual(plain(full));
      expect(await store().hosts.get(nameOf('other.example.com'))).toBeUndefined();
    });

    it('replaces all settings', async () => {
      const simple = defaultHostSettings(full.ownerName);
      await store().hosts.put(simple);
      expect(plain(await store().hosts.get(full.ownerName))).toEqual(plain(simple));
    });

    it('RFC 4034 §6.1: lists hosts in canonical order', async () => {
      const names = ['z.a.example.net', 'a.example.net', '*.a.example.net', 'b.example.net', 'b-c.example.net'];
      for (const name of names) await store().hosts.put(defaultHostSettings(nameOf(name)));
      const listed = (await store().hosts.list()).map(({ ownerName }) => String(ownerName));
      expect(listed.filter((name) => name.endsWith('net.'))).toEqual([
        'a.example.net.',
        '*.a.example.net.',
        'z.a.example.net.',
        'b.example.net.',
        'b-c.example.net.',
      ]);
    });

    it('lists the hosts that have silentAfterSeconds or leaseSeconds, and no others', async () => {
      const limited = async () => (await store().hosts.listLimited()).map(({ ownerName }) => String(ownerName));
      const put = (name: string, more: object) => store().hosts.put({ ...defaultHostSettings(nameOf(name)), ...more });
      expect(await limited()).toEqual([]);
      await put('leased.example.net', { leaseSeconds: 60 });
      await put('watched.example.net', { silentAfterSeconds: 60 });
      expect(await limited()).toEqual(['leased.example.net.', 'watched.example.net.']);
      await put('watched.example.net', {});
      expect(await limited()).toEqual(['leased.example.net.']);
      for (const name of ['leased', 'watched']) await store().hosts.remove(nameOf(`${name}.example.net`));
      expect(await limited()).toEqual([]);
    });

    it('removes a host', async () => {
      expect(await store().hosts.remove(nameOf('B.example.net'))).toBe('removed');
      expect(await store().hosts.remove(nameOf('b.example.net'))).toBe('unknown');
      expect(await store().hosts.get(nameOf('b.example.net'))).toBeUndefined();
    });
  });
}

// The text of a new configuration: what init and the wizard write is read by the program without a warning, and means what was answered.
import { expect, it } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { parseIpAddress } from '../../dns/address.ts';
import { parseHostName } from '../../dns/host-name.ts';
import { embeddedConfiguration, parentRecords, remoteConfiguration } from './configuration.ts';

const ZONE = parseHostName('dyn.example.com');
const NS = [parseHostName('ns1.dyn.example.com'), parseHostName('ns2.example.net')];
const GLUE = [parseIpAddress('192.0.2.1')!, parseIpAddress('2001:db8::1')!];
const SERVER = { secret: "'abcdefgh'", store: 'dyndns.db' };
const EMBEDDED = { zone: ZONE, ns: NS, glue: GLUE, contact: "'me@example.com'" };

const read = (text: string) => {
  const { config } = parseConfig(text, '/etc/dyndns.yml', {});
  expect(config.warnings).toEqual([]);
  return config;
};

it('of an embedded zone with everything that can be answered', () => {
  const config = read(
    embeddedConfiguration(
      { ...EMBEDDED, apex: true, dnsListen: ['192.0.2.1:53', '[2001:db8::1]:5353'] },
      {
        ...SERVER,
        admin: { listen: ['127.0.0.1:54322'], url: 'https://dyndns.example.com' },
        httpListen: ['127.0.0.1:8080', 'https://[::]:443'],
        https: { names: [parseHostName('api.dyn.example.com')], email: "'me@example.com'" },
      },
    ),
  );
  expect(config.zones[0]!.primary).toMatchObject({ kind: 'embedded', ns: { length: 2 } });
  expect(config.dns?.listen).toEqual([
    { host: '192.0.2.1', port: 53 },
    { host: '2001:db8::1', port: 5353 },
  ]);
  expect(config.http.listen).toMatchObject([{ port: 8080 }, { port: 443, tls: true }]);
  expect(config.admin).toMatchObject({ url: 'https://dyndns.example.com', listen: [{ port: 54322 }] });
  expect(config.store).toEqual({ kind: 'sqlite', path: '/etc/dyndns.db' });
});

it('without answers has the defaults, and no dashboard', () => {
  const text = embeddedConfiguration(EMBEDDED, SERVER);
  for (const word of ['admin', 'http', 'dns:', 'apex']) expect(text).not.toContain(word);
  expect(read(text).http.listen).toMatchObject([{ host: '127.0.0.1', port: 54321 }]);
});

it.each([
  [{ secret: "'c2VjcmV0'" }, "tsig_key: 'c2VjcmV0'\n"],
  [{ secret: "'c2VjcmV0'", name: 'update.example.net', algorithm: 'hmac-sha256' }, 'algorithm: hmac-sha256\n'],
  [{ secret: "'c2VjcmV0'", name: 'null' }, "name: 'null'\n"],
])('of a zone on a remote primary with the key %j', (key, line) => {
  const text = remoteConfiguration({ zone: ZONE, nameserver: GLUE[1]!, port: 5300, key }, SERVER);
  expect(text).toContain(line);
  const { primary } = read(text).zones[0]!;
  const name = 'name' in key ? `${key.name}.` : 'dyn.example.com.';
  expect(primary).toMatchObject({ kind: 'remote', port: 5300, host: { text: '2001:db8::1' } });
  expect(primary.kind === 'remote' && primary.tsigKey.name.toString()).toBe(name);
});

it('the parent needs the nameservers, and the addresses of those in the zone', () => {
  expect(parentRecords(EMBEDDED)).toMatchObject({
    isAtRegistrar: false,
    lines: [
      'dyn.example.com. IN NS ns1.dyn.example.com.',
      'dyn.example.com. IN NS ns2.example.net.',
      'ns1.dyn.example.com. IN A 192.0.2.1',
      'ns1.dyn.example.com. IN AAAA 2001:db8::1',
    ],
  });
  expect(parentRecords({ ...EMBEDDED, zone: parseHostName('example.com') }).isAtRegistrar).toBe(true);
});

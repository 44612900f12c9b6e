// What one file may say: the original's form, unknown keys, wrong types, refused YAML.
import { describe, expect, test } from 'vitest';
import { formatIpPrefix } from '../dns/address.ts';
import type { Config, RemotePrimary, ZoneConfig } from './config.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';

const ORIGINAL = `---
secret: '12345678'
nameserver: 127.0.0.1
port: 53
zones:
  - name: dyndns.example.com
    tsig_key: tPyvZA==
`;
const ZONE = 'zones:\n  - name: a.example\n    tsig_key: tPyvZA==\n';

function load(text: string) {
  return parseConfig(text, '/etc/dyndns.yml', {}).config;
}

/** The primary of a zone that has a remote one. */
function remoteOf(config: Config, index = 0): RemotePrimary {
  const primary = config.zones[index]!.primary;
  if (primary.kind !== 'remote') throw new Error('the zone is embedded');
  return primary;
}

/** The problems of a text, without the name of the file in front. */
function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map((line) => line.replace('/etc/dyndns.yml:', ''));
    throw error;
  }
  return [];
}

/** The problems of a top-level snippet before a good zone; the zones are not part of what is tested. */
const problemsOf = (snippet: string) => problems(`nameserver: 127.0.0.1\n${snippet}\n${ZONE}`);

describe("the original's file", () => {
  test('loads unchanged, with the defaults of everything else', () => {
    const config = load(ORIGINAL);
    expect(config.file).toBe('/etc/dyndns.yml');
    expect(config.secret?.reveal()).toBe('12345678');
    expect(config.warnings).toEqual([]);
    expect(config.nameserverTimeoutSeconds).toBe(5);
    expect(config.logLevel).toBe(20);
    expect(config.unspecifiedFamily).toBe('keep');
    expect(config.check).toBe('open');
    expect(config.http).toEqual({
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 54321, tls: false }],
      socketMode: 0o664,
      trustedProxies: [],
      clientAddressHeader: 'x-forwarded-for',
      lenient: false,
    });
    const [zone] = config.zones;
    expect(zone!.apex.toString()).toBe('dyndns.example.com.');
    const { tsigKey, ...primary } = remoteOf(config);
    expect(primary).toEqual({
      kind: 'remote',
      host: { family: 4, text: '127.0.0.1' },
      port: 53,
      transport: 'tcp',
      signedReads: false,
    });
    expect(tsigKey.name.toString()).toBe('dyndns.example.com.');
    expect(tsigKey.algorithm).toBe('hmac-sha512');
    expect([...tsigKey.secret.reveal()]).toEqual([0xb4, 0xfc, 0xaf, 0x64]);
    expect(zone!.ttl).toEqual({});
    expect([zone!.apexAllowed, zone!.wildcardAllowed, zone!.emptyValue]).toEqual([false, false, 'keep']);
  });

  test('takes every number that the original takes', () => {
    expect(remoteOf(load(ORIGINAL.replace('port: 53', 'port: 0\nlog_level: 50'))).port).toBe(0);
    expect(remoteOf(load(ORIGINAL.replace('port: 53', "port: '65535'\nlog_level: 0"))).port).toBe(65535);
  });
});

test('a zone that says everything is read into everything', () => {
  const config = load(`
secret: abcdefgh
port: 5300
transport: udp
zones:
  - name: A.Example.
    tsig_key: {name: k1, algorithm: HMAC-SHA256, secret: 'c2VjcmV0'}
    nameserver: 2001:DB8::1
    signed_reads: true
    ttl: {default: 300, min: 60, max: 3600}
    apex: true
    wildcard: true
    reserved: [www, b.c, d.a.example, 'e.a.example.', '1']
    addresses: {allow: [192.0.2.0/24], deny: ['2001:db8::/32']}
    empty_value: clear
`);
  const [zone] = config.zones as [ZoneConfig];
  const { tsigKey, ...primary } = remoteOf(config);
  expect(primary).toEqual({
    kind: 'remote',
    host: { family: 6, text: '2001:db8::1' },
    port: 5300,
    transport: 'udp',
    signedReads: true,
  });
  expect([tsigKey.name.toString(), tsigKey.algorithm]).toEqual(['k1.', 'hmac-sha256']);
  expect(Buffer.from(tsigKey.secret.reveal()).toString()).toBe('secret');
  expect(zone.ttl).toEqual({ min: 60, default: 300, max: 3600 });
  expect([zone.apexAllowed, zone.wildcardAllowed, zone.emptyValue]).toEqual([true, true, 'clear']);
  expect(zone.reserved.map(String)).toEqual([
    'www.A.Example.',
    'b.c.A.Example.',
    'd.a.example.',
    'e.a.example.',
    '1.A.Example.',
  ]);
  expect(zone.addresses.allow.map(formatIpPrefix)).toEqual(['192.0.2.0/24']);
  expect(zone.addresses.deny.map(formatIpPrefix)).toEqual(['2001:db8::/32']);
});

test('listen addresses are TCP, TLS and unix sockets', () => {
  const config = load(`
nameserver: 127.0.0.1
http:
  listen: ['http://127.0.0.1:0', '[2001:db8::1]:80', 'https://[::]:443', 'unix:/run/dyndns/http.sock']
  socket_mode: '600'
  trusted_proxies: [192.0.2.0/24, '::1']
  client_address_header: Forwarded
  tls: {certificate: cert.pem, key: /keys/key.pem}
${ZONE}`);
  expect(config.http.listen).toEqual([
    { kind: 'tcp', host: '127.0.0.1', port: 0, tls: false },
    { kind: 'tcp', host: '2001:db8::1', port: 80, tls: false },
    { kind: 'tcp', host: '::', port: 443, tls: true },
    { kind: 'unix', path: '/run/dyndns/http.sock' },
  ]);
  expect(config.http.tls).toEqual({ certificate: '/etc/cert.pem', key: '/keys/key.pem' });
  expect(config.http.socketMode).toBe(0o600);
  expect(config.http.trustedProxies.map(formatIpPrefix)).toEqual(['192.0.2.0/24', '::1/128']);
  expect(config.http.clientAddressHeader).toBe('forwarded');
});

test.each([
  ['zones:', '1:7: zones: must be a list with at least one zone.'],
  ['zones: []', '1:8: zones: must be a list with at least one zone.'],
  ['', '1:1: the file must be a map of options, not empty.'],
  ['[a]', '1:1: the file must be a map of options, not a list.'],
  ['secret:abc12345', '1:1: the file must be a map of options, not text.'],
])('a file without zones is refused: %j', (text, expected) => {
  expect(problems(text)).toContain(expected);
});

describe('unknown keys', () => {
  test('name the place, the nearest known key and what is allowed', () => {
    const [problem, ...more] = problemsOf('  ').concat(problemsOf('namserver: 192.0.2.1'));
    expect(more).toEqual([]);
    expect(problem).toContain(
      "2:1: unknown key 'namserver'; the nearest known key is 'nameserver'. Allowed here: secret, ",
    );
  });
  test('of a zone name the zone', () => {
    const [problem] = problems(`nameserver: 127.0.0.1\n${ZONE}    empty_valeu: keep\n`);
    expect(problem).toContain("5:5: zones[0]: unknown key 'empty_valeu'; the nearest known key is 'empty_value'.");
  });
  test('that belong elsewhere say where', () => {
    expect(problemsOf('listen: [x]')[0]).toContain(
      "Options of this name: 'http.listen', 'dns.listen', 'metrics.listen', 'admin.listen'.",
    );
  });
  test('of YAML 1.1 (merge keys) are unknown keys', () => {
    expect(problemsOf('<<: {port: 1}')[0]).toContain('2:1: unknown key; the nearest known key is');
  });
});

test.each([
  [
    'secret: 01234567',
    '2:9: secret: YAML reads this as a number, but a text is expected: quote it. It must be at least 8 characters, only A-Z, a-z and 0-9.',
  ],
  [
    'secret: true',
    '2:9: secret: YAML reads this as true or false, but a text is expected: quote it. It must be at least 8 characters, only A-Z, a-z and 0-9.',
  ],
  ["secret: 'abc1234'", '2:9: secret: must be at least 8 characters, only A-Z, a-z and 0-9.'],
  ["secret: 'abc-12345'", '2:9: secret: must be at least 8 characters, only A-Z, a-z and 0-9.'],
  ['secret:', '2:8: secret: must be at least 8 characters, only A-Z, a-z and 0-9; it is empty.'],
  ['secret: {a: 1}', '2:9: secret: must be at least 8 characters, only A-Z, a-z and 0-9; it is a map.'],
  ['secret: {file: 3}', '2:16: secret.file: must be the path of a file.'],
  ['secret: {file: a, b: c}', "2:1: secret: a secret as {file: PATH} must have no key but 'file'."],
  ['port: 65536', "2:7: port: must be an integer from 0 to 65535, not '65536'."],
  ['port: 5e1', "2:7: port: must be an integer from 0 to 65535, not '5e1'."],
  ['port: [53]', '2:7: port: must be an integer from 0 to 65535; it is a list.'],
  ['nameserver_timeout_seconds: 0', "2:29: nameserver_timeout_seconds: must be a number from 0.1 to 60, not '0'."],
  [
    'log_level: 51',
    "2:12: log_level: must be an integer from 0 to 50, or one of debug, unchanged, info, updated, warning, error, critical, not '51'.",
  ],
  ['transport: sctp', "2:12: transport: must be tcp or udp, not 'sctp'."],
  ['check: closed', "2:8: check: must be open or authenticated, not 'closed'."],
  ['unspecified_family: drop', "2:21: unspecified_family: must be keep or delete, not 'drop'."],
  ['signed_reads: yes', "2:15: signed_reads: must be true or false, not 'yes'."],
  [
    'http: 1',
    '2:7: http: must be a map with the keys listen, socket_mode, trusted_proxies, client_address_header, tls, lenient, not a number.',
  ],
  [
    'http: {socket_mode: 664}',
    "2:21: http.socket_mode: YAML reads this as a number, but a text is expected: quote it. It must be three octal digits in quotes, like '664'.",
  ],
  [
    "http: {socket_mode: '668'}",
    "2:21: http.socket_mode: must be three octal digits in quotes, like '664', not '668'.",
  ],
  [
    'http: {trusted_proxies: [192.0.2.1/24]}',
    "2:26: http.trusted_proxies: must be an IP address or a prefix like 192.0.2.0/24 whose host bits are zero, not '192.0.2.1/24'.",
  ],
  [
    'http: {listen: []}',
    "2:16: http.listen: must be a list with at least one entry, each entry 'ADDRESS:PORT' ('127.0.0.1:54321', '[::1]:54321', with https:// in front for TLS) or 'unix:/ABSOLUTE/PATH'; it is empty.",
  ],
])('a wrong value says what is allowed: %s', (snippet, expected) => {
  expect(problemsOf(snippet)).toEqual([expected]);
});

test.each([
  'localhost:1',
  '::1:80',
  '[127.0.0.1]:1',
  '127.0.0.1',
  '127.0.0.1:65536',
  'unix:run/x',
  'ftp://127.0.0.1:1',
  'https://[::]:443/',
])('the listen address %s is refused', (address) => {
  expect(problemsOf(`http: {listen: ['${address}']}`)[0]).toMatch(/^2:17: http\.listen: must be 'ADDRESS:PORT'/);
});

test('a nameserver is an address; only a single zone can say that it is embedded', () => {
  expect(problemsOf('zoness: 1\n')).toHaveLength(1);
  expect(problems(`nameserver: ns1.example.com\n${ZONE}`)).toEqual([
    "1:13: nameserver: must be an IPv4 or IPv6 address, not 'ns1.example.com'.",
  ]);
  expect(problems(`nameserver: embedded\n${ZONE}`)).toEqual([
    "1:13: nameserver: 'embedded' applies to a single zone; write `nameserver: embedded` in each such zone. It must be an IPv4 or IPv6 address.",
  ]);
  expect(problems(`${ZONE}    nameserver: ns1.example.com\n`)).toEqual([
    "4:17: zones[0].nameserver: must be an IPv4 or IPv6 address, or embedded, not 'ns1.example.com'.",
  ]);
});

describe('YAML', () => {
  test.each([
    [
      'a second document',
      `port: 53\n---\nport: 54`,
      '2:1: a second document begins here; the file must contain one document.',
    ],
    [
      'a key that stands twice',
      'port: 53\nport: 54',
      '2:1: port: this key is in the same map twice; remove one of the two.',
    ],
    [
      'an alias without an anchor',
      'secret: *abcdefgh',
      '1:9: the alias has no anchor before it; quote a text that begins with *.',
    ],
    ['an unknown tag', 'secret: !abcdefgh x', '1:9: the tag is unknown; quote a text that begins with !.'],
    ['tabs', 'http:\n\tlenient: true', '2:1: indent with spaces, not with tabs.'],
    ['an open quote', "secret: 'abcdefgh", '1:18: a closing quote, bracket or comma is missing.'],
    ['YAML 1.1', '%YAML 1.1\n---\nport: 53', '1:1: only YAML 1.2 is supported; remove the %YAML line.'],
    [
      'an alias in itself',
      'http: &a {tls: *a}',
      '1:16: the aliases up to here expand to more than 10000 values; write the values out.',
    ],
  ])('%s is refused', (_name, text, expected) => {
    expect(problems(text)).toContain(expected);
  });

  test('an alias bomb is refused without being expanded', () => {
    const bomb = ['a0: &a0 [1,2,3,4,5,6,7,8,9]'];
    for (let i = 1; i < 30; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(',')}]`,
      );
    expect(problems(bomb.join('\n'))).toEqual([expect.stringMatching(/^5:\d+: the aliases up to here expand to/)]);
  });

  test('deep nesting is refused', () => {
    expect(problems('['.repeat(100_000))[0]).toMatch(/nesting is too deep|bracket/);
  });

  test('a file of a megabyte is refused before it is parsed', () => {
    expect(problems(`#${'x'.repeat(1_000_000)}`)).toContain(
      '1:1: the file is too large; the limit is 1000000 characters.',
    );
  });

  test('modest aliases work, and no is a text', () => {
    const config = load(`nameserver: 127.0.0.1
zones:
  - {name: a.example, tsig_key: &key tPyvZA==, reserved: [no]}
  - {name: b.example, tsig_key: *key}
`);
    expect(remoteOf(config, 1).tsigKey.secret.reveal()).toHaveLength(4);
    expect(config.zones[0]!.reserved.map(String)).toEqual(['no.a.example.']);
  });
});

test('all problems are reported at once, in the order of the file', () => {
  const found = problems(`prot: 53
secret: 12345678
zones:
  - name: a..example
    ttl: {min: 2, max: 1}
  - tsig_key: x
`);
  expect(found.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
    "1:1 unknown key 'prot'; the nearest known key is 'port'. Allowed here",
    '2:9 secret',
    '4:5 zones[0].nameserver',
    '4:5 zones[0].tsig_key',
    '4:11 zones[0].name',
    '5:24 zones[0].ttl.max',
    '6:5 zones[1].name',
    '6:5 zones[1].nameserver',
    '6:15 zones[1].tsig_key',
  ]);
});

// Tokens, settings of hosts, the store on PostgreSQL, history, limits and metrics.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { formatIpPrefix } from '../dns/address.ts';
import { RRType } from '../dns/rdata.ts';
import { formatStoreUrl } from './config.ts';
import { loadConfig, parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { renderConfig } from './show.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const ZONES = `zones:
  - {name: a.example, tsig_key: tPyvZA==, nameserver: 192.0.2.1, ttl: {min: 30, max: 3600}}
  - {name: b.a.example, tsig_key: tPyvZA==, nameserver: 192.0.2.1}
`;
const HASH = '66b052ab9d113af349dcab697c32950daabe893c2c57cd648e3084ca9d8192c0';
const OTHER_HASH = HASH.replace('6', '7');

const load = (text: string) => parseConfig(ZONES + text, '/etc/dyndns.yml', {}, { nowMs: NOW_MS }).config;

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map((line) => line.replace('/etc/dyndns.yml:', ''));
    throw error;
  }
  return [];
}

/** One token on the fourth line; it says what it must, and more. */
const token = (more = '') => `tokens: [{name: router1, sha256: ${HASH}, hosts: [home.a.example]${more}}]`;
const tokenOf = (text: string) => load(text).tokens[0]!;

describe('tokens', () => {
  test('say who they are and what they may change; the rest has defaults', () => {
    const config = load(token());
    expect(JSON.parse(JSON.stringify(config.tokens))).toEqual([
      {
        name: 'router1',
        sha256: HASH,
        hosts: ['home.a.example.'],
        types: [RRType.A, RRType.AAAA],
        addresses: 'any',
        register: false,
      },
    ]);
    expect(config.warnings).toEqual([]);
    expect(load('tokens: []\nsecret: abcdefgh').tokens).toEqual([]);
  });
  test('can be limited to types and addresses, and end', () => {
    const more = ", types: [txt, AAAA], addresses: [192.0.2.0/24, '2001:db8::1'], expires: 2026-11-23";
    const { types, addresses, expires, sha256 } = tokenOf(token(more).replace(HASH, HASH.toUpperCase()));
    expect([types, expires, sha256]).toEqual([[RRType.TXT, RRType.AAAA], '2026-11-23', HASH]);
    expect(typeof addresses === 'string' ? addresses : addresses.map(formatIpPrefix)).toEqual([
      '192.0.2.0/24',
      '2001:db8::1/128',
    ]);
    expect(tokenOf(token(', addresses: Own')).addresses).toBe('own');
  });
  test('may register accounts, and end when they are unused, which needs a store', () => {
    const more = ', register: true, max_unused_days: 90';
    expect(tokenOf(token(more))).toMatchObject({ register: true, maxUnusedDays: 90 });
    expect(load(token(more)).warnings).toEqual([
      "Token 'router1' does not end when it is unused: max_unused_days needs `store`.",
    ]);
    expect(load(`store: sqlite:x.db\n${token(more)}`).warnings).toEqual([]);
    for (const wrong of ['0', '-1', '1.5', '36501', 'x']) {
      expect(problems(token(`, max_unused_days: ${wrong}`))).toEqual([
        expect.stringContaining('tokens[0].max_unused_days: must be an integer from 1 to 36500'),
      ]);
    }
  });
  test('can be limited to where requests come from', () => {
    expect(tokenOf(token()).sources).toBeUndefined();
    expect(tokenOf(token(", sources: [198.51.100.7, '2001:db8::/32']")).sources?.map(formatIpPrefix)).toEqual([
      '198.51.100.7/32',
      '2001:db8::/32',
    ]);
    expect(problems(token(', sources: []'))).toEqual([
      expect.stringContaining('tokens[0].sources: must be a list with at least one'),
    ]);
  });
  test('are of no zone in particular: their names are full ones', () => {
    const text = `tokens: [{name: r, sha256: ${HASH}, hosts: [Home.A.example., '*.lab.a.example', x.b.a.example]}]`;
    expect(tokenOf(text).hosts.map(String)).toEqual(['Home.A.example.', '*.lab.a.example.', 'x.b.a.example.']);
  });
  test('with a name in no zone of the file are a warning', () => {
    const text = `tokens: [{name: r, sha256: ${HASH}, hosts: [home.c.example, '*.c.example', example, '*.example', '*.a.example', a.example, nota.example]}]`;
    expect(load(text).warnings).toEqual(
      ['home.c.example.', '*.c.example.', 'example.', 'nota.example.'].map(
        (name) => `Token 'r' is for '${name}', which is not in a zone of the file.`,
      ),
    );
  });
  test('that have ended are a warning, from 24:00 UTC of their last day on', () => {
    const text = ZONES + token(', expires: 2026-11-22');
    const warningsAt = (nowMs: number) => parseConfig(text, 'x.yml', {}, { nowMs }).config.warnings;
    expect(warningsAt(Date.UTC(2026, 10, 23) - 1)).toEqual([]);
    expect(warningsAt(Date.UTC(2026, 10, 23))).toEqual(["Token 'router1' expired on 2026-11-22."]);
  });
  test.each([
    ['tokens: {name: r}', '4:9: tokens: must be a list; it is a map.'],
    [
      'tokens: [router1]',
      '4:10: tokens[0]: must be a map with the keys name, sha256, hosts, types, addresses, sources, register, max_unused_days, expires, not text.',
    ],
    [
      token(', nmae: x'),
      "4:125: tokens[0]: unknown key 'nmae'; the nearest known key is 'name'. Allowed here: name, sha256, hosts, types, addresses, sources, register, max_unused_days, expires.",
    ],
    [
      token(', types: []'),
      '4:132: tokens[0].types: must be a list with at least one entry, each entry one of A, AAAA, TXT, CNAME, MX, SRV, CAA, PTR, TLSA, SSHFP, HTTPS, SVCB; it is empty.',
    ],
    [
      token(', types: [NS]'),
      "4:133: tokens[0].types: must be one of A, AAAA, TXT, CNAME, MX, SRV, CAA, PTR, TLSA, SSHFP, HTTPS, SVCB, not 'NS'.",
    ],
    [
      token(', addresses: 192.0.2.0/24'),
      "4:136: tokens[0].addresses: must be any, own, or a list of IP addresses and prefixes like [192.0.2.0/24], not '192.0.2.0/24'.",
    ],
    [
      token(', addresses: {own: true}'),
      '4:136: tokens[0].addresses: must be any, own, or a list of IP addresses and prefixes like [192.0.2.0/24]; it is a map.',
    ],
    [
      token(', addresses: [own]'),
      "4:137: tokens[0].addresses: must be an IP address or a prefix like 192.0.2.0/24 whose host bits are zero, not 'own'.",
    ],
    [
      token(', addresses: []'),
      '4:136: tokens[0].addresses: must be a list with at least one entry, each entry an IP address or a prefix like 192.0.2.0/24 whose host bits are zero; it is empty.',
    ],
    [token(', expires: 2027-02-29'), "4:134: tokens[0].expires: must be a day, like 2099-12-31, not '2027-02-29'."],
    [token(', expires: 2027-1-1'), "4:134: tokens[0].expires: must be a day, like 2099-12-31, not '2027-1-1'."],
    [
      token(', expires: 2027'),
      '4:134: tokens[0].expires: YAML reads this as a number, but a text is expected: quote it. It must be a day, like 2099-12-31.',
    ],
    [
      token().replace('[home.a.example]', '[]'),
      "4:107: tokens[0].hosts: must be a list with at least one entry, each entry a full name, like home.dyndns.example.com or '*.lab.dyndns.example.com'; it is empty.",
    ],
    [
      token().replace('home.a', 'home..a'),
      "4:108: tokens[0].hosts: The DNS name 'home..a.example' has an empty label. It must be a full name, like home.dyndns.example.com or '*.lab.dyndns.example.com'.",
    ],
    [
      token().replace('router1', 'Master'),
      "4:17: tokens[0].name: must be a text of 1 to 64 octets without control characters, other than master, not 'Master'.",
    ],
  ])('%s is refused', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });
  test.each(['', ' r', 'r ', 'a\\tb', 'x'.repeat(65)])('cannot be called "%s"', (name) => {
    expect(problems(token().replace('router1', `"${name}"`))).toEqual([
      expect.stringContaining('tokens[0].name: must be a text of 1 to 64 octets'),
    ]);
  });
  test('need a name, a SHA-256 and names', () => {
    expect(problems('tokens: [{}]')).toEqual([
      '4:10: tokens[0].name: is required: the name of the token in the log.',
      '4:10: tokens[0].sha256: is required: the SHA-256 of the token, as `dyndns token create` prints it.',
      '4:10: tokens[0].hosts: is required: the names that the token may change.',
    ]);
  });
  test('have different names and different secrets', () => {
    const second = (name: string, hash: string) =>
      `${token().slice(0, -1)}, {name: ${name}, sha256: ${hash}, hosts: [a.example]}]`;
    expect(problems(second('router2', OTHER_HASH))).toEqual([]);
    expect(problems(second('router1', OTHER_HASH))).toEqual([
      "4:133: tokens[1].name: the name 'router1' is already used by tokens[0] (/etc/dyndns.yml:4:17).",
    ]);
    expect(problems(second('router2', HASH.toUpperCase()))).toEqual([
      '4:150: tokens[1].sha256: this SHA-256 is already used by tokens[0] (/etc/dyndns.yml:4:34).',
    ]);
  });
  test('written themselves where their SHA-256 belongs are not repeated in the error', () => {
    const message = 'must be the SHA-256 of the token in 64 hexadecimal digits, as `dyndns token create` prints it';
    expect(problems(token().replace(HASH, 'abcdefghijklmnopqrstuvwxyz234567'))).toEqual([
      `4:34: tokens[0].sha256: ${message}.`,
    ]);
    const ofNothing = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855';
    expect(problems(token().replace(HASH, ofNothing))).toEqual([
      `4:34: tokens[0].sha256: this is the SHA-256 of an empty text. It ${message}.`,
    ]);
  });
  test('are shown with the beginning of their SHA-256', () => {
    const { settings } = parseConfig(ZONES + token(', addresses: [192.0.2.0/24]'), 'x.yml', {}, { nowMs: NOW_MS });
    const printed = renderConfig(settings)
      .split('\n')
      .map((line) => line.replace(/ +# .*/, ''));
    expect(printed.slice(printed.indexOf('tokens:'))).toEqual([
      'tokens:',
      '  - name: router1',
      "    sha256: '66b052ab…'",
      '    hosts: [home.a.example.]',
      '    types: [A, AAAA]',
      "    addresses: ['192.0.2.0/24']",
      '    register: false',
      '',
    ]);
    const own = parseConfig(ZONES + token(', addresses: own, expires: 2099-12-31'), 'x.yml', {}, { nowMs: NOW_MS });
    expect(renderConfig(own.settings)).toMatch(/addresses: own +# .*\n +register: false .*\n +expires: 2099-12-31 /);
  });
});

describe('hosts', () => {
  test('have settings of their own', () => {
    const { hosts } = load(`secret: abcdefgh
hosts:
  - {name: Home.a.example, ttl: 30, enabled: false, addresses: {allow: [192.0.2.0/24], deny: ['2001:db8::/32']}}
  - name: x.b.a.example.
  - {name: '*.a.example', ttl: 3600}
`);
    expect(hosts.map((host) => [String(host.ownerName), host.ttl, host.enabled])).toEqual([
      ['Home.a.example.', 30, false],
      ['x.b.a.example.', undefined, true],
      ['*.a.example.', 3600, true],
    ]);
    expect(hosts[0]!.addresses.allow.map(formatIpPrefix)).toEqual(['192.0.2.0/24']);
    expect(hosts[0]!.addresses.deny.map(formatIpPrefix)).toEqual(['2001:db8::/32']);
    expect(hosts[1]!.addresses).toEqual({ allow: [], deny: [] });
  });
  test.each([
    ['hosts: [{ttl: 60}]', '4:9: hosts[0].name: is required: the full name of the host.'],
    [
      'hosts: [home.a.example]',
      '4:9: hosts[0]: must be a map with the keys name, ttl, enabled, addresses, silent_after_seconds, lease_seconds, fallback, interface_id, prefix_length, members, not text.',
    ],
    [
      'hosts: [{name: home.c.example}]',
      "4:16: hosts[0].name: 'home.c.example.' is not in a zone of the file; it has 'a.example.', 'b.a.example.'.",
    ],
    [
      'hosts: [{name: home.a.example}, {name: HOME.a.example.}]',
      "4:40: hosts[1].name: the host 'HOME.a.example.' is already hosts[0]; remove one of the two.",
    ],
    [
      'hosts: [{name: x.a.example, ttl: 29}]',
      "4:34: hosts[0].ttl: 29 is less than ttl.min (30) of the zone 'a.example.'.",
    ],
    [
      'hosts: [{name: x.a.example, ttl: 3601}]',
      "4:34: hosts[0].ttl: 3601 is more than ttl.max (3600) of the zone 'a.example.'.",
    ],
    [
      'hosts: [{name: x.a.example, addresses: {allow: [192.0.2.1], deny: [192.0.2.1/32]}}]',
      '4:67: hosts[0].addresses.deny: 192.0.2.1/32 is in addresses.allow too; remove it from one of the two lists.',
    ],
    [
      'hosts: [{name: x.a.example, lease_seconds: -1}]',
      "4:44: hosts[0].lease_seconds: must be an integer from 0 to 315360000, not '-1'.",
    ],
    [
      'hosts: [{name: x.a.example, silent_after_seconds: 1d}]',
      "4:51: hosts[0].silent_after_seconds: must be an integer from 0 to 315360000, not '1d'.",
    ],
    [
      'hosts: [{name: x.a.example, lease_seconds: 60, fallback: 192.0.2.9}]',
      '4:58: hosts[0].fallback: must be a list, each entry an IPv4 or IPv6 address; it is text.',
    ],
    [
      "hosts: [{name: x.a.example, lease_seconds: 60, fallback: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, '::ffff:192.0.2.9']}]",
      '4:58: hosts[0].fallback: has 9 IPv4 addresses; at most 8 of each family are allowed.',
    ],
    [
      'hosts: [{name: x.a.example, fallback: [192.0.2.9]}]',
      '4:39: hosts[0].fallback: needs hosts[].lease_seconds: the fallback is published when the lease expires.',
    ],
  ])('%s is refused', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });
  test('have members, by interface identifier or MAC address', () => {
    const { hosts } = load(`secret: abcdefgh
hosts:
  - name: home.a.example
    members:
      - {name: NAS.home.a.example, interface_id: '::A:10', subnet: 3}
      - {name: tv.a.example, mac: 00-11-22-AA-BB-CC}
      - {name: home.a.example, interface_id: '::1', mac: '00:11:22:aa:bb:cc'}
`);
    expect(hosts[0]!.members).toMatchObject([
      { host: { kind: 'interface-id', text: '::a:10' }, subnet: 3 },
      { host: { kind: 'mac', text: '00:11:22:aa:bb:cc' }, subnet: 0 },
      { host: { kind: 'interface-id', text: '::1' }, subnet: 0 },
    ]);
  });
  test('may be followed by members, and have an interface identifier', () => {
    const text = 'hosts: [{name: x.a.example, interface_id: "::0:1", prefix_length: 56}]';
    const { hosts, warnings } = load(`secret: abcdefgh\n${text}`);
    expect(hosts).toMatchObject([{ interfaceId: '::1', prefixLength: 56 }]);
    expect(warnings).toEqual(["The prefix_length of 'x.a.example.' has no effect: the host has no members."]);
    for (const length of [55, 65, 0, 128]) {
      expect(problems(`hosts: [{name: x.a.example, prefix_length: ${length}}]`)).toEqual([
        `4:44: hosts[0].prefix_length: must be an integer from 56 to 64, not '${length}'.`,
      ]);
    }
  });
  const member = (text: string) => `hosts: [{name: x.a.example, members: [${text}]}]`;
  test.each([
    ['{interface_id: "::1"}', '4:39: hosts[0].members[0].name: is required: the full name of the member.'],
    [
      '{name: y.a.example}',
      '4:39: hosts[0].members[0].interface_id: is required, or mac: one of the two sets the address of the member below the prefix.',
    ],
    [
      '{name: y.a.example, interface_id: "2001:db8::1"}',
      "4:73: hosts[0].members[0].interface_id: must be an interface identifier, the lower 64 bits of an address, like ::10, not '2001:db8::1'.",
    ],
    [
      '{name: y.a.example, interface_id: "::"}',
      "4:73: hosts[0].members[0].interface_id: must be an interface identifier, the lower 64 bits of an address, like ::10, not '::'.",
    ],
    [
      '{name: y.a.example, mac: "00:11:22:33:44"}',
      "4:64: hosts[0].members[0].mac: must be a MAC address, like 00:11:22:33:44:55, not '00:11:22:33:44'.",
    ],
    [
      '{name: y.b.a.example, interface_id: "::1"}',
      "4:46: hosts[0].members[0].name: 'y.b.a.example.' is not in the zone of its host 'x.a.example.'.",
    ],
    [
      '{name: "*.a.example", interface_id: "::1"}',
      "4:46: hosts[0].members[0].name: '*.a.example.' is a wildcard; set 'wildcard: true' in the zone to allow it.",
    ],
    [
      '{name: a.example, interface_id: "::1"}',
      "4:46: hosts[0].members[0].name: 'a.example.' is the zone's own name; set 'apex: true' in the zone to allow it.",
    ],
    [
      '{name: y.a.example, interface_id: "::1"}, {name: Y.a.example, interface_id: "::2"}',
      "4:88: hosts[0].members[1].name: 'Y.a.example.' is already a member: hosts[0].members[0].",
    ],
  ])('the member %s is refused', (text, expected) => {
    expect(problems(member(text))).toEqual([expected]);
  });
  test('take the limits of the deepest zone around them', () => {
    expect(problems('hosts: [{name: x.b.a.example, ttl: 5}]')).toEqual([]);
  });
  test('give no second problem where the name of a zone is wrong', () => {
    const text = 'zones: [{name: a..b, tsig_key: tPyvZA==, nameserver: 192.0.2.1}]\nhosts: [{name: x.c.example}]';
    expect(() => parseConfig(text, 'x.yml', {})).toThrow(/^x\.yml:1:16: zones\[0\]\.name: .*$/);
  });
});

describe('the store on PostgreSQL', () => {
  const EMBEDDED = 'zones: [{name: a.example, ns: [ns1.example.com]}]';
  const stores = (url: string, more = '') => load(`store: ${url}\n${more}`).store;
  test.each([
    ['postgres://dyndns@db.example.com/dyndns', 'postgres://dyndns@db.example.com/dyndns'],
    [
      'postgresql://dyndns:Xq7w@db.example.com:5433/dyndns?sslmode=require',
      'postgresql://dyndns@db.example.com:5433/dyndns?sslmode=require',
    ],
    ["'postgres://dyndns:Xq7w@[2001:db8::1]/dyndns'", 'postgres://dyndns@[2001:db8::1]/dyndns'],
    ['postgres:///dyndns?host=/run/postgresql', 'postgres:///dyndns?host=/run/postgresql'],
    ["'postgres://u:Xq7w@zz@h/d'", 'postgres://u@h/d'],
  ])('%s is shown without its password, and has it', (written, shown) => {
    const store = stores(written)!;
    expect(formatStoreUrl(store)).toBe(shown);
    expect(store.kind === 'postgres' && store.url.reveal().includes('Xq7w')).toBe(written.includes('Xq7w'));
    const loaded = parseConfig(`${ZONES}store: ${written}`, 'x.yml', {});
    const printed = renderConfig(loaded.settings);
    expect(printed).toContain(`store: '${shown}'`);
    expect(printed + inspect(loaded, { depth: 20 }) + JSON.stringify(loaded)).not.toContain('Xq7w');
  });
  test.each([
    'postgres://dyndns:Xq7w@db.example.com',
    'postgres://dyndns:Xq7w@db.example.com/',
    'postgres://dyndns:Xq7w@db.example.com/a/b',
    'postgres://dyndns:Xq/7w@db.example.com/dyndns',
    'postgres://dyndns:12/Xq7w@db.example.com/dyndns',
    'postgres://dyndns:12/Xq7w@db',
    'postgres://dyndns:12?Xq7w@db.example.com/dyndns',
    'postgres://dyndns:Xq7w@db.example.com/dyndns#x',
    'postgres:dyndns:Xq7w',
    'mysql://dyndns:Xq7w@db.example.com/dyndns',
  ])('%s is refused and not repeated', (url) => {
    expect(problems(`store: '${url}'`)).toEqual(['4:8: store: must be sqlite:PATH or postgres://USER@HOST/DATABASE.']);
  });
  test('a password among the parameters is refused', () => {
    expect(problems("store: 'postgres:///dyndns?host=/run&password=Xq7w'")).toEqual([
      '4:8: store: write the password before the @, as in postgres://USER:PASSWORD@HOST/DATABASE. It must be sqlite:PATH or postgres://USER@HOST/DATABASE.',
    ]);
  });
  test('needs `dns.database` where a zone is embedded, and `control` where there shall be a socket', () => {
    const parse = (text: string) => parseConfig(`store: postgres://u@h/d\n${text}`, 'x.yml', {}).config;
    expect(() => parse(EMBEDDED)).toThrow(
      'x.yml:2:9: zones[0]: an embedded zone needs a file for its data in addition to PostgreSQL: set `dns: {database: PATH}`.',
    );
    const config = parse(`dns: {database: /data/zones.db}\n${EMBEDDED}`);
    expect([config.dns?.database, config.control]).toEqual(['/data/zones.db', '/data/control.sock']);
    expect(parse(ZONES).control).toBeUndefined();
  });
  test('can stand in a file of its own, as can the SHA-256 of a token', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dyndns-config-'));
    try {
      writeFileSync(join(directory, 'url'), 'postgres://u:Xq7w@localhost/d\n', { mode: 0o600 });
      writeFileSync(join(directory, 'hash'), `${HASH}\n`);
      writeFileSync(join(directory, 'key'), 'tPyvZA==\n', { mode: 0o600 });
      const file = join(directory, 'x.yml');
      const read = (store: string, sha256: string) => {
        const zones = ZONES.replaceAll('tPyvZA==', '{file: key}');
        writeFileSync(file, `${zones}store: ${store}\n${token().replace(HASH, sha256)}\n`);
        chmodSync(file, 0o644);
        return loadConfig(file, {}).config;
      };
      const { store, tokens, warnings } = read('{file: url}', '{file: hash}');
      expect(store?.kind === 'postgres' && store.url.reveal()).toBe('postgres://u:Xq7w@localhost/d');
      expect([tokens[0]!.sha256, warnings]).toEqual([HASH, []]);
      // Others may read a URL without a password, and a SHA-256.
      expect(read('postgres://u@localhost/d', HASH).warnings).toEqual([]);
      expect(read('postgres://u:Xq7w@localhost/d', HASH).warnings).toEqual([expect.stringContaining('has secrets')]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
  test('without TLS is a warning, where the connection leaves the machine', () => {
    const warnings = (url: string) => parseConfig(`store: '${url}'\n${ZONES}`, 'x.yml', {}).config.warnings;
    for (const url of ['h/d', 'h/d?sslmode=disable', '[2001:db8::1]/d'])
      expect(warnings(`postgres://u:Xq7w@${url}`)).toEqual([expect.stringMatching(/^store: .* is not encrypted/)]);
    for (const url of [
      'u@h/d?sslmode=verify-full',
      'u@127.0.0.1/d',
      'u@[::1]/d',
      '/d?host=/run/postgresql',
      'u@localhost/d',
    ])
      expect(warnings(`postgres://${url}`)).toEqual([]);
    expect(String(warnings('postgres://u:Xq7w@h/d'))).not.toContain('Xq7w');
  });
});

describe('history, limits and metrics', () => {
  test('have defaults', () => {
    const { historyDays, historyMaxEvents, reconcile, limits, metrics, tokens, hosts } = load('');
    expect({ historyDays, historyMaxEvents, reconcile, limits, metrics, tokens, hosts }).toEqual({
      historyDays: 30,
      historyMaxEvents: 5_000_000,
      reconcile: 'report',
      limits: {
        changesPerMinutePerToken: 0,
        refusedPerMinutePerSource: 60,
        connectionsPerSource: 256,
        recordsPerRRset: 100,
        typesPerName: 100,
      },
      metrics: undefined,
      tokens: [],
      hosts: [],
    });
  });
  test('can be said', () => {
    const config = load(`store: sqlite:a.db
history_days: 0
reconcile: enforce
limits: {changes_per_minute_per_token: 10, refused_per_minute_per_source: 0}
metrics: {listen: '[::1]:0'}
`);
    expect([config.historyDays, config.reconcile]).toEqual([0, 'enforce']);
    expect(config.limits).toEqual({
      changesPerMinutePerToken: 10,
      refusedPerMinutePerSource: 0,
      connectionsPerSource: 256,
      recordsPerRRset: 100,
      typesPerName: 100,
    });
    expect(config.metrics).toEqual({ listen: { kind: 'tcp', host: '::1', port: 0, tls: false } });
    expect(config.warnings).toEqual([]);
  });
  test('protocols are switched one by one', () => {
    const needed = 'store: sqlite:a.db\nacme_dns: {zone: a.example}\n';
    expect(load(`${needed}protocols: {duckdns: false, acme_dns: true}`).protocols).toEqual({
      duckdns: false,
      dynv6: true,
      noip: true,
      freedns: true,
      acme_dns: true,
      httpreq: true,
      freemyip: true,
    });
  });
  test.each([
    [
      'protocols: {dyndns2: false}',
      "4:13: protocols: unknown key; the nearest known key is 'duckdns'. Allowed here: duckdns, dynv6, noip, freedns, acme_dns, httpreq, freemyip.",
    ],
    ['protocols: {noip: off}', "4:19: protocols.noip: must be true or false, not 'off'."],
    ['history_days: -1', "4:15: history_days: must be an integer from 0 to 36500, not '-1'."],
    ['history_days: 0.5', "4:15: history_days: must be an integer from 0 to 36500, not '0.5'."],
    ['reconcile: ignore', "4:12: reconcile: must be report or enforce, not 'ignore'."],
    [
      'limits: 5',
      '4:9: limits: must be a map with the keys changes_per_minute_per_token, refused_per_minute_per_source, connections_per_source, records_per_rrset, types_per_name, not a number.',
    ],
    [
      'limits: {changes_per_minute_per_token: 1000001}',
      "4:40: limits.changes_per_minute_per_token: must be an integer from 0 to 1000000, not '1000001'.",
    ],
    [
      'limits: {refused_per_minute_per_source: -1}',
      "4:41: limits.refused_per_minute_per_source: must be an integer from 0 to 1000000, not '-1'.",
    ],
    [
      "metrics: {listen: 'unix:/run/x'}",
      "4:19: metrics.listen: must be 'ADDRESS:PORT', like '127.0.0.1:9153' or '[::1]:9153', not 'unix:/run/x'.",
    ],
    [
      "metrics: {listen: 'https://[::1]:1'}",
      "4:19: metrics.listen: must be 'ADDRESS:PORT', like '127.0.0.1:9153' or '[::1]:9153', not 'https://[::1]:1'.",
    ],
    [
      "metrics: {listen: '127.0.0.1:54321'}",
      "4:19: metrics.listen: '127.0.0.1:54321' is in http.listen too; use another port.",
    ],
  ])('%s is refused', (text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });
});

describe('acme_dns', () => {
  const on = 'store: sqlite:x.db\nprotocols: {acme_dns: true}\nacme_dns: ';

  test('is off, and has defaults where it is on', () => {
    expect(load('secret: abcdefgh').acmeDns).toBeUndefined();
    expect(load('secret: abcdefgh\nacme_dns: {zone: x.a.example}').acmeDns).toBeUndefined();
    const { above, ...rest } = load(`${on}{zone: x.a.example}`).acmeDns!;
    expect([above.toString(), rest]).toEqual([
      'x.a.example.',
      { register: [], corsOrigins: [], values: 2, maxAccounts: 1000 },
    ]);
    expect(load(`${on}{zone: b.a.example}`).acmeDns!.above.toString()).toBe('b.a.example.');
  });
  test('cors_origins are origins as browsers send them, and nothing else', () => {
    const origins = (list: string) => load(`${on}{zone: x.a.example, cors_origins: [${list}]}`).acmeDns!.corsOrigins;
    expect(origins("https://a.example, 'HTTPS://B.example:8443', 'https://c.example:443', 'http://[::1]:80'")).toEqual([
      'https://a.example',
      'https://b.example:8443',
      'https://c.example',
      'http://[::1]',
    ]);
    for (const wrong of [
      '*',
      'null',
      'a.example',
      'https://a.example/',
      'https://a.example/x',
      'https://*.a.example',
    ]) {
      expect(problems(`${on}{zone: x.a.example, cors_origins: ['${wrong}']}`)).toEqual([
        expect.stringContaining('must be a web origin like https://admin.example.com, without a path'),
      ]);
    }
  });
  test('needs a store, and a name in a zone of the file', () => {
    const problem = (text: string) => problems(text).map((line) => line.replace(/^[\d:]+ /, ''));
    expect(problem('protocols: {acme_dns: true}')).toEqual([
      'protocols.acme_dns: needs `acme_dns: {zone: …}`: a name in one of the zones, for the TXT records of accounts.',
      'protocols.acme_dns: needs `store`, where accounts are stored, for example `store: sqlite:/var/lib/dyndns/dyndns.db`.',
    ]);
    expect(problem(`${on}{zone: nota.example}`)).toEqual([
      "acme_dns.zone: 'nota.example.' is not in a zone of the file; it has 'a.example.', 'b.a.example.'.",
    ]);
  });
});

// Embedded zones: which primary a zone has, what such a zone says, and where the server keeps its data.

import { describe, expect, test } from 'vitest';
import { CAN_SHARE_PORTS } from '../../test/support/reuse-port.ts';
import { formatIpPrefix } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { RRType } from '../dns/rdata.ts';
import type { EmbeddedPrimary } from './config.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';
import { hasReusePort } from './resolve/state.ts';
import { renderConfig } from './show.ts';

const load = (text: string) => parseConfig(text, '/etc/dyndns.yml', {}).config;

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.lines.map((line) => line.replace('/etc/dyndns.yml:', ''));
    throw error;
  }
  return [];
}

const STORE = 'store: sqlite:/var/lib/dyndns/dyndns.db\n';
/** One embedded zone that says more than it must, on the second line. */
const zone = (extra: string) =>
  `${STORE}zones: [{name: a.example, nameserver: embedded, ns: [ns1.example.com]${extra}}]`;

function embeddedOf(text: string): EmbeddedPrimary {
  const primary = load(text).zones[0]!.primary;
  if (primary.kind !== 'embedded') throw new Error('the zone has a remote primary');
  return primary;
}

const key = (name: string, more = '') => `{name: ${name}, secret: tPyvZA==${more}}`;

describe('which primary', () => {
  const kinds = (text: string) => load(STORE + text).zones.map(({ primary }) => primary.kind);
  test('a zone that says `nameserver: embedded` is embedded, whatever the file says', () => {
    expect(
      kinds(`nameserver: 192.0.2.1
zones:
  - {name: a.example, nameserver: embedded, ns: [ns1.example.com]}
  - {name: b.example, tsig_key: tPyvZA==}`),
    ).toEqual(['embedded', 'remote']);
  });
  test('a zone with `ns` is embedded where nothing names a nameserver', () => {
    expect(kinds('zones: [{name: a.example, ns: [ns1.example.com]}]')).toEqual(['embedded']);
  });
  test('a zone with `ns` and a remote primary is refused, and told whose nameserver it is', () => {
    const expected =
      "is for embedded zones, and the primary of 'a.example.' is 192.0.2.1 (/etc/dyndns.yml:1:13); " +
      "'nameserver: embedded' makes dyndns the primary.";
    const text = 'nameserver: 192.0.2.1\nzones: [{name: a.example, tsig_key: tPyvZA==, ns: [ns1.example.com]}]';
    expect(problems(text)).toEqual([`2:51: zones[0].ns: ${expected}`]);
    expect(
      problems(
        `nameserver: 192.0.2.1\nzones: [{name: a.example, tsig_keys: [${key('k')}], secondaries: [], records: x, contact: a@b.c}]`,
      ).map((line) => line.replace(expected, '…')),
    ).toEqual(
      ['zones[0].tsig_keys: …', 'zones[0].secondaries: …', 'zones[0].records: …', 'zones[0].contact: …'].map((line) =>
        expect.stringContaining(line),
      ),
    );
  });
  test.each([
    ['port: 53', 78],
    ['transport: udp', 83],
    ['signed_reads: true', 86],
  ])('an embedded zone with %s is refused', (option, column) => {
    expect(problems(zone(`, ${option}`))).toEqual([
      `2:${column}: zones[0].${option.split(':')[0]}: is for zones with a remote primary, and 'a.example.' is embedded.`,
    ]);
  });
  test('what the file says for remote primaries does not hurt an embedded zone', () => {
    expect(problems(`port: 5353\ntransport: udp\nsigned_reads: true\n${zone('')}`)).toEqual([]);
  });
});

describe('an embedded zone', () => {
  test('needs no more than its nameservers and a place for its data', () => {
    expect(JSON.parse(JSON.stringify(embeddedOf(zone(''))))).toEqual({
      kind: 'embedded',
      ns: ['ns1.example.com.'],
      nsTtl: 3600,
      contact: 'hostmaster.a.example.',
      soa: { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60, ttl: 60 },
      secondaries: [],
      keys: [],
    });
  });
  test('has SOA timers, and TTLs of SOA and NS', () => {
    const { soa, nsTtl } = embeddedOf(zone(', ns_ttl: 60, soa: {refresh: 1, retry: 2, expire: 4, minimum: 30}'));
    expect([soa, nsTtl]).toEqual([{ refresh: 1, retry: 2, expire: 4, minimum: 30, ttl: 30 }, 60]);
    expect(embeddedOf(zone(', soa: {ttl: 7}')).soa).toMatchObject({ minimum: 60, ttl: 7 });
    expect(problems(zone(', soa: {refresh: 0}'))).toEqual([
      expect.stringMatching(/soa\.refresh: must be an integer from 1 to 2147483647, not '0'/),
    ]);
    expect(problems(zone(', soa: {refresh: 2, retry: 2, expire: 4}'))).toEqual([
      expect.stringMatching(/soa\.expire: 4 is not more than refresh and retry together \(4\)/),
    ]);
  });
  test('without `ns` is refused', () => {
    expect(problems(`${STORE}zones: [{name: a.example, nameserver: embedded}]`)).toEqual([
      "2:9: zones[0].ns: is required in the embedded zone 'a.example.': the names of its nameservers, like [ns1.example.com].",
    ]);
    expect(problems(`${STORE}zones: [{name: a.example, nameserver: embedded, ns: []}]`)).toEqual([
      '2:53: zones[0].ns: must be a list with at least one entry, each entry the full name of a nameserver, like ns1.example.com; it is empty.',
    ]);
  });
  test('keeps the order of `ns`, and takes no name twice and no wildcard', () => {
    const { ns } = embeddedOf(`${STORE}zones: [{name: a.example, ns: [ns2.example.net., NS1.a.example]}]`);
    expect(ns.map(String)).toEqual(['ns2.example.net.', 'NS1.a.example.']);
    expect(problems(`${STORE}zones: [{name: a.example, ns: [ns1.example.com, NS1.example.com.]}]`)).toEqual([
      "2:31: zones[0].ns: 'NS1.example.com.' is listed twice; remove one of the two.",
    ]);
    expect(problems(`${STORE}zones: [{name: a.example, ns: ['*.example.com']}]`)).toEqual([
      "2:32: zones[0].ns: must be the full name of a nameserver, like ns1.example.com, not '*.example.com'.",
    ]);
  });
  test('RFC 1035 §8: what stands before the @ of the contact is one label', () => {
    const text = zone(', contact: john.doe@example.com');
    expect(String(embeddedOf(text).contact)).toBe('john\\.doe.example.com.');
    expect(renderConfig(parseConfig(text, 'x.yml', {}).settings)).toContain("contact: 'john.doe@example.com'");
    expect(problems(zone(', contact: hostmaster.example.com'))).toEqual([
      "2:81: zones[0].contact: must be a mail address, like hostmaster@example.com, not 'hostmaster.example.com'.",
    ]);
    expect(problems(zone(', contact: a@b..c'))[0]).toContain('empty label. It must be a mail address');
  });
  test('of a name that has no room for hostmaster needs a contact', () => {
    const name = `${`${'x'.repeat(61)}.`.repeat(4)}xx`;
    const text = `${STORE}zones: [{name: ${name}, ns: [ns1.example.com]}]`;
    expect(problems(text)).toEqual([
      `2:9: zones[0].contact: is required: the default, hostmaster at '${name}.', is too long for a domain name.`,
    ]);
  });
});

describe('dnssec', () => {
  const signed = (text: string) => embeddedOf(zone(`, dnssec: ${text}`)).dnssec;
  const DEFAULTS = { algorithm: 13, validityDays: 30, chain: 'nsec3' };

  test('is off, on with the defaults, or a map', () => {
    expect([signed('false'), embeddedOf(zone('')).dnssec]).toEqual([undefined, undefined]);
    expect([signed('true'), signed('{}')]).toEqual([DEFAULTS, DEFAULTS]);
    expect(signed('{algorithm: ED25519, validity_days: 365, nsec3: false}')).toEqual({
      algorithm: 15,
      validityDays: 365,
      chain: 'nsec',
    });
    expect(signed('{algorithm: ecdsap256sha256, nsec3: true}')).toEqual(DEFAULTS);
  });

  test('is shown in the form that the file has', () => {
    const shown = (text: string) => renderConfig(parseConfig(zone(`, dnssec: ${text}`), 'x.yml', {}).settings);
    expect(shown('true')).toMatch(/^ {4}dnssec: true +# /m);
    expect(shown('{nsec3: false}')).toMatch(
      /^ {4}dnssec:\n {6}algorithm: ecdsap256sha256 .*\n {6}validity_days: 30 .*\n {6}nsec3: false /m,
    );
    expect(renderConfig(parseConfig(zone(''), 'x.yml', {}).settings)).not.toContain('dnssec');
  });

  test('warns of signatures that may expire at a secondary that is cut off', () => {
    const warnings = (text: string) => load(zone(`, ${text}`)).warnings.filter((line) => line.includes('soa.expire'));
    expect(warnings('dnssec: true')).toEqual([]);
    expect(warnings('dnssec: {validity_days: 30}')).toEqual([]);
    expect(warnings('dnssec: {validity_days: 29}')).toEqual([
      "The zone 'a.example.': a secondary that is cut off serves it for 1209600 s (soa.expire), but a signature that is about to be " +
        'renewed may be valid for 1166400 s only. Raise dnssec.validity_days to 30, or lower soa.expire.',
    ]);
    expect(warnings('soa: {expire: 15768001}, dnssec: true')).toEqual([
      expect.stringMatching(/valid for 1209600 s only\. Lower soa\.expire\.$/),
    ]);
  });

  test.each([
    ['yes', "must be true or false, or a map with the keys algorithm, validity_days, nsec3, not 'yes'."],
    ['{algorithm: rsasha256}', "dnssec.algorithm: must be ecdsap256sha256 or ed25519, not 'rsasha256'."],
    ['{validity_days: 1}', "dnssec.validity_days: must be an integer from 2 to 365, not '1'."],
    ['{validity_days: 366}', "dnssec.validity_days: must be an integer from 2 to 365, not '366'."],
    ['{nsec: true}', "dnssec: unknown key 'nsec'; the nearest known key is 'nsec3'."],
  ])('%s is refused', (text, expected) => {
    expect(problems(zone(`, dnssec: ${text}`)).join('\n')).toContain(expected);
  });

  test('is refused for a zone with a remote primary', () => {
    const remote = (text: string) =>
      problems(`nameserver: 192.0.2.1\nzones: [{name: a.example, tsig_key: tPyvZA==, dnssec: ${text}}]`);
    for (const [text, column] of [
      ['true', 55],
      ['{nsec3: false}', 47],
    ] as const) {
      expect(remote(text)).toEqual([
        `2:${column}: zones[0].dnssec: is for embedded zones, and the primary of 'a.example.' is 192.0.2.1 (/etc/dyndns.yml:1:13); ` +
          "'nameserver: embedded' makes dyndns the primary.",
      ]);
    }
  });
});

describe('static records', () => {
  test('are kept as they are written, with the place of their first line', () => {
    const block = `${STORE}zones:
  - name: a.example
    ns: [ns1.example.com]
    records: |

      @    IN A 192.0.2.10
           IN TXT "it's"
`;
    expect(embeddedOf(block).records).toEqual({
      text: '\n@    IN A 192.0.2.10\n     IN TXT "it\'s"\n',
      origin: { file: '/etc/dyndns.yml', line: 6 },
    });
    expect(embeddedOf(zone(", records: 'www A 192.0.2.1'")).records).toEqual({
      text: 'www A 192.0.2.1',
      origin: { file: '/etc/dyndns.yml', line: 2 },
    });
  });
  test('are text', () => {
    expect(problems(zone(', records: [a]'))).toEqual([
      '2:81: zones[0].records: must be text in zone-file syntax; it is a list.',
    ]);
  });
});

describe('secondaries', () => {
  test('a prefix permits transfers, and is not notified or asked', () => {
    const text = zone(
      `, tsig_keys: [${key('K1.')}], secondaries: ['192.0.2.0/24', {address: '2001:db8::/32', key: k1, notify: false, poll: false}, '192.0.2.53/32', {address: 198.51.100.1, poll: false}]`,
    );
    const { secondaries, transferPrefixes } = embeddedOf(text);
    expect(secondaries).toEqual([{ address: { host: '198.51.100.1', port: 53 }, notify: true, poll: false }]);
    expect(transferPrefixes?.map(({ prefix, keyName }) => [formatIpPrefix(prefix), keyName?.toString()])).toEqual([
      ['192.0.2.0/24', undefined],
      ['2001:db8::/32', 'k1.'],
      ['192.0.2.53/32', undefined],
    ]);
  });

  test('are addresses, with more where more is to be said', () => {
    const text = zone(
      `, tsig_keys: [${key('K1.')}], secondaries: [192.0.2.53, '2001:db8::53', '[2001:DB8::53]:5353', {address: '::ffff:198.51.100.1', key: k1, notify: false}]`,
    );
    expect(embeddedOf(text).secondaries.map(({ keyName, ...rest }) => ({ ...rest, key: keyName?.toString() }))).toEqual(
      [
        { address: { host: '192.0.2.53', port: 53 }, notify: true, poll: true, key: undefined },
        { address: { host: '2001:db8::53', port: 53 }, notify: true, poll: true, key: undefined },
        { address: { host: '2001:db8::53', port: 5353 }, notify: true, poll: true, key: undefined },
        { address: { host: '198.51.100.1', port: 53 }, notify: false, poll: true, key: 'k1.' },
      ],
    );
  });
  test.each([
    [
      "secondaries: ['192.0.2.0/24:53']",
      "2:86: zones[0].secondaries[0]: '192.0.2.0/24:53' is a prefix with a port; a prefix permits transfers from every port. It must be an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53', or a prefix whose host bits are zero, like '192.0.2.0/24'.",
    ],
    [
      "secondaries: [{address: '[2001:db8::]:53/32'}]",
      "2:96: zones[0].secondaries[0].address: '[2001:db8::]:53/32' is a prefix with a port; a prefix permits transfers from every port. It must be an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53', or a prefix whose host bits are zero, like '192.0.2.0/24'.",
    ],
    [
      "secondaries: ['192.0.2.1/24']",
      "2:86: zones[0].secondaries[0]: must be an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53', or a prefix whose host bits are zero, like '192.0.2.0/24', not '192.0.2.1/24'.",
    ],
    [
      "secondaries: [{address: '192.0.2.0/24', notify: true}]",
      "2:120: zones[0].secondaries[0].notify: the prefix '192.0.2.0/24' only permits transfers; list the address of each secondary that is to be notified.",
    ],
    [
      "secondaries: [{address: '192.0.2.0/24', poll: true}]",
      "2:118: zones[0].secondaries[0].poll: the prefix '192.0.2.0/24' only permits transfers; list the address of each secondary that is to be asked.",
    ],
    [
      "secondaries: ['192.0.2.0/24', {address: '192.0.2.0/24'}]",
      "2:102: zones[0].secondaries[1]: '192.0.2.0/24' is listed twice; remove one of the two.",
    ],
    [
      "secondaries: [{address: '192.0.2.0/24', key: k9}]",
      "2:117: zones[0].secondaries[0].key: the zone has no key 'k9.'; it has none.",
    ],
    ['secondaries: 192.0.2.53', '2:85: zones[0].secondaries: must be a list; it is text.'],
    [
      'secondaries: [ns2.example.com]',
      "2:86: zones[0].secondaries[0]: must be an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53', or a prefix whose host bits are zero, like '192.0.2.0/24', not 'ns2.example.com'.",
    ],
    [
      'secondaries: [[192.0.2.53]]',
      "2:86: zones[0].secondaries[0]: must be an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53', or a prefix whose host bits are zero, like '192.0.2.0/24', or a map with the keys address, key, notify, poll, not a list.",
    ],
    [
      'secondaries: [{notify: false}]',
      '2:86: zones[0].secondaries[0].address: is required: the IP address of the secondary, or a prefix.',
    ],
    [
      "secondaries: [192.0.2.53, {address: '192.0.2.53:53'}]",
      "2:98: zones[0].secondaries[1]: '192.0.2.53:53' is listed twice; remove one of the two.",
    ],
    [
      'secondaries: [{address: 192.0.2.53, key: k1}]',
      "2:113: zones[0].secondaries[0].key: the zone has no key 'k1.'; it has none.",
    ],
    [
      'secondaries: [{address: 192.0.2.53, key: k1}], tsig_key: tPyvZA==',
      "2:113: zones[0].secondaries[0].key: the zone has no key 'k1.'; it has 'a.example.'.",
    ],
    [
      `secondaries: [{address: 192.0.2.53, key: k1}], tsig_keys: [${key('k1', ', allow: [update]')}]`,
      "2:113: zones[0].secondaries[0].key: the key 'k1.' may not transfer the zone; add transfer to its 'allow'.",
    ],
    [
      'secondaries: [{adress: 192.0.2.53}]',
      "2:87: zones[0].secondaries[0]: unknown key 'adress'; the nearest known key is 'address'. Allowed here: address, key, notify, poll.",
    ],
  ])('%s is refused', (option, expected) => {
    expect(problems(zone(`, ${option}`))).toContain(expected);
  });
});

describe('keys', () => {
  test('`tsig_key` may do everything, in both forms', () => {
    for (const form of ['tPyvZA==', '{secret: tPyvZA==}']) {
      const [only, ...more] = embeddedOf(zone(`, tsig_key: ${form}`)).keys;
      expect(more).toEqual([]);
      expect([String(only!.name), only!.algorithm]).toEqual(['a.example.', 'hmac-sha512']);
      expect([only!.allow, only!.hosts, only!.types]).toEqual([{ update: true, transfer: true }, undefined, undefined]);
    }
  });
  test('`tsig_keys` say for each what it may do; what is absent is everything', () => {
    const policy =
      ", algorithm: hmac-sha256, allow: [update], hosts: [www, '@', '*.lab', b.A.example], types: [txt, TYPE65280]";
    const { keys } = embeddedOf(zone(`, tsig_keys: [${key('k1')}, ${key('k2.example.net', policy)}]`));
    expect(JSON.parse(JSON.stringify(keys))).toEqual([
      { name: 'k1.', algorithm: 'hmac-sha512', secret: '[secret]', allow: { update: true, transfer: true } },
      {
        name: 'k2.example.net.',
        algorithm: 'hmac-sha256',
        secret: '[secret]',
        allow: { update: true, transfer: false },
        hosts: ['www.a.example.', 'a.example.', '*.lab.a.example.', 'b.A.example.'],
        types: [RRType.TXT, 65280],
      },
    ]);
    expect(Buffer.from(keys[0]!.secret.reveal()).toString('base64')).toBe('tPyvZA==');
  });
  test('of hmac-md5 are a warning', () => {
    expect(load(zone(`, tsig_keys: [${key('k1', ', algorithm: hmac-md5')}]`)).warnings).toContain(
      "The key 'k1.' uses hmac-md5, which is broken; use hmac-sha256 or stronger.",
    );
  });
  test.each([
    [
      `tsig_key: tPyvZA==, tsig_keys: [${key('k1')}]`,
      '2:92: zones[0].tsig_keys: cannot be combined with tsig_key; use one of the two.',
    ],
    [
      `tsig_keys: [${key('k1')}, ${key('K1.')}]`,
      "2:72: zones[0].tsig_keys: the key 'K1.' is listed twice; remove one of the two.",
    ],
    [
      'tsig_keys: [{name: k1}]',
      '2:84: zones[0].tsig_keys[0].secret: is required: the base64 text that tsig-keygen prints.',
    ],
    ['tsig_keys: [{secret: tPyvZA==}]', '2:84: zones[0].tsig_keys[0].name: is required: the name of the key.'],
    [
      'tsig_keys: [tPyvZA==]',
      '2:84: zones[0].tsig_keys[0]: must be a map with the keys name, algorithm, secret, allow, hosts, types, not text.',
    ],
    [
      `tsig_keys: [${key('k1', ', allow: [write]')}]`,
      "2:121: zones[0].tsig_keys[0].allow: must be update or transfer, not 'write'.",
    ],
    [
      `tsig_keys: [${key('k1', ', allow: []')}]`,
      '2:120: zones[0].tsig_keys[0].allow: must be a list with at least one entry, each entry update or transfer; it is empty.',
    ],
    [
      `tsig_keys: [${key('k1', ', hosts: [www.b.example.]')}]`,
      "2:120: zones[0].tsig_keys[0].hosts: 'www.b.example.' is not below the zone 'a.example.'; use a name below it.",
    ],
    [
      `tsig_keys: [${key('k1', ', types: [ANY]')}]`,
      "2:121: zones[0].tsig_keys[0].types: must be an RR type, like A, TXT or TYPE65280, not 'ANY'.",
    ],
  ])('%s is refused', (option, expected) => {
    expect(problems(zone(`, ${option}`))).toEqual([expected]);
  });
  test.each(['OPT', 'TSIG', 'AXFR', 'TYPE0', 'TYPE255', 'TYPE65536', 'toString', '1'])(
    '%s is no type of data',
    (type) => {
      expect(problems(zone(`, tsig_keys: [${key('k1', `, types: ['${type}']`)}]`))[0]).toContain('must be an RR type');
    },
  );
  test('of the same name stand for the same secret in all zones', () => {
    const zones = (second: string) => `${STORE}zones:
  - {name: a.example, ns: [ns1.example.com], tsig_keys: [${key('k1')}]}
  - {name: b.example, ns: [ns1.example.com], ${second}}`;
    expect(problems(zones(`tsig_keys: [${key('k1', ', allow: [transfer]')}]`))).toEqual([]);
    const clash = "the key 'k1.' is in zones[0] too, with another algorithm or secret; rename one of the two.";
    expect(problems(zones('tsig_keys: [{name: k1, secret: AAAA}]'))).toEqual([`4:46: zones[1].tsig_keys: ${clash}`]);
    expect(problems(zones('tsig_key: {name: k1, secret: tPyvZA==, algorithm: hmac-sha256}'))).toEqual([
      `4:46: zones[1].tsig_key: ${clash}`,
    ]);
  });
  test('print no secret', () => {
    const loaded = parseConfig(zone(`, tsig_keys: [${key('k1')}]`), 'x.yml', {});
    expect(renderConfig(loaded.settings)).toContain("secret: '[secret]'");
    expect(renderConfig(loaded.settings) + JSON.stringify(loaded)).not.toContain('tPyvZA');
  });
});

describe('the place of the data', () => {
  const ZONE = 'zones: [{name: a.example, ns: [ns1.example.com]}]';
  const REMOTE = 'secret: abcdefgh\nzones: [{name: a.example, tsig_key: tPyvZA==, nameserver: 192.0.2.1}]';
  const pick = ({ dns, store, control }: ReturnType<typeof load>) => [
    dns?.database,
    store?.kind === 'sqlite' ? store.path : store,
    control,
  ];
  test('is `store`, and the zones and the socket lie beside it', () => {
    expect(pick(load(`store: sqlite:data/dyndns.db\n${ZONE}`))).toEqual([
      '/etc/data/zones.db',
      '/etc/data/dyndns.db',
      '/etc/data/control.sock',
    ]);
  });
  test('is `dns.database` alone where there is no store', () => {
    expect(pick(load(`dns: {database: /data/a.db}\n${ZONE}`))).toEqual(['/data/a.db', undefined, '/data/control.sock']);
  });
  test('can be said for each', () => {
    expect(pick(load(`dns: {database: a.db}\nstore: sqlite:b.db\ncontrol: unix:c.sock\n${ZONE}`))).toEqual([
      '/etc/a.db',
      '/etc/b.db',
      '/etc/c.sock',
    ]);
  });
  test('an embedded zone without one is refused', () => {
    expect(problems(ZONE)).toEqual([
      '1:9: zones[0]: an embedded zone needs a file for its data: set `store: sqlite:PATH` or `dns: {database: PATH}`.',
    ]);
  });
  test("the original's file has none", () => {
    const config = load(REMOTE);
    expect(pick(config)).toEqual([undefined, undefined, undefined]);
    expect([config.dns, config.warnings]).toEqual([undefined, []]);
  });
  test('without an embedded zone `dns` is a warning; there may be a store and a socket', () => {
    const config = load(`store: sqlite:/data/a.db\ndns: {nsid: x}\ncontrol: unix:/run/c\n${REMOTE}`);
    expect(config.warnings).toEqual(["The options of 'dns' have no effect: no zone is embedded."]);
    expect(pick(config)).toEqual([undefined, '/data/a.db', '/run/c']);
  });
  describe('the default of `control`', () => {
    const controlOf = (text: string, environment: Readonly<Record<string, string>> = {}) => {
      const { config, settings } = parseConfig(text, '/etc/dyndns.yml', environment);
      const shown = /^control: .*$/m.exec(renderConfig(settings))?.[0].replace(/ +# /, ' # ');
      return [config.control, config.controlIsDefault, shown];
    };
    const RUNTIME = { RUNTIME_DIRECTORY: '/run/dyndns' };
    const inRuntimeDirectory = (path: string) => [
      path,
      true,
      `control: 'unix:${path}' # default (in the runtime directory)`,
    ];
    test('is beside the store, else beside the database of the zones, and `dyndns config` says which', () => {
      expect(controlOf(`store: sqlite:/data/a.db\ndns: {database: /zones/a.db}\n${ZONE}`, RUNTIME)).toEqual([
        '/data/control.sock',
        true,
        "control: 'unix:/data/control.sock' # default (next to the file of store)",
      ]);
      expect(controlOf(`dns: {database: /zones/a.db}\n${ZONE}`, RUNTIME)).toEqual([
        '/zones/control.sock',
        true,
        "control: 'unix:/zones/control.sock' # default (next to dns.database)",
      ]);
    });
    test.each([
      ['without a store', REMOTE],
      ['with PostgreSQL', `store: postgres://u@h/d\n${REMOTE}`],
      ['with a database of zones that is not used', `dns: {database: /zones/a.db}\n${REMOTE}`],
    ])('%s is in the runtime directory', (_, text) => {
      expect(controlOf(text, RUNTIME)).toEqual(inRuntimeDirectory('/run/dyndns/control.sock'));
    });
    test('is in the first of several runtime directories', () => {
      const environment = { RUNTIME_DIRECTORY: '/run/dyndns/a:/run/other' };
      expect(controlOf(REMOTE, environment)).toEqual(inRuntimeDirectory('/run/dyndns/a/control.sock'));
    });
    test.each([{}, { RUNTIME_DIRECTORY: '' }, { RUNTIME_DIRECTORY: 'run' }])('is none with %o', (environment) => {
      expect(controlOf(REMOTE, environment)).toEqual([undefined, true, undefined]);
    });
    test('is not used where `control` is set', () => {
      const [control, isDefault, shown] = controlOf(`control: unix:/run/c\n${REMOTE}`, RUNTIME);
      expect([control, isDefault, shown]).toEqual(['/run/c', false, "control: 'unix:/run/c' # /etc/dyndns.yml:1:10"]);
    });
    test('is none where its path is too long, and a warning', () => {
      const environment = { RUNTIME_DIRECTORY: `/run/${'d'.repeat(100)}` };
      const { config } = parseConfig(REMOTE, '/etc/dyndns.yml', environment);
      expect(config.control).toBeUndefined();
      expect(config.warnings).toEqual([expect.stringMatching(/^There is no control socket '\/run\/d/)]);
    });
    test('has room for exactly 107 octets', () => {
      const folder = `/run/${'d'.repeat(107 - '/run//control.sock'.length)}`;
      const [control] = controlOf(REMOTE, { RUNTIME_DIRECTORY: folder });
      expect(control).toBe(`${folder}/control.sock`);
      expect(control).toHaveLength(107);
    });
  });
  test.each([
    ['store: /data/a.db', '1:8: store: must be sqlite:PATH or postgres://USER@HOST/DATABASE.'],
    ["store: 'sqlite:'", '1:8: store: must be sqlite:PATH or postgres://USER@HOST/DATABASE.'],
    ['control: /run/c', "1:10: control: must be unix:PATH, not '/run/c'."],
    [
      `control: unix:/${'c'.repeat(107)}`,
      '1:10: control: the path of a unix socket must have at most 107 octets; use a shorter path.',
    ],
  ])('%s is refused', (option, expected) => {
    expect(problems(`${option}\n${ZONE}${option.startsWith('store') ? '' : '\ndns: {database: x.db}'}`)).toEqual([
      expected,
    ]);
  });
  test('the zones and the store are not the same file', () => {
    expect(problems(`store: sqlite:a.db\ndns: {database: /etc/a.db}\n${ZONE}`)).toEqual([
      '2:17: dns.database: must not be the file of `store`; use another path.',
    ]);
  });
  test('a directory with a long name has no default socket, and a warning', () => {
    const config = load(`secret: abcdefgh\nstore: sqlite:/${'d'.repeat(100)}/a.db\n${ZONE}`);
    expect(config.control).toBeUndefined();
    expect(config.warnings).toEqual([
      expect.stringMatching(
        /^There is no control socket '.*control\.sock': .* 107 octets\. Set 'control' to a shorter path\.$/,
      ),
    ]);
  });
});

describe('dns', () => {
  const dns = (options: string) => `${STORE}dns: {${options}}\nzones: [{name: a.example, ns: [ns1.example.com]}]`;
  test('has the defaults of the table', () => {
    const { listen, listenIsDefault, rateLimit, nsid, chaosVersion, threads, tcpIdleSeconds, tsigFudgeMax } = load(
      dns(''),
    ).dns!;
    expect([listenIsDefault, load(dns("listen: ['0.0.0.0:53']")).dns?.listenIsDefault]).toEqual([true, false]);
    expect(listen.map(formatEndpoint)).toEqual(['0.0.0.0:53', '[::]:53']);
    expect([rateLimit.responsesPerSecond, rateLimit.allPerSecond, rateLimit.slip]).toEqual([20, 1_000, 2]);
    expect([threads, tcpIdleSeconds, tsigFudgeMax]).toEqual([0, 10, 300]);
    expect(rateLimit.exempt.map(formatIpPrefix)).toEqual(['127.0.0.0/8', '::1/128']);
    expect([nsid, chaosVersion]).toEqual([undefined, undefined]);
  });
  test('has several threads where Node.js can share a UDP port', () => {
    const versions = ['20.20.2', '21.7.3', '22.11.0', '23.0.0', '22.12.0', '22.22.1', '23.1.0', '24.0.0', '26.1.0'];
    expect(versions.map(hasReusePort)).toEqual([false, false, false, false, true, true, true, true, true]);
    const refusal = `2:16: dns.threads: more than 1 needs Node.js 22.12 or later (of version 23: 23.1); this is ${process.versions.node}. Set 1, or install a later Node.js.`;
    expect(problems(dns('threads: 16'))).toEqual(CAN_SHARE_PORTS ? [] : [refusal]);
    expect([load(dns('threads: 1')).dns?.threads, problems(dns('threads: 17'))]).toEqual([
      1,
      ["2:16: dns.threads: must be an integer from 0 to 16, not '17'."],
    ]);
  });
  test('listens where it is told; an address alone means port 53', () => {
    const { listen } = load(dns("listen: [127.0.0.1, '::1', '[::1]:5354', '192.0.2.1:0', '192.0.2.1:0']")).dns!;
    expect(listen.map(formatEndpoint)).toEqual([
      '127.0.0.1:53',
      '[::1]:53',
      '[::1]:5354',
      '192.0.2.1:0',
      '192.0.2.1:0',
    ]);
  });
  test.each([
    ["listen: [127.0.0.1, '127.0.0.1:53']", "2:15: dns.listen: '127.0.0.1:53' is listed twice; remove one of the two."],
    [
      "listen: ['::1:99999']",
      expect.stringMatching(/^2:16: dns\.listen: must be an IP address with or without a port/),
    ],
    ["listen: ['[127.0.0.1]:53']", expect.stringMatching(/^2:16: dns\.listen: must be an IP address with or without/)],
    ["listen: ['localhost:53']", expect.stringMatching(/^2:16: dns\.listen: must be an IP address with or without/)],
    ['rate_limit: {slip: 11}', "2:26: dns.rate_limit.slip: must be an integer from 0 to 10, not '11'."],
    ['tcp_idle_seconds: 0', "2:25: dns.tcp_idle_seconds: must be an integer from 1 to 3600, not '0'."],
    ['tsig_fudge_max: 65536', "2:23: dns.tsig_fudge_max: must be an integer from 1 to 65535, not '65536'."],
    ["nsid: ''", "2:13: dns.nsid: must be a text of 1 to 128 octets without control characters, not ''."],
    [
      'database: 1, rate_limit: 5',
      '2:17: dns.database: YAML reads this as a number, but a text is expected: quote it. It must be the path of a file.',
    ],
  ])('%s is refused', (options, expected) => {
    expect(problems(dns(options))[0]).toEqual(expected);
  });
});

test('`dyndns config` prints what loads again, and nothing that is for another kind of primary', () => {
  const text = `secret: abcdefgh
store: sqlite:/data/a.db
dns: {listen: ['127.0.0.1:5354']}
zones:
  - name: a.example
    nameserver: embedded
    ns: [ns1.example.com]
    secondaries: [192.0.2.53, {address: '[2001:db8::53]:5353', key: k1}, '198.51.100.0/24']
    records: |
      @ A 192.0.2.1
    tsig_keys:
      - {name: k1, secret: c2VjcmV0, hosts: ['*.lab'], types: [A]}
`;
  const { settings, config } = parseConfig(text, 'x.yml', {});
  const printed = renderConfig(settings);
  expect(printed.split('\n').map((line) => line.replace(/ +# .*/, ''))).toEqual(
    expect.arrayContaining([
      '    secondaries:',
      "      - '192.0.2.53:53'",
      "      - address: '[2001:db8::53]:5353'",
      '        key: k1.',
      '        notify: true',
      '        poll: true',
      "      - '198.51.100.0/24'",
      String.raw`    records: "@ A 192.0.2.1\n"`,
      '    tsig_keys:',
      '      - name: k1.',
      "        hosts: ['*.lab']",
      '        types: [A]',
    ]),
  );
  expect(printed).not.toContain('signed_reads: false # default\n    ttl');
  expect(printed.match(/transport/g)).toHaveLength(1);
  const again = parseConfig(
    printed.replace("'[secret]'", 'abcdefgh').replaceAll("'[secret]'", 'c2VjcmV0'),
    'x.yml',
    {},
  ).config;
  const withoutPlace = (text: string) => text.replace(/"line":\d+/, '');
  // What is printed sets the default socket explicitly.
  expect([config.controlIsDefault, again.controlIsDefault]).toEqual([true, false]);
  expect(withoutPlace(JSON.stringify({ ...again, controlIsDefault: true }))).toBe(withoutPlace(JSON.stringify(config)));
  const remote = parseConfig('zones: [{name: a.example, tsig_key: tPyvZA==, nameserver: 192.0.2.1}]', 'x.yml', {});
  expect(renderConfig(remote.settings)).not.toMatch(/^dns:|rate_limit|secondaries|tsig_keys/m);
});

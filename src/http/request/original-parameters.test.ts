// Names, addresses and numbers of the original API.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textsOf } from '../../../test/support/wanted-addresses.ts';
import { MASTER, type Principal } from '../../core/access/principal.ts';
import type { HostToken } from '../../core/access/token.ts';
import { AppError } from '../../core/errors.ts';
import type { ZonePublisher } from '../../core/zones/publisher.ts';
import { type Zone, ZoneTable } from '../../core/zones/zone.ts';
import { parseIpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { findOwner, type NameParameters, parseAddresses, parseTtl } from './original-parameters.ts';

function zoneOf(apex: string, emptyValue: 'keep' | 'clear' = 'keep'): Zone {
  return {
    apex: DomainName.parse(apex),
    publisher: {} as ZonePublisher,
    ttl: {},
    apexAllowed: true,
    wildcardAllowed: true,
    reserved: new Set(),
    addresses: { allow: [], deny: [] },
    emptyValue,
  };
}

const APEXES = ['dyn.example.com', 'sub.dyn.example.com', 'xn--bcher-kva.example', 'dev'];
const zones = new ZoneTable(APEXES.map((apex) => zoneOf(apex)));

function tokenOf(...hosts: string[]): Principal {
  const token: HostToken = {
    id: 't1',
    name: 'router1',
    sha256: '',
    hosts: hosts.map((host) => DomainName.parse(host)),
    types: [RRType.A, RRType.AAAA],
    addresses: 'any',
    createdMs: 0,
  };
  return { kind: 'token', token };
}

/** The owner name, or the error's code and text. */
function owner(names: NameParameters, principal: Principal = MASTER): string {
  try {
    const { ownerName, zone } = findOwner(names, principal, { zones });
    return `${ownerName} in ${zone.apex}`.toLowerCase();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.message;
  }
}

describe('names', () => {
  const REQUIRED = 'Value "fqdn" is required.';
  const SPECIFY = 'Specify "fqdn" or "zone_name" and "record_name".';
  const home = 'home.dyn.example.com. in dyn.example.com.';

  it.each([
    [{}, REQUIRED],
    [{ fqdn: '', zone_name: '', record_name: '' }, REQUIRED],
    [{ zone_name: 'dyn.example.com' }, REQUIRED],
    [{ record_name: 'home' }, REQUIRED],
    [{ record_name: 'home.dyn.example.com' }, REQUIRED],
    [{ fqdn: 'home.dyn.example.com', zone_name: 'dyn.example.com', record_name: 'home' }, SPECIFY],
    [{ fqdn: 'home.dyn.example.com', zone_name: 'a..b' }, home],
    [{ fqdn: 'home.dyn.example.com', record_name: 'a..b' }, home],
    [{ fqdn: 'home.dyn.example.com.' }, home],
    [{ zone_name: 'dyn.example.com', record_name: '' }, 'dyn.example.com. in dyn.example.com.'],
    [{ zone_name: 'dyn.example.com.', record_name: '@' }, 'dyn.example.com. in dyn.example.com.'],
    [{ zone_name: 'dyn.example.com', record_name: 'dyn.example.com.' }, 'dyn.example.com. in dyn.example.com.'],
    [{ zone_name: 'dyn.example.com', record_name: '7' }, '7.dyn.example.com. in dyn.example.com.'],
    [{ zone_name: 'dyn.example.com', record_name: 'a.sub' }, 'a.sub.dyn.example.com. in sub.dyn.example.com.'],
    [{ zone_name: 'dyn.example.com', record_name: 'sub' }, 'sub.dyn.example.com. in sub.dyn.example.com.'],
    [{ zone_name: 'DEV', record_name: 'www.dev' }, 'www.dev. in dev.'],
    [{ zone_name: 'dev', record_name: 'wwwdev' }, 'wwwdev.dev. in dev.'],
    [
      { zone_name: 'dyn.example.com', record_name: 'www.example.com' },
      'www.example.com.dyn.example.com. in dyn.example.com.',
    ],
    [
      { zone_name: 'bücher.example', record_name: 'www.xn--bcher-kva.example' },
      'www.xn--bcher-kva.example. in xn--bcher-kva.example.',
    ],
    [{ zone_name: 'home.dyn.example.com', record_name: 'x' }, 'Unknown zone "home.dyn.example.com".'],
    [{ zone_name: 'dyn.example.com', record_name: 'a..b' }, "The DNS name 'a..b.dyn.example.com' has an empty label."],
  ] satisfies (readonly [NameParameters, string])[])('%j', (names, expected) => expect(owner(names)).toBe(expected));

  it('a record name with or without the zone, final dots and capitals, is one name', () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
    const dots = fc.constantFrom('', '.');
    const spell = (text: string) => fc.constantFrom(text, text.toUpperCase());
    const names = fc
      .tuple(fc.constantFrom(...APEXES), fc.array(label, { minLength: 1, maxLength: 3 }), dots, dots, fc.boolean())
      .chain(([apex, labels, zoneDot, recordDot, isWhole]) => {
        const record = labels.join('.');
        return fc.tuple(
          spell(apex).map((text) => text + zoneDot),
          spell(isWhole ? `${record}.${apex}` : record).map((text) => text + recordDot),
          fc.constant(`${record}.${apex}`),
        );
      });
    fc.assert(
      fc.property(names, ([zone_name, record_name, whole]) => {
        expect(owner({ zone_name, record_name })).toBe(owner({ fqdn: whole }));
      }),
    );
  });

  it('a token learns of no zone outside of its scope, whatever the name is', () => {
    const principal = tokenOf('home.dyn.example.com', '*.lab.dyn.example.com');
    const record = fc.oneof(
      fc.constantFrom(
        '',
        '@',
        '.',
        '..',
        'a..b',
        'a b',
        '*',
        '_x',
        '777',
        'ö',
        '-a',
        'x'.repeat(64),
        'dyn.example.com',
      ),
      fc.string({ maxLength: 20 }),
      // Around 255 octets.
      fc.integer({ min: 90, max: 130 }).map((length) => 'a.'.repeat(length)),
    );
    const wildcardZones = new ZoneTable(['secret.example.org', ...APEXES].map((apex) => zoneOf(apex)));
    const reply = (table: ZoneTable, names: NameParameters) => {
      try {
        return findOwner(names, principal, { zones: table }).ownerName.toString();
      } catch (error) {
        return [
          (error as AppError).code === 'not-permitted' ? 'name-invalid' : (error as AppError).code,
          String(error),
        ];
      }
    };
    fc.assert(
      fc.property(record, (text) => {
        for (const names of [
          { zone_name: 'secret.example.org', record_name: text },
          { zone_name: 'x.secret.example.org', record_name: text },
          { fqdn: `${text}.secret.example.org` },
        ]) {
          expect(reply(wildcardZones, names)).toEqual(reply(zones, names));
        }
      }),
    );
  });
});

describe('addresses', () => {
  const CALLER = '198.51.100.7';
  const parse = (
    { ip_1, ip_2, ipv4, ipv6 }: Readonly<Record<string, string>>,
    emptyValue: 'keep' | 'clear' = 'keep',
    caller: string | undefined = CALLER,
  ) => {
    try {
      const given = caller === '' ? undefined : parseIpAddress(caller);
      return textsOf(parseAddresses({ ips: [ip_1, ip_2], ipv4, ipv6 }, zoneOf('example.com', emptyValue), given));
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('without one, or only empty ones, that of the caller', () => {
    const values = fc.constantFrom(undefined, '');
    fc.assert(
      fc.property(fc.record({ ip_1: values, ip_2: values, ipv4: values, ipv6: values }), (parameters) => {
        expect(parse(parameters as Record<string, string>)).toEqual({ A: CALLER });
        expect(parse(parameters as Record<string, string>, 'keep', '')).toMatch(/^The client's address is unknown/);
      }),
    );
    expect(parse({ ipv4: '', ipv6: '' }, 'clear')).toEqual({ A: null, AAAA: null });
    expect(parse({ ipv4: '', ip_1: '192.0.2.1' }, 'clear')).toEqual({ A: '192.0.2.1' });
    expect(parse({ ipv4: '', ip_1: '2001:db8::1' }, 'clear')).toEqual({ A: null, AAAA: '2001:db8::1' });
  });

  it('of two of one family the error has the one that the original read first: ipv4, ipv6, ip_1, ip_2', () => {
    const names = ['ipv4', 'ipv6', 'ip_1', 'ip_2'] as const;
    const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2');
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), address), (parameters) => {
        const seen = new Map<string, string>();
        let expected: unknown;
        for (const name of names) {
          const text = parameters[name];
          if (text === undefined || expected !== undefined) continue;
          const version = text.includes(':') ? '6' : '4';
          if (name.startsWith('ipv') && name !== `ipv${version}`) {
            expected = `IP version "${name.at(-1)}" does not match.`;
          } else if (seen.has(version)) {
            expected = `The attribute "ipv${version}" is already set and has the value "${seen.get(version)}".`;
          } else seen.set(version, text);
        }
        const all: Record<string, string> = {};
        for (const [version, text] of seen) all[version === '4' ? 'A' : 'AAAA'] = text;
        expect(parse(parameters)).toEqual(expected ?? (seen.size === 0 ? { A: CALLER } : all));
      }),
    );
  });
});

describe('numbers', () => {
  it.each([
    ['60', 60],
    ['+5', 5],
    ['-5', -5],
    [' 5 ', 5],
    ['5.0', 5],
    ['5.', 5],
    ['5.000', 5],
    ['1_000', 1000],
    ['1_0_0', 100],
    ['007', 7],
    [`${'0'.repeat(4000)}7`, 7],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %s', (text, seconds) => expect(parseTtl(text)).toBe(seconds));

  it.each([
    '5.5',
    '1__0',
    '_1',
    '1_',
    '+',
    '-',
    '+-5',
    '--5',
    '1e3',
    '0x10',
    '1,0',
    '1 0',
    '.0',
    '.',
    'abc',
    '٥',
    '5.0.0',
    ' ',
    '1_.0',
  ])('%j is none', (text) => {
    expect(() => parseTtl(text)).toThrow('int_parsing: Input should be a valid integer');
  });

  it('one that no TTL has is out of range', () => {
    expect(() => parseTtl('9'.repeat(30))).toThrow(`The TTL ${'9'.repeat(20)}… is not between 0 and 2147483647.`);
  });
});

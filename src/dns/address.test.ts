/** Addresses and prefixes: strict parsing, and the canonical text of RFC 5952. */
import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOctets,
  formatIpPrefix,
  formatIpv4,
  formatIpv6,
  ipv4Octets,
  ipv6Octets,
  moveAddress,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  prefixOf,
  unmapAddress,
} from './address.ts';

const canonical = (text: string): string | undefined => parseIpAddress(text)?.text;

describe('IPv4 text', () => {
  it.each(['0.0.0.0', '192.0.2.1', '255.255.255.255', '1.2.3.4'])('%s is read and stays as it is', (text) => {
    expect(parseIpAddress(text)).toEqual({ family: 4, text });
  });

  it.each([
    '1.2.3',
    '1',
    '1.2.3.4.5',
    '1.2.3.',
    '1.2.3.4.',
    '.1.2.3',
    '1..2.3',
    '010.1.1.1',
    '1.1.1.01',
    '00.1.1.1',
    '256.1.1.1',
    '1.1.1.1000',
    '0x7f.0.0.1',
    '-1.1.1.1',
    '+1.1.1.1',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '1.2.3.4%eth0',
    '1.2.3.4/32',
    '１.2.3.4',
    '',
  ])('%j is refused', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });
});

describe('IPv6 text (RFC 5952)', () => {
  it.each([
    // RFC 5952 §1 and §2: many spellings of one address.
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:db8:0000:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    // §4.1 leading zeros, §4.2.1 as short as possible, §4.2.2 one group of zeros is not shortened.
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // §4.2.3 the longest run, the first of equals.
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // §4.3 lower case.
    ['2001:DB8:0:0::AAAA', '2001:db8::aaaa'],
    // §5 IPv4-mapped.
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['0:0:0:0:0:FFFF:C000:0201', '::ffff:192.0.2.1'],
    ['::ffff:0:0', '::ffff:0.0.0.0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::192.0.2.1', '::c000:201'],
    ['::ffff', '::ffff'],
    ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s is printed as %s', (text, expected) => {
    expect(parseIpAddress(text)).toEqual({ family: 6, text: expected });
    expect(canonical(expected)).toBe(expected);
  });

  it.each([
    ':',
    ':::',
    '::1::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    '::1.2.3',
    '::01.2.3.4',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    'fe80::1%',
    '[::1]',
    '::1/128',
    ' ::1',
    '::1 ',
    '2001:db8::-1',
    '0x1::',
    '::１',
  ])('%j is refused', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });
});

describe('octets', () => {
  /** The model: an address is one big integer. */
  const octetsOf = (value: bigint, length: number) =>
    Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));

  it('any IPv4 address is the same after its octets were printed and parsed', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => {
        const octets = octetsOf(value, 4);
        const text = formatIpv4(octets, 0);
        expect(text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)).toBe(value);
        expect(ipv4Octets(text)).toEqual(octets);
        expect(isIP(text)).toBe(4);
      }),
    );
  });

  it('any IPv6 address is the same after its octets were printed and parsed, in every spelling', () => {
    const group = fc.oneof(fc.constantFrom(0n, 0n, 1n, 0xffffn), fc.bigInt({ min: 0n, max: 0xffffn }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.nat({ max: 7 }), (groups, at) => {
        const value = groups.reduce((sum, part) => sum * 65_536n + part, 0n);
        const octets = octetsOf(value, 16);
        const text = formatIpv6(octets);
        expect(ipv6Octets(text)).toEqual(octets);
        expect(isIP(text)).toBe(6);
        // The URL parser prints the same form (but for IPv4-mapped addresses): an independent implementation.
        if (!text.includes('.'))
          expect(`[${text}]`).toBe(new URL(`http://[${groups.map((g) => g.toString(16)).join(':')}]/`).hostname);
        const full = groups.map((g) => g.toString(16).padStart(4, '0').toUpperCase()).join(':');
        expect(canonical(full)).toBe(text);
        const dotted = `${groups
          .slice(0, 6)
          .map((g) => g.toString(16))
          .join(':')}:${octets.slice(12).join('.')}`;
        expect(canonical(dotted)).toBe(text);
        if (groups[at] === 0n) {
          const short = `${groups
            .slice(0, at)
            .map((g) => g.toString(16))
            .join(':')}::${groups
            .slice(at + 1)
            .map((g) => g.toString(16))
            .join(':')}`;
          expect(canonical(short)).toBe(text);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('the octets of a text that is not an address of the family are a TypeError', () => {
    expect(() => ipv4Octets('::1')).toThrow(TypeError);
    expect(() => ipv6Octets('192.0.2.1')).toThrow(TypeError);
    expect([...addressOctets({ family: 4, text: '192.0.2.1' })]).toEqual([192, 0, 2, 1]);
    expect(addressOctets({ family: 6, text: '::1' })).toHaveLength(16);
  });

  it('an address in the middle of a message is printed from its offset', () => {
    const octets = Uint8Array.of(9, 9, 192, 0, 2, 1, ...ipv6Octets('2001:db8::1'));
    expect(formatIpv4(octets, 2)).toBe('192.0.2.1');
    expect(formatIpv6(octets, 6)).toBe('2001:db8::1');
  });
});

it('accepts the same addresses as node:net, except zone identifiers', () => {
  const piece = fc.constantFrom(
    '0',
    '1',
    '00',
    '01',
    '255',
    '256',
    'f',
    'ffff',
    '12345',
    'G',
    '.',
    '.',
    ':',
    ':',
    '::',
    ' ',
    '-',
    '1.2.3.4',
    '/',
  );
  const nearValid = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
  const damaged = fc
    .tuple(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.nat(),
      fc.constantFrom('', '0', ':', '.', '1', 'f', '::', ' '),
      fc.nat({ max: 2 }),
    )
    .map(
      ([text, at, patch, cut]) =>
        text.slice(0, at % (text.length + 1)) + patch + text.slice((at % (text.length + 1)) + cut),
    );
  fc.assert(
    fc.property(fc.oneof(nearValid, damaged, fc.ipV4(), fc.ipV6()), (text) => {
      expect(parseIpAddress(text)?.family ?? 0).toBe(isIP(text));
    }),
    { numRuns: 5000 },
  );
});

describe('unmapAddress (RFC 4291 §2.5.5.2)', () => {
  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:0a00:1', '10.0.0.1'],
    ['::ffff:0:0', '0.0.0.0'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::192.0.2.1', '::c000:201'],
    ['::ffff', '::ffff'],
    ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s becomes %s', (text, expected) => {
    const address = unmapAddress(parseIpAddress(text)!);
    expect(address).toEqual({ family: expected.includes(':') ? 6 : 4, text: expected });
  });
});

describe('prefixes', () => {
  it.each([
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['100.64.0.0/10', '100.64.0.0/10'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['::/0', '::/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::ffff:0:0/96', '::ffff:0.0.0.0/96'],
  ])('%s is %s', (text, expected) => {
    expect(formatIpPrefix(parseIpPrefix(text)!)).toBe(expected);
  });

  it.each([
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/024',
    '192.0.2.0/+24',
    '192.0.2.0/24 ',
    '192.0.2.0/24/24',
    '192.0.2.1/24',
    '192.0.2.128/24',
    '2001:db8::/129',
    '2001:db8::1/64',
    '2001:db8::/1e1',
    '/24',
    'example.com/24',
    'fe80::%eth0/10',
  ])('%j is refused', (text) => {
    expect(parseIpPrefix(text)).toBeUndefined();
  });

  it('what a prefix contains is what the first bits say, bit by bit', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    const bits = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(octets, fc.nat({ max: 128 }), fc.nat({ max: 127 }), fc.boolean(), (address, cut, flip, other) => {
        const whole = address.length * 8;
        const length = cut % (whole + 1);
        const network = Uint8Array.from(address);
        for (let bit = length; bit < whole; bit++) network[bit >> 3]! &= ~(0x80 >> (bit & 7));
        const text = network.length === 4 ? formatIpv4(network, 0) : formatIpv6(network);
        const prefix = parseIpPrefix(`${text}/${length}`)!;
        expect(prefix.octets).toEqual(network);
        const probe = Uint8Array.from(address);
        if (other) probe[(flip % whole) >> 3]! ^= 0x80 >> (flip & 7);
        expect(prefixContains(prefix, probe)).toBe(bits(probe).startsWith(bits(network).slice(0, length)));
      }),
      { numRuns: 1000 },
    );
  });

  it('an address of the other family is in no prefix, not even /0', () => {
    expect(prefixContains(parseIpPrefix('0.0.0.0/0')!, ipv6Octets('::1'))).toBe(false);
    expect(prefixContains(parseIpPrefix('::/0')!, ipv4Octets('192.0.2.1'))).toBe(false);
  });
});

describe('an address and a prefix', () => {
  const address = (text: string) => parseIpAddress(text)!;

  it.each([
    ['2001:db8:5::/48', '2001:db8:1:f3::10', '2001:db8:5:f3::10'],
    ['2001:db8:5:10::/60', '2001:db8:1:f3::10', '2001:db8:5:13::10'],
    ['2001:db8:5:10::/61', '2001:db8:1:fff::10', '2001:db8:5:17::10'],
    ['2001:db8:5:10::/64', '2001:db8:1:f3::10', '2001:db8:5:10::10'],
    ['2001:db8::9/128', '2001:db8:1:f3::10', '2001:db8::9'],
    ['::/0', '2001:db8:1:f3::10', '2001:db8:1:f3::10'],
    ['198.51.100.16/28', '192.0.2.7', '198.51.100.23'],
  ])('into %s %s moves as %s', (prefix, from, to) => {
    expect(moveAddress(parseIpPrefix(prefix)!, address(from))).toEqual(address(to));
  });

  it('of two families cannot be combined', () => {
    expect(() => moveAddress(parseIpPrefix('::/64')!, address('192.0.2.7'))).toThrow(TypeError);
  });

  it('an address that is moved into a prefix of any length is in it', () => {
    const octets = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(octets, octets, fc.nat({ max: 128 }), (left, right, length) => {
        const prefix = prefixOf(address(formatIpv6(left)), length);
        expect(parseIpPrefix(formatIpPrefix(prefix))).toEqual(prefix);
        expect(prefixContains(prefix, left)).toBe(true);
        const moved = addressOctets(moveAddress(prefix, address(formatIpv6(right))));
        expect(prefixContains(prefix, moved)).toBe(true);
        expect(
          moveAddress(prefixOf(address(formatIpv6(right)), length), address(formatIpv6(Uint8Array.from(moved)))).text,
        ).toBe(formatIpv6(right));
      }),
    );
  });
});

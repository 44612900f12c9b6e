/** Interface identifiers: parsing, EUI-64, and addresses in subnets against a model with big integers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOctets, formatIpPrefix, type IpAddress, parseIpAddress, prefixOf } from './address.ts';
import { addressInSubnet, interfaceIdOctets, interfaceIdOfMac, parseInterfaceId, parseMac } from './interface-id.ts';

/** An independent model: whole addresses as big integers. */
function toBig(address: IpAddress): bigint {
  return addressOctets(address).reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}
function textOf(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  return (parseIpAddress(groups.join(':')) as IpAddress).text;
}
const ALL = (1n << 128n) - 1n;
const LOW = (1n << 64n) - 1n;

const address = fc.bigInt(0n, ALL).map((value) => parseIpAddress(textOf(value)) as IpAddress);
const identifier = fc.bigInt(1n, LOW);

describe('an address below a prefix', () => {
  it('is prefix, subnet and identifier, each in its own bits, as in the model', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 16, max: 64 }), fc.nat(), identifier, (base, length, drawn, id) => {
        const room = 2n ** BigInt(64 - length);
        const subnet = BigInt(drawn) % (room > 2n ** 48n ? 2n ** 48n : room);
        const network = toBig(base) & (ALL ^ ((1n << BigInt(128 - length)) - 1n));
        const expected = textOf(network | (subnet << 64n) | id);
        const result = addressInSubnet(prefixOf(base, length), Number(subnet), interfaceIdOctets(textOf(id)));
        expect(result?.text).toBe(expected);
        // No part overflowed into another.
        const value = toBig(result as IpAddress);
        expect([value & LOW, (value >> 64n) & (room - 1n)]).toEqual([id, subnet]);
        expect(formatIpPrefix(prefixOf(result as IpAddress, length))).toBe(formatIpPrefix(prefixOf(base, length)));
      }),
      { numRuns: 5000 },
    );
  });

  it('is none where the number of the subnet has no room', () => {
    fc.assert(
      fc.property(
        address,
        fc.integer({ min: 16, max: 64 }),
        fc.integer({ min: 0, max: 2 ** 20 }),
        (base, length, more) => {
          const room = 2 ** (64 - length);
          expect(addressInSubnet(prefixOf(base, length), room + more, new Uint8Array(8))).toBeUndefined();
        },
      ),
    );
  });

  it('has known values', () => {
    const textIn = (prefix: string, length: number, subnet: number, id: string) =>
      addressInSubnet(prefixOf(parseIpAddress(prefix) as IpAddress, length), subnet, interfaceIdOctets(id))?.text;
    expect(textIn('2001:db8:0:ab00::', 56, 3, '::10')).toBe('2001:db8:0:ab03::10');
    expect(textIn('2001:db8:0:ab00::', 56, 255, '::10')).toBe('2001:db8:0:abff::10');
    expect(textIn('2001:db8:0:ab00::', 56, 256, '::10')).toBeUndefined();
    expect(textIn('2001:db8:0:abc0::', 59, 31, '::ffff:ffff:ffff:ffff')).toBe('2001:db8:0:abdf:ffff:ffff:ffff:ffff');
    expect(textIn('2001:db8:0:abcd::', 64, 0, '::1')).toBe('2001:db8:0:abcd::1');
    expect(textIn('2001:db8:0:abcd::', 64, 1, '::1')).toBeUndefined();
    // Host bits in the prefix that a router reports are cleared.
    expect(textIn('2001:db8:0:abcd:1:2:3:4', 60, 1, '::1')).toBe('2001:db8:0:abc1::1');
    expect(textIn('2001:db8::', 65, 0, '::1')).toBeUndefined();
  });
});

describe('an interface identifier', () => {
  it('of a MAC address is modified EUI-64 (RFC 4291 appendix A)', () => {
    const text = (mac: string) => Buffer.from(interfaceIdOfMac(parseMac(mac) as string)).toString('hex');
    expect(text('34:56:78:9A:BC:DE')).toBe('365678fffe9abcde');
    expect(text('02-00-00-00-00-01')).toBe('000000fffe000001');
  });

  it.each(['::10', '::a:b:c:d', '0:0:0:0:1::', '::ffff:1'])('%s is one', (text) => {
    expect(parseInterfaceId(text)).toBe(parseIpAddress(text)?.text);
  });

  it.each(['', '::', '0', '10', '::/64', '1::', '2001:db8::1', 'fe80::1', '192.0.2.1', '::1%eth0'])(
    '%j is none',
    (text) => {
      expect(parseInterfaceId(text)).toBeUndefined();
    },
  );

  it.each(['', '00:11:22:33:44', '00:11:22:33:44:5', '00:11:22:33:44:gg', '00:11-22:33:44:55', '001122334455', '::1'])(
    '%j is not a MAC address',
    (text) => {
      expect(parseMac(text)).toBeUndefined();
    },
  );
});

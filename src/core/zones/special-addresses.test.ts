// The list of special-purpose addresses: the edges of each block, and that `isPrivate` on texts is what the list says.
import { describe, expect, it } from 'vitest';
import { addressOctets, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { blockOf, isInBlock, isPrivate } from './special-addresses.ts';

const useOf = (text: string) => blockOf(addressOctets(parseIpAddress(text)!))?.use ?? 'global';

describe('private addresses', () => {
  it.each([
    ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
    ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
    ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
    ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
    ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fbff:ffff::', 'fe00::'],
  ])('%s to %s, and neither %s nor %s', (first, last, before, after) => {
    expect([first, last, before, after].map(isPrivate)).toEqual([true, true, false, false]);
  });

  it('isPrivate of a text is what the list says, for every first half of an IPv4 address and first group of IPv6', () => {
    for (let high = 0; high < 0x1_0000; high++) {
      const ipv4 = `${high >> 8}.${high & 255}.2.1`;
      const ipv6 = parseIpAddress(`${high.toString(16)}:0:0:1::1`)!.text;
      for (const text of [ipv4, ipv6]) {
        if (isPrivate(text) !== (useOf(text) === 'private')) expect.unreachable(text);
      }
    }
  });
});

it.each([
  ['10.0.0.0/8', true],
  ['10.1.0.0/16', true],
  ['0.0.0.0/0', false],
  ['8.0.0.0/6', false],
  ['fd00::/8', true],
  ['fc00::/6', false],
  ['2001:db8::/32', false],
  ['::/2', false],
  ['4000::/3', false],
])('the whole prefix %s is in a block: %s', (text, expected) => {
  expect(isInBlock(parseIpPrefix(text)!)).toBe(expected);
});

// The address policy: built-in refusals, the longest prefix, and who wins when two are as long.
import { describe, expect, it } from 'vitest';
import { type IpAddress, type IpPrefix, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { AppError } from '../errors.ts';
import { type AddressPolicy, checkAddress } from './address-policy.ts';

const prefixes = (texts: readonly string[]): IpPrefix[] => texts.map((text) => parseIpPrefix(text)!);
const policy = (allow: string[] = [], deny: string[] = []): AddressPolicy => {
  return { allow: prefixes(allow), deny: prefixes(deny) };
};

/** Why an address is refused, or `published`. */
function verdict(rules: AddressPolicy, text: string): string {
  try {
    checkAddress([rules], parseIpAddress(text) as IpAddress);
    return 'published';
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'address-refused') throw error;
    expect(error.message).toContain(`'${text}'`);
    return error.message;
  }
}

describe('without rules', () => {
  it.each([
    ['127.0.0.1', /loopback/],
    ['127.255.255.255', /loopback/],
    ['0.0.0.0', /unspecified/],
    ['169.254.1.1', /link-local/],
    ['224.0.0.1', /multicast/],
    ['239.255.255.255', /multicast/],
    ['255.255.255.255', /broadcast/],
    ['240.0.0.0', /reserved/],
    ['255.255.255.254', /reserved/],
    ['::', /unspecified/],
    ['::1', /loopback/],
    ['::2', /without a prefix/],
    ['::c000:201', /IPv4-compatible/],
    ['::1:0:1', /neither a global unicast/],
    ['::1a2b:3c4d:5e6f:7890', /neither a global unicast/],
    ['64:ff9b::c000:201', /NAT64/],
    ['64:ff9b:1::1', /neither a global unicast/],
    ['100::1', /discard/],
    ['100:0:0:1::1', /neither a global unicast/],
    ['1fff:ffff::1', /neither a global unicast/],
    ['4000::1', /neither a global unicast/],
    ['5f00::1', /neither a global unicast/],
    ['fbff::1', /neither a global unicast/],
    ['fe00::1', /neither a global unicast/],
    ['fe7f::1', /neither a global unicast/],
    ['fec0::1', /site-local/],
    ['feff:ffff::1', /site-local/],
    ['fe80::1', /link-local/],
    ['febf:ffff::1', /link-local/],
    ['ff02::1', /multicast/],
  ])('%s is refused', (text, why) => {
    expect(verdict(policy(), text)).toMatch(why);
  });

  it.each([
    '192.0.2.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '169.255.0.0',
    '223.255.255.255',
    '192.0.0.8',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '2000::1',
    '2001:db8::1',
    '2002:c000:201::1',
    '3fff:ffff::1',
    'fc00::1',
    'fd00::1',
    'fdff:ffff::1',
  ])('%s is published', (text) => {
    expect(verdict(policy(), text)).toBe('published');
  });
});

describe('with rules, the longest prefix decides', () => {
  it.each<[string, string[], string[], string, RegExp]>([
    ['deny alone', [], ['192.0.2.0/24'], '192.0.2.1', /rules/],
    ['deny is of no concern elsewhere', [], ['192.0.2.0/24'], '192.0.3.1', /published/],
    ['a longer allow within a deny', ['192.0.2.128/25'], ['192.0.2.0/24'], '192.0.2.129', /published/],
    ['a longer deny within an allow', ['192.0.2.0/24'], ['192.0.2.128/25'], '192.0.2.129', /rules/],
    ['deny and allow of one length', ['192.0.2.0/24'], ['192.0.2.0/24'], '192.0.2.1', /rules/],
    [
      'the longest of several, whatever their order',
      ['192.0.2.0/24', '192.0.2.7/32'],
      ['192.0.2.0/28'],
      '192.0.2.7',
      /published/,
    ],
    ['everything is denied', [], ['0.0.0.0/0'], '192.0.2.1', /rules/],
    ['everything but one network is denied', ['198.51.100.0/24'], ['0.0.0.0/0'], '198.51.100.9', /published/],
    ['one family is denied, the other is not', [], ['0.0.0.0/0'], '2001:db8::1', /published/],
    ['allow as long as a built-in', ['127.0.0.0/8'], [], '127.0.0.1', /published/],
    ['allow longer than a built-in', ['127.0.0.53/32'], [], '127.0.0.53', /published/],
    ['allow longer than a built-in, beside it', ['127.0.0.53/32'], [], '127.0.0.1', /loopback/],
    ['allow shorter than a built-in', ['0.0.0.0/0', '::/0'], [], '127.0.0.1', /loopback/],
    ['allow of a reserved network', ['240.0.0.0/4'], [], '241.0.0.1', /published/],
    ['allow of a network outside of 2000::/3', ['64:ff9b:1::/48'], [], '64:ff9b:1::1', /published/],
    ['allow of everything', ['::/0'], [], '4000::1', /published/],
    ['allow of everything leaves the named ones', ['::/0'], [], '100::1', /discard/],
    ['deny of a private network', [], ['10.0.0.0/8'], '10.0.0.1', /rules/],
    ['deny within an allowed built-in', ['fe80::/10'], ['fe80::/64'], 'fe80::1', /rules/],
    ['deny shorter than a built-in: the built-in says why', [], ['0.0.0.0/0'], '127.0.0.1', /loopback/],
  ])('%s', (_, allow, deny, text, expected) => {
    expect(verdict(policy(allow, deny), text)).toMatch(expected);
  });
});

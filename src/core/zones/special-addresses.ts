/**
 * Special-purpose addresses (RFC 6890 and the IANA registries; RFC 4291 §2.4): the one list behind the address policy, the
 * mark of private addresses, and the findings of `dyndns doctor`.
 *
 * Left out on purpose, because they are within global unicast space and refusing them helps no one: networks for documentation
 * and benchmarking, 192.0.0.0/24, 192.88.99.0/24, 6to4 and Teredo.
 */
import { type IpPrefix, parseIpPrefix, prefixContains } from '../../dns/address.ts';

export interface AddressBlock {
  readonly prefix: IpPrefix;
  /** The predicate of a sentence: an address in it is `what`. */
  readonly what: string;
  /** `private`: of use within one network, and published. `unusable`: not the address of a host that others can reach. */
  readonly use: 'private' | 'unusable';
}

const BLOCKS: readonly AddressBlock[] = (
  [
    ['0.0.0.0/8', 'an unspecified address', 'unusable'],
    ['10.0.0.0/8', 'private', 'private'], // RFC 1918 §3
    ['100.64.0.0/10', "behind a carrier's NAT", 'private'], // RFC 6598 §7
    ['127.0.0.0/8', 'a loopback address', 'unusable'],
    ['169.254.0.0/16', 'a link-local address', 'unusable'],
    ['172.16.0.0/12', 'private', 'private'],
    ['192.168.0.0/16', 'private', 'private'],
    ['224.0.0.0/4', 'a multicast address', 'unusable'],
    ['240.0.0.0/4', 'a reserved address', 'unusable'], // RFC 1112 §4
    ['255.255.255.255/32', 'the broadcast address', 'unusable'],
    ['::/96', 'an address without a prefix, or IPv4-compatible', 'unusable'], // RFC 4291 §2.5.5.1
    ['::/128', 'an unspecified address', 'unusable'],
    ['::1/128', 'a loopback address', 'unusable'],
    ['64:ff9b::/96', 'an address of a NAT64 translator', 'unusable'], // RFC 6052 §2.1
    ['100::/64', 'a discard-only address', 'unusable'], // RFC 6666
    ['fc00::/7', 'private', 'private'], // RFC 4193 §3.1
    ['fe80::/10', 'a link-local address', 'unusable'],
    ['fec0::/10', 'a site-local address', 'unusable'], // RFC 3879
    ['ff00::/8', 'a multicast address', 'unusable'],
  ] as const
).map(([text, what, use]) => ({ prefix: parseIpPrefix(text)!, what, use }));

const longestFirst = (blocks: readonly AddressBlock[]) => [...blocks].sort((a, b) => b.prefix.length - a.prefix.length);
const IPV4_BLOCKS = longestFirst(BLOCKS.filter(({ prefix }) => prefix.family === 4));
const IPV6_BLOCKS = longestFirst(BLOCKS.filter(({ prefix }) => prefix.family === 6));

/** Everything that is neither in a block above nor in 2000::/3, the only part of IPv6 that is assigned (RFC 4291 §2.4). */
const UNASSIGNED: AddressBlock = {
  prefix: parseIpPrefix('::/0')!,
  what: 'neither a global unicast (2000::/3) nor a unique local address (fc00::/7)',
  use: 'unusable',
};

/** The longest block with an address (4 or 16 octets); undefined: global unicast. */
export function blockOf(octets: Uint8Array): AddressBlock | undefined {
  if (octets.length === 4) return IPV4_BLOCKS.find(({ prefix }) => prefixContains(prefix, octets));
  if (octets[0]! >> 5 === 1) return undefined; // 2000::/3
  return IPV6_BLOCKS.find(({ prefix }) => prefixContains(prefix, octets)) ?? UNASSIGNED;
}

/** Whether a block of the list contains the whole prefix. */
export function isInBlock(prefix: IpPrefix): boolean {
  return BLOCKS.some((block) => prefix.length >= block.prefix.length && prefixContains(block.prefix, prefix.octets));
}

/**
 * Whether an address is private: of use within one network only (RFC 1918, RFC 6598, RFC 4193). Without parsing, because it
 * is called for every update.
 * @param text canonical
 */
export function isPrivate(text: string): boolean {
  switch (text.charCodeAt(0)) {
    case 0x31: // 1
      if (text.startsWith('10.') || text.startsWith('192.168.')) return true;
      if (text.startsWith('172.')) return isBetween(text, 16, 31);
      return text.startsWith('100.') && isBetween(text, 64, 127);
    case 0x66: // f
      return text.indexOf(':') === 4 && (text[1] === 'c' || text[1] === 'd');
    default:
      return false;
  }
}

/** Whether the second number of a dotted quad with three digits in front is in a range. */
function isBetween(text: string, least: number, most: number): boolean {
  const second = Number(text.slice(4, text.indexOf('.', 4)));
  return second >= least && second <= most;
}

/**
 * Which addresses may be published. The longest prefix decides, among the operator's and the built-in ones; of equal
 * prefixes the operator's deny comes first, then allow, then the built-in.
 */
import {
  addressOctets,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  unmapAddress,
} from '../../dns/address.ts';
import { AppError } from '../errors.ts';

export interface AddressPolicy {
  readonly allow: readonly IpPrefix[];
  readonly deny: readonly IpPrefix[];
}

/** Useless in a public or private zone, and dangerous in some (RFC 6890). */
const BUILT_IN: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'an unspecified address'],
  ['127.0.0.0/8', 'a loopback address'],
  ['169.254.0.0/16', 'a link-local address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['255.255.255.255/32', 'the broadcast address'],
  ['::/128', 'an unspecified address'],
  ['::1/128', 'a loopback address'],
  ['fe80::/10', 'a link-local address'],
  ['ff00::/8', 'a multicast address'],
];

const REFUSED = BUILT_IN.map(([text, what]) => ({ prefix: parseIpPrefix(text)!, what }));

const CARRIER_NAT = parseIpPrefix('100.64.0.0/10')!; // RFC 6598

/**
 * @param policies of zone and host: together they are one list of prefixes, whose order does not matter
 * @throws AppError address-refused, with the reason
 */
export function checkAddress(policies: readonly AddressPolicy[], address: IpAddress): void {
  const octets = addressOctets(unmapAddress(address));
  let allowed = -1;
  let denied = -1;
  for (const policy of policies) {
    allowed = longest(policy.allow, octets, allowed);
    denied = longest(policy.deny, octets, denied);
  }
  const builtIn = REFUSED.find(({ prefix }) => prefixContains(prefix, octets));
  if (denied >= 0 && denied >= allowed && denied >= (builtIn?.prefix.length ?? -1)) {
    throw new AppError('address-refused', `The address '${address.text}' is refused by this zone's rules.`);
  }
  if (builtIn !== undefined && builtIn.prefix.length > Math.max(allowed, denied)) {
    const { prefix, what } = builtIn;
    throw new AppError(
      'address-refused',
      `The address '${address.text}' is ${what} (${formatIpPrefix(prefix)}) and is not published.`,
    );
  }
}

/** The length of the longest prefix that has the address; `least` if none is longer. */
function longest(prefixes: readonly IpPrefix[], octets: Uint8Array, least: number): number {
  let length = least;
  for (const prefix of prefixes) {
    if (prefix.length > length && prefixContains(prefix, octets)) length = prefix.length;
  }
  return length;
}

/** True for the shared address space of carriers' NAT: published, but not reachable from outside. */
export function isCarrierNat(address: string): boolean {
  // Cheap test first: every address of the prefix begins with this, and few others do.
  const parsed = address.startsWith('100.') ? parseIpAddress(address) : undefined;
  return parsed !== undefined && prefixContains(CARRIER_NAT, addressOctets(parsed));
}

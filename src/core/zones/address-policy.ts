/**
 * Which addresses may be published. The longest prefix decides, among the operator's and the built-in ones; of equal
 * prefixes the operator's deny comes first, then allow, then the built-in.
 */
import {
  addressOctets,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  prefixContains,
  unmapAddress,
} from '../../dns/address.ts';
import { AppError } from '../errors.ts';
import { blockOf } from './special-addresses.ts';

export interface AddressPolicy {
  readonly allow: readonly IpPrefix[];
  readonly deny: readonly IpPrefix[];
}

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
  const block = blockOf(octets);
  const builtIn = block?.use === 'unusable' ? block : undefined;
  if (denied >= 0 && denied >= allowed && denied >= (builtIn?.prefix.length ?? -1)) {
    throw new AppError('address-refused', `The address '${address.text}' is refused by this zone's rules.`);
  }
  if (builtIn !== undefined && builtIn.prefix.length > Math.max(allowed, denied)) {
    const { prefix, what } = builtIn;
    throw new AppError(
      'address-refused',
      `The address '${address.text}' is ${what}${prefix.length === 0 ? '' : ` (${formatIpPrefix(prefix)})`} and is not published.`,
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

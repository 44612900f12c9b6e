/**
 * Sites behind one IPv6 prefix: the new address of a host and of each of its members when the prefix changes, and the prefix
 * that an address implies. Pure.
 */
import { type IpAddress, type IpPrefix, moveAddress, prefixOf } from '../../dns/address.ts';
import { addressInSubnet, interfaceIdOctets, interfaceIdOfMac } from '../../dns/interface-id.ts';
import type { DomainName } from '../../dns/name.ts';
import { isPrivate } from '../zones/special-addresses.ts';
import type { HostMember } from './host.ts';

/** A member and its new address. */
export interface MemberMove {
  readonly ownerName: DomainName;
  readonly address: IpAddress;
  /** Seconds. */
  readonly ttl: number;
}

/**
 * The address of a member below a prefix; undefined where its subnet does not fit: a subnet number that was chosen for a /56
 * means another network below a /60, or none.
 */
export function memberAddress(
  prefix: IpPrefix,
  { host, subnet }: Pick<HostMember, 'host' | 'subnet'>,
): IpAddress | undefined {
  const identifier = host.kind === 'mac' ? interfaceIdOfMac(host.text) : interfaceIdOctets(host.text);
  return addressInSubnet(prefix, subnet, identifier);
}

/** The host's own address below a prefix; the bits between both are zero. @param interfaceId canonical text */
export function ownAddress(prefix: IpPrefix, interfaceId: string): IpAddress {
  return moveAddress(prefix, { family: 6, text: interfaceId });
}

/**
 * The prefix of a site, from the addresses that its router or a host in it has published; undefined where they are in several
 * prefixes. Unique local addresses do not count beside global ones: a host usually has both.
 * @param addresses IPv6, not empty
 */
export function impliedPrefix(addresses: readonly IpAddress[], length: number): IpPrefix | undefined {
  const globals = addresses.filter(({ text }) => !isPrivate(text));
  const [first, ...others] = (globals.length > 0 ? globals : addresses).map((address) => prefixOf(address, length));
  const isSame = ({ octets }: IpPrefix) => first?.octets.every((octet, index) => octet === octets[index]);
  return others.every(isSame) ? first : undefined;
}

/**
 * Whether the client's address can be in another prefix than its LAN: a FRITZ!Box sends the address of the box
 * (`<ip6addr>`), which may be in a network of the provider. It sends the prefix of the LAN as `<ip6lanprefix>`.
 */
export function isOutsideOfLan(userAgent: string): boolean {
  return /^fritz!?box/i.test(userAgent);
}

/** Sites behind one IPv6 prefix: the new address of each member of a host when the prefix changes. Pure. */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { addressInSubnet, interfaceIdOctets, interfaceIdOfMac } from '../../dns/interface-id.ts';
import type { DomainName } from '../../dns/name.ts';
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

/** Whole sites behind one IPv6 prefix: where each member of a host goes when the prefix changes. Pure. */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { addressInSubnet, interfaceIdOctets, interfaceIdOfMac } from '../../dns/interface-id.ts';
import type { DomainName } from '../../dns/name.ts';
import type { HostMember } from './host.ts';

/** A member and where it goes. */
export interface MemberMove {
  readonly ownerName: DomainName;
  readonly address: IpAddress;
  /** Seconds, where the request gives none. */
  readonly ttl: number;
}

/**
 * The address of a member below a prefix; undefined where its subnet has no room there: a number that was made for a /56
 * means another network below a /60, or none.
 */
export function memberAddress(
  prefix: IpPrefix,
  { host, subnet }: Pick<HostMember, 'host' | 'subnet'>,
): IpAddress | undefined {
  const identifier = host.kind === 'mac' ? interfaceIdOfMac(host.text) : interfaceIdOctets(host.text);
  return addressInSubnet(prefix, subnet, identifier);
}

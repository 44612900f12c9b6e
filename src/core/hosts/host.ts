/** The operator's settings for a single host, beyond the rules of its zone. A host without settings needs no entry. */
import type { DomainName } from '../../dns/name.ts';
import type { HostShare } from '../users/user.ts';
import type { AddressPolicy } from '../zones/address-policy.ts';

/** A host behind the same IPv6 prefix, in the same zone: it moves with the host that it is a member of. */
export interface HostMember {
  readonly ownerName: DomainName;
  /** Its half of the address: given (`::10`), or made from a MAC address (RFC 4291 appendix A). */
  readonly host:
    | { readonly kind: 'interface-id'; readonly text: string }
    | { readonly kind: 'mac'; readonly text: string };
  /** The number of its subnet below the prefix. */
  readonly subnet: number;
}

export interface HostSettings {
  readonly ownerName: DomainName;
  /** Seconds; absent: the zone's. */
  readonly ttl?: number;
  /** False: updates are refused with host-disabled. */
  readonly enabled: boolean;
  /** Applied together with the zone's policy: the longest prefix of either decides. Empty: none of its own. */
  readonly addresses: AddressPolicy;
  /** The host is silent after this time without an update; absent: never. */
  readonly silentAfterSeconds?: number;
  /** Its addresses are removed after this time without an update; absent: never. */
  readonly leaseSeconds?: number;
  /** Addresses to publish instead, canonical texts. */
  readonly fallback: readonly string[];
  /**
   * Canonical text of parseInterfaceId: what its own address has behind a prefix that a request brings. Absent: what the
   * published address has there.
   */
  readonly interfaceId?: string;
  /**
   * 56 to 64: an IPv6 address without a prefix in the same request moves the members into the prefix of this length around
   * it. Absent: it moves none.
   */
  readonly prefixLength?: number;
  readonly members: readonly HostMember[];
  /** The id of the user who owns it; absent: the operator. */
  readonly ownerId?: string;
  /** Other users who may see or change it; absent: none. */
  readonly shares?: readonly HostShare[];
}

/** The settings of a host that has none. */
export function defaultHostSettings(ownerName: DomainName): HostSettings {
  return { ownerName, enabled: true, addresses: { allow: [], deny: [] }, fallback: [], members: [] };
}

/** Whether settings equal those of a host that has none. */
export function isDefault(settings: HostSettings): boolean {
  const { enabled, ttl, addresses, fallback, interfaceId, prefixLength, members, ownerId, shares = [] } = settings;
  const lists = [addresses.allow, addresses.deny, fallback, members, shares];
  const single = [ttl, interfaceId, prefixLength, ownerId];
  if (single.some((value) => value !== undefined) || isLimited(settings)) return false;
  return enabled && lists.every((list) => list.length === 0);
}

/** Whether the time that the host may be silent is limited. */
export function isLimited({ silentAfterSeconds, leaseSeconds }: HostSettings): boolean {
  return silentAfterSeconds !== undefined || leaseSeconds !== undefined;
}

export interface HostSettingsSource {
  /** Synchronous where the settings are cached; undefined: none. @throws AppError store-unreachable */
  find(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined>;
}

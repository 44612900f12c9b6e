/** The rules of settings of hosts that are stored: what the zone allows, and what a member may not set. */
import { formatIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { AppError, invalidField } from '../errors.ts';
import type { HostMember, HostSettings } from '../hosts/host.ts';
import { MAX_ADDRESSES } from '../zones/family.ts';
import { type AdminOptions, requireZone } from './admin-options.ts';

/** @throws InputError, AppError name-invalid (in no zone) */
export function checkSettings(
  options: Pick<AdminOptions, 'zones'>,
  { ownerName, ttl, addresses, leaseSeconds, fallback, members }: HostSettings,
): void {
  const zone = requireZone(options, ownerName);
  const { min = 0, max = Number.POSITIVE_INFINITY } = zone.ttl;
  if (ttl !== undefined && (ttl < min || ttl > max)) {
    const limit = ttl < min ? `less than ttl.min (${min})` : `more than ttl.max (${max})`;
    throw invalidField('/ttl', `The TTL ${ttl} is ${limit} of the zone '${zone.apex}'.`);
  }
  const allowed = new Set(addresses.allow.map(formatIpPrefix));
  const both = addresses.deny.map(formatIpPrefix).find((prefix) => allowed.has(prefix));
  if (both !== undefined) throw invalidField('/deny', `${both} cannot be allowed and denied at once.`);
  const isIpv6 = (text: string) => text.includes(':');
  if (
    fallback.filter(isIpv6).length > MAX_ADDRESSES ||
    fallback.filter((text) => !isIpv6(text)).length > MAX_ADDRESSES
  ) {
    const message = `A host has at most ${MAX_ADDRESSES} IPv4 and ${MAX_ADDRESSES} IPv6 addresses as fallback.`;
    throw invalidField('/fallback', message);
  }
  if (fallback.length > 0 && leaseSeconds === undefined) {
    throw invalidField('/fallback', 'A fallback needs a lease: it is published when the lease ends.');
  }
  for (const member of members) checkMember(options, ownerName, member);
}

/** @throws InputError, AppError name-invalid */
export function checkMember(options: Pick<AdminOptions, 'zones'>, ownerName: DomainName, member: HostMember): void {
  const isInZone = requireZone(options, ownerName) === requireZone(options, member.ownerName);
  if (isInZone && !ownerName.isWildcard) return;
  const message = `'${member.ownerName}' must be in the zone of its host '${ownerName}': they change in one step.`;
  throw invalidField('/members', message);
}

/** Sorted; of two with one name the later one. */
export function uniqueMembers(members: readonly HostMember[]): readonly HostMember[] {
  const byName = new Map(members.map((member) => [member.ownerName.key, member]));
  return [...byName.values()].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName));
}

/** Settings of the configuration file are changed only there. @throws AppError conflict */
export function refuseConfigured({ hosts }: Pick<AdminOptions, 'hosts'>, ownerName: DomainName): void {
  if (!hosts.some((settings) => settings.ownerName.equals(ownerName))) return;
  throw new AppError(
    'conflict',
    `The settings of '${ownerName}' are in the configuration file, which has precedence over the store. Change them there, and reload the configuration (SIGHUP).`,
  );
}

/** The same for every name that a member cannot take: what others have is not told. */
export function taken(ownerName: DomainName): AppError {
  return new AppError('conflict', `The name '${ownerName}' is taken.`);
}

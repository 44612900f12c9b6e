/**
 * The rules of `tokens` and `hosts`: duplicates, and the zones that the names are in.
 * Left out: tokens and hosts of the store. They are not known here, and may have the same names.
 */
import { unmapAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type { HostConfig, MemberConfig, TokenConfig } from '../config.ts';
import type { OptionPath } from '../options/options.ts';
import { formatOrigin } from '../problem.ts';
import { apexesOf, placedOptions, type ResolveContext, refuse, refuseBothLists, refuseOutsideZones } from '../rules.ts';
import type { Scope, Settings } from '../settings.ts';

/** The tokens without problems. Warns of each token that has expired or has a name outside of all zones. */
export function resolveTokens({ root, zones }: Settings, context: ResolveContext): TokenConfig[] {
  const names = new Map<string, Scope>();
  const hashes = new Map<string, Scope>();
  const apexes = apexesOf(zones);
  return root.items('tokens[]').flatMap((item) => {
    const { name, sha256, hosts, ...options } = placedOptions(item, 'tokens[]', context);
    const duplicate = (path: OptionPath, what: string) => (first: Scope) => {
      const place = `${first.label} (${formatOrigin(first.originOf(path))})`;
      refuse(context, item, path, `${what} is already used by ${place}.`);
    };
    claim(names, name, item, duplicate('tokens[].name', `the name '${name}'`));
    claim(hashes, sha256, item, duplicate('tokens[].sha256', 'this SHA-256'));
    if (name === undefined || sha256 === undefined || hosts === undefined) return [];
    const { expires } = options;
    if (expires !== undefined && Date.parse(`${expires}T00:00:00Z`) + DAY_MS <= context.nowMs) {
      context.warnings.push(`Token '${name}' expired on ${expires}.`);
    }
    if (options.maxUnusedDays !== undefined && !root.isMentioned('store')) {
      context.warnings.push(`Token '${name}' does not end when it is unused: max_unused_days needs \`store\`.`);
    }
    for (const pattern of hosts) {
      if (apexes === undefined || apexes.some((apex) => canBeIn(pattern, apex))) continue;
      context.warnings.push(`Token '${name}' is for '${pattern}', which is not in a zone of the file.`);
    }
    return { ...options, name, sha256, hosts };
  });
}

/** Of one family, at one name. */
const MAX_ADDRESSES = 8;

const DAY_MS = 86_400_000;

/** The settings of hosts without problems. */
export function resolveHosts({ root, zones }: Settings, context: ResolveContext): HostConfig[] {
  const seen = new Map<string, Scope>();
  const members = new Map<string, Scope>();
  const apexes = apexesOf(zones);
  return root.items('hosts[]').flatMap((item) => {
    const { ownerName, ...options } = placedOptions(item, 'hosts[]', context);
    refuseBothLists(item, 'hosts[]', options.addresses, context);
    if (ownerName === undefined) return [];
    claim(seen, ownerName.key, item, (first) => {
      const message = `the host '${ownerName}' is already ${first.label}; remove one of the two.`;
      refuse(context, item, 'hosts[].name', message);
    });
    refuseOutsideZones(item, 'hosts[].name', ownerName, apexes, context);
    refuseTtl(item, ownerName, zones, context);
    const silentAfterSeconds = item.get('hosts[].silent_after_seconds');
    const leaseSeconds = item.get('hosts[].lease_seconds');
    const ofHost = resolveMembers(item, ownerName, zones, members, context);
    if (options.prefixLength !== undefined && ofHost.length === 0) {
      context.warnings.push(`The prefix_length of '${ownerName}' has no effect: the host has no members.`);
    }
    return {
      ...options,
      ownerName,
      members: ofHost,
      ...(silentAfterSeconds > 0 && { silentAfterSeconds }),
      ...(leaseSeconds > 0 && { leaseSeconds }),
      fallback: fallbackOf(item, context),
    };
  });
}

/** @param taken members of all hosts */
function resolveMembers(
  host: Scope,
  hostName: DomainName,
  zones: readonly Scope[],
  taken: Map<string, Scope>,
  context: ResolveContext,
): MemberConfig[] {
  return host.items('hosts[].members[]').flatMap((item) => {
    const { ownerName, subnet } = placedOptions(item, 'hosts[].members[]', context);
    const interfaceId = item.get('hosts[].members[].interface_id');
    const mac = item.get('hosts[].members[].mac');
    const hasId = item.isMentioned('hosts[].members[].interface_id');
    if (!hasId && !item.isMentioned('hosts[].members[].mac')) {
      const message = 'is required, or mac: one of the two sets the address of the member below the prefix.';
      refuse(context, item, 'hosts[].members[].interface_id', message);
      return [];
    }
    if (ownerName === undefined) return [];
    claim(taken, ownerName.key, item, (first) => {
      const message = `'${ownerName}' is already a member: ${first.label}.`;
      refuse(context, item, 'hosts[].members[].name', message);
    });
    const zone = zoneOf(ownerName, zones);
    if (zone !== zoneOf(hostName, zones)) {
      const message = `'${ownerName}' is not in the zone of its host '${hostName}'.`;
      refuse(context, item, 'hosts[].members[].name', message);
    } else if (zone?.get('zones[].name')?.equals(ownerName) && zone.get('zones[].apex') === false) {
      const message = `'${ownerName}' is the zone's own name; set 'apex: true' in the zone to allow it.`;
      refuse(context, item, 'hosts[].members[].name', message);
    } else if (ownerName.isWildcard && zone?.get('zones[].wildcard') === false) {
      const message = `'${ownerName}' is a wildcard; set 'wildcard: true' in the zone to allow it.`;
      refuse(context, item, 'hosts[].members[].name', message);
    }
    if (interfaceId !== undefined) return { ownerName, host: { kind: 'interface-id', text: interfaceId }, subnet };
    return mac === undefined ? [] : { ownerName, host: { kind: 'mac', text: mac }, subnet };
  });
}

/** Records the first scope with a key, and reports each further one. */
function claim(owners: Map<string, Scope>, key: string | undefined, item: Scope, report: (first: Scope) => void): void {
  if (key === undefined) return;
  const first = owners.get(key);
  if (first === undefined) owners.set(key, item);
  else report(first);
}

/** True if the pattern covers a name in the zone: also for `*.example.com` and the zone `lab.example.com`. */
function canBeIn(pattern: DomainName, apex: DomainName): boolean {
  return pattern.isAtOrBelow(apex) || (pattern.isWildcard && apex.isAtOrBelow(pattern.parent()!));
}

function fallbackOf(item: Scope, context: ResolveContext): readonly string[] {
  const addresses = item.get('hosts[].fallback').map(unmapAddress);
  for (const family of [4, 6] as const) {
    const count = addresses.filter((address) => address.family === family).length;
    if (count <= MAX_ADDRESSES) continue;
    const message = `has ${count} IPv${family} addresses; at most ${MAX_ADDRESSES} of each family are allowed.`;
    refuse(context, item, 'hosts[].fallback', message);
  }
  if (addresses.length > 0 && !item.isMentioned('hosts[].lease_seconds')) {
    refuse(
      context,
      item,
      'hosts[].fallback',
      'needs hosts[].lease_seconds: the fallback is published when the lease expires.',
    );
  }
  return addresses.map(({ text }) => text);
}

/** The zone with the longest name at or above a name. */
function zoneOf(ownerName: DomainName, zones: readonly Scope[]): Scope | undefined {
  let zone: Scope | undefined;
  for (const each of zones) {
    const apex = each.get('zones[].name');
    const best = zone?.get('zones[].name')?.labelCount ?? -1;
    if (apex !== undefined && ownerName.isAtOrBelow(apex) && apex.labelCount > best) zone = each;
  }
  return zone;
}

/** Refuses a TTL outside of the zone's limits: every request would be refused. */
function refuseTtl(item: Scope, ownerName: DomainName, zones: readonly Scope[], context: ResolveContext): void {
  const ttl = item.get('hosts[].ttl');
  const zone = zoneOf(ownerName, zones);
  if (ttl === undefined || zone === undefined) return;
  const min = zone.get('zones[].ttl.min') ?? 0;
  const max = zone.get('zones[].ttl.max') ?? Number.POSITIVE_INFINITY;
  if (ttl >= min && ttl <= max) return;
  const limit = ttl < min ? `less than ttl.min (${min})` : `more than ttl.max (${max})`;
  refuse(context, item, 'hosts[].ttl', `${ttl} is ${limit} of the zone '${zone.get('zones[].name')}'.`);
}

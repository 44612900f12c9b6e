/**
 * The rules of `tokens` and `hosts`: what is required, what stands twice, and which zones the names lie in.
 * Left out: tokens and hosts of the store, which are not known here and may have the same names.
 */
import { unmapAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type { HostConfig, MemberConfig, TokenConfig } from '../config.ts';
import type { OptionPath } from '../options/options.ts';
import { formatOrigin } from '../problem.ts';
import { addressRules, type ResolveContext, refuse } from '../rules.ts';
import type { Scope, Settings } from '../settings.ts';

/** The tokens without problems; a warning for each one that has ended or has a name in no zone. */
export function resolveTokens({ root, zones }: Settings, context: ResolveContext): TokenConfig[] {
  const names = new Map<string, Scope>();
  const hashes = new Map<string, Scope>();
  const apexes = apexesOf(zones);
  return root.items('tokens[]').flatMap((item) => {
    requireOptions(item, REQUIRED_OF_TOKEN, context);
    const name = item.get('tokens[].name');
    const sha256 = item.get('tokens[].sha256');
    const hosts = item.get('tokens[].hosts');
    const expires = item.get('tokens[].expires');
    const sources = item.get('tokens[].sources');
    const twice = (path: OptionPath, what: string) => (first: Scope) =>
      refuse(context, item, path, `${what} is that of ${first.label} too (${formatOrigin(first.originOf(path))}).`);
    claim(names, name, item, twice('tokens[].name', `the name '${name}'`));
    claim(hashes, sha256, item, twice('tokens[].sha256', 'this SHA-256'));
    if (name === undefined || sha256 === undefined || hosts === undefined) return [];
    if (expires !== undefined && Date.parse(`${expires}T00:00:00Z`) + DAY_MS <= context.nowMs) {
      context.warnings.push(`The token '${name}' counts no more: ${expires} was its last day.`);
    }
    for (const pattern of hosts) {
      if (apexes === undefined || apexes.some((apex) => canBeIn(pattern, apex))) continue;
      context.warnings.push(`The token '${name}' is for '${pattern}', which is in no zone of the file.`);
    }
    return {
      name,
      sha256,
      hosts,
      types: item.get('tokens[].types'),
      addresses: item.get('tokens[].addresses'),
      ...(sources === undefined ? {} : { sources }),
      ...(expires === undefined ? {} : { expires }),
    };
  });
}

const DAY_MS = 86_400_000;

const REQUIRED_OF_TOKEN = [
  ['tokens[].name', 'what the log calls the token'],
  ['tokens[].sha256', 'the SHA-256 of the token, as `dyndns token create` prints it'],
  ['tokens[].hosts', 'the names that it may change'],
] as const;

const REQUIRED_OF_HOST = [['hosts[].name', 'the full name of the host']] as const;
const REQUIRED_OF_MEMBER = [['hosts[].members[].name', 'the full name of the member']] as const;

/** The settings of hosts without problems. */
export function resolveHosts({ root, zones }: Settings, context: ResolveContext): HostConfig[] {
  const seen = new Map<string, Scope>();
  const members = new Map<string, Scope>();
  const apexes = apexesOf(zones);
  return root.items('hosts[]').flatMap((item) => {
    requireOptions(item, REQUIRED_OF_HOST, context);
    const ownerName = item.get('hosts[].name');
    const ttl = item.get('hosts[].ttl');
    const addresses = addressRules(item, 'hosts[]', context);
    if (ownerName === undefined) return [];
    claim(seen, ownerName.key, item, (first) => {
      const message = `the host '${ownerName}' is already ${first.label}; each host is allowed once.`;
      refuse(context, item, 'hosts[].name', message);
    });
    if (apexes !== undefined && !apexes.some((apex) => ownerName.isAtOrBelow(apex))) {
      const known = apexes.map((apex) => `'${apex}'`).join(', ');
      const message = `'${ownerName}' is in no zone of the file; ${known === '' ? 'it has none' : `it has ${known}`}.`;
      refuse(context, item, 'hosts[].name', message);
    }
    refuseTtl(item, ownerName, zones, context);
    const silentAfterSeconds = item.get('hosts[].silent_after_seconds');
    const leaseSeconds = item.get('hosts[].lease_seconds');
    return {
      ownerName,
      ...(ttl === undefined ? {} : { ttl }),
      enabled: item.get('hosts[].enabled'),
      addresses,
      members: resolveMembers(item, ownerName, zones, members, context),
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
    requireOptions(item, REQUIRED_OF_MEMBER, context);
    const ownerName = item.get('hosts[].members[].name');
    const interfaceId = item.get('hosts[].members[].interface_id');
    const mac = item.get('hosts[].members[].mac');
    const hasId = item.isMentioned('hosts[].members[].interface_id');
    if (!hasId && !item.isMentioned('hosts[].members[].mac')) {
      const message = 'is required, or mac: what its address has behind the prefix.';
      refuse(context, item, 'hosts[].members[].interface_id', message);
      return [];
    }
    if (ownerName === undefined) return [];
    claim(taken, ownerName.key, item, (first) => {
      const message = `'${ownerName}' is a member already: ${first.label}.`;
      refuse(context, item, 'hosts[].members[].name', message);
    });
    const zone = zoneOf(ownerName, zones);
    if (zone !== zoneOf(hostName, zones)) {
      const message = `'${ownerName}' is not in the zone of its host '${hostName}'.`;
      refuse(context, item, 'hosts[].members[].name', message);
    } else if (zone?.get('zones[].name')?.equals(ownerName) && zone.get('zones[].apex') === false) {
      const message = `'${ownerName}' is the zone's own name; the option 'apex: true' of the zone allows it.`;
      refuse(context, item, 'hosts[].members[].name', message);
    } else if (ownerName.isWildcard && zone?.get('zones[].wildcard') === false) {
      const message = `'${ownerName}' is a wildcard; the option 'wildcard: true' of the zone allows it.`;
      refuse(context, item, 'hosts[].members[].name', message);
    }
    const subnet = item.get('hosts[].members[].subnet');
    if (interfaceId !== undefined) return { ownerName, host: { kind: 'interface-id', text: interfaceId }, subnet };
    return mac === undefined ? [] : { ownerName, host: { kind: 'mac', text: mac }, subnet };
  });
}

function requireOptions(
  item: Scope,
  required: readonly (readonly [path: string, what: string])[],
  context: ResolveContext,
): void {
  for (const [path, what] of required) {
    if (!item.isMentioned(path)) refuse(context, item, path, `is required: ${what}.`);
  }
}

/** Remembers who has a key first, and tells of it when somebody else wants it. */
function claim(owners: Map<string, Scope>, key: string | undefined, item: Scope, tell: (first: Scope) => void): void {
  if (key === undefined) return;
  const first = owners.get(key);
  if (first === undefined) owners.set(key, item);
  else tell(first);
}

/** Undefined where the name of a zone is wrong: what lies in it cannot be told then. */
function apexesOf(zones: readonly Scope[]): readonly DomainName[] | undefined {
  const apexes = zones.flatMap((zone) => zone.get('zones[].name') ?? []);
  return apexes.length === zones.length ? apexes : undefined;
}

/** True for `*.example.com` and the zone `lab.example.com` too. */
function canBeIn(pattern: DomainName, apex: DomainName): boolean {
  return pattern.isAtOrBelow(apex) || (pattern.isWildcard && apex.isAtOrBelow(pattern.parent()!));
}

function fallbackOf(item: Scope, context: ResolveContext): readonly string[] {
  const addresses = item.get('hosts[].fallback').map(unmapAddress);
  for (const family of [4, 6] as const) {
    if (addresses.filter((address) => address.family === family).length <= 1) continue;
    refuse(context, item, 'hosts[].fallback', `has several IPv${family} addresses; one of each family is allowed.`);
  }
  if (addresses.length > 0 && !item.isMentioned('hosts[].lease_seconds')) {
    refuse(context, item, 'hosts[].fallback', 'needs hosts[].lease_seconds, which says when it is published.');
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

/** A TTL that every request would be refused with. */
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

/** The rules of `zones`: each zone once, which primary it has, its key, and its TTLs. ./embedded.ts has those of embedded zones. */
import type { DomainName } from '../../dns/name.ts';
import type { RemotePrimary, TsigKeyConfig, TtlConfig, ZoneConfig } from '../config.ts';
import { OPTION_TREE, onlyOf, type PlacedValues } from '../options/options.ts';
import { formatOrigin } from '../problem.ts';
import { namesOfZone, placedOptions, type ResolveContext, refuse, refuseBothLists } from '../rules.ts';
import { primaryKind, type Scope, type Settings } from '../settings.ts';
import { refuseKeyClashes, resolveEmbedded } from './embedded.ts';

export function resolveZones({ root, zones }: Settings, context: ResolveContext): ZoneConfig[] {
  if (!root.isMentioned('zones[]')) {
    context.problems.push({ origin: root.origin, path: 'zones', message: 'must be a list with at least one zone.' });
  }
  const seen = new Map<string, Scope>();
  const resolved: { config: ZoneConfig; scope: Scope }[] = [];
  for (const zone of zones) {
    const apex = zone.get('zones[].name');
    const first = apex === undefined ? undefined : seen.get(apex.key);
    if (first !== undefined) {
      refuse(context, zone, 'zones[].name', `the zone '${apex}' is already ${first.label}; remove one of the two.`);
    }
    if (apex !== undefined && first === undefined) seen.set(apex.key, zone);
    const config = resolveZone(zone, apex, context);
    if (config !== undefined) resolved.push({ config, scope: zone });
  }
  refuseKeyClashes(resolved, context);
  return resolved.map(({ config }) => config);
}

/** Undefined only after a problem was reported. */
function resolveZone(zone: Scope, apex: DomainName | undefined, context: ResolveContext): ZoneConfig | undefined {
  const { primary: remote, ...options } = placedOptions(zone, 'zones[]', context);
  const kind = primaryKind(zone);
  if (kind === undefined) refuseNoPrimary(zone, apex, context);
  else refuseOptionsOf(kind === 'remote' ? 'embedded' : 'remote', zone, apex, context);
  const tsigKey = resolveTsigKey(zone, apex, context);
  refuseWrongTtls(zone, options.ttl, context);
  refuseBothLists(zone, 'zones[]', options.addresses, context);
  if (apex === undefined) return undefined;
  const primary =
    kind === 'embedded' ? resolveEmbedded(zone, apex, tsigKey, context) : remotePrimary(zone, remote, tsigKey);
  if (primary === undefined) return undefined;
  return { ...options, apex, primary, reserved: namesOfZone(zone, 'zones[].reserved', apex, context) };
}

function refuseNoPrimary(zone: Scope, apex: DomainName | undefined, context: ResolveContext): void {
  if (zone.isMentioned('zones[].nameserver') || zone.isMentionedAbove('nameserver')) return;
  const name = apex === undefined ? 'this zone' : `'${apex}'`;
  const message =
    `no primary is set for ${name}. Set its IPv4 or IPv6 address here, or for all zones at the top of the file; ` +
    "with 'embedded' dyndns serves the zone itself.";
  refuse(context, zone, 'zones[].nameserver', message);
}

/** Options for the other kind of primary would have no effect. */
function refuseOptionsOf(
  kind: 'remote' | 'embedded',
  zone: Scope,
  apex: DomainName | undefined,
  context: ResolveContext,
): void {
  const name = apex === undefined ? 'this zone' : `'${apex}'`;
  const host = zone.get('zones[].nameserver');
  for (const node of OPTION_TREE.children.get('zones')!.children.values()) {
    if (onlyOf(node) !== kind || !zone.isMentioned(node.path)) continue;
    const message =
      kind === 'remote'
        ? `is for zones with a remote primary, and ${name} is embedded.`
        : `is for embedded zones, and the primary of ${name} is ${host === undefined || host === 'embedded' ? 'another' : host.text} ` +
          `(${formatOrigin(zone.originOf('zones[].nameserver'))}); 'nameserver: embedded' makes dyndns the primary.`;
    refuse(context, zone, node.path, message);
  }
}

function remotePrimary(
  zone: Scope,
  options: PlacedValues<'zones[]'>['primary'],
  tsigKey: TsigKeyConfig | undefined,
): RemotePrimary | undefined {
  const host = zone.get('zones[].nameserver');
  if (host === undefined || host === 'embedded' || tsigKey === undefined) return undefined;
  return { kind: 'remote', host, ...options, tsigKey };
}

function resolveTsigKey(zone: Scope, apex: DomainName | undefined, context: ResolveContext): TsigKeyConfig | undefined {
  const short = zone.get('zones[].tsig_key');
  const secret = short ?? zone.get('zones[].tsig_key.secret');
  const isShort = short !== undefined;
  if (!zone.isMentioned('zones[].tsig_key')) {
    if (primaryKind(zone) !== 'embedded' && !zone.isMentioned('zones[].tsig_keys[]')) {
      const message = 'is required: the base64 secret that tsig-keygen prints, or {name: …, algorithm: …, secret: …}.';
      refuse(context, zone, 'zones[].tsig_key', message);
    }
  } else if (!isShort && !zone.isMentioned('zones[].tsig_key.secret') && zone.isMap('zones[].tsig_key')) {
    refuse(context, zone, 'zones[].tsig_key', 'the key secret is required: the base64 text that tsig-keygen prints.');
  }
  const algorithm = isShort ? 'hmac-sha512' : zone.get('zones[].tsig_key.algorithm');
  if (algorithm === 'hmac-md5') {
    context.warnings.push(
      `The key of the zone '${apex ?? zone.label}' uses hmac-md5, which is broken; use hmac-sha256 or stronger.`,
    );
  }
  const name = zone.get('zones[].tsig_key.name') ?? apex;
  return secret === undefined || name === undefined ? undefined : { name, algorithm, secret };
}

function refuseWrongTtls(zone: Scope, ttl: TtlConfig, context: ResolveContext): void {
  const ordered = (['min', 'default', 'max'] as const).filter((key) => ttl[key] !== undefined);
  for (const [index, key] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before !== undefined && ttl[before]! > ttl[key]!) {
      const message = `${ttl[key]} is less than ${before} (${ttl[before]}); min <= default <= max must hold.`;
      refuse(context, zone, `zones[].ttl.${key}`, message);
    }
  }
}

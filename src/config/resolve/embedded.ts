/**
 * The rules of an embedded zone: `ns`, `contact`, `dnssec`, `secondaries`, `records`, `tsig_keys`. Left out: the content of
 * `records`, which is parsed when the zone is loaded.
 */
import { formatIpPrefix } from '../../dns/address.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type {
  DnssecConfig,
  EmbeddedPrimary,
  SecondaryConfig,
  SoaConfig,
  StaticRecords,
  TransferPrefix,
  TsigKeyConfig,
  ZoneConfig,
  ZoneKeyConfig,
} from '../config.ts';
import { isPrefix } from '../kinds/endpoints.ts';
import { MAX_VALIDITY_DAYS } from '../options/embedded-zones.ts';
import { namesOfZone, placedOptions, type ResolveContext, refuse } from '../rules.ts';
import type { Scope } from '../settings.ts';

/**
 * The primary of an embedded zone.
 * @param singleKey the key of `tsig_key`; it permits everything
 * @returns undefined only after a problem was reported
 */
export function resolveEmbedded(
  zone: Scope,
  apex: DomainName,
  singleKey: TsigKeyConfig | undefined,
  context: ResolveContext,
): EmbeddedPrimary | undefined {
  const ns = resolveNs(zone, apex, context);
  const keys = resolveKeys(zone, apex, singleKey, context);
  const entries = resolveSecondaries(zone, keys, context);
  const secondaries = entries.filter((entry) => 'address' in entry);
  const prefixes = entries.filter((entry) => 'prefix' in entry);
  const contact = zone.get('zones[].contact') ?? defaultContact(zone, apex, context);
  const records = resolveRecords(zone);
  if (ns === undefined || contact === undefined) return undefined;
  const soa = resolveSoa(zone, context);
  const dnssec = resolveDnssec(zone, apex, soa, context);
  const nsTtl = zone.get('zones[].ns_ttl');
  return {
    kind: 'embedded',
    ns,
    nsTtl,
    contact,
    soa,
    ...(dnssec && { dnssec }),
    secondaries,
    ...(prefixes.length === 0 ? {} : { transferPrefixes: prefixes }),
    ...(records === undefined ? {} : { records }),
    keys,
  };
}

function resolveSoa(zone: Scope, context: ResolveContext): SoaConfig {
  const [refresh, retry] = [zone.get('zones[].soa.refresh'), zone.get('zones[].soa.retry')];
  const [expire, minimum] = [zone.get('zones[].soa.expire'), zone.get('zones[].soa.minimum')];
  if (expire <= refresh + retry) {
    const message = `${expire} is not more than refresh and retry together (${refresh + retry}): a secondary would stop serving the zone although this server answers.`;
    refuse(context, zone, 'zones[].soa.expire', message);
  }
  return { refresh, retry, expire, minimum, ttl: zone.get('zones[].soa.ttl') ?? minimum };
}

/** Signatures are renewed within a day after half of their validity has passed, if `soa.expire` demands it. */
const HALF_DAY_SECONDS = 43_200;
const RENEWAL_SECONDS = 86_400;

function resolveDnssec(
  zone: Scope,
  apex: DomainName,
  { expire }: SoaConfig,
  context: ResolveContext,
): DnssecConfig | undefined {
  if (zone.get('zones[].dnssec') !== true && !zone.isMap('zones[].dnssec')) return undefined;
  const validityDays = zone.get('zones[].dnssec.validity_days');
  warnOfShortValidity(apex, validityDays, expire, context);
  const algorithm = ALGORITHM_NUMBERS[zone.get('zones[].dnssec.algorithm')];
  return { algorithm, validityDays, chain: zone.get('zones[].dnssec.nsec3') ? 'nsec3' : 'nsec' };
}

function warnOfShortValidity(apex: DomainName, validityDays: number, expire: number, context: ResolveContext): void {
  const left = validityDays * HALF_DAY_SECONDS - RENEWAL_SECONDS;
  if (left >= expire) return;
  const enough = Math.ceil((expire + RENEWAL_SECONDS) / HALF_DAY_SECONDS);
  const raise =
    enough <= MAX_VALIDITY_DAYS ? `Raise dnssec.validity_days to ${enough}, or lower soa.expire` : 'Lower soa.expire';
  context.warnings.push(
    `The zone '${apex}': a secondary that is cut off serves it for ${expire} s (soa.expire), but a signature that is about to be ` +
      `renewed may be valid for ${left} s only. ${raise}.`,
  );
}

const ALGORITHM_NUMBERS = {
  ecdsap256sha256: DnssecAlgorithm.ECDSAP256SHA256,
  ed25519: DnssecAlgorithm.ED25519,
} as const;

function resolveNs(zone: Scope, apex: DomainName, context: ResolveContext): readonly DomainName[] | undefined {
  const ns = zone.get('zones[].ns');
  if (!zone.isMentioned('zones[].ns')) {
    const message = `is required in the embedded zone '${apex}': the names of its nameservers, like [ns1.example.com].`;
    refuse(context, zone, 'zones[].ns', message);
  }
  reportDuplicates(ns ?? [], (name) =>
    refuse(context, zone, 'zones[].ns', `'${name}' is listed twice; remove one of the two.`),
  );
  return ns;
}

function reportDuplicates(names: readonly DomainName[], report: (name: DomainName) => void): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.key)) report(name);
    seen.add(name.key);
  }
}

function defaultContact(zone: Scope, apex: DomainName, context: ResolveContext): DomainName | undefined {
  if (zone.isMentioned('zones[].contact')) return undefined;
  try {
    return apex.prepend('hostmaster');
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    refuse(
      context,
      zone,
      'zones[].contact',
      `is required: the default, hostmaster at '${apex}', is too long for a domain name.`,
    );
    return undefined;
  }
}

function resolveRecords(zone: Scope): StaticRecords | undefined {
  const text = zone.get('zones[].records');
  const origin = zone.originOfValue('zones[].records');
  if (text === undefined || origin?.kind !== 'file') return undefined;
  return { text, origin: { file: origin.file, line: origin.line } };
}

function resolveKeys(
  zone: Scope,
  apex: DomainName,
  singleKey: TsigKeyConfig | undefined,
  context: ResolveContext,
): ZoneKeyConfig[] {
  if (zone.isMentioned('zones[].tsig_key') && zone.isMentioned('zones[].tsig_keys[]')) {
    refuse(context, zone, 'zones[].tsig_keys[]', 'cannot be combined with tsig_key; use one of the two.');
  }
  const keys = singleKey === undefined ? [] : [{ ...singleKey, allow: { update: true, transfer: true } }];
  const listed = zone.items('zones[].tsig_keys[]').flatMap((item) => resolveKey(item, apex, context) ?? []);
  reportDuplicates(
    listed.map(({ name }) => name),
    (name) => refuse(context, zone, 'zones[].tsig_keys[]', `the key '${name}' is listed twice; remove one of the two.`),
  );
  return [...keys, ...listed];
}

function resolveKey(item: Scope, apex: DomainName, context: ResolveContext): ZoneKeyConfig | undefined {
  const { name, secret, ...options } = placedOptions(item, 'zones[].tsig_keys[]', context);
  const allow = item.get('zones[].tsig_keys[].allow');
  const hosts = namesOfZone(item, 'zones[].tsig_keys[].hosts', apex, context);
  if (name === undefined || secret === undefined) return undefined;
  warnOfMd5({ name, algorithm: options.algorithm, secret }, context);
  return {
    ...options,
    name,
    secret,
    allow: { update: allow.includes('update'), transfer: allow.includes('transfer') },
    ...(item.isMentioned('zones[].tsig_keys[].hosts') ? { hosts } : {}),
  };
}

function warnOfMd5({ name, algorithm }: TsigKeyConfig, context: ResolveContext): void {
  if (algorithm !== 'hmac-md5') return;
  context.warnings.push(`The key '${name}' uses hmac-md5, which is broken; use hmac-sha256 or stronger.`);
}

type SecondaryEntry = SecondaryConfig | TransferPrefix;

function resolveSecondaries(zone: Scope, keys: readonly ZoneKeyConfig[], context: ResolveContext): SecondaryEntry[] {
  const seen = new Set<string>();
  return zone.items('zones[].secondaries[]').flatMap((item): SecondaryEntry | [] => {
    const place = item.get('zones[].secondaries[]') ?? item.get('zones[].secondaries[].address');
    const options = placedOptions(item, 'zones[].secondaries[]', context);
    const { keyName } = options;
    if (item.isMap('zones[].secondaries[]') && !item.isMentioned('zones[].secondaries[].address')) {
      const message = 'is required: the IP address of the secondary, or a prefix.';
      refuse(context, item, 'zones[].secondaries[].address', message);
    }
    checkSecondaryKey(item, keyName, keys, context);
    if (place === undefined) return [];
    const text = isPrefix(place) ? formatIpPrefix(place) : formatEndpoint(place);
    if (seen.has(text))
      refuse(context, item, 'zones[].secondaries[]', `'${text}' is listed twice; remove one of the two.`);
    seen.add(text);
    if (!isPrefix(place)) return { ...options, address: place };
    refuseOfPrefix(item, text, context);
    return { prefix: place, ...(keyName && { keyName }) };
  });
}

function checkSecondaryKey(
  item: Scope,
  keyName: DomainName | undefined,
  keys: readonly ZoneKeyConfig[],
  context: ResolveContext,
): void {
  if (keyName === undefined) return;
  const key = keys.find(({ name }) => keyName.equals(name));
  if (key === undefined) {
    const listed = keys.length === 0 ? 'it has none' : `it has ${keys.map(({ name }) => `'${name}'`).join(', ')}`;
    refuse(context, item, 'zones[].secondaries[].key', `the zone has no key '${keyName}'; ${listed}.`);
  } else if (!key.allow.transfer) {
    const message = `the key '${keyName}' may not transfer the zone; add transfer to its 'allow'.`;
    refuse(context, item, 'zones[].secondaries[].key', message);
  }
}

/** A prefix names no server that could be notified or asked. */
function refuseOfPrefix(item: Scope, text: string, context: ResolveContext): void {
  for (const [path, action] of [
    ['zones[].secondaries[].notify', 'notified'],
    ['zones[].secondaries[].poll', 'asked'],
  ] as const) {
    if (!item.isMentioned(path) || item.get(path) !== true) continue;
    const message = `the prefix '${text}' only permits transfers; list the address of each secondary that is to be ${action}.`;
    refuse(context, item, path, message);
  }
}

/** A signed message contains the name of its key alone: one name must mean one secret in all zones together. */
export function refuseKeyClashes(
  zones: readonly { readonly config: ZoneConfig; readonly scope: Scope }[],
  context: ResolveContext,
): void {
  const seen = new Map<string, { readonly key: ZoneKeyConfig; readonly label: string }>();
  for (const { config, scope } of zones) {
    for (const key of config.primary.kind === 'embedded' ? config.primary.keys : []) {
      const first = seen.get(key.name.key);
      if (first === undefined) seen.set(key.name.key, { key, label: scope.label });
      else if (first.label !== scope.label && !isSameKey(first.key, key)) {
        const path = scope.isMentioned('zones[].tsig_key') ? 'zones[].tsig_key' : 'zones[].tsig_keys[]';
        const message = `the key '${key.name}' is in ${first.label} too, with another algorithm or secret; rename one of the two.`;
        refuse(context, scope, path, message);
      }
    }
  }
}

function isSameKey(a: TsigKeyConfig, b: TsigKeyConfig): boolean {
  if (a.secret.unread !== undefined || b.secret.unread !== undefined) return true;
  return a.algorithm === b.algorithm && Buffer.compare(a.secret.reveal(), b.secret.reveal()) === 0;
}

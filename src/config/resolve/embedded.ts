/**
 * The rules of embedded zones and of what the server keeps on disk: `dns`, `store`, `control`, and in a zone `ns`,
 * `contact`, `secondaries`, `records`, `tsig_keys`. Left out: what is inside `records`; that is looked at when the zone
 * is loaded.
 */
import { dirname, join } from 'node:path';
import { type DomainName, NameError } from '../../dns/name.ts';
import {
  type DnsConfig,
  type EmbeddedPrimary,
  formatDnsEndpoint,
  type SecondaryConfig,
  type StaticRecords,
  type StoreConfig,
  type TsigKeyConfig,
  type ZoneConfig,
  type ZoneKeyConfig,
} from '../config.ts';
import { MAX_SOCKET_PATH_OCTETS } from '../kinds/kinds.ts';
import { ROWS } from '../options/options.ts';
import { absolutePath, makeAbsolute, namesOfZone, type ResolveContext, refuse } from '../rules.ts';
import { primaryKind, type Scope, type Settings } from '../settings.ts';

const ZONES_FILE = 'zones.db';
const CONTROL_FILE = 'control.sock';

export interface StateConfig {
  readonly dns?: DnsConfig;
  readonly store?: StoreConfig;
  readonly control?: string;
}

/** What the server keeps on disk and where it serves DNS. */
export function resolveState({ root, zones }: Settings, context: ResolveContext): StateConfig {
  const embedded = zones.filter((zone) => primaryKind(zone) === 'embedded');
  const store = resolveStore(root, context);
  const storeFile = store?.kind === 'sqlite' ? store.path : undefined;
  const named = absolutePath(root, 'dns.database', context);
  const database = named ?? (storeFile === undefined ? undefined : join(dirname(storeFile), ZONES_FILE));
  const control = resolveControl(root, storeFile ?? (embedded.length > 0 ? database : undefined), context);
  if (storeFile !== undefined && storeFile === database) {
    refuse(context, root, 'dns.database', 'must not be the file of `store`.');
  }
  if (embedded.length === 0) warnOfUnused(root, context);
  else if (
    database === undefined &&
    !root.isMentioned('dns.database') &&
    (store !== undefined || !root.isMentioned('store'))
  ) {
    const message =
      store === undefined
        ? 'an embedded zone needs a file for its data: `store: sqlite:PATH` or `dns: {database: PATH}`.'
        : 'an embedded zone needs a file for its data beside PostgreSQL: `dns: {database: PATH}`.';
    context.problems.push({ origin: embedded[0]!.origin, path: embedded[0]!.label, message });
  }
  return {
    ...(embedded.length === 0 || database === undefined ? {} : { dns: resolveDns(root, database, context) }),
    ...(store === undefined ? {} : { store }),
    ...(control === undefined ? {} : { control }),
  };
}

function resolveStore(root: Scope, context: ResolveContext): StoreConfig | undefined {
  const store = root.get('store');
  if (store?.kind !== 'sqlite') return store;
  const path = makeAbsolute(store.path, root, 'store', context);
  return path === undefined ? undefined : { kind: 'sqlite', path };
}

function resolveDns(root: Scope, database: string, context: ResolveContext): DnsConfig {
  const listen = root.get('dns.listen');
  const texts = listen.map(formatDnsEndpoint);
  for (const [index, text] of texts.entries()) {
    if (texts.indexOf(text) === index || text.endsWith(':0')) continue;
    refuse(context, root, 'dns.listen', `'${text}' stands twice; each address is allowed once.`);
  }
  const nsid = root.get('dns.nsid');
  const chaosVersion = root.get('dns.chaos_version');
  return {
    listen,
    listenIsDefault: !root.isSet('dns.listen'),
    database,
    rateLimit: {
      responsesPerSecond: root.get('dns.rate_limit.responses_per_second'),
      slip: root.get('dns.rate_limit.slip'),
      exempt: root.get('dns.rate_limit.exempt'),
    },
    ...(nsid === undefined ? {} : { nsid }),
    ...(chaosVersion === undefined ? {} : { chaosVersion }),
  };
}

/** @param beside the file that the default lies beside */
function resolveControl(root: Scope, beside: string | undefined, context: ResolveContext): string | undefined {
  const named = absolutePath(root, 'control', context);
  const path = named ?? (beside === undefined ? undefined : join(dirname(beside), CONTROL_FILE));
  if (path === undefined || Buffer.byteLength(path) <= MAX_SOCKET_PATH_OCTETS) return path;
  const limit = `the path of a unix socket must have at most ${MAX_SOCKET_PATH_OCTETS} octets`;
  if (named !== undefined) refuse(context, root, 'control', `${limit}.`);
  else
    context.warnings.push(`There is no control socket beside ${beside}: ${limit}. 'control' can name a shorter one.`);
  return undefined;
}

function warnOfUnused(root: Scope, context: ResolveContext): void {
  if ([...ROWS.keys()].some((path) => path.startsWith('dns.') && root.isMentioned(path))) {
    context.warnings.push("The options of 'dns' have no effect: no zone is embedded.");
  }
}

/**
 * The primary of an embedded zone.
 * @param singleKey what `tsig_key` says; it may do everything
 * @returns undefined only where a problem was reported, now or before
 */
export function resolveEmbedded(
  zone: Scope,
  apex: DomainName,
  singleKey: TsigKeyConfig | undefined,
  context: ResolveContext,
): EmbeddedPrimary | undefined {
  const ns = resolveNs(zone, apex, context);
  const keys = resolveKeys(zone, apex, singleKey, context);
  const secondaries = resolveSecondaries(zone, keys, context);
  const contact = zone.get('zones[].contact') ?? defaultContact(zone, apex, context);
  const records = resolveRecords(zone);
  if (ns === undefined || contact === undefined) return undefined;
  return { kind: 'embedded', ns, contact, secondaries, ...(records === undefined ? {} : { records }), keys };
}

function resolveNs(zone: Scope, apex: DomainName, context: ResolveContext): readonly DomainName[] | undefined {
  const ns = zone.get('zones[].ns');
  if (!zone.isMentioned('zones[].ns')) {
    const message = `is required: the names of the nameservers of the embedded zone '${apex}', like [ns1.example.com].`;
    refuse(context, zone, 'zones[].ns', message);
  }
  refuseTwice(ns ?? [], (name) => refuse(context, zone, 'zones[].ns', `'${name}' stands twice.`));
  return ns;
}

function refuseTwice(names: readonly DomainName[], tell: (name: DomainName) => void): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.key)) tell(name);
    seen.add(name.key);
  }
}

function defaultContact(zone: Scope, apex: DomainName, context: ResolveContext): DomainName | undefined {
  if (zone.isMentioned('zones[].contact')) return undefined;
  try {
    return apex.prepend('hostmaster');
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    refuse(context, zone, 'zones[].contact', `is required: hostmaster at '${apex}' is too long for a name.`);
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
    refuse(context, zone, 'zones[].tsig_keys[]', 'stands beside tsig_key; only one of the two is allowed.');
  }
  const keys = singleKey === undefined ? [] : [{ ...singleKey, allow: { update: true, transfer: true } }];
  const listed = zone.items('zones[].tsig_keys[]').flatMap((item) => resolveKey(item, apex, context) ?? []);
  refuseTwice(
    listed.map(({ name }) => name),
    (name) => refuse(context, zone, 'zones[].tsig_keys[]', `the key '${name}' stands twice.`),
  );
  return [...keys, ...listed];
}

function resolveKey(item: Scope, apex: DomainName, context: ResolveContext): ZoneKeyConfig | undefined {
  for (const [path, what] of [
    ['zones[].tsig_keys[].name', 'the name of the key'],
    ['zones[].tsig_keys[].secret', 'the base64 text that tsig-keygen prints'],
  ] as const) {
    if (!item.isMentioned(path)) refuse(context, item, path, `is required: ${what}.`);
  }
  const name = item.get('zones[].tsig_keys[].name');
  const secret = item.get('zones[].tsig_keys[].secret');
  const algorithm = item.get('zones[].tsig_keys[].algorithm');
  const allow = item.get('zones[].tsig_keys[].allow');
  const hosts = namesOfZone(item, 'zones[].tsig_keys[].hosts', apex, context);
  const types = item.get('zones[].tsig_keys[].types');
  if (name === undefined || secret === undefined) return undefined;
  warnOfMd5({ name, algorithm, secret }, context);
  return {
    name,
    algorithm,
    secret,
    allow: { update: allow.includes('update'), transfer: allow.includes('transfer') },
    ...(item.isMentioned('zones[].tsig_keys[].hosts') ? { hosts } : {}),
    ...(types === undefined ? {} : { types }),
  };
}

function warnOfMd5({ name, algorithm }: TsigKeyConfig, context: ResolveContext): void {
  if (algorithm !== 'hmac-md5') return;
  context.warnings.push(`The key '${name}' uses hmac-md5, which is broken; use hmac-sha256 or stronger.`);
}

function resolveSecondaries(zone: Scope, keys: readonly ZoneKeyConfig[], context: ResolveContext): SecondaryConfig[] {
  const seen = new Set<string>();
  return zone.items('zones[].secondaries[]').flatMap((item) => {
    const address = item.get('zones[].secondaries[]') ?? item.get('zones[].secondaries[].address');
    const keyName = item.get('zones[].secondaries[].key');
    if (item.isMap('zones[].secondaries[]') && !item.isMentioned('zones[].secondaries[].address')) {
      refuse(context, item, 'zones[].secondaries[].address', 'is required: the IP address of the secondary.');
    }
    const key = keys.find(({ name }) => keyName?.equals(name));
    if (keyName !== undefined && key === undefined) {
      const known = keys.length === 0 ? 'it has none' : `it has ${keys.map(({ name }) => `'${name}'`).join(', ')}`;
      refuse(context, item, 'zones[].secondaries[].key', `the zone has no key '${keyName}'; ${known}.`);
    } else if (key?.allow.transfer === false) {
      const message = `the key '${keyName}' may not transfer the zone; its 'allow' must have transfer.`;
      refuse(context, item, 'zones[].secondaries[].key', message);
    }
    if (address === undefined) return [];
    const text = formatDnsEndpoint(address);
    if (seen.has(text)) refuse(context, item, 'zones[].secondaries[]', `'${text}' stands twice.`);
    seen.add(text);
    const notify = item.get('zones[].secondaries[].notify');
    return { address, ...(keyName === undefined ? {} : { keyName }), notify };
  });
}

/** A message names its key and nothing else, so that one name can stand for one secret only, in all zones together. */
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
        const message = `the key '${key.name}' is in ${first.label} too, with another algorithm or secret.`;
        refuse(context, scope, path, message);
      }
    }
  }
}

function isSameKey(a: TsigKeyConfig, b: TsigKeyConfig): boolean {
  return a.algorithm === b.algorithm && Buffer.compare(a.secret.reveal(), b.secret.reveal()) === 0;
}

/**
 * From the settings to the finished Config: the rules that concern more than one option, and what a zone takes from the
 * file. Adds its problems to those found before; a path that was already refused gives no second problem.
 */
import { formatIpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type {
  Config,
  HttpConfig,
  RemotePrimary,
  TcpAddress,
  TlsFiles,
  TsigKeyConfig,
  TtlConfig,
  ZoneConfig,
} from '../config.ts';
import { formatListenAddress } from '../config.ts';
import { OPTION_TREE, onlyOf } from '../options/options.ts';
import { formatOrigin } from '../problem.ts';
import { absolutePath, addressRules, namesOfZone, type ResolveContext, refuse } from '../rules.ts';
import { primaryKind, type Scope, type Settings } from '../settings.ts';
import { acmeMention, resolveAcme } from './acme.ts';
import { resolveAcmeDns } from './acme-dns.ts';
import { resolveHosts, resolveTokens } from './clients.ts';
import { refuseKeyClashes, resolveEmbedded, resolveState } from './embedded.ts';
import { resolveWebhooks, warnOfSilence } from './webhooks.ts';

/** The configuration, or undefined when there are problems. */
export function resolveConfig(settings: Settings, context: ResolveContext): Config | undefined {
  const { root } = settings;
  const http = resolveHttp(root, context);
  const zones = resolveZones(settings, context);
  const state = resolveState(settings, context);
  const acme = resolveAcme(root, zones, state, context);
  const metrics = resolveMetrics(root, http, context);
  const tokens = resolveTokens(settings, context);
  const hosts = resolveHosts(settings, context);
  const acmeDns = resolveAcmeDns(settings, context);
  const webhooks = resolveWebhooks(settings, context);
  warnOfSilence(hosts, root, state.store !== undefined, context);
  const secret = root.get('secret');
  if (secret === undefined && tokens.length === 0 && state.store === undefined) {
    context.warnings.push('There is no `secret`, no `tokens` and no `store`: nobody can change anything over HTTP.');
  }
  if (context.problems.length > 0) return undefined;
  return {
    file: settings.file,
    ...(secret === undefined ? {} : { secret }),
    zones,
    nameserverTimeoutSeconds: root.get('nameserver_timeout_seconds'),
    logLevel: root.get('log_level'),
    unspecifiedFamily: root.get('unspecified_family'),
    check: root.get('check'),
    http: acme === undefined ? http : { ...http, acme },
    ...state,
    ...(metrics === undefined ? {} : { metrics: { listen: metrics } }),
    historyDays: root.get('history_days'),
    reconcile: root.get('reconcile'),
    limits: {
      changesPerMinutePerToken: root.get('limits.changes_per_minute_per_token'),
      refusedPerMinutePerSource: root.get('limits.refused_per_minute_per_source'),
    },
    protocols: {
      duckdns: root.get('protocols.duckdns'),
      dynv6: root.get('protocols.dynv6'),
      noip: root.get('protocols.noip'),
      freedns: root.get('protocols.freedns'),
      acme_dns: root.get('protocols.acme_dns'),
      httpreq: root.get('protocols.httpreq'),
      freemyip: root.get('protocols.freemyip'),
    },
    ...(acmeDns === undefined ? {} : { acmeDns }),
    tokens,
    hosts,
    webhooks,
    warnings: context.warnings,
  };
}

function resolveHttp(root: Scope, context: ResolveContext): HttpConfig {
  const listen = root.get('http.listen');
  const trustedProxies = root.get('http.trusted_proxies');
  const lenient = root.get('http.lenient');
  const seen = new Set<string>();
  for (const address of listen) {
    const text = formatListenAddress({ ...address, tls: false } as typeof address);
    if (seen.has(text) && !text.endsWith(':0')) {
      refuse(context, root, 'http.listen', `'${text}' stands twice; each address is allowed once.`);
    }
    seen.add(text);
  }
  // The peer of a unix socket is a proxy too, and always trusted.
  const proxy = listen.some((address) => address.kind === 'unix')
    ? 'a unix socket in http.listen'
    : 'http.trusted_proxies';
  if (lenient && (trustedProxies.length > 0 || proxy !== 'http.trusted_proxies')) {
    const message = `must not be true together with ${proxy}: a proxy and a lenient server disagree on where a request ends.`;
    refuse(context, root, 'http.lenient', message);
  }
  for (const prefix of trustedProxies) {
    if (prefix.length > 0) continue;
    const text = formatIpPrefix(prefix);
    context.warnings.push(`http.trusted_proxies has ${text}: every client can claim any address as its own.`);
  }
  const tls = resolveTls(root, context);
  const wantsTls = listen.some((address) => address.kind === 'tcp' && address.tls);
  const files = ['http.tls.certificate', 'http.tls.key'].find((path) => root.isMentioned(path));
  const acme = acmeMention(root);
  if (wantsTls && files === undefined && acme === undefined) {
    const message = 'an https:// entry needs http.tls with certificate and key, or with acme.';
    refuse(context, root, 'http.listen', message);
  } else if (!wantsTls && (files ?? acme) !== undefined) {
    refuse(context, root, (files ?? acme)!, 'TLS is configured, but no entry of http.listen begins with https://.');
  } else if (files !== undefined && acme !== undefined) {
    refuse(context, root, acme, `stands beside ${files}; the certificate is either yours or the server's own.`);
  }
  return {
    listen,
    socketMode: root.get('http.socket_mode'),
    trustedProxies,
    clientAddressHeader: root.get('http.client_address_header'),
    ...(tls === undefined ? {} : { tls }),
    lenient,
  };
}

function resolveMetrics(root: Scope, http: HttpConfig, context: ResolveContext): TcpAddress | undefined {
  const listen = root.get('metrics.listen');
  const text = listen === undefined ? '' : formatListenAddress(listen);
  const taken = http.listen.some((address) => formatListenAddress(address).replace('https://', '') === text);
  if (taken && !text.endsWith(':0')) refuse(context, root, 'metrics.listen', `'${text}' is in http.listen too.`);
  return listen;
}

function resolveTls(root: Scope, context: ResolveContext): TlsFiles | undefined {
  const certificate = absolutePath(root, 'http.tls.certificate', context);
  const key = absolutePath(root, 'http.tls.key', context);
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  for (const [missing, other] of [
    ['http.tls.key', 'http.tls.certificate'],
    ['http.tls.certificate', 'http.tls.key'],
  ] as const) {
    if (!root.isMentioned(missing) && root.isMentioned(other)) {
      refuse(context, root, other, `needs ${missing} too.`);
    }
  }
  return undefined;
}

function resolveZones({ root, zones }: Settings, context: ResolveContext): ZoneConfig[] {
  if (!root.isMentioned('zones[]')) {
    context.problems.push({ origin: root.origin, path: 'zones', message: 'must be a list with at least one zone.' });
  }
  const seen = new Map<string, Scope>();
  const resolved: { config: ZoneConfig; scope: Scope }[] = [];
  for (const zone of zones) {
    const apex = zone.get('zones[].name');
    const first = apex === undefined ? undefined : seen.get(apex.key);
    if (!zone.isMentioned('zones[].name')) refuse(context, zone, 'zones[].name', 'is required: a domain name.');
    if (first !== undefined) {
      refuse(context, zone, 'zones[].name', `the zone '${apex}' is already ${first.label}; each zone is allowed once.`);
    }
    if (apex !== undefined && first === undefined) seen.set(apex.key, zone);
    const config = resolveZone(zone, apex, context);
    if (config !== undefined) resolved.push({ config, scope: zone });
  }
  refuseKeyClashes(resolved, context);
  return resolved.map(({ config }) => config);
}

/** Undefined only where a problem was reported, now or before. */
function resolveZone(zone: Scope, apex: DomainName | undefined, context: ResolveContext): ZoneConfig | undefined {
  const kind = primaryKind(zone);
  if (kind === undefined) askForPrimary(zone, apex, context);
  else refuseOptionsOf(kind === 'remote' ? 'embedded' : 'remote', zone, apex, context);
  const tsigKey = resolveTsigKey(zone, apex, context);
  const ttl = resolveTtl(zone, context);
  const addresses = addressRules(zone, 'zones[]', context);
  if (apex === undefined) return undefined;
  const primary = kind === 'embedded' ? resolveEmbedded(zone, apex, tsigKey, context) : remotePrimary(zone, tsigKey);
  if (primary === undefined) return undefined;
  return {
    apex,
    primary,
    ttl,
    apexAllowed: zone.get('zones[].apex'),
    wildcardAllowed: zone.get('zones[].wildcard'),
    reserved: namesOfZone(zone, 'zones[].reserved', apex, context),
    addresses,
    emptyValue: zone.get('zones[].empty_value'),
    acmeTtl: zone.get('zones[].acme_ttl'),
  };
}

function askForPrimary(zone: Scope, apex: DomainName | undefined, context: ResolveContext): void {
  if (zone.isMentioned('zones[].nameserver') || zone.isMentionedAbove('nameserver')) return;
  const name = apex === undefined ? 'this zone' : `'${apex}'`;
  const message =
    `which primary takes the updates of ${name}? Give its IPv4 or IPv6 address here, or for all zones at the top of the ` +
    "file; or 'embedded', and dyndns serves the zone itself.";
  refuse(context, zone, 'zones[].nameserver', message);
}

/** Options that belong to the other kind of primary would be written in vain. */
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

function remotePrimary(zone: Scope, tsigKey: TsigKeyConfig | undefined): RemotePrimary | undefined {
  const host = zone.get('zones[].nameserver');
  if (host === undefined || host === 'embedded' || tsigKey === undefined) return undefined;
  return {
    kind: 'remote',
    host,
    port: zone.get('zones[].port') ?? 53,
    transport: zone.get('zones[].transport') ?? 'tcp',
    signedReads: zone.get('zones[].signed_reads') ?? false,
    tsigKey,
  };
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

function resolveTtl(zone: Scope, context: ResolveContext): TtlConfig {
  const values = {
    min: zone.get('zones[].ttl.min'),
    default: zone.get('zones[].ttl.default'),
    max: zone.get('zones[].ttl.max'),
  };
  const ordered = (['min', 'default', 'max'] as const).filter((key) => values[key] !== undefined);
  for (const [index, key] of ordered.entries()) {
    const before = ordered[index - 1];
    if (before !== undefined && values[before]! > values[key]!) {
      const message = `${values[key]} is less than ${before} (${values[before]}); allowed is min <= default <= max.`;
      refuse(context, zone, `zones[].ttl.${key}`, message);
    }
  }
  return Object.fromEntries(ordered.map((key) => [key, values[key]])) as TtlConfig;
}

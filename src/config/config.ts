/**
 * The configuration as the rest of the program uses it: all defaults are set, all rules are checked, all texts are parsed.
 * Names of times contain their unit. Left out: where a value came from; Settings (settings.ts) has that.
 */
import type { IpAddress, IpPrefix } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import type { TsigAlgorithm } from '../dns/tsig-key.ts';
import { SECRET_MASK, type Secret } from './secret.ts';

export type Transport = 'tcp' | 'udp';

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: boolean;
}

/** `proxyProtocol`: a proxy in front names the client before the first octet of TLS or HTTP. */
export type ListenAddress = (TcpAddress | { readonly kind: 'unix'; readonly path: string }) & {
  readonly proxyProtocol?: true;
};

/** Absolute paths of the certificate chain and its private key, PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate that the server obtains and renews itself. `directory` is a URL, `folder` an absolute path. */
export interface AcmeConfig {
  /** At least one, no duplicates, and none is covered by a wildcard among them. No `_`. */
  readonly names: readonly DomainName[];
  readonly email?: string;
  readonly directory: string;
  readonly folder: string;
  /** The server has a certificate for each; at least one, no duplicates. */
  readonly keyTypes: readonly ('ec' | 'rsa')[];
  /** Absent: 0 where dyndns is the only nameserver of the zone, else 30. */
  readonly propagationSeconds?: number;
}

export interface HttpConfig {
  /** At least one, no duplicates. */
  readonly listen: readonly ListenAddress[];
  /** Permission bits of unix sockets, for example 0o664. */
  readonly socketMode: number;
  readonly trustedProxies: readonly IpPrefix[];
  /** In lower case. */
  readonly clientAddressHeader: string;
  /** Exactly one of `tls` and `acme` is present when an entry of `listen` has `tls: true`, else none. */
  readonly tls?: TlsFiles;
  readonly acme?: AcmeConfig;
  readonly lenient: boolean;
}

export interface TsigKeyConfig {
  readonly name: DomainName;
  readonly algorithm: TsigAlgorithm;
  /** Never empty. */
  readonly secret: Secret<Uint8Array>;
}

/** Another nameserver, which receives the updates of the zone. */
export interface RemotePrimary {
  readonly kind: 'remote';
  readonly host: IpAddress;
  readonly port: number;
  readonly transport: Transport;
  readonly signedReads: boolean;
  readonly tsigKey: TsigKeyConfig;
}

/** dyndns itself is the primary of the zone. */
export interface EmbeddedPrimary {
  readonly kind: 'embedded';
  /** The NS RRset of the apex, at least one; the first is MNAME. */
  readonly ns: readonly DomainName[];
  /** Seconds. */
  readonly nsTtl: number;
  /** RNAME. */
  readonly contact: DomainName;
  readonly soa: SoaConfig;
  /** Absent: the zone is not signed. */
  readonly dnssec?: DnssecConfig;
  readonly secondaries: readonly SecondaryConfig[];
  /** Networks whose addresses may transfer; they are neither notified nor asked. */
  readonly transferPrefixes?: readonly TransferPrefix[];
  readonly records?: StaticRecords;
  /** Unique names. A name in several zones has the same algorithm and secret in all of them. */
  readonly keys: readonly ZoneKeyConfig[];
}

/** Timers and TTL of the SOA record, in seconds (RFC 1035 §3.3.13). */
export interface SoaConfig {
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
  readonly ttl: number;
}

/** How a zone is signed. */
export interface DnssecConfig {
  /** One of DnssecAlgorithm. */
  readonly algorithm: number;
  /** 2 to 365. */
  readonly validityDays: number;
  readonly chain: 'nsec' | 'nsec3';
}

/** Address and port of a DNS socket; the address in its canonical text. */
export interface DnsEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface SecondaryConfig {
  /** The destination of NOTIFY; transfers may come from any port of this address. */
  readonly address: DnsEndpoint;
  /** Name of one of the keys of the zone, one that may transfer: signs NOTIFY, and a transfer must be signed with it. */
  readonly keyName?: DomainName;
  readonly notify: boolean;
  /** Whether it is asked which serial it serves. */
  readonly poll: boolean;
}

export interface TransferPrefix {
  readonly prefix: IpPrefix;
  /** As of a secondary. */
  readonly keyName?: DomainName;
}

/** Static content in zone-file syntax (RFC 1035 §5.1) with the apex as the origin. Not parsed yet. */
export interface StaticRecords {
  readonly text: string;
  /** The place of the first line of the text, for error texts. */
  readonly origin: { readonly file: string; readonly line: number };
}

/** A key of an embedded zone and its permissions. */
export interface ZoneKeyConfig extends TsigKeyConfig {
  readonly allow: { readonly update: boolean; readonly transfer: boolean };
  /**
   * Owner names that an UPDATE may change, all at or below the apex; absent: every name. `*.x` is every name below x at
   * any depth and the literal `*.x`, not x.
   */
  readonly hosts?: readonly DomainName[];
  /** RR types that an UPDATE may change; absent: every type. */
  readonly types?: readonly number[];
}

/** Seconds, 0 to 2147483647; `min <= default <= max` where they are set. */
export interface TtlConfig {
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface ZoneConfig {
  readonly apex: DomainName;
  readonly primary: RemotePrimary | EmbeddedPrimary;
  readonly ttl: TtlConfig;
  readonly apexAllowed: boolean;
  readonly wildcardAllowed: boolean;
  /** Absolute names at or below the apex. */
  readonly reserved: readonly DomainName[];
  readonly addresses: AddressRules;
  readonly emptyValue: 'keep' | 'clear';
  /** Seconds until a TXT value that was written over HTTP is deleted. */
  readonly acmeTtl: number;
  readonly members: MembersConfig;
}

/** Whether members (users who are no admins) may take names of the zone. */
export interface MembersConfig {
  readonly claim: boolean;
  /** Relative to the zone: `*` is every name one label below it, `*.x` one label below x. */
  readonly pattern: string;
}

export interface RateLimitConfig {
  /** Of one kind to one network (IPv4 /24, IPv6 /56), over UDP. 0: no limit. */
  readonly responsesPerSecond: number;
  /** All answers to one network together, over UDP. 0: no limit. */
  readonly allPerSecond: number;
  /** One in `slip` responses over a limit is sent truncated instead of being dropped; 0: none, 1: all. */
  readonly slip: number;
  /** Networks that are not limited. */
  readonly exempt: readonly IpPrefix[];
}

export interface DnsConfig {
  /** At least one, no duplicates; UDP and TCP. Port 0: any free port. */
  readonly listen: readonly DnsEndpoint[];
  /** True: `listen` is not set in the configuration, and a machine without IPv6 may skip that address. */
  readonly listenIsDefault: boolean;
  /** Absolute path of the SQLite file with zones and journal. */
  readonly database: string;
  readonly rateLimit: RateLimitConfig;
  /** Threads that answer queries over UDP; 0: the main thread answers. */
  readonly threads: number;
  /** An idle TCP connection is closed after this time. */
  readonly tcpIdleSeconds: number;
  /** The largest fudge that a client's TSIG record may ask for, in seconds. */
  readonly tsigFudgeMax: number;
  /** At most 128 octets of UTF-8. Absent: the NSID option is not answered. */
  readonly nsid?: string;
  /** At most 255 octets of UTF-8. Absent: `version.bind` and `version.server` are refused. */
  readonly chaosVersion?: string;
}

/** The absolute path of a file, or a URL with the name of a database, with or without a password. */
export type StoreConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: Secret };

/** A credential of a client, set in the file. */
export interface TokenConfig {
  /** Unique. Never `master`. */
  readonly name: string;
  /** SHA-256 of the token: 64 hexadecimal digits in lower case. Unique. */
  readonly sha256: string;
  /**
   * Owner names that it may change, at least one. `*.x` is every name below x at any depth and the literal `*.x`, not x.
   */
  readonly hosts: readonly DomainName[];
  /** RR types that it may change. */
  readonly types: readonly number[];
  /** `own`: only the source address of the request. A list has at least one prefix. */
  readonly addresses: 'any' | 'own' | readonly IpPrefix[];
  /** The allowed source addresses of requests, at least one prefix; absent: any. */
  readonly sources?: readonly IpPrefix[];
  /** May it create accounts of acme-dns? */
  readonly register: boolean;
  /** Days without a use after which it ends; absent: it does not. No effect without a store. */
  readonly maxUnusedDays?: number;
  /** The last day on which it is valid, `YYYY-MM-DD` in UTC. It may be in the past. */
  readonly expires?: string;
}

/** The settings of one host, in addition to the rules of its zone. */
export interface HostConfig {
  /** In a zone of the file. Unique. */
  readonly ownerName: DomainName;
  /** Seconds, within the limits of its zone. */
  readonly ttl?: number;
  readonly enabled: boolean;
  readonly addresses: AddressRules;
  /** Absent: never. */
  readonly silentAfterSeconds?: number;
  readonly leaseSeconds?: number;
  /** Canonical texts, at most eight of each family. */
  readonly fallback: readonly string[];
  /** Canonical text of parseInterfaceId. */
  readonly interfaceId?: string;
  /** 56 to 64. */
  readonly prefixLength?: number;
  /** In the zone of the host. A name is a member of one host only. */
  readonly members: readonly MemberConfig[];
}

export interface MemberConfig {
  readonly ownerName: DomainName;
  /** Canonical text of parseInterfaceId or parseMac. */
  readonly host:
    | { readonly kind: 'interface-id'; readonly text: string }
    | { readonly kind: 'mac'; readonly text: string };
  readonly subnet: number;
}

export interface WebhookConfig {
  /** `https:` or `http:`, with or without a user and a password. */
  readonly url: Secret;
  /** Signs deliveries. */
  readonly secret?: Secret;
  /** At least one. */
  readonly events: readonly ('changed' | 'failed' | 'silent' | 'secondary' | 'signatures')[];
  readonly format: 'json' | 'ntfy' | 'text';
}

/** No prefix is in both lists. The longest prefix that contains an address decides. */
export interface AddressRules {
  readonly allow: readonly IpPrefix[];
  readonly deny: readonly IpPrefix[];
}

export interface AcmeDnsConfig {
  /** A zone or a name in one: the parent of the names of accounts. */
  readonly above: DomainName;
  /** Source addresses that may create accounts without a credential. */
  readonly register: readonly IpPrefix[];
  /** Serialized origins (RFC 6454 §6.2) whose pages may use the API. */
  readonly corsOrigins: readonly string[];
  /** TXT values at one name. */
  readonly values: number;
  readonly maxAccounts: number;
}

/** The HTTP API for administration. */
export interface AdminConfig {
  /** Empty: `http.listen` serves it. No duplicates, and none of `http.listen`. */
  readonly listen: readonly ListenAddress[];
  /** A serialized origin (RFC 6454 §6.2). Absent: only requests to this machine's own names are answered. */
  readonly url?: string;
  readonly auditDays: number;
  readonly sessions: {
    /** A session ends when it was not used for this time. */
    readonly idleMinutes: number;
    /** A session ends after this time. */
    readonly days: number;
  };
  /** Also serve the API that is compatible with that of PowerDNS. */
  readonly powerdnsApi: boolean;
  /** In lower case. Present with `proxySecret` only. */
  readonly proxyUserHeader?: string;
  readonly proxySecret?: Secret;
  readonly oidc?: OidcConfig;
}

/** An OpenID provider by which users sign in. */
export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly title: string;
  /** A path of property names, with dots. */
  readonly groupsClaim: string;
  /** At least one of both is present. */
  readonly adminGroup?: string;
  readonly memberGroup?: string;
}

/** 0: no limit. */
export interface LimitsConfig {
  readonly changesPerMinutePerToken: number;
  readonly refusedPerMinutePerSource: number;
  readonly connectionsPerSource: number;
  /** Of one RRset of an embedded zone. */
  readonly recordsPerRRset: number;
  /** Of one name of an embedded zone. */
  readonly typesPerName: number;
}

/** Client protocols that can be disabled, by their names in the file. dyndns2, the address echo and the original cannot. */
export const SWITCHED_PROTOCOLS = ['duckdns', 'dynv6', 'noip', 'freedns', 'acme_dns', 'httpreq', 'freemyip'] as const;

/** The file of a secret that a command could not read. */
export interface UnreadFile {
  /** The option, `zones[0].tsig_key`. */
  readonly option: string;
  readonly file: string;
  /** A clause: "permission denied". */
  readonly reason: string;
}

/** An option in effect, with where it comes from. */
export interface ShownOption {
  /** Like `zones[0].ttl.default`. */
  readonly path: string;
  /** As in the file; a secret is masked. */
  readonly value: string;
  readonly origin: {
    readonly kind: 'file' | 'environment' | 'default';
    readonly text: string;
    readonly file?: string;
    readonly line?: number;
    readonly variable?: string;
  };
}

export interface Config {
  readonly file?: string;
  /** What `dyndns config` shows of it. Absent: it was not read from a file. */
  readonly options?: () => readonly ShownOption[];
  /** Not empty only for a command, never for a server. */
  readonly unreadFiles?: readonly UnreadFile[];
  /** Without it only tokens are accepted. */
  readonly secret?: Secret;
  /** At least one. Each apex is unique. */
  readonly zones: readonly ZoneConfig[];
  readonly nameserverTimeoutSeconds: number;
  readonly logLevel: number;
  readonly logFormat: 'auto' | 'text' | 'json';
  readonly unspecifiedFamily: 'keep' | 'delete';
  readonly check: 'open' | 'authenticated';
  readonly http: HttpConfig;
  /** Present exactly when a zone is embedded. */
  readonly dns?: DnsConfig;
  readonly store?: StoreConfig;
  /** Absolute path of the unix socket for admin commands. */
  readonly control?: string;
  /** True: `control` is not set in the configuration, and the server must start even if it cannot open this default. */
  readonly controlIsDefault: boolean;
  /** Serves metrics without authentication. Absent: `http.listen` serves them, and only with the master secret. */
  readonly metrics?: { readonly listen: TcpAddress };
  /** Days; 0: no history is stored. */
  readonly historyDays: number;
  /** Of all hosts; 0: unlimited. */
  readonly historyMaxEvents: number;
  readonly reconcile: 'report' | 'enforce';
  readonly limits: LimitsConfig;
  /** Which protocols are enabled. */
  readonly protocols: Readonly<Record<(typeof SWITCHED_PROTOCOLS)[number], boolean>>;
  /** Present exactly when the protocol is enabled; then there is a store. */
  readonly acmeDns?: AcmeDnsConfig;
  /** Present exactly when the HTTP API is enabled; then there is a store. */
  readonly admin?: AdminConfig;
  readonly tokens: readonly TokenConfig[];
  readonly hosts: readonly HostConfig[];
  readonly webhooks: readonly WebhookConfig[];
  /** Full sentences for the log, without secrets. */
  readonly warnings: readonly string[];
}

/** A listen address in the syntax of the configuration file. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.tls ? 'https://' : ''}${formatEndpoint(address)}`;
}

/** Where a server with this configuration listens, as URLs: `http://127.0.0.1:54321`, `unix:/run/…`, `dns://[::]:53`. */
export function listenUrls({ http, dns }: Pick<Config, 'http' | 'dns'>): Record<'http' | 'dns', readonly string[]> {
  return {
    http: http.listen.map(formatListenAddress).map((address) => address.replace(/^(?=[\d[])/, 'http://')),
    dns: dns?.listen.map((address) => `dns://${formatEndpoint(address)}`) ?? [],
  };
}

/** A store in the syntax of the configuration file, without the password. */
export function formatStoreUrl(store: StoreConfig): string {
  if (store.kind === 'sqlite') return `sqlite:${store.path}`;
  if (store.url.unread !== undefined) return SECRET_MASK;
  const url = new URL(store.url.reveal());
  url.password = '';
  return url.href;
}

/** Replaces the port of every TCP entry of `http.listen` (`serve --port`). */
export function withHttpPort(config: Config, port: number): Config {
  const listen = config.http.listen.map((address) => (address.kind === 'tcp' ? { ...address, port } : address));
  return { ...config, http: { ...config.http, listen } };
}

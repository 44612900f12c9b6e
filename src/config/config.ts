/**
 * The configuration as the rest of the program sees it: every default filled in, every rule checked, every text parsed.
 * Times carry their unit in the name. Where a value came from is not here but in Settings (settings.ts).
 */
import type { IpAddress, IpPrefix } from '../dns/address.ts';
import type { DomainName } from '../dns/name.ts';
import type { TsigAlgorithm } from '../dns/tsig-key.ts';
import type { Secret } from './secret.ts';

export type Transport = 'tcp' | 'udp';

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly tls: boolean;
}

export type ListenAddress = TcpAddress | { readonly kind: 'unix'; readonly path: string };

export interface TlsFiles {
  /** Absolute path of the certificate chain, PEM. */
  readonly certificate: string;
  /** Absolute path of the private key, PEM. */
  readonly key: string;
}

/** A certificate that the server gets and renews by itself. */
export interface AcmeConfig {
  /** At least one; no two are the same, and none is covered by a wildcard among them. No `_`. */
  readonly names: readonly DomainName[];
  readonly email?: string;
  /** URL of the ACME directory. */
  readonly directory: string;
  /** Absolute path of the folder of key and certificate. */
  readonly folder: string;
  /** Absent: 0 where dyndns is the only nameserver of the zone, else 30. */
  readonly propagationSeconds?: number;
}

export interface HttpConfig {
  /** At least one; no two are the same. */
  readonly listen: readonly ListenAddress[];
  /** Permission bits of unix sockets, for example 0o664. */
  readonly socketMode: number;
  readonly trustedProxies: readonly IpPrefix[];
  readonly clientAddressHeader: 'x-forwarded-for' | 'forwarded';
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

/** A nameserver that takes the updates of the zone. */
export interface RemotePrimary {
  readonly kind: 'remote';
  readonly host: IpAddress;
  readonly port: number;
  readonly transport: Transport;
  readonly signedReads: boolean;
  readonly tsigKey: TsigKeyConfig;
}

/** The zone is served by dyndns itself. */
export interface EmbeddedPrimary {
  readonly kind: 'embedded';
  /** The NS RRset of the apex, at least one; the first is MNAME. */
  readonly ns: readonly DomainName[];
  /** RNAME. */
  readonly contact: DomainName;
  readonly secondaries: readonly SecondaryConfig[];
  readonly records?: StaticRecords;
  /** No two have the same name. A name that several zones use has the same algorithm and secret in all of them. */
  readonly keys: readonly ZoneKeyConfig[];
}

/** Address and port of a DNS socket; the address in its canonical text. */
export interface DnsEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface SecondaryConfig {
  /** Where NOTIFY goes; transfers may come from any port of this address. */
  readonly address: DnsEndpoint;
  /** Name of one of the keys of the zone, one that may transfer: signs NOTIFY, and a transfer must be signed with it. */
  readonly keyName?: DomainName;
  readonly notify: boolean;
}

/** Static content as it was written: zone-file syntax (RFC 1035 §5.1), the origin is the apex. Not parsed yet. */
export interface StaticRecords {
  readonly text: string;
  /** Where the first line of the text stands, for error texts. */
  readonly origin: { readonly file: string; readonly line: number };
}

/** A key of an embedded zone and what may be done with it. */
export interface ZoneKeyConfig extends TsigKeyConfig {
  readonly allow: { readonly update: boolean; readonly transfer: boolean };
  /**
   * Owner names that an UPDATE may touch, all at or below the apex; absent: every name. `*.x` stands for every name
   * below x at any depth and for the literal `*.x`, not for x.
   */
  readonly hosts?: readonly DomainName[];
  /** RR types that an UPDATE may touch; absent: every type. */
  readonly types?: readonly number[];
}

/** Seconds, 0 to 2147483647; `min <= default <= max` where they are given. */
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
  /** No prefix is in both lists. The longest prefix that contains an address decides. */
  readonly addresses: AddressRules;
  readonly emptyValue: 'keep' | 'clear';
  /** Seconds until a TXT value that was written over HTTP is removed. */
  readonly acmeTtl: number;
}

/** Responses per second of one kind to one network (IPv4 /24, IPv6 /56), over UDP. */
export interface RateLimitConfig {
  /** 0: no limit. */
  readonly responsesPerSecond: number;
  /** Every how-many-th response over the limit goes out truncated instead of being dropped; 0: none, 1: all. */
  readonly slip: number;
  /** Networks without a limit. */
  readonly exempt: readonly IpPrefix[];
}

export interface DnsConfig {
  /** At least one, no two the same; UDP and TCP. Port 0: a free one. */
  readonly listen: readonly DnsEndpoint[];
  /** Nobody named the addresses: a machine without IPv6 may leave that one out. */
  readonly listenIsDefault: boolean;
  /** Absolute path of the SQLite file with zones and journal. */
  readonly database: string;
  readonly rateLimit: RateLimitConfig;
  /** At most 128 octets of UTF-8. Absent: the NSID option is not answered. */
  readonly nsid?: string;
  /** At most 255 octets of UTF-8. Absent: `version.bind` and `version.server` are refused. */
  readonly chaosVersion?: string;
}

/** Where tokens, settings of hosts, history and wishes are kept. */
export type StoreConfig =
  /** An absolute path. */
  | { readonly kind: 'sqlite'; readonly path: string }
  /** A URL with the name of a database; with or without a password. */
  | { readonly kind: 'postgres'; readonly url: Secret };

/** A credential of a client that stands in the file. */
export interface TokenConfig {
  /** No two are the same. Never `master`. */
  readonly name: string;
  /** Of the token: 64 hexadecimal digits, lower case. No two are the same. */
  readonly sha256: string;
  /**
   * Owner names that it may change, at least one. `*.x` stands for every name below x at any depth and for the literal
   * `*.x`, not for x.
   */
  readonly hosts: readonly DomainName[];
  /** RR types that it may change: some of A, AAAA and TXT. */
  readonly types: readonly number[];
  /** `own`: only the address that the request comes from. A list has at least one prefix. */
  readonly addresses: 'any' | 'own' | readonly IpPrefix[];
  /** Where requests with it may come from, at least one; absent: anywhere. */
  readonly sources?: readonly IpPrefix[];
  /** The last day on which it counts, `YYYY-MM-DD` in UTC. It may be over. */
  readonly expires?: string;
}

/** What is set for a single host, beyond the rules of its zone. */
export interface HostConfig {
  /** Lies in a zone of the file; no two are the same. */
  readonly ownerName: DomainName;
  /** Seconds, within the limits of its zone. */
  readonly ttl?: number;
  readonly enabled: boolean;
  /** No prefix is in both lists. The longest prefix that contains an address decides. */
  readonly addresses: AddressRules;
  /** Absent: never. */
  readonly silentAfterSeconds?: number;
  readonly leaseSeconds?: number;
  /** Canonical texts, at most one of each family. */
  readonly fallback: readonly string[];
  /** In the zone of the host; no name stands twice, also not at another host. */
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
  /** `https:` or `http:`, perhaps with a user and a password. */
  readonly url: Secret;
  /** Signs deliveries. */
  readonly secret?: Secret;
  /** At least one. */
  readonly events: readonly ('changed' | 'failed' | 'silent')[];
  readonly format: 'json' | 'ntfy' | 'text';
}

export interface AddressRules {
  readonly allow: readonly IpPrefix[];
  readonly deny: readonly IpPrefix[];
}

export interface AcmeDnsConfig {
  /** A zone or a name in one: the names of accounts are right below it. */
  readonly above: DomainName;
  /** Who may make accounts. */
  readonly register: readonly IpPrefix[];
  /** TXT values at one name. */
  readonly values: number;
  readonly maxAccounts: number;
}

export interface LimitsConfig {
  /** 0: no limit. */
  readonly changesPerMinutePerToken: number;
  /** 0: no limit. */
  readonly refusedPerMinutePerSource: number;
}

/** Client protocols with a switch, by their names in the file. dyndns2, the address echo and the original are always on. */
export const SWITCHED_PROTOCOLS = ['duckdns', 'dynv6', 'noip', 'freedns', 'acme_dns', 'httpreq', 'freemyip'] as const;

export interface Config {
  /** The file that was read, as it was named. */
  readonly file?: string;
  /** The master secret. Without it only tokens count. */
  readonly secret?: Secret;
  /** At least one; no two have the same apex. */
  readonly zones: readonly ZoneConfig[];
  readonly nameserverTimeoutSeconds: number;
  readonly logLevel: number;
  readonly unspecifiedFamily: 'keep' | 'delete';
  readonly check: 'open' | 'authenticated';
  readonly http: HttpConfig;
  /** Present exactly when a zone is embedded. */
  readonly dns?: DnsConfig;
  readonly store?: StoreConfig;
  /** Absolute path of the unix socket for admin commands. */
  readonly control?: string;
  /** Where metrics are served without a credential. Absent: by `http.listen`, and only with the master secret. */
  readonly metrics?: { readonly listen: TcpAddress };
  /** Days; 0: no history is kept. */
  readonly historyDays: number;
  /** What happens to foreign edits of a managed host. */
  readonly reconcile: 'report' | 'enforce';
  readonly limits: LimitsConfig;
  /** Which of them are spoken. */
  readonly protocols: Readonly<Record<(typeof SWITCHED_PROTOCOLS)[number], boolean>>;
  /** Present exactly when it is switched on; then there is a store. */
  readonly acmeDns?: AcmeDnsConfig;
  readonly tokens: readonly TokenConfig[];
  readonly hosts: readonly HostConfig[];
  readonly webhooks: readonly WebhookConfig[];
  /** Complete sentences for the log; nothing in them is secret. */
  readonly warnings: readonly string[];
}

/** The text form of a listen address, as the configuration file has it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.tls ? 'https://' : ''}${host}:${address.port}`;
}

/** The text form of a store, as the configuration file has it, without the password. */
export function formatStoreUrl(store: StoreConfig): string {
  if (store.kind === 'sqlite') return `sqlite:${store.path}`;
  const url = new URL(store.url.reveal());
  url.password = '';
  return url.href;
}

/** The text form of a DNS endpoint, as the configuration file has it. */
export function formatDnsEndpoint({ host, port }: DnsEndpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The configuration with the port of every TCP entry of `http.listen` replaced (`serve --port`). */
export function withHttpPort(config: Config, port: number): Config {
  const listen = config.http.listen.map((address) => (address.kind === 'tcp' ? { ...address, port } : address));
  return { ...config, http: { ...config.http, listen } };
}

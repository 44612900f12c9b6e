/**
 * The configuration as the rest of the program sees it: every default filled in, every rule checked, every text parsed.
 * Times carry their unit in the name. Where a value came from is not here but in Settings (settings.ts).
 */
import type { IpAddress, IpPrefix } from '../dns/address.ts';
import type { DomainName } from '../dns/name.ts';
import type { TsigAlgorithm } from '../dns/tsig.ts';
import type { Secret } from './secret.ts';

export type Transport = 'tcp' | 'udp';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: 'unix'; readonly path: string };

export interface TlsFiles {
  /** Absolute path of the certificate chain, PEM. */
  readonly certificate: string;
  /** Absolute path of the private key, PEM. */
  readonly key: string;
}

export interface HttpConfig {
  /** At least one; no two are the same. */
  readonly listen: readonly ListenAddress[];
  /** Permission bits of unix sockets, for example 0o664. */
  readonly socketMode: number;
  readonly trustedProxies: readonly IpPrefix[];
  readonly clientAddressHeader: 'x-forwarded-for' | 'forwarded';
  /** Present exactly when an entry of `listen` has `tls: true`. */
  readonly tls?: TlsFiles;
  readonly lenient: boolean;
}

export interface PrimaryConfig {
  readonly host: IpAddress;
  readonly port: number;
  readonly transport: Transport;
  readonly signedReads: boolean;
}

export interface TsigKeyConfig {
  readonly name: DomainName;
  readonly algorithm: TsigAlgorithm;
  /** Never empty. */
  readonly secret: Secret<Uint8Array>;
}

/** Seconds, 0 to 2147483647; `min <= default <= max` where they are given. */
export interface TtlConfig {
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface ZoneConfig {
  readonly apex: DomainName;
  readonly primary: PrimaryConfig;
  readonly tsigKey: TsigKeyConfig;
  readonly ttl: TtlConfig;
  readonly apexAllowed: boolean;
  readonly wildcardAllowed: boolean;
  /** Absolute names at or below the apex. */
  readonly reserved: readonly DomainName[];
  /** No prefix is in both lists. The longest prefix that contains an address decides. */
  readonly addresses: { readonly allow: readonly IpPrefix[]; readonly deny: readonly IpPrefix[] };
  readonly emptyValue: 'keep' | 'clear';
}

export interface Config {
  /** The file that was read, as it was named. */
  readonly file?: string;
  /** The master secret. Without it nobody is authenticated by it. */
  readonly secret?: Secret;
  /** At least one; no two have the same apex. */
  readonly zones: readonly ZoneConfig[];
  readonly nameserverTimeoutSeconds: number;
  readonly logLevel: number;
  readonly unspecifiedFamily: 'keep' | 'delete';
  readonly check: 'open' | 'authenticated';
  readonly http: HttpConfig;
  /** Complete sentences for the log; nothing in them is secret. */
  readonly warnings: readonly string[];
}

/** The text form of a listen address, as the configuration file has it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.tls ? 'https://' : ''}${host}:${address.port}`;
}

/** The configuration with the port of every TCP entry of `http.listen` replaced (`serve --port`). */
export function withHttpPort(config: Config, port: number): Config {
  const listen = config.http.listen.map((address) => (address.kind === 'tcp' ? { ...address, port } : address));
  return { ...config, http: { ...config.http, listen } };
}

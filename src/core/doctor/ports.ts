/**
 * Contract: what `dyndns doctor` needs from the network, and what it reports. src/doctor has the sockets and clocks.
 * Everything that `Lookup` returns was sent by others: the rules bound it and do not trust it.
 */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type { ResourceRecord } from '../../dns/rdata.ts';
import type { SecondaryState } from '../admin/zone-operations.ts';
import type { Clock } from '../timers.ts';
import type { ZonePublisher } from '../zones/publisher.ts';

/** The groups of checks, in the order of the report. */
export const CHECKS = [
  'primary',
  'key',
  'clock',
  'delegation',
  'nameservers',
  'secondaries',
  'dnssec',
  'http',
  'outside',
] as const;
export type CheckName = (typeof CHECKS)[number];

export type FindingStatus = 'ok' | 'warning' | 'problem' | 'not checked';

export interface Finding {
  readonly check: CheckName;
  readonly status: FindingStatus;
  /** Full sentences. */
  readonly text: string;
  /** What to do: full sentences, and lines indented by two spaces to copy verbatim. */
  readonly advice?: string;
}

export interface LookupReply {
  readonly kind: 'reply';
  /** Mnemonic: NOERROR, NXDOMAIN, … */
  readonly rcode: string;
  /** AA. */
  readonly authoritative: boolean;
  /** RA. */
  readonly recursionAvailable: boolean;
  /** The reply has an OPT record (RFC 6891 §6.1.1). */
  readonly edns: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

/**
 * - `no-route`: this machine cannot reach addresses of this family (it has no IPv6, for example).
 * - `out-of-time`: the deadline of the whole run passed before the reply.
 */
export interface NoLookupReply {
  readonly kind: 'none';
  readonly failure: 'no-reply' | 'no-route' | 'out-of-time';
  readonly text: string;
}

export type LookupResult = LookupReply | NoLookupReply;

/** DNS queries of class IN. Never rejects; each has a timeout of a few seconds. */
export interface Lookup {
  /** Queries the resolver, with recursion desired. */
  resolve(qname: DomainName, qtype: number): Promise<LookupResult>;
  /** Queries the nameserver at an address, without recursion. @param dnssecOk requests signatures (DO, RFC 3225) */
  query(
    address: IpAddress,
    transport: 'udp' | 'tcp',
    qname: DomainName,
    qtype: number,
    dnssecOk?: boolean,
  ): Promise<LookupResult>;
}

/** The clocks here and at the primary, by the Time Signed of a verified reply (RFC 8945 §5.2.3). */
export type ClockComparison =
  /** Seconds by which our clock is ahead; negative: behind. */
  { readonly kind: 'compared'; readonly aheadSeconds: number } | { readonly kind: 'unknown'; readonly reason: string };

export type HttpListen =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: 'unix'; readonly path: string };

export interface HttpFacts {
  readonly listen: readonly HttpListen[];
  readonly trustedProxies: readonly IpPrefix[];
  readonly lenient: boolean;
}

export type PrimaryFacts =
  | { readonly kind: 'remote'; readonly address: IpAddress; readonly port: number }
  /** dyndns itself; `listen` has the addresses of its nameserver. */
  | { readonly kind: 'embedded'; readonly listen: readonly { readonly host: string; readonly port: number }[] };

/** The certificate of HTTPS. */
export interface CertificateFacts {
  /** At least one. */
  readonly names: readonly DomainName[];
  /** Milliseconds since 1970; undefined: no certificate authority has issued one yet. */
  readonly endMs?: number | undefined;
  /** Why its end is not known, a clause. */
  readonly unknown?: string | undefined;
  readonly nowMs: number;
  /** The addresses of this machine. */
  readonly machine: readonly IpAddress[];
  /** A proxy that the configuration names may be where the names lead. */
  readonly isProxied: boolean;
}

/** The facts of the configuration. */
export interface DoctorSubject {
  readonly zone: DomainName;
  readonly primary: PrimaryFacts;
  /** The TSIG key's name and algorithm, for texts; undefined if the zone has none. */
  readonly key: string | undefined;
  /** Why the key could not be read, a sentence. */
  readonly keyUnread?: string | undefined;
  readonly http: HttpFacts;
  /** Undefined without HTTPS. */
  readonly certificate?: CertificateFacts | undefined;
  /** Why the running server does not serve the zone, and what to do; undefined if it serves it, or is not known. */
  readonly notServed?: string | undefined;
  /** Names of the zone that are known to be hosts. */
  readonly hosts?: readonly DomainName[];
  /** See checkSecondaries. */
  readonly secondaries?: readonly SecondaryState[] | 'unknown' | undefined;
  /** Undefined for a zone with another primary. */
  readonly signing?: SigningFacts | undefined;
  /** Data of an embedded zone that is kept and not served, as the running server tells it. */
  readonly unserved?: readonly UnservedData[];
}

/** What this machine knows of the signatures of an embedded zone. */
export interface SigningFacts {
  /** The option `dnssec` is set. */
  readonly isConfigured: boolean;
  /** What the running server reports; undefined: none runs. */
  readonly troubles?: readonly string[];
  readonly folder: KeyFolder;
}

/** The files of its keys. `mode`: as of stat(2). */
export type KeyFolder =
  | {
      readonly kind: 'listed';
      readonly path: string;
      readonly files: readonly { readonly name: string; readonly mode: number }[];
    }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: string };

export interface UnservedData {
  readonly name: string;
  readonly type: string;
  readonly why: string;
}

/** The access to the network. */
export interface DoctorTools {
  readonly lookup: Lookup;
  /** Reaches the primary with the zone's key. */
  readonly publisher: ZonePublisher;
  compareClocks(): Promise<ClockComparison>;
  /** Opens and closes a connection. @returns undefined if something listens, else the reason in a few words */
  connect(listen: HttpListen): Promise<string | undefined>;
  /** Reports the current step, for a terminal. */
  progress(text: string): void;
  readonly clock: Clock;
  /** Seconds since 1970. */
  now(): number;
  /** Deadline of the whole run, on `clock`. */
  readonly deadlineMs: number;
}

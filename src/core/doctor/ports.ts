/**
 * What `dyndns doctor` asks of the world, and what it finds: contracts, no code. Octets, sockets and clocks are the
 * adapters' (src/doctor). Whatever comes through `Lookup` was sent by others: it is bounded here and never believed.
 */
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import type { ResourceRecord } from '../../dns/rdata.ts';
import type { Clock } from '../timers.ts';
import type { ZonePublisher } from '../zones/publisher.ts';

/** The groups of checks, in the order in which a reader wants them. */
export const CHECKS = ['primary', 'key', 'clock', 'delegation', 'nameservers', 'http', 'outside'] as const;
export type CheckName = (typeof CHECKS)[number];

export type FindingStatus = 'ok' | 'warning' | 'problem' | 'not checked';

export interface Finding {
  readonly check: CheckName;
  readonly status: FindingStatus;
  /** A sentence. */
  readonly text: string;
  /** What to do: sentences, and lines that begin with two spaces to copy as they are. */
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
 * - `no-route`: this machine has no way to such addresses, as without IPv6. It says nothing about the other side.
 * - `out-of-time`: the time of the whole run was used up before this question.
 */
export interface NoLookupReply {
  readonly kind: 'none';
  readonly failure: 'no-reply' | 'no-route' | 'out-of-time';
  readonly text: string;
}

export type LookupResult = LookupReply | NoLookupReply;

/** Questions of class IN. Never throws; each ends after a few seconds. */
export interface Lookup {
  /** Asks the resolver, with recursion desired. */
  resolve(qname: DomainName, qtype: number): Promise<LookupResult>;
  /** Asks the nameserver at one address itself, without recursion. */
  ask(address: IpAddress, transport: 'udp' | 'tcp', qname: DomainName, qtype: number): Promise<LookupResult>;
}

/** The difference of the two clocks by the Time Signed of a verified reply (RFC 8945 §5.2.3). */
export type ClockComparison =
  /** Seconds by which ours is ahead; negative: behind. */
  { readonly kind: 'compared'; readonly aheadSeconds: number } | { readonly kind: 'unknown'; readonly why: string };

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
  /** dyndns itself; `listen` is where its nameserver listens. */
  | { readonly kind: 'embedded'; readonly listen: readonly { readonly host: string; readonly port: number }[] };

/** What is examined. */
export interface DoctorSubject {
  readonly zone: DomainName;
  readonly primary: PrimaryFacts;
  /** The TSIG key in words, without its secret; undefined where the zone has none. */
  readonly key: string | undefined;
  readonly http: HttpFacts;
}

/** What it is examined with. */
export interface DoctorTools {
  readonly lookup: Lookup;
  /** Reaches the primary with the zone's key. */
  readonly publisher: ZonePublisher;
  compareClocks(): Promise<ClockComparison>;
  /** Connects and hangs up. Undefined: something listens; else why not, as a few words. */
  connect(listen: HttpListen): Promise<string | undefined>;
  /** Is told what is asked now, for a person who waits. */
  progress(text: string): void;
  readonly clock: Clock;
  /** Of `clock`: when the whole run must end. */
  readonly deadlineMs: number;
}

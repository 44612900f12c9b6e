/** What answers are found in, and what they consist of. */
import type { DomainName } from '../../dns/name.ts';
import type { ProofOrder } from '../zone/chain-order.ts';
import type { PackedOctets } from '../zone/packed-octets.ts';
import type { ZoneNode, ZoneRRset } from '../zone/zone-node.ts';

/** An RRset in a section of a reply. Its owner name may be synthesized from a wildcard. */
export interface OwnedRRset {
  /** `DomainName.wireText`. */
  readonly owner: string;
  readonly rrset: ZoneRRset;
  /** Differs from the TTL of the RRset for the SOA of negative answers. */
  readonly ttl: number;
  /** IN unless given. */
  readonly rrClass?: number;
}

/** What answers need of a ZoneVersion. */
export interface AnswerableVersion {
  readonly apex: DomainName;
  readonly apexNode: ZoneNode;
  readonly soa: ZoneRRset;
  readonly negativeTtl: number;
  readonly cuts: number;
  /** See ZoneVersion. */
  readonly chain: 'nsec' | 'nsec3' | undefined;
  /** For direct answers. */
  readonly octets: PackedOctets | undefined;
  find(key: string): ZoneNode | undefined;
  /** True if `find` finds the name, without the work to read it. */
  has(key: string): boolean;
}

export interface AnswerableZone {
  readonly apex: DomainName;
  /** Undefined: this server has the zone, and does not serve it (journal/withheld-zone.ts). */
  readonly published: AnswerableVersion | undefined;
  /** Of a signed zone, for proofs. */
  readonly order?: ProofOrder | undefined;
}

/** Zones by the key of their apex. */
export type ZoneIndex = ReadonlyMap<string, AnswerableZone>;

/** One name of an embedded zone, and its records. */
import { isChainType } from './signer-types.ts';

/** The records of one type at one name. */
export interface ZoneRRset {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed wire RDATA, one character per octet, without duplicates. */
  readonly rdatas: readonly string[];
  /**
   * In a signed zone, in the form of signatures.ts. An edit makes an RRset without them. Absent where there are none: objects of unsigned
   * zones have one shape.
   */
  readonly signatures?: readonly string[];
}

/** One name of a zone. */
export interface ZoneNode {
  /** `DomainName.key`. */
  readonly key: string;
  /** `DomainName.wireText`: the owner name with its letter case. */
  readonly wireText: string;
  /** Empty at an empty non-terminal (RFC 9499 §7). */
  readonly rrsets: readonly ZoneRRset[];
  /**
   * In a signed zone what its signer makes (signer-types.ts), apart from the data of the zone, so that no edit and no list has it.
   * Absent where there is none.
   */
  readonly signerRRsets?: readonly ZoneRRset[];
  /** Number of nodes one label below; not maintained for the apex. */
  readonly children: number;
}

export function allRRsets({ rrsets, signerRRsets }: Pick<ZoneNode, 'rrsets' | 'signerRRsets'>): readonly ZoneRRset[] {
  return signerRRsets === undefined ? rrsets : [...rrsets, ...signerRRsets];
}

/** It has records that queries see. The owner name of an NSEC3 record mostly has nothing else, and does not exist for them (RFC 5155 §7.2.8). */
export function hasRecords({ rrsets, signerRRsets }: Pick<ZoneNode, 'rrsets' | 'signerRRsets'>): boolean {
  return rrsets.length > 0 || (signerRRsets?.some(({ type }) => !isChainType(type)) ?? false);
}

/** One record of class IN, in the form of journal and transfers. */
export interface ZoneRecord {
  readonly wireText: string;
  readonly type: number;
  readonly ttl: number;
  readonly rdata: string;
}

/** The RRset of a type, the signer's ones included. */
export function findRRset(node: ZoneNode, type: number): ZoneRRset | undefined {
  const { rrsets } = node;
  for (let i = 0; i < rrsets.length; i++) if (rrsets[i]!.type === type) return rrsets[i];
  return node.signerRRsets?.find((rrset) => rrset.type === type);
}

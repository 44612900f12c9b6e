/**
 * The canonical form of an RRset (RFC 4034 §6.2, §6.3; RFC 6840 §5.1), which is what a signature covers.
 *
 * RDATA is a latin1 string of its uncompressed wire octets, as a zone stores it; strings of this kind have the order of their octets.
 */
import { RRType } from '../rdata.ts';
import { rdataKey } from '../rdata-canonical.ts';
import { CASE_IS_SIGNED } from '../rdata-names.ts';
import type { RRset } from '../rrset.ts';
import { encodedRdata } from '../wire/rdata-codec.ts';

/** An RRset of class IN whose RDATA is octets: what is signed and verified. */
export interface SignableRRset {
  /** `DomainName.key` of the owner name, which is its canonical form. */
  readonly ownerKey: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed wire octets as latin1 strings, in any order. */
  readonly rdatas: readonly string[];
}

/** @throws WireOverflow if RDATA is too long for a record */
export function signableRRset({ ownerName, type, ttl, rdatas }: RRset): SignableRRset {
  return { ownerKey: ownerName.key, type, ttl, rdatas: rdatas.map((rdata) => encodedRdata(rdata).toString('latin1')) };
}

/** The RDATA with lower-cased names, in canonical order, without duplicates. */
export function canonicalRdatas(type: number, rdatas: readonly string[]): readonly string[] {
  const hasCase = type === RRType.A || type === RRType.AAAA || CASE_IS_SIGNED.has(type);
  if (rdatas.length === 1) return hasCase ? rdatas : [rdataKey(type, rdatas[0]!)];
  const sorted = hasCase ? [...rdatas] : rdatas.map((rdata) => rdataKey(type, rdata));
  sorted.sort(compareOctets);
  return sorted.filter((rdata, i) => rdata !== sorted[i - 1]);
}

function compareOctets(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

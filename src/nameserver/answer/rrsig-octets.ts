/** RRSIG records of a reply, from the octets of a zone, without objects (RFC 4034 §3.1). */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { FIELDS_OCTETS } from '../zone/signatures.ts';

/** An RRset with signatures (node-octets.ts). */
export interface SignedOctets {
  readonly octets: Uint8Array;
  readonly type: number;
  /** Offset of its TTL. */
  readonly ttl: number;
  /** Offset of the number of signatures. */
  readonly signatures: number;
  /** The apex of the zone in canonical form (RFC 4034 §6.2). */
  readonly signer: Uint8Array;
}

/** Of a record: its owner name as a pointer, type, class and TTL. */
export const NAME_TO_TTL_OCTETS = 10;
/** Of RRSIG RDATA: type covered and original TTL, which a signature of the zone does not have (signatures.ts). */
const COVERED_AND_TTL_OCTETS = 6;

/** @param at offset of the number of signatures */
export function rrsigsSize(octets: Uint8Array, at: number, signer: Uint8Array): number {
  let size = 0;
  let signature = at + 1;
  for (let count = octets[at]!; count > 0; count--) {
    const length = octets[signature]!;
    size += NAME_TO_TTL_OCTETS + 2 + COVERED_AND_TTL_OCTETS + signer.length + length;
    signature += 1 + length;
  }
  return size;
}

/** @param owner offset in the reply of the owner name @returns the offset after the records */
export function writeRrsigs(
  reply: Uint8Array,
  start: number,
  owner: number,
  { octets, type, ttl, signatures, signer }: SignedOctets,
): number {
  let from = signatures + 1;
  let to = start;
  for (let count = octets[signatures]!; count > 0; count--) {
    const length = octets[from++]!;
    const rdataOctets = COVERED_AND_TTL_OCTETS + signer.length + length;
    reply[to] = 0xc0 | (owner >> 8);
    reply[to + 1] = owner;
    reply[to + 2] = 0;
    reply[to + 3] = RRType.RRSIG;
    reply[to + 4] = 0;
    reply[to + 5] = RRClass.IN;
    for (let i = 0; i < 4; i++) reply[to + 6 + i] = octets[ttl + i]!;
    reply[to + 10] = rdataOctets >> 8;
    reply[to + 11] = rdataOctets;
    reply[to + 12] = type >> 8;
    reply[to + 13] = type;
    // Algorithm and labels.
    reply[to + 14] = octets[from]!;
    reply[to + 15] = octets[from + 1]!;
    for (let i = 0; i < 4; i++) reply[to + 16 + i] = octets[ttl + i]!;
    // Expiration, inception and key tag.
    for (let i = 2; i < FIELDS_OCTETS; i++) reply[to + 18 + i] = octets[from + i]!;
    to += 18 + FIELDS_OCTETS;
    for (let i = 0; i < signer.length; i++) reply[to + i] = signer[i]!;
    to += signer.length;
    for (let i = FIELDS_OCTETS; i < length; i++) reply[to + i - FIELDS_OCTETS] = octets[from + i]!;
    to += length - FIELDS_OCTETS;
    from += length;
  }
  return to;
}

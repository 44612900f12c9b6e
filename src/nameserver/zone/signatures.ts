/**
 * Signatures that belong to their RRset, and are no RRset of type RRSIG: an edit makes a new RRset, which has none. What follows from
 * the RRset and the zone is left out of them: a signature is the RDATA of its RRSIG (RFC 4034 §3.1) without the type covered, the
 * original TTL and the signer's name, one character per octet.
 */
import { RRType } from '../../dns/rdata.ts';
import { findRRset, type ZoneNode, type ZoneRecord, type ZoneRRset } from './zone-node.ts';

/** Octets of a signature in this form without what the key made: algorithm (1), labels (1), expiration (4), inception (4), key tag (2). */
export const FIELDS_OCTETS = 12;
/** Offsets in a signature in this form. */
export const EXPIRATION_IN_SIGNATURE = 2;
export const INCEPTION_IN_SIGNATURE = 6;
/** Offsets in RRSIG RDATA. */
const ALGORITHM_AT = 2;
const TTL_AT = 4;
const EXPIRATION_AT = 8;
const SIGNER_AT = 18;

/** @param rdata of an RRSIG whose signer's name has this number of octets */
export function signatureOf(rdata: string, signerOctets: number): string {
  return (
    rdata.slice(ALGORITHM_AT, TTL_AT) + rdata.slice(EXPIRATION_AT, SIGNER_AT) + rdata.slice(SIGNER_AT + signerOctets)
  );
}

/** @param apexKey `DomainName.key` of the apex, the signer's name in canonical form */
export function rrsigRdata({ type, ttl }: ZoneRRset, signature: string, apexKey: string): string {
  return (
    String.fromCharCode(type >> 8, type & 0xff) +
    signature.slice(0, 2) +
    String.fromCharCode(ttl >>> 24, (ttl >>> 16) & 0xff, (ttl >>> 8) & 0xff, ttl & 0xff) +
    signature.slice(2, FIELDS_OCTETS) +
    apexKey +
    signature.slice(FIELDS_OCTETS)
  );
}

/** An unsigned integer of 32 bits. */
export function readU32(octets: string, at: number): number {
  const high = (octets.charCodeAt(at) << 8) | octets.charCodeAt(at + 1);
  return high * 0x10000 + ((octets.charCodeAt(at + 2) << 8) | octets.charCodeAt(at + 3));
}

/** Seconds since 1970, modulo 2^32 (RFC 4034 §3.1.5). */
export function expirationOf(signature: string): number {
  return readU32(signature, EXPIRATION_IN_SIGNATURE);
}

/** Seconds since 1970, modulo 2^32. */
export function inceptionOf(signature: string): number {
  return readU32(signature, INCEPTION_IN_SIGNATURE);
}

export function keyTagOf(signature: string): number {
  return (signature.charCodeAt(10) << 8) | signature.charCodeAt(11);
}

/** The type that an RRSIG covers. */
export function typeCovered(rrsigRdata: string): number {
  return (rrsigRdata.charCodeAt(0) << 8) | rrsigRdata.charCodeAt(1);
}

/** The same data with these signatures; none: without. */
export function withSignatures({ type, ttl, rdatas }: ZoneRRset, signatures: readonly string[]): ZoneRRset {
  return signatures.length === 0 ? { type, ttl, rdatas } : { type, ttl, rdatas, signatures };
}

/** Itself if it has none. */
export function withoutSignatures(rrset: ZoneRRset): ZoneRRset {
  return rrset.signatures === undefined ? rrset : withSignatures(rrset, []);
}

/** The signatures of an RRset as records. */
export function* rrsigRecords(wireText: string, rrset: ZoneRRset, apexKey: string): Generator<ZoneRecord> {
  for (const signature of rrset.signatures ?? []) {
    yield { wireText, type: RRType.RRSIG, ttl: rrset.ttl, rdata: rrsigRdata(rrset, signature, apexKey) };
  }
}

/** A name with the signature of an RRSIG record added to the RRset that it covers, or removed; unchanged if it has no such RRset. */
export function withSignature(node: ZoneNode, rdata: string, apexKey: string, isAdded: boolean): ZoneNode {
  const covered = findRRset(node, typeCovered(rdata));
  if (covered === undefined) return node;
  const signature = signatureOf(rdata, apexKey.length);
  const others = (covered.signatures ?? []).filter((each) => each !== signature);
  const signed = withSignatures(covered, isAdded ? [...others, signature] : others);
  return mapRRsets(node, (rrset) => (rrset === covered ? signed : rrset));
}

/** A name with other objects for its RRsets; itself if they are the same. */
export function mapRRsets(node: ZoneNode, map: (rrset: ZoneRRset) => ZoneRRset): ZoneNode {
  const { key, wireText, children, signerRRsets } = node;
  const rrsets = node.rrsets.map(map);
  const ofSigner = signerRRsets?.map(map);
  if (isSame(rrsets, node.rrsets) && isSame(ofSigner, signerRRsets)) return node;
  return ofSigner === undefined
    ? { key, wireText, rrsets, children }
    : { key, wireText, rrsets, signerRRsets: ofSigner, children };
}

function isSame(a: readonly ZoneRRset[] | undefined, b: readonly ZoneRRset[] | undefined): boolean {
  return a === undefined || a.every((rrset, at) => rrset === b![at]);
}

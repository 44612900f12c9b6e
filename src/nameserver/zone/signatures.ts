/**
 * Signatures that belong to their RRset, and are no RRset of type RRSIG: an edit makes a new RRset, which has none. What follows from
 * the RRset and the zone is left out of them: a signature is the RDATA of its RRSIG (RFC 4034 §3.1) without the type covered, the
 * original TTL and the signer's name, one character per octet.
 */
import { RRType } from '../../dns/rdata.ts';
import type { ZoneRRset } from './zone-node.ts';
import { findRRset, readU32, type ZoneRecord } from './zone-version.ts';

/** Of a signature in this form: algorithm (1), labels (1), expiration (4), inception (4), key tag (2). */
const FIELDS_OCTETS = 12;
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

/** Seconds since 1970, modulo 2^32 (RFC 4034 §3.1.5). */
export function expirationOf(signature: string): number {
  return readU32(signature, 2);
}

/** Seconds since 1970, modulo 2^32. */
export function inceptionOf(signature: string): number {
  return readU32(signature, 6);
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

/** The signatures of an RRset as records. */
export function* rrsigRecords(wireText: string, rrset: ZoneRRset, apexKey: string): Generator<ZoneRecord> {
  for (const signature of rrset.signatures ?? []) {
    yield { wireText, type: RRType.RRSIG, ttl: rrset.ttl, rdata: rrsigRdata(rrset, signature, apexKey) };
  }
}

/** The RRsets of a name, with the signature of an RRSIG record added to the one that it covers. Unchanged if there is none. */
export function addSignature(rrsets: readonly ZoneRRset[], rdata: string, apexKey: string): readonly ZoneRRset[] {
  return changeSignatures(rrsets, rdata, apexKey, (present, signature) =>
    present.includes(signature) ? present : [...present, signature],
  );
}

export function removeSignature(rrsets: readonly ZoneRRset[], rdata: string, apexKey: string): readonly ZoneRRset[] {
  return changeSignatures(rrsets, rdata, apexKey, (present, signature) => present.filter((each) => each !== signature));
}

function changeSignatures(
  rrsets: readonly ZoneRRset[],
  rdata: string,
  apexKey: string,
  change: (present: readonly string[], signature: string) => readonly string[],
): readonly ZoneRRset[] {
  const covered = findRRset({ rrsets }, typeCovered(rdata));
  if (covered === undefined) return rrsets;
  const signatures = change(covered.signatures ?? [], signatureOf(rdata, apexKey.length));
  return rrsets.map((rrset) => (rrset === covered ? withSignatures(rrset, signatures) : rrset));
}

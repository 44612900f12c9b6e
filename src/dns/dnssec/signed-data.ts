/**
 * The octets that an RRSIG signs (RFC 4034 §3.1.8.1): its own fields without the signature, then each record in canonical form with the
 * original TTL. The period of its validity, in serial number arithmetic (RFC 4034 §3.1.5).
 */
import type { DomainName } from '../name.ts';
import { RRClass, type SignatureFields } from '../rdata.ts';
import { canonicalRdatas, type SignableRRset } from './canonical.ts';

/** Seconds since 1970; only the lower 32 bits are signed. */
export interface SignaturePeriod {
  readonly inception: number;
  readonly expiration: number;
}

/** Octets of the fields before the signer's name. */
const FIXED_OCTETS = 18;
/** Type, class, TTL and length of a record. */
const RECORD_FIELDS = 10;
const HALF = 2 ** 31;

/** Holds all but the largest RRsets. Can be shared, as writing and signing are synchronous. */
const SCRATCH = Buffer.alloc(4096);

/** Octets of RRSIG RDATA before the signature. */
export function signatureOffset(signer: DomainName): number {
  return FIXED_OCTETS + signer.octets.length;
}

/**
 * The octets to sign. They begin with the RDATA of the RRSIG before the signature, whose signer's name is in lower case.
 *
 * @param rrset with the owner name that is signed: for a record that was expanded from a wildcard, the wildcard
 * @returns octets that are valid until the next call
 */
export function signedData(fields: SignatureFields, rrset: SignableRRset): Buffer {
  const { ownerKey, type } = rrset;
  const rdatas = canonicalRdatas(type, rrset.rdatas);
  const start = signatureOffset(fields.signer);
  const recordLength = ownerKey.length + RECORD_FIELDS;
  let length = start;
  for (const rdata of rdatas) length += recordLength + rdata.length;
  const octets = length > SCRATCH.length ? Buffer.alloc(length) : SCRATCH;
  writeFields(octets, fields);
  let at = start;
  for (const rdata of rdatas) {
    if (at === start) {
      writeText(octets, ownerKey, at);
      const fieldsAt = at + ownerKey.length;
      octets.writeUInt16BE(type, fieldsAt);
      octets.writeUInt16BE(RRClass.IN, fieldsAt + 2);
      octets.writeUInt32BE(fields.originalTtl, fieldsAt + 4);
    } else octets.copyWithin(at, start, start + recordLength);
    at += recordLength;
    octets.writeUInt16BE(rdata.length, at - 2);
    writeText(octets, rdata, at);
    at += rdata.length;
  }
  return octets.subarray(0, length);
}

function writeFields(octets: Buffer, fields: SignatureFields): void {
  octets.writeUInt16BE(fields.typeCovered, 0);
  octets[2] = fields.algorithm;
  octets[3] = fields.labels;
  octets.writeUInt32BE(fields.originalTtl, 4);
  octets.writeUInt32BE(fields.expiration >>> 0, 8);
  octets.writeUInt32BE(fields.inception >>> 0, 12);
  octets.writeUInt16BE(fields.keyTag, 16);
  writeText(octets, fields.signer.key, FIXED_OCTETS);
}

/** A loop is faster than `write` for the few octets of names and addresses. */
function writeText(octets: Buffer, text: string, at: number): void {
  if (text.length > 40) octets.write(text, at, 'latin1');
  else for (let i = 0; i < text.length; i++) octets[at + i] = text.charCodeAt(i);
}

/** Labels of a name without the root; the `*` of a wildcard is not counted (RFC 4034 §3.1.3). @param key `DomainName.key` */
export function signedLabels(key: string): number {
  const first = key.charCodeAt(0);
  let count = first === 1 && key.charCodeAt(1) === 0x2a ? -1 : 0;
  for (let at = 0, length = first; length > 0; length = key.charCodeAt(at)) {
    count += 1;
    at += length + 1;
  }
  return count;
}

export type PeriodState = 'valid' | 'expired' | 'not-yet-valid' | 'invalid-period';

/**
 * Whether a signature is valid at a time (RFC 4035 §5.3.1): from inception to expiration, both included. A period of 2^31 seconds or more
 * is invalid, as it has no order.
 * @param now seconds since 1970
 */
export function periodState({ inception, expiration }: SignaturePeriod, now: number): PeriodState {
  const lengthSeconds = (expiration - inception) >>> 0;
  if (lengthSeconds >= HALF) return 'invalid-period';
  const ageSeconds = (now - inception) >>> 0;
  if (ageSeconds <= lengthSeconds) return 'valid';
  return ageSeconds < HALF ? 'expired' : 'not-yet-valid';
}

/**
 * Key tags (RFC 4034 appendix B) and DS digests (RFC 4509, RFC 6605), which connect a zone with its parent; the CDS and CDNSKEY that
 * ask the parent to delete the DS (RFC 8078 §4). Left out: the key tag of RSA/MD5 (RFC 4034 §B.1) and digests with SHA-1.
 */
import { createHash } from 'node:crypto';
import type { DomainName } from '../name.ts';
import type { DnskeyFields, DsFields, Rdata } from '../rdata.ts';
import { encodedRdata } from '../wire/rdata-codec.ts';

/** Flags of DNSKEY (RFC 4034 §2.1.1, RFC 5011 §7). */
export const DnskeyFlag = { ZONE: 0x0100, REVOKE: 0x0080, SEP: 0x0001 } as const;
/** The only value of the protocol field (RFC 4034 §2.1.2). */
export const DNSKEY_PROTOCOL = 3;

/** Digest types of DS (IANA "Digest Algorithms") that are known here. Our own DS records have SHA-256. */
export const DigestType = { SHA256: 2, SHA384: 4 } as const;

const HASHES: ReadonlyMap<number, string> = new Map([
  [DigestType.SHA256, 'sha256'],
  [DigestType.SHA384, 'sha384'],
]);

/** Fields alone, also of a CDNSKEY. */
function dnskeyOctets({ flags, protocol, algorithm, publicKey }: DnskeyFields): Buffer {
  return encodedRdata({ kind: 'DNSKEY', flags, protocol, algorithm, publicKey });
}

/** The sum of the RDATA in units of 16 bits (RFC 4034 appendix B). Different keys may have the same tag. */
export function keyTag(dnskey: DnskeyFields): number {
  let sum = 0;
  dnskeyOctets(dnskey).forEach((octet, i) => {
    sum += i & 1 ? octet : octet << 8;
  });
  return (sum + (sum >>> 16)) & 0xffff;
}

function digestOf(hash: string, zone: DomainName, dnskey: DnskeyFields): Buffer {
  return createHash(hash).update(zone.key, 'latin1').update(dnskeyOctets(dnskey)).digest();
}

/** The DS of a key with SHA-256 (RFC 4034 §5.1.4, RFC 4509). @param zone whose key it is */
export function dsOfKey(zone: DomainName, dnskey: DnskeyFields): DsFields {
  const digest = Uint8Array.from(digestOf('sha256', zone, dnskey));
  return { keyTag: keyTag(dnskey), algorithm: dnskey.algorithm, digestType: DigestType.SHA256, digest };
}

/** Whether a DS or CDS is of this key (RFC 4035 §5.2). `unsupported`: the digest type is not known here. */
export function matchDs(zone: DomainName, dnskey: DnskeyFields, ds: DsFields): 'match' | 'different' | 'unsupported' {
  if (ds.algorithm !== dnskey.algorithm || ds.keyTag !== keyTag(dnskey)) return 'different';
  const hash = HASHES.get(ds.digestType);
  if (hash === undefined) return 'unsupported';
  return digestOf(hash, zone, dnskey).equals(ds.digest) ? 'match' : 'different';
}

/** "Delete all DS records" (RFC 8078 §4). */
export const CDS_DELETE: Rdata & DsFields = {
  kind: 'CDS',
  keyTag: 0,
  algorithm: 0,
  digestType: 0,
  digest: Uint8Array.of(0),
};
export const CDNSKEY_DELETE: Rdata & DnskeyFields = {
  kind: 'CDNSKEY',
  flags: 0,
  protocol: DNSKEY_PROTOCOL,
  algorithm: 0,
  publicKey: Uint8Array.of(0),
};

/** True for a CDS or CDNSKEY that asks for the deletion: its algorithm is 0 (RFC 8078 §4). */
export function isDeleteRequest(record: DsFields | DnskeyFields): boolean {
  return record.algorithm === 0;
}

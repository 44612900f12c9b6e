/**
 * Signature algorithms of DNSSEC on keys of node:crypto, one row per algorithm: RFC 5702 (RSA), RFC 6605 (ECDSA), RFC 8080 (Ed25519,
 * Ed448). Left out: algorithms with SHA-1, DSA and GOST, which must not be used (RFC 8624 §3.1), and private ones.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

/** Numbers of the algorithms that zones are signed with (IANA "DNS Security Algorithm Numbers"). */
export const DnssecAlgorithm = { ECDSAP256SHA256: 13, ED25519: 15 } as const;

interface AlgorithmRow {
  /** For node:crypto; null where the algorithm has its own. */
  readonly hash: string | null;
  /** The public key of a DNSKEY record; undefined if the octets have a wrong length. */
  readonly jwk: (publicKey: Buffer) => JsonWebKey | undefined;
}

const base64url = (octets: Buffer): string => octets.toString('base64url');

/** RFC 6605 §4: the coordinates of the point. */
const ecdsa = (hash: string, crv: string, size: number): AlgorithmRow => ({
  hash,
  jwk: (publicKey) => {
    if (publicKey.length !== size * 2) return undefined;
    return { kty: 'EC', crv, x: base64url(publicKey.subarray(0, size)), y: base64url(publicKey.subarray(size)) };
  },
});

const eddsa = (crv: string, size: number): AlgorithmRow => ({
  hash: null,
  jwk: (publicKey) => (publicKey.length === size ? { kty: 'OKP', crv, x: base64url(publicKey) } : undefined),
});

/** Bounds the work of a verification: BIND has the same limits. */
const RSA_EXPONENT_BITS = 35;
/** RFC 5702 §2. */
const RSA_MODULUS_BITS = 4096;

/** RFC 3110 §2: the length of the exponent in one octet, or 0 and two octets; the exponent; the modulus. */
const rsa = (hash: string, leastBits: number): AlgorithmRow => ({
  hash,
  jwk: (publicKey) => {
    if (publicKey.length < 3) return undefined;
    const isShort = publicKey[0] !== 0;
    const exponentAt = isShort ? 1 : 3;
    const modulusAt = exponentAt + (isShort ? publicKey[0]! : publicKey.readUInt16BE(1));
    const exponent = publicKey.subarray(exponentAt, modulusAt);
    const modulus = publicKey.subarray(modulusAt);
    const bits = bitLength(modulus);
    if (bits < leastBits || bits > RSA_MODULUS_BITS || bitLength(exponent) > RSA_EXPONENT_BITS) return undefined;
    return { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) };
  },
});

function bitLength(octets: Buffer): number {
  const first = octets.findIndex((octet) => octet > 0);
  return first < 0 ? 0 : (octets.length - first) * 8 - (Math.clz32(octets[first]!) - 24);
}

const ALGORITHMS: ReadonlyMap<number, AlgorithmRow> = new Map([
  [8, rsa('sha256', 512)],
  [10, rsa('sha512', 1024)],
  [DnssecAlgorithm.ECDSAP256SHA256, ecdsa('sha256', 'P-256', 32)],
  [14, ecdsa('sha384', 'P-384', 48)],
  [DnssecAlgorithm.ED25519, eddsa('Ed25519', 32)],
  [16, eddsa('Ed448', 57)],
]);

/** True if signatures of this algorithm can be verified here. */
export function canVerify(algorithm: number): boolean {
  return ALGORITHMS.has(algorithm);
}

/** The key of a DNSKEY record; undefined if the octets are not a key of this algorithm. */
export function importPublicKey(algorithm: number, publicKey: Uint8Array): KeyObject | undefined {
  const { buffer, byteOffset, length } = publicKey;
  const jwk = ALGORITHMS.get(algorithm)?.jwk(Buffer.from(buffer, byteOffset, length));
  if (jwk === undefined) return undefined;
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    // A point that is not on the curve.
    return undefined;
  }
}

/** @param key from `importPublicKey` with this algorithm */
export function isSignatureOf(algorithm: number, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(ALGORITHMS.get(algorithm)!.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/**
 * A key that signs a zone: ECDSAP256SHA256 (RFC 6605) or ED25519 (RFC 8080). It signs with one KeyObject for its whole life; making
 * one for each signature costs more than signing. Making a new key pair is left to the caller, as it needs randomness.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import type { DomainName } from '../name.ts';
import type { DnskeyFields } from '../rdata.ts';
import { DnssecAlgorithm } from './algorithms.ts';
import type { SignableRRset } from './canonical.ts';
import { DNSKEY_PROTOCOL, DnskeyFlag, keyTag } from './delegation.ts';
import { type SignaturePeriod, signatureOffset, signedData, signedLabels } from './signed-data.ts';

/** Flags of a key that signs everything in its zone and that the parent's DS refers to. */
export const COMBINED_KEY = DnskeyFlag.ZONE | DnskeyFlag.SEP;

/** Of both algorithms (RFC 6605 §4, RFC 8080 §4). */
export const SIGNATURE_OCTETS = 64;

export class SigningKey {
  readonly zone: DomainName;
  readonly dnskey: DnskeyFields;
  readonly keyTag: number;
  readonly privateKey: KeyObject;
  readonly #hash: 'sha256' | null;
  readonly #signatureOffset: number;
  readonly #signer: { readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363' };

  /**
   * @param privateKey of the curve P-256 or Ed25519
   * @throws TypeError if it is another one
   */
  constructor(zone: DomainName, privateKey: KeyObject, flags: number = COMBINED_KEY) {
    const { algorithm, publicKey } = readPublicKey(createPublicKey(privateKey).export({ format: 'jwk' }));
    this.zone = zone;
    this.dnskey = { flags, protocol: DNSKEY_PROTOCOL, algorithm, publicKey };
    this.keyTag = keyTag(this.dnskey);
    this.privateKey = privateKey;
    this.#hash = algorithm === DnssecAlgorithm.ED25519 ? null : 'sha256';
    this.#signatureOffset = signatureOffset(zone);
    this.#signer = { key: privateKey, dsaEncoding: 'ieee-p1363' };
  }

  /**
   * Signs an RRset (RFC 4035 §2.2). Two signatures of ECDSA are never equal, even of the same RRset.
   * @returns the RDATA of the RRSIG, wire octets as a latin1 string; the signature is its last SIGNATURE_OCTETS
   */
  sign(rrset: SignableRRset, { inception, expiration }: SignaturePeriod): string {
    const fields = {
      typeCovered: rrset.type,
      algorithm: this.dnskey.algorithm,
      labels: signedLabels(rrset.ownerKey),
      originalTtl: rrset.ttl,
      expiration,
      inception,
      keyTag: this.keyTag,
      signer: this.zone,
    };
    const data = signedData(fields, rrset);
    const signature = sign(this.#hash, data, this.#signer);
    return data.toString('latin1', 0, this.#signatureOffset) + signature.toString('latin1');
  }
}

function readPublicKey({ crv, x, y }: JsonWebKey): Pick<DnskeyFields, 'algorithm' | 'publicKey'> {
  const octets = (...texts: (string | undefined)[]): Uint8Array =>
    Uint8Array.from(Buffer.concat(texts.map((text) => Buffer.from(text!, 'base64url'))));
  if (crv === 'P-256') return { algorithm: DnssecAlgorithm.ECDSAP256SHA256, publicKey: octets(x, y) };
  if (crv === 'Ed25519') return { algorithm: DnssecAlgorithm.ED25519, publicKey: octets(x) };
  throw new TypeError('The key is not one of P-256 or Ed25519.');
}

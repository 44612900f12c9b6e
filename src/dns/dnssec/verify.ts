/**
 * Verifies signatures of RRsets (RFC 4035 §5.3), for tests and for `dyndns doctor`. Left out: the chain of trust, proofs that a name
 * does not exist, and caching.
 */
import type { KeyObject } from 'node:crypto';
import { DomainName } from '../name.ts';
import { type DnskeyFields, RRType, type SignatureFields } from '../rdata.ts';
import { canVerify, importPublicKey, isSignatureOf } from './algorithms.ts';
import type { SignableRRset } from './canonical.ts';
import { DNSKEY_PROTOCOL, DnskeyFlag, keyTag } from './delegation.ts';
import { type PeriodState, periodState, signedData, signedLabels } from './signed-data.ts';

/** `RRSIG` RDATA. */
export type Signature = SignatureFields & { readonly signature: Uint8Array };

/**
 * The first rule that a signature does not meet, in the order in which they are checked (RFC 4035 §5.3.1 to §5.3.3):
 *
 * - `other-type`: it covers another type;
 * - `outside-zone`: the owner name is not in the zone;
 * - `other-signer`: the signer's name is not the zone;
 * - `too-many-labels`: more labels than the owner name has;
 * - `expired`, `not-yet-valid`, `invalid-period`: see `periodState`;
 * - `unsupported-algorithm`: it cannot be verified here (algorithms.ts);
 * - `no-key`: no DNSKEY has its algorithm and key tag;
 * - `unusable-key`: such a key is not a zone key, has another protocol than 3, is revoked, or is malformed;
 * - `wrong-signature`: it is not the signature of this RRset by such a key.
 */
export type SignatureFault =
  | 'other-type'
  | 'outside-zone'
  | 'other-signer'
  | 'too-many-labels'
  | Exclude<PeriodState, 'valid'>
  | 'unsupported-algorithm'
  | 'no-key'
  | 'unusable-key'
  | 'wrong-signature';

/** `expanded`: valid, and the RRset comes from a wildcard; the reply must prove that no closer name exists (RFC 4035 §5.3.4). */
export type SignatureOutcome = 'valid' | 'expanded' | SignatureFault;

/** Keys of one algorithm and tag that are tried. Honest zones have one; more would let a zone multiply the work of a verifier. */
const MAX_KEYS_TRIED = 4;

/** The DNSKEY RRset of a zone, to verify many RRsets. */
export class ZoneKeys {
  readonly zone: DomainName;
  /** By algorithm and key tag. */
  readonly #keys = new Map<number, PublicKey[]>();

  constructor(zone: DomainName, dnskeys: readonly DnskeyFields[]) {
    this.zone = zone;
    for (const dnskey of dnskeys) {
      const id = keyId(dnskey.algorithm, keyTag(dnskey));
      const keys = this.#keys.get(id);
      if (keys === undefined) this.#keys.set(id, [new PublicKey(dnskey)]);
      else if (keys.length < MAX_KEYS_TRIED) keys.push(new PublicKey(dnskey));
    }
  }

  /** @param now seconds since 1970 */
  verify(rrset: SignableRRset, signature: Signature, now: number): SignatureOutcome {
    const ownerName = DomainName.ofWire(Buffer.from(rrset.ownerKey, 'latin1'));
    if (signature.typeCovered !== rrset.type) return 'other-type';
    if (!ownerName.isAtOrBelow(this.zone)) return 'outside-zone';
    if (!signature.signer.equals(this.zone)) return 'other-signer';
    if (signature.labels > signedLabels(rrset.ownerKey)) return 'too-many-labels';
    const state = periodState(signature, now);
    if (state !== 'valid') return state;
    if (!canVerify(signature.algorithm)) return 'unsupported-algorithm';
    const keys = this.#keys.get(keyId(signature.algorithm, signature.keyTag));
    if (keys === undefined) return 'no-key';
    const usable = keys.filter((key) => key.maySign(rrset.type));
    if (usable.length === 0) return 'unusable-key';
    const signedOwnerKey = signedOwner(rrset.ownerKey, ownerName.labelCount, signature.labels);
    const data = signedData(signature, { ...rrset, ownerKey: signedOwnerKey });
    if (!usable.some((key) => key.verify(data, signature.signature))) return 'wrong-signature';
    return signedOwnerKey === rrset.ownerKey ? 'valid' : 'expanded';
  }
}

function keyId(algorithm: number, tag: number): number {
  return algorithm * 0x10000 + tag;
}

/** The owner name itself, or the wildcard with the right-most `labels` labels (RFC 4035 §5.3.2). */
function signedOwner(ownerKey: string, count: number, labels: number): string {
  if (labels >= count) return ownerKey;
  let rest = ownerKey;
  for (let i = count; i > labels; i--) rest = rest.slice(rest.charCodeAt(0) + 1);
  return `\x01*${rest}`;
}

class PublicKey {
  readonly #dnskey: DnskeyFields;
  /** null: the octets are not a key. */
  #key: KeyObject | null | undefined;

  constructor(dnskey: DnskeyFields) {
    this.#dnskey = dnskey;
  }

  /** RFC 4035 §5.3.1. A revoked key signs its own RRset only (RFC 5011 §2.1). */
  maySign(type: number): boolean {
    const { flags, protocol } = this.#dnskey;
    if ((flags & DnskeyFlag.ZONE) === 0 || protocol !== DNSKEY_PROTOCOL) return false;
    if ((flags & DnskeyFlag.REVOKE) !== 0 && type !== RRType.DNSKEY) return false;
    return this.#import() !== null;
  }

  verify(data: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#import();
    return key !== null && isSignatureOf(this.#dnskey.algorithm, key, data, signature);
  }

  #import(): KeyObject | null {
    if (this.#key === undefined) {
      this.#key = importPublicKey(this.#dnskey.algorithm, this.#dnskey.publicKey) ?? null;
    }
    return this.#key;
  }
}

/** Signs the RRsets of one name that its zone has authority for (RFC 4035 §2.2), in the main thread and in others. */
import type { SigningKey } from '../../dns/dnssec/signing-key.ts';
import { RRType } from '../../dns/rdata.ts';
import { mapRRsets, signatureOf, withoutSignatures, withSignatures } from '../zone/signatures.ts';
import { isChainType } from '../zone/signer-types.ts';
import { findRRset, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';

/** Clocks of validators may be behind. */
export const INCEPTION_BEFORE_SECONDS = 3_600;

/** From when on a signature is valid, and how long. */
export interface Validity {
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  readonly validitySeconds: number;
}

/** Where a name is in its zone. */
export interface NamePlace {
  readonly isApex: boolean;
  /** A delegation or DNAME is above it. */
  readonly isCovered: boolean;
}

/** A name whose RRsets are those that `sign` returns, without signatures where the zone has no authority; itself if they are the same. */
export function mapAuthoritative(
  node: ZoneNode,
  { isApex, isCovered }: NamePlace,
  sign: (rrset: ZoneRRset) => ZoneRRset,
): ZoneNode {
  const isDelegation = !isApex && findRRset(node, RRType.NS) !== undefined;
  return mapRRsets(node, (rrset) => {
    const { type } = rrset;
    const isAuthoritative = !isCovered && (!isDelegation || type === RRType.DS || isChainType(type));
    return isAuthoritative ? sign(rrset) : withoutSignatures(rrset);
  });
}

/** An RRset with a signature of each key. */
export function signRRset(
  rrset: ZoneRRset,
  ownerKey: string,
  keys: readonly SigningKey[],
  validity: Validity,
): ZoneRRset {
  return withSignatures(
    rrset,
    keys.map((key) => signatureBy(key, rrset, ownerKey, validity)),
  );
}

/** In the form of signatures.ts. */
export function signatureBy(
  key: SigningKey,
  { type, ttl, rdatas }: ZoneRRset,
  ownerKey: string,
  { nowSeconds, validitySeconds }: Validity,
): string {
  const period = { inception: nowSeconds - INCEPTION_BEFORE_SECONDS, expiration: nowSeconds + validitySeconds };
  return signatureOf(key.sign({ ownerKey, type, ttl, rdatas }, period), key.zone.octets.length);
}

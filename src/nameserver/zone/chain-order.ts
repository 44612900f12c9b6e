/** What answers ask of the chain of a signed zone (signing/chain.ts). */

/** Octets of the first label of the owner name of an NSEC3 record: a hash in base32hex (RFC 5155 §3). */
export const HASH_LABEL_OCTETS = 32;

/** By what the records of an NSEC or NSEC3 chain are found. Order keys: see signing/chain-kind.ts. */
export interface ProofOrder {
  /** `DomainName.key` of the owner of the record that matches or covers a name: the one at or before its order key, in a circle. */
  ownerAtOrBefore(key: string): string | undefined;
}

/** In the main thread. */
export interface ChainOrder extends ProofOrder {
  /** Names of the zone's table that only have a record of the chain. */
  readonly hashedNames: number;
  /** Its memory as it is now, for the threads that read it (signing/chain-reader.ts). */
  share(): SharedChain;
  /** As SharedOrder. */
  readonly shape: number;
}

export interface SharedChain {
  readonly chain: 'nsec' | 'nsec3';
  readonly order: SharedOrder;
}

/** The memory of an ordered set (signing/ordered-octets.ts), to be sent to a thread. */
export interface SharedOrder {
  readonly chunks: readonly SharedArrayBuffer[];
  /** Of OrderedHeader. */
  readonly header: SharedArrayBuffer;
  /** The number of this shape: it changes when the set gets more memory. */
  readonly shape: number;
}

/** What answers ask of the chain of a signed zone (signing/chain.ts). */

/** By what the records of an NSEC or NSEC3 chain are found. Order keys: see signing/chain-kind.ts. */
export interface ChainOrder {
  /** `DomainName.key` of the owner of the record that matches or covers a name: the one at or before its order key, in a circle. */
  ownerAtOrBefore(key: string): string | undefined;
  /** Names of the zone's table that only have a record of the chain. */
  readonly hashedNames: number;
  /** True if the chain has a record for just this name. */
  has(key: string): boolean;
}

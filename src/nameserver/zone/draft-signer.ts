/** What a zone asks of its signer (signing/zone-signer.ts). */
import type { ZoneDraft } from './draft.ts';

/** Completes the drafts of a signed zone. */
export interface DraftSigner {
  /** An edit: the keys at the apex, which make an unsigned zone a signed one. `sign` completes it. */
  setKeys(draft: ZoneDraft): void;
  /** Makes chain and signatures of what was edited. The draft has its new serial. */
  sign(draft: ZoneDraft): void;
  /** The oldest draft that `sign` completed and that is not published yet is published. */
  publish(): void;
  /** None of the drafts that are not published will be. */
  abandon(): void;
  /** Of the published version. */
  readonly order: ChainOrder;
}

/** By what the records of an NSEC or NSEC3 chain are found. Order keys: see signing/chain-kind.ts. */
export interface ChainOrder {
  /** `DomainName.key` of the owner of the record that matches or covers a name: the one at or before its order key, in a circle. */
  ownerAtOrBefore(key: string): string | undefined;
  /** True if the chain has a record for just this name. */
  has(key: string): boolean;
}

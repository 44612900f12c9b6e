/** Contracts: how the core reads and changes a zone, and how DNS UPDATE changes one. Each has one contract suite. */
import type { DomainName } from '../../dns/name.ts';
import type { RRset } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneChange, ZoneEdit } from '../../dns/zone-change.ts';

/** The members of one address RRset; empty without an RRset. */
export interface AddressSet {
  /** Canonical texts, sorted. */
  readonly addresses: readonly string[];
  /** Seconds; 0 without addresses. */
  readonly ttl: number;
}

/** The address RRsets at one owner name. */
export interface PublishedAddresses {
  readonly A: AddressSet;
  readonly AAAA: AddressSet;
}

export type ReadOutcome =
  | { readonly kind: 'addresses'; readonly published: PublishedAddresses }
  /** A CNAME answers for the name: its own, or a wildcard's. */
  | { readonly kind: 'cname' }
  /** The name lies below a delegation, or below a DNAME: data at it would not be seen. */
  | { readonly kind: 'occluded'; readonly by: string };

/**
 * - `published`: all prerequisites held and all edits are visible at the primary.
 * - `stale`: a prerequisite did not hold; nothing was changed.
 */
export type PublishOutcome = 'published' | 'stale' | StaleNames;

/** The same as `stale`, with what the primary answered since. */
export interface StaleNames {
  readonly kind: 'stale';
  /** Of the names of the change, in their order. */
  readonly reads: readonly ReadOutcome[];
}

/**
 * Publishes changes of one zone. Deadlines are values of the monotonic clock, in ms.
 *
 * Every implementation passes test/contract/zone-publisher.ts.
 */
export interface ZonePublisher {
  /**
   * The addresses that were published when the name was last seen: a free guess, which a prerequisite of a change must
   * confirm. Undefined if the name is not cached.
   */
  recall(ownerName: DomainName): PublishedAddresses | undefined;

  /**
   * The primary's own answer now for A and AAAA. Under a wildcard it may be the wildcard's: whether the name has the
   * addresses itself, only a prerequisite shows.
   * @throws AppError primary-*
   */
  read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome>;

  /** One RRset as the primary answers it now; undefined where there is none. @throws AppError primary-* */
  readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined>;

  /**
   * Checks the prerequisites of a change and makes all its edits visible, or none.
   *
   * - A change without edits only checks, writes nothing and leaves the serial as it is.
   * - No reply throws publish-unknown, never "refused": the primary may have applied it.
   * @throws AppError primary-*, publish-unknown
   */
  publish(change: ZoneChange, deadlineMs: number): Promise<PublishOutcome>;

  /** Closes connections; what is in flight fails. */
  close(): void;
}

/** The result of one UPDATE message (RFC 2136 §3.8). */
export type UpdateOutcome =
  /** All edits were made, or nothing had to change: an edit that RFC 2136 §3.4.2 ignores is done as well. */
  | { readonly kind: 'applied' }
  /** A prerequisite did not hold; the word is the RCODE (RFC 2136 §3.2.5). Nothing was changed. */
  | { readonly kind: 'unmet'; readonly rcode: 'YXDOMAIN' | 'YXRRSET' | 'NXDOMAIN' | 'NXRRSET' }
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly why: string };

/** What an update has changed at one name. */
export interface ChangedName {
  readonly ownerName: DomainName;
  /** Types whose RRsets are others than before. Not empty. */
  readonly types: readonly number[];
  readonly before: PublishedAddresses;
  readonly after: PublishedAddresses;
}

/** What an update must comply with. */
export interface EditRules {
  /**
   * Why an edit is not allowed, or undefined; `types` are those that it touches, for the deletion of a name those that exist
   * there. What it throws refuses the update, too.
   */
  refusal(edit: ZoneEdit, types: readonly number[]): string | undefined;
  /**
   * Refuse the update where RFC 2136 §3.4.2 would ignore an edit, for example data beside a CNAME; and learn of a late disk by
   * publish-unknown, where UPDATE waits.
   */
  readonly isStrict?: boolean;
  /** The serial that the zone must have; a change in flight is a later one. Else the update throws PreconditionFailed. */
  readonly serial?: number | undefined;
  /** Called when all edits are made, and before they are published. What it throws undoes them, and refuses the update. */
  accept?(changed: readonly ChangedName[]): void;
}

/** A zone that we are the primary of, as requestors of UPDATE change it. */
export interface UpdatableZone {
  /**
   * Checks the prerequisites, then calls `refusal` for every edit, then makes all of them, or none, in one step of the serial.
   * Resolves when that is on disk.
   * All names are in the zone.
   * @throws AppError primary-*, publish-unknown, and what the rules throw
   */
  applyUpdate(
    update: { readonly prerequisites: readonly Prerequisite[]; readonly edits: readonly ZoneEdit[] },
    rules: EditRules,
    deadlineMs: number,
  ): Promise<UpdateOutcome>;
}

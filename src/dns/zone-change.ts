/**
 * One atomic change of one zone in the terms of RFC 2136: prerequisites that must hold, and edits that are applied
 * together. `update.ts` converts it to and from the sections of an UPDATE message.
 */
import type { DomainName } from './name.ts';
import type { Rdata } from './rdata.ts';
import type { RRset } from './rrset.ts';

/** RFC 2136 §2.4. */
export type Prerequisite =
  /** RFC 2136 §2.4.1: the name has at least one record of the type. */
  | { readonly kind: 'rrset-exists'; readonly ownerName: DomainName; readonly type: number }
  /** RFC 2136 §2.4.2: the RRset has exactly these members. TTLs are not compared. */
  | {
      readonly kind: 'rrset-equals';
      readonly ownerName: DomainName;
      readonly type: number;
      readonly rdatas: readonly Rdata[];
    }
  /** RFC 2136 §2.4.3: the name has no record of the type. */
  | { readonly kind: 'rrset-absent'; readonly ownerName: DomainName; readonly type: number }
  /** RFC 2136 §2.4.4: the name has at least one record. */
  | { readonly kind: 'name-in-use'; readonly ownerName: DomainName }
  /** RFC 2136 §2.4.5: the name has no records. */
  | { readonly kind: 'name-not-in-use'; readonly ownerName: DomainName };

/** RFC 2136 §2.5. */
export type ZoneEdit =
  /** RFC 2136 §2.5.2 followed by §2.5.1: deletes the RRset and adds this one. */
  | { readonly kind: 'replace-rrset'; readonly rrset: RRset }
  /** RFC 2136 §2.5.1. */
  | { readonly kind: 'add-to-rrset'; readonly rrset: RRset }
  /** RFC 2136 §2.5.2. */
  | { readonly kind: 'delete-rrset'; readonly ownerName: DomainName; readonly type: number }
  /** RFC 2136 §2.5.3. */
  | { readonly kind: 'delete-name'; readonly ownerName: DomainName }
  /** RFC 2136 §2.5.4. */
  | {
      readonly kind: 'delete-from-rrset';
      readonly ownerName: DomainName;
      readonly type: number;
      readonly rdatas: readonly Rdata[];
    };

/** The name that an edit changes. */
export function ownerOfEdit(edit: ZoneEdit): DomainName {
  return 'rrset' in edit ? edit.rrset.ownerName : edit.ownerName;
}

export interface ZoneChange {
  /** The apex. */
  readonly zone: DomainName;
  /** The changed name: its addresses after the change follow from prerequisites and edits. */
  readonly ownerName: DomainName;
  /** Further changed names, as for the members of a host. */
  readonly otherNames?: readonly DomainName[];
  readonly prerequisites: readonly Prerequisite[];
  /** Not empty. */
  readonly edits: readonly ZoneEdit[];
}

/** `ownerName` and `otherNames`. */
export function changedNames({ ownerName, otherNames }: ZoneChange): readonly DomainName[] {
  return otherNames === undefined ? [ownerName] : [ownerName, ...otherNames];
}

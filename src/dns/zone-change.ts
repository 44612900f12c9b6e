/**
 * One atomic change of one zone in the terms of RFC 2136: prerequisites that must hold, and edits that land together.
 * `update.ts` turns it into the sections of an UPDATE message and back.
 */
import type { DomainName } from './name.ts';
import type { Rdata } from './rdata.ts';
import type { RRset } from './rrset.ts';

/** RFC 2136 §2.4. */
export type Prerequisite =
  /** §2.4.1: at least one record of the type is at the name. */
  | { readonly kind: 'rrset-exists'; readonly ownerName: DomainName; readonly type: number }
  /** §2.4.2: the RRset has exactly these members; the TTL does not count. */
  | {
      readonly kind: 'rrset-equals';
      readonly ownerName: DomainName;
      readonly type: number;
      readonly rdatas: readonly Rdata[];
    }
  /** §2.4.3: no record of the type is at the name. */
  | { readonly kind: 'rrset-absent'; readonly ownerName: DomainName; readonly type: number }
  /** §2.4.4: some record is at the name. */
  | { readonly kind: 'name-in-use'; readonly ownerName: DomainName }
  /** §2.4.5: no record is at the name. */
  | { readonly kind: 'name-not-in-use'; readonly ownerName: DomainName };

/** RFC 2136 §2.5. */
export type ZoneEdit =
  /** §2.5.2 and §2.5.1 in one: what was there goes, these come. */
  | { readonly kind: 'replace-rrset'; readonly rrset: RRset }
  /** §2.5.1. */
  | { readonly kind: 'add-to-rrset'; readonly rrset: RRset }
  /** §2.5.2. */
  | { readonly kind: 'delete-rrset'; readonly ownerName: DomainName; readonly type: number }
  /** §2.5.3. */
  | { readonly kind: 'delete-name'; readonly ownerName: DomainName }
  /** §2.5.4. */
  | {
      readonly kind: 'delete-from-rrset';
      readonly ownerName: DomainName;
      readonly type: number;
      readonly rdatas: readonly Rdata[];
    };

export interface ZoneChange {
  /** Apex of the zone that is changed. */
  readonly zone: DomainName;
  /** The name the change is about: what comes of the data at it can be told from the change. */
  readonly ownerName: DomainName;
  /** Further names that it is about in the same way. */
  readonly otherNames?: readonly DomainName[];
  readonly prerequisites: readonly Prerequisite[];
  /** Not empty. */
  readonly edits: readonly ZoneEdit[];
}

/** All names that a change is about. */
export function changedNames({ ownerName, otherNames }: ZoneChange): readonly DomainName[] {
  return otherNames === undefined ? [ownerName] : [ownerName, ...otherNames];
}

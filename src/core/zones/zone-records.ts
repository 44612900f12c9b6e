/**
 * Contract: how all records of a zone that this server is the primary of are read, and changed many at a time. Zones of other
 * primaries have no such port: DNS shows single RRsets of them alone.
 */
import type { DomainName } from '../../dns/name.ts';
import type { RRset } from '../../dns/rrset.ts';
import type { UpdatableZone } from './publisher.ts';

export interface StoredRRset extends RRset {
  /** The configuration sets it: no client can change it. */
  readonly isStatic: boolean;
}

export interface StoredName {
  /** In lower case. */
  readonly ownerName: DomainName;
  readonly rrsets: readonly StoredRRset[];
}

/** Decides by `DomainName.key`: a zone may have a million names. */
export type NameFilter = (key: string) => boolean;

/** The published records of a zone at one serial. It does not change. */
export interface ZoneSnapshot {
  readonly serial: number;

  /** The records at a name; undefined: none. */
  find(ownerName: DomainName): StoredName | undefined;

  /** The names with records, unordered, in pieces. Between two steps of the search queries are answered. */
  names(isWanted: NameFilter): AsyncGenerator<readonly StoredName[], void, undefined>;

  /**
   * A page of the names with records, in canonical order (RFC 4034 §6.1): the first `limit` that are after `after`. It searches the
   * whole zone, like `names`.
   */
  page(isWanted: NameFilter, limit: number, after?: DomainName): Promise<readonly StoredName[]>;
}

export interface ZoneRecords {
  /** The newest version on disk. @throws AppError primary-refused where the zone is not served */
  snapshot(): ZoneSnapshot;
  readonly updates: UpdatableZone;
}

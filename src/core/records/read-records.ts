/** Reads the records of a zone that a scope may see: single names at once, patterns by a search in time slices. */
import { DomainName } from '../../dns/name.ts';
import type { Zone, ZoneTable } from '../zones/zone.ts';
import type { NameFilter, StoredName, ZoneRecords, ZoneSnapshot } from '../zones/zone-records.ts';
import { placesIn, type RecordScope } from './record-scope.ts';

/** A zone that this server is the primary of. */
export interface RecordZone extends Zone {
  readonly records: ZoneRecords;
}

export interface RecordFilter {
  /** This name alone. */
  readonly ownerName?: DomainName | undefined;
  /** RRsets of this type alone. */
  readonly type?: number | undefined;
}

/** The zone, if this server is its primary and the scope has something in it; any other is as unknown as one that does not exist. */
export function findRecordZone(zones: ZoneTable, scope: RecordScope, apex: DomainName): RecordZone | undefined {
  const zone = zones.findByApex(apex);
  return zone !== undefined && isRecordZone(zone) && placesIn(zones, zone, scope).kind !== 'none' ? zone : undefined;
}

/** All zones of which this server is the primary and in which the scope has something. */
export function recordZones(zones: ZoneTable, scope: RecordScope): readonly RecordZone[] {
  return zones.all.filter(isRecordZone).filter((zone) => placesIn(zones, zone, scope).kind !== 'none');
}

function isRecordZone(zone: Zone): zone is RecordZone {
  return zone.records !== undefined;
}

/** The names with RRsets that the scope may see, in pieces, unordered. */
export async function* readRecords(
  zones: ZoneTable,
  zone: RecordZone,
  snapshot: ZoneSnapshot,
  scope: RecordScope,
  filter: RecordFilter = {},
): AsyncGenerator<readonly StoredName[], void, undefined> {
  const { ownerName, type } = filter;
  const places = placesIn(zones, zone, scope);
  const visible = (names: readonly StoredName[]) => names.flatMap((name) => visiblePart(name, scope, type));
  if (places.kind === 'none') return;
  if (ownerName === undefined && places.kind === 'search') {
    for await (const names of snapshot.names(places.isWanted)) yield visible(names);
    return;
  }
  const single = ownerName === undefined ? undefined : zones.find(ownerName) === zone ? [ownerName] : [];
  const names = single ?? (places.kind === 'names' ? places.names : []);
  yield visible(names.flatMap((name) => snapshot.find(name) ?? []));
}

export interface RecordPage {
  readonly names: readonly StoredName[];
  /** The name after which the next page begins; absent: this is the last. */
  readonly next?: DomainName;
}

export interface PageFilter {
  /** Whether a name is wanted, by `DomainName.key`. */
  readonly isWanted?: NameFilter;
  readonly type?: number | undefined;
}

/**
 * A page of the names, in canonical order (RFC 4034 §6.1). A page of a search can have fewer names than `limit` and a `next`: names
 * without a visible RRset of the type are left out after the search.
 * @param after a name of the zone
 */
export async function readRecordPage(
  zones: ZoneTable,
  zone: RecordZone,
  snapshot: ZoneSnapshot,
  scope: RecordScope,
  { isWanted = () => true, type }: PageFilter,
  limit: number,
  after?: DomainName,
): Promise<RecordPage> {
  const places = placesIn(zones, zone, scope);
  if (places.kind === 'none') return { names: [] };
  const found =
    places.kind === 'names'
      ? pageOf(
          places.names.filter(({ key }) => isWanted(key)).flatMap((name) => snapshot.find(name) ?? []),
          limit,
          after,
        )
      : await snapshot.page((key) => places.isWanted(key) && isWanted(key), limit + 1, after);
  const names = found.slice(0, limit);
  const last = names.at(-1)?.ownerName;
  return {
    names: names.flatMap((name) => visiblePart(name, scope, type)),
    ...(found.length > limit && last !== undefined && { next: last }),
  };
}

/** One name more than `limit`, if there is one. */
function pageOf(names: readonly StoredName[], limit: number, after: DomainName | undefined): readonly StoredName[] {
  const later = after === undefined ? names : names.filter(({ ownerName }) => DomainName.compare(ownerName, after) > 0);
  return [...later].sort((a, b) => DomainName.compare(a.ownerName, b.ownerName)).slice(0, limit + 1);
}

function visiblePart({ ownerName, rrsets }: StoredName, scope: RecordScope, type?: number): StoredName[] {
  const visible = rrsets.filter(
    (rrset) => (type === undefined || rrset.type === type) && scope.mayRead(ownerName, rrset.type),
  );
  return visible.length === 0 ? [] : [{ ownerName, rrsets: visible }];
}

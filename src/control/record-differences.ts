/** What a change of records does to each RRset, for a person to see before it is made. Pure. */
import type { DomainName } from '../dns/name.ts';
import { formatRdata } from '../dns/presentation/rdata-text.ts';
import type { RRset } from '../dns/rrset.ts';
import { ownerOfEdit, type ZoneEdit } from '../dns/zone-change.ts';

export interface RecordDifference {
  readonly ownerName: DomainName;
  readonly type: number;
  /** Undefined: there is no such RRset. */
  readonly before: RRset | undefined;
  readonly after: RRset | undefined;
}

/**
 * The RRsets that edits of single types change, in the order of the first edit of each. The rules of RFC 2136 §3.4.2 that ignore an
 * edit are not applied: such a change is refused.
 * @param find the RRset before the change
 */
export function recordDifferences(
  edits: readonly ZoneEdit[],
  find: (ownerName: DomainName, type: number) => RRset | undefined,
): readonly RecordDifference[] {
  const places = new Map<string, { ownerName: DomainName; type: number; before?: RRset; after?: RRset }>();
  for (const edit of edits) {
    if (edit.kind === 'delete-name') continue;
    const ownerName = ownerOfEdit(edit);
    const type = 'rrset' in edit ? edit.rrset.type : edit.type;
    const key = `${type} ${ownerName.key}`;
    let place = places.get(key);
    if (place === undefined) {
      const before = find(ownerName, type);
      place = { ownerName, type, ...(before && { before, after: before }) };
      places.set(key, place);
    }
    const after = edited(place.after, edit);
    if (after === undefined) delete place.after;
    else place.after = after;
  }
  return [...places.values()]
    .filter(({ before, after }) => !isSame(before, after))
    .map(({ ownerName, type, before, after }) => ({ ownerName, type, before, after }));
}

function edited(rrset: RRset | undefined, edit: Exclude<ZoneEdit, { kind: 'delete-name' }>): RRset | undefined {
  switch (edit.kind) {
    case 'delete-rrset':
      return undefined;
    case 'replace-rrset':
      return edit.rrset;
    case 'add-to-rrset': {
      const known = new Set((rrset?.rdatas ?? []).map((rdata) => formatRdata(edit.rrset.type, rdata)));
      const added = edit.rrset.rdatas.filter((rdata) => !known.has(formatRdata(edit.rrset.type, rdata)));
      return { ...edit.rrset, rdatas: [...(rrset?.rdatas ?? []), ...added] };
    }
    case 'delete-from-rrset': {
      if (rrset === undefined) return undefined;
      const removed = new Set(edit.rdatas.map((rdata) => formatRdata(edit.type, rdata)));
      const rdatas = rrset.rdatas.filter((rdata) => !removed.has(formatRdata(edit.type, rdata)));
      return rdatas.length === 0 ? undefined : { ...rrset, rdatas };
    }
  }
}

function isSame(a: RRset | undefined, b: RRset | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.ttl !== b.ttl || a.rdatas.length !== b.rdatas.length) return false;
  const keys = new Set(a.rdatas.map((rdata) => formatRdata(a.type, rdata)));
  return b.rdatas.every((rdata) => keys.has(formatRdata(b.type, rdata)));
}

/** Records of a zone file into a draft, RRset by RRset. */
import type { ZoneImportOptions } from '../core/zone-admin.ts';
import type { DomainName } from '../dns/name.ts';
import { formatRRType, type ResourceRecord, RRType } from '../dns/rdata.ts';
import { serialIsLater } from '../dns/serial.ts';
import type { ZoneDraft } from './draft.ts';
import { findRRset, nameOf, rdataText, soaSerial, withSerial, type ZoneRRset } from './zone-version.ts';

export interface ImportCount {
  added: number;
  changed: number;
  unchanged: number;
  removed: number;
  skippedCount: number;
  readonly skipped: string[];
}

const MAX_TOLD = 20;

/** The names are in the zone. The draft is changed, also for a dry run: the caller takes it back. */
export function importRecords(
  draft: ZoneDraft,
  records: readonly ResourceRecord[],
  { replace }: Pick<ZoneImportOptions, 'replace'>,
): ImportCount {
  const count: ImportCount = { added: 0, changed: 0, unchanged: 0, removed: 0, skippedCount: 0, skipped: [] };
  const skip = (why: string) => {
    count.skippedCount += 1;
    if (count.skipped.length < MAX_TOLD) count.skipped.push(why);
  };
  const apexKey = draft.apex.key;
  const wanted = rrsetsOf(records);
  if (replace) count.removed = removeOthers(draft, wanted);
  for (const { ownerName, rrset } of wanted.values()) {
    const { type } = rrset;
    const what = `${formatRRType(type)} of '${ownerName}'`;
    if (ownerName.key === apexKey && type === RRType.SOA) {
      takeSerial(draft, rrset);
      continue;
    }
    if (draft.statics.get(ownerName.key)?.has(type)) {
      skip(`${what}: set by the configuration`);
      continue;
    }
    const node = draft.find(ownerName.key);
    if (node?.rrsets.some((other) => (other.type === RRType.CNAME) !== (type === RRType.CNAME))) {
      skip(`${what}: a CNAME and other data cannot be at the same name`);
      continue;
    }
    const known = node && findRRset(node, type);
    if (known === undefined) count.added += 1;
    else if (sameRRset(known, rrset)) {
      count.unchanged += 1;
      continue;
    } else count.changed += 1;
    draft.setRRset(ownerName, rrset);
  }
  return count;
}

type WantedRRsets = Map<string, { readonly ownerName: DomainName; readonly rrset: ZoneRRset }>;

function id(key: string, type: number): string {
  return `${type} ${key}`;
}

/** Of different TTLs in one RRset the lowest counts (RFC 2181 §5.2). */
function rrsetsOf(records: readonly ResourceRecord[]): WantedRRsets {
  const wanted: WantedRRsets = new Map();
  for (const { ownerName, type, ttl, rdata } of records) {
    const at = id(ownerName.key, type);
    const known = wanted.get(at);
    const member = rdataText(rdata);
    if (known === undefined) wanted.set(at, { ownerName, rrset: { type, ttl, rdatas: [member] } });
    else if (!known.rrset.rdatas.includes(member)) {
      const rrset = { type, ttl: Math.min(ttl, known.rrset.ttl), rdatas: [...known.rrset.rdatas, member] };
      wanted.set(at, { ownerName: known.ownerName, rrset });
    }
  }
  return wanted;
}

function removeOthers(draft: ZoneDraft, wanted: WantedRRsets): number {
  let removed = 0;
  for (const node of draft.version().nodes.values()) {
    for (const { type } of node.rrsets) {
      if (wanted.has(id(node.key, type)) || draft.statics.get(node.key)?.has(type)) continue;
      draft.setRRset(nameOf(node.wireText), { type, ttl: 0, rdatas: [] });
      removed += 1;
    }
  }
  return removed;
}

/** Secondaries of the zone's former primary must see a later serial, or they never come for it. */
function takeSerial(draft: ZoneDraft, { rdatas }: ZoneRRset): void {
  const soa = draft.findRRset(draft.apex.key, RRType.SOA)!;
  const serial = soaSerial(rdatas[0]!);
  if (!serialIsLater(serial, soaSerial(soa.rdatas[0]!))) return;
  draft.setRRset(draft.apex, { ...soa, rdatas: [withSerial(soa.rdatas[0]!, (serial + 1) >>> 0)] });
}

function sameRRset(a: ZoneRRset, b: ZoneRRset): boolean {
  return a.ttl === b.ttl && a.rdatas.length === b.rdatas.length && a.rdatas.every((rdata) => b.rdatas.includes(rdata));
}

/** Prints a version of a zone as a sorted zone file, in time slices so that queries are not delayed. */
import { type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { canonicalKey, formatSortedRecords } from '../../dns/zone-file/zone-file-format.ts';
import { rrsigRecords } from '../zone/signatures.ts';
import { allRRsets } from '../zone/zone-node.ts';
import { nameOf, rdataOf, type ZoneVersion } from '../zone/zone-version.ts';
import { sortInSlices, TimeSlices } from './time-slices.ts';

/** Size of one piece in characters. */
const PIECE = 32 * 1024;

/** A name without its records: those of all names at once would take many times the memory of the zone. */
interface ExportedName {
  /** For the order of the file. */
  readonly key: string;
  readonly nodeKey: string;
}

/** @param signed with what the signer made: keys, signatures and chain */
export async function* exportVersion(version: ZoneVersion, signed: boolean): AsyncGenerator<string, void, undefined> {
  const slices = new TimeSlices();
  const names: ExportedName[] = [];
  const ttls = new Map<number, number>();
  for (const node of version.nodes.values()) {
    for (const { ttl, rdatas } of node.rrsets) ttls.set(ttl, (ttls.get(ttl) ?? 0) + rdatas.length);
    names.push({ key: canonicalKey(node.wireText), nodeKey: node.key });
    if (slices.over) await slices.next();
  }
  const sorted = await sortInSlices(names, slices);
  const [defaultTtl] = [...ttls].sort(([, a], [, b]) => b - a)[0] ?? [];
  let piece = '';
  for (const line of formatSortedRecords(version.apex, defaultTtl, recordsOf(version, sorted, signed))) {
    piece += line;
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
    if (slices.over) await slices.next();
  }
  yield piece;
}

function* recordsOf(version: ZoneVersion, names: readonly ExportedName[], signed: boolean): Generator<ResourceRecord> {
  const rank = (type: number) => (type === RRType.SOA ? -1 : type);
  for (const { nodeKey } of names) {
    const node = version.find(nodeKey)!;
    const ownerName = nameOf(node.wireText);
    const rrsets = signed ? allRRsets(node) : node.rrsets;
    for (const rrset of [...rrsets].sort((a, b) => rank(a.type) - rank(b.type))) {
      const { type, ttl, rdatas } = rrset;
      for (const rdata of rdatas) yield { ownerName, type, class: RRClass.IN, ttl, rdata: rdataOf(type, rdata) };
      if (!signed) continue;
      for (const { rdata } of rrsigRecords(node.wireText, rrset, version.apex.key)) {
        yield { ownerName, type: RRType.RRSIG, class: RRClass.IN, ttl, rdata: rdataOf(RRType.RRSIG, rdata) };
      }
    }
  }
}

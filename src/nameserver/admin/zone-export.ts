/** Prints a version of a zone as a sorted zone file, in time slices so that queries are not delayed. */
import { type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { canonicalKey, formatSortedRecords } from '../../dns/zone-file/zone-file-format.ts';
import type { ZoneNode } from '../zone/zone-node.ts';
import { nameOf, rdataOf, type ZoneVersion } from '../zone/zone-version.ts';
import { sortInSlices, TimeSlices } from './time-slices.ts';

/** Size of one piece in characters. */
const PIECE = 32 * 1024;

interface KeyedNode {
  readonly key: string;
  readonly node: ZoneNode;
}

export async function* exportVersion(version: ZoneVersion): AsyncGenerator<string, void, undefined> {
  const slices = new TimeSlices();
  const nodes: KeyedNode[] = [];
  const ttls = new Map<number, number>();
  for (const node of version.nodes.values()) {
    for (const { ttl, rdatas } of node.rrsets) ttls.set(ttl, (ttls.get(ttl) ?? 0) + rdatas.length);
    nodes.push({ key: canonicalKey(node.wireText), node });
    if (slices.over) await slices.next();
  }
  const sorted = await sortInSlices(nodes, slices);
  const [defaultTtl] = [...ttls].sort(([, a], [, b]) => b - a)[0] ?? [];
  let piece = '';
  for (const line of formatSortedRecords(version.apex, defaultTtl, recordsOf(sorted))) {
    piece += line;
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
    if (slices.over) await slices.next();
  }
  yield piece;
}

function* recordsOf(nodes: readonly KeyedNode[]): Generator<ResourceRecord> {
  const rank = (type: number) => (type === RRType.SOA ? -1 : type);
  for (const { node } of nodes) {
    const ownerName = nameOf(node.wireText);
    for (const { type, ttl, rdatas } of [...node.rrsets].sort((a, b) => rank(a.type) - rank(b.type))) {
      for (const rdata of rdatas) yield { ownerName, type, class: RRClass.IN, ttl, rdata: rdataOf(type, rdata) };
    }
  }
}

/**
 * RRsets compared octet by octet with their signatures, whatever the order of their members. The comparison of secondaries is in
 * rrset-members.ts.
 */
import type { ZoneNode, ZoneRRset } from './zone-node.ts';

/** Most names have few RRsets, and most RRsets few members: a search of more uses an index, so that the work is linear. */
const FEW = 8;
const NONE: readonly ZoneRRset[] = [];

export function sameRRsets(a: readonly ZoneRRset[] = NONE, b: readonly ZoneRRset[] = NONE): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  const findOther = rrsetFinder(b);
  return a.every((rrset) => sameRRset(rrset, findOther(rrset.type)));
}

/** Whatever their letter case and children. */
export function sameNodes(a: ZoneNode | undefined, b: ZoneNode | undefined): boolean {
  return sameRRsets(a?.rrsets, b?.rrsets) && sameRRsets(a?.signerRRsets, b?.signerRRsets);
}

export function sameRRset(a: ZoneRRset, b: ZoneRRset | undefined): boolean {
  if (a === b) return true;
  return b !== undefined && a.signatures?.join() === b.signatures?.join() && sameData(a, b);
}

/** Whatever their signatures. */
export function sameData(a: ZoneRRset, b: ZoneRRset): boolean {
  return a.ttl === b.ttl && a.rdatas.length === b.rdatas.length && a.rdatas.every(memberTest(b.rdatas));
}

/** Finds an RRset by its type. */
export function rrsetFinder(rrsets: readonly ZoneRRset[]): (type: number) => ZoneRRset | undefined {
  if (rrsets.length <= FEW) return (type) => rrsets.find((rrset) => rrset.type === type);
  const byType = new Map(rrsets.map((rrset) => [rrset.type, rrset]));
  return (type) => byType.get(type);
}

/** Finds a member by its octets. */
export function memberTest(rdatas: readonly string[]): (rdata: string) => boolean {
  if (rdatas.length <= FEW) return (rdata) => rdatas.includes(rdata);
  const members = new Set(rdatas);
  return (rdata) => members.has(rdata);
}

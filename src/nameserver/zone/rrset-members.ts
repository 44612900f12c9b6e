/**
 * Members of RRsets, compared as secondaries compare them: names in RDATA without case (RFC 4034 §6.2; the rule is in
 * dns/rdata-canonical.ts).
 */
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { hasNames } from '../../dns/rdata-names.ts';
import type { ZoneDraft } from './draft.ts';
import type { ZoneNode, ZoneRRset } from './zone-node.ts';
import type { ZoneVersion } from './zone-version.ts';

/** The RRset itself if no two of its members are equal, else with the first of each. */
export function withoutEqualMembers(rrset: ZoneRRset): ZoneRRset {
  const { type, rdatas } = rrset;
  if (rdatas.length < 2 || !hasNames(type)) return rrset;
  const members = new Map<string, string>();
  for (const rdata of rdatas) {
    const key = rdataKey(type, rdata);
    if (!members.has(key)) members.set(key, rdata);
  }
  return members.size === rdatas.length ? rrset : { ...rrset, rdatas: [...members.values()] };
}

/** Equality of two RRsets of one type, with their TTLs. Neither has two equal members. */
export function isSameRRset(a: ZoneRRset, b: ZoneRRset): boolean {
  if (a.ttl !== b.ttl || a.rdatas.length !== b.rdatas.length) return false;
  if (a.rdatas.length === 1) return rdataKey(a.type, a.rdatas[0]!) === rdataKey(b.type, b.rdatas[0]!);
  const keys = new Set(a.rdatas.map((rdata) => rdataKey(a.type, rdata)));
  return b.rdatas.every((rdata) => keys.has(rdataKey(b.type, rdata)));
}

/** Names with members that are equal now and were not when they were added: rules of before, `replay`, or both. */
export function namesWithEqualMembers({ nodes }: ZoneVersion): ZoneNode[] {
  const found: ZoneNode[] = [];
  for (const node of nodes.values()) {
    if (node.rrsets.some((rrset) => withoutEqualMembers(rrset) !== rrset)) found.push(node);
  }
  return found;
}

/**
 * Removes equal members from the names. It is a change of the zone, with a serial of its own, so that secondaries, of which
 * each had merged or lost such members in its own way, transfer the zone again (transfer/ixfr-check.ts).
 */
export function removeEqualMembers(draft: ZoneDraft, names: readonly ZoneNode[]): void {
  for (const { key } of names) {
    const node = draft.find(key);
    if (node !== undefined) draft.setRRsets(node, node.rrsets.map(withoutEqualMembers));
  }
}

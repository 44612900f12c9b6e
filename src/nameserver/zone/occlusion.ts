/**
 * Occluded names: those below a zone cut (RFC 1034 §4.2.1) or below a DNAME (RFC 6672 §2.4). Resolvers do not see their
 * data, except glue, the addresses of the delegation's nameservers.
 */
import { RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import type { ZoneDraft } from './draft.ts';
import { findRRset, isCut, parentKey, type ZoneNode } from './zone-version.ts';

/** The topmost delegation or DNAME strictly above the name; undefined if the name is not occluded. */
export function cutAbove(draft: ZoneDraft, key: string): ZoneNode | undefined {
  if (draft.cuts === 0) return undefined;
  const apexKey = draft.apex.key;
  let uppermost: ZoneNode | undefined;
  for (let above = key; above !== apexKey; ) {
    above = parentKey(above);
    const node = draft.find(above);
    if (node !== undefined && isCut(node, apexKey)) uppermost = node;
  }
  return uppermost;
}

/** True for an address record of one of the delegation's nameservers. */
export function isGlue(cut: ZoneNode, key: string, type: number): boolean {
  if (type !== RRType.A && type !== RRType.AAAA) return false;
  return findRRset(cut, RRType.NS)?.rdatas.some((rdata) => rdataKey(RRType.NS, rdata) === key) ?? false;
}

/**
 * Occluded data: what is below a zone cut (RFC 1034 §4.2.1) or a DNAME (RFC 6672 §2.4), or beside the NS of a cut. Resolvers
 * do not see it, except glue, the addresses of the delegation's nameservers, and the DS.
 *
 * A change may not occlude data, in either direction: neither add data below a cut nor a cut above data. What was
 * occluded before the change (in a database of an older release) may stay.
 */
import { formatRRType, RRType } from '../../dns/rdata.ts';
import { rdataKey } from '../../dns/rdata-canonical.ts';
import { sameData } from './same-rrset.ts';
import { findRRset, type ZoneNode } from './zone-node.ts';
import type { ZoneNodes } from './zone-nodes.ts';
import { isCut, isStrictlyBelow, nameOf, parentKey } from './zone-version.ts';

/** The names of a zone: those of a version, or of a draft. */
export interface ZoneNames {
  readonly apex: { readonly key: string };
  readonly nodes: ZoneNodes;
  /** As ZoneVersion.cuts. */
  readonly cuts: number;
}

/** The topmost delegation or DNAME strictly above the name; undefined if the name is not occluded. */
export function cutAbove({ apex, nodes, cuts }: ZoneNames, key: string): ZoneNode | undefined {
  if (cuts === 0) return undefined;
  let uppermost: ZoneNode | undefined;
  for (let above = key; above !== apex.key; ) {
    above = parentKey(above);
    const node = nodes.get(above);
    if (node !== undefined && isCut(node, apex.key)) uppermost = node;
  }
  return uppermost;
}

/** True for an address record of one of the delegation's nameservers. Below a DNAME there is no glue. */
export function isGlue(cut: ZoneNode, key: string, type: number): boolean {
  if (type !== RRType.A && type !== RRType.AAAA) return false;
  if (key !== cut.key && findRRset(cut, RRType.DNAME) !== undefined) return false;
  return findRRset(cut, RRType.NS)?.rdatas.some((rdata) => rdataKey(RRType.NS, rdata) === key) ?? false;
}

/** Types that belong to the parent's side of a cut (RFC 4035 §2.3, §2.4, §3.1.4.1), beside the NS. */
const AT_CUT: ReadonlySet<number> = new Set([RRType.NS, RRType.DS, RRType.RRSIG, RRType.NSEC]);

/** True if an RRset of this type at a name would not be seen. @param node at the name, if there is one */
export function isHidden(zone: ZoneNames, key: string, type: number, node = zone.nodes.get(key)): boolean {
  return hidingCut(zone, key, type, node) !== undefined;
}

/** The cut that hides an RRset of this type at a name. @param node at the name, if there is one */
export function hidingCut(
  zone: ZoneNames,
  key: string,
  type: number,
  node: ZoneNode | undefined,
): ZoneNode | undefined {
  return hiddenBy(zone, cutAbove(zone, key), key, type, node);
}

/** The same, where the cut above the name is known. */
function hiddenBy(
  { apex }: ZoneNames,
  above: ZoneNode | undefined,
  key: string,
  type: number,
  node: ZoneNode | undefined,
): ZoneNode | undefined {
  const isCutHere = node !== undefined && key !== apex.key && findRRset(node, RRType.NS) !== undefined;
  const cut = above ?? (isCutHere && !AT_CUT.has(type) ? node : undefined);
  return cut === undefined || isGlue(cut, key, type) ? undefined : cut;
}

/**
 * True if a cut hides names below it. Does not look at every name: each name on the way from glue to the cut must have
 * just the children that lead to glue.
 */
export function hidesBelow({ apex, nodes }: ZoneNames, cut: ZoneNode): boolean {
  // The children of the apex are not counted. Only a DNAME makes it a cut.
  if (cut.key === apex.key) return findRRset(cut, RRType.DNAME) !== undefined && hasOtherData(nodes, cut.key);
  if (cut.children === 0) return false;
  if (findRRset(cut, RRType.DNAME) !== undefined) return true;
  /** By key of the parent, from the cut to the glue. */
  const children = new Map<string, Set<string>>();
  const glue = new Set<string>();
  for (const rdata of findRRset(cut, RRType.NS)?.rdatas ?? []) {
    const target = rdataKey(RRType.NS, rdata);
    if (!isStrictlyBelow(target, cut.key) || !nodes.has(target)) continue;
    addPath(children, target, cut.key);
    glue.add(target);
  }
  if (children.get(cut.key)?.size !== cut.children) return true;
  for (const below of children.values()) {
    for (const key of below) {
      const { rrsets, children: count } = nodes.get(key)!;
      if (count !== (children.get(key)?.size ?? 0)) return true;
      if (rrsets.some(({ type }) => !glue.has(key) || (type !== RRType.A && type !== RRType.AAAA))) return true;
    }
  }
  return false;
}

function hasOtherData(nodes: ZoneNodes, apexKey: string): boolean {
  for (const { key, rrsets } of nodes.values()) if (rrsets.length > 0 && key !== apexKey) return true;
  return false;
}

/** Adds the names from one below a cut up to it. */
function addPath(children: Map<string, Set<string>>, below: string, cutKey: string): void {
  for (let key = below; key !== cutKey; ) {
    const parent = parentKey(key);
    const known = children.get(parent);
    if (known?.has(key)) return;
    if (known === undefined) children.set(parent, new Set([key]));
    else known.add(key);
    key = parent;
  }
}

/**
 * Why a change may not be made: what it would hide. Linear in the names that it edits, whatever the size of the zone.
 * @param keys of the names that the change edited
 */
export function newlyOccluded(before: ZoneNames, after: ZoneNames, keys: Iterable<string>): string | undefined {
  if (after.cuts === 0) return undefined;
  // Names of one message often have one parent, which may have a hundred labels.
  const cutsAbove = new Map<string, ZoneNode | undefined>();
  for (const key of keys) {
    const node = after.nodes.get(key);
    const earlier = before.nodes.get(key);
    const lost = earlier && lostGlue(before, after, earlier);
    if (lost !== undefined) return lost;
    if (node === undefined) continue;
    const parent = key === after.apex.key ? '' : parentKey(key);
    if (!cutsAbove.has(parent)) cutsAbove.set(parent, cutAbove(after, key));
    const above = cutsAbove.get(parent);
    for (const rrset of node.rrsets) {
      const cut = hiddenBy(after, above, key, rrset.type, node);
      if (cut === undefined) continue;
      // Hidden before, and unchanged.
      const old = earlier && findRRset(earlier, rrset.type);
      const isOld = old !== undefined && sameData(rrset, old);
      if (!isOld || !isHidden(before, key, rrset.type, earlier)) return hiddenText(node, rrset.type, cut);
    }
    if (!isCut(node, after.apex.key) || !hidesBelow(after, node)) continue;
    const hidAlready = earlier !== undefined && isCut(earlier, before.apex.key) && hidesBelow(before, earlier);
    if (!hidAlready) return `${describeCut(node)} would hide the names below it, which are more than glue`;
  }
  return undefined;
}

/**
 * Why an address that was glue of a delegation before would be hidden: because the delegation does not name it any more, or because
 * a DNAME below the delegation, which was itself hidden, would hide it.
 * @param earlier a name that may have been a delegation
 */
function lostGlue(before: ZoneNames, after: ZoneNames, earlier: ZoneNode): string | undefined {
  if (earlier.key === before.apex.key) return undefined;
  for (const rdata of findRRset(earlier, RRType.NS)?.rdatas ?? []) {
    const target = rdataKey(RRType.NS, rdata);
    const node = isStrictlyBelow(target, earlier.key) ? after.nodes.get(target) : undefined;
    for (const { type } of node?.rrsets ?? []) {
      if (!isGlue(earlier, target, type) || isHidden(before, target, type)) continue;
      const cut = hidingCut(after, target, type, node);
      if (cut !== undefined) return hiddenText(node!, type, cut);
    }
  }
  return undefined;
}

function hiddenText(node: ZoneNode, type: number, cut: ZoneNode): string {
  const what = `the ${formatRRType(type)} RRset of '${nameOf(node.wireText)}'`;
  return cut === node
    ? `${what} would be hidden by the NS RRset beside it, which delegates the name`
    : `${what} is below ${describeCut(cut)}, which hides it`;
}

export function describeCut(cut: ZoneNode): string {
  const type = findRRset(cut, RRType.DNAME) === undefined ? 'delegation' : 'DNAME';
  return `the ${type} at '${nameOf(cut.wireText)}'`;
}

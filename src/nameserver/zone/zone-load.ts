/** Builds a zone version from the database: the stored rows of names, and the commits since they were written. */
import type { DomainName } from '../../dns/name.ts';
import { lowerCaseText } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from './draft.ts';
import { findRRsetAt, readNode } from './node-octets.ts';
import { PackedNodes } from './packed-nodes.ts';
import { typeCovered, withSignature } from './signatures.ts';
import { isSignerType } from './signer-types.ts';
import { findRRset, type ZoneNode, type ZoneRecord, type ZoneRRset } from './zone-node.ts';
import { ZoneNodes } from './zone-nodes.ts';
import {
  isCut,
  parentKey,
  type StaticRRsets,
  type UnservedRRsets,
  type ZoneDiff,
  ZoneVersion,
} from './zone-version.ts';

/** Builds a version from stored names, and adds the empty non-terminals. */
export class VersionBuilder {
  readonly #apex: DomainName;
  readonly #table = new PackedNodes();
  #cuts = 0;
  /** Names more than one label below the apex, which alone have parents that count them. */
  readonly #deep: Pick<ZoneNode, 'key' | 'wireText'>[] = [];

  constructor(apex: DomainName) {
    this.#apex = apex;
  }

  /** Adds a name, or takes the place of the one with its key. */
  add(node: ZoneNode): void {
    if (isCut(node, this.#apex.key)) this.#cuts += 1;
    if (this.#isDeep(node.key.length, node.key.charCodeAt(0)))
      this.#deep.push({ key: node.key, wireText: node.wireText });
    this.#table.put(node);
  }

  /** Adds a name that was not added yet. @param octets from `start` to `end` a node as of node-octets.ts */
  addOctets(octets: Buffer, start: number, end: number): void {
    const length = octets[start]!;
    const isApex = length === this.#apex.key.length;
    if (findRRsetAt(octets, start, RRType.DNAME) >= 0 || (!isApex && findRRsetAt(octets, start, RRType.NS) >= 0)) {
      this.#cuts += 1;
    }
    if (this.#isDeep(length, octets[start + 1]!)) {
      const { key, wireText } = readNode(octets, start, 0);
      this.#deep.push({ key, wireText });
    }
    this.#table.addOctets(octets, start, end);
  }

  #isDeep(nameOctets: number, labelOctets: number): boolean {
    return nameOctets > this.#apex.key.length && nameOctets - 1 - labelOctets > this.#apex.key.length;
  }

  /** @throws Error without an SOA */
  build(statics: StaticRRsets, unserved?: UnservedRRsets): ZoneVersion {
    let nodes = ZoneNodes.ofTable(this.#table);
    for (const [key, { wireText, count }] of childCounts(this.#apex, this.#deep, nodes)) {
      const node = nodes.get(key) ?? { key, wireText, rrsets: [], children: 0 };
      nodes = nodes.set({ ...node, children: count });
    }
    return new ZoneVersion(this.#apex, nodes, this.#cuts, statics, unserved);
  }
}

function childCounts(
  apex: DomainName,
  deep: Iterable<Pick<ZoneNode, 'key' | 'wireText'>>,
  nodes: ZoneNodes,
): Map<string, { wireText: string; count: number }> {
  const counts = new Map<string, { wireText: string; count: number }>();
  for (let { key, wireText } of deep) {
    for (;;) {
      key = parentKey(key);
      // The apex counts no children.
      if (key.length === apex.key.length) break;
      wireText = parentKey(wireText);
      const counted = counts.get(key);
      if (counted !== undefined) {
        counted.count += 1;
        break;
      }
      counts.set(key, { wireText, count: 1 });
      // A stored name counts itself for its own parent.
      if (nodes.has(key)) break;
    }
  }
  return counts;
}

/**
 * Replays commits. This is idempotent: the stored names may already contain some of these commits.
 */
export function replay(version: ZoneVersion, diffs: Iterable<ZoneDiff>): { version: ZoneVersion; keys: string[] } {
  const draft = new ZoneDraft(version);
  const keys = new Set<string>();
  let last: ZoneDiff | undefined;
  for (const diff of diffs) {
    last = diff;
    const { removed, added, isSigned = false } = diff;
    for (const record of removed) keys.add(remove(draft, record, isSigned));
    for (const record of added) keys.add(add(draft, record, isSigned));
  }
  if (last === undefined) return { version, keys: [] };
  setSoa(draft, last);
  return { version: draft.version(), keys: [...keys] };
}

/** The SOA of the last diff. Each diff has its signatures, so that no other one belongs to it. */
function setSoa(draft: ZoneDraft, { added, isSigned }: ZoneDiff): void {
  const { ttl, rdata } = added[0]!;
  const { apex } = draft;
  draft.setRRset(apex, { type: RRType.SOA, ttl, rdatas: [rdata] });
  if (!isSigned) return;
  for (const record of added) {
    if (record.type === RRType.RRSIG && typeCovered(record.rdata) === RRType.SOA) changeSignature(draft, record, true);
  }
}

/** Of an RRset that a later diff deletes there may be no signature to change. */
function changeSignature(draft: ZoneDraft, { wireText, rdata }: ZoneRecord, isAdded: boolean): string {
  const { key } = recordName(draft, wireText);
  const node = draft.find(key);
  if (node !== undefined) draft.setSigned(withSignature(node, rdata, draft.apex.key, isAdded));
  return key;
}

function remove(draft: ZoneDraft, record: ZoneRecord, isSigned: boolean): string {
  const { wireText, type, rdata } = record;
  if (isSigned && type === RRType.RRSIG) return changeSignature(draft, record, false);
  const { key } = recordName(draft, wireText);
  const node = draft.find(key);
  const rrset = node && findRRset(node, type);
  if (rrset === undefined || type === RRType.SOA) return key;
  const rdatas = rrset.rdatas.filter((member) => member !== rdata);
  setRRset(draft, node!, { type, ttl: rrset.ttl, rdatas }, isSigned);
  return key;
}

function add(draft: ZoneDraft, record: ZoneRecord, isSigned: boolean): string {
  const { wireText, type, ttl, rdata } = record;
  if (isSigned && type === RRType.RRSIG) return changeSignature(draft, record, true);
  const name = recordName(draft, wireText);
  if (type === RRType.SOA) return name.key;
  const members = draft.findRRset(name.key, type)?.rdatas ?? [];
  const rdatas = members.includes(rdata) ? members : [...members, rdata];
  setRRset(draft, name, { type, ttl, rdatas }, isSigned);
  return name.key;
}

function setRRset(
  draft: ZoneDraft,
  name: Pick<ZoneNode, 'key' | 'wireText'>,
  rrset: ZoneRRset,
  isSigned: boolean,
): void {
  if (isSigned && isSignerType(rrset.type)) draft.setSignerRRset(name, rrset);
  else draft.setRRset(name, rrset);
}

function recordName(draft: ZoneDraft, wireText: string): { key: string; wireText: string } {
  const key = lowerCaseText(wireText);
  return draft.find(key) ?? { key, wireText };
}

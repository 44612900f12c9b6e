/**
 * The draft of a zone's next version: collects edits on top of a version; `seal` gives the new version and its diff.
 *
 * A caller sets a mark and rolls back to it if an edit fails, so that each change is applied as a whole or not at all
 * (RFC 2136 §3.4.2.7). Empty non-terminals are added and removed with the names below them.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { nextSerial } from '../../dns/serial.ts';
import type { ZoneNames } from './occlusion.ts';
import { memberTest, rrsetFinder, sameRRsets } from './same-rrset.ts';
import type { ZoneNode, ZoneRRset } from './zone-node.ts';
import type { ZoneNodes } from './zone-nodes.ts';
import {
  findRRset,
  isCut,
  parentKey,
  type StaticRRsets,
  soaSerial,
  type UnservedRRsets,
  withSerial,
  type ZoneDiff,
  type ZoneRecord,
  ZoneVersion,
} from './zone-version.ts';

/** A state to roll back to, and to compare with. */
export interface DraftMark extends ZoneNames {
  readonly statics: StaticRRsets;
  readonly unserved: UnservedRRsets;
}

/** The result of a draft. */
export interface SealedDraft {
  readonly version: ZoneVersion;
  readonly diff: ZoneDiff;
  /** Keys of the names whose data changed, the apex among them for its SOA. */
  readonly keys: readonly string[];
}

export class ZoneDraft {
  readonly base: ZoneVersion;
  /** Those of the base. */
  readonly #unchanged: ZoneNodes;
  #nodes: ZoneNodes;
  #cuts: number;
  /** The RRsets that the configuration sets. */
  statics: StaticRRsets;
  /** Dynamic RRsets that are kept and not served. */
  unserved: UnservedRRsets;
  /** Edited names as they are in the base, by their key; including those of edits that were rolled back. */
  readonly #touched = new Map<string, ZoneNode | undefined>();

  constructor(base: ZoneVersion) {
    this.base = base;
    this.#unchanged = base.nodes.layer();
    this.#nodes = this.#unchanged;
    this.#cuts = base.cuts;
    this.statics = base.statics;
    this.unserved = base.unserved;
  }

  get apex(): DomainName {
    return this.base.apex;
  }

  get cuts(): number {
    return this.#cuts;
  }

  get nodes(): ZoneNodes {
    return this.#nodes;
  }

  /** True after an edit that changed something. */
  get changed(): boolean {
    const { base } = this;
    return this.#nodes !== this.#unchanged || this.statics !== base.statics || this.unserved !== base.unserved;
  }

  find(key: string): ZoneNode | undefined {
    // Each commit asks for the SOA.
    if (key === this.base.apex.key && !this.#touched.has(key)) return this.base.apexNode;
    return this.#nodes.get(key);
  }

  findRRset(key: string, type: number): ZoneRRset | undefined {
    const node = this.find(key);
    return node && findRRset(node, type);
  }

  mark(): DraftMark {
    const { apex, statics, unserved } = this;
    return { apex, nodes: this.#nodes, cuts: this.#cuts, statics, unserved };
  }

  rollBack({ nodes, cuts, statics, unserved }: DraftMark): void {
    this.#nodes = nodes;
    this.#cuts = cuts;
    this.statics = statics;
    this.unserved = unserved;
  }

  /** Sets the RRset of its type; an RRset without members deletes it. */
  setRRset(ownerName: { readonly key: string; readonly wireText: string }, rrset: ZoneRRset): void {
    const node = this.find(ownerName.key);
    const rrsets = node?.rrsets ?? [];
    const at = rrsets.findIndex(({ type }) => type === rrset.type);
    if (rrset.rdatas.length === 0) {
      if (at >= 0) this.#setRRsets(node!, rrsets.toSpliced(at, 1), false);
      return;
    }
    const { key, wireText } = node ?? ownerName;
    const children = node?.children ?? 0;
    const next = at < 0 ? [...rrsets, rrset] : rrsets.with(at, rrset);
    this.#setRRsets({ key, wireText, rrsets, children }, next, node === undefined);
  }

  /** Replaces all RRsets of a name; none removes it. @param ownerName its `wireText` is the name's letter case */
  setRRsets({ key, wireText }: Pick<DomainName, 'key' | 'wireText'>, rrsets: readonly ZoneRRset[]): void {
    const node = this.find(key);
    const before = { key, wireText, rrsets: node?.rrsets ?? [], children: node?.children ?? 0 };
    this.#setRRsets(before, rrsets, node === undefined);
  }

  deleteRRset(key: string, type: number): void {
    const node = this.find(key);
    if (node !== undefined) this.setRRset(node, { type, ttl: 0, rdatas: [] });
  }

  #setRRsets(node: ZoneNode, rrsets: readonly ZoneRRset[], isNew: boolean): void {
    const { key } = node;
    const apexKey = this.base.apex.key;
    if (!this.#touched.has(key)) this.#touched.set(key, isNew ? undefined : node);
    const next = { key, wireText: node.wireText, rrsets, children: node.children };
    this.#cuts += Number(isCut(next, apexKey)) - Number(isCut(node, apexKey));
    if (rrsets.length === 0 && node.children === 0 && key !== apexKey) this.#removeNode(key);
    else {
      this.#nodes = this.#nodes.set(next, isNew);
      if (isNew) this.#countChild(next, 1);
    }
  }

  #removeNode(key: string): void {
    const node = this.#nodes.get(key);
    if (node === undefined) return;
    this.#nodes = this.#nodes.delete(key);
    this.#countChild(node, -1);
  }

  /** Adjusts the parent's count; adds it as an empty non-terminal, or removes it when it is no longer needed. */
  #countChild(child: ZoneNode, by: 1 | -1): void {
    if (child.key === this.base.apex.key) return;
    const key = parentKey(child.key);
    if (key === this.base.apex.key) return;
    const parent = this.#nodes.get(key);
    if (parent === undefined) {
      const emptyNode = { key, wireText: parentKey(child.wireText), rrsets: [], children: 1 };
      this.#nodes = this.#nodes.set(emptyNode, true);
      this.#countChild(emptyNode, 1);
    } else if (parent.children + by === 0 && parent.rrsets.length === 0) this.#removeNode(key);
    else this.#nodes = this.#nodes.set({ ...parent, children: parent.children + by }, false);
  }

  /** The current content without a serial step, for the replay of commits. */
  version(): ZoneVersion {
    const nodes = this.#nodes === this.#unchanged ? this.base.nodes : this.#nodes;
    return new ZoneVersion(this.base.apex, nodes, this.#cuts, this.statics, this.unserved);
  }

  /**
   * The new version and its diff; undefined if nothing changed. The serial is incremented unless an edit set a later one
   * (RFC 2136 §3.6).
   */
  seal(): SealedDraft | undefined {
    const { base } = this;
    const apexKey = base.apex.key;
    const changed: { key: string; before: ZoneNode | undefined; after: ZoneNode | undefined }[] = [];
    for (const [key, before] of this.#touched) {
      const after = this.#nodes.get(key);
      if (!sameRRsets(before?.rrsets, after?.rrsets)) changed.push({ key, before, after });
    }
    if (changed.length === 0 && this.statics === base.statics && this.unserved === base.unserved) return undefined;
    const soa = this.findRRset(apexKey, RRType.SOA)!;
    if (soaSerial(soa.rdatas[0]!) === base.serial) {
      const rdata = withSerial(soa.rdatas[0]!, nextSerial(base.serial));
      this.setRRset(base.apex, { ...soa, rdatas: [rdata] });
      // The diff begins with the SOA itself; only other RRsets of the apex are compared.
      if (!changed.some(({ key }) => key === apexKey))
        changed.push({ key: apexKey, before: undefined, after: undefined });
    }
    const version = this.version();
    const removed: ZoneRecord[] = [soaRecord(base)];
    const added: ZoneRecord[] = [soaRecord(version)];
    for (const { before, after } of changed) {
      if (before) collectMissing(before, after, removed);
      if (after) collectMissing(after, before, added);
    }
    const keys = changed.map(({ key }) => key);
    return { version, diff: { serialBefore: base.serial, serial: version.serial, removed, added }, keys };
  }
}

function soaRecord({ apexNode, soa }: ZoneVersion): ZoneRecord {
  return { wireText: apexNode.wireText, type: RRType.SOA, ttl: soa.ttl, rdata: soa.rdatas[0]! };
}

/** Collects the records of `node`, except SOA, that `other` does not have with the same TTL. */
function collectMissing(node: ZoneNode, other: ZoneNode | undefined, records: ZoneRecord[]): void {
  const findOther = rrsetFinder(other?.rrsets ?? []);
  for (const rrset of node.rrsets) {
    if (rrset.type === RRType.SOA) continue;
    const counterpart = findOther(rrset.type);
    if (counterpart === rrset) continue;
    const { type, ttl } = rrset;
    const isCommon = memberTest(counterpart?.ttl === ttl ? counterpart.rdatas : []);
    for (const rdata of rrset.rdatas) if (!isCommon(rdata)) records.push({ wireText: node.wireText, type, ttl, rdata });
  }
}

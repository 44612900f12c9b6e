/**
 * The draft of a zone's next version: collects edits on top of a version; `seal` gives the new version and its diff.
 *
 * A caller sets a mark and rolls back to it if an edit fails, so that each change is applied as a whole or not at all
 * (RFC 2136 §3.4.2.7). Empty non-terminals are added and removed with the names below them.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { nextSerial } from '../../dns/serial.ts';
import type { ChainOrder } from './chain-order.ts';
import type { ZoneNames } from './occlusion.ts';
import { memberTest, rrsetFinder, sameData, sameNodes } from './same-rrset.ts';
import { mapRRsets, rrsigRdata, withSignatures } from './signatures.ts';
import { allRRsets, findRRset, type ZoneNode, type ZoneRecord, type ZoneRRset } from './zone-node.ts';
import type { ZoneNodes } from './zone-nodes.ts';
import {
  isCut,
  parentKey,
  type StaticRRsets,
  soaSerial,
  type UnservedRRsets,
  withSerial,
  type ZoneDiff,
  ZoneVersion,
} from './zone-version.ts';

/** A state to roll back to, and to compare with. */
export interface DraftMark extends ZoneNames {
  readonly statics: StaticRRsets;
  readonly unserved: UnservedRRsets;
}

/** Completes the drafts of a signed zone. */
export interface DraftSigner {
  /** An edit: the keys at the apex, which make an unsigned zone a signed one. `sign` completes it. */
  setKeys(draft: ZoneDraft): void;
  /** Makes chain and signatures of what was edited. The draft has its new serial. */
  sign(draft: ZoneDraft): void;
  /** The oldest draft that `sign` completed and that is not published yet is published. */
  publish(): void;
  /** None of the drafts that are not published will be. */
  abandon(): void;
  /** Of the published version. */
  readonly order: ChainOrder;
}

/** The result of a draft. */
export interface SealedDraft {
  readonly version: ZoneVersion;
  readonly diff: ZoneDiff;
  /** Keys of the names whose data changed, the apex among them for its SOA. */
  readonly keys: readonly string[];
  /** Of a version that was made apart from the zone (EmbeddedZone.successor): the primary key of its row. Its difference is empty. */
  readonly successor?: number;
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

  #isRenewed = false;

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

  /** It has a signer's keys, so that `seal` signs it. */
  get isSigned(): boolean {
    return this.find(this.base.apex.key)!.signerRRsets !== undefined;
  }

  /** True after an edit that changed something. */
  get changed(): boolean {
    const { base } = this;
    if (this.#isRenewed) return true;
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

  /** Sets the RRset of its type, without signatures; an RRset without members deletes it. */
  setRRset(ownerName: { readonly key: string; readonly wireText: string }, edited: ZoneRRset): void {
    const node = this.find(ownerName.key);
    const rrsets = node?.rrsets ?? [];
    const rrset = edited.signatures === undefined ? edited : withSignatures(edited, []);
    const at = rrsets.findIndex(({ type }) => type === rrset.type);
    if (rrset.rdatas.length === 0) {
      if (at >= 0) this.#setRRsets(node!, rrsets.toSpliced(at, 1), false);
      return;
    }
    const { key, wireText } = ownerName;
    const next = at < 0 ? [...rrsets, rrset] : rrsets.with(at, rrset);
    this.#setRRsets(node ?? { key, wireText, rrsets, children: 0 }, next, node === undefined);
  }

  /** Sets an RRset of the signer; one without members deletes it. */
  setSignerRRset({ key, wireText }: { readonly key: string; readonly wireText: string }, rrset: ZoneRRset): void {
    const node = this.find(key);
    const others = node?.signerRRsets?.filter(({ type }) => type !== rrset.type) ?? [];
    const signerRRsets = rrset.rdatas.length === 0 ? others : [...others, rrset];
    const before = node ?? { key, wireText, rrsets: [], children: 0 };
    this.#setNode(before, withSignerRRsets(before, signerRRsets), node === undefined);
  }

  /** Makes a commit in which the signer looks at these names again. */
  renew(keys: Iterable<string>): void {
    this.#isRenewed = true;
    for (const key of keys) if (!this.#touched.has(key)) this.#touched.set(key, this.#nodes.get(key));
  }

  /** Sets a name that is there: the same data, signed in another way. */
  setSigned(node: ZoneNode): void {
    this.#setNode(this.find(node.key)!, node, false);
  }

  /**
   * Replaces all RRsets of a name; none removes it. Only those that are not new objects keep their signatures.
   * @param ownerName its `wireText` is the name's letter case
   */
  setRRsets({ key, wireText }: Pick<DomainName, 'key' | 'wireText'>, rrsets: readonly ZoneRRset[]): void {
    const node = this.find(key);
    const before = node ?? { key, wireText, rrsets: [], children: 0 };
    const edited = rrsets.map((rrset) => {
      return rrset.signatures === undefined || before.rrsets.includes(rrset) ? rrset : withSignatures(rrset, []);
    });
    this.#setRRsets(before.wireText === wireText ? before : { ...before, wireText }, edited, node === undefined);
  }

  setSerial(serial: number): void {
    const { type, ttl, rdatas } = this.findRRset(this.base.apex.key, RRType.SOA)!;
    this.setRRset(this.base.apex, { type, ttl, rdatas: [withSerial(rdatas[0]!, serial)] });
  }

  deleteRRset(key: string, type: number): void {
    const node = this.find(key);
    if (node !== undefined) this.setRRset(node, { type, ttl: 0, rdatas: [] });
  }

  #setRRsets(node: ZoneNode, rrsets: readonly ZoneRRset[], isNew: boolean): void {
    const { key, wireText, children, signerRRsets } = node;
    const next = { key, wireText, rrsets, children };
    this.#setNode(node, signerRRsets === undefined ? next : withSignerRRsets(next, signerRRsets), isNew);
  }

  #setNode(before: ZoneNode, next: ZoneNode, isNew: boolean): void {
    const { key } = next;
    const apexKey = this.base.apex.key;
    if (!this.#touched.has(key)) this.#touched.set(key, isNew ? undefined : before);
    this.#cuts += Number(isCut(next, apexKey)) - Number(isCut(before, apexKey));
    if (isUnused(next) && key !== apexKey) this.#removeNode(key);
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
      return;
    }
    const counted = { ...parent, children: parent.children + by };
    if (isUnused(counted)) this.#removeNode(key);
    else this.#nodes = this.#nodes.set(counted, false);
  }

  /** The current content without a serial step, for the replay of commits. */
  version(): ZoneVersion {
    const nodes = this.#nodes === this.#unchanged ? this.base.nodes : this.#nodes;
    return new ZoneVersion(this.base.apex, nodes, this.#cuts, this.statics, this.unserved);
  }

  /** Keys of the names that were edited, also by edits that were rolled back. */
  get touched(): ReadonlyMap<string, ZoneNode | undefined> {
    return this.#touched;
  }

  /**
   * The new version and its diff; undefined if nothing changed. The serial is incremented unless an edit set a later one
   * (RFC 2136 §3.6).
   * @param signer of a signed zone
   */
  seal(signer?: DraftSigner): SealedDraft | undefined {
    const { base } = this;
    const apexKey = base.apex.key;
    const signs = signer !== undefined && this.isSigned;
    if (signs) this.#keepSignatures();
    let changed = this.#changedNames();
    if (changed.length === 0 && !this.#isRenewed && this.statics === base.statics && this.unserved === base.unserved)
      return undefined;
    const soa = this.findRRset(apexKey, RRType.SOA)!;
    if (soaSerial(soa.rdatas[0]!) === base.serial) {
      this.setSerial(nextSerial(base.serial));
      // The diff begins with the SOA itself; only other RRsets of the apex are compared.
      if (!changed.some(({ key }) => key === apexKey))
        changed.push({ key: apexKey, before: undefined, after: undefined });
    }
    if (signs) {
      signer.sign(this);
      changed = this.#changedNames();
    }
    const version = this.version();
    const removed: ZoneRecord[] = [soaRecord(base)];
    const added: ZoneRecord[] = [soaRecord(version)];
    for (const { before, after } of changed) {
      if (before) collectMissing(before, after, apexKey, removed);
      if (after) collectMissing(after, before, apexKey, added);
    }
    const keys = changed.map(({ key }) => key);
    const diff = { serialBefore: base.serial, serial: version.serial, removed, added };
    return { version, diff: base.isSigned || version.isSigned ? { ...diff, isSigned: true } : diff, keys };
  }

  #changedNames(): ChangedName[] {
    const changed: ChangedName[] = [];
    for (const [key, before] of this.#touched) {
      const after = this.#nodes.get(key);
      if (!sameNodes(before, after)) changed.push({ key, before, after });
    }
    return changed;
  }

  /** An edit made a new RRset without signatures. Where its data is that of the base, those of the base are valid. */
  #keepSignatures(): void {
    for (const [key, before] of this.#touched) {
      const node = before && this.#nodes.get(key);
      if (node === undefined) continue;
      const kept = mapRRsets(node, (rrset) => {
        const old = rrset.signatures === undefined ? findRRset(before!, rrset.type) : undefined;
        return old?.signatures !== undefined && sameData(old, rrset) ? old : rrset;
      });
      if (kept !== node) this.setSigned(kept);
    }
  }
}

/** The zone needs no such node. */
function isUnused({ rrsets, children, signerRRsets }: ZoneNode): boolean {
  return rrsets.length === 0 && children === 0 && signerRRsets === undefined;
}

function withSignerRRsets({ key, wireText, rrsets, children }: ZoneNode, signerRRsets: readonly ZoneRRset[]): ZoneNode {
  return signerRRsets.length === 0
    ? { key, wireText, rrsets, children }
    : { key, wireText, rrsets, signerRRsets, children };
}

interface ChangedName {
  readonly key: string;
  readonly before: ZoneNode | undefined;
  readonly after: ZoneNode | undefined;
}

function soaRecord({ apexNode, soa }: ZoneVersion): ZoneRecord {
  return { wireText: apexNode.wireText, type: RRType.SOA, ttl: soa.ttl, rdata: soa.rdatas[0]! };
}

/** Collects the records of `node` that `other` does not have with the same TTL; of the SOA only the signatures. */
function collectMissing(node: ZoneNode, other: ZoneNode | undefined, apexKey: string, records: ZoneRecord[]): void {
  const findOther = rrsetFinder(other === undefined ? [] : allRRsets(other));
  const { wireText } = node;
  for (const rrset of allRRsets(node)) {
    const counterpart = findOther(rrset.type);
    if (counterpart === rrset) continue;
    const { type, ttl, signatures } = rrset;
    const same = counterpart?.ttl === ttl ? counterpart : undefined;
    if (type !== RRType.SOA) {
      const isCommon = memberTest(same?.rdatas ?? []);
      for (const rdata of rrset.rdatas) if (!isCommon(rdata)) records.push({ wireText, type, ttl, rdata });
    }
    // After the data: a replay that adds data drops the signatures that are there.
    if (signatures === undefined) continue;
    for (const signature of signatures) {
      if (same?.signatures?.includes(signature)) continue;
      records.push({ wireText, type: RRType.RRSIG, ttl, rdata: rrsigRdata(rrset, signature, apexKey) });
    }
  }
}

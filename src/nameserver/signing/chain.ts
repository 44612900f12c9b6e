/**
 * Keeps the chain of NSEC (RFC 4034 §4) or NSEC3 records (RFC 5155 §7.1) true while names and types come and go. Only records that change
 * are written; an edit of data alone changes none.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { ChainOrder, SharedChain } from '../zone/chain-order.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { cutAbove, type ZoneNames } from '../zone/occlusion.ts';
import { isChainType } from '../zone/signer-types.ts';
import { findRRset, hasRecords, type ZoneNode, type ZoneRRset } from '../zone/zone-node.ts';
import { ZoneNodes } from '../zone/zone-nodes.ts';
import { isCut, negativeTtlOf, parentKey, type ZoneVersion } from '../zone/zone-version.ts';
import { type ChainKind, Nsec3Kind, NsecKind, octetsOf, ownerFoundBy, textOf } from './chain-kind.ts';
import { OrderedKeys } from './ordered-keys.ts';
import { readSignedTable, type SignatureTimes } from './signed-table.ts';

export class Chain implements ChainOrder {
  readonly kind: ChainKind;
  readonly #order = new OrderedKeys();

  constructor(kind: ChainKind) {
    this.kind = kind;
  }

  static of(chain: 'nsec' | 'nsec3', apex: DomainName): Chain {
    return new Chain(chain === 'nsec' ? new NsecKind() : new Nsec3Kind(apex));
  }

  /** Takes over the chain that a version has, of which nothing is published yet. @param nowSeconds since 1970 */
  load({ nodes }: ZoneVersion, nowSeconds: number): SignatureTimes {
    const table = nodes.packed ?? ZoneNodes.of(nodes.values()).packed!;
    const times = readSignedTable(table, this.kind.type, nowSeconds, (key) => {
      const orderKey = this.kind.orderKeyOfOwner(key);
      if (orderKey !== undefined) this.add(orderKey);
    });
    this.seal();
    this.publish();
    return times;
  }

  get hashedNames(): number {
    return this.kind.type === RRType.NSEC3 ? this.#order.size : 0;
  }

  ownerAtOrBefore(key: string): string | undefined {
    return ownerFoundBy(this.kind, key, (orderKey) => this.#order.publishedFloor(orderKey));
  }

  get shape(): number {
    return this.#order.shape;
  }

  share(): SharedChain {
    return { chain: this.kind.type === RRType.NSEC3 ? 'nsec3' : 'nsec', order: this.#order.share() };
  }

  seal(): void {
    this.#order.seal();
  }

  publish(): void {
    this.#order.publish();
  }

  abandon(): void {
    this.#order.abandon();
  }

  /** For a chain that is made name by name: adds a name of its part. @param orderKey of ChainKind */
  add(orderKey: string): void {
    this.#order.add(octetsOf(orderKey));
  }

  /** @param orderKey of a name that is in the chain */
  has(orderKey: string): boolean {
    return this.#order.has(octetsOf(orderKey));
  }

  /** In their order. The chain must not be changed meanwhile. */
  *orderKeys(): Generator<string> {
    for (const octets of this.#order.keys()) yield textOf(octets);
  }

  /** The record of a name that was added. @param types of `chainTypes` */
  recordOf(orderKey: string, types: readonly number[]): string {
    return this.kind.rdata(textOf(this.#order.after(octetsOf(orderKey))!), types);
  }

  /**
   * Writes the records that edits make necessary.
   * @returns keys of names that a cut came over, or went away from: what is signed of them has changed
   */
  update(draft: ZoneDraft): ReadonlySet<string> {
    const update = new ChainUpdate(this.kind, this.#order, draft);
    const uncovered = update.collect();
    update.write();
    return uncovered;
  }

  /** Writes the whole chain of a zone that has none. */
  build(draft: ZoneDraft): void {
    const update = new ChainUpdate(this.kind, this.#order, draft);
    for (const { key } of draft.nodes.values()) update.check(key);
    update.write();
  }

  /** Writes what is missing or wrong in a chain that edits without the signer left behind. Begins with an empty order. */
  rebuild(draft: ZoneDraft): void {
    const { type } = this.kind;
    const present = [...draft.nodes.values()].filter((node) => findRRset(node, type) !== undefined);
    this.build(draft);
    for (const node of present) {
      const orderKey = this.kind.orderKeyOfOwner(node.key);
      if (orderKey === undefined || !this.has(orderKey)) draft.setSignerRRset(node, { type, ttl: 0, rdatas: [] });
    }
  }
}

class ChainUpdate {
  readonly #kind: ChainKind;
  readonly #order: OrderedKeys;
  readonly #draft: ZoneDraft;
  readonly #before: ZoneNames;
  readonly #after: ZoneNames;
  /** Types of records to write, by order key; undefined: as they are, with another next name. */
  readonly #due = new Map<string, readonly number[] | undefined>();
  readonly #checked = new Set<string>();

  constructor(kind: ChainKind, order: OrderedKeys, draft: ZoneDraft) {
    this.#kind = kind;
    this.#order = order;
    this.#draft = draft;
    const { apex, base } = draft;
    this.#before = { apex, nodes: base.nodes, cuts: base.cuts };
    this.#after = { apex, nodes: draft.nodes, cuts: draft.cuts };
  }

  /** Checks the names whose part in the chain edits may have changed. */
  collect(): ReadonlySet<string> {
    const apexKey = this.#after.apex.key;
    const changedCuts: string[] = [];
    // Writing to the chain touches more names.
    for (const [key, before] of [...this.#draft.touched]) {
      const after = this.#after.nodes.get(key);
      if (before !== undefined && after !== undefined && hasSameTypes(before, after)) continue;
      this.#checkWithAncestors(key);
      const isCutNow = after !== undefined && isCut(after, apexKey);
      const wasCut = before !== undefined && isCut(before, apexKey);
      // A name that is gone has no names below it.
      if (isCutNow !== wasCut && (key === apexKey || (after?.children ?? 0) > 0)) changedCuts.push(key);
    }
    return this.#checkBelow(changedCuts);
  }

  /** With a name its empty non-terminals come and go. */
  #checkWithAncestors(key: string): void {
    const apexKey = this.#after.apex.key;
    for (let at = key; !this.#checked.has(at); at = parentKey(at)) {
      this.#checked.add(at);
      this.check(at);
      if (at === apexKey) return;
    }
  }

  #checkBelow(cuts: readonly string[]): ReadonlySet<string> {
    const below = new Set<string>();
    if (cuts.length === 0) return below;
    const above = new Set(cuts);
    for (const { key } of this.#after.nodes.values()) {
      if (!this.#isBelow(key, above)) continue;
      below.add(key);
      if (!this.#checked.has(key)) this.check(key);
    }
    return below;
  }

  #isBelow(key: string, above: ReadonlySet<string>): boolean {
    for (let at = key; at !== this.#after.apex.key; ) {
      at = parentKey(at);
      if (above.has(at)) return true;
    }
    return false;
  }

  /** Adds a name to the chain or removes it, and notes the records that this changes. */
  check(key: string): void {
    const node = this.#after.nodes.get(key);
    const types = node && chainTypes(this.#after, node, this.#kind);
    if (types === undefined && !this.#wasIn(key)) return;
    const orderKey = this.#kind.orderKey(key);
    const octets = octetsOf(orderKey);
    if (types !== undefined) {
      const previous = this.#order.floor(octets);
      if (this.#order.add(octets)) this.#noteNext(previous);
      this.#due.set(orderKey, types);
    } else if (this.#order.delete(octets)) {
      this.#due.delete(orderKey);
      this.#draft.setSignerRRset(this.#kind.owner(orderKey), { type: this.#kind.type, ttl: 0, rdatas: [] });
      this.#noteNext(this.#order.floor(octets));
    }
  }

  /** False for a name that the zone did not have: it is in no chain. */
  #wasIn(key: string): boolean {
    const before = this.#before.nodes.get(key);
    return before !== undefined && chainTypes(this.#before, before, this.#kind) !== undefined;
  }

  /** The record of an order key gets another next name. */
  #noteNext(octets: Uint8Array | undefined): void {
    if (octets === undefined) return;
    const orderKey = textOf(octets);
    if (!this.#due.has(orderKey)) this.#due.set(orderKey, undefined);
  }

  write(): void {
    const ttl = negativeTtlOf(this.#draft.findRRset(this.#after.apex.key, RRType.SOA)!);
    const { type } = this.#kind;
    for (const [orderKey, types] of this.#due) {
      const octets = octetsOf(orderKey);
      // Noted as the one before, and then removed.
      if (!this.#order.has(octets)) continue;
      const owner = this.#kind.owner(orderKey);
      const present = this.#draft.findRRset(owner.key, type);
      const next = textOf(this.#order.after(octets)!);
      const rdata =
        types === undefined ? this.#kind.withNext(present!.rdatas[0]!, next) : this.#kind.rdata(next, types);
      if (present?.rdatas[0] === rdata) continue;
      this.#draft.setSignerRRset(owner, { type, ttl, rdatas: [rdata] });
    }
  }
}

/** The types in the record of a name; undefined: the name has none. */
export function chainTypes(zone: ZoneNames, node: ZoneNode, kind: ChainKind): number[] | undefined {
  const { rrsets, signerRRsets = [], children, key } = node;
  if (!hasRecords(node) && (children === 0 || !kind.hasEmptyNonTerminals)) return undefined;
  if (cutAbove(zone, key) !== undefined) return undefined;
  const isDelegation = key !== zone.apex.key && findRRset(node, RRType.NS) !== undefined;
  // Beside a delegation is glue, for which the zone has no authority (RFC 5155 §7.1, RFC 4035 §2.3).
  const types = rrsets
    .map(({ type }) => type)
    .filter((type) => !isDelegation || type === RRType.NS || type === RRType.DS);
  for (const { type } of signerRRsets) if (!isChainType(type)) types.push(type);
  if (kind.type === RRType.NSEC) types.push(RRType.NSEC, RRType.RRSIG);
  else if (types.length > 0 && (!isDelegation || types.includes(RRType.DS))) types.push(RRType.RRSIG);
  return types;
}

function hasSameTypes(a: ZoneNode, b: ZoneNode): boolean {
  if (a.children > 0 !== b.children > 0) return false;
  return haveSameTypes(a.rrsets, b.rrsets) && haveSameTypes(a.signerRRsets ?? [], b.signerRRsets ?? []);
}

function haveSameTypes(a: readonly ZoneRRset[], b: readonly ZoneRRset[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i]!.type !== b[i]!.type) return false;
  return true;
}

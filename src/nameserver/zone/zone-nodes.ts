/**
 * The names of a zone at one state, immutable: changes of another state, down to one that is packed (packed-nodes.ts).
 *
 * A draft and the version in the commit in flight are changes in a persistent map. When a version is published, its changes are
 * packed, and it becomes the one that the table shows. A version before it that is still in use, by a transfer, reads the table
 * with what was changed since undone; that is dropped with it by the garbage collector.
 */
import { hashOfKey } from './name-hash.ts';
import { type Keyed, NameMap } from './name-map.ts';
import { type PackedNode, PackedNodes, unpackNode } from './packed-nodes.ts';
import type { ZoneNode } from './zone-node.ts';

interface Change extends Keyed {
  /** Undefined: the name is deleted. */
  readonly node: ZoneNode | undefined;
}

const NO_CHANGES = NameMap.empty<Change>();

export class ZoneNodes {
  #below: ZoneNodes | TableState;
  #changes: NameMap<Change>;
  readonly size: number;

  private constructor(below: ZoneNodes | TableState, changes: NameMap<Change>, size: number) {
    this.#below = below;
    this.#changes = changes;
    this.size = size;
  }

  /** Of nodes with the same key the last one wins. */
  static of(nodes: Iterable<ZoneNode>): ZoneNodes {
    const table = new PackedNodes();
    for (const node of nodes) table.put(node);
    return ZoneNodes.ofTable(table);
  }

  /** @param table that nothing else changes */
  static ofTable(table: PackedNodes): ZoneNodes {
    return new ZoneNodes(new TableState(table), NO_CHANGES, table.size);
  }

  /** The table of a version that is packed and the newest one; else undefined. */
  get packed(): PackedNodes | undefined {
    const below = this.#below;
    return below instanceof TableState && below.isNewest && this.#changes.size === 0 ? below.table : undefined;
  }

  get(key: string): ZoneNode | undefined {
    const hash = hashOfKey(key);
    const found = this.#find(key, hash);
    return found instanceof TableState ? found.get(key, hash) : found.node;
  }

  has(key: string): boolean {
    const hash = hashOfKey(key);
    const found = this.#find(key, hash);
    return found instanceof TableState ? found.has(key, hash) : found.node !== undefined;
  }

  /** The last change of a name, or the state of the table that has it unchanged. */
  #find(key: string, hash: number): Change | TableState {
    let nodes: ZoneNodes = this;
    for (;;) {
      const change = nodes.#changes.size === 0 ? undefined : nodes.#changes.get(key, hash);
      if (change !== undefined) return change;
      const below = nodes.#below;
      if (below instanceof TableState) return below;
      nodes = below;
    }
  }

  /** @param isNew for a caller that knows it: whether the name is added */
  set(node: ZoneNode, isNew = !this.has(node.key)): ZoneNodes {
    const changes = this.#changes.set({ key: node.key, node });
    return new ZoneNodes(this.#below, changes, isNew ? this.size + 1 : this.size);
  }

  delete(key: string): ZoneNodes {
    if (!this.has(key)) return this;
    return new ZoneNodes(this.#below, this.#changes.set({ key, node: undefined }), this.size - 1);
  }

  *values(): Generator<ZoneNode> {
    const changes = this.#changes;
    for (const node of this.#below.values()) if (changes.size === 0 || changes.get(node.key) === undefined) yield node;
    for (const { node } of changes.values()) if (node !== undefined) yield node;
  }

  /** For a draft: the same nodes, whose later changes are apart from those of this version. */
  layer(): ZoneNodes {
    return new ZoneNodes(this, NO_CHANGES, this.size);
  }

  /** Packs the changes. Versions before this one read as they did. */
  pack(): void {
    let below = this.#below;
    if (below instanceof ZoneNodes) {
      below.pack();
      below = below.#below as TableState;
    }
    this.#below = this.#changes.size === 0 ? below : below.apply(this.#changes);
    this.#changes = NO_CHANGES;
  }
}

/** That a name was not there, or that a place was free. */
const NOTHING = null;

type Before = PackedNode | typeof NOTHING;

/** What names and places had, of those that were changed since. */
interface Back {
  readonly keys: Map<string, Before>;
  readonly places: Map<number, Before>;
}

/** What one change of the table undoes, for the states before it. */
interface Undo {
  readonly key: string;
  /** Where the name was; -1 if it was not there. */
  readonly place: number;
  readonly before: Before;
  /** Where it is since; -1 if it was removed. */
  readonly newPlace: number;
}

/** The nodes of a table that is shared: as it is, or as it was before the states that follow. */
class TableState {
  readonly table: PackedNodes;
  readonly #read: ReadStates;
  /** Undefined for the newest state. */
  #next: TableState | undefined;
  /** The way back from `#next`. */
  #undo: readonly Undo[] = [];
  /** The way back from the newest state, as far as it was needed. */
  #back: Back | undefined;

  constructor(table: PackedNodes, read = new ReadStates()) {
    this.table = table;
    this.#read = read;
  }

  get isNewest(): boolean {
    return this.#next === undefined;
  }

  /** @param hash hashOfKey(key) */
  get(key: string, hash: number): ZoneNode | undefined {
    const before = this.#wayBack()?.keys.get(key);
    return before === undefined ? this.table.get(key, hash) : unpackBefore(before);
  }

  /** @param hash hashOfKey(key) */
  has(key: string, hash: number): boolean {
    const before = this.#wayBack()?.keys.get(key);
    return before === undefined ? this.table.placeOf(key, hash) >= 0 : before !== NOTHING;
  }

  *values(): Generator<ZoneNode> {
    const { table } = this;
    // Places that are used later were free at this state.
    const { end } = table;
    this.#read.begin(this);
    try {
      for (let place = 0; place < end; ) {
        const units = table.unitsAt(place);
        const node = this.#nodeAt(place);
        if (node !== undefined) yield node;
        place += units;
      }
    } finally {
      this.#read.end(this);
    }
  }

  #nodeAt(place: number): ZoneNode | undefined {
    const before = this.#wayBack()?.places.get(place);
    return before === undefined ? this.table.nodeAt(place) : unpackBefore(before);
  }

  /** Undefined for the newest state. */
  #wayBack(): Back | undefined {
    return this.#next === undefined ? undefined : this.shorten();
  }

  /** The next state. The table is changed where this is the newest one; else the nodes are copied to a new one. */
  apply(changes: NameMap<Change>): TableState {
    if (this.#next !== undefined) {
      const copy = new PackedNodes();
      for (const node of this.values()) copy.put(node);
      return new TableState(copy).apply(changes);
    }
    const { table } = this;
    const undo: Undo[] = [];
    changes.forEach(({ key, node }) => {
      const hash = hashOfKey(key);
      const place = table.placeOf(key, hash);
      const before = place < 0 ? NOTHING : table.packedAt(place);
      let newPlace = -1;
      if (node !== undefined) newPlace = table.put(node, hash);
      else if (place >= 0) table.remove(key, hash);
      undo.push({ key, place, before, newPlace });
    });
    this.#undo = undo;
    this.#next = new TableState(table, this.#read);
    this.#read.noteChanges(undo.length);
    return this.#next;
  }

  /** Makes the newest state the next one, so that none between them is kept. */
  shorten(): Back {
    this.#back ??= { keys: new Map(), places: new Map() };
    const { keys, places } = this.#back;
    let next: TableState = this;
    while (next.#next !== undefined) {
      for (const { key, place, before, newPlace } of next.#undo) {
        // What was undone first is what this state had.
        if (!keys.has(key)) keys.set(key, before);
        if (place >= 0 && !places.has(place)) places.set(place, before);
        if (newPlace >= 0 && !places.has(newPlace)) places.set(newPlace, NOTHING);
      }
      next = next.#next;
    }
    this.#undo = [];
    this.#next = next;
    return this.#back;
  }
}

function unpackBefore(before: Before): ZoneNode | undefined {
  return before === NOTHING ? undefined : unpackNode(before);
}

/** Changes after which states that are gone through are shortened. */
const SHORTEN_AFTER = 4_096;

/**
 * The states that someone goes through, each as often as there are such readers. A state keeps all that follow: without this a
 * transfer that waits for its client would keep each change of a name, and not only what the name had when the transfer began.
 */
class ReadStates {
  readonly #readers = new Map<TableState, number>();
  #changes = 0;

  begin(state: TableState): void {
    this.#readers.set(state, (this.#readers.get(state) ?? 0) + 1);
  }

  end(state: TableState): void {
    const rest = this.#readers.get(state)! - 1;
    if (rest === 0) this.#readers.delete(state);
    else this.#readers.set(state, rest);
  }

  noteChanges(changes: number): void {
    this.#changes += changes;
    if (this.#changes < SHORTEN_AFTER) return;
    this.#changes = 0;
    for (const state of this.#readers.keys()) state.shorten();
  }
}

/**
 * An ordered set of octet strings outside of the heap: the hashes or names of a zone in the order of its NSEC3 or NSEC chain (RFC 5155
 * §7.1, RFC 4034 §4.1).
 *
 * A tree of blocks of 2 KiB (ordered-octets.ts). A change copies the blocks from the leaf to the root, each at most once
 * between two calls of `seal`. The root that results is that of a draft; `publish` shows it to other threads, `abandon` goes back to
 * the one that is published.
 */
import type { SharedOrder } from '../zone/chain-order.ts';
import { u16, writeU16 } from '../zone/node-octets.ts';
import { GivenUpBlocks } from '../zone/read-turns.ts';
import {
  BLOCK_OCTETS,
  CHUNK_BLOCKS,
  COUNT,
  childAt,
  copyOfKey,
  ENTRY_OCTETS,
  GENERATION,
  INNER_HEAD,
  isEqual,
  keyAt,
  LEAF_HEAD,
  LEVEL,
  LOWEST,
  MAX_KEY_OCTETS,
  ORDERED_HEADER_WORDS,
  OrderedHeader,
  OrderedOctets,
  SLOTS,
  startOf,
} from './ordered-octets.ts';

/** A server may have thousands of zones of a few names: the first chunk is doubled up to the size of the others. */
const FIRST_CHUNK_BLOCKS = 1;
const NO_CHILD = -1;
/** A block with less than this is joined with a neighbour, if both fit. */
const FEW_OCTETS = BLOCK_OCTETS / 4;
const JOINED_OCTETS = (BLOCK_OCTETS * 3) / 4;

/** A state that `seal` ended. */
interface SealedOrder {
  readonly root: number;
  /** Blocks of the roots before that this one does not have. */
  readonly replaced: readonly number[];
  /** Blocks that no root before has. */
  readonly fresh: ReadonlySet<number>;
  /** The number of its keys. */
  readonly size: number;
}

export class OrderedKeys extends OrderedOctets {
  readonly #header = new Int32Array(new SharedArrayBuffer(ORDERED_HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT));
  #root: number;
  #generation = 1;
  /** Of this generation: blocks that no root before has, and blocks that only roots before have. */
  #fresh = new Set<number>();
  #replaced: number[] = [];
  /** Sealed and not published, oldest first. */
  readonly #unpublished: SealedOrder[] = [];
  /** The number of blocks that have been used. */
  #end = 0;
  readonly #free: number[] = [];
  readonly #givenUp = new GivenUpBlocks();
  /** Of the block that the last insertion split: the least key and the number of the new block. */
  #splitKey: Uint8Array | undefined;
  #splitBlock = NO_CHILD;
  #hasChanged = false;
  #size = 0;
  #publishedSize = 0;

  constructor() {
    super([newChunk(FIRST_CHUNK_BLOCKS)]);
    this.#root = this.#allocate(0);
    this.seal();
    this.publish();
  }

  /** Its memory as it is now, for the threads that read it. */
  share(): SharedOrder {
    return {
      chunks: this.chunks.map(({ buffer }) => buffer as unknown as SharedArrayBuffer),
      header: this.#header.buffer as SharedArrayBuffer,
      shape: this.shape,
    };
  }

  /** Changes with each growth. What was shared before is then of no use. */
  get shape(): number {
    return this.#header[OrderedHeader.shape]!;
  }

  /** The number of keys, with changes that are not published. */
  get size(): number {
    return this.#size;
  }

  /** Octets of its memory. */
  get octets(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0);
  }

  has(key: Uint8Array): boolean {
    return this.hasFrom(this.#root, key);
  }

  /** The greatest key that is not greater than this one; if there is none, the greatest of all. Undefined in an empty set. */
  floor(key: Uint8Array): Uint8Array | undefined {
    return this.floorFrom(this.#root, key);
  }

  /** The least key that is greater than this one; if there is none, the least of all. Undefined in an empty set. */
  after(key: Uint8Array): Uint8Array | undefined {
    return this.afterFrom(this.#root, key);
  }

  /** As `floor` in the published state, which queries see. */
  publishedFloor(key: Uint8Array): Uint8Array | undefined {
    return this.floorFrom(this.#header[OrderedHeader.root]!, key);
  }

  /** The keys in their order. The set must not be changed meanwhile. */
  keys(): Generator<Uint8Array> {
    return this.keysFrom(this.#root);
  }

  /** @param key of at most 255 octets @returns false if it was there @throws RangeError */
  add(key: Uint8Array): boolean {
    if (key.length > MAX_KEY_OCTETS) throw new RangeError(`a key of ${key.length} octets`);
    this.#hasChanged = false;
    const left = this.#insert(this.#root, key);
    if (this.#splitBlock === NO_CHILD) this.#root = left;
    else {
      const level = this.octetsOf(left)[startOf(left) + LEVEL]! + 1;
      const [right, rightKey] = [this.#splitBlock, this.#splitKey!];
      const root = this.#allocate(level);
      this.#write(root, 0, new Uint8Array(0), left);
      this.#write(root, 1, rightKey, right);
      this.#splitBlock = NO_CHILD;
      this.#root = root;
    }
    if (this.#hasChanged) this.#size += 1;
    return this.#hasChanged;
  }

  /** @returns false if it was not there */
  delete(key: Uint8Array): boolean {
    if (!this.has(key)) return false;
    this.#size -= 1;
    this.#root = this.#remove(this.#root, key);
    for (;;) {
      const octets = this.octetsOf(this.#root);
      const start = startOf(this.#root);
      if (octets[start + LEVEL] === 0 || u16(octets, start + COUNT) > 1) return true;
      const child = childAt(octets, start, 0);
      this.#giveUp(this.#root);
      this.#root = child;
    }
  }

  /** Ends the changes of a commit. Later ones leave this state as it is. */
  seal(): void {
    this.#unpublished.push({ root: this.#root, replaced: this.#replaced, fresh: this.#fresh, size: this.#size });
    this.#replaced = [];
    this.#fresh = new Set();
    this.#generation += 1;
  }

  /** Shows the oldest state that `seal` ended to readers, if there is one. */
  publish(): void {
    const sealed = this.#unpublished.shift();
    if (sealed === undefined) return;
    this.#publishedSize = sealed.size;
    Atomics.store(this.#header, OrderedHeader.root, sealed.root);
    for (const block of sealed.replaced) this.#givenUp.add(block);
  }

  /** Goes back to what is published. */
  abandon(): void {
    for (const fresh of [this.#fresh, ...this.#unpublished.map((sealed) => sealed.fresh)]) {
      for (const block of fresh) this.#free.push(block);
    }
    this.#fresh = new Set();
    this.#unpublished.length = 0;
    this.#replaced = [];
    this.#generation += 1;
    this.#root = this.#header[OrderedHeader.root]!;
    this.#size = this.#publishedSize;
  }

  /** @returns the block with the key, which is another one if it is not of this generation; sets `#splitBlock` if it was full */
  #insert(block: number, key: Uint8Array): number {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const slot = this.slotOf(octets, start, key);
    if (octets[start + LEVEL] === 0) {
      if (slot >= 0 && isEqual(octets, keyAt(octets, start, slot), key)) return block;
      this.#hasChanged = true;
      const own = this.#own(block);
      this.#put(own, slot + 1, key, NO_CHILD);
      return own;
    }
    const at = Math.max(slot, 0);
    const child = childAt(octets, start, at);
    const newChild = this.#insert(child, key);
    if (newChild === child && this.#splitBlock === NO_CHILD) return block;
    const own = this.#own(block);
    setChild(this.octetsOf(own), startOf(own), at, newChild);
    if (this.#splitBlock !== NO_CHILD) {
      const [right, rightKey] = [this.#splitBlock, this.#splitKey!];
      this.#splitBlock = NO_CHILD;
      this.#put(own, at + 1, rightKey, right);
    }
    return own;
  }

  /** Adds an entry, and splits the block if it is full. */
  #put(block: number, slot: number, key: Uint8Array, child: number): void {
    if (this.#fits(block, key)) {
      this.#write(block, slot, key, child);
      return;
    }
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const count = u16(octets, start + COUNT);
    // Keys that arrive in their order fill the blocks.
    const middle = slot === count ? count : middleOf(octets, start);
    const right = this.#allocate(octets[start + LEVEL]!);
    for (let from = middle; from < count; from++) this.#copyEntry(block, from, right, from - middle);
    this.#truncate(block, middle);
    if (slot > middle || slot === count) this.#write(right, slot - middle, key, child);
    else this.#write(block, slot, key, child);
    this.#splitBlock = right;
    this.#splitKey = copyOfKey(this.octetsOf(right), startOf(right), 0);
  }

  #remove(block: number, key: Uint8Array): number {
    const own = this.#own(block);
    const start = startOf(own);
    const found = this.slotOf(this.octetsOf(own), start, key);
    if (this.octetsOf(own)[start + LEVEL] === 0) {
      this.#erase(own, found);
      return own;
    }
    const slot = Math.max(found, 0);
    const child = this.#remove(childAt(this.octetsOf(own), start, slot), key);
    const octets = this.octetsOf(own);
    setChild(octets, start, slot, child);
    const rest = u16(this.octetsOf(child), startOf(child) + ENTRY_OCTETS);
    if (rest === 0) {
      this.#giveUp(child);
      this.#erase(own, slot);
    } else if (rest < FEW_OCTETS) {
      if (slot > 0) this.#join(own, slot - 1);
      else if (u16(octets, start + COUNT) > 1) this.#join(own, 0);
    }
    return own;
  }

  /** Joins the block below an entry with that of the next one, if both fit in one. */
  #join(block: number, slot: number): void {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const [left, right] = [childAt(octets, start, slot), childAt(octets, start, slot + 1)];
    const [leftSize, rightSize] = [left, right].map((each) => sizeOf(this.octetsOf(each), startOf(each))) as [
      number,
      number,
    ];
    if (leftSize + rightSize > JOINED_OCTETS) return;
    const own = this.#own(left);
    const leftCount = u16(this.octetsOf(own), startOf(own) + COUNT);
    const count = u16(this.octetsOf(right), startOf(right) + COUNT);
    for (let from = 0; from < count; from++) this.#copyEntry(right, from, own, leftCount + from);
    this.#giveUp(right);
    setChild(this.octetsOf(block), start, slot, own);
    this.#erase(block, slot + 1);
  }

  #copyEntry(from: number, slot: number, to: number, toSlot: number): void {
    const octets = this.octetsOf(from);
    const start = startOf(from);
    const child = octets[start + LEVEL] === 0 ? NO_CHILD : childAt(octets, start, slot);
    this.#write(to, toSlot, copyOfKey(octets, start, slot), child);
  }

  #fits(block: number, key: Uint8Array): boolean {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const head = octets[start + LEVEL] === 0 ? LEAF_HEAD : INNER_HEAD;
    return sizeOf(octets, start) + 2 + head + key.length <= BLOCK_OCTETS;
  }

  /** Writes an entry into a block of this generation that has room for it. */
  #write(block: number, slot: number, key: Uint8Array, child: number): void {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const head = child === NO_CHILD ? LEAF_HEAD : INNER_HEAD;
    const length = head + key.length;
    const count = u16(octets, start + COUNT);
    if (u16(octets, start + LOWEST) - length < SLOTS + 2 * (count + 1)) this.#compact(block);
    const lowest = u16(octets, start + LOWEST) - length;
    const slotAt = start + SLOTS + 2 * slot;
    octets.copyWithin(slotAt + 2, slotAt, start + SLOTS + 2 * count);
    writeU16(octets, slotAt, lowest);
    let at = start + lowest;
    if (child !== NO_CHILD) at = octets.writeUInt32BE(child, at);
    octets[at] = key.length;
    for (let i = 0; i < key.length; i++) octets[at + 1 + i] = key[i]!;
    writeU16(octets, start + COUNT, count + 1);
    writeU16(octets, start + LOWEST, lowest);
    writeU16(octets, start + ENTRY_OCTETS, u16(octets, start + ENTRY_OCTETS) + length);
  }

  /** Removes an entry of a block of this generation. */
  #erase(block: number, slot: number): void {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const count = u16(octets, start + COUNT);
    const length = entryLength(octets, start, slot);
    const slotAt = start + SLOTS + 2 * slot;
    octets.copyWithin(slotAt, slotAt + 2, start + SLOTS + 2 * count);
    writeU16(octets, start + COUNT, count - 1);
    writeU16(octets, start + ENTRY_OCTETS, u16(octets, start + ENTRY_OCTETS) - length);
  }

  /** Removes the entries from a slot on. */
  #truncate(block: number, count: number): void {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    for (let slot = u16(octets, start + COUNT) - 1; slot >= count; slot--) this.#erase(block, slot);
    this.#compact(block);
  }

  /** Moves the entries to the end of the block. */
  #compact(block: number): void {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const before = Buffer.from(octets.subarray(start, start + BLOCK_OCTETS));
    let lowest = BLOCK_OCTETS;
    for (let slot = u16(octets, start + COUNT) - 1; slot >= 0; slot--) {
      const length = entryLength(before, 0, slot);
      const from = u16(before, SLOTS + 2 * slot);
      lowest -= length;
      before.copy(octets, start + lowest, from, from + length);
      writeU16(octets, start + SLOTS + 2 * slot, lowest);
    }
    writeU16(octets, start + LOWEST, lowest);
  }

  /** The block, or a copy that belongs to this generation. */
  #own(block: number): number {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    if (octets.readUInt32BE(start + GENERATION) === this.#generation) return block;
    const copy = this.#allocate(0);
    const to = startOf(copy);
    this.octetsOf(block).copy(this.octetsOf(copy), to, start, start + BLOCK_OCTETS);
    this.octetsOf(copy).writeUInt32BE(this.#generation, to + GENERATION);
    this.#giveUp(block);
    return copy;
  }

  #giveUp(block: number): void {
    if (this.#fresh.delete(block)) this.#free.push(block);
    else this.#replaced.push(block);
  }

  #allocate(level: number): number {
    for (const free of this.#givenUp.reclaim()) this.#free.push(free);
    const block = this.#free.pop() ?? this.#extend();
    const octets = this.octetsOf(block);
    const start = startOf(block);
    octets.writeUInt32BE(this.#generation, start + GENERATION);
    writeU16(octets, start + COUNT, 0);
    writeU16(octets, start + LOWEST, BLOCK_OCTETS);
    writeU16(octets, start + ENTRY_OCTETS, 0);
    octets[start + LEVEL] = level;
    this.#fresh.add(block);
    return block;
  }

  #extend(): number {
    const block = this.#end;
    this.#end += 1;
    const [first] = this.chunks as [Buffer];
    if (this.#end <= CHUNK_BLOCKS) {
      if (this.#end * BLOCK_OCTETS <= first.length) return block;
      this.chunks[0] = newChunk((2 * first.length) / BLOCK_OCTETS);
      first.copy(this.chunks[0]);
    } else {
      if (this.#end <= this.chunks.length * CHUNK_BLOCKS) return block;
      this.chunks.push(newChunk(CHUNK_BLOCKS));
    }
    Atomics.add(this.#header, OrderedHeader.shape, 1);
    return block;
  }
}

function newChunk(blocks: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(blocks * BLOCK_OCTETS));
}

function setChild(octets: Buffer, start: number, slot: number, child: number): void {
  octets.writeUInt32BE(child, start + u16(octets, start + SLOTS + 2 * slot));
}

/** Octets of the block that are in use. */
function sizeOf(octets: Buffer, start: number): number {
  return SLOTS + 2 * u16(octets, start + COUNT) + u16(octets, start + ENTRY_OCTETS);
}

/** The slot after which about half of the octets are. */
function middleOf(octets: Buffer, start: number): number {
  const half = u16(octets, start + ENTRY_OCTETS) / 2;
  let sum = 0;
  let slot = 0;
  while (sum < half) sum += entryLength(octets, start, slot++);
  return slot;
}

function entryLength(octets: Buffer, start: number, slot: number): number {
  const at = start + u16(octets, start + SLOTS + 2 * slot);
  const head = octets[start + LEVEL] === 0 ? LEAF_HEAD : INNER_HEAD;
  return head + octets[at + head - 1]!;
}

/**
 * Finds keys in an ordered set of octet strings in shared memory (ordered-keys.ts), in the thread that changes it and in others.
 *
 * The set is a tree of blocks. A block that belongs to a published root is never changed, so that whoever reads from one root sees one
 * state of the set; it is used again only when no thread can still read it (zone/read-turns.ts).
 *
 * A block, big-endian: its generation (4 octets), number of entries (2), offset of the lowest entry (2), octets of all entries
 * (2), level (1), unused (1); for each entry, in the order of the keys, its offset (2). Entries lie at the end of the block. An entry
 * of a leaf is the length of the key (1) and the key; one of another block has the number of the block below (4) before them, and
 * its key is not greater than any key below. That of the first entry is not read.
 */
import type { SharedOrder } from '../zone/chain-order.ts';
import { u16 } from '../zone/node-octets.ts';

export const BLOCK_OCTETS = 2048;
const CHUNK_BITS = 7;
/** Blocks of a chunk, which has 256 KiB. */
export const CHUNK_BLOCKS = 1 << CHUNK_BITS;
/** Offsets in a block. */
export const GENERATION = 0;
export const COUNT = 4;
export const LOWEST = 6;
export const ENTRY_OCTETS = 8;
export const LEVEL = 10;
export const SLOTS = 12;
/** Octets of an entry before its key: of a leaf, and of another block. */
export const LEAF_HEAD = 1;
export const INNER_HEAD = 5;
export const MAX_KEY_OCTETS = 255;

/** Shared memory of 32 bits each. */
export const OrderedHeader = { root: 0, shape: 1 } as const;
export const ORDERED_HEADER_WORDS = 2;

export class OrderedOctets {
  protected chunks: Buffer[];

  protected constructor(chunks: Buffer[]) {
    this.chunks = chunks;
  }

  /** The greatest key that is not greater than this one; if there is none, the greatest of all. Undefined in an empty set. */
  protected floorFrom(root: number, key: Uint8Array): Uint8Array | undefined {
    return this.#floor(root, key) ?? this.#last(root);
  }

  /** The least key that is greater than this one; if there is none, the least of all. Undefined in an empty set. */
  protected afterFrom(root: number, key: Uint8Array): Uint8Array | undefined {
    return this.#after(root, key) ?? this.#first(root);
  }

  protected hasFrom(root: number, key: Uint8Array): boolean {
    let block = root;
    for (;;) {
      const octets = this.octetsOf(block);
      const start = startOf(block);
      const slot = this.slotOf(octets, start, key);
      if (octets[start + LEVEL] === 0) return slot >= 0 && isEqual(octets, keyAt(octets, start, slot), key);
      block = childAt(octets, start, Math.max(slot, 0));
    }
  }

  /** The keys in their order. */
  protected *keysFrom(block: number): Generator<Uint8Array> {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const count = u16(octets, start + COUNT);
    for (let slot = 0; slot < count; slot++) {
      if (octets[start + LEVEL] === 0) yield copyOfKey(octets, start, slot);
      else yield* this.keysFrom(childAt(octets, start, slot));
    }
  }

  protected octetsOf(block: number): Buffer {
    return this.chunks[block >>> CHUNK_BITS]!;
  }

  /** The last entry whose key is not greater; -1 without one. */
  protected slotOf(octets: Buffer, start: number, key: Uint8Array): number {
    const head = octets[start + LEVEL] === 0 ? LEAF_HEAD : INNER_HEAD;
    let low = -1;
    let high = u16(octets, start + COUNT);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (compare(octets, start + u16(octets, start + SLOTS + 2 * middle) + head, key) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  #floor(block: number, key: Uint8Array): Uint8Array | undefined {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const slot = this.slotOf(octets, start, key);
    if (octets[start + LEVEL] === 0) return slot < 0 ? undefined : copyOfKey(octets, start, slot);
    const found = this.#floor(childAt(octets, start, Math.max(slot, 0)), key);
    if (found !== undefined) return found;
    return slot > 0 ? this.#last(childAt(octets, start, slot - 1)) : undefined;
  }

  #after(block: number, key: Uint8Array): Uint8Array | undefined {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const slot = this.slotOf(octets, start, key);
    const count = u16(octets, start + COUNT);
    if (octets[start + LEVEL] === 0) return slot + 1 < count ? copyOfKey(octets, start, slot + 1) : undefined;
    const at = Math.max(slot, 0);
    const found = this.#after(childAt(octets, start, at), key);
    if (found !== undefined) return found;
    return at + 1 < count ? this.#first(childAt(octets, start, at + 1)) : undefined;
  }

  #first(block: number): Uint8Array | undefined {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    if (octets[start + LEVEL] !== 0) return this.#first(childAt(octets, start, 0));
    return u16(octets, start + COUNT) > 0 ? copyOfKey(octets, start, 0) : undefined;
  }

  #last(block: number): Uint8Array | undefined {
    const octets = this.octetsOf(block);
    const start = startOf(block);
    const slot = u16(octets, start + COUNT) - 1;
    if (octets[start + LEVEL] !== 0) return this.#last(childAt(octets, start, slot));
    return slot >= 0 ? copyOfKey(octets, start, slot) : undefined;
  }
}

/** In a thread that only reads. Every use is between `begin` and `end` of its TurnCounter. */
export class OrderReader extends OrderedOctets {
  readonly #header: Int32Array;
  readonly #shape: number;

  constructor({ chunks, header, shape }: SharedOrder) {
    super(chunks.map((chunk) => Buffer.from(chunk)));
    this.#header = new Int32Array(header);
    this.#shape = shape;
  }

  /** False since the set has more memory: `root` may be in a part that this thread does not have. */
  get isCurrent(): boolean {
    return Atomics.load(this.#header, OrderedHeader.shape) === this.#shape;
  }

  /** The published state: what one answer needs is found from one root. */
  get root(): number {
    return Atomics.load(this.#header, OrderedHeader.root);
  }

  /** See OrderedOctets. */
  floor(root: number, key: Uint8Array): Uint8Array | undefined {
    return this.floorFrom(root, key);
  }

  has(root: number, key: Uint8Array): boolean {
    return this.hasFrom(root, key);
  }
}

/** Offset of a block in its chunk. */
export function startOf(block: number): number {
  return (block & (CHUNK_BLOCKS - 1)) * BLOCK_OCTETS;
}

export function childAt(octets: Buffer, start: number, slot: number): number {
  return octets.readUInt32BE(start + u16(octets, start + SLOTS + 2 * slot));
}

/** Offset of the length of a key. */
export function keyAt(octets: Buffer, start: number, slot: number): number {
  return start + u16(octets, start + SLOTS + 2 * slot) + (octets[start + LEVEL] === 0 ? 0 : INNER_HEAD - LEAF_HEAD);
}

export function copyOfKey(octets: Buffer, start: number, slot: number): Uint8Array {
  const at = keyAt(octets, start, slot);
  return Uint8Array.prototype.slice.call(octets, at + 1, at + 1 + octets[at]!);
}

export function isEqual(octets: Buffer, at: number, key: Uint8Array): boolean {
  return compare(octets, at + 1, key) === 0;
}

/** @param at offset of a key, after its length @returns below 0 if that one is less */
function compare(octets: Buffer, at: number, key: Uint8Array): number {
  const length = octets[at - 1]!;
  const common = Math.min(length, key.length);
  for (let i = 0; i < common; i++) {
    const difference = octets[at + i]! - key[i]!;
    if (difference !== 0) return difference;
  }
  return length - key.length;
}

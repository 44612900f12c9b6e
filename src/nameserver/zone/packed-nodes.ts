/**
 * The names of one zone in octets instead of objects: a hash table of places in blocks of octets. A name with one address takes some
 * 70 octets, and the garbage collector sees none of it.
 *
 * A block, in units of eight octets: its size in units (2 octets), the number of children (4), its state (1), the name
 * (node-octets.ts). A block stays where it is and never changes its size, so that whoever goes through the table finds each block
 * once, whatever is changed meanwhile.
 */
import { areEqualNames, hashOfKey, hashOfOctets, lowerCase } from './name-hash.ts';
import { findRRsetAt, MAX_RRSETS, nodeLength, readNode, u16, writeNode, writeU16 } from './node-octets.ts';
import type { ZoneNode } from './zone-node.ts';

/** A name out of its place: its octets, one character for each, or the node where those are too many. */
export type PackedNode = string | ZoneNode;

const UNIT = 8;
const CHUNK_BITS = 15;
const CHUNK_UNITS = 1 << CHUNK_BITS;
/** A server may have thousands of zones of a few names: the first chunk is doubled up to the size of the others. */
const FIRST_CHUNK_UNITS = 64;
/** A larger name is kept as an object. */
const MAX_OCTETS = 16_384;
/** Offsets in a block. */
const CHILDREN = 2;
const STATE = 6;
const NODE = 7;
const NAME = 8;
/** States of a block. */
const FREE = 0;
const PACKED = 1;
/** Only the name without RRsets is in the block. */
const LARGE = 2;
const MIN_INDEX = 16;

export class PackedNodes {
  readonly #chunks: Buffer[] = [Buffer.alloc(FIRST_CHUNK_UNITS * UNIT)];
  /** The place after the last block. A place is the number of its unit in all chunks. */
  #end = 0;
  /** Places of free blocks by their size. */
  readonly #free = new Map<number, number[]>();
  readonly #large = new Map<number, ZoneNode>();
  /** Open addressing with linear probing: place + 1, or 0; and the hash of the name there. */
  #places = new Uint32Array(MIN_INDEX);
  #hashes = new Int32Array(MIN_INDEX);
  #size = 0;
  /** What `get` returned last: a change asks for its name several times. */
  #lastPlace = -1;
  #lastNode: ZoneNode | undefined;

  get size(): number {
    return this.#size;
  }

  /** The end of the places that have been used. */
  get end(): number {
    return this.#end;
  }

  /** @param hash hashOfKey(key) */
  get(key: string, hash: number): ZoneNode | undefined {
    const place = this.placeOf(key, hash);
    if (place < 0) return undefined;
    if (place !== this.#lastPlace) {
      this.#lastNode = this.nodeAt(place);
      this.#lastPlace = place;
    }
    return this.#lastNode;
  }

  /** @param hash hashOfKey(key) @returns -1 without the name */
  placeOf(key: string, hash: number): number {
    return this.#places[this.#indexOf(key, hash)]! - 1;
  }

  /** The same of a name in a message. @param hash as of NameHashes */
  placeOfOctets(octets: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#places.length - 1;
    for (let at = hash & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      if (this.#hashes[at] !== hash) continue;
      const place = this.#places[at]! - 1;
      if (this.#areOctetsAt(place, octets, start, end)) return place;
    }
    return -1;
  }

  /** The size of the block at a place, in units. */
  unitsAt(place: number): number {
    return u16(this.#chunkOf(place), offsetOf(place));
  }

  /** Undefined for a free block. */
  nodeAt(place: number): ZoneNode | undefined {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    const state = chunk[offset + STATE];
    if (state === LARGE) return this.#large.get(place);
    return state === FREE ? undefined : unpack(chunk, offset);
  }

  /** A copy of what is at a place. */
  packedAt(place: number): PackedNode {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] === LARGE) return this.#large.get(place)!;
    return chunk.toString('latin1', offset, offset + u16(chunk, offset) * UNIT);
  }

  /** The octets that hold the RRset of a place; see `rrsetAt`. */
  octetsAt(place: number): Buffer {
    return this.#chunkOf(place);
  }

  /** The offset in `octetsAt(place)` of the TTL of an RRset; -1 if the name does not have it, or is kept as an object. */
  rrsetAt(place: number, type: number): number {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    return chunk[offset + STATE] === PACKED ? findRRsetAt(chunk, offset + NODE, type) : -1;
  }

  /** Adds a name, or takes the place of the one with its key. @returns where it is now */
  put(node: ZoneNode, hash = hashOfKey(node.key)): number {
    const { key } = node;
    const units = unitsOf(node);
    const at = this.#indexOf(key, hash);
    if (this.#places[at] !== 0) {
      const place = this.#places[at]! - 1;
      if (this.unitsAt(place) === units) {
        this.#write(place, node);
        return place;
      }
      this.#release(place);
    }
    const isNew = this.#places[at] === 0;
    const place = this.#allocate(units);
    this.#write(place, node);
    if (isNew) this.#index(at, place, hash);
    else this.#places[at] = place + 1;
    return place;
  }

  /**
   * Adds a name that is not in the table yet, without children.
   * @param octets from `start` to `end` a node as of node-octets.ts
   */
  addOctets(octets: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > MAX_OCTETS) {
      this.put(readNode(Buffer.from(octets.buffer, octets.byteOffset, octets.length), start, 0));
      return;
    }
    const hash = hashOfOctets(octets, start + 1, start + 1 + octets[start]!);
    const place = this.#allocate(blockUnits(length));
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    chunk[offset + STATE] = PACKED;
    chunk.writeUInt32BE(0, offset + CHILDREN);
    for (let i = 0; i < length; i++) chunk[offset + NODE + i] = octets[start + i]!;
    this.#index(this.#freeIndex(hash), place, hash);
  }

  /** @param hash hashOfKey(key) */
  remove(key: string, hash: number): void {
    let hole = this.#indexOf(key, hash);
    if (this.#places[hole] === 0) return;
    this.#release(this.#places[hole]! - 1);
    this.#size -= 1;
    // What follows and would no longer be found moves into the hole.
    const mask = this.#places.length - 1;
    for (let at = (hole + 1) & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashes[at]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#places[hole] = this.#places[at]!;
      this.#hashes[hole] = this.#hashes[at]!;
      hole = at;
    }
    this.#places[hole] = 0;
  }

  #chunkOf(place: number): Buffer {
    return this.#chunks[place >>> CHUNK_BITS]!;
  }

  /** Where the name is in the index, or where it belongs. */
  #indexOf(key: string, hash: number): number {
    const mask = this.#places.length - 1;
    let at = hash & mask;
    while (this.#places[at] !== 0 && !(this.#hashes[at] === hash && this.#isKeyAt(this.#places[at]! - 1, key))) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Where a name that is not in the index belongs. */
  #freeIndex(hash: number): number {
    const mask = this.#places.length - 1;
    let at = hash & mask;
    while (this.#places[at] !== 0) at = (at + 1) & mask;
    return at;
  }

  #isKeyAt(place: number, key: string): boolean {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + NODE] !== key.length) return false;
    const start = offset + NAME;
    for (let i = 0; i < key.length; i++) if (lowerCase(chunk[start + i]!) !== key.charCodeAt(i)) return false;
    return true;
  }

  #areOctetsAt(place: number, octets: Uint8Array, start: number, end: number): boolean {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    const length = end - start;
    return chunk[offset + NODE] === length && areEqualNames(chunk, offset + NAME, octets, start, length);
  }

  #write(place: number, node: ZoneNode): void {
    if (place === this.#lastPlace) this.#lastPlace = -1;
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] === LARGE) this.#large.delete(place);
    const isLarge = isTooLarge(node);
    if (isLarge) this.#large.set(place, node);
    chunk[offset + STATE] = isLarge ? LARGE : PACKED;
    chunk.writeUInt32BE(node.children, offset + CHILDREN);
    writeNode(chunk, offset + NODE, isLarge ? nameOnly(node) : node);
  }

  #release(place: number): void {
    if (place === this.#lastPlace) this.#lastPlace = -1;
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] === LARGE) this.#large.delete(place);
    chunk[offset + STATE] = FREE;
    const units = this.unitsAt(place);
    const free = this.#free.get(units);
    if (free === undefined) this.#free.set(units, [place]);
    else free.push(place);
  }

  #allocate(units: number): number {
    const free = this.#free.get(units)?.pop();
    if (free !== undefined) return free;
    const rest = CHUNK_UNITS - (this.#end % CHUNK_UNITS);
    if (rest < units) {
      writeU16(this.#chunkOf(this.#end), offsetOf(this.#end), rest);
      this.#end += rest;
    }
    const place = this.#end;
    this.#end += units;
    this.#growChunks();
    writeU16(this.#chunkOf(place), offsetOf(place), units);
    return place;
  }

  #growChunks(): void {
    const [first] = this.#chunks as [Buffer];
    if (this.#end <= CHUNK_UNITS) {
      let octets = first.length;
      while (octets < this.#end * UNIT) octets *= 2;
      if (octets > first.length) {
        this.#chunks[0] = Buffer.alloc(octets);
        first.copy(this.#chunks[0]);
      }
    } else if (this.#end > this.#chunks.length * CHUNK_UNITS) this.#chunks.push(Buffer.alloc(CHUNK_UNITS * UNIT));
  }

  #index(at: number, place: number, hash: number): void {
    this.#places[at] = place + 1;
    this.#hashes[at] = hash;
    this.#size += 1;
    if (this.#size * 8 > this.#places.length * 5) this.#growIndex();
  }

  #growIndex(): void {
    const [places, hashes] = [this.#places, this.#hashes];
    const length = 2 * places.length;
    this.#places = new Uint32Array(length);
    this.#hashes = new Int32Array(length);
    for (let from = 0; from < places.length; from++) {
      if (places[from] === 0) continue;
      const at = this.#freeIndex(hashes[from]!);
      this.#places[at] = places[from]!;
      this.#hashes[at] = hashes[from]!;
    }
  }
}

export function unpackNode(packed: PackedNode): ZoneNode {
  return typeof packed === 'string' ? unpack(Buffer.from(packed, 'latin1'), 0) : packed;
}

/** Offset of a place in its chunk, in octets. */
function offsetOf(place: number): number {
  return (place & (CHUNK_UNITS - 1)) * UNIT;
}

function unpack(chunk: Buffer, offset: number): ZoneNode {
  return readNode(chunk, offset + NODE, chunk.readUInt32BE(offset + CHILDREN));
}

function nameOnly({ key, wireText, children }: ZoneNode): ZoneNode {
  return { key, wireText, rrsets: [], children };
}

function isTooLarge(node: ZoneNode): boolean {
  return node.rrsets.length > MAX_RRSETS || nodeLength(node) > MAX_OCTETS;
}

function unitsOf(node: ZoneNode): number {
  return blockUnits(nodeLength(isTooLarge(node) ? nameOnly(node) : node));
}

/**
 * Larger blocks have fewer sizes, so that a free one is soon of use again.
 * @param nodeOctets length of a node
 */
function blockUnits(nodeOctets: number): number {
  const units = Math.ceil((NODE + nodeOctets) / UNIT);
  if (units <= 32) return units;
  const step = units <= 256 ? 8 : 64;
  return Math.ceil(units / step) * step;
}

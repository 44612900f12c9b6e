/**
 * The names of one zone in octets instead of objects: a hash table of places in blocks of octets. A name with one address takes some
 * 70 octets, and the garbage collector sees none of it.
 *
 * A block, in units of eight octets: its size in units (2 octets), the number of children (4), its state (1), the name
 * (node-octets.ts). A block stays where it is and never changes its size, so that whoever goes through the table finds each block
 * once, whatever is changed meanwhile.
 */
import { hashOfKey, hashOfOctets } from './name-hash.ts';
import { MAX_RRSETS, nodeEnd, nodeLength, readNode, u16, writeNode, writeU16 } from './node-octets.ts';
import {
  CHILDREN,
  CHUNK_UNITS,
  FREE,
  HEADER_WORDS,
  LARGE,
  NODE,
  offsetOf,
  PACKED,
  PackedOctets,
  type SharedOctets,
  STATE,
  TableHeader,
  UNIT,
} from './packed-octets.ts';
import { GivenUpBlocks } from './read-turns.ts';
import type { ZoneNode } from './zone-node.ts';

/** A name out of its place: its octets, one character for each, or the node where those are too many. */
export type PackedNode = string | ZoneNode;

/** A server may have thousands of zones of a few names: the first chunk is doubled up to the size of the others. */
const FIRST_CHUNK_UNITS = 64;
/** A larger name is kept as an object. */
const MAX_OCTETS = 16_384;
const MIN_INDEX = 16;

export class PackedNodes extends PackedOctets {
  /** The place after the last block. A place is the number of its unit in all chunks. */
  #end = 0;
  /** Places of free blocks by their size. */
  readonly #free = new Map<number, number[]>();
  readonly #givenUp = new GivenUpBlocks();
  readonly #large = new Map<number, ZoneNode>();
  #size = 0;
  readonly #header = new Int32Array(new SharedArrayBuffer(HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT));
  /** What `get` returned last: a change asks for its name several times. */
  #lastPlace = -1;
  #lastNode: ZoneNode | undefined;

  /** @param names that it is made for: up to this number its index does not grow */
  constructor(names = 0) {
    let length = MIN_INDEX;
    while (isFull(names, length)) length *= 2;
    super([newChunk(FIRST_CHUNK_UNITS * UNIT)], newPlaces(length), newHashes(length));
  }

  /** Its memory as it is now, for the threads that read it. */
  share(): SharedOctets {
    return {
      chunks: this.chunks.map(sharedBuffer),
      places: sharedBuffer(this.places),
      hashes: sharedBuffer(this.hashes),
      header: sharedBuffer(this.#header),
      shape: this.shape,
    };
  }

  /** Changes with each growth, and with `unshare`. What was shared before is then of no use. */
  get shape(): number {
    return this.#header[TableHeader.shape]!;
  }

  /** For threads: see ZoneVersion. */
  setCuts(cuts: number): void {
    Atomics.store(this.#header, TableHeader.cuts, cuts);
  }

  /** No thread finds a name any more, before `share`. */
  unshare(): void {
    Atomics.add(this.#header, TableHeader.shape, 1);
  }

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

  /** The size of the block at a place, in units. */
  unitsAt(place: number): number {
    return u16(this.octetsAt(place), offsetOf(place));
  }

  /** Undefined for a free block. */
  nodeAt(place: number): ZoneNode | undefined {
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    const state = chunk[offset + STATE];
    if (state === LARGE) return this.#large.get(place);
    return state === FREE ? undefined : unpack(chunk, offset);
  }

  /** The octets of a name, as of node-octets.ts, until it is changed; undefined without the name, or if it is kept as an object. */
  octetsOf(key: string): Buffer | undefined {
    const place = this.placeOf(key, hashOfKey(key));
    if (place < 0) return undefined;
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] !== PACKED) return undefined;
    return chunk.subarray(offset + NODE, nodeEnd(chunk, offset + NODE));
  }

  /** A copy of what is at a place. */
  packedAt(place: number): PackedNode {
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] === LARGE) return this.#large.get(place)!;
    return chunk.toString('latin1', offset, offset + u16(chunk, offset) * UNIT);
  }

  /** Adds a name, or takes the place of the one with its key. @returns where it is now */
  put(node: ZoneNode, hash = hashOfKey(node.key)): number {
    const at = this.#indexOf(node.key, hash);
    const old = this.places[at]! - 1;
    const place = this.#allocate(unitsOf(node));
    this.#write(place, node);
    if (old < 0) this.#index(at, place, hash);
    else {
      Atomics.store(this.places, at, place + 1);
      this.#release(old);
    }
    return place;
  }

  /**
   * Adds a name that is not in the table yet.
   * @param octets from `start` to `end` a node as of node-octets.ts @param children as ZoneNode.children
   */
  addOctets(octets: Uint8Array, start: number, end: number, children = 0): void {
    const length = end - start;
    if (length > MAX_OCTETS) {
      this.put(readNode(Buffer.from(octets.buffer, octets.byteOffset, octets.length), start, children));
      return;
    }
    const hash = hashOfOctets(octets, start + 1, start + 1 + octets[start]!);
    const place = this.#allocate(blockUnits(length));
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    chunk[offset + STATE] = PACKED;
    chunk.writeUInt32BE(children, offset + CHILDREN);
    for (let i = 0; i < length; i++) chunk[offset + NODE + i] = octets[start + i]!;
    this.#index(this.#freeIndex(hash), place, hash);
  }

  /** @param hash hashOfKey(key) */
  remove(key: string, hash: number): void {
    let hole = this.#indexOf(key, hash);
    if (this.places[hole] === 0) return;
    const place = this.places[hole]! - 1;
    this.#size -= 1;
    // What follows and would no longer be found moves into the hole.
    const mask = this.places.length - 1;
    for (let at = (hole + 1) & mask; this.places[at] !== 0; at = (at + 1) & mask) {
      const home = this.hashes[at]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.hashes[hole] = this.hashes[at]!;
      Atomics.store(this.places, hole, this.places[at]!);
      hole = at;
    }
    Atomics.store(this.places, hole, 0);
    this.#release(place);
  }

  /** Where the name is in the index, or where it belongs. */
  #indexOf(key: string, hash: number): number {
    const mask = this.places.length - 1;
    let at = hash & mask;
    while (this.places[at] !== 0 && !(this.hashes[at] === hash && this.isKeyAt(this.places[at]! - 1, key))) {
      at = (at + 1) & mask;
    }
    return at;
  }

  /** Where a name that is not in the index belongs. */
  #freeIndex(hash: number): number {
    const mask = this.places.length - 1;
    let at = hash & mask;
    while (this.places[at] !== 0) at = (at + 1) & mask;
    return at;
  }

  #write(place: number, node: ZoneNode): void {
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    const isLarge = isTooLarge(node);
    if (isLarge) this.#large.set(place, node);
    chunk[offset + STATE] = isLarge ? LARGE : PACKED;
    chunk.writeUInt32BE(node.children, offset + CHILDREN);
    writeNode(chunk, offset + NODE, isLarge ? nameOnly(node) : node);
  }

  #release(place: number): void {
    if (place === this.#lastPlace) this.#lastPlace = -1;
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] === LARGE) this.#large.delete(place);
    chunk[offset + STATE] = FREE;
    this.#givenUp.add(place);
  }

  /** Frees the blocks that were given up and that no thread reads any more. */
  #reclaim(): void {
    for (const place of this.#givenUp.reclaim()) {
      const units = this.unitsAt(place);
      const free = this.#free.get(units);
      if (free === undefined) this.#free.set(units, [place]);
      else free.push(place);
    }
  }

  #allocate(units: number): number {
    this.#reclaim();
    const free = this.#free.get(units)?.pop();
    if (free !== undefined) return free;
    const rest = CHUNK_UNITS - (this.#end % CHUNK_UNITS);
    if (rest < units) {
      writeU16(this.octetsAt(this.#end), offsetOf(this.#end), rest);
      this.#end += rest;
    }
    const place = this.#end;
    this.#end += units;
    this.#growChunks();
    writeU16(this.octetsAt(place), offsetOf(place), units);
    return place;
  }

  #growChunks(): void {
    const [first] = this.chunks as [Buffer];
    if (this.#end <= CHUNK_UNITS) {
      let octets = first.length;
      while (octets < this.#end * UNIT) octets *= 2;
      if (octets === first.length) return;
      this.chunks[0] = newChunk(octets);
      first.copy(this.chunks[0]);
    } else {
      if (this.#end <= this.chunks.length * CHUNK_UNITS) return;
      this.chunks.push(newChunk(CHUNK_UNITS * UNIT));
    }
    this.unshare();
  }

  #index(at: number, place: number, hash: number): void {
    this.hashes[at] = hash;
    Atomics.store(this.places, at, place + 1);
    this.#size += 1;
    if (isFull(this.#size, this.places.length)) this.#growIndex();
  }

  #growIndex(): void {
    const [places, hashes] = [this.places, this.hashes];
    const length = 2 * places.length;
    this.places = newPlaces(length);
    this.hashes = newHashes(length);
    for (let from = 0; from < places.length; from++) {
      if (places[from] === 0) continue;
      const at = this.#freeIndex(hashes[from]!);
      this.places[at] = places[from]!;
      this.hashes[at] = hashes[from]!;
    }
    this.unshare();
  }
}

function isFull(names: number, places: number): boolean {
  return names * 8 > places * 5;
}

export function unpackNode(packed: PackedNode): ZoneNode {
  return typeof packed === 'string' ? unpack(Buffer.from(packed, 'latin1'), 0) : packed;
}

function newChunk(octets: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(octets));
}

function newPlaces(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * Uint32Array.BYTES_PER_ELEMENT));
}

function newHashes(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

function sharedBuffer({ buffer }: NodeJS.TypedArray): SharedArrayBuffer {
  return buffer as SharedArrayBuffer;
}

function unpack(chunk: Buffer, offset: number): ZoneNode {
  return readNode(chunk, offset + NODE, chunk.readUInt32BE(offset + CHILDREN));
}

function nameOnly({ key, wireText, children }: ZoneNode): ZoneNode {
  return { key, wireText, rrsets: [], children };
}

function isTooLarge(node: ZoneNode): boolean {
  return node.rrsets.length + (node.signerRRsets?.length ?? 0) > MAX_RRSETS || nodeLength(node) > MAX_OCTETS;
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

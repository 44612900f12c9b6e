/**
 * The names of one zone in octets instead of objects: a hash table of places in blocks of octets. A name with one address takes some
 * 70 octets, and the garbage collector sees none of it.
 *
 * A block, in units of eight octets: its size in units (2 octets), its state (1), the length of the owner name (1), the number of
 * children (4), the owner name with its letter case, the number of RRsets (2); for each RRset its type (2), TTL (4) and number of
 * records (2); for each record the length of its RDATA (2) and the RDATA. A block stays where it is and never changes its size, so
 * that whoever goes through the table finds each block once, whatever is changed meanwhile.
 */
import { lowerCaseText } from '../../dns/name.ts';
import { hashOfKey, lowerCase } from './name-hash.ts';
import type { ZoneNode, ZoneRRset } from './zone-version.ts';

/** A name out of its place: its octets, or the node where those are too many. */
export type PackedNode = Buffer | ZoneNode;

const UNIT = 8;
const CHUNK_BITS = 15;
const CHUNK_UNITS = 1 << CHUNK_BITS;
/** A server may have thousands of zones of a few names: the first chunk is doubled up to the size of the others. */
const FIRST_CHUNK_UNITS = 64;
/** A larger name is kept as an object. */
const MAX_OCTETS = 16_384;
const FREE = 0;
const PACKED = 1;
const LARGE = 2;
const HEADER_OCTETS = 8;
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
  #hashes = new Uint32Array(MIN_INDEX);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The end of the places that have been used. */
  get end(): number {
    return this.#end;
  }

  get(key: string): ZoneNode | undefined {
    const place = this.placeOf(key);
    return place < 0 ? undefined : this.nodeAt(place);
  }

  /** @returns -1 without the name */
  placeOf(key: string): number {
    const hash = hashOfKey(key);
    const mask = this.#places.length - 1;
    for (let at = hash & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      if (this.#hashes[at] === hash && this.#isKeyAt(this.#places[at]! - 1, key)) return this.#places[at]! - 1;
    }
    return -1;
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
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    return (chunk[offset]! << 8) | chunk[offset + 1]!;
  }

  /** Undefined for a free block. */
  nodeAt(place: number): ZoneNode | undefined {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    const state = chunk[offset + 2];
    if (state === LARGE) return this.#large.get(place);
    return state === FREE ? undefined : unpack(chunk, offset);
  }

  /** The size of the block at a place, in octets. */
  lengthAt(place: number): number {
    return this.unitsAt(place) * UNIT;
  }

  /** The node at a place where it is an object. */
  largeAt(place: number): ZoneNode | undefined {
    return this.#large.size === 0 ? undefined : this.#large.get(place);
  }

  /** Copies the block at a place. */
  copy(place: number, to: Buffer, at: number): void {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    const length = ((chunk[offset]! << 8) | chunk[offset + 1]!) * UNIT;
    for (let i = 0; i < length; i++) to[at + i] = chunk[offset + i]!;
  }

  /** The octets that hold the RRset of a place; see `rrsetAt`. */
  octetsAt(place: number): Buffer {
    return this.#chunkOf(place);
  }

  /** The offset in `octetsAt(place)` of the TTL of an RRset; -1 if the name does not have it, or is kept as an object. */
  rrsetAt(place: number, type: number): number {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + 2] !== PACKED) return -1;
    let at = offset + HEADER_OCTETS + chunk[offset + 3]!;
    let rrsets = (chunk[at]! << 8) | chunk[at + 1]!;
    at += 2;
    for (; rrsets > 0; rrsets--) {
      if (((chunk[at]! << 8) | chunk[at + 1]!) === type) return at + 2;
      let members = (chunk[at + 6]! << 8) | chunk[at + 7]!;
      at += 8;
      for (; members > 0; members--) at += 2 + ((chunk[at]! << 8) | chunk[at + 1]!);
    }
    return -1;
  }

  /** Adds a name, or takes the place of the one with its key. @returns where it is now */
  put(node: ZoneNode): number {
    const { key } = node;
    const units = unitsOf(node);
    const hash = hashOfKey(key);
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
    this.#places[at] = place + 1;
    this.#hashes[at] = hash;
    if (isNew) {
      this.#size += 1;
      if (this.#size * 8 > this.#places.length * 5) this.#growIndex();
    }
    return place;
  }

  remove(key: string): void {
    let hole = this.#indexOf(key, hashOfKey(key));
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

  #isKeyAt(place: number, key: string): boolean {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + 3] !== key.length) return false;
    const start = offset + HEADER_OCTETS;
    for (let i = 0; i < key.length; i++) if (lowerCase(chunk[start + i]!) !== key.charCodeAt(i)) return false;
    return true;
  }

  #areOctetsAt(place: number, octets: Uint8Array, start: number, end: number): boolean {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + 3] !== end - start) return false;
    const shift = offset + HEADER_OCTETS - start;
    for (let i = start; i < end; i++) {
      const a = chunk[shift + i]!;
      const b = octets[i]!;
      if (a !== b && lowerCase(a) !== lowerCase(b)) return false;
    }
    return true;
  }

  #write(place: number, node: ZoneNode): void {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + 2] === LARGE) this.#large.delete(place);
    const isLarge = packedOctets(node) > MAX_OCTETS;
    if (isLarge) this.#large.set(place, node);
    chunk[offset + 2] = isLarge ? LARGE : PACKED;
    packName(chunk, offset, node);
    if (!isLarge) packRRsets(chunk, offset, node);
  }

  #release(place: number): void {
    const chunk = this.#chunkOf(place);
    const offset = offsetOf(place);
    if (chunk[offset + 2] === LARGE) this.#large.delete(place);
    chunk[offset + 2] = FREE;
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
      this.#chunkOf(this.#end).writeUInt16BE(rest, offsetOf(this.#end));
      this.#end += rest;
    }
    const place = this.#end;
    this.#end += units;
    this.#growChunks();
    this.#chunkOf(place).writeUInt16BE(units, offsetOf(place));
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

  #growIndex(): void {
    const [places, hashes] = [this.#places, this.#hashes];
    const length = 2 * places.length;
    this.#places = new Uint32Array(length);
    this.#hashes = new Uint32Array(length);
    for (let from = 0; from < places.length; from++) {
      if (places[from] === 0) continue;
      let at = hashes[from]! & (length - 1);
      while (this.#places[at] !== 0) at = (at + 1) & (length - 1);
      this.#places[at] = places[from]!;
      this.#hashes[at] = hashes[from]!;
    }
  }
}

export function unpackNode(packed: PackedNode): ZoneNode {
  return Buffer.isBuffer(packed) ? unpack(packed, 0) : packed;
}

export function copyOfBlock(octets: Buffer, at: number): Buffer {
  return Buffer.from(octets.subarray(at, at + octets.readUInt16BE(at) * UNIT));
}

/** Offset of a place in its chunk, in octets. */
function offsetOf(place: number): number {
  return (place & (CHUNK_UNITS - 1)) * UNIT;
}

function packedOctets({ wireText, rrsets }: ZoneNode): number {
  let octets = HEADER_OCTETS + wireText.length + 2;
  for (const { rdatas } of rrsets) {
    octets += 8;
    for (const rdata of rdatas) octets += 2 + rdata.length;
  }
  return octets;
}

/** Sizes of blocks: larger ones have fewer, so that a free block is soon of use again. */
function unitsOf(node: ZoneNode): number {
  const octets = packedOctets(node);
  const units = Math.ceil((octets > MAX_OCTETS ? HEADER_OCTETS + node.wireText.length : octets) / UNIT);
  if (units <= 32) return units;
  const step = units <= 256 ? 8 : 64;
  return Math.ceil(units / step) * step;
}

function packName(chunk: Buffer, offset: number, { wireText, children }: ZoneNode): void {
  chunk[offset + 3] = wireText.length;
  chunk.writeUInt32BE(children, offset + 4);
  writeText(chunk, offset + HEADER_OCTETS, wireText);
}

function packRRsets(chunk: Buffer, offset: number, { wireText, rrsets }: ZoneNode): void {
  let at = offset + HEADER_OCTETS + wireText.length;
  chunk[at++] = rrsets.length >> 8;
  chunk[at++] = rrsets.length;
  for (const { type, ttl, rdatas } of rrsets) {
    chunk[at] = type >> 8;
    chunk[at + 1] = type;
    chunk[at + 2] = ttl >>> 24;
    chunk[at + 3] = ttl >> 16;
    chunk[at + 4] = ttl >> 8;
    chunk[at + 5] = ttl;
    chunk[at + 6] = rdatas.length >> 8;
    chunk[at + 7] = rdatas.length;
    at += 8;
    for (const rdata of rdatas) {
      chunk[at] = rdata.length >> 8;
      chunk[at + 1] = rdata.length;
      writeText(chunk, at + 2, rdata);
      at += 2 + rdata.length;
    }
  }
}

function unpack(chunk: Buffer, offset: number): ZoneNode {
  const u16 = (at: number) => (chunk[at]! << 8) | chunk[at + 1]!;
  let at = offset + HEADER_OCTETS + chunk[offset + 3]!;
  const wireText = chunk.toString('latin1', offset + HEADER_OCTETS, at);
  const rrsets: ZoneRRset[] = [];
  const count = u16(at);
  at += 2;
  for (let i = 0; i < count; i++) {
    const [type, ttl, members] = [u16(at), u16(at + 2) * 0x10000 + u16(at + 4), u16(at + 6)];
    at += 8;
    const rdatas: string[] = [];
    for (let j = 0; j < members; j++) {
      const end = at + 2 + u16(at);
      rdatas.push(chunk.toString('latin1', at + 2, end));
      at = end;
    }
    rrsets.push({ type, ttl, rdatas });
  }
  return { key: lowerCaseText(wireText), wireText, rrsets, children: chunk.readUInt32BE(offset + 4) };
}

/** A call into Node.js costs more than a few octets. */
function writeText(chunk: Buffer, at: number, text: string): void {
  if (text.length > 32) chunk.write(text, at, 'latin1');
  else for (let i = 0; i < text.length; i++) chunk[at + i] = text.charCodeAt(i);
}

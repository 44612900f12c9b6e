/**
 * Finds names in the octets of a zone (packed-nodes.ts), in the thread that changes them and in others.
 *
 * The memory is shared. A block is written before its place is in the index, never changed while it is there, and used again
 * only when no thread can still read it (read-turns.ts). So what is found is a name as it is or was; a name that is moved in the
 * index at that moment may be missed.
 */
import { areEqualNames, hashOfKey, lowerCase } from './name-hash.ts';
import { findRRsetAt, readNode } from './node-octets.ts';
import type { ZoneNode } from './zone-node.ts';

/** A place is the number of a unit in all chunks. */
export const UNIT = 8;
export const CHUNK_BITS = 15;
export const CHUNK_UNITS = 1 << CHUNK_BITS;
/** Offsets in a block. */
export const CHILDREN = 2;
export const STATE = 6;
export const NODE = 7;
export const NAME = 8;
/** States of a block. */
export const FREE = 0;
export const PACKED = 1;
/** Only the name without RRsets is in the block. */
export const LARGE = 2;

/** What a table tells its readers, in shared memory: 32 bits each. */
export const TableHeader = { shape: 0, cuts: 1 } as const;
export const HEADER_WORDS = 2;

/** The memory of a table, to be sent to a thread. */
export interface SharedOctets {
  readonly chunks: readonly SharedArrayBuffer[];
  readonly places: SharedArrayBuffer;
  readonly hashes: SharedArrayBuffer;
  /** Of TableHeader. */
  readonly header: SharedArrayBuffer;
  /** The number of this shape. */
  readonly shape: number;
}

export class PackedOctets {
  protected chunks: Buffer[];
  /** Open addressing with linear probing: place + 1, or 0; and the hash of the name there. */
  protected places: Uint32Array;
  protected hashes: Int32Array;

  protected constructor(chunks: Buffer[], places: Uint32Array, hashes: Int32Array) {
    this.chunks = chunks;
    this.places = places;
    this.hashes = hashes;
  }

  /** The place of a name in a message; -1 without it. @param hash as of NameHashes */
  placeOfOctets(octets: Uint8Array, start: number, end: number, hash: number): number {
    const { places, hashes } = this;
    const mask = places.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = Atomics.load(places, at) - 1;
      if (place < 0) return -1;
      if (hashes[at] === hash && this.#areOctetsAt(place, octets, start, end)) return place;
    }
  }

  /** @param hash hashOfKey(key) @returns -1 without the name */
  placeOf(key: string, hash: number): number {
    const { places, hashes } = this;
    const mask = places.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = Atomics.load(places, at) - 1;
      if (place < 0) return -1;
      if (hashes[at] === hash && this.isKeyAt(place, key)) return place;
    }
  }

  protected isKeyAt(place: number, key: string): boolean {
    const chunk = this.chunks[place >>> CHUNK_BITS];
    // Another thread may have begun a chunk meanwhile.
    if (chunk === undefined) return false;
    const offset = offsetOf(place);
    if (chunk[offset + NODE] !== key.length) return false;
    const start = offset + NAME;
    for (let i = 0; i < key.length; i++) if (lowerCase(chunk[start + i]!) !== key.charCodeAt(i)) return false;
    return true;
  }

  /** The octets that hold the RRset of a place; see `rrsetAt`. */
  octetsAt(place: number): Buffer {
    return this.chunks[place >>> CHUNK_BITS]!;
  }

  /** The offset in `octetsAt(place)` of a node as of node-octets.ts; -1 for a free block, and for a name that is kept as an object. */
  nodeOffset(place: number): number {
    const offset = offsetOf(place);
    return this.octetsAt(place)[offset + STATE] === PACKED ? offset + NODE : -1;
  }

  /** The offset in `octetsAt(place)` of the TTL of an RRset; -1 if the name does not have it, or is kept as an object. */
  rrsetAt(place: number, type: number): number {
    const node = this.nodeOffset(place);
    return node < 0 ? -1 : findRRsetAt(this.octetsAt(place), node, type);
  }

  #areOctetsAt(place: number, octets: Uint8Array, start: number, end: number): boolean {
    const chunk = this.chunks[place >>> CHUNK_BITS];
    if (chunk === undefined) return false;
    const offset = offsetOf(place);
    const length = end - start;
    return chunk[offset + NODE] === length && areEqualNames(chunk, offset + NAME, octets, start, length);
  }
}

/** A thread that reads a name must leave the answer to the main thread. */
export class NotShared extends Error {}

/** In a thread that only reads. Every use is between `begin` and `end` of its TurnCounter. */
export class OctetsReader extends PackedOctets {
  readonly #header: Int32Array;
  readonly #shape: number;

  constructor({ chunks, places, hashes, header, shape }: SharedOctets) {
    super(
      chunks.map((chunk) => Buffer.from(chunk)),
      new Uint32Array(places),
      new Int32Array(hashes),
    );
    this.#header = new Int32Array(header);
    this.#shape = shape;
  }

  /** False since the table has more memory, or since `unshare`. */
  get isCurrent(): boolean {
    return Atomics.load(this.#header, TableHeader.shape) === this.#shape;
  }

  /** As ZoneVersion.cuts. */
  get cuts(): number {
    return Atomics.load(this.#header, TableHeader.cuts);
  }

  has(key: string): boolean {
    return this.placeOf(key, hashOfKey(key)) >= 0;
  }

  /** @throws NotShared for a name that is kept as an object, or that was given up */
  find(key: string): ZoneNode | undefined {
    const place = this.placeOf(key, hashOfKey(key));
    if (place < 0) return undefined;
    const chunk = this.octetsAt(place);
    const offset = offsetOf(place);
    if (chunk[offset + STATE] !== PACKED) throw new NotShared();
    return readNode(chunk, offset + NODE, chunk.readUInt32BE(offset + CHILDREN));
  }
}

/** Offset of a place in its chunk, in octets. */
export function offsetOf(place: number): number {
  return (place & (CHUNK_UNITS - 1)) * UNIT;
}

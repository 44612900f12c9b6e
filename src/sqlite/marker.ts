/**
 * The marker of a database: a small file of names with values, written after each COMMIT, that tells a later start what the
 * database has acknowledged. A database whose newest commits are lost, or that is replaced, cannot tell that itself.
 *
 * Two slots are written in turn, each with a sequence number and a CRC-32C, so that a write that is interrupted leaves the
 * other one. A value is written after the COMMIT that it belongs to, and without a sync: the marker is never ahead of the
 * database. `sync` is called at checkpoints.
 *
 * A slot, big-endian: "DKN1", its size (4), the sequence number (8), the number of octets of entries (4), the entries,
 * CRC-32C of all of that (4). An entry: a length octet and the name, a length octet and the value.
 */

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32c } from './crc32c.ts';
import { syncPath } from './database.ts';
import { errorText } from './sqlite-error.ts';

const MAGIC = 0x444b4e31;
const HEADER_OCTETS = 20;
const CHECKSUM_OCTETS = 4;
/** The size of a slot is a multiple of this. */
const SLOT_UNIT = 4096;
const FILE_MODE = 0o600;

/** A name, one character per octet, with its value; each at most 255 octets. */
export interface Mark {
  readonly name: string;
  readonly value: Uint8Array;
}

export type MarkerContent =
  | { readonly kind: 'missing' }
  /** `isWhole`: both slots are valid. The last write may have been interrupted otherwise. */
  | {
      readonly kind: 'read';
      readonly isWhole: boolean;
      readonly sequence: number;
      readonly slotOctets: number;
      readonly entries: ReadonlyMap<string, Uint8Array>;
    }
  /** Neither slot is valid, or the file cannot be read. */
  | { readonly kind: 'damaged'; readonly why: string };

/** The marker of a database: see lock.ts for the canonical path. */
export function markerFile(realFile: string): string {
  return `${realFile}-known`;
}

/** Never throws. */
export function readMarker(file: string): MarkerContent {
  let octets: Buffer;
  try {
    octets = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'missing' };
    return { kind: 'damaged', why: errorText(error) };
  }
  const slots = [];
  // Each slot has the size of a slot, and one of them may be damaged.
  for (let at = 0; at < octets.length; at += SLOT_UNIT) {
    const slot = readSlot(octets.subarray(at));
    if (slot !== undefined) slots.push(slot);
  }
  const newest = slots.sort((a, b) => b.sequence - a.sequence)[0];
  if (newest === undefined) return { kind: 'damaged', why: 'neither of its two slots is valid' };
  return { kind: 'read', isWhole: slots.length === 2, ...newest };
}

interface Slot {
  readonly sequence: number;
  readonly slotOctets: number;
  readonly entries: Map<string, Uint8Array>;
}

function readSlot(octets: Buffer): Slot | undefined {
  if (octets.length < HEADER_OCTETS + CHECKSUM_OCTETS || octets.readUInt32BE(0) !== MAGIC) return undefined;
  const end = HEADER_OCTETS + octets.readUInt32BE(16);
  if (end + CHECKSUM_OCTETS > octets.length || octets.readUInt32BE(end) !== crc32c(octets, 0, end)) return undefined;
  const entries = new Map<string, Uint8Array>();
  for (let at = HEADER_OCTETS; at < end; ) {
    const nameEnd = at + 1 + octets[at]!;
    const valueEnd = nameEnd + 1 + octets[nameEnd]!;
    entries.set(octets.toString('latin1', at + 1, nameEnd), Uint8Array.from(octets.subarray(nameEnd + 1, valueEnd)));
    at = valueEnd;
  }
  const sequence = octets.readUInt32BE(8) * 0x1_0000_0000 + octets.readUInt32BE(12);
  return { sequence, slotOctets: octets.readUInt32BE(4), entries };
}

/** Writes a marker. Its methods throw system errors. */
export class MarkerWriter {
  readonly #file: string;
  readonly #entries = new Map<string, Uint8Array>();
  /** A whole slot, whose values are changed in place. */
  #slot = Buffer.alloc(0);
  #slotOctets = 0;
  /** Where the value of a name starts in the slot. */
  readonly #places = new Map<string, number>();
  #used = 0;
  #sequence = 0;
  #descriptor: number | undefined;
  #isSynced = true;

  /** The entries that the file has are kept. It is created by the first `write`. */
  constructor(file: string) {
    this.#file = file;
    const content = readMarker(file);
    if (content.kind !== 'read') return;
    this.#sequence = content.sequence;
    for (const [name, value] of content.entries) this.#entries.set(name, value);
    if (!content.isWhole) return;
    this.#slotOctets = content.slotOctets;
    this.#layOut();
  }

  set({ name, value }: Mark): void {
    const place = this.#places.get(name);
    const isInPlace = place !== undefined && this.#entries.get(name)?.length === value.length;
    this.#entries.set(name, value);
    if (isInPlace && this.#slot.length > 0) this.#slot.set(value, place);
    else this.#slot = Buffer.alloc(0); // Laid out again by the next write.
  }

  /** Writes what was set: one write at one offset. */
  write(): void {
    if (this.#slot.length === 0) this.#layOut();
    if (this.#slot.length > this.#slotOctets) {
      this.#create();
      return;
    }
    this.#descriptor ??= openSync(this.#file, 'r+');
    this.#writeSlot(this.#descriptor);
    this.#isSynced = false;
  }

  /** Syncs what was written to disk. */
  sync(): void {
    if (this.#isSynced || this.#descriptor === undefined) return;
    fdatasyncSync(this.#descriptor);
    this.#isSynced = true;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #writeSlot(descriptor: number): void {
    const slot = this.#slot;
    this.#sequence += 1;
    slot.writeUInt32BE(Math.floor(this.#sequence / 0x1_0000_0000), 8);
    slot.writeUInt32BE(this.#sequence % 0x1_0000_0000, 12);
    slot.writeUInt32BE(crc32c(slot, 0, this.#used), this.#used);
    writeSync(descriptor, slot, 0, this.#used + CHECKSUM_OCTETS, (this.#sequence % 2) * this.#slotOctets);
  }

  /** Makes the file anew, with both slots, in place of a missing, damaged or too small one. */
  #create(): void {
    this.close();
    this.#slotOctets = Math.ceil(this.#slot.length / SLOT_UNIT) * SLOT_UNIT;
    this.#slot.writeUInt32BE(this.#slotOctets, 4);
    const partial = `${this.#file}.new`;
    const descriptor = openSync(partial, 'w', FILE_MODE);
    try {
      ftruncateSync(descriptor, 2 * this.#slotOctets);
      this.#writeSlot(descriptor);
      this.#writeSlot(descriptor);
      fsyncSync(descriptor);
      renameSync(partial, this.#file);
      syncPath(dirname(this.#file));
      this.#descriptor = descriptor;
      this.#isSynced = true;
    } catch (error) {
      closeSync(descriptor);
      this.#slotOctets = 0;
      throw error;
    }
  }

  #layOut(): void {
    let octets = HEADER_OCTETS + CHECKSUM_OCTETS;
    for (const [name, value] of this.#entries) octets += 2 + name.length + value.length;
    const slot = Buffer.alloc(octets);
    this.#places.clear();
    let at = slot.writeUInt32BE(MAGIC, 0);
    slot.writeUInt32BE(this.#slotOctets, at);
    at = HEADER_OCTETS;
    for (const [name, value] of this.#entries) {
      at = slot.writeUInt8(name.length, at);
      at += slot.write(name, at, 'latin1');
      at = slot.writeUInt8(value.length, at);
      this.#places.set(name, at);
      slot.set(value, at);
      at += value.length;
    }
    slot.writeUInt32BE(at - HEADER_OCTETS, 16);
    this.#slot = slot;
    this.#used = at;
  }
}

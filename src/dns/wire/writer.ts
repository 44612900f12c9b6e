/**
 * Writing of DNS octets with name compression (RFC 1035 §4.1.4).
 *
 * A pointer is written only to a suffix of the same case, so that compression preserves the case of names (RFC 4343 §4).
 */
import type { DomainName } from '../name.ts';

/** Largest message over TCP (RFC 1035 §4.2.2). */
export const MAX_MESSAGE_OCTETS = 65_535;

/** The message is longer than 65,535 octets, or a value is too long for its length field. */
export class WireOverflow extends RangeError {
  constructor(what: string) {
    super(`${what} is too large for its field`);
    this.name = 'WireOverflow';
  }
}

export class WireWriter {
  #octets: Buffer;
  #length = 0;
  /** Offsets of names and their suffixes, by `wireText`. */
  readonly #suffixes = new Map<string, number>();
  readonly #compresses: boolean;

  /** @param compresses false writes every name uncompressed: the form in which RDATA is compared */
  constructor(capacity = 512, compresses = true) {
    this.#octets = Buffer.allocUnsafe(Math.min(capacity, MAX_MESSAGE_OCTETS));
    this.#compresses = compresses;
  }

  get length(): number {
    return this.#length;
  }

  /** The octets written so far, not a copy: the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#octets.subarray(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const length = at + count;
    if (length > this.#octets.length) {
      if (length > MAX_MESSAGE_OCTETS) throw new WireOverflow('message');
      const larger = Buffer.allocUnsafe(Math.min(Math.max(this.#octets.length * 2, length), MAX_MESSAGE_OCTETS));
      this.#octets.copy(larger, 0, 0, at);
      this.#octets = larger;
    }
    this.#length = length;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#octets[at] = value;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#octets[at] = value >> 8;
    this.#octets[at + 1] = value;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    const octets = this.#octets;
    octets[at] = value >>> 24;
    octets[at + 1] = value >>> 16;
    octets[at + 2] = value >>> 8;
    octets[at + 3] = value;
  }

  u48(value: number): void {
    this.u16(Math.floor(value / 0x1_0000_0000));
    this.u32(value % 0x1_0000_0000);
  }

  bytes(octets: Uint8Array): void {
    this.#copy(octets, octets.length);
  }

  /** Writes the first `length` octets. A loop is faster than `set` for the few octets of names and addresses. */
  #copy(octets: Uint8Array, length: number): void {
    const at = this.#reserve(length);
    const target = this.#octets;
    if (length > 64) target.set(octets.length === length ? octets : octets.subarray(0, length), at);
    else for (let i = 0; i < length; i++) target[at + i] = octets[i]!;
  }

  characterString(octets: Uint8Array): void {
    if (octets.length > 255) throw new WireOverflow('character-string');
    this.u8(octets.length);
    this.bytes(octets);
  }

  /** Overwrites 16 bits at an earlier offset. */
  patchU16(offset: number, value: number): void {
    this.#octets[offset] = value >> 8;
    this.#octets[offset + 1] = value;
  }

  /** @param compressed whether the name may end in a pointer to an earlier one */
  name(name: DomainName, compressed = true): void {
    const { octets, wireText } = name;
    if (!this.#compresses) {
      this.bytes(octets);
      return;
    }
    let at = 0;
    while (octets[at] !== 0) {
      const suffix = at === 0 ? wireText : wireText.slice(at);
      const pointer = this.#suffixes.get(suffix);
      if (pointer !== undefined && compressed) {
        this.#copy(octets, at);
        this.u16(0xc000 | pointer);
        return;
      }
      const offset = this.#length + at;
      if (pointer === undefined && offset < 0x4000) this.#suffixes.set(suffix, offset);
      at += octets[at]! + 1;
    }
    this.bytes(octets);
  }
}

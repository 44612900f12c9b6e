/**
 * Bounds-checked reading of DNS octets (RFC 1035 §4.1, RFC 9267).
 *
 * Whatever the octets, a read gives a value or throws WireError, in time linear in the message: a compression pointer
 * must point before the place it was found at, so a chain of them ends, and a name may have MAX_NAME_POINTERS of them.
 */
import { DomainName, MAX_NAME_OCTETS } from '../name.ts';

/** Octets that are no DNS message. `offset` is where reading stopped. */
export class WireError extends Error {
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(`${reason} at octet ${offset}`);
    this.name = 'WireError';
    this.offset = offset;
  }
}

/**
 * No name needs more: it has 127 labels at most, and a writer that compresses puts one before every pointer. Without
 * this bound a chain of 8,000 pointers, asked for by 8,000 names of one message, would cost 60 million steps.
 */
const MAX_NAME_POINTERS = 127;

/** Where a name is put together before its length is known; reading never gives way to other code. */
const SCRATCH = new Uint8Array(MAX_NAME_OCTETS);

export class WireReader {
  readonly octets: Uint8Array;
  /** The next octet to read. */
  offset: number;
  /** The first octet that may not be read. */
  end: number;
  /** Names that began at an offset: owner names mostly point at the question. */
  readonly #names = new Map<number, DomainName>();

  constructor(octets: Uint8Array, offset = 0, end = octets.length) {
    this.octets = octets;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  fail(reason: string): never {
    throw new WireError(reason, this.offset);
  }

  u8(): number {
    if (this.offset >= this.end) this.fail('truncated');
    return this.octets[this.offset++]!;
  }

  u16(): number {
    const at = this.offset;
    if (at + 2 > this.end) this.fail('truncated');
    this.offset = at + 2;
    return (this.octets[at]! << 8) | this.octets[at + 1]!;
  }

  u32(): number {
    const at = this.offset;
    if (at + 4 > this.end) this.fail('truncated');
    this.offset = at + 4;
    const { octets } = this;
    return ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
  }

  /** 48 bits, as TSIG's Time Signed. */
  u48(): number {
    return this.u16() * 0x1_0000_0000 + this.u32();
  }

  /** A copy of the next `length` octets: a value must not keep a whole message alive, nor change with its buffer. */
  bytes(length: number): Uint8Array {
    const at = this.offset;
    if (at + length > this.end) this.fail('truncated');
    this.offset = at + length;
    return Uint8Array.prototype.slice.call(this.octets, at, at + length);
  }

  /** All octets up to the end. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A character-string: one length octet and as many octets (RFC 1035 §3.3). */
  characterString(): Uint8Array {
    return this.bytes(this.u8());
  }

  /**
   * A domain name. With `compressed` false a pointer is an error: names in RDATA newer than RFC 1035 are never
   * compressed (RFC 3597 §4), and TSIG's never (RFC 8945 §4.2).
   */
  name(compressed = true): DomainName {
    const start = this.offset;
    const { octets } = this;
    if (start + 1 < this.end && (octets[start]! & 0xc0) === 0xc0) {
      // The whole name is one pointer: the usual owner name of an answer.
      const known = this.#names.get(((octets[start]! & 0x3f) << 8) | octets[start + 1]!);
      if (known !== undefined && compressed) {
        this.offset = start + 2;
        return known;
      }
    }
    const wire = SCRATCH;
    let length = 0;
    let at = start;
    let limit = this.end;
    let lowest = start;
    let after = -1;
    let pointers = 0;
    for (;;) {
      if (at >= limit) throw new WireError('truncated name', at);
      const octet = octets[at]!;
      if (octet < 0x40) {
        if (length + octet + 1 > MAX_NAME_OCTETS) throw new WireError('name longer than 255 octets', at);
        if (at + octet + 1 > limit) throw new WireError('truncated name', at);
        wire[length++] = octet;
        for (let i = 1; i <= octet; i++) wire[length++] = octets[at + i]!;
        at += octet + 1;
        if (octet === 0) break;
      } else if (octet >= 0xc0) {
        if (at + 2 > limit) throw new WireError('truncated name', at);
        if (!compressed) throw new WireError('compressed name where none is allowed', at);
        const target = ((octet & 0x3f) << 8) | octets[at + 1]!;
        if (target >= lowest) throw new WireError('name pointer does not go back', at);
        if (target < 12) throw new WireError('name pointer into the header', at);
        if (++pointers > MAX_NAME_POINTERS) throw new WireError('too many name pointers', at);
        if (after < 0) after = at + 2;
        limit = octets.length;
        lowest = target;
        at = target;
      } else {
        throw new WireError('unknown label type', at);
      }
    }
    this.offset = after < 0 ? at : after;
    const name = length === 1 ? DomainName.root : DomainName.ofWire(wire.slice(0, length));
    this.#names.set(start, name);
    return name;
  }
}

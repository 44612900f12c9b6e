/**
 * Bounds-checked reading of DNS octets (RFC 1035 §4.1, RFC 9267).
 *
 * For any input, a read returns a value or throws WireError, in time linear in the message: a compression pointer must
 * point backwards, so chains end, and a name has at most MAX_NAME_POINTERS of them.
 */
import { DomainName, MAX_NAME_OCTETS } from '../name.ts';

/** The octets are not a valid DNS message. `offset` is where decoding stopped. */
export class WireError extends Error {
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(`${reason} at octet ${offset}`);
    this.name = 'WireError';
    this.offset = offset;
  }
}

/**
 * A name has at most 127 labels, and a compressing writer puts a label before every pointer. Without this bound, 8,000
 * names that point to a chain of 8,000 pointers would cost 60 million steps.
 */
const MAX_NAME_POINTERS = 127;

/** Buffer for a name whose length is not yet known. Can be shared, as reading is synchronous. */
const SCRATCH = new Uint8Array(MAX_NAME_OCTETS);

export class WireReader {
  readonly octets: Uint8Array;
  /** The next octet to read. */
  offset: number;
  /** Offset after the last octet that may be read. */
  end: number;
  /** Decoded names by offset: most owner names are a pointer to the question. */
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

  /** 48 bits, for TSIG's Time Signed (RFC 8945 §4.2). */
  u48(): number {
    return this.u16() * 0x1_0000_0000 + this.u32();
  }

  /** Copies the next `length` octets: a view would keep the whole message in memory and change with its buffer. */
  bytes(length: number): Uint8Array {
    const at = this.offset;
    if (at + length > this.end) this.fail('truncated');
    this.offset = at + length;
    return Uint8Array.prototype.slice.call(this.octets, at, at + length);
  }

  /** Copies all octets up to the end. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A <character-string> (RFC 1035 §3.3) without its length octet. */
  characterString(): Uint8Array {
    return this.bytes(this.u8());
  }

  /**
   * A domain name.
   * @param compressed false where a pointer is an error: names in RDATA of types that are newer than RFC 1035
   *   (RFC 3597 §4) and in TSIG (RFC 8945 §4.2)
   */
  name(compressed = true): DomainName {
    const start = this.offset;
    const { octets } = this;
    if (start + 1 < this.end && (octets[start]! & 0xc0) === 0xc0) {
      // The whole name is one pointer: the usual owner name of an answer.
      const decodedName = this.#names.get(((octets[start]! & 0x3f) << 8) | octets[start + 1]!);
      if (decodedName !== undefined && compressed) {
        this.offset = start + 2;
        return decodedName;
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
        if (!compressed) throw new WireError('compressed name where compression is not allowed', at);
        const target = ((octet & 0x3f) << 8) | octets[at + 1]!;
        if (target >= lowest) throw new WireError('name pointer does not point backwards', at);
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

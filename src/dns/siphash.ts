/**
 * SipHash-2-4 with 64 bits of output (Aumasson, Bernstein 2012), the keyed hash of DNS cookies (RFC 9018 §4.4).
 *
 * node:crypto does not offer it. A 64-bit word is a pair of 32-bit numbers: BigInt is too slow for a hash of every
 * datagram. Left out: 128 bits of output, streaming input.
 */

export const SIPHASH_KEY_OCTETS = 16;

/** A hash as two unsigned 32-bit words, little-endian: `low` is written first. */
export interface SipHash64 {
  low: number;
  high: number;
}

export class SipHash {
  readonly #k0l: number;
  readonly #k0h: number;
  readonly #k1l: number;
  readonly #k1h: number;

  /** @throws RangeError if the key does not have 16 octets */
  constructor(key: Uint8Array) {
    if (key.length !== SIPHASH_KEY_OCTETS) throw new RangeError('a SipHash key has 16 octets');
    this.#k0l = wordAt(key, 0);
    this.#k0h = wordAt(key, 4);
    this.#k1l = wordAt(key, 8);
    this.#k1h = wordAt(key, 12);
  }

  /** Hashes the first `length` octets of the input into `result`. */
  hash(input: Uint8Array, length: number, result: SipHash64): void {
    let v0l = this.#k0l ^ 0x70736575;
    let v0h = this.#k0h ^ 0x736f6d65;
    let v1l = this.#k1l ^ 0x6e646f6d;
    let v1h = this.#k1h ^ 0x646f7261;
    let v2l = this.#k0l ^ 0x6e657261;
    let v2h = this.#k0h ^ 0x6c796765;
    let v3l = this.#k1l ^ 0x79746573;
    let v3h = this.#k1h ^ 0x74656462;
    const blocks = length >>> 3;
    // One iteration per block of 8 octets, one for the rest with the length octet, one for the finalization (4 rounds).
    for (let block = 0; block <= blocks + 1; block++) {
      let ml = 0;
      let mh = 0;
      let rounds = 2;
      if (block < blocks) {
        ml = wordAt(input, block * 8);
        mh = wordAt(input, block * 8 + 4);
      } else if (block === blocks) {
        mh = (length & 0xff) << 24;
        for (let i = blocks * 8; i < length; i++) {
          const shift = (i & 3) << 3;
          if ((i & 4) === 0) ml |= input[i]! << shift;
          else mh |= input[i]! << shift;
        }
      } else {
        v2l ^= 0xff;
        rounds = 4;
      }
      v3l ^= ml;
      v3h ^= mh;
      for (; rounds > 0; rounds--) {
        let sum = (v0l >>> 0) + (v1l >>> 0);
        v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v0l = sum | 0;
        let high = v1h;
        v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
        v1l = ((v1l << 13) | (high >>> 19)) ^ v0l;
        high = v0h;
        v0h = v0l;
        v0l = high;

        sum = (v2l >>> 0) + (v3l >>> 0);
        v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v2l = sum | 0;
        high = v3h;
        v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
        v3l = ((v3l << 16) | (high >>> 16)) ^ v2l;

        sum = (v0l >>> 0) + (v3l >>> 0);
        v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v0l = sum | 0;
        high = v3h;
        v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
        v3l = ((v3l << 21) | (high >>> 11)) ^ v0l;

        sum = (v2l >>> 0) + (v1l >>> 0);
        v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v2l = sum | 0;
        high = v1h;
        v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
        v1l = ((v1l << 17) | (high >>> 15)) ^ v2l;
        high = v2h;
        v2h = v2l;
        v2l = high;
      }
      v0l ^= ml;
      v0h ^= mh;
    }
    result.low = (v0l ^ v1l ^ v2l ^ v3l) >>> 0;
    result.high = (v0h ^ v1h ^ v2h ^ v3h) >>> 0;
  }
}

/** The 32-bit little-endian word at `at`. */
function wordAt(octets: Uint8Array, at: number): number {
  return octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24);
}

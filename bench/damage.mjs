// @ts-check
/**
 * Shared by the fuzzers: random numbers from a seed, recorded packets, and ways to damage a packet.
 */
import { readFileSync } from 'node:fs';

/** mulberry32: 32 bits of state are enough to choose damage, and it is the same on every machine. @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  /** 0 to limit - 1. @param {number} limit @returns {number} */
  const below = (limit) => random() % limit;
  return { random, below };
}

/** @returns {Buffer[]} */
export function recordedPackets() {
  const text = readFileSync(new URL('../test/vectors/messages.hex', import.meta.url), 'utf8');
  const blocks = text
    .replace(/^#.*\n/gm, '')
    .trim()
    .split(/\n(?=\S)/);
  return blocks.map((block) => Buffer.from(block.replace(/^.*\n/, '').replace(/\s+/g, ''), 'hex'));
}

/**
 * Ways to damage the packet in `scratch`; each returns the new length.
 * @param {Buffer} scratch 70,000 octets @param {(limit: number) => number} below
 * @param {(index: number) => Buffer} other another packet @returns {((length: number) => number)[]}
 */
export function damagesOf(scratch, below, other) {
  return [
    // One bit.
    (length) => {
      const at = below(length);
      scratch[at] = (scratch[at] ?? 0) ^ (1 << below(8));
      return length;
    },
    // One octet.
    (length) => {
      scratch[below(length)] = below(256);
      return length;
    },
    // One octet, to a value on an edge.
    (length) => {
      scratch[below(length)] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff][below(9)] ?? 0;
      return length;
    },
    // Cut.
    (length) => below(length) + 1,
    // Octets at the end.
    (length) => {
      const more = below(20);
      for (let i = 0; i < more; i++) scratch[length + i] = below(256);
      return length + more;
    },
    // A piece of another packet, written over this one.
    (length) => {
      const donor = other(below(2 ** 31));
      const from = below(donor.length);
      const copied = donor.copy(scratch, below(length), from, Math.min(donor.length, from + below(64)));
      return copied >= 0 ? length : 0;
    },
    // A piece of the packet itself, inserted or removed.
    (length) => {
      const from = below(length);
      const to = below(length);
      const end = Math.max(to, Math.min(length, length + to - from));
      scratch.copyWithin(to, from, length);
      return Math.max(1, Math.min(end, 66_000));
    },
    // A count of the header.
    (length) => {
      if (length < 12) return length;
      scratch.writeUInt16BE(below(4) === 0 ? below(65_536) : below(6), 4 + below(4) * 2);
      return length;
    },
    // A compression pointer to an earlier octet.
    (length) => {
      if (length < 16) return length;
      const at = 12 + below(length - 13);
      scratch.writeUInt16BE(0xc000 | (below(8) === 0 ? below(0x4000) : below(Math.min(at, 0x4000))), at);
      return length;
    },
    // A 16-bit field: type, class, RDLENGTH, option length.
    (length) => {
      if (length < 14) return length;
      const types = [
        1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 41, 43, 44, 46, 47, 48, 50, 51, 52, 59, 60, 64, 65, 250, 254, 255, 257,
      ];
      const value = below(2) === 0 ? (types[below(types.length)] ?? 0) : below(80);
      scratch.writeUInt16BE(value, 12 + below(length - 13));
      return length;
    },
  ];
}

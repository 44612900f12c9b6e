/**
 * A hash of domain names in wire form, of their lower-case octets from the last one to the first: the hash of each ancestor is a
 * step on the way to that of the name.
 *
 * It starts at a random number, so that a client cannot choose names that share a place. Threads have that of their process.
 */
import { randomBytes } from 'node:crypto';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const SEED_NAME = 'dyndns name hash';
const SEED = (getEnvironmentData(SEED_NAME) as number | undefined) ?? randomBytes(4).readInt32BE();
setEnvironmentData(SEED_NAME, SEED);
const PRIME = 0x01000193;

/** @param key `DomainName.key` @returns 32 bits, signed, which V8 keeps without an object */
export function hashOfKey(key: string): number {
  let hash = SEED;
  for (let i = key.length - 1; i >= 0; i--) hash = Math.imul(hash ^ key.charCodeAt(i), PRIME);
  return mixed(hash);
}

/** The same of the octets of a name, in any letter case. */
export function hashOfOctets(octets: Uint8Array, start: number, end: number): number {
  let hash = SEED;
  for (let i = end - 1; i >= start; i--) hash = Math.imul(hash ^ lowerCase(octets[i]!), PRIME);
  return mixed(hash);
}

/** The hashes of a name and of its ancestors, of the octets of a message. Reused for each message. */
export class NameHashes {
  /** Number of labels with the root: of `starts` and `hashes`. */
  count = 0;
  /** Offset of each label; the first is that of the name, the last one that of the root. */
  readonly starts = new Uint16Array(128);
  /** As hashOfKey, of the name that begins there. */
  readonly hashes = new Int32Array(128);

  /**
   * Reads an uncompressed name.
   * @returns the offset of its end; -1 if it is compressed, too long or incomplete
   */
  read(octets: Uint8Array, start: number): number {
    let count = 0;
    let at = start;
    for (;;) {
      const length = octets[at];
      if (length === undefined || length > 63) return -1;
      this.starts[count++] = at;
      at += length + 1;
      if (length === 0) break;
      // RFC 1035 §2.3.4: 255 octets with the root, which are at most 128 labels with it.
      if (at - start > 254) return -1;
    }
    if (at > octets.length) return -1;
    let hash = SEED;
    let i = at - 1;
    for (let label = count - 1; label >= 0; label--) {
      for (const first = this.starts[label]!; i >= first; i--) hash = Math.imul(hash ^ lowerCase(octets[i]!), PRIME);
      this.hashes[label] = mixed(hash);
    }
    this.count = count;
    return at;
  }
}

/** Whether two names, or parts of them, of this length have the same octets in any letter case. */
export function areEqualNames(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const octet = a[aStart + i]!;
    const other = b[bStart + i]!;
    if (octet !== other && lowerCase(octet) !== lowerCase(other)) return false;
  }
  return true;
}

/** ASCII only (RFC 4343 §3). The octet of a label's length is below the letters. */
export function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return once ^ (once >>> 13);
}

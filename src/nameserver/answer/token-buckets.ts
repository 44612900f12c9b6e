/**
 * Token buckets in a table of fixed size, found by a keyed hash: the memory of response rate limiting (rate-limit.ts).
 * An attacker without the key cannot choose whose entry a flood evicts.
 *
 * Threads may share the memory of a table. What two of them take from one bucket at the same moment may be counted once.
 */
import type { SipHash64 } from '../../dns/siphash.ts';

/** Octets of an entry: when it is full again, its tag, its limited replies. */
const ENTRY_OCTETS = 8 + 4 + 1;
/** Associativity: number of entries that one hash can be stored in. */
const WAYS = 4;

export class TokenBuckets {
  readonly memory: SharedArrayBuffer;
  readonly #intervalMs: number;
  readonly #groups: number;
  /** 32 bits of the hash of an entry. */
  readonly #tags: Uint32Array;
  /**
   * A token bucket as one number: the time at which it is full again. Each reply moves it by one interval; if it is more
   * than a second in the future, the bucket is empty.
   */
  readonly #fullAt: Float64Array;
  /** Limited replies since the last slip. */
  readonly #unsent: Uint8Array;

  /**
   * @param perSecond the rate, and the size of a burst after a pause; more than 0
   * @param entries a power of two, at least 4; an entry has 13 octets
   * @param memory of a table of the same size; without it a new one
   * @throws RangeError
   */
  constructor(perSecond: number, entries: number, memory?: SharedArrayBuffer) {
    if (entries < WAYS || (entries & (entries - 1)) !== 0)
      throw new RangeError('entries is not a power of two of at least 4');
    this.#intervalMs = 1_000 / perSecond;
    this.#groups = entries / WAYS;
    this.memory = memory ?? new SharedArrayBuffer(entries * ENTRY_OCTETS);
    this.#fullAt = new Float64Array(this.memory, 0, entries);
    this.#tags = new Uint32Array(this.memory, 8 * entries, entries);
    this.#unsent = new Uint8Array(this.memory, 12 * entries, entries);
    if (memory === undefined) this.#fullAt.fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes a token. @returns undefined; the entry of the bucket if it is empty */
  take({ low, high }: SipHash64, nowMs: number): number | undefined {
    const entry = this.#entryOf(low & (this.#groups - 1), high);
    const fullAt = Math.max(this.#fullAt[entry]!, nowMs) + this.#intervalMs;
    // The tolerance covers rounding errors of the sum of intervals.
    if (fullAt > nowMs + Math.max(1_000, this.#intervalMs) + 0.001) return entry;
    this.#fullAt[entry] = fullAt;
    return undefined;
  }

  /** Counts a limited reply of an entry; true for every `slip`-th. */
  slips(entry: number, slip: number): boolean {
    if (slip === 0) return false;
    const unsent = this.#unsent[entry]! + 1;
    this.#unsent[entry] = unsent % slip;
    return unsent === slip;
  }

  /**
   * Finds the entry of a tag in a group, or evicts the entry whose bucket is full first. A busy entry is therefore not
   * evicted by many sources that send one query each.
   */
  #entryOf(group: number, tag: number): number {
    const first = group * WAYS;
    let oldest = first;
    for (let entry = first; entry < first + WAYS; entry++) {
      if (this.#tags[entry] === tag) return entry;
      if (this.#fullAt[entry]! < this.#fullAt[oldest]!) oldest = entry;
    }
    this.#tags[oldest] = tag;
    this.#fullAt[oldest] = Number.NEGATIVE_INFINITY;
    this.#unsent[oldest] = 0;
    return oldest;
  }
}

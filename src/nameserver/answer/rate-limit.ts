/**
 * Response rate limiting over UDP: limits equal answers to one network, so that this server cannot be used for reflection
 * attacks with a forged source address. Applies to datagrams without a valid cookie and without a verified TSIG.
 *
 * Memory is fixed, and the work for a datagram is constant. The slot of an entry depends on a random key, so that an
 * attacker cannot target the entry of someone else. Left out: a limit on all answers to one network; a log of drops.
 */
import { addressOctets, type IpPrefix, parseIpAddress, prefixContains } from '../../dns/address.ts';
import { SipHash, type SipHash64 } from '../../dns/siphash.ts';

/**
 * Class of a reply. Replies of the same class and key share a limit:
 * - `answer`: positive; key: the owner name that the answer was found at (for a wildcard the wildcard itself, otherwise
 *   each random name would have its own limit);
 * - `referral`: key: the owner name of the delegation;
 * - `negative`: NXDOMAIN and NODATA; key: the apex of the zone;
 * - `error`: REFUSED, FORMERR and the like; key: empty.
 */
export type AnswerKind = 'answer' | 'referral' | 'negative' | 'error';

/** What to do with a reply: send it, drop it, or send only header and question with TC=1 (`slip`). */
export type RateVerdict = 'send' | 'drop' | 'slip';

export interface ResponseLimiter {
  /**
   * Counts a reply that is about to be sent and decides what to do with it.
   * @param peerAddress canonical text of the datagram's source address
   * @param key normalized as `DomainName.key`; see AnswerKind
   */
  check(peerAddress: string, kind: AnswerKind, key: string): RateVerdict;
}

export interface RateLimitOptions {
  /** Equal answers to one network per second, and the size of a burst after a pause; 0 = off. */
  readonly responsesPerSecond: number;
  /** Every n-th limited reply is a `slip`, after which a real client retries over TCP; 0 never, 1 always. */
  readonly slip: number;
  readonly exempt: readonly IpPrefix[];
  /** 16 random octets. */
  readonly key: Uint8Array;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** Size of the table, a power of two, at least 4; default 65,536. An entry has 13 octets. */
  readonly entries?: number;
}

const KIND_OCTET: Record<AnswerKind, number> = { answer: 1, referral: 2, negative: 3, error: 4 };
/** A network is an IPv4 /24 or an IPv6 /56, the usual allocation to one customer. */
const NETWORK_OCTETS = { 4: 3, 6: 7 } as const;
/** Maximum of family, kind, network and key; a name has at most 255 octets. */
const INPUT_OCTETS = 2 + 7 + 272;
/** Associativity: number of entries that one hash can be stored in. */
const WAYS = 4;
const DEFAULT_ENTRIES = 65_536;

export class RateLimiter implements ResponseLimiter {
  readonly #options: RateLimitOptions;
  readonly #intervalMs: number;
  readonly #hash: SipHash;
  readonly #input = new Uint8Array(INPUT_OCTETS);
  readonly #result: SipHash64 = { low: 0, high: 0 };
  readonly #groups: number;
  /** 32 bits of the hash of an entry's network, kind and key. */
  readonly #tags: Uint32Array;
  /**
   * A token bucket as one number: the time at which it is full again. Each reply moves it by one interval; if it is more
   * than a second in the future, the bucket is empty.
   */
  readonly #fullAt: Float64Array;
  /** Limited replies since the last slip. */
  readonly #unsent: Uint8Array;

  /** @throws RangeError on options out of range */
  constructor(options: RateLimitOptions) {
    const entries = options.entries ?? DEFAULT_ENTRIES;
    if (!(options.responsesPerSecond >= 0)) throw new RangeError('responsesPerSecond is negative');
    if (!(options.slip >= 0 && options.slip <= 255)) throw new RangeError('slip is not between 0 and 255');
    if (entries < WAYS || (entries & (entries - 1)) !== 0)
      throw new RangeError('entries is not a power of two of at least 4');
    this.#options = options;
    this.#intervalMs = 1_000 / options.responsesPerSecond;
    this.#hash = new SipHash(options.key);
    this.#groups = entries / WAYS;
    this.#tags = new Uint32Array(entries);
    this.#fullAt = new Float64Array(entries).fill(Number.NEGATIVE_INFINITY);
    this.#unsent = new Uint8Array(entries);
  }

  check(peerAddress: string, kind: AnswerKind, key: string): RateVerdict {
    const { responsesPerSecond, exempt } = this.#options;
    if (responsesPerSecond === 0) return 'send';
    const address = parseIpAddress(peerAddress);
    if (address === undefined) return 'drop';
    const octets = addressOctets(address);
    for (const prefix of exempt) if (prefixContains(prefix, octets)) return 'send';

    const length = this.#write(address.family, octets, kind, key);
    this.#hash.hash(this.#input, length, this.#result);
    const entry = this.#entryOf(this.#result.low & (this.#groups - 1), this.#result.high);

    const now = this.#options.now();
    const fullAt = Math.max(this.#fullAt[entry]!, now) + this.#intervalMs;
    // The tolerance covers rounding errors of the sum of intervals.
    if (fullAt <= now + Math.max(1_000, this.#intervalMs) + 0.001) {
      this.#fullAt[entry] = fullAt;
      return 'send';
    }
    return this.#unsentVerdict(entry);
  }

  #unsentVerdict(entry: number): RateVerdict {
    const { slip } = this.#options;
    if (slip === 0) return 'drop';
    const unsent = this.#unsent[entry]! + 1;
    this.#unsent[entry] = unsent % slip;
    return unsent === slip ? 'slip' : 'drop';
  }

  /** Writes the input of the hash. @returns its length */
  #write(family: 4 | 6, octets: Uint8Array, kind: AnswerKind, key: string): number {
    const input = this.#input;
    input[0] = family;
    input[1] = KIND_OCTET[kind];
    let at = 2;
    for (let i = 0; i < NETWORK_OCTETS[family]; i++) input[at++] = octets[i]!;
    for (let i = 0; i < key.length && at < INPUT_OCTETS; i++) input[at++] = key.charCodeAt(i);
    return at;
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

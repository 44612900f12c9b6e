/**
 * Response rate limiting: how often one network gets the same answer by UDP, so that a forged source address does not
 * make this server a weapon. For datagrams without a valid cookie and without a verified TSIG; never for TCP.
 *
 * Memory is fixed and the work for a datagram constant. The place of an entry depends on a random key: nobody can aim
 * at the entry of somebody else. Left out: a limit on all answers to one network together, a log of the limited.
 */
import { addressOctets, type IpPrefix, parseIpAddress, prefixContains } from '../../dns/address.ts';
import { SipHash, type SipHash64 } from '../../dns/siphash.ts';

/**
 * What is counted together, with the key that `check` wants:
 * - `answer`: positive; the owner name that the answer was found at (for a wildcard its own name, else each made-up
 *   name would count anew);
 * - `referral`: the owner name of the delegation;
 * - `negative`: NXDOMAIN and NODATA; the zone's name;
 * - `error`: REFUSED, FORMERR and the like; the empty key.
 */
export type AnswerKind = 'answer' | 'referral' | 'negative' | 'error';

/** What to do with a reply: send it, send nothing, or send header and question with TC=1. */
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
  /** Equal answers to one network in a second, and as many at once after a pause; 0 = off. */
  readonly responsesPerSecond: number;
  /** Every n-th reply that is not sent is a `slip`, after which an honest client asks by TCP; 0 never, 1 always. */
  readonly slip: number;
  readonly exempt: readonly IpPrefix[];
  /** 16 random octets. */
  readonly key: Uint8Array;
  /** A clock in milliseconds that does not go back. */
  readonly now: () => number;
  /** Entries, a power of two and at least 4; 65,536 unless given, with 13 octets each. */
  readonly entries?: number;
}

const KIND_OCTET: Record<AnswerKind, number> = { answer: 1, referral: 2, negative: 3, error: 4 };
/** Networks: a /24 of IPv4, a /56 of IPv6, which is what one customer is given. */
const NETWORK_OCTETS = { 4: 3, 6: 7 } as const;
/** Family, kind, network, key: a name has 255 octets at most, and a few more for what goes with it. */
const INPUT_OCTETS = 2 + 7 + 272;
/** Entries that one hash may be in. */
const WAYS = 4;
const DEFAULT_ENTRIES = 65_536;

export class RateLimiter implements ResponseLimiter {
  readonly #options: RateLimitOptions;
  readonly #intervalMs: number;
  readonly #hash: SipHash;
  readonly #input = new Uint8Array(INPUT_OCTETS);
  readonly #result: SipHash64 = { low: 0, high: 0 };
  readonly #groups: number;
  /** Which (network, kind, key) an entry is of; 32 bits of its hash. */
  readonly #tags: Uint32Array;
  /**
   * A token bucket as one number: the time at which it is full again. Sending one reply moves it by one interval; more
   * than a second ahead of now it is empty.
   */
  readonly #fullAt: Float64Array;
  /** Replies that were not sent since the last slip. */
  readonly #unsent: Uint8Array;

  /** @throws RangeError on options out of range */
  constructor(options: RateLimitOptions) {
    const entries = options.entries ?? DEFAULT_ENTRIES;
    if (!(options.responsesPerSecond >= 0)) throw new RangeError('responsesPerSecond is negative');
    if (!(options.slip >= 0 && options.slip <= 255)) throw new RangeError('slip is not between 0 and 255');
    if (entries < WAYS || (entries & (entries - 1)) !== 0) throw new RangeError('entries is no power of two');
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
    // A thousandth more: the sum of intervals is not exact.
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

  /** Puts what is counted together into the input of the hash; how many octets it has. */
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
   * The entry of a tag in a group; a new one takes the place of the one that is full first. A busy one is therefore
   * not pushed out by many that ask once.
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

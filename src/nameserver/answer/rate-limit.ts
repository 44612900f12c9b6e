/**
 * Response rate limiting over UDP: limits equal answers to one network, and all answers to one network together, so that
 * this server cannot be used for reflection attacks with a forged source address. Applies to datagrams without a valid
 * cookie and without a verified TSIG.
 *
 * Memory is fixed, and the work for a datagram is constant. The slot of an entry depends on a random key, so that an
 * attacker cannot target the entry of someone else. Left out: a log of drops.
 */
import { addressOctets, type IpPrefix, parseIpAddress, prefixContains } from '../../dns/address.ts';
import { SipHash, type SipHash64 } from '../../dns/siphash.ts';
import { TokenBuckets } from './token-buckets.ts';

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

/** A limiter in the form of a message to a thread, which then counts in the same tables. */
export interface SharedRateLimit {
  readonly options: Omit<RateLimitOptions, 'now'>;
  readonly equal: SharedArrayBuffer | undefined;
  readonly all: SharedArrayBuffer | undefined;
}

export interface RateLimitOptions {
  /** Equal answers to one network per second, and the size of a burst after a pause; 0 = off. */
  readonly responsesPerSecond: number;
  /** All answers to one network together, in the same way; 0 = off. */
  readonly allPerSecond: number;
  /** Every n-th limited reply is a `slip`, after which a real client retries over TCP; 0 never, 1 always. */
  readonly slip: number;
  readonly exempt: readonly IpPrefix[];
  /** 16 random octets. */
  readonly key: Uint8Array;
  /** A monotonic clock in milliseconds, the same in all threads that share the limiter. */
  readonly now: () => number;
  /** Size of the table of equal answers, a power of two, at least 4; default 65,536. An entry has 13 octets. */
  readonly entries?: number;
}

const KIND_OCTET: Record<AnswerKind, number> = { answer: 1, referral: 2, negative: 3, error: 4 };
/** A network is an IPv4 /24 or an IPv6 /56, the usual allocation to one customer. */
const NETWORK_OCTETS = { 4: 3, 6: 7 } as const;
/** Maximum of family, kind, network and key; a name has at most 255 octets. */
const INPUT_OCTETS = 2 + 7 + 272;
const DEFAULT_ENTRIES = 65_536;
/** Networks in the table of all answers. It is a table of its own: answers of many kinds must not evict their network. */
const NETWORK_ENTRIES = 16_384;
/** In the place of KIND_OCTET. */
const ALL_KINDS = 0;

export class RateLimiter implements ResponseLimiter {
  readonly #options: RateLimitOptions;
  readonly #hash: SipHash;
  readonly #input = new Uint8Array(INPUT_OCTETS);
  readonly #result: SipHash64 = { low: 0, high: 0 };
  /** Undefined: this limit is off. */
  readonly #equal: TokenBuckets | undefined;
  readonly #all: TokenBuckets | undefined;

  /**
   * @param shared the tables of another thread's limiter with these options
   * @throws RangeError on options out of range
   */
  constructor(options: RateLimitOptions, shared?: Pick<SharedRateLimit, 'equal' | 'all'>) {
    const { responsesPerSecond, allPerSecond, slip, key, entries = DEFAULT_ENTRIES } = options;
    if (!(responsesPerSecond >= 0)) throw new RangeError('responsesPerSecond is negative');
    if (!(allPerSecond >= 0)) throw new RangeError('allPerSecond is negative');
    if (!(slip >= 0 && slip <= 255)) throw new RangeError('slip is not between 0 and 255');
    this.#options = options;
    this.#hash = new SipHash(key);
    this.#equal = responsesPerSecond > 0 ? new TokenBuckets(responsesPerSecond, entries, shared?.equal) : undefined;
    this.#all = allPerSecond > 0 ? new TokenBuckets(allPerSecond, NETWORK_ENTRIES, shared?.all) : undefined;
  }

  share(): SharedRateLimit {
    const { now: _, ...options } = this.#options;
    return { options, equal: this.#equal?.memory, all: this.#all?.memory };
  }

  check(peerAddress: string, kind: AnswerKind, key: string): RateVerdict {
    if (this.#equal === undefined && this.#all === undefined) return 'send';
    const address = parseIpAddress(peerAddress);
    if (address === undefined) return 'drop';
    const octets = addressOctets(address);
    const { exempt } = this.#options;
    for (const prefix of exempt) if (prefixContains(prefix, octets)) return 'send';

    const networkEnd = this.#writeNetwork(address.family, octets);
    const verdict = this.#equal && this.#take(this.#equal, KIND_OCTET[kind], this.#writeKey(networkEnd, key));
    // What the first limit does not send is no answer to this network.
    if ((verdict ?? 'send') !== 'send' || this.#all === undefined) return verdict ?? 'send';
    return this.#take(this.#all, ALL_KINDS, networkEnd);
  }

  #take(buckets: TokenBuckets, kindOctet: number, length: number): RateVerdict {
    this.#input[1] = kindOctet;
    this.#hash.hash(this.#input, length, this.#result);
    const empty = buckets.take(this.#result, this.#options.now());
    if (empty === undefined) return 'send';
    return buckets.slips(empty, this.#options.slip) ? 'slip' : 'drop';
  }

  /** Writes the start of the hash input: family, kind, network. @returns its length */
  #writeNetwork(family: 4 | 6, octets: Uint8Array): number {
    const input = this.#input;
    input[0] = family;
    let at = 2;
    for (let i = 0; i < NETWORK_OCTETS[family]; i++) input[at++] = octets[i]!;
    return at;
  }

  /** Writes the rest of the hash input. @returns its whole length */
  #writeKey(start: number, key: string): number {
    let at = start;
    for (let i = 0; i < key.length && at < INPUT_OCTETS; i++) this.#input[at++] = key.charCodeAt(i);
    return at;
  }
}

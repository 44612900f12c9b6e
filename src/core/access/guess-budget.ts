/**
 * Limits the guessing of credentials by work, not by delay: each candidate that is evaluated and is not a credential costs one
 * of its source's budget. An empty budget refuses before anything is evaluated, so the reply is the same for right and wrong;
 * a delayed refusal beside an immediate success would tell them apart.
 *
 * Exceptions, by the hash of the candidate, each within 24 hours: one that was right from this source is evaluated with an
 * empty budget, too; a wrong one that this source sent beside a right one (the Basic of a proxy) costs nothing.
 *
 * The cost is taken before the evaluation, which may wait for the store, and refunded for what was right. So requests in flight
 * together cannot exceed the budget. Pure: the clock is passed in. Only hashes are held, the same as the store has.
 */
import { setBounded } from '../bounded-map.ts';
import { AppError } from '../errors.ts';

/** Of an IPv4 address or an IPv6 /64. */
export const GUESSES = 30;
export const GUESSES_PER_MINUTE = 10;
/** An IPv6 /48, which one subscriber may have, gets this many times the budget of a /64. */
const NETWORK_FACTOR = 10;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** A source becomes the newest of all no more often, so that most requests only look it up. */
const RENEW_MS = MINUTE_MS;
/** A source with more right credentials than are remembered has a user name hashed no more often. */
const MIN_ACCOUNT_MS = 1_000;
const MAX_SOURCES = 10_000;
const MAX_RIGHT = 16;
const MAX_FOREIGN = 8;
/** Requests of one source that wait for others of it. */
const MAX_WAITING = 256;

/**
 * `account`: the user name beside its right password, which is not a guess. `unknown`: not evaluated after all. Both are not
 * charged.
 */
export type GuessOutcome = 'right' | 'wrong' | 'account' | 'unknown';

/** The candidates of a request that may be evaluated. */
export interface Admission {
  /** Their indexes, in order. */
  readonly open: readonly number[];
  /** Call exactly once, with an outcome for each of `open`. */
  readonly settle: (outcomes: readonly GuessOutcome[]) => void;
}

interface SourceMemory {
  readonly right: RecentHashes;
  readonly foreign: RecentHashes;
  /** When it last became the newest of all. */
  renewedMs: number;
  /** When a user name was last remembered. */
  accountMs: number;
}

export class GuessBudget {
  readonly #nowMs: () => number;
  readonly #sources: Buckets;
  readonly #networks: Buckets;
  /** Entries are made by right credentials only, so that strangers cannot evict them. */
  readonly #memories = new Map<string, SourceMemory>();

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sources = new Buckets(GUESSES, GUESSES_PER_MINUTE, nowMs);
    this.#networks = new Buckets(NETWORK_FACTOR * GUESSES, NETWORK_FACTOR * GUESSES_PER_MINUTE, nowMs);
  }

  /**
   * Whether `admit` would let this candidate be evaluated at once, beside others that cost `count - 1` at most. For callers that
   * evaluate in the same step: if it is wrong, they continue with `admit`.
   * @param source see sourceKey
   */
  allows(source: string, sha256: string, count: number): boolean {
    const network = networkOf(source);
    if (this.#sources.has(source, count) && (network === undefined || this.#networks.has(network, count))) return true;
    return this.#memories.get(source)?.right.has(sha256, this.#nowMs()) === true;
  }

  /** Remembers a right candidate. @returns whether `account` should be called for the user name beside it, if there is one */
  right(source: string, sha256: string): boolean {
    const nowMs = this.#nowMs();
    let memory = this.#memories.get(source);
    if (memory === undefined) {
      memory = {
        right: new RecentHashes(MAX_RIGHT),
        foreign: new RecentHashes(MAX_FOREIGN),
        renewedMs: nowMs,
        accountMs: nowMs,
      };
      setBounded(this.#memories, source, memory, MAX_SOURCES);
    } else if (nowMs - memory.renewedMs >= RENEW_MS) {
      memory.renewedMs = nowMs;
      setBounded(this.#memories, source, memory, MAX_SOURCES);
    }
    const isNew = memory.right.add(sha256, nowMs);
    if (!isNew || (memory.right.isFull && nowMs - memory.accountMs < MIN_ACCOUNT_MS)) return false;
    memory.accountMs = nowMs;
    return true;
  }

  /** Remembers a user name beside its right password: it costs nothing beside a wrong one. */
  account(source: string, sha256: string): void {
    this.#memories.get(source)?.foreign.add(sha256, this.#nowMs());
  }

  /**
   * Takes the cost of the candidates of a request. Where the budget does not suffice, only those that were right before may be
   * evaluated. Waits where other requests of this source are being evaluated, which may get a part of the budget back.
   * @param source see sourceKey @param hashes distinct SHA-256 of the candidates
   * @throws AppError too-many-guesses
   */
  async admit(source: string, hashes: readonly string[]): Promise<Admission> {
    for (;;) {
      const admission = this.#attempt(source, hashes);
      if (typeof admission !== 'number') return admission;
      const isWaiting = await this.#sources.waitFor(source);
      if (!isWaiting) {
        throw new AppError('too-many-guesses', 'Too many wrong credentials came from this source. Try again later.', {
          retryAfterSeconds: admission,
        });
      }
    }
  }

  /** @returns the seconds to wait where nothing may be evaluated */
  #attempt(source: string, hashes: readonly string[]): Admission | number {
    const memory = this.#memories.get(source);
    const nowMs = this.#nowMs();
    const all = hashes.map((_, index) => index);
    const known = all.filter((index) => memory?.right.has(hashes[index]!, nowMs));
    if (known.length < all.length) {
      const charged = all.filter((index) => !known.includes(index) && !memory?.foreign.has(hashes[index]!, nowMs));
      const network = networkOf(source);
      const needed = Math.max(1, charged.length);
      if (this.#sources.has(source, needed) && (network === undefined || this.#networks.has(network, needed))) {
        const taken = [this.#sources.take(source, charged.length)];
        if (network !== undefined) taken.push(this.#networks.take(network, charged.length));
        const settle = (outcomes: readonly GuessOutcome[]) => {
          const wrong = this.#learn(source, hashes, all, outcomes);
          const refund = charged.filter((index) => outcomes[index] !== 'wrong').length;
          for (const { settled } of taken) settled(refund);
          this.#spend(source, wrong.filter((index) => known.includes(index)).length);
        };
        return { open: all, settle };
      }
      if (known.length === 0) {
        const networkSeconds = network === undefined ? 0 : this.#networks.secondsUntil(network, needed);
        return Math.max(1, this.#sources.secondsUntil(source, needed), networkSeconds);
      }
    }
    return {
      open: known,
      settle: (outcomes) => this.#spend(source, this.#learn(source, hashes, known, outcomes).length),
    };
  }

  /** Remembers what the outcomes say of the candidates. @returns the indexes of wrong ones */
  #learn(
    source: string,
    hashes: readonly string[],
    open: readonly number[],
    outcomes: readonly GuessOutcome[],
  ): readonly number[] {
    const right = open.filter((_, at) => outcomes[at] === 'right');
    const wrong = open.filter((_, at) => outcomes[at] === 'wrong');
    const account = open.filter((_, at) => outcomes[at] === 'account');
    for (const index of right) this.right(source, hashes[index]!);
    const memory = this.#memories.get(source);
    for (const index of wrong) {
      memory?.right.delete(hashes[index]!);
      if (right.length > 0) memory?.foreign.add(hashes[index]!, this.#nowMs());
    }
    for (const index of account) this.account(source, hashes[index]!);
    return wrong;
  }

  /** Charges candidates that were admitted because they were right before, and are not any more. */
  #spend(source: string, count: number): void {
    if (count === 0) return;
    const network = networkOf(source);
    this.#sources.spend(source, count);
    if (network !== undefined) this.#networks.spend(network, count);
  }
}

/** A few hashes, the newest last, each for 24 hours after it was last seen. Arrays: nearly all have one entry. */
class RecentHashes {
  readonly #limit: number;
  readonly #hashes: string[] = [];
  readonly #seenMs: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(sha256: string, nowMs: number): boolean {
    const at = this.#hashes.indexOf(sha256);
    return at >= 0 && nowMs - this.#seenMs[at]! < DAY_MS;
  }

  /** @returns whether it was not there */
  add(sha256: string, nowMs: number): boolean {
    const last = this.#hashes.length - 1;
    let isNew = false;
    if (this.#hashes[last] !== sha256) {
      isNew = !this.delete(sha256);
      if (this.#hashes.push(sha256) > this.#limit) {
        this.#hashes.shift();
        this.#seenMs.shift();
      }
    }
    this.#seenMs[this.#hashes.length - 1] = nowMs;
    return isNew;
  }

  get isFull(): boolean {
    return this.#hashes.length === this.#limit;
  }

  delete(sha256: string): boolean {
    const at = this.#hashes.indexOf(sha256);
    if (at < 0) return false;
    this.#hashes.splice(at, 1);
    this.#seenMs.splice(at, 1);
    return true;
  }
}

/** The /48 of an IPv6 /64, whose key has 16 digits; undefined for any other source. */
function networkOf(source: string): string | undefined {
  return source.length === 16 ? source.slice(0, 12) : undefined;
}

interface Bucket {
  level: number;
  /** The time that `level` is of. */
  atMs: number;
  /** Requests that took their cost and are not settled. */
  inFlight: number;
  /** Continues a request that waits for one of those. */
  waiting: (() => void)[];
}

/** Token buckets by key. A full one is not stored, so only sources that guess have an entry. */
class Buckets {
  readonly #capacity: number;
  readonly #perMs: number;
  readonly #nowMs: () => number;
  readonly #byKey = new Map<string, Bucket>();

  constructor(capacity: number, perMinute: number, nowMs: () => number) {
    this.#capacity = capacity;
    this.#perMs = perMinute / MINUTE_MS;
    this.#nowMs = nowMs;
  }

  has(key: string, count: number): boolean {
    const bucket = this.#byKey.get(key);
    return bucket === undefined || this.#refill(bucket).level >= count;
  }

  /** Takes a cost until the request is settled. @returns `settled`, which is called once with what it gets back */
  take(key: string, count: number): { readonly settled: (refund: number) => void } {
    const bucket = this.#change(key, count);
    bucket.inFlight += 1;
    const settled = (refund: number) => {
      bucket.inFlight -= 1;
      bucket.level = Math.min(this.#capacity, this.#refill(bucket).level + refund);
      const isFull = bucket.level >= this.#capacity && bucket.inFlight === 0;
      if (isFull && this.#byKey.get(key) === bucket) this.#byKey.delete(key);
      const awake = bucket.inFlight === 0 ? bucket.waiting.length : Math.floor(bucket.level);
      for (const resume of bucket.waiting.splice(0, awake)) resume();
    };
    return { settled };
  }

  /** Takes a cost as far as there is something left. */
  spend(key: string, count: number): void {
    const bucket = this.#change(key, count);
    bucket.level = Math.max(0, bucket.level);
  }

  secondsUntil(key: string, count: number): number {
    const bucket = this.#byKey.get(key);
    const missing = bucket === undefined ? 0 : count - this.#refill(bucket).level;
    return Math.max(0, Math.ceil(missing / this.#perMs / 1000));
  }

  /** Waits until a request in flight of this key is settled. @returns false where there is none, or too many wait */
  async waitFor(key: string): Promise<boolean> {
    const bucket = this.#byKey.get(key);
    if (bucket === undefined || bucket.inFlight === 0 || bucket.waiting.length >= MAX_WAITING) return false;
    await new Promise<void>((resume) => bucket.waiting.push(resume));
    return true;
  }

  #change(key: string, count: number): Bucket {
    const bucket = this.#byKey.get(key) ?? { level: this.#capacity, atMs: this.#nowMs(), inFlight: 0, waiting: [] };
    this.#refill(bucket).level -= count;
    setBounded(this.#byKey, key, bucket, MAX_SOURCES);
    return bucket;
  }

  #refill(bucket: Bucket): Bucket {
    const now = this.#nowMs();
    bucket.level = Math.min(this.#capacity, bucket.level + (now - bucket.atMs) * this.#perMs);
    bucket.atMs = now;
    return bucket;
  }
}

// Tokens by their secret's hash, in memory: what a request asks for first. Nothing here is believed for longer than
// MAX_AGE_MS after it was last compared with the store, so that a revocation counts everywhere within one second; when
// the store does not answer, what is remembered ends with that. No timer: an idle process asks nothing.

import type { HostToken } from '../core/access/token.ts';
import { AppError } from '../core/errors.ts';

/** What happened to tokens since some version: hashes of secrets that mean something else now. */
export interface TokenChanges {
  readonly version: number;
  /** `all`: it is no longer known which. */
  readonly changed: readonly string[] | 'all';
}

/** The truth behind the cache. */
export interface TokenSource {
  lookUp(sha256: string): Promise<HostToken | undefined>;
  /** Absent where no other process changes tokens: what is remembered stays true then. @param version absent: only tell the newest */
  changesSince?(version: number | undefined): Promise<TokenChanges>;
}

/** What is remembered counts for so long after the comparison began. */
const MAX_AGE_MS = 800;
/** A look-up after this makes the next comparison begin, without waiting for it. */
const REFRESH_AFTER_MS = 250;
/** A look-up that takes longer fails: a reply must leave in time. */
const TIMEOUT_MS = 1_000;

export const MAX_TOKENS = 131_072;
export const MAX_UNKNOWN = 8_192;

export interface TokenCacheOptions {
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
  readonly timeoutMs?: number;
}

export class TokenCache {
  readonly #source: TokenSource;
  readonly #nowMs: () => number;
  readonly #timeoutMs: number;
  readonly #tokens = new Generations<HostToken>(MAX_TOKENS);
  readonly #unknown = new Generations<true>(MAX_UNKNOWN);
  readonly #underWay = new Map<string, Promise<HostToken | undefined>>();
  #version: number | undefined;
  /** Moves with every change: what was looked up across one may be old. */
  #epoch = 0;
  #comparedMs = Number.NEGATIVE_INFINITY;
  #comparing: Promise<void> | undefined;

  constructor(
    source: TokenSource,
    { nowMs = () => performance.now(), timeoutMs = TIMEOUT_MS }: TokenCacheOptions = {},
  ) {
    this.#source = source;
    this.#nowMs = nowMs;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws AppError store-unreachable (rejects) */
  find(sha256: string): HostToken | undefined | Promise<HostToken | undefined> {
    const token = this.#tokens.get(sha256);
    if (token === undefined && this.#unknown.get(sha256) === undefined) return this.#inTime(this.#lookUp(sha256));
    const age = this.#ageMs();
    if (age > MAX_AGE_MS) return this.#inTime(this.#findAfterComparing(sha256));
    if (age > REFRESH_AFTER_MS) this.#compare().catch(() => {});
    return token;
  }

  /** Forgets secrets whose tokens this process has changed. */
  forget(secrets: readonly string[]): void {
    this.#epoch += 1;
    for (const sha256 of secrets) {
      this.#tokens.delete(sha256);
      this.#unknown.delete(sha256);
      this.#underWay.delete(sha256);
    }
  }

  #ageMs(): number {
    return this.#source.changesSince === undefined ? 0 : this.#nowMs() - this.#comparedMs;
  }

  async #findAfterComparing(sha256: string): Promise<HostToken | undefined> {
    await this.#compare();
    const token = this.#tokens.get(sha256);
    return token !== undefined || this.#unknown.get(sha256) ? token : this.#lookUp(sha256);
  }

  /** Asks the store; requests with one secret share the question. */
  #lookUp(sha256: string): Promise<HostToken | undefined> {
    const shared = this.#underWay.get(sha256);
    if (shared !== undefined) return shared;
    const asking = this.#ask(sha256).finally(() => {
      if (this.#underWay.get(sha256) === asking) this.#underWay.delete(sha256);
    });
    this.#underWay.set(sha256, asking);
    return asking;
  }

  async #ask(sha256: string): Promise<HostToken | undefined> {
    // A comparison must have begun before the look-up, so that the next one tells of every change after it.
    const isCompared = this.#source.changesSince === undefined || this.#version !== undefined;
    if (!isCompared) this.#compare().catch(() => {});
    const epoch = this.#epoch;
    const token = await this.#source.lookUp(sha256);
    if (isCompared && epoch === this.#epoch) {
      if (token !== undefined) this.#tokens.set(sha256, token);
      else this.#unknown.set(sha256, true);
    }
    return token;
  }

  /** Takes in what others have changed. */
  #compare(): Promise<void> {
    this.#comparing ??= this.#compareNow().finally(() => {
      this.#comparing = undefined;
    });
    return this.#comparing;
  }

  async #compareNow(): Promise<void> {
    const beganMs = this.#nowMs();
    const changes = await this.#source.changesSince?.(this.#version);
    if (changes === undefined) return;
    const { version, changed } = changes;
    if (changed === 'all') {
      this.#tokens.clear();
      this.#unknown.clear();
      this.#underWay.clear();
      this.#epoch += 1;
    } else if (changed.length > 0) this.forget(changed);
    this.#version = version;
    this.#comparedMs = beganMs;
  }

  #inTime<Result>(promise: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new AppError('store-unreachable', 'The store does not answer. Please try again later.')),
        this.#timeoutMs,
      );
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** A bounded map that forgets what was not asked for lately: when one half is full, the other half is dropped. */
class Generations<Value> {
  readonly #half: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(size: number) {
    this.#half = size / 2;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

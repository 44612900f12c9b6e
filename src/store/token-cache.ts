/**
 * A cache of tokens by the SHA-256 of their secret. An entry is valid for MAX_AGE_MS after the cache last synchronized
 * with the store, so that a revocation takes effect in every process within one second, and so does an outage of the
 * store. There is no timer: an idle process does not query the store.
 */

import type { HostToken } from '../core/access/token.ts';
import { storeUnreachable } from './store-unreachable.ts';

/** The secrets whose token changed since a version. */
export interface TokenChanges {
  readonly version: number;
  /** SHA-256 of the secrets; `all`: the log no longer goes back to that version. */
  readonly changed: readonly string[] | 'all';
}

/** The store behind the cache. */
export interface TokenSource {
  /** The tokens of these secrets, with one query. */
  lookUp(secrets: readonly string[]): Promise<readonly HostToken[]>;
  /**
   * Absent if no other process changes tokens: entries never expire then.
   * @param version undefined: returns the newest version and no changes
   */
  changesSince?(version: number | undefined): Promise<TokenChanges>;
}

/** Entries are valid this long, counted from the start of the last synchronization. */
const MAX_AGE_MS = 800;
/** The first lookup after this starts a synchronization in the background. */
const REFRESH_AFTER_MS = 250;
/** A lookup that takes longer fails, so that the reply leaves in time. */
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
  readonly #inFlight = new Map<string, Promise<HostToken | undefined>>();
  #version: number | undefined;
  /** Incremented by every eviction: a lookup that began before one may return a stale token. */
  #epoch = 0;
  #syncedMs = Number.NEGATIVE_INFINITY;
  #syncing: Promise<void> | undefined;

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
    if (token === undefined && this.#unknown.get(sha256) === undefined) {
      return this.#withTimeout(this.#lookUp([sha256])[0]!);
    }
    const age = this.#ageMs();
    if (age > MAX_AGE_MS) return this.#withTimeout(this.#findAfterSync(sha256));
    if (age > REFRESH_AFTER_MS) this.#synchronize().catch(() => {});
    return token;
  }

  /** The same for several secrets, with one query for all that are not cached. @returns the token of each, in order */
  findAll(
    secrets: readonly string[],
  ): readonly (HostToken | undefined)[] | Promise<readonly (HostToken | undefined)[]> {
    const age = this.#ageMs();
    if (age > MAX_AGE_MS || !secrets.every((sha256) => this.#isCached(sha256))) {
      return this.#withTimeout(this.#findAllUncached(secrets));
    }
    if (age > REFRESH_AFTER_MS) this.#synchronize().catch(() => {});
    return secrets.map((sha256) => this.#tokens.get(sha256));
  }

  /** The token, if `find` would return it without a promise. */
  peek(sha256: string): HostToken | undefined {
    const token = this.#tokens.get(sha256);
    if (token === undefined) return undefined;
    const age = this.#ageMs();
    if (age > MAX_AGE_MS) return undefined;
    if (age > REFRESH_AFTER_MS) this.#synchronize().catch(() => {});
    return token;
  }

  /** Removes the entries of secrets whose token has changed. */
  evict(secrets: readonly string[]): void {
    this.#epoch += 1;
    for (const sha256 of secrets) {
      this.#tokens.delete(sha256);
      this.#unknown.delete(sha256);
      this.#inFlight.delete(sha256);
    }
  }

  /** Removes all entries. */
  clear(): void {
    this.#tokens.clear();
    this.#unknown.clear();
    this.#inFlight.clear();
    this.#epoch += 1;
  }

  #ageMs(): number {
    return this.#source.changesSince === undefined ? 0 : this.#nowMs() - this.#syncedMs;
  }

  async #findAfterSync(sha256: string): Promise<HostToken | undefined> {
    await this.#synchronize();
    const token = this.#tokens.get(sha256);
    return token !== undefined || this.#unknown.get(sha256) ? token : this.#lookUp([sha256])[0];
  }

  async #findAllUncached(secrets: readonly string[]): Promise<readonly (HostToken | undefined)[]> {
    const isCached = (sha256: string) => this.#isCached(sha256);
    if (this.#ageMs() > MAX_AGE_MS && secrets.some(isCached)) await this.#synchronize();
    const cached = new Map(secrets.filter(isCached).map((sha256) => [sha256, this.#tokens.get(sha256)]));
    const missing = secrets.filter((sha256) => !cached.has(sha256));
    for (const [at, token] of (await Promise.all(this.#lookUp(missing))).entries()) cached.set(missing[at]!, token);
    return secrets.map((sha256) => cached.get(sha256));
  }

  #isCached(sha256: string): boolean {
    return this.#tokens.get(sha256) !== undefined || this.#unknown.get(sha256) !== undefined;
  }

  /** Queries the store once; concurrent lookups of one secret share the query. @returns a promise for each secret */
  #lookUp(secrets: readonly string[]): Promise<HostToken | undefined>[] {
    const missing = secrets.filter((sha256) => !this.#inFlight.has(sha256));
    if (missing.length > 0) {
      const tokens = this.#lookUpAndCache(missing);
      for (const sha256 of missing) {
        const lookup = tokens
          .then((found) => found.get(sha256))
          .finally(() => {
            if (this.#inFlight.get(sha256) === lookup) this.#inFlight.delete(sha256);
          });
        this.#inFlight.set(sha256, lookup);
      }
    }
    return secrets.map((sha256) => this.#inFlight.get(sha256)!);
  }

  async #lookUpAndCache(secrets: readonly string[]): Promise<ReadonlyMap<string, HostToken>> {
    // Cached only if a version was known before the lookup: the next synchronization then reports every later change.
    const isSynchronized = this.#source.changesSince === undefined || this.#version !== undefined;
    if (!isSynchronized) this.#synchronize().catch(() => {});
    const epoch = this.#epoch;
    const tokens = new Map((await this.#source.lookUp(secrets)).map((token) => [token.sha256, token]));
    if (isSynchronized && epoch === this.#epoch) {
      for (const sha256 of secrets) {
        const token = tokens.get(sha256);
        if (token !== undefined) this.#tokens.set(sha256, token);
        else this.#unknown.set(sha256, true);
      }
    }
    return tokens;
  }

  /** Evicts the tokens that other processes have changed. */
  #synchronize(): Promise<void> {
    this.#syncing ??= this.#evictChanged().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #evictChanged(): Promise<void> {
    const startedMs = this.#nowMs();
    const changes = await this.#source.changesSince?.(this.#version);
    if (changes === undefined) return;
    const { version, changed } = changes;
    if (changed === 'all') this.clear();
    else if (changed.length > 0) this.evict(changed);
    this.#version = version;
    this.#syncedMs = startedMs;
  }

  #withTimeout<Result>(promise: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(storeUnreachable()), this.#timeoutMs);
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** A bounded map that evicts entries not used lately: when the young half is full, it replaces the old half. */
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

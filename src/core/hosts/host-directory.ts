/**
 * The settings of hosts: those of the configuration, then those of the store. They are read at every update, so they are
 * cached: all of them at the start where no other process can change the store, else each for a second.
 *
 * While the store does not answer, settings that were read within the last minute stay valid: no one can change them in the
 * store either. A host that is not in the cache could be switched off, and waits for the store.
 */

import type { DomainName } from '../../dns/name.ts';
import { setBounded } from '../bounded-map.ts';
import { AppError } from '../errors.ts';
import type { HostSettingsSource } from './host.ts';
import { type HostSettings, isDefault } from './host.ts';
import type { HostStore } from './host-store.ts';

/** Cache time where another process can change the settings. */
const FRESH_MS = 1000;
/** Additional cache time while the store does not answer. */
const STALE_MS = 60_000;
/** How long a request waits for the store where it has stale settings. */
const PATIENCE_MS = 1000;
/** A store that did not answer is not queried for this time where there are stale settings. */
const SILENCE_MS = 1000;
const MAX_CACHED = 100_000;

interface CachedSettings {
  readonly settings: HostSettings | undefined;
  readonly untilMs: number;
}

export interface HostDirectoryOptions {
  /** Those of the configuration file: they take precedence. */
  readonly configured: readonly HostSettings[];
  readonly store?: Pick<HostStore, 'get' | 'list'> | undefined;
  /** No other process changes the store. */
  readonly exclusive: boolean;
  /** Milliseconds; never goes back. */
  readonly nowMs: () => number;
  /** Calls back once. @returns a function that cancels the timer */
  readonly after: (delayMs: number, call: () => void) => () => void;
}

export class HostDirectory implements HostSettingsSource {
  readonly #options: HostDirectoryOptions;
  readonly #configured: ReadonlyMap<string, HostSettings>;
  readonly #cache: Map<string, CachedSettings>;
  #isComplete = false;
  /** Until then the store is not queried where there are stale settings. */
  #silentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: HostDirectoryOptions, cache = new Map<string, CachedSettings>()) {
    this.#options = options;
    this.#configured = new Map(options.configured.map((settings) => [settings.ownerName.key, settings]));
    this.#cache = cache;
  }

  /** A directory with other settings of the configuration. Both share what they know of the store, also what changes later. */
  withConfigured(configured: readonly HostSettings[]): HostDirectory {
    const next = new HostDirectory({ ...this.#options, configured }, this.#cache);
    next.#isComplete = this.#isComplete;
    return next;
  }

  /**
   * Reads all hosts where no other process can change them; until then each is queried. Hosts without settings of their own,
   * usually most, are not cached: a hundred thousand entries cost the garbage collector time.
   * @throws AppError store-unreachable
   */
  async load(): Promise<void> {
    const { store, exclusive } = this.#options;
    if (store === undefined || !exclusive) return;
    for (const settings of await store.list()) if (!isDefault(settings)) this.#put(settings.ownerName, settings);
    this.#isComplete = true;
  }

  /** Undefined: none, or only defaults. */
  find(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    const configured = this.#configured.get(ownerName.key);
    const { store, nowMs } = this.#options;
    if (configured !== undefined || store === undefined) return configured;
    const cached = this.#cache.get(ownerName.key);
    if (cached !== undefined && nowMs() < cached.untilMs) return cached.settings;
    if (this.#isComplete) return undefined;
    const isStale = cached !== undefined && nowMs() < cached.untilMs + STALE_MS;
    if (!isStale) return this.#query(store, ownerName);
    if (nowMs() < this.#silentUntilMs) return cached.settings;
    return this.#queryOr(store, ownerName, cached.settings);
  }

  /** The cache has all settings: no other process changes them. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What is cached, of whatever age, without a query. Undefined: nothing is. */
  peek(ownerName: DomainName): { readonly settings: HostSettings | undefined } | undefined {
    const settings = this.#configured.get(ownerName.key);
    if (settings !== undefined || this.#options.store === undefined) return { settings };
    return this.#cache.get(ownerName.key) ?? (this.#isComplete ? { settings: undefined } : undefined);
  }

  /** The settings of a host were changed in the store; undefined: removed. */
  changed(ownerName: DomainName, settings: HostSettings | undefined): void {
    const isWithout = settings === undefined || isDefault(settings);
    if (isWithout && this.#isComplete) this.#cache.delete(ownerName.key);
    else this.#put(ownerName, settings);
  }

  /** Reads the settings from the store. @throws AppError store-unreachable */
  async #query(store: Pick<HostStore, 'get'>, ownerName: DomainName): Promise<HostSettings | undefined> {
    const queriedMs = this.#options.nowMs();
    const before = this.#cache.get(ownerName.key);
    const settings = await store.get(ownerName);
    this.#silentUntilMs = Number.NEGATIVE_INFINITY;
    // A change here, or another read since, is newer.
    if (this.#cache.get(ownerName.key) === before) this.#put(ownerName, settings, queriedMs);
    return settings;
  }

  /** The same; stale settings where the store does not answer, or not soon. */
  #queryOr(
    store: Pick<HostStore, 'get'>,
    ownerName: DomainName,
    stale: HostSettings | undefined,
  ): Promise<HostSettings | undefined> {
    const { nowMs, after } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#silentUntilMs = nowMs() + SILENCE_MS;
        resolve(stale);
      };
      const cancel = after(PATIENCE_MS, giveUp);
      this.#query(store, ownerName).then(
        (settings) => {
          cancel();
          resolve(settings);
        },
        (error: unknown) => {
          cancel();
          if (error instanceof AppError && error.code === 'store-unreachable') giveUp();
          else reject(error);
        },
      );
    });
  }

  #put(ownerName: DomainName, settings: HostSettings | undefined, readMs = this.#options.nowMs()): void {
    const { exclusive } = this.#options;
    const untilMs = exclusive ? Number.POSITIVE_INFINITY : readMs + FRESH_MS;
    // Where the store is exclusive, these are all that there are.
    const limit = this.#isComplete || exclusive ? Number.POSITIVE_INFINITY : MAX_CACHED;
    setBounded(this.#cache, ownerName.key, { settings, untilMs }, limit);
  }
}

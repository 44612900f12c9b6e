/**
 * The settings of hosts: those of the configuration, then those of the store. Asked at every update, so that the store is
 * asked once: for all at the start where no other process can change them, else for each host once a second at most.
 *
 * A store that does not answer stops no update of a host whose settings were read here in the last minute: they are the
 * newest that this process can know, and nobody can change them there meanwhile. A host of which nothing is known could be
 * switched off, and waits for the store.
 */

import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { HostSettingsSource } from './host.ts';
import { type HostSettings, isDefault } from './host.ts';
import type { HostStore } from './host-store.ts';

/** As old as the settings of a host may be where another process can change them. */
const FRESH_MS = 1000;
/** How much older they may become while the store does not answer. */
const STALE_MS = 60_000;
/** How long a request waits for the store where older settings would do. */
const PATIENCE_MS = 1000;
/** A store that did not answer is left alone for so long where older settings would do. */
const SILENCE_MS = 1000;
const MAX_REMEMBERED = 100_000;

interface Remembered {
  readonly settings: HostSettings | undefined;
  readonly untilMs: number;
}

export interface HostDirectoryOptions {
  /** Those of the configuration file: they come first. */
  readonly configured: readonly HostSettings[];
  readonly store?: HostStore | undefined;
  /** No other process changes the store. */
  readonly exclusive: boolean;
  /** Milliseconds; never goes back. */
  readonly nowMs: () => number;
  /** Calls back once; gives what prevents it. */
  readonly after: (delayMs: number, call: () => void) => () => void;
}

export class HostDirectory implements HostSettingsSource {
  readonly #options: HostDirectoryOptions;
  readonly #configured: ReadonlyMap<string, HostSettings>;
  readonly #remembered: Map<string, Remembered>;
  #isComplete = false;
  /** The store is not asked where older settings would do. */
  #silentUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: HostDirectoryOptions, remembered = new Map<string, Remembered>()) {
    this.#options = options;
    this.#configured = new Map(options.configured.map((settings) => [settings.ownerName.key, settings]));
    this.#remembered = remembered;
  }

  /** A directory with other settings of the configuration. Both share what they know of the store, also what changes later. */
  withConfigured(configured: readonly HostSettings[]): HostDirectory {
    const next = new HostDirectory({ ...this.#options, configured }, this.#remembered);
    next.#isComplete = this.#isComplete;
    return next;
  }

  /**
   * Reads all hosts where that is worth it; until then each is asked for. Of those that have no settings of their own, most
   * as a rule, nothing is kept: a hundred thousand of them would have the garbage collector walk through as many again.
   * @throws AppError store-unreachable
   */
  async load(): Promise<void> {
    const { store, exclusive } = this.#options;
    if (store === undefined || !exclusive) return;
    for (const settings of await store.list()) if (!isDefault(settings)) this.#remember(settings.ownerName, settings);
    this.#isComplete = true;
  }

  /** Undefined: none, or none that say anything. */
  find(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    const configured = this.#configured.get(ownerName.key);
    const { store, nowMs } = this.#options;
    if (configured !== undefined || store === undefined) return configured;
    const known = this.#remembered.get(ownerName.key);
    if (known !== undefined && nowMs() < known.untilMs) return known.settings;
    if (this.#isComplete) return undefined;
    const mayBeOld = known !== undefined && nowMs() < known.untilMs + STALE_MS;
    if (!mayBeOld) return this.#ask(store, ownerName);
    if (nowMs() < this.#silentUntilMs) return known.settings;
    return this.#askPatiently(store, ownerName, known.settings);
  }

  /** The store has other settings for this host now; undefined: none. */
  changed(ownerName: DomainName, settings: HostSettings | undefined): void {
    const saysNothing = settings === undefined || isDefault(settings);
    if (saysNothing && this.#isComplete) this.#remembered.delete(ownerName.key);
    else this.#remember(ownerName, settings);
  }

  /** Reads the settings. @throws AppError store-unreachable */
  async #ask(store: HostStore, ownerName: DomainName): Promise<HostSettings | undefined> {
    const askedMs = this.#options.nowMs();
    const before = this.#remembered.get(ownerName.key);
    const settings = await store.get(ownerName);
    this.#silentUntilMs = Number.NEGATIVE_INFINITY;
    // What was changed here, or read again, since then is newer.
    if (this.#remembered.get(ownerName.key) === before) this.#remember(ownerName, settings, askedMs);
    return settings;
  }

  /** The same, with older settings for when the store does not answer, or not soon. */
  #askPatiently(
    store: HostStore,
    ownerName: DomainName,
    older: HostSettings | undefined,
  ): Promise<HostSettings | undefined> {
    const { nowMs, after } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#silentUntilMs = nowMs() + SILENCE_MS;
        resolve(older);
      };
      const cancel = after(PATIENCE_MS, giveUp);
      this.#ask(store, ownerName).then(
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

  #remember(ownerName: DomainName, settings: HostSettings | undefined, readMs = this.#options.nowMs()): void {
    const { exclusive } = this.#options;
    const untilMs = exclusive ? Number.POSITIVE_INFINITY : readMs + FRESH_MS;
    this.#remembered.delete(ownerName.key);
    this.#remembered.set(ownerName.key, { settings, untilMs });
    if (this.#isComplete || exclusive || this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      break;
    }
  }
}

/**
 * The settings of hosts: those of the configuration, then those of the store. Asked at every update, so that the store is
 * asked once: for all at the start where no other process can change them, else for each host once a second at most.
 */
import type { DomainName } from '../dns/name.ts';
import type { HostSettings } from './host.ts';
import type { HostSettingsSource } from './host-gate.ts';
import type { HostStore } from './store-ports.ts';

/** As old as the settings of a host may be where another process can change them. */
const FRESH_MS = 1000;
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
}

export class HostDirectory implements HostSettingsSource {
  readonly #options: HostDirectoryOptions;
  readonly #configured: ReadonlyMap<string, HostSettings>;
  readonly #remembered = new Map<string, Remembered>();
  #isComplete = false;

  constructor(options: HostDirectoryOptions) {
    this.#options = options;
    this.#configured = new Map(options.configured.map((settings) => [settings.ownerName.key, settings]));
  }

  /** Reads all hosts where that is worth it. Until then each is asked for. @throws AppError store-unreachable */
  async load(): Promise<void> {
    const { store, exclusive } = this.#options;
    if (store === undefined || !exclusive) return;
    for (const settings of await store.list()) this.#remember(settings.ownerName, settings);
    this.#isComplete = true;
  }

  find(ownerName: DomainName): HostSettings | undefined | Promise<HostSettings | undefined> {
    const configured = this.#configured.get(ownerName.key);
    const { store, nowMs } = this.#options;
    if (configured !== undefined || store === undefined) return configured;
    const known = this.#remembered.get(ownerName.key);
    if (known !== undefined && nowMs() < known.untilMs) return known.settings;
    if (this.#isComplete) return undefined;
    return store.get(ownerName).then((settings) => {
      this.#remember(ownerName, settings);
      return settings;
    });
  }

  /** The store has other settings for this host now; undefined: none. */
  changed(ownerName: DomainName, settings: HostSettings | undefined): void {
    if (settings === undefined && this.#isComplete) this.#remembered.delete(ownerName.key);
    else this.#remember(ownerName, settings);
  }

  #remember(ownerName: DomainName, settings: HostSettings | undefined): void {
    const { exclusive, nowMs } = this.#options;
    const untilMs = exclusive ? Number.POSITIVE_INFINITY : nowMs() + FRESH_MS;
    this.#remembered.delete(ownerName.key);
    this.#remembered.set(ownerName.key, { settings, untilMs });
    if (this.#isComplete || exclusive || this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      break;
    }
  }
}

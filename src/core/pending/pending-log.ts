/**
 * Which wishes there are: kept when an update failed, ended when a newer one was published or refused. Writes of one name
 * reach the store in the order in which they were asked for.
 *
 * Nothing is kept in memory but what the store could not be told: ends of wishes, up to a limit. While the store is away
 * no new wish is kept; the client is told of its failure all the same.
 */
import type { DomainName } from '../../dns/name.ts';
import type { AppError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import { NameOrder } from '../updates/name-order.ts';
import type { UnpublishedUpdate } from '../updates/unpublished-updates.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import type { PendingStore } from './pending-store.ts';
import { keepsPending, type PendingUpdate, retryDelayMs, statesBefore } from './pending-update.ts';

export interface PendingLogOptions {
  readonly store: PendingStore;
  /** True where other processes use the same store. */
  readonly shared: boolean;
  readonly timers: Timers;
  readonly warn: (text: string) => void;
}

/** How long a reply waits for the store; what it was asked for is done all the same. */
const STORE_WAIT_MS = 500;
const MAX_UNTOLD = 10_000;
const MAX_RECENT = 50_000;

interface Place {
  readonly ownerName: DomainName;
  readonly family: Family;
}

interface Publication extends Place {
  readonly timeMs: number;
}

/** A wish that has ended: with `sequence` that one alone. */
interface EndedPendingUpdate extends Place {
  readonly sequence?: number | undefined;
}

const idOf = ({ ownerName, family }: Place) => `${family}/${ownerName.key}`;

export class PendingLog {
  readonly #options: PendingLogOptions;
  /** Of calls to the store, not of updates. */
  readonly #order = new NameOrder();
  /** Wishes that have ended, of which the store does not know yet. */
  readonly #untold = new Map<string, EndedPendingUpdate | Publication>();
  /** Shared stores: what was published since the last look, and since the one before. */
  #recent: [Map<string, Publication>, Map<string, Publication>] = [new Map(), new Map()];
  #mayExist = true;
  #puts = 0;
  #isDown = false;

  constructor(options: PendingLogOptions) {
    this.#options = options;
  }

  /** False: there is certainly no wish, or none of which this process has heard. */
  get mayExist(): boolean {
    return this.#mayExist;
  }

  /**
   * After an update that failed, with those of its members: keeps wishes, or ends older ones where this failure keeps none.
   * Resolves to `kept` when they are on disk; to `not-kept` also where the store takes too long, and it may be kept after all. Never rejects.
   */
  async failed(updates: readonly UnpublishedUpdate[], error: AppError): Promise<'kept' | 'not-kept'> {
    if (keepsPending(error.code, error.rcode)) {
      const wished = updates.filter(({ wanted }) => FAMILIES.some((family) => wanted[family] !== undefined));
      if (wished.length === 0) return 'not-kept';
      this.#mayExist = true;
      this.#puts += 1;
      const names = wished.map(({ ownerName }) => ownerName);
      return (await this.#patiently(this.#order.runAll(names, () => this.#keep(wished, error)))) ?? 'not-kept';
    }
    // A newer request takes the place of an older wish, also where it comes to nothing.
    const final = ['primary-refused', 'primary-key-rejected', 'conflict', 'contended'].includes(error.code);
    if (final) {
      for (const { ownerName, wanted } of updates) {
        await this.settled(
          ownerName,
          FAMILIES.filter((family) => wanted[family] !== undefined),
        );
      }
    }
    return 'not-kept';
  }

  /** These families were published by a newer update: wishes for them end. No promise where there is nothing to do. */
  settled(ownerName: DomainName, families: readonly Family[]): Promise<void> | undefined {
    const { shared, timers } = this.#options;
    const publications = families.map((family) => ({ ownerName, family, timeMs: timers.now() }));
    if (shared && this.#recent[0].size < MAX_RECENT) {
      for (const publication of publications) this.#recent[0].set(idOf(publication), publication);
    }
    if (!this.#mayExist) return undefined;
    const ends = publications.map((publication) => (shared ? this.#endOlder(publication) : this.end(publication)));
    return this.#patiently(Promise.all(ends)).then(() => undefined);
  }

  /** Ends a wish, with `sequence` only that one. Never rejects. */
  end({ ownerName, family }: Place, sequence?: number): Promise<void> {
    return this.#order.run(ownerName, async () => {
      try {
        await this.#options.store.remove(ownerName, family, sequence);
        this.#untold.delete(idOf({ ownerName, family }));
      } catch (error) {
        this.#down(error);
        this.#tellLater({ ownerName, family, sequence });
      }
    });
  }

  #tellLater(ended: EndedPendingUpdate | Publication): void {
    if (this.#untold.size < MAX_UNTOLD) this.#untold.set(idOf(ended), ended);
  }

  /** True as long as this wish is the newest of its name and family. @throws AppError store-unreachable */
  isCurrent(wish: PendingUpdate): Promise<boolean> {
    return this.#order.run(wish.ownerName, async () => {
      if (this.#untold.has(idOf(wish))) return false;
      const current = await this.#options.store.get(wish.ownerName, wish.family);
      return current?.sequence === wish.sequence;
    });
  }

  /**
   * Asks the store how many wishes there are, and tells it what it missed.
   * @throws AppError store-unreachable
   */
  async look(): Promise<number> {
    const puts = this.#puts;
    const count = await this.#options.store.count();
    this.#isDown = false;
    for (const ended of [...this.#untold.values()]) {
      await ('timeMs' in ended ? this.#endOlder(ended) : this.end(ended, ended.sequence));
    }
    const news = !this.#mayExist && count > 0;
    if (count > 0 || puts === this.#puts) this.#mayExist = count > 0;
    if (this.#options.shared) await this.#forgetRecent(news);
    return count;
  }

  /** Another process has kept wishes: those that are older than what was published here end. */
  async #forgetRecent(news: boolean): Promise<void> {
    const [recent, older] = this.#recent;
    this.#recent = [new Map(), recent];
    if (!news) return;
    for (const publication of [...older.values(), ...recent.values()]) await this.#endOlder(publication);
  }

  /** Where others write, too, what they kept since stays. */
  async #endOlder(publication: Publication): Promise<void> {
    const { ownerName, family, timeMs } = publication;
    try {
      const wish = await this.#options.store.get(ownerName, family);
      if (this.#untold.get(idOf(publication)) === publication) this.#untold.delete(idOf(publication));
      if (wish !== undefined && wish.createdMs <= timeMs) await this.end(publication, wish.sequence);
    } catch (error) {
      this.#down(error);
      this.#tellLater(publication);
    }
  }

  async #keep(updates: readonly UnpublishedUpdate[], error: AppError): Promise<'kept' | 'not-kept'> {
    const { store, timers } = this.#options;
    const createdMs = timers.now();
    const wishes = updates.flatMap(({ ownerName, wanted, ttl, before }) =>
      FAMILIES.flatMap((family) => {
        const address = wanted[family];
        return address === undefined
          ? []
          : {
              ownerName,
              family,
              wanted: address === null ? null : address.text,
              ttl,
              known: before?.[family].addresses,
            };
      }),
    );
    const site = wishes.length > 1 ? `${createdMs} ${wishes[0]?.ownerName}` : undefined;
    try {
      const older = await Promise.all(wishes.map(({ ownerName, family }) => store.get(ownerName, family)));
      const kept = wishes.map(({ known, ...wish }, index) => ({
        ...wish,
        before: statesBefore(known, older[index]),
        createdMs,
        nextAttemptMs: createdMs + retryDelayMs(0),
        lastError: error.code,
        ...(site === undefined ? {} : { site }),
      }));
      await store.put(...kept);
      for (const wish of kept) this.#untold.delete(idOf(wish));
      return 'kept';
    } catch (error) {
      this.#down(error);
      return 'not-kept';
    }
  }

  /** Waits, but not for long, and not again for a store that is known to be away; undefined: it takes longer. */
  #patiently<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#isDown) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(STORE_WAIT_MS, () => {
        this.#down(new Error('no answer in time'));
        resolve(undefined);
      });
      void work.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }

  #down(error: unknown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#options.warn(
      `Updates that cannot be published now are not kept for later: ${why} (the store). Clients are told of the failure as ever.`,
    );
  }
}

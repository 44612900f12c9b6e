/**
 * Tracks pending updates: saved when an update fails, deleted when a newer one is published or refused. Writes of one name
 * reach the store in the order of their calls.
 *
 * Memory holds only what could not be written to the store: the ends of pending updates, up to a limit. While the store is
 * unreachable nothing new is saved; the client gets its error reply all the same.
 */

import type { DomainName } from '../../dns/name.ts';
import { type AppError, errorText } from '../errors.ts';
import type { Timers } from '../timers.ts';
import { NameOrder } from '../updates/name-order.ts';
import type { FailedUpdate } from '../updates/pending-updates.ts';
import { FAMILIES, type Family } from '../zones/family.ts';
import { sortedTexts, type WantedAddresses } from '../zones/plan-change.ts';
import type { PendingStore } from './pending-store.ts';
import { type PendingUpdate, pendingAfter, retryDelayMs, statesBefore } from './pending-update.ts';

export interface PendingLogOptions {
  readonly store: PendingStore;
  /** True where other processes use the same store. */
  readonly shared: boolean;
  readonly timers: Timers;
  readonly warn: (text: string) => void;
}

/** How long a reply waits for the store; the write itself goes on. */
const STORE_WAIT_MS = 500;
const MAX_UNWRITTEN = 10_000;
const MAX_RECENT = 50_000;

interface Place {
  readonly ownerName: DomainName;
  readonly family: Family;
}

interface Publication extends Place {
  readonly timeMs: number;
}

/** The end of a pending update; with `sequence` of that one alone. */
interface End extends Place {
  readonly sequence?: number | undefined;
}

const idOf = ({ ownerName, family }: Place) => `${family}/${ownerName.key}`;

export class PendingLog {
  readonly #options: PendingLogOptions;
  /** Of calls to the store, not of updates. */
  readonly #order = new NameOrder();
  /** Ends that could not be written to the store yet. */
  readonly #unwritten = new Map<string, End | Publication>();
  /** Shared stores: what was published since the last `synchronize`, and since the one before. */
  #recent: [Map<string, Publication>, Map<string, Publication>] = [new Map(), new Map()];
  #mayExist = true;
  #puts = 0;
  #isDown = false;

  constructor(options: PendingLogOptions) {
    this.#options = options;
  }

  /** False: there is certainly no pending update, or none that this process has heard of. */
  get mayExist(): boolean {
    return this.#mayExist;
  }

  /**
   * After an update that failed, with those of its members: saves pending updates, or deletes older ones where this failure
   * is final. Resolves to `saved` when they are on disk; to `not-saved` also where the store takes too long, and they may be
   * saved after all. Never rejects.
   */
  async failed(updates: readonly FailedUpdate[], error: AppError): Promise<'saved' | 'not-saved'> {
    const next = pendingAfter(error);
    if (next === 'leave') return 'not-saved';
    if (next === 'end') {
      for (const { ownerName, wanted } of updates) await this.settled(ownerName, familiesOf(wanted));
      return 'not-saved';
    }
    const changing = updates.filter(({ wanted }) => familiesOf(wanted).length > 0);
    if (changing.length === 0) return 'not-saved';
    this.#mayExist = true;
    this.#puts += 1;
    const names = changing.map(({ ownerName }) => ownerName);
    return (await this.#patiently(this.#order.runAll(names, () => this.#save(changing, error)))) ?? 'not-saved';
  }

  /** A newer update of these families was published: older pending ones end. No promise where there is nothing to do. */
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

  /** Ends a pending update, with `sequence` only that one. Never rejects. */
  end({ ownerName, family }: Place, sequence?: number): Promise<void> {
    return this.#order.run(ownerName, async () => {
      try {
        await this.#options.store.remove(ownerName, family, sequence);
        this.#unwritten.delete(idOf({ ownerName, family }));
      } catch (error) {
        this.#failedStore(error);
        this.#writeLater({ ownerName, family, sequence });
      }
    });
  }

  #writeLater(ended: End | Publication): void {
    if (this.#unwritten.size < MAX_UNWRITTEN) this.#unwritten.set(idOf(ended), ended);
  }

  /** True as long as this is the newest of its name and family. @throws AppError store-unreachable */
  isCurrent(pending: PendingUpdate): Promise<boolean> {
    return this.#order.run(pending.ownerName, async () => {
      if (this.#unwritten.has(idOf(pending))) return false;
      const current = await this.#options.store.get(pending.ownerName, pending.family);
      return current?.sequence === pending.sequence;
    });
  }

  /**
   * Writes to the store what it missed.
   * @returns how many pending updates it has
   * @throws AppError store-unreachable
   */
  async synchronize(): Promise<number> {
    const puts = this.#puts;
    const count = await this.#options.store.count();
    this.#isDown = false;
    for (const ended of [...this.#unwritten.values()]) {
      await ('timeMs' in ended ? this.#endOlder(ended) : this.end(ended, ended.sequence));
    }
    const isNews = !this.#mayExist && count > 0;
    if (count > 0 || puts === this.#puts) this.#mayExist = count > 0;
    if (this.#options.shared) await this.#forgetRecent(isNews);
    return count;
  }

  /** @param isNews another process has saved pending updates: those older than what was published here end */
  async #forgetRecent(isNews: boolean): Promise<void> {
    const [recent, older] = this.#recent;
    this.#recent = [new Map(), recent];
    if (!isNews) return;
    for (const publication of [...older.values(), ...recent.values()]) await this.#endOlder(publication);
  }

  /** Where other processes write as well, what they saved since stays. */
  async #endOlder(publication: Publication): Promise<void> {
    const { ownerName, family, timeMs } = publication;
    try {
      const pending = await this.#options.store.get(ownerName, family);
      if (this.#unwritten.get(idOf(publication)) === publication) this.#unwritten.delete(idOf(publication));
      if (pending !== undefined && pending.createdMs <= timeMs) await this.end(publication, pending.sequence);
    } catch (error) {
      this.#failedStore(error);
      this.#writeLater(publication);
    }
  }

  async #save(updates: readonly FailedUpdate[], error: AppError): Promise<'saved' | 'not-saved'> {
    const { store, timers } = this.#options;
    const createdMs = timers.now();
    const changes = updates.flatMap(({ ownerName, wanted, ttl, before }) =>
      familiesOf(wanted).map((family) => {
        const texts = sortedTexts(wanted[family] ?? []);
        return { ownerName, family, wanted: texts, ttl, known: before?.[family].addresses };
      }),
    );
    const site = changes.length > 1 ? `${createdMs} ${changes[0]?.ownerName}` : undefined;
    try {
      const older = await Promise.all(changes.map(({ ownerName, family }) => store.get(ownerName, family)));
      const added = changes.map(({ known, ...change }, index) => ({
        ...change,
        before: statesBefore(known, older[index]),
        createdMs,
        nextAttemptMs: createdMs + retryDelayMs(0),
        lastError: error.code,
        ...(site === undefined ? {} : { site }),
      }));
      await store.put(...added);
      for (const pending of added) this.#unwritten.delete(idOf(pending));
      return 'saved';
    } catch (storeError) {
      this.#failedStore(storeError);
      return 'not-saved';
    }
  }

  /** Waits, but not for long, and not for a store that is known to be unreachable; undefined: it takes longer. */
  #patiently<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#isDown) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(STORE_WAIT_MS, () => {
        this.#failedStore(new Error('no answer in time'));
        resolve(undefined);
      });
      void work.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }

  #failedStore(error: unknown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const why = errorText(error);
    this.#options.warn(
      `Failed updates are not saved for a retry: the store failed (${why}). Clients get the error reply as always.`,
    );
  }
}

function familiesOf(wanted: WantedAddresses): readonly Family[] {
  return FAMILIES.filter((family) => wanted[family] !== undefined);
}

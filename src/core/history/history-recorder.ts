/**
 * Writes the history behind the replies: events in batches, repeats as counters once a second. A crash may lose the last
 * second of it. While the store is away events wait, up to a limit; then the oldest are lost, and the operator is told.
 */

import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { UpdateRecorder } from './history.ts';
import { eventId, type HistoryEvent, isSignOfLife, type NewHistoryEvent } from './history.ts';
import type { HistoryStore, RepeatCount } from './history-store.ts';

export interface HistoryRecorderOptions {
  readonly store: HistoryStore;
  readonly timers: {
    /** Calls back once, after so many milliseconds; gives what prevents it. */
    after(delayMs: number, call: () => void): () => void;
  };
  readonly warn: (text: string) => void;
}

const FLUSH_MS = 1000;
/** Events of one write. */
const BATCH = 1000;
const MAX_WAITING = 50_000;
const MAX_REPEATED = 100_000;

interface Repeats {
  readonly ownerName: DomainName;
  repeats: number;
  lastSeenMs: number;
}

export class HistoryRecorder implements UpdateRecorder {
  readonly #options: HistoryRecorderOptions;
  /** Tells the ids of this process from those of others: making one for each event takes as long as all else of it. */
  readonly #random = randomBytes(10);
  #events: HistoryEvent[] = [];
  #repeats = new Map<string, Repeats>();
  #sequence = 0;
  #lost = 0;
  /** Events that left the front of the list, written or lost. */
  #removed = 0;
  #cancel: (() => void) | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: HistoryRecorderOptions) {
    this.#options = options;
  }

  record(event: NewHistoryEvent): void {
    this.#sequence += 1;
    this.#events.push({ ...event, id: eventId(event.timeMs, this.#sequence, this.#random) });
    if (isSignOfLife(event)) this.#seen(event.ownerName, event.timeMs, 0);
    if (this.#events.length > MAX_WAITING) {
      const { length } = this.#events.splice(0, this.#events.length - MAX_WAITING / 2);
      this.#lost += length;
      this.#removed += length;
    }
    this.#flushLater();
  }

  repeat(ownerName: DomainName, timeMs: number): void {
    this.#seen(ownerName, timeMs, 1);
    this.#flushLater();
  }

  /** Writes what there is, for somebody who wants to read it now. */
  async flush(): Promise<void> {
    await this.#flushing;
    await this.#flush();
    // What the clock began meanwhile has taken some of it.
    await this.#flushing;
  }

  /** The store does not know yet that this host was seen. */
  hasUnwritten(ownerName: DomainName): boolean {
    return this.#repeats.has(ownerName.key);
  }

  /** Writes what there is, and takes nothing more from the clock. */
  async close(): Promise<void> {
    this.#cancel?.();
    await this.#flushing;
    await this.#flush();
  }

  #seen(ownerName: DomainName, timeMs: number, repeats: number): void {
    const known = this.#repeats.get(ownerName.key);
    if (known !== undefined) {
      known.repeats += repeats;
      known.lastSeenMs = timeMs;
    } else if (this.#repeats.size < MAX_REPEATED) {
      this.#repeats.set(ownerName.key, { ownerName, repeats, lastSeenMs: timeMs });
    }
  }

  #flushLater(): void {
    this.#cancel ??= this.#options.timers.after(FLUSH_MS, () => {
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined;
        this.#cancel = undefined;
        if (this.#events.length > 0 || this.#repeats.size > 0) this.#flushLater();
      });
    });
  }

  /** Never rejects: what the store did not answer for waits for the next time. */
  async #flush(): Promise<void> {
    try {
      await this.#writeEvents();
      await this.#writeRepeats();
    } catch {
      // The store is away, and tells of itself where it is asked for more than history.
      return;
    }
    if (this.#lost === 0) return;
    this.#options.warn(
      `${this.#lost} events of the history were lost: the store did not answer, or did not take them.`,
    );
    this.#lost = 0;
  }

  async #writeEvents(): Promise<void> {
    while (this.#events.length > 0) {
      const batch = this.#events.slice(0, BATCH);
      const end = this.#removed + batch.length;
      try {
        await this.#options.store.append(batch);
      } catch (error) {
        if (isAway(error)) throw error;
        // Events that the store does not take are not tried for ever: those behind them would wait for nothing.
        this.#lost += batch.length;
      }
      // Some may have been dropped meanwhile.
      const left = Math.max(0, end - this.#removed);
      this.#events.splice(0, left);
      this.#removed += left;
    }
  }

  async #writeRepeats(): Promise<void> {
    const taken = this.#repeats;
    if (taken.size === 0) return;
    this.#repeats = new Map();
    const counts: readonly RepeatCount[] = [...taken.values()].map((each) => ({ ...each }));
    try {
      await this.#options.store.countRepeats(counts);
    } catch (error) {
      if (!isAway(error)) return;
      for (const { ownerName, repeats, lastSeenMs } of counts) {
        const newer = this.#repeats.get(ownerName.key)?.lastSeenMs ?? 0;
        this.#seen(ownerName, Math.max(lastSeenMs, newer), repeats);
      }
      throw error;
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store-unreachable';
}

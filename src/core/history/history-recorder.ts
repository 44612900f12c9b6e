/**
 * Writes the history in the background: events and receipts in batches, repeats as counters once a second. A crash may lose the last
 * second. While the store is unreachable events wait; above a limit the oldest are lost, with a warning to the operator.
 */

import { randomBytes } from 'node:crypto';
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { Receipt } from '../zones/secondaries.ts';
import type { UpdateRecorder } from './history.ts';
import { eventId, type HistoryEvent, isSignOfLife, type NewHistoryEvent } from './history.ts';
import type { HistoryStore, RepeatCount } from './history-store.ts';

export interface HistoryRecorderOptions {
  readonly store: HistoryStore;
  readonly timers: {
    /** See Timers. */
    after(delayMs: number, call: () => void): () => void;
  };
  readonly warn: (text: string) => void;
}

/** Takes what was stored, in the order of the writes. */
export interface StoredListener {
  /** These events are stored now: each once, however often a write was repeated. */
  stored(events: readonly HistoryEvent[]): void;
  /** A write failed, and may have been made all the same: events may have an earlier position than the next write. */
  uncertain(): void;
  /** Updates that changed nothing, since the last call. */
  repeated(counts: readonly RepeatCount[]): void;
}

const FLUSH_MS = 1000;
/** Of a few events, while someone listens. Counters are written as often as ever. */
const QUICK_FLUSH_MS = 250;
/** Events of the last write: with more, the next one is not quicker than usual. */
const FEW_EVENTS = 20;
/** Events in one write. */
const BATCH = 1000;
const MAX_WAITING = 50_000;
const MAX_REPEATED = 100_000;
const MAX_RECEIPTS = 10_000;

/** Characters of a text; a store takes no longer ones, and events may wait in memory. */
const LONGEST_TEXT = 500;

interface Repeats {
  readonly ownerName: DomainName;
  repeats: number;
  lastSeenMs: number;
}

export class HistoryRecorder implements UpdateRecorder {
  readonly #options: HistoryRecorderOptions;
  /** Makes the ids of this process unique. One for each event would take as long as the rest of its work. */
  readonly #random = randomBytes(10);
  #events: HistoryEvent[] = [];
  #repeats = new Map<string, Repeats>();
  #receipts: Receipt[] = [];
  #sequence = 0;
  #lost = 0;
  /** Events that left the front of the list, written or lost. */
  #removed = 0;
  /** Events of the last write. */
  #lastWritten = 0;
  /** How long counters wait already when the next flush is planned. */
  #sinceCountersMs = 0;
  #cancel: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  /** Undefined while no one listens, which then costs nothing. */
  listener: StoredListener | undefined;

  constructor(options: HistoryRecorderOptions) {
    this.#options = options;
  }

  record(event: NewHistoryEvent): void {
    this.#sequence += 1;
    this.#events.push({ ...shortened(event), id: eventId(event.timeMs, this.#sequence, this.#random) });
    if (isSignOfLife(event)) this.#seen(event.ownerName, event.timeMs, 0);
    if (this.#events.length > MAX_WAITING) {
      const { length } = this.#events.splice(0, this.#events.length - MAX_WAITING / 2);
      this.#lost += length;
      this.#removed += length;
      // They may be stored by the write in flight.
      this.listener?.uncertain();
    }
    this.#flushLater();
  }

  repeat(ownerName: DomainName, timeMs: number): void {
    this.#seen(ownerName, timeMs, 1);
    this.#flushLater();
  }

  /** A secondary serves a serial. While the store is unreachable, the latest receipts are lost above a limit. */
  served(receipt: Receipt): void {
    if (this.#receipts.length < MAX_RECEIPTS) this.#receipts.push(receipt);
    this.#flushLater();
  }

  /** Writes everything now, for a caller that wants to read it. */
  async flush(): Promise<void> {
    await this.#flushing;
    await this.#flush();
    // A timer may have started another write that took some of it.
    await this.#flushing;
  }

  /** True while an update of this host is not in the store yet. */
  hasUnwritten(ownerName: DomainName): boolean {
    return this.#repeats.has(ownerName.key);
  }

  /** Writes everything, and stops the timer. */
  async close(): Promise<void> {
    this.#cancel?.();
    await this.#flushing;
    await this.#flush();
  }

  #seen(ownerName: DomainName, timeMs: number, repeats: number): void {
    const counted = this.#repeats.get(ownerName.key);
    if (counted !== undefined) {
      counted.repeats += repeats;
      counted.lastSeenMs = timeMs;
    } else if (this.#repeats.size < MAX_REPEATED) {
      this.#repeats.set(ownerName.key, { ownerName, repeats, lastSeenMs: timeMs });
    }
  }

  #flushLater(): void {
    if (this.#cancel !== undefined) return;
    const isQuick = this.listener !== undefined && this.#lastWritten <= FEW_EVENTS;
    const delayMs = isQuick ? QUICK_FLUSH_MS : FLUSH_MS;
    this.#sinceCountersMs += delayMs;
    const isFull = this.#sinceCountersMs >= FLUSH_MS;
    if (isFull) this.#sinceCountersMs = 0;
    this.#cancel = this.#options.timers.after(delayMs, () => {
      this.#flushing = this.#flush(isFull).finally(() => {
        this.#flushing = undefined;
        this.#cancel = undefined;
        if (this.#events.length > 0 || this.#repeats.size > 0 || this.#receipts.length > 0) this.#flushLater();
      });
    });
  }

  /** Never rejects: what could not be written is written next time. @param isFull counters and receipts, too */
  async #flush(isFull = true): Promise<void> {
    try {
      await this.#writeEvents();
      if (!isFull) return;
      await this.#writeRepeats();
      await this.#writeReceipts();
    } catch {
      // The store is unreachable; other calls report that.
      return;
    }
    if (this.#lost === 0) return;
    this.#options.warn(`${this.#lost} events of the history were lost: the store did not answer, or refused them.`);
    this.#lost = 0;
  }

  async #writeEvents(): Promise<void> {
    // What arrives meanwhile is in the next write: else a busy server would write all the time, a few events at once.
    this.#lastWritten = this.#events.length;
    const endOfAll = this.#removed + this.#events.length;
    while (this.#removed < endOfAll) {
      const batch = this.#events.slice(0, Math.min(BATCH, endOfAll - this.#removed));
      const end = this.#removed + batch.length;
      let isStored = true;
      try {
        await this.#options.store.append(batch);
      } catch (error) {
        if (isUnreachable(error)) {
          this.listener?.uncertain();
          throw error;
        }
        // The store refuses these events: retrying would block those behind them forever.
        this.#lost += batch.length;
        isStored = false;
      }
      // Some may have been dropped during the write, or removed by another one.
      const left = Math.max(0, end - this.#removed);
      const removed = this.#events.splice(0, left);
      this.#removed += left;
      if (isStored && left > 0) this.listener?.stored(removed);
    }
  }

  async #writeReceipts(): Promise<void> {
    const taken = this.#receipts;
    if (taken.length === 0) return;
    this.#receipts = [];
    try {
      await this.#options.store.appendReceipts(taken);
    } catch (error) {
      if (!isUnreachable(error)) return;
      this.#receipts = [...taken, ...this.#receipts].slice(0, MAX_RECEIPTS);
      throw error;
    }
  }

  async #writeRepeats(): Promise<void> {
    const taken = this.#repeats;
    if (taken.size === 0) return;
    this.#repeats = new Map();
    const counts: readonly RepeatCount[] = [...taken.values()].map((each) => ({ ...each }));
    try {
      await this.#options.store.countRepeats(counts);
      this.listener?.repeated(counts);
    } catch (error) {
      if (!isUnreachable(error)) return;
      for (const { ownerName, repeats, lastSeenMs } of counts) {
        const newer = this.#repeats.get(ownerName.key)?.lastSeenMs ?? 0;
        this.#seen(ownerName, Math.max(lastSeenMs, newer), repeats);
      }
      throw error;
    }
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store-unreachable';
}

/** A part of a string would hold the whole of it in memory, so that long texts are copied. */
function shortened(event: NewHistoryEvent): NewHistoryEvent {
  const { userAgent, detail } = event;
  if (userAgent.length <= LONGEST_TEXT && (detail === undefined || detail.length <= LONGEST_TEXT)) return event;
  const copy = (text: string) => Buffer.from(text.slice(0, LONGEST_TEXT)).toString();
  return { ...event, userAgent: copy(userAgent), ...(detail !== undefined && { detail: copy(detail) }) };
}

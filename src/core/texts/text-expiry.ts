/**
 * Removes expired TXT values, only those that were written here (text-records.ts). It runs in the same order per name as
 * live updates, and checks there whether a client has written the value again. A value that cannot be removed is retried.
 */

import { AppError } from '../errors.ts';
import { forEachInParallel } from '../parallel.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import { publishTexts } from '../updates/publish-texts.ts';
import { inTurn, type Turn, type Turns } from '../updates/turns.ts';
import type { UpdateQueue } from '../updates/update-queue.ts';
import type { ZoneTable } from '../zones/zone.ts';
import type { StoredText, TextStore } from './text-store.ts';

export interface TextKeeperOptions {
  readonly store: TextStore;
  /** That of live updates. */
  readonly queue: UpdateQueue;
  readonly zones: () => ZoneTable;
  /** Of one removal. */
  readonly timeoutMs: () => number;
  readonly warn: (text: string) => void;
  readonly timers: Timers;
  /** Undefined: no other server uses the store. */
  readonly turns?: Turns | undefined;
}

const POLL_MS = 60_000;
/** Until another process may take a value: longer than an attempt. */
const RETRY_MS = 300_000;
const BATCH = 256;
const PARALLEL = 16;
/** A value whose zone is no longer configured is forgotten after this time. */
const PATIENCE_MS = 7 * 86_400_000;

export class TextKeeper {
  readonly #options: TextKeeperOptions;
  readonly #polling: PeriodicTask;

  constructor(options: TextKeeperOptions) {
    this.#options = options;
    this.#polling = new PeriodicTask({ run: () => this.#poll(), pauseMs: () => POLL_MS, timers: options.timers });
  }

  /** Removes what has expired, and polls for more from now on. */
  start(): void {
    this.#polling.start();
  }

  /** Starts no more removals; resolves when those in flight have ended. */
  close(): Promise<void> {
    return this.#polling.close();
  }

  /** Never rejects: what fails is retried later. */
  async #poll(): Promise<void> {
    const { store, timers, warn } = this.#options;
    try {
      while (!this.#polling.isClosed) {
        const nowMs = timers.now();
        const due = await store.takeDue(nowMs, nowMs + RETRY_MS, BATCH);
        await this.#removeAll(due);
        if (due.length < BATCH) break;
      }
    } catch (error) {
      if (!(error instanceof AppError)) warn(`Expired TXT values could not be read: ${String(error)}`);
    }
  }

  async #removeAll(due: readonly StoredText[]): Promise<void> {
    const { queue, turns } = this.#options;
    const failures: string[] = [];
    await forEachInParallel(due, PARALLEL, async (stored) => {
      if (this.#polling.isClosed) return;
      try {
        const names = [stored.ownerName];
        // A value whose turn is taken comes again when its time in the store is over.
        await queue.runOwn(names, () => inTurn(turns, names, (turn) => this.#remove(stored, turn)));
      } catch (error) {
        const why = error instanceof AppError ? error.logText : String(error);
        failures.push(`of ${stored.ownerName}: ${why}`);
      }
    });
    if (failures.length === 0) return;
    this.#options.warn(`${failures.length} expired TXT values could not be removed yet, the first ${failures[0]}`);
  }

  /** @throws AppError */
  async #remove({ ownerName, text, addedMs, removeAtMs }: StoredText, turn: Turn | undefined): Promise<void> {
    const { store, zones, timers, timeoutMs, queue } = this.#options;
    const current = (await store.at(ownerName)).find((stored) => stored.text === text);
    // Otherwise a client has written or removed it since.
    if (current?.addedMs !== addedMs || current.removeAtMs !== removeAtMs) return;
    const zone = zones().find(ownerName);
    if (zone === undefined) {
      if (timers.now() - addedMs > PATIENCE_MS) await store.remove(ownerName, [text]);
      return;
    }
    const { clock } = queue;
    const publication = { zone, ownerName, edit: { kind: 'remove', text }, removeAfterSeconds: 0, clock } as const;
    try {
      await publishTexts(publication, turn?.deadlineMs ?? clock() + timeoutMs());
    } catch (error) {
      // A CNAME or a delegation hides the value: nothing is left to remove.
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    }
    await store.remove(ownerName, [text]);
  }
}

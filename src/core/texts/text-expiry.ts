/**
 * Removes TXT values when their time has come, those alone that were written here (text-records.ts). In the same order
 * per name as live updates; it looks there whether a client has written the value again meanwhile. A value that cannot
 * be removed is tried again.
 */

import { AppError } from '../errors.ts';
import { forEachInParallel } from '../parallel.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import { publishTexts } from '../updates/publish-texts.ts';
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
}

/** Between two looks at what is due. */
const LOOK_MS = 60_000;
/** Until a value that was taken is given out again: longer than an attempt may take. */
const RETRY_MS = 300_000;
const BATCH = 256;
const PARALLEL = 16;
/** A value that cannot be removed, because its zone is not configured any more, is forgotten so long after its time. */
const PATIENCE_MS = 7 * 86_400_000;

export class TextKeeper {
  readonly #options: TextKeeperOptions;
  readonly #looks: PeriodicTask;

  constructor(options: TextKeeperOptions) {
    this.#options = options;
    this.#looks = new PeriodicTask({ look: () => this.#look(), pauseMs: () => LOOK_MS, timers: options.timers });
  }

  /** Removes what came due before, and from now on looks for more. */
  start(): void {
    this.#looks.start();
  }

  /** Begins no more removals; resolves when those under way have ended. */
  close(): Promise<void> {
    return this.#looks.close();
  }

  /** Never rejects: what fails is given out again later. */
  async #look(): Promise<void> {
    const { store, timers, warn } = this.#options;
    try {
      while (!this.#looks.isClosed) {
        const nowMs = timers.now();
        const due = await store.takeDue(nowMs, nowMs + RETRY_MS, BATCH);
        await this.#removeAll(due);
        if (due.length < BATCH) break;
      }
    } catch (error) {
      if (!(error instanceof AppError)) warn(`Old TXT values could not be looked at: ${String(error)}`);
    }
  }

  async #removeAll(due: readonly StoredText[]): Promise<void> {
    const failures: string[] = [];
    await forEachInParallel(due, PARALLEL, async (stored) => {
      if (this.#looks.isClosed) return;
      try {
        await this.#options.queue.runOwn([stored.ownerName], () => this.#remove(stored));
      } catch (error) {
        const why = error instanceof AppError ? error.logText : String(error);
        failures.push(`of ${stored.ownerName}: ${why}`);
      }
    });
    if (failures.length === 0) return;
    this.#options.warn(`Old TXT values could not be removed yet (${failures.length}), the first ${failures[0]}`);
  }

  /** @throws AppError */
  async #remove({ ownerName, text, addedMs, removeAtMs }: StoredText): Promise<void> {
    const { store, zones, timers, timeoutMs, queue } = this.#options;
    const now = (await store.at(ownerName)).find((stored) => stored.text === text);
    // Otherwise a client has written or removed it since.
    if (now?.addedMs !== addedMs || now.removeAtMs !== removeAtMs) return;
    const zone = zones().find(ownerName);
    if (zone === undefined) {
      if (timers.now() - addedMs > PATIENCE_MS) await store.remove(ownerName, [text]);
      return;
    }
    const { clock } = queue;
    const publication = { zone, ownerName, edit: { kind: 'remove', text }, removeAfterSeconds: 0, clock } as const;
    try {
      await publishTexts(publication, clock() + timeoutMs());
    } catch (error) {
      // With a CNAME or a delegation in its place nobody sees the value any more.
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    }
    await store.remove(ownerName, [text]);
  }
}

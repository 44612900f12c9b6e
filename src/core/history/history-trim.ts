/**
 * Keeps the history below `history_max_events`: checks the number of events once a minute, and deletes in steps, so that
 * other work of the store goes on between them.
 */
import { errorText } from '../errors.ts';
import { PeriodicTask } from '../periodic-task.ts';
import type { Timers } from '../timers.ts';
import type { HistorySize, HistoryStore } from './history-store.ts';

export interface HistoryTrimOptions {
  readonly store: Pick<HistoryStore, 'trim'>;
  /** 0: unlimited. Read at each check. */
  readonly maxEvents: () => number;
  /** Called after each step; for counting. */
  readonly onStep: (size: HistorySize) => void;
  readonly warn: (text: string) => void;
  readonly timers: Pick<Timers, 'after'>;
}

const PAUSE_MS = 60_000;

export class HistoryTrim {
  readonly #options: HistoryTrimOptions;
  readonly #task: PeriodicTask;

  constructor(options: HistoryTrimOptions) {
    this.#options = options;
    this.#task = new PeriodicTask({ run: () => this.#run(), pauseMs: () => PAUSE_MS, timers: options.timers });
  }

  start(): void {
    this.#task.start();
  }

  close(): Promise<void> {
    return this.#task.close();
  }

  async #run(): Promise<void> {
    const { store, maxEvents, onStep, warn } = this.#options;
    try {
      for (let deleted = 1; deleted > 0 && !this.#task.isClosed; ) {
        const size = await store.trim(maxEvents() || Number.MAX_SAFE_INTEGER);
        onStep(size);
        deleted = size.deleted;
      }
    } catch (error) {
      warn(`The history could not be limited: ${errorText(error)}`);
    }
  }
}

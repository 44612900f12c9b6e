/** Runs a task, waits, and runs it again: the pause begins when the task has ended, so that runs never overlap. */
import type { Timers } from './timers.ts';

export interface PeriodicTaskOptions {
  /** Never rejects. */
  readonly run: () => Promise<void>;
  /** Until the next run; called after each. */
  readonly pauseMs: () => number;
  readonly timers: Pick<Timers, 'after'>;
}

export class PeriodicTask {
  readonly #options: PeriodicTaskOptions;
  #cancel: () => void = () => undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: PeriodicTaskOptions) {
    this.#options = options;
  }

  /** A run that is in flight when the task is closed has to check this itself. */
  get isClosed(): boolean {
    return this.#closed;
  }

  start(): void {
    this.#runAfter(0);
  }

  /** Starts no more runs; resolves when the one in flight has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running;
  }

  /** Restarts the pause with its current length. During a run it does nothing: the pause begins at its end. */
  restartPause(): void {
    if (this.#running !== undefined) return;
    this.#cancel();
    this.#runAfter(this.#options.pauseMs());
  }

  #runAfter(delayMs: number): void {
    if (this.#closed) return;
    const { run, pauseMs, timers } = this.#options;
    this.#cancel = timers.after(delayMs, () => {
      this.#running = run().finally(() => {
        this.#running = undefined;
        this.#runAfter(pauseMs());
      });
    });
  }
}

import type { Timers } from './timers.ts';
/** Something that is looked at again and again: the next look begins when the one before has ended and a pause is over. */

export interface PeriodicTaskOptions {
  /** Never rejects. */
  readonly look: () => Promise<void>;
  /** Until the next look; asked after each. */
  readonly pauseMs: () => number;
  readonly timers: Pick<Timers, 'after'>;
}

export class PeriodicTask {
  readonly #options: PeriodicTaskOptions;
  #cancel: () => void = () => undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: PeriodicTaskOptions) {
    this.#options = options;
  }

  /** A look that is under way when it is closed has to ask this itself. */
  get isClosed(): boolean {
    return this.#closed;
  }

  start(): void {
    this.#lookAfter(0);
  }

  /** Begins no more looks; resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#looking;
  }

  /** Begins the pause anew, unless a look is under way: its end asks for the pause. */
  pauseAnew(): void {
    if (this.#looking !== undefined) return;
    this.#cancel();
    this.#lookAfter(this.#options.pauseMs());
  }

  #lookAfter(delayMs: number): void {
    if (this.#closed) return;
    const { look, pauseMs, timers } = this.#options;
    this.#cancel = timers.after(delayMs, () => {
      this.#looking = look().finally(() => {
        this.#looking = undefined;
        this.#lookAfter(pauseMs());
      });
    });
  }
}

/**
 * The time by which stored data gets old. The system clock is believed only as far as this server has run: behind the last time
 * that the store saw, one hour of running lets at most RATE hours pass. A clock that is a year ahead at a start, or jumps while
 * the server runs, then deletes nothing at once; after a pause of more than a day, old data is deleted a little later.
 *
 * It is never ahead of the system clock, and follows that one back at once. Events are recorded by the system clock.
 */
import { PeriodicTask } from './periodic-task.ts';
import type { Clock, Timers } from './timers.ts';

export interface TimeStore {
  /** The time that was noted last, else that of the newest event; undefined if there is neither. */
  lastTime(): Promise<number | undefined>;
  noteTime(timeMs: number): Promise<void>;
}

export interface BelievedClockOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly warn: (text: string) => void;
}

/** A server that was down for a month has caught up after three days. */
const RATE = 10;
const NOTE_MS = 60_000;
const DAY_MS = 86_400_000;

export class BelievedClock {
  readonly #options: BelievedClockOptions;
  readonly #noting: PeriodicTask;
  #store: TimeStore | undefined;
  /** What was believed at `#atMs` of the monotonic clock. */
  #baseMs = Number.POSITIVE_INFINITY;
  #atMs = 0;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: BelievedClockOptions) {
    this.#options = options;
    const { timers } = options;
    this.#noting = new PeriodicTask({ run: () => this.#note(), pauseMs: () => NOTE_MS, timers });
  }

  /**
   * Reads what the store saw last, and notes the time there from now on. Until then the system clock is believed: call it
   * before anything of the store is judged by its age.
   * @throws AppError store-unreachable
   */
  async start(store: TimeStore): Promise<void> {
    const { clock, timers } = this.#options;
    const lastMs = (await store.lastTime()) ?? Number.POSITIVE_INFINITY;
    const nowMs = timers.now();
    // A server that was stopped for less than a day goes on as if it had run.
    this.#baseMs = nowMs - lastMs < DAY_MS ? nowMs : lastMs;
    this.#atMs = clock();
    this.#store = store;
    this.#noting.start();
  }

  close(): Promise<void> {
    return this.#noting.close();
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => {
    const { clock, timers } = this.#options;
    return Math.min(timers.now(), this.#baseMs + RATE * (clock() - this.#atMs));
  };

  /** Never rejects: without a note the next start believes less. */
  async #note(): Promise<void> {
    const { clock } = this.#options;
    const believedMs = this.now();
    this.#baseMs = believedMs;
    this.#atMs = clock();
    this.#warnOfJump(believedMs);
    await this.#store?.noteTime(believedMs).catch(() => undefined);
  }

  /** Once a day. */
  #warnOfJump(believedMs: number): void {
    const { clock, timers, warn } = this.#options;
    const nowMs = timers.now();
    if (nowMs - believedMs < DAY_MS || clock() - this.#warnedAtMs < DAY_MS) return;
    this.#warnedAtMs = clock();
    const days = Math.round((nowMs - believedMs) / DAY_MS);
    warn(
      `The system clock is ${days} days ahead of the last time that the store saw (${new Date(believedMs).toISOString()}): ` +
        'the server was stopped for so long, or the clock is wrong. Check the clock. Until the server has run for a tenth of ' +
        'this time, old history is deleted more slowly.',
    );
  }
}

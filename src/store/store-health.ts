/**
 * Knows whether a shared store answers. A failure is reported once, and again when its reason changes; while it lasts, the
 * store is tried with growing pauses, so that its return is noticed without a request.
 */
import type { StoreProblem } from '../core/store.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export interface StoreHealthOptions {
  /** Uses the store, which calls `failed` or `works`. */
  readonly attempt: () => Promise<unknown>;
  /** @param problem undefined: it answers again */
  readonly onChange: (problem: StoreProblem | undefined) => void;
}

export class StoreHealth {
  readonly #options: StoreHealthOptions;
  #problem: StoreProblem | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #isTrying = false;
  #isClosed = false;

  constructor(options: StoreHealthOptions) {
    this.#options = options;
  }

  get problem(): StoreProblem | undefined {
    return this.#problem;
  }

  failed(problem: StoreProblem): void {
    if (this.#isClosed) return;
    const isNew = problem.text !== this.#problem?.text;
    this.#problem = problem;
    if (isNew) this.#options.onChange(problem);
    this.#tryLater();
  }

  works(): void {
    if (this.#problem === undefined || this.#isClosed) return;
    this.#problem = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#options.onChange(undefined);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #tryLater(): void {
    if (this.#timer !== undefined || this.#isTrying) return;
    this.#timer = setTimeout(() => void this.#try(), this.#pauseMs).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  async #try(): Promise<void> {
    this.#timer = undefined;
    this.#isTrying = true;
    await this.#options.attempt().catch(() => undefined);
    this.#isTrying = false;
    if (this.#problem !== undefined && !this.#isClosed) this.#tryLater();
  }
}

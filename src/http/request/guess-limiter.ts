/**
 * Throttles the guessing of credentials: the first ten wrong ones a minute of one source are answered at once, each later
 * one after a second. A right credential is never delayed.
 */
import { sourceKey } from '../../core/access/rate-limits.ts';
import { setBounded } from '../../core/bounded-map.ts';
import type { IpAddress } from '../../dns/address.ts';

const FREE_PER_MINUTE = 10;
const DELAY_MS = 1000;
const MAX_WAITING = 64;
const MAX_SOURCES = 10_000;
const MINUTE_MS = 60_000;

interface Window {
  startMs: number;
  wrong: number;
}

export class GuessLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #nowMs: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  #waiting = 0;

  /** @param nowMs monotonic @param wait resolves after `ms` */
  constructor(nowMs: () => number = () => performance.now(), wait: (ms: number) => Promise<void> = sleep) {
    this.#nowMs = nowMs;
    this.#wait = wait;
  }

  /**
   * Call for each wrong credential and answer when it resolves.
   * @returns `overloaded` where too many wait already: answer 503 at once
   */
  async wrong(source: IpAddress | undefined): Promise<'answer' | 'overloaded'> {
    const window = this.#windowOf(sourceKey(source));
    window.wrong += 1;
    if (window.wrong <= FREE_PER_MINUTE) return 'answer';
    if (this.#waiting >= MAX_WAITING) return 'overloaded';
    this.#waiting += 1;
    try {
      await this.#wait(DELAY_MS);
    } finally {
      this.#waiting -= 1;
    }
    return 'answer';
  }

  #windowOf(key: string): Window {
    const now = this.#nowMs();
    const current = this.#windows.get(key);
    if (current !== undefined && now < current.startMs + MINUTE_MS) return current;
    const window = { startMs: now, wrong: 0 };
    setBounded(this.#windows, key, window, MAX_SOURCES);
    return window;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/**
 * Requests that wait until the secondaries of a zone serve a serial. Bounded in number and time; ended at once when the server
 * stops.
 */
import type { Timers } from '../../core/timers.ts';
import type { ServedCount } from '../../core/zones/secondaries.ts';

interface Waiter {
  readonly apexKey: string;
  readonly count: () => ServedCount;
  readonly end: () => void;
}

const MAX_WAITING = 1000;

export class ServedWaits {
  readonly #timers: Pick<Timers, 'after'>;
  readonly #waiting = new Set<Waiter>();
  #isStopped = false;

  constructor(timers: Pick<Timers, 'after'>) {
    this.#timers = timers;
  }

  /**
   * Resolves when all secondaries serve it, after `timeoutMs`, or at once where too many wait.
   * @param count how many serve it now
   */
  wait(apexKey: string, count: () => ServedCount, timeoutMs: number): Promise<ServedCount> {
    if (this.#isStopped || this.#waiting.size >= MAX_WAITING || timeoutMs <= 0 || isComplete(count())) {
      return Promise.resolve(count());
    }
    return new Promise((resolve) => {
      const end = () => {
        this.#waiting.delete(waiter);
        cancel();
        resolve(count());
      };
      const waiter: Waiter = { apexKey, count, end };
      const cancel = this.#timers.after(timeoutMs, end);
      this.#waiting.add(waiter);
    });
  }

  /** A secondary of the zone has named a serial, or the zone has other secondaries. */
  check(apexKey: string): void {
    for (const waiter of this.#waiting) {
      if (waiter.apexKey === apexKey && isComplete(waiter.count())) waiter.end();
    }
  }

  /** Ends all waits, and those that come later. */
  stop(): void {
    this.#isStopped = true;
    for (const { end } of this.#waiting) end();
  }
}

function isComplete({ served, listed }: ServedCount): boolean {
  return served >= listed;
}

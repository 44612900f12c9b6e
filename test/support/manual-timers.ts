/** A clock that stands still until a test moves it, and timers that fire when it has. */
import type { Timers } from '../../src/core/timers.ts';

export class ManualTimers implements Timers {
  nowMs: number;
  readonly #waiting = new Map<object, { readonly dueMs: number; readonly call: () => void }>();

  constructor(nowMs = 1_000_000) {
    this.nowMs = nowMs;
  }

  /** Also as a clock: it may be passed on without the object. */
  readonly now = (): number => this.nowMs;

  readonly after = (delayMs: number, call: () => void): (() => void) => {
    const id = {};
    this.#waiting.set(id, { dueMs: this.nowMs + delayMs, call });
    return () => void this.#waiting.delete(id);
  };

  /** Lets time pass from one timer to the next; what a timer starts has ended before time goes on. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await turns();
    for (;;) {
      const [next] = [...this.#waiting].sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (next === undefined || next[1].dueMs > endMs) break;
      this.#waiting.delete(next[0]);
      this.nowMs = Math.max(this.nowMs, next[1].dueMs);
      next[1].call();
      await turns();
    }
    this.nowMs = endMs;
  }
}

/** Lets the event loop turn: what was started and needs no timer ends meanwhile. */
export async function turns(count = 60): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

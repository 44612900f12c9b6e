/** Puts tasks of one owner name in the order in which they came; different names run side by side. */
import type { DomainName } from '../dns/name.ts';

export class NameOrder {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when all earlier ones of the same name have ended, however they ended. */
  run<T>(ownerName: DomainName, task: () => Promise<T>): Promise<T> {
    const { key } = ownerName;
    const previous = this.#tails.get(key);
    const current = previous === undefined ? task() : previous.then(task, task);
    const forget = () => {
      if (this.#tails.get(key) === current) this.#tails.delete(key);
    };
    this.#tails.set(key, current);
    current.then(forget, forget);
    return current;
  }
}

/** Puts tasks of one owner name in the order in which they came; different names run side by side. */
import type { DomainName } from '../../dns/name.ts';

export class NameOrder {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs the task when all earlier ones of the same name have ended, however they ended. */
  run<T>(ownerName: DomainName, task: () => Promise<T>): Promise<T> {
    const { key } = ownerName;
    const previous = this.#tails.get(key);
    return this.#append([key], previous === undefined ? task() : previous.then(task, task));
  }

  /** The same for several names, of which all earlier ones must have ended. They all join at once: nobody waits in a circle. */
  runAll<T>(ownerNames: readonly DomainName[], task: () => Promise<T>): Promise<T> {
    const keys = ownerNames.map(({ key }) => key);
    const previous = keys.flatMap((key) => this.#tails.get(key) ?? []);
    return this.#append(keys, previous.length === 0 ? task() : Promise.allSettled(previous).then(task));
  }

  #append<T>(keys: readonly string[], current: Promise<T>): Promise<T> {
    const forget = () => {
      for (const key of keys) if (this.#tails.get(key) === current) this.#tails.delete(key);
    };
    for (const key of keys) this.#tails.set(key, current);
    current.then(forget, forget);
    return current;
  }
}

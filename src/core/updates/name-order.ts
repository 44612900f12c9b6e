/** Runs tasks of one owner name one after another, in the order of their arrival; different names run in parallel. */
import type { DomainName } from '../../dns/name.ts';

export class NameOrder {
  readonly #tails = new Map<string, Promise<unknown>>();

  /**
   * Runs the task when all earlier ones of the same name have ended, whether they succeeded or failed.
   * @param task must not throw synchronously
   * @param ended called when the task has ended, before its result is reported
   */
  run<T>(ownerName: DomainName, task: () => Promise<T>, ended?: () => void): Promise<T> {
    const { key } = ownerName;
    const previous = this.#tails.get(key);
    return this.#append([key], previous === undefined ? task() : previous.then(task, task), ended);
  }

  /** The same for several names, of which all earlier tasks must have ended. It joins all queues at once: no deadlock. */
  runAll<T>(ownerNames: readonly DomainName[], task: () => Promise<T>, ended?: () => void): Promise<T> {
    const keys = ownerNames.map(({ key }) => key);
    const previous = keys.flatMap((key) => this.#tails.get(key) ?? []);
    return this.#append(keys, previous.length === 0 ? task() : Promise.allSettled(previous).then(task), ended);
  }

  #append<T>(keys: readonly string[], current: Promise<T>, ended: (() => void) | undefined): Promise<T> {
    const leave = () => {
      ended?.();
      for (const key of keys) if (this.#tails.get(key) === current) this.#tails.delete(key);
    };
    for (const key of keys) this.#tails.set(key, current);
    current.then(leave, leave);
    return current;
  }
}

/**
 * The one queue of everything that publishes: addresses, TXT values, retries of pending updates, expiry. Tasks of one name
 * run in the order of their arrival. A request gets a deadline on arrival, and is refused while too many wait.
 */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../timers.ts';
import { NameOrder } from './name-order.ts';

export interface UpdateLimits {
  /** For reading, publishing and reading back of one request, in ms. */
  readonly timeoutMs: number;
  /** Requests that may be in flight or wait at the same time. */
  readonly maxWaiting: number;
}

export class UpdateQueue {
  /** The clock of all deadlines. */
  readonly clock: Clock;
  readonly #limits: () => UpdateLimits;
  readonly #order = new NameOrder();
  #waiting = 0;

  /** @param limits read at each request, so that a reload takes effect at once */
  constructor(limits: () => UpdateLimits, clock: Clock) {
    this.#limits = limits;
    this.clock = clock;
  }

  /** Requests in flight. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs a task of a request in the order of its names. The task gets the deadline of the request.
   * @throws AppError rate-limited, synchronously; what the task throws rejects the promise
   */
  run<T>(names: readonly DomainName[], task: (deadlineMs: number) => Promise<T>): Promise<T> {
    const { timeoutMs, maxWaiting } = this.#limits();
    if (this.#waiting >= maxWaiting) {
      throw new AppError('rate-limited', 'The server is busy: too many requests wait for the primary.', {
        retryAfterSeconds: Math.ceil(timeoutMs / 1000),
      });
    }
    const deadlineMs = this.clock() + timeoutMs;
    this.#waiting += 1;
    const run = () => task(deadlineMs);
    return names.length === 1
      ? this.#order.run(names[0]!, run, this.#leave)
      : this.#order.runAll(names, run, this.#leave);
  }

  /** Runs a task of the server itself in the same order. It is not counted, and sets its own deadline when it starts. */
  runOwn<T>(names: readonly DomainName[], task: () => Promise<T>): Promise<T> {
    return this.#order.runAll(names, task);
  }

  readonly #leave = (): void => {
    this.#waiting -= 1;
  };
}

/**
 * A value that must not be printed: logs, error texts, JSON and util.inspect show `[secret]`.
 * Left out: wiping memory. JavaScript gives no means to do so reliably.
 */

/** What stands where a secret would stand. */
export const SECRET_MASK = '[secret]';

export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, and nowhere else. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return SECRET_MASK;
  }

  toJSON(): string {
    return SECRET_MASK;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SECRET_MASK;
  }
}

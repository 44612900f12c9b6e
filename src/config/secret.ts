/**
 * A value that must not be printed: logs, error texts, JSON and util.inspect show `[secret]`.
 * Left out: wiping memory, which JavaScript cannot do reliably.
 */

/** The text in place of a secret. */
export const SECRET_MASK = '[secret]';

export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call this only where the value is used. */
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

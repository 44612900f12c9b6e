/**
 * A value that must not be printed: logs, error texts, JSON and util.inspect show `[secret]`.
 * Left out: wiping memory, which JavaScript cannot do reliably.
 */

/** The text in place of a secret. */
export const SECRET_MASK = '[secret]';

/** The value of a secret is needed, and its file could not be read. */
export class UnreadSecretError extends Error {
  override readonly name = 'UnreadSecretError';
}

export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T | undefined;
  /** Why the value could not be read, a sentence that names the file; undefined for a secret that has its value. */
  readonly unread: string | undefined;

  constructor(value: T | undefined, unread?: string) {
    this.#value = value;
    this.unread = unread;
  }

  /** The value itself. Call this only where the value is used. @throws UnreadSecretError */
  reveal(): T {
    if (this.#value === undefined) throw new UnreadSecretError(this.unread);
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

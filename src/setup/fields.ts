/** Reads the fields of a step's JSON, and collects every error with its place. */
import { AppError, type FieldError, InputError } from '../core/errors.ts';
import { AnswerError } from './plan/answers.ts';

const MAX_CHARACTERS = 4096;

export class Fields {
  readonly #body: Readonly<Record<string, unknown>>;
  readonly #errors: FieldError[] = [];

  /** @param names of the fields that may be there */
  constructor(body: Readonly<Record<string, unknown>>, names: readonly string[]) {
    this.#body = body;
    for (const name of Object.keys(body)) {
      if (!names.includes(name)) this.#add(name, 'There is no such field.');
    }
  }

  /** The text of a field without surrounding spaces; empty if it is absent. */
  text(name: string): string {
    const value = Object.hasOwn(this.#body, name) ? this.#body[name] : undefined;
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') this.#add(name, 'It must be a text.');
    else if (value.length > MAX_CHARACTERS) this.#add(name, `It has more than ${MAX_CHARACTERS} characters.`);
    else return value.trim();
    return '';
  }

  /** The text of a field as it is: for passwords. */
  exactText(name: string): string {
    const value = Object.hasOwn(this.#body, name) ? this.#body[name] : undefined;
    if (typeof value === 'string' && value.length <= MAX_CHARACTERS) return value;
    this.#add(name, 'It must be a text.');
    return '';
  }

  /** Reads a field that may be left out. @returns undefined if it is, or if it has an error */
  optional<T>(name: string, read: (text: string) => T): T | undefined {
    const text = this.text(name);
    return text === '' ? undefined : this.read(name, () => read(text));
  }

  /** @returns undefined after an error, which `check` reports */
  read<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof AnswerError)) throw error;
      this.#add(name, `${error.message[0]!.toUpperCase()}${error.message.slice(1)}`);
      return undefined;
    }
  }

  /** @throws InputError with all errors */
  check(): void {
    if (this.#errors.length > 0) throw new InputError(this.#errors);
  }

  #add(name: string, detail: string): void {
    this.#errors.push({ pointer: `/${name}`, detail });
  }
}

/** A step before this one has no answer yet. */
export function missingStep(step: string): AppError {
  return new AppError('conflict', `The step '${step}' has no answer yet.`);
}

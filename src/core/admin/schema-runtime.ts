/** What the generated validators (validators.ts) need: their types, and a function in place of one of Ajv. */

export interface ValidationError {
  /** JSON Pointer (RFC 6901); names of fields need no escapes. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Validator {
  (value: unknown): boolean;
  errors?: readonly ValidationError[] | null;
}

/** The number of characters: a pair of surrogates is one (JSON Schema, validation §6.3.1). */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

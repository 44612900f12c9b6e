/**
 * What a kind of value is: it parses a text (YAML scalars and environment variables are both texts), says in words what
 * is allowed, and formats a value as YAML. The kinds themselves are in the other files of this folder, one a topic.
 * Left out: rules that need a second option or a file; those are in ../resolve.
 */

export interface ScalarKind<T> {
  readonly form: 'scalar';
  /** The YAML type that the scalar must have: an unquoted 0123 would lose its zero where a text is expected. */
  readonly reads: 'text' | 'number' | 'boolean';
  /** Completes the sentence "must be …". */
  readonly allowed: string;
  /** True: errors never quote the text, and `{file: PATH}` is accepted in its place. */
  readonly secret: boolean;
  /** Whether this value must not be readable by others. Without it: every value of a `secret` kind. */
  isConfidential?(value: T): boolean;
  /** Stands for the value of a file that could not be read. Without it the option has no value then. */
  unread?(problem: string): T;
  /**
   * The value, or undefined for "must be `allowed`".
   * @throws ValueError or NameError with a text of its own that may be shown
   */
  parse(text: string): T | undefined;
  /** The value as a YAML scalar, or as a map in one line. */
  format(value: T): string;
  /** In a list: the entry may be a map with these keys, which becomes a text that `parse` reads. */
  readonly map?: EntryMap;
}

export interface EntryMap {
  readonly keys: Readonly<Record<string, ScalarKind<unknown>>>;
  /** A key that must be there. */
  readonly required: string;
  /** @param texts of the keys that are there, each valid */
  toText(texts: Readonly<Record<string, string>>): string;
}

export interface ListKind<T> {
  readonly form: 'list';
  readonly item: ScalarKind<T>;
  readonly atLeast: 0 | 1;
  readonly allowed: string;
}

/** A list, or one word in place of it. */
export interface WordOrListKind<W, T> {
  readonly form: 'word or list';
  /** Its `allowed` describes the list too. */
  readonly word: ScalarKind<W>;
  readonly list: ListKind<T>;
  readonly allowed: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds kinds of every type; ValueOf gives the type back
export type PlainKind = ScalarKind<any> | ListKind<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyKind = PlainKind | WordOrListKind<any, any>;
export type ValueOf<K> =
  K extends WordOrListKind<infer W, infer T>
    ? W | readonly T[]
    : K extends ListKind<infer T>
      ? readonly T[]
      : K extends ScalarKind<infer T>
        ? T
        : never;

/** The kind that applies to a list, or to a single value. */
export function plainKind(kind: AnyKind, isList: boolean): PlainKind {
  if (kind.form !== 'word or list') return kind;
  return isList ? kind.list : kind.word;
}

export function isSecretKind(kind: AnyKind): boolean {
  return kind.form === 'scalar' && kind.secret;
}

/** Thrown by `parse` where "must be `allowed`" is not enough. Must not contain a secret. */
export class ValueError extends Error {}

/** A text as a YAML scalar, quoted where YAML would read it as something else. */
export function formatYamlText(text: string): string {
  if (/\p{Cc}/u.test(text)) return JSON.stringify(text);
  const plain = /^[A-Za-z/][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  if (plain || /^\d+(\.\d+){3}$/.test(text)) return text;
  return `'${text.replaceAll("'", "''")}'`;
}

export function scalar<T>(
  allowed: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = (value) => formatYamlText(String(value)),
): ScalarKind<T> {
  return { form: 'scalar', reads: 'text', allowed, secret: false, parse, format };
}

export function listOf<T>(item: ScalarKind<T>, atLeast: 0 | 1 = 0): ListKind<T> {
  const allowed = `a list${atLeast === 1 ? ' with at least one entry' : ''}, each entry ${item.allowed}`;
  return { form: 'list', item, atLeast, allowed };
}

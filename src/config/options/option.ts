/**
 * What a row of the table of options says. A file of rows begins with `optionsFor<Root>()`, where Root is the type that
 * the options below one map or list of the file become: a row whose default or place does not fit does not compile.
 */
import type { AnyKind, ValueOf } from '../kinds/kind.ts';

export interface OptionText<T, Place extends string = string> {
  /**
   * The path of the value in the object that its scope becomes: `http.socketMode` in Config, `ttl.min` in ZoneConfig.
   * The value is copied there. Without it a function of ../resolve decides what the value does.
   */
  readonly place?: Place;
  /** The value of an option that is not set. */
  readonly default?: T;
  /** The option at the top of the file that applies where a zone does not set this one. */
  readonly inherits?: string;
  /** What happens without the option, where that is not one value. */
  readonly otherwise?: string;
  /** The option must be set in each entry of its list. Completes "is required: …". */
  readonly required?: string;
  /** Below `zones`: only for zones with this kind of primary. Elsewhere: only if there is such a zone. */
  readonly only?: 'remote' | 'embedded';
  readonly unit?: string;
  /** One to four sentences; Markdown with code spans only. */
  readonly summary: string;
  /** A YAML value for the example file. All examples without `instead` together are a valid file. */
  readonly example: string;
  /** Excludes options before it: in the example file it stays a comment. */
  readonly instead?: true;
}

export interface Option<K extends AnyKind = AnyKind> extends OptionText<ValueOf<K>> {
  readonly kind: K;
}

/** Dotted paths of at most three steps in Root, to a property that takes a T. */
type PlaceIn<Root, T, Steps extends readonly unknown[] = [1, 1, 1]> = Steps extends readonly [unknown, ...infer Rest]
  ? Root extends object
    ? { [K in keyof Root & string]-?: PlaceAt<K, NonNullable<Root[K]>, T, Rest> }[keyof Root & string]
    : never
  : never;

type PlaceAt<K extends string, Value, T, Steps extends readonly unknown[]> =
  | (T extends Value ? K : never)
  | (Value extends readonly unknown[] | ((...args: never) => unknown) ? never : `${K}.${PlaceIn<Value, T, Steps>}`);

/** Keys that a row does not have are errors, although T is inferred. */
type NoOtherKeys<T> = { readonly [K in Exclude<keyof T, keyof OptionText<unknown>>]: never };

type MakeOption<Root> = <K extends AnyKind, const T extends OptionText<ValueOf<K>, PlaceIn<Root, ValueOf<K>>>>(
  kind: K,
  text: T & NoOtherKeys<T>,
) => T & { readonly kind: K };

/** The function that makes the rows of one scope: of the file (Config), a zone (ZoneConfig), a token (TokenConfig) … */
export function optionsFor<Root>(): MakeOption<Root> {
  return (kind, text) => ({ ...text, kind });
}

/**
 * The subset of JSON Schema (draft 2020-12) that describes inputs and results of operations, with the TypeScript types
 * that follow from a schema and its rule in words. Patterns here must not backtrack: one character class, one repeat.
 */

export interface Schema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object';
  readonly enum?: readonly (string | boolean | null)[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** Completes "must be …". For an object also its name in the documentation. */
  readonly title?: string;
  readonly description?: string;
  /** Marks the form in which scripts send a number or a boolean as a text; `readInput` converts it. */
  readonly $comment?: 'text form';
}

export interface ObjectSchema extends Schema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
}

type TextForm = { readonly $comment: 'text form' };

/** The type of values that match the schema, without alternatives of type `Without`. */
export type ValueOf<S, Without = never> = S extends Without
  ? never
  : S extends { readonly anyOf: readonly (infer Alternative)[] }
    ? ValueOf<Alternative, Without>
    : S extends { readonly enum: readonly (infer Value)[] }
      ? Value
      : S extends { readonly properties: infer P; readonly required: readonly (infer R)[] }
        ? { readonly [K in keyof P & R]: ValueOf<P[K], Without> } & {
            readonly [K in Exclude<keyof P, R>]?: ValueOf<P[K], Without>;
          }
        : S extends { readonly type: 'array'; readonly items: infer Item }
          ? readonly ValueOf<Item, Without>[]
          : S extends { readonly type: infer Type }
            ? Type extends keyof Scalars
              ? Scalars[Type]
              : never
            : never;

/** The type after `readInput`: numbers and booleans only in their own form. */
export type NormalValueOf<S> = ValueOf<S, TextForm>;

interface Scalars {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  null: null;
}

export function object<
  const Required extends Readonly<Record<string, Schema>>,
  const Optional extends Readonly<Record<string, Schema>> = Record<never, never>,
>(required: Required, optional?: Optional) {
  return {
    type: 'object',
    properties: { ...required, ...optional } as Required & Optional,
    required: Object.keys(required) as (keyof Required & string)[],
  } as const;
}

export function list<const Item extends Schema>(items: Item, maxItems: number) {
  return { type: 'array', items, maxItems } as const;
}

/** @param title completes "must be …" */
export function text(maxLength: number, title?: string) {
  return { type: 'string', maxLength, ...(title !== undefined && { title }) } as const;
}

/** Also as decimal digits in a text. */
export function integer(minimum: number, maximum: number) {
  const textForm = { type: 'string', pattern: '^-?[0-9]{1,15}$', $comment: 'text form' } as const;
  return { anyOf: [{ type: 'integer', minimum, maximum }, textForm] } as const;
}

/** Limits and cursors of lists: a page has at most MAX_PAGE objects, and `next` is the cursor of the one behind it. */
export const MAX_PAGE = 500;

export const PAGE = {
  limit: described(integer(1, MAX_PAGE), 'The most that one reply lists. Without it: 500.'),
  cursor: described(text(2048, 'the `next` of a reply'), 'Begins behind an earlier page: its `next`.'),
};

export const NEXT = {
  next: described(
    { type: 'string' } as const,
    'The `cursor` of the next page; absent on the last one. It has no other meaning.',
  ),
};

/** Also as a text or a digit, as in a query. */
export const YES_NO = {
  anyOf: [{ type: 'boolean' }, { enum: ['true', 'false', '1', '0'], $comment: 'text form' }],
} as const;

/** The same value, or null. */
export function nullable<const S extends { readonly anyOf: readonly Schema[] } | Schema>(schema: S) {
  const { description, ...rule } = schema as Schema;
  const alternatives = rule.anyOf ?? [rule];
  return {
    anyOf: [...alternatives, { type: 'null' }],
    ...(description !== undefined && { description }),
  } as unknown as {
    readonly anyOf: readonly [S, { readonly type: 'null' }];
  };
}

/** The same schema with a sentence for the documentation. */
export function described<const S extends Schema>(schema: S, description: string) {
  return { ...schema, description };
}

/** The rule of a schema; completes "must be …". */
export function ruleOf(schema: Schema): string {
  const { title, type, minimum, maximum, maxLength, items, maxItems } = schema;
  if (title !== undefined) return title;
  if (schema.enum !== undefined) return choice(schema.enum.map(String));
  if (schema.anyOf !== undefined) {
    return choice(schema.anyOf.filter(({ $comment }) => $comment === undefined).map(ruleOf));
  }
  switch (type) {
    case 'integer':
      return minimum === undefined ? 'an integer' : `an integer from ${minimum} to ${maximum}`;
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array': {
      const limit = maxItems === undefined ? '' : ` of at most ${maxItems} entries`;
      return `a list${limit}, each ${ruleOf(items ?? {})}`;
    }
    case 'object':
      return 'an object';
    default:
      return maxLength === undefined ? 'a string' : `a string of at most ${maxLength} characters`;
  }
}

function choice(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/**
 * Checks the input of an operation against its schema and brings it into one form: numbers and booleans that were sent as
 * texts are converted, aliases of fields are resolved, and fields that only results have are dropped. Scripts send all of
 * these. Any other field is an error: a restriction that is misspelt must not be ignored.
 */
import { InputError } from '../errors.ts';
import { type NormalInput, OPERATIONS, type OperationName } from './operations.ts';
import { type ObjectSchema, ruleOf, type Schema } from './schema.ts';
import type { ValidationError } from './schema-runtime.ts';
import { VALIDATORS } from './validators.ts';

/** @throws InputError that names the field and its rule */
export function readInput<Name extends OperationName>(name: Name, input: object): NormalInput<Name> {
  const { input: schema, aliases = {}, shown } = OPERATIONS[name];
  for (const field of Object.keys(input)) {
    if (Object.hasOwn(schema.properties, field) || Object.hasOwn(aliases, field)) continue;
    if (shown === undefined || !Object.hasOwn(shown.properties, field)) throw unknownField(schema, field, '');
  }
  const renamed: Record<string, unknown> = { ...input };
  for (const [alias, field] of Object.entries(aliases)) {
    if (Object.hasOwn(renamed, alias) && !Object.hasOwn(renamed, field)) renamed[field] = renamed[alias];
  }
  const value = normalise(schema, renamed, '');
  const validate = VALIDATORS[name];
  if (validate(value)) return value as NormalInput<Name>;
  // The last error is about the outermost value that failed.
  throw describeFailure(schema, validate.errors?.at(-1));
}

/** @param path of the object in the input */
function normalise(schema: Schema, value: unknown, path: string): unknown {
  const textForm = schema.anyOf?.find(({ $comment }) => $comment === 'text form');
  if (textForm !== undefined && typeof value === 'string') return convert(textForm, value);
  if (schema.items !== undefined && Array.isArray(value)) {
    const { items } = schema;
    return value.map((item, index) => normalise(items, item, `${path}[${index}]`));
  }
  if (schema.properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return value;
  // Those of the input itself are checked above.
  const unknown =
    path === '' ? undefined : Object.keys(value).find((field) => !Object.hasOwn(schema.properties!, field));
  if (unknown !== undefined) throw unknownField(schema, unknown, `${path}.`);
  const fields: Record<string, unknown> = {};
  for (const [field, fieldSchema] of Object.entries(schema.properties)) {
    const fieldValue: unknown = Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined;
    if (fieldValue !== undefined)
      fields[field] = normalise(fieldSchema, fieldValue, path === '' ? field : `${path}.${field}`);
  }
  return fields;
}

/** @param path in front of the field */
function unknownField({ properties = {} }: Schema, field: string, path: string): InputError {
  const known = Object.keys(properties).join(', ') || 'none';
  const name = `${path}${field.slice(0, 100)}`;
  return new InputError([
    { pointer: pointerOf(name), detail: `There is no field '${name}'; the fields are: ${known}.` },
  ]);
}

/** What does not have the text form stays, and then fails. */
function convert(textForm: Schema, value: string): unknown {
  if (textForm.enum !== undefined) return textForm.enum.includes(value) ? value === 'true' || value === '1' : value;
  return new RegExp(textForm.pattern ?? '', 'u').test(value) ? Number(value) : value;
}

function describeFailure(input: ObjectSchema, error: ValidationError | undefined): InputError {
  const path = error?.instancePath.split('/').slice(1) ?? [];
  const missing = error?.keyword === 'required' ? [String(error.params['missingProperty'])] : [];
  const places = [...path, ...missing];
  const field = places.reduce((name, part) => {
    if (/^\d+$/.test(part)) return `${name}[${part}]`;
    return name === '' ? part : `${name}.${part}`;
  }, '');
  const pointer = places.map((part) => `/${part}`).join('');
  if (missing.length > 0) return new InputError([{ pointer, detail: `'${field}' is missing.` }]);
  let schema: Schema = input;
  for (const part of path) schema = schema.properties?.[part] ?? schema.items ?? schema;
  return new InputError([{ pointer, detail: `'${field}' must be ${ruleOf(schema)}.` }]);
}

/** `members[0].name` as `/members/0/name`. */
export function pointerOf(field: string): string {
  if (field === '') return '';
  const parts = field.replaceAll('[', '.').replaceAll(']', '').split('.');
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

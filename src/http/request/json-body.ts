/**
 * JSON bodies: an object whose names are read in any case, as Go's encoding/json reads them, because clients written in Go
 * send the names of their structures (`SubDomain`). `null` is an empty object. A name that is there twice, in whatever
 * spelling, is refused: two programs could read two different requests.
 */
import { AppError } from '../../core/errors.ts';
import { stringEnd } from './strict-json.ts';

/** By the name in lower case. */
export type JsonFields = Readonly<Record<string, unknown>>;

/** What a text is, as far as it can be read. */
export interface ParsedJson {
  /** Undefined: not an object. */
  readonly fields: JsonFields | undefined;
  /** Why it cannot be used; undefined: it can. */
  readonly problem: AppError | undefined;
}

/** Is the body JSON, whatever its Content-Type says? curl and acme.sh send JSON as a form. */
export function looksLikeJson(text: string): boolean {
  return text.charCodeAt(skipBlanks(text, 0)) === OPEN_OBJECT;
}

export function isBlank(text: string): boolean {
  return skipBlanks(text, 0) === text.length;
}

/** Position of the first character at or after `at` that is not white space (RFC 8259 §2). */
function skipBlanks(text: string, at: number): number {
  let position = at;
  while (position < text.length && BLANKS.has(text.charCodeAt(position))) position += 1;
  return position;
}

const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const OPEN_OBJECT = 0x7b;

export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fields: undefined, problem: malformed('The body is not valid JSON.') };
  }
  if (value === null) return { fields: noFields(), problem: undefined };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return { fields: undefined, problem: malformed('The body is not a JSON object.') };
  }
  const fields = noFields();
  const names = Object.keys(value);
  for (const name of names) fields[foldName(name)] = Reflect.get(value, name);
  const isAmbiguous = Object.keys(fields).length < names.length || countMembers(text) > names.length;
  return {
    fields,
    problem: isAmbiguous ? malformed('The JSON object has a name twice, perhaps in two cases.') : undefined,
  };
}

/** @throws AppError body-malformed where it is not a JSON object */
export function readJsonObject(body: string | undefined): JsonFields {
  const { fields, problem } = parseJson(body ?? '');
  if (problem !== undefined) throw problem;
  return fields!;
}

/** A text of the object; absent or null: undefined. @throws AppError body-malformed for another type */
export function textField(fields: JsonFields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw malformed(`"${name}" must be a text.`);
}

/**
 * The fields as parameters of a query: texts, numbers and booleans as their text, a list as a repeated parameter, null as
 * an absent one. A field of another type is empty, and is reported as the problem.
 */
export function jsonParameters(fields: JsonFields): {
  readonly parameters: Readonly<Record<string, string | string[]>>;
  readonly problem: AppError | undefined;
} {
  const parameters = Object.create(null) as Record<string, string | string[]>;
  let problem: AppError | undefined;
  const textOf = (value: unknown): string => {
    if (typeof value === 'string') return value;
    if (typeof value === 'boolean' || (typeof value === 'number' && isExact(value))) return String(value);
    problem ??= malformed(
      typeof value === 'number'
        ? 'A number of the JSON object is too large to be read exactly: write it as a text, in quotes.'
        : 'A field of the JSON object is neither a text, a number, true or false, nor a list of these.',
    );
    return '';
  };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null) parameters[name] = Array.isArray(value) ? value.map(textOf) : textOf(value);
  }
  return { parameters, problem };
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value));
}

/** Without a prototype: a name that was not sent is undefined, also `constructor`. */
function noFields(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/** Lower case, as Go compares names: also with the two letters outside of ASCII that have an ASCII counterpart. */
function foldName(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's');
}

/** The members of the outermost object of valid JSON. `JSON.parse` drops all but the last of those with one name. */
function countMembers(json: string): number {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const sign = json[at];
    if (sign === '"') at = stringEnd(json, at);
    else if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
    else if (sign === ':' && depth === 1) members += 1;
  }
  return members;
}

function malformed(message: string): AppError {
  return new AppError('body-malformed', message);
}

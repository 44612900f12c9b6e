/**
 * The parameters of a request, from its query and its body, a form or JSON: one text for each name, the first one, and beside
 * them all texts of the names that are repeated. Protocols decide what a repetition means. Invalid percent escapes stay as they
 * are, as in `node:querystring`.
 */
import { parse as parseQuery } from 'node:querystring';
import type { AppError } from '../../core/errors.ts';

/** Without a prototype: every name that was not sent is undefined, also `constructor`. */
export type TextByName = Record<string, string>;

/** All texts of each repeated name, in their order: query, then body. */
export type RepeatedTexts = ReadonlyMap<string, readonly string[]>;

/** Longer texts are unusual, and `node:querystring` limits their number of names. */
const SHORT = 500;

/** Parses a query or an urlencoded body. Short texts without escapes, as in nearly all updates, take the fast path. */
export function parseParameters(text: string): TextByName {
  if (text.length > SHORT || /[%+]/.test(text)) return mergeParameters(noTexts(), parseQuery(text));
  const parameters = noTexts();
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf('&', at);
    if (end < 0) end = text.length;
    if (end === at) continue;
    const equals = text.indexOf('=', at);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    add(parameters, text.slice(at, nameEnd), text.slice(nameEnd + 1, end));
  }
  return parameters;
}

/** Merges query and body. @param body the fields of a form; anything else is ignored */
export function mergeParameters(query: TextByName, body: unknown): TextByName {
  if (typeof body !== 'object' || body === null) return query;
  const parameters = noTexts();
  for (const source of [query, body as Record<string, string | readonly string[]>]) {
    const repeated = repeatedTexts(source);
    for (const [name, value] of Object.entries(source)) {
      const texts = repeated?.get(name) ?? value;
      if (typeof texts === 'string') add(parameters, name, texts);
      else for (const text of texts) add(parameters, name, text);
    }
  }
  return parameters;
}

/** The repeated names of parsed or merged parameters; undefined where there are none, as nearly always. */
export function repeatedTexts(parameters: object): RepeatedTexts | undefined {
  return (parameters as { readonly [REPEATED]?: RepeatedTexts })[REPEATED];
}

/** A symbol, and not enumerable: no loop over the names meets it. */
const REPEATED = Symbol('repeated');

function add(parameters: TextByName, name: string, text: string): void {
  const first = parameters[name];
  if (first === undefined) parameters[name] = text;
  else repeat(parameters, name, first, text);
}

function repeat(parameters: TextByName, name: string, first: string, text: string): void {
  let repeated = repeatedTexts(parameters) as Map<string, string[]> | undefined;
  if (repeated === undefined) {
    repeated = new Map();
    Object.defineProperty(parameters, REPEATED, { value: repeated });
  }
  const texts = repeated.get(name);
  if (texts === undefined) repeated.set(name, [first, text]);
  else texts.push(text);
}

/**
 * Makes objects with an empty prototype. V8 makes a hash table of Object.create(null) and of the results of
 * `node:querystring`, which takes five times as long to iterate.
 */
const Texts = function Texts() {} as unknown as new () => TextByName;
Texts.prototype = Object.create(null);

function noTexts(): TextByName {
  return new Texts();
}

export interface ReadBody {
  readonly kind: 'form' | 'multipart' | 'json';
  /** The body as it was sent; undefined for multipart/form-data. */
  readonly text: string | undefined;
  /** By name; a repeated one has a list. Of JSON: as far as they can be read. */
  readonly fields: Readonly<Record<string, string | string[]>>;
  /** It is a JSON object. */
  readonly isObject?: boolean;
  /** Why JSON cannot be read as parameters. */
  readonly problem?: AppError | undefined;
}

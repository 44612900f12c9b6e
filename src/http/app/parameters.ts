/**
 * The parameters of a request, from its query and its body, a form or JSON: one text for each name. Of repeated parameters the last
 * one that is not empty is valid. Invalid percent escapes stay as they are, as in `node:querystring`.
 */
import { parse as parseQuery } from 'node:querystring';
import type { AppError } from '../../core/errors.ts';

/** Without a prototype: every name that was not sent is undefined, also `constructor`. */
export type TextByName = Record<string, string>;

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
  for (const name in query) add(parameters, name, query[name] as string);
  for (const [name, value] of Object.entries(body as Record<string, string | string[]>)) {
    add(parameters, name, Array.isArray(value) ? (value.findLast((item) => item !== '') ?? '') : value);
  }
  return parameters;
}

function add(parameters: TextByName, name: string, text: string): void {
  if (text !== '' || parameters[name] === undefined) parameters[name] = text;
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

/** Merges query and body with all values of a repeated parameter, in order. Parses both again: few protocols need this. */
export function listParameters(query: string, body: ReadBody | null | undefined): Record<string, string[]> {
  const lists = Object.create(null) as Record<string, string[]>;
  const fields = body?.kind === 'form' ? parseQuery(body.text ?? '') : body?.fields;
  for (const source of [parseQuery(query), fields]) {
    for (const [name, value] of Object.entries((source ?? {}) as Record<string, string | string[]>)) {
      lists[name] = (lists[name] ?? []).concat(value);
    }
  }
  return lists;
}

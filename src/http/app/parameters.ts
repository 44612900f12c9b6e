/**
 * The parameters of a request, from its query and its form body: one text for each name, of repeated ones the last that
 * is not empty. Percent escapes that are none stay as they are, as `node:querystring` has it.
 */
import { parse as parseQuery } from 'node:querystring';

/** Without a prototype: what was not sent is undefined, whatever its name. */
export type TextByName = Record<string, string>;

/** What is longer is no usual request, and may have as many names as fit. */
const SHORT = 500;

/** A query or an urlencoded body. Texts in which nothing is escaped, as in nearly all updates, are read here. */
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

/** Query and body in one. @param body its fields; anything else is no body */
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
 * Objects of a prototype that is empty and has none itself. Of Object.create(null), and of what `node:querystring` gives,
 * V8 makes a hash table, which takes five times as long to go through.
 */
const Texts = function Texts() {} as unknown as new () => TextByName;
Texts.prototype = Object.create(null);

function noTexts(): TextByName {
  return new Texts();
}

/** A body as it was sent, and what a form has in it. */
export interface ReadBody {
  /** Undefined where it is no text. */
  readonly text: string | undefined;
  /** Undefined where it is no form. */
  readonly fields: unknown;
}

/** Query and body in one, with every value of a repeated parameter in its order. Read anew: few protocols want this. */
export function listParameters(query: string, body: ReadBody | null | undefined): Record<string, string[]> {
  const lists = Object.create(null) as Record<string, string[]>;
  const isForm = body?.fields !== undefined;
  const form = isForm ? (body.text === undefined ? body.fields : parseQuery(body.text)) : undefined;
  for (const source of [parseQuery(query), form]) {
    for (const [name, value] of Object.entries((source ?? {}) as Record<string, string | string[]>)) {
      lists[name] = (lists[name] ?? []).concat(value);
    }
  }
  return lists;
}

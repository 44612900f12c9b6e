/**
 * JSON that two programs cannot read as two different requests: no object may have a name twice, at any depth, and depth is limited.
 * `__proto__` and the like are names as any other; read fields with `fieldOf`, which finds own ones alone.
 */
import { AppError } from '../../core/errors.ts';

const MAX_DEPTH = 32;

/** @throws AppError body-malformed */
export function parseStrictJson(text: string): unknown {
  checkNames(text);
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('The body is not valid JSON.');
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined: the object has no such field. */
export function fieldOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * Finds names that an object has twice, in one pass. What is no JSON is found by JSON.parse.
 * @throws AppError body-malformed
 */
function checkNames(text: string): void {
  /** The names of each open object; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let string = '';
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = stringEnd(text, at);
        string = text.slice(at, end + 1);
        at = end;
        break;
      }
      case COLON:
        addName(open.at(-1), string);
        break;
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (open.length === MAX_DEPTH) throw malformed(`The JSON is nested more than ${MAX_DEPTH} deep.`);
        open.push(text.charCodeAt(at) === OPEN_OBJECT ? new Set() : undefined);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        open.pop();
        break;
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Position of the quote that ends the string which begins at `start`; without one the end of the text. */
export function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** @param quoted as it is written: an escaped spelling is the same name */
function addName(names: Set<string> | undefined, quoted: string): void {
  if (names === undefined) return;
  const name = quoted.includes('\\') ? shortestForm(quoted) : quoted;
  if (names.has(name)) throw malformed('A JSON object has a name twice.');
  names.add(name);
}

function shortestForm(quoted: string): string {
  try {
    return JSON.stringify(JSON.parse(quoted));
  } catch {
    throw malformed('The body is not valid JSON.');
  }
}

function malformed(message: string): AppError {
  return new AppError('body-malformed', message);
}

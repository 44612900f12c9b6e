/**
 * Splits a zone file into entries of tokens (RFC 1035 §5.1): handles comments, quotes, escapes, and parentheses that
 * continue an entry on the next line. Linear in time and memory. Does not interpret the tokens.
 */
import { PresentationError, type TextToken } from './text-tokens.ts';

export interface ZoneFileEntry {
  /** The line on which the entry begins, counted from 1. */
  readonly line: number;
  /** The entry begins with white space: it has the owner name of the previous one. */
  readonly indented: boolean;
  /** At least one. */
  readonly tokens: readonly TextToken[];
}

/** A syntax error and its line. */
export class ScanError extends PresentationError {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.name = 'ScanError';
    this.line = line;
  }
}

const TAB = 9;
const LINE_FEED = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const OPEN = 40;
const CLOSE = 41;
const SEMICOLON = 59;
const BACKSLASH = 92;

/** Characters that end a plain token or are special in it. */
const SPECIAL = new Uint8Array(128);
for (const code of [TAB, LINE_FEED, RETURN, SPACE, QUOTE, OPEN, CLOSE, SEMICOLON, BACKSLASH]) SPECIAL[code] = 1;

/** True for a character of a plain token, also an escaped one. */
function isPlain(code: number): boolean {
  return code > 127 || SPECIAL[code] === 0;
}

/** Yields the entries of a zone file. @throws ScanError */
export function* scanZoneFile(text: string): Generator<ZoneFileEntry> {
  const scanner = new Scanner(text);
  for (let entry = scanner.next(); entry !== undefined; entry = scanner.next()) yield entry;
}

/** The tokens of a text of one entry, for example of RDATA alone. @throws ScanError */
export function scanWords(text: string): readonly TextToken[] {
  const scanner = new Scanner(text);
  const entry = scanner.next();
  if (entry === undefined) return [];
  if (scanner.next() !== undefined) throw new ScanError(entry.line, 'the text has more than one line');
  return entry.tokens;
}

class Scanner {
  readonly #text: string;
  #at: number;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
    // Skips the byte order mark of some editors.
    this.#at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** The next entry that is not empty; undefined at the end of the text. */
  next(): ZoneFileEntry | undefined {
    const text = this.#text;
    const tokens: TextToken[] = [];
    let lineStart = this.#at;
    let line = this.#line;
    let indented = false;
    let depth = 0;
    let openLine = 0;
    for (;;) {
      if (this.#at >= text.length) {
        if (depth > 0) throw new ScanError(openLine, "the parenthesis '(' is not closed");
        return tokens.length > 0 ? { line, indented, tokens } : undefined;
      }
      const code = text.charCodeAt(this.#at);
      if (code === LINE_FEED) {
        this.#at += 1;
        this.#line += 1;
        if (depth > 0) continue;
        if (tokens.length > 0) return { line, indented, tokens };
        lineStart = this.#at;
        line = this.#line;
      } else if (code === SPACE || code === TAB || code === RETURN) {
        this.#at += 1;
      } else if (code === SEMICOLON) {
        const end = text.indexOf('\n', this.#at);
        this.#at = end < 0 ? text.length : end;
      } else if (code === OPEN || code === CLOSE) {
        if (tokens.length === 0 && depth === 0) {
          indented = this.#at > lineStart;
          line = this.#line;
        }
        if (code === OPEN && depth === 0) openLine = this.#line;
        depth += code === OPEN ? 1 : -1;
        if (depth < 0) throw new ScanError(this.#line, "')' without a '('");
        this.#at += 1;
      } else {
        if (tokens.length === 0 && depth === 0) indented = this.#at > lineStart;
        tokens.push(this.#token());
      }
    }
  }

  #token(): TextToken {
    const text = this.#text;
    const start = this.#at;
    if (text.charCodeAt(start) === QUOTE) {
      const end = this.#quoteEnd(start);
      this.#at = end + 1;
      const attached = start > 0 && isPlain(text.charCodeAt(start - 1));
      return { text: text.slice(start + 1, end), quoted: true, ...(attached && { attached }) };
    }
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isPlain(code)) continue;
      if (code === BACKSLASH) {
        const next = text.charCodeAt(at + 1);
        if (Number.isNaN(next) || next === LINE_FEED || next === RETURN) {
          throw new ScanError(this.#line, 'a backslash at the end of the line escapes nothing');
        }
        at += 1;
      } else break;
    }
    this.#at = at;
    return { text: text.slice(start, at), quoted: false };
  }

  /** The offset of the quote that closes the one at `start`. */
  #quoteEnd(start: number): number {
    const text = this.#text;
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) return at;
      if (code === LINE_FEED) break;
      if (code === BACKSLASH && text.charCodeAt(at + 1) !== LINE_FEED) at += 1;
    }
    throw new ScanError(this.#line, 'the quoted string is not closed on this line');
  }
}

/**
 * Tokens of presentation form (RFC 1035 §5.1): escapes and quotes, and a cursor over the tokens of one RDATA. scanner.ts
 * splits a text into tokens.
 */
import { excerpt } from '../excerpt.ts';
import type { DomainName } from '../name.ts';

/** `text` is still escaped; quotes are removed. */
export interface TextToken {
  readonly text: string;
  readonly quoted: boolean;
  /** A quote without white space before it: `key="value"` is two tokens, which only SVCB puts together. */
  readonly attached?: boolean;
}

/** The text is not valid presentation form. The message may be shown to the user; the caller adds file and line. */
export class PresentationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PresentationError';
  }
}

/** Reads the tokens of one RDATA from left to right. */
export class TokenCursor {
  readonly #tokens: readonly TextToken[];
  #at = 0;
  /** Of relative names. */
  readonly origin: DomainName;

  constructor(tokens: readonly TextToken[], origin: DomainName) {
    this.#tokens = tokens;
    this.origin = origin;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** @param what the name of the field for the error, such as "the preference" */
  next(what: string): TextToken {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new PresentationError(`${what} is missing`);
    return token;
  }

  /** The next token, which must not be quoted. */
  word(what: string): string {
    const { text, quoted } = this.next(what);
    if (quoted) throw new PresentationError(`${what} must not be quoted`);
    return text;
  }

  /** The next token if it is quoted and without white space before it. */
  attachedQuote(): string | undefined {
    const token = this.#tokens[this.#at];
    if (!token?.attached || !token.quoted) return undefined;
    this.#at += 1;
    return token.text;
  }

  /** The remaining tokens joined: hexadecimal and base64 may contain white space anywhere. */
  joined(what: string): string {
    let text = this.word(what);
    while (!this.done) text += this.word(what);
    return text;
  }
}

const BACKSLASH = 0x5c;

/** The octets of a token: resolves `\DDD` and `\X`, encodes non-ASCII characters as UTF-8. */
export function unescapeText(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  if (!text.includes('\\')) return octets;
  let length = 0;
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] !== BACKSLASH) {
      octets[length++] = octets[at]!;
      continue;
    }
    const digits = /^\d{3}/.exec(octets.toString('latin1', at + 1, at + 4))?.[0];
    if (digits !== undefined) {
      if (Number(digits) > 255) throw new PresentationError(`the escape \\${digits} is larger than 255`);
      octets[length++] = Number(digits);
      at += 3;
    } else {
      const next = octets[++at];
      if (next === undefined || (next >= 0x30 && next <= 0x39)) {
        throw new PresentationError(`'${excerpt(text)}' has an incomplete escape: write \\DDD with three digits`);
      }
      octets[length++] = next;
    }
  }
  return octets.subarray(0, length);
}

/** The octets as a quoted and escaped character-string. */
export function quoteText(octets: Uint8Array): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
  return `"${/^[ !#-[\]-~]*$/.test(text) ? text : text.replace(/[^ !#-[\]-~]/g, escapeOctet)}"`;
}

function escapeOctet(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\${String(character.charCodeAt(0)).padStart(3, '0')}`;
}

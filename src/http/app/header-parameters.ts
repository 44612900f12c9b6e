/**
 * The value of a header with parameters (RFC 9110 §5.6.6), such as `form-data; name="a"`, in one pass. Left out: quoted pairs,
 * because clients send `"` in a form as %22 (RFC 7578 §4.2).
 */

export interface HeaderValue {
  /** In front of the first semicolon, in lower case. */
  readonly value: string;
  /** The first value of each name, which is in lower case; undefined where it is not a token or a quoted string. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
}

export function readHeaderValue(header: string): HeaderValue {
  const [value = '', ...rest] = splitOutsideQuotes(header);
  const parameters = new Map<string, string | undefined>();
  for (const text of rest) {
    const equals = text.indexOf('=');
    const name = text.slice(0, equals).trimStart().toLowerCase();
    if (equals > 0 && !parameters.has(name)) parameters.set(name, readValue(text.slice(equals + 1).trimEnd()));
  }
  return { value: value.trim().toLowerCase(), parameters };
}

function splitOutsideQuotes(text: string): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === ';' && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function readValue(text: string): string | undefined {
  if (text.startsWith('"')) return text.indexOf('"', 1) === text.length - 1 ? text.slice(1, -1) : undefined;
  return /[\s"]/.test(text) ? undefined : text;
}

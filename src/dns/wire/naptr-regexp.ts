/**
 * The regexp field of NAPTR (RFC 3402 §3.2): delimiter, POSIX extended regular expression, delimiter, replacement,
 * delimiter, flags. BIND refuses the transfer of a zone with a malformed one, so that this check follows BIND's, in one
 * pass over at most 255 octets. Left out, so refused: collating elements and equivalence classes in brackets.
 */

/** Delimiters that have another meaning: digits, the backslash, the flag i, and NUL. */
const NO_DELIMITER = /[0-9\\i\0]/;

/** The parts between the delimiters; undefined if they are not three. An escape is kept as it is. */
function splitParts(text: string, delimiter: string): string[] | undefined {
  const parts = [''];
  for (let at = 0; at < text.length; at++) {
    let part = text[at]!;
    if (part === delimiter) {
      parts.push('');
      continue;
    }
    if (part === '\\') {
      at += 1;
      if (at >= text.length) return undefined;
      part += text[at]!;
    }
    parts[parts.length - 1] += part;
  }
  return parts.length === 3 ? parts : undefined;
}

/** True if the octets, without their length octet, are empty or a substitution expression. */
export function isNaptrRegexp(octets: Uint8Array): boolean {
  if (octets.length === 0) return true;
  const text = Buffer.from(octets).toString('latin1');
  const delimiter = text[0]!;
  if (NO_DELIMITER.test(delimiter) || text.includes('\0')) return false;
  const parts = splitParts(text.slice(1), delimiter);
  if (parts === undefined) return false;
  const [expression, replacement, flags] = parts as [string, string, string];
  if (!/^i*$/.test(flags)) return false;
  const groups = countGroups(expression);
  if (groups === undefined) return false;
  return [...replacement.matchAll(/\\(.)/gs)].every(([, digit]) => {
    return !/\d/.test(digit!) || (digit !== '0' && Number(digit) <= groups);
  });
}

/** The number of groups of a POSIX extended regular expression; undefined if it is malformed. */
function countGroups(text: string): number | undefined {
  let groups = 0;
  let open = 0;
  /** Whether there is something to repeat, and whether it is repeated already. */
  let hasAtom = false;
  let isRepeated = false;
  /** Directly behind '(', where ')' may follow. */
  let isOpened = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '|') {
      if (!hasAtom) return undefined;
      [hasAtom, isRepeated, isOpened] = [false, false, false];
    } else if (character === '(') {
      groups += 1;
      open += 1;
      [hasAtom, isRepeated, isOpened] = [false, false, true];
    } else if (character === ')') {
      if (open > 0 && !hasAtom && !isOpened) return undefined;
      open = Math.max(0, open - 1);
      [hasAtom, isRepeated] = [true, false];
    } else {
      const length = tokenLength(text, at, groups);
      if (length === undefined) return undefined;
      const isRepetition = /[*+?]/.test(character) || (character === '{' && length > 1);
      if (isRepetition && (!hasAtom || isRepeated)) return undefined;
      hasAtom = true;
      isRepeated = isRepetition || character === '^' || character === '$';
      at += length - 1;
    }
  }
  return open === 0 && hasAtom ? groups : undefined;
}

/** The length of one atom, anchor or repetition; undefined if it is malformed. */
function tokenLength(text: string, at: number, groups: number): number | undefined {
  switch (text[at]) {
    case '\\':
      return Number(/^[1-9]$/.exec(text[at + 1]!)?.[0] ?? 0) > groups ? undefined : 2;
    case '[':
      return bracketLength(text, at);
    case '{': {
      if (!/^\d$/.test(text[at + 1] ?? '')) return 1;
      const bound = /^\{(\d{1,3})(?:,(\d{0,3}))?\}/.exec(text.slice(at, at + 9));
      if (bound === null) return undefined;
      const [low, high] = [Number(bound[1]), bound[2] ? Number(bound[2]) : Number(bound[1])];
      return low > high || high > 255 ? undefined : bound[0].length;
    }
    default:
      return 1;
  }
}

const CLASSES = /^\[:(alnum|digit|punct|alpha|graph|space|blank|lower|upper|cntrl|print|xdigit):\]/;

/** The length of a bracket expression. A ']' in the first place and a '-' in the first or last are themselves. */
function bracketLength(text: string, start: number): number | undefined {
  let at = start + (text[start + 1] === '^' ? 2 : 1);
  for (let first = true; at < text.length; first = false) {
    if (text[at] === ']' && !first) return at + 1 - start;
    const className = CLASSES.exec(text.slice(at, at + 12))?.[0];
    if (className === undefined && /^\[[.=:]/.test(text.slice(at, at + 2))) return undefined;
    at += className?.length ?? 1;
    if (text[at] !== '-' || text[at + 1] === ']') continue;
    // A range: neither end is a class, and only ']' or another item may follow.
    const end = text[at + 1];
    if (className !== undefined || end === undefined || end === '[' || end < text[at - 1]!) return undefined;
    at += 2;
    if (text[at] === '-') return undefined;
  }
  return undefined;
}

/**
 * $GENERATE in zone files, an extension of BIND: `$GENERATE 1-254 host-$ A 192.0.2.$` creates 254 records. `$` is the
 * number, `${offset,width,base}` the number in another format, `\$` a dollar sign. The generated lines are scanned again.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: $GENERATE has them

import { excerpt } from '../excerpt.ts';
import { PresentationError, type TextToken } from '../presentation/text-tokens.ts';
import { parseRRType } from '../rdata.ts';

/** Of one zone file. */
export const MAX_GENERATED_RECORDS = 65_536;

export interface GeneratedTexts {
  readonly count: number;
  /** A line of the zone file. */
  textOf(index: number): string;
}

/** @param tokens of the line, including the directive. @throws PresentationError */
export function readGenerate(tokens: readonly TextToken[]): GeneratedTexts {
  const [, range, owner, ...rest] = tokens;
  const typeAt = rest.findIndex(({ text }) => parseRRType(text) !== undefined);
  if (range === undefined || owner === undefined || typeAt < 0 || typeAt === rest.length - 1) {
    throw new PresentationError('$GENERATE must look like $GENERATE 1-254 host-$ A 192.0.2.$');
  }
  const match = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(range.text);
  const [start, stop, step] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 1)];
  if (match === null || start > stop || stop > 0x7fff_ffff || step < 1) {
    throw new PresentationError(
      `the range of $GENERATE must look like 1-254 or 0-254/2; it is '${excerpt(range.text)}'`,
    );
  }
  if (owner.quoted) throw new PresentationError('the owner name of $GENERATE must not be quoted');
  const rdata = rest.slice(typeAt + 1);
  // The whole RDATA may be in quotes, as BIND requires for more than one word; the quotes in it are then escaped.
  const rdataText = rdata.length === 1 ? wholeRdata(rdata[0]!) : rdata.map(tokenText).join('').trimStart();
  const text = [owner.text, ...rest.slice(0, typeAt + 1).map(({ text }) => text), rdataText].join(' ');
  return {
    count: Math.floor((stop - start) / step) + 1,
    textOf: (index) => expand(text, start + index * step),
  };
}

function wholeRdata({ text, quoted }: TextToken): string {
  return quoted ? text.replaceAll('\\"', '"') : text;
}

function tokenText({ text, quoted, attached }: TextToken): string {
  return `${attached ? '' : ' '}${quoted ? `"${text}"` : text}`;
}

function expand(template: string, value: number): string {
  return template.replace(/\\[\s\S]|\$\$|\$\{(?:([^}]{0,30})\})?|\$/g, (match, modifier: string | undefined) => {
    if (match.startsWith('\\')) return match;
    if (match === '$$') return '\\$';
    if (match === '$') return String(value);
    if (modifier === undefined) throw new PresentationError("a '${' has no '}' within 30 characters");
    return formatModified(modifier, value);
  });
}

function formatModified(modifier: string, value: number): string {
  const match = /^([+-]?\d{1,9})(?:,(\d{1,3})(?:,([doxXnN]))?)?$/.exec(modifier);
  const width = Number(match?.[2] ?? 0);
  if (match === null || width > 255) {
    throw new PresentationError(
      `'\${${excerpt(modifier)}}' must be \${offset,width,base} with a base of d, o, x, X, n or N`,
    );
  }
  const number = value + Number(match[1]);
  if (number < 0) throw new PresentationError(`'\${${excerpt(modifier)}}' gives a negative number`);
  switch (match[3]) {
    case 'o':
      return number.toString(8).padStart(width, '0');
    case 'x':
      return number.toString(16).padStart(width, '0');
    case 'X':
      return number.toString(16).toUpperCase().padStart(width, '0');
    case 'n':
      return nibbles(number, width);
    case 'N':
      return nibbles(number, width).toUpperCase();
    default:
      return String(number).padStart(width, '0');
  }
}

/** Hexadecimal digits, the lowest first, separated by dots. The width includes the dots; an even one gives a final dot. */
function nibbles(number: number, width: number): string {
  let text = [...number.toString(16)].reverse().join('.');
  while (text.length < width) text += text.length % 2 === 1 ? '.' : '0';
  return text;
}

/**
 * $GENERATE of zone files, an extension of BIND: `$GENERATE 1-254 host-$ A 192.0.2.$` stands for 254 records. `$` is the
 * number, `${offset,width,base}` the number in another form, `\$` a dollar sign. What is made is scanned as text again.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: $GENERATE has them

import { PresentationError, shown, type TextToken } from '../presentation/text-tokens.ts';
import { parseRRType } from '../rdata.ts';

/** Records that one file may make. */
export const GENERATED_MAX = 65_536;

export interface GeneratedTexts {
  readonly count: number;
  /** The zone-file line of the record with this index. */
  textOf(index: number): string;
}

/** @param tokens the words of the line, the directive included. @throws PresentationError */
export function readGenerate(tokens: readonly TextToken[]): GeneratedTexts {
  const [, range, owner, ...rest] = tokens;
  const typeAt = rest.findIndex(({ text }) => parseRRType(text) !== undefined);
  if (range === undefined || owner === undefined || typeAt < 0 || typeAt === rest.length - 1) {
    throw new PresentationError('write $GENERATE as $GENERATE 1-254 host-$ A 192.0.2.$');
  }
  const match = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(range.text);
  const [start, stop, step] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 1)];
  if (match === null || start > stop || stop > 0x7fff_ffff || step < 1) {
    throw new PresentationError(`the range of $GENERATE must be as 1-254 or 0-254/2; it is '${shown(range.text)}'`);
  }
  const rdata = rest.slice(typeAt + 1);
  // RDATA of several words may stand in quotes as one.
  const rdataText = rdata.length === 1 ? rdata[0]!.text : rdata.map(wordText).join(' ');
  const text = [owner.text, ...rest.slice(0, typeAt + 1).map(({ text }) => text), rdataText].join(' ');
  return {
    count: Math.floor((stop - start) / step) + 1,
    textOf: (index) => expand(text, start + index * step),
  };
}

function wordText({ text, quoted }: TextToken): string {
  return quoted ? `"${text}"` : text;
}

function expand(template: string, value: number): string {
  return template.replace(/\\[\s\S]|\$\$|\$\{([^}]*)\}|\$/g, (found, modifier: string | undefined) => {
    if (found.startsWith('\\')) return found;
    if (found === '$$') return '\\$';
    return modifier === undefined ? String(value) : modified(modifier, value);
  });
}

function modified(modifier: string, value: number): string {
  const match = /^(-?\d{1,9})(?:,(\d{1,3})(?:,([doxXnN]))?)?$/.exec(modifier);
  const width = Number(match?.[2] ?? 0);
  if (match === null || width > 255) {
    throw new PresentationError(
      `'\${${shown(modifier)}}' must be as \${offset,width,base}, the base one of d o x X n N`,
    );
  }
  const number = value + Number(match[1]);
  if (number < 0) throw new PresentationError(`'\${${shown(modifier)}}' gives a number below 0`);
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

/** Hexadecimal digits from the lowest on, dots between; the width counts the dots, and an even one ends in a dot. */
function nibbles(number: number, width: number): string {
  let text = [...number.toString(16)].reverse().join('.');
  while (text.length < width) text += text.length % 2 === 1 ? '.' : '0';
  return text;
}

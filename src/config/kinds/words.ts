/** Kinds for numbers, switches, fixed words, short texts and calendar days. */
import { type ScalarKind, scalar } from './kind.ts';

export function integer(min: number, max: number): ScalarKind<number> {
  return { ...scalar(`an integer from ${min} to ${max}`, numberIn(/^-?\d{1,15}$/, min, max), String), reads: 'number' };
}

export function decimal(min: number, max: number): ScalarKind<number> {
  const parse = numberIn(/^\d{1,15}(\.\d{1,6})?$/, min, max);
  return { ...scalar(`a number from ${min} to ${max}`, parse, String), reads: 'number' };
}

function numberIn(pattern: RegExp, min: number, max: number): (text: string) => number | undefined {
  return (text) => {
    const value = Number(text);
    return pattern.test(text) && value >= min && value <= max ? value : undefined;
  };
}

/** The levels of the log (docs/decisions/0004-log-levels.md). */
const LEVEL_NAMES: Readonly<Record<string, number>> = {
  debug: 10,
  unchanged: 11,
  info: 20,
  updated: 21,
  warning: 30,
  error: 40,
  critical: 50,
};

/** A number, or one of the names of levels that are of use as a limit. */
export const logLevel: ScalarKind<number> = {
  ...scalar(
    `an integer from 0 to 50, or one of ${Object.keys(LEVEL_NAMES).join(', ')}`,
    (text) => LEVEL_NAMES[text.toLowerCase()] ?? integer(0, 50).parse(text),
    String,
  ),
  reads: 'number',
};

export const portNumber: ScalarKind<number> = integer(0, 65535);

/** Seconds (RFC 2181 §8). */
export const ttl: ScalarKind<number> = integer(0, 2147483647);

/** Subnets below the shortest prefix that is accepted, a /16. */
export const subnetNumber: ScalarKind<number> = integer(0, 2 ** 48 - 1);

export const yesOrNo: ScalarKind<boolean> = {
  ...scalar<boolean>(
    'true or false',
    (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
    String,
  ),
  reads: 'boolean',
};

/** One of a few words, in upper or lower case. */
export function choice<const W extends string>(...words: readonly W[]): ScalarKind<W> {
  const allowed = words.length === 2 ? words.join(' or ') : `one of ${words.join(', ')}`;
  return scalar(allowed, (text) => words.find((word) => word === text.toLowerCase()));
}

/** A printable text with a limit in octets of UTF-8. */
export function shortText(maxOctets: number): ScalarKind<string> {
  return scalar(`a text of 1 to ${maxOctets} octets without control characters`, (text) =>
    text === '' || /\p{Cc}/u.test(text) || Buffer.byteLength(text) > maxOctets ? undefined : text,
  );
}

export const calendarDay: ScalarKind<string> = scalar(
  'a day, like 2099-12-31',
  (text) => {
    const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : undefined;
  },
  (day) => day,
);

/** Headers of which Node keeps the first, or that mean something else: that one stands once cannot be seen. */
const UNSUITABLE =
  /^(age|authorization|connection|content-.*|cookie|etag|expires|from|host|if-.*|last-modified|location|max-forwards|proxy-.*|referer|retry-after|server|set-cookie|te|trailer|transfer-encoding|upgrade|user-agent)$/;

/** The name of a header in which a proxy may send an address (RFC 9110 §5.1), in lower case. */
export const headerName: ScalarKind<string> = scalar(
  'the name of one header, like x-forwarded-for, forwarded or x-real-ip',
  (text) => {
    const name = text.toLowerCase();
    return /^[a-z0-9_-]{1,64}$/.test(name) && !UNSUITABLE.test(name) ? name : undefined;
  },
);

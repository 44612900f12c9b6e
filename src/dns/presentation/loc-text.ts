/** LOC in presentation form (RFC 1876 §3), version 0: `52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`. */
import { excerpt } from '../excerpt.ts';
import type { TextField } from './text-fields.ts';
import { PresentationError, type TokenCursor } from './text-tokens.ts';

/** Of a latitude: the equator. Of a longitude: the prime meridian. Angles are thousandths of an arc second. */
const ZERO_ANGLE = 2 ** 31;
const MILLISECONDS_PER_DEGREE = 3_600_000;
/** Centimetres; altitudes are measured from 100 km below the reference spheroid (RFC 1876 §2). */
const ALTITUDE_BASE = 10_000_000;

function readAngle(tokens: TokenCursor, what: string, letters: 'NS' | 'EW', maxDegrees: number): number {
  const fail = (problem: string): never => {
    throw new PresentationError(`${what} must look like 52 22 23.000 ${letters[0]}; ${problem}`);
  };
  let milliseconds = 0;
  for (const unit of [3_600_000, 60_000, 1000, 0]) {
    const text = tokens.word(what);
    if (unit < MILLISECONDS_PER_DEGREE && letters.includes(text.toUpperCase()) && text.length === 1) {
      if (milliseconds > maxDegrees * MILLISECONDS_PER_DEGREE) fail(`it is more than ${maxDegrees} degrees`);
      return ZERO_ANGLE + (text.toUpperCase() === letters[0] ? milliseconds : -milliseconds);
    }
    const isNumber = (unit === 1000 ? /^\d{1,2}(\.\d{1,3})?$/ : /^\d{1,3}$/).test(text);
    if (!isNumber || unit === 0 || (unit < MILLISECONDS_PER_DEGREE && Number(text) >= 60)) {
      fail(`'${excerpt(text)}' is wrong`);
    }
    milliseconds += Math.round(Number(text) * unit);
  }
  return fail(`${letters[0]} or ${letters[1]} is missing`);
}

function formatAngle(value: number, letters: 'NS' | 'EW'): string {
  const milliseconds = Math.abs(value - ZERO_ANGLE);
  const degrees = Math.floor(milliseconds / MILLISECONDS_PER_DEGREE);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = ((milliseconds % 60_000) / 1000).toFixed(3);
  return `${degrees} ${minutes} ${seconds} ${value >= ZERO_ANGLE ? letters[0] : letters[1]}`;
}

function parseCentimetres(text: string, what: string): number {
  if (!/^-?\d{1,8}(\.\d{1,2})?m?$/i.test(text)) {
    throw new PresentationError(`${what} must be metres, such as 10.00m; it is '${excerpt(text)}'`);
  }
  return Math.round(Number(text.replace(/m$/i, '')) * 100);
}

/** A length as a digit and an exponent of ten, 4 bits each, in centimetres (RFC 1876 §2). */
function readPrecision(tokens: TokenCursor, what: string, defaultOctet: number): number {
  if (tokens.done) return defaultOctet;
  let value = parseCentimetres(tokens.word(what), what);
  if (value < 0) throw new PresentationError(`${what} must not be negative`);
  let exponent = 0;
  for (; value >= 10; value = Math.floor(value / 10)) exponent += 1;
  return (value << 4) | exponent;
}

function formatPrecision(octet: number): string | undefined {
  const digit = octet >> 4;
  const exponent = octet & 15;
  if (digit > 9 || exponent > 9 || (digit === 0 && exponent > 0)) return undefined;
  return `${((digit * 10 ** exponent) / 100).toFixed(2)}m`;
}

export const locFields: readonly TextField[] = [
  {
    read: (tokens, writer) => {
      const latitude = readAngle(tokens, 'the latitude', 'NS', 90);
      const longitude = readAngle(tokens, 'the longitude', 'EW', 180);
      const altitude = parseCentimetres(tokens.word('the altitude'), 'the altitude') + ALTITUDE_BASE;
      if (altitude < 0 || altitude > 0xffff_ffff) throw new PresentationError('the altitude is out of range');
      writer.u8(0);
      writer.u8(readPrecision(tokens, 'the size', 0x12));
      writer.u8(readPrecision(tokens, 'the horizontal precision', 0x16));
      writer.u8(readPrecision(tokens, 'the vertical precision', 0x13));
      for (const value of [latitude, longitude, altitude]) writer.u32(value);
    },
    print: (reader) => {
      if (reader.u8() !== 0) return undefined;
      const precisions = [reader.u8(), reader.u8(), reader.u8()].map(formatPrecision);
      const [latitude, longitude, altitude] = [reader.u32(), reader.u32(), reader.u32()];
      if (precisions.includes(undefined)) return undefined;
      if (Math.abs(latitude - ZERO_ANGLE) > 90 * MILLISECONDS_PER_DEGREE) return undefined;
      if (Math.abs(longitude - ZERO_ANGLE) > 180 * MILLISECONDS_PER_DEGREE) return undefined;
      const metres = ((altitude - ALTITUDE_BASE) / 100).toFixed(2);
      return `${formatAngle(latitude, 'NS')} ${formatAngle(longitude, 'EW')} ${metres}m ${precisions.join(' ')}`;
    },
  },
];

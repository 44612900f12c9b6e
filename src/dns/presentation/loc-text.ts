/**
 * LOC in presentation form (RFC 1876 §3): `52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`. Only version 0 has a
 * text.
 */
import type { TextField } from './text-fields.ts';
import { PresentationError, shown, type TokenCursor } from './text-tokens.ts';

const EQUATOR = 2 ** 31;
const MILLISECONDS_PER_DEGREE = 3_600_000;
/** The reference of the altitude lies 100 km below the ellipsoid; values are centimetres. */
const ALTITUDE_BASE = 10_000_000;

function angle(tokens: TokenCursor, what: string, letters: 'NS' | 'EW', degrees: number): number {
  const bad = (text: string): never => {
    throw new PresentationError(`${what} must be as 52 22 23.000 ${letters[0]}; there is '${shown(text)}'`);
  };
  let milliseconds = 0;
  for (const unit of [3_600_000, 60_000, 1000, 0]) {
    const text = tokens.word(what);
    if (unit < MILLISECONDS_PER_DEGREE && letters.includes(text.toUpperCase()) && text.length === 1) {
      if (milliseconds > degrees * MILLISECONDS_PER_DEGREE) bad(`more than ${degrees} degrees`);
      return EQUATOR + (text.toUpperCase() === letters[0] ? milliseconds : -milliseconds);
    }
    if (!(unit === 1000 ? /^\d{1,2}(\.\d{1,3})?$/ : /^\d{1,3}$/).test(text)) bad(text);
    if (unit === 0 || (unit < MILLISECONDS_PER_DEGREE && Number(text) >= 60)) bad(text);
    milliseconds += Math.round(Number(text) * unit);
  }
  return bad('no letter');
}

function formatAngle(value: number, letters: 'NS' | 'EW'): string {
  const milliseconds = Math.abs(value - EQUATOR);
  const degrees = Math.floor(milliseconds / MILLISECONDS_PER_DEGREE);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = ((milliseconds % 60_000) / 1000).toFixed(3);
  return `${degrees} ${minutes} ${seconds} ${value >= EQUATOR ? letters[0] : letters[1]}`;
}

function centimetres(text: string, what: string): number {
  if (!/^-?\d{1,8}(\.\d{1,2})?m?$/i.test(text)) {
    throw new PresentationError(`${what} must be metres, as 10.00m; it is '${shown(text)}'`);
  }
  return Math.round(Number(text.replace(/m$/i, '')) * 100);
}

/** A length as one digit and a power of ten of centimetres, four bits each. */
function precision(tokens: TokenCursor, what: string, preset: number): number {
  if (tokens.done) return preset;
  let value = centimetres(tokens.word(what), what);
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
      const latitude = angle(tokens, 'the latitude', 'NS', 90);
      const longitude = angle(tokens, 'the longitude', 'EW', 180);
      const altitude = centimetres(tokens.word('the altitude'), 'the altitude') + ALTITUDE_BASE;
      if (altitude < 0 || altitude > 0xffff_ffff) throw new PresentationError('the altitude is out of range');
      writer.u8(0);
      writer.u8(precision(tokens, 'the size', 0x12));
      writer.u8(precision(tokens, 'the horizontal precision', 0x16));
      writer.u8(precision(tokens, 'the vertical precision', 0x13));
      for (const value of [latitude, longitude, altitude]) writer.u32(value);
    },
    print: (reader) => {
      if (reader.u8() !== 0) return undefined;
      const lengths = [reader.u8(), reader.u8(), reader.u8()].map(formatPrecision);
      const [latitude, longitude, altitude] = [reader.u32(), reader.u32(), reader.u32()];
      if (lengths.includes(undefined)) return undefined;
      if (Math.abs(latitude - EQUATOR) > 90 * MILLISECONDS_PER_DEGREE) return undefined;
      if (Math.abs(longitude - EQUATOR) > 180 * MILLISECONDS_PER_DEGREE) return undefined;
      const metres = ((altitude - ALTITUDE_BASE) / 100).toFixed(2);
      return `${formatAngle(latitude, 'NS')} ${formatAngle(longitude, 'EW')} ${metres}m ${lengths.join(' ')}`;
    },
  },
];

/**
 * Numbers and octets in presentation form: times with units, the dates of RRSIG (RFC 4034 §3.2), base32hex (RFC 4648 §7)
 * without padding (RFC 5155 §3.3).
 */

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds from `3600`, `1h` or `1h30m`; undefined for other texts. The caller checks the range. */
export function parseSeconds(text: string): number | undefined {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  if (!/^(\d{1,12}[smhdw])+$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, digits, unit] of text.matchAll(/(\d{1,12})(\D)/g))
    seconds += Number(digits) * UNIT_SECONDS[unit!.toLowerCase()]!;
  return seconds;
}

/** Seconds since 1970 from `YYYYMMDDHHmmSS` in UTC or a decimal number of 32 bits; undefined for other texts. */
export function parseSignatureTime(text: string): number | undefined {
  const fields = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)?.slice(1).map(Number);
  if (fields === undefined) return /^\d{1,10}$/.test(text) && Number(text) <= 0xffff_ffff ? Number(text) : undefined;
  const [year, month, day, hour, minute, second] = fields as [number, number, number, number, number, number];
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  // An invalid date such as 31 February is formatted as another one.
  if (seconds < 0 || seconds > 0xffff_ffff || formatSignatureTime(seconds) !== text) return undefined;
  return seconds;
}

export function formatSignatureTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);
}

const BASE32HEX = '0123456789abcdefghijklmnopqrstuv';

export function formatBase32Hex(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let count = 0;
  for (const octet of octets) {
    bits = ((bits << 8) | octet) & 0xfff;
    for (count += 8; count >= 5; count -= 5) text += BASE32HEX[(bits >> (count - 5)) & 31];
  }
  return count > 0 ? text + BASE32HEX[(bits << (5 - count)) & 31] : text;
}

/** The octets; undefined if the text is not base32hex. */
export function parseBase32Hex(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let count = 0;
  let length = 0;
  for (const character of text.toLowerCase()) {
    const value = BASE32HEX.indexOf(character);
    if (value < 0) return undefined;
    bits = ((bits << 5) | value) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    octets[length++] = bits >> count;
  }
  // The padding bits are fewer than a digit has, and zero.
  return count < 5 && (bits & ((1 << count) - 1)) === 0 ? octets : undefined;
}

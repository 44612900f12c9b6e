/** Time-based one-time passwords (RFC 6238, with the defaults of authenticator apps: SHA-1, 6 digits, 30 s) and recovery codes. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const STEP_MS = 30_000;
const DIGITS = 6;
/** As RFC 4226 §4 recommends. */
const SECRET_OCTETS = 20;
/** Steps before and after the current one, for clocks that are not exact (RFC 6238 §5.2). */
const WINDOW = 1;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const RECOVERY_CODES = 10;
const RECOVERY_OCTETS = 10;

/** @returns Base32 @param random returns this number of random octets */
export function newTotpSecret(random: (octets: number) => Uint8Array): string {
  return base32(random(SECRET_OCTETS));
}

/** For the QR code of an authenticator app. */
export function totpUri(secret: string, userName: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(userName)}`;
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(issuer)}`;
}

/** The step of which this is the code; undefined: of none that is valid now. @param nowMs milliseconds since 1970 */
export function totpStep(secret: string, code: string, nowMs: number): number | undefined {
  if (!/^[0-9]{6}$/.test(code)) return undefined;
  const now = Math.floor(nowMs / STEP_MS);
  let found: number | undefined;
  for (let step = now - WINDOW; step <= now + WINDOW; step += 1) {
    if (timingSafeEqual(Buffer.from(codeAt(secret, step)), Buffer.from(code))) found = step;
  }
  return found;
}

/** HOTP (RFC 4226 §5.3) of a step. */
export function codeAt(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const offset = mac[mac.length - 1]! & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

/** Codes like `abcd-efgh-jkmn-pqrs`, of 80 random bits. */
export function newRecoveryCodes(random: (octets: number) => Uint8Array): readonly string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    const letters = base32(random(RECOVERY_OCTETS)).toLowerCase();
    return letters.replace(/.{4}(?=.)/g, '$&-');
  });
}

/** As it is hashed: a person may type it with other signs between the letters. */
export function plainRecoveryCode(text: string): string {
  return text.toLowerCase().replace(/[^a-z2-7]/g, '');
}

function base32(octets: Uint8Array): string {
  let bits = '';
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((part) => BASE32[Number.parseInt(part.padEnd(5, '0'), 2)]).join('');
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

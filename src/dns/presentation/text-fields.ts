/** Fields of RDATA, each with its presentation form and its octets. The syntax of a type (rdata-text.ts) is a list of them. */

import { formatIpv4, formatIpv6, ipv4Octets, ipv6Octets, parseIpAddress } from '../address.ts';
import { excerpt } from '../excerpt.ts';
import { DomainName } from '../name.ts';
import { formatRRType, parseRRType } from '../rdata.ts';
import { typeBitmaps, writeTypeBitmaps } from '../wire/rdata-codec.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  formatBase32Hex,
  formatSignatureTime,
  parseBase32Hex,
  parseSeconds,
  parseSignatureTime,
} from './text-numbers.ts';
import { PresentationError, quoteText, type TokenCursor, unescapeText } from './text-tokens.ts';

export interface TextField {
  /** @throws PresentationError, NameError */
  read(tokens: TokenCursor, writer: WireWriter): void;
  /**
   * The text of the next octets; undefined if the value has none and the RDATA is formatted as octets (RFC 3597 §5).
   * @throws WireError if the octets are malformed
   */
  print(reader: WireReader, origin: DomainName | undefined): string | undefined;
}

type Width = 8 | 16 | 32;

function writeNumber(writer: WireWriter, width: Width, value: number): void {
  if (width === 8) writer.u8(value);
  else if (width === 16) writer.u16(value);
  else writer.u32(value);
}

function readNumber(reader: WireReader, width: Width): number {
  if (width === 8) return reader.u8();
  return width === 16 ? reader.u16() : reader.u32();
}

/** A decimal number. @param mnemonics other spellings that are accepted */
function number(width: Width, what: string, mnemonics?: ReadonlyMap<string, number>): TextField {
  const largest = 2 ** width - 1;
  return {
    read: (tokens, writer) => {
      const text = tokens.word(what);
      const value = /^\d{1,10}$/.test(text) ? Number(text) : mnemonics?.get(text.toUpperCase());
      if (value === undefined || value > largest) {
        throw new PresentationError(`${what} must be a number from 0 to ${largest}; it is '${excerpt(text)}'`);
      }
      writeNumber(writer, width, value);
    },
    print: (reader) => String(readNumber(reader, width)),
  };
}

export const u8 = (what: string): TextField => number(8, what);
export const u16 = (what: string): TextField => number(16, what);
export const u32 = (what: string): TextField => number(32, what);

/** DNSSEC algorithms (IANA "DNS Security Algorithm Numbers"): read as mnemonic or number, formatted as number (RFC 4034 §2.2). */
const ALGORITHMS = new Map(
  Object.entries({
    ...{ DELETE: 0, RSAMD5: 1, DH: 2, DSA: 3, RSASHA1: 5, 'DSA-NSEC3-SHA1': 6, 'RSASHA1-NSEC3-SHA1': 7, RSASHA256: 8 },
    ...{ RSASHA512: 10, 'ECC-GOST': 12, ECDSAP256SHA256: 13, ECDSAP384SHA384: 14, ED25519: 15, ED448: 16 },
    ...{ INDIRECT: 252, PRIVATEDNS: 253, PRIVATEOID: 254 },
  }),
);
export const algorithm: TextField = number(8, 'the algorithm', ALGORITHMS);

/** Digest types of DS (IANA "Digest Algorithms"). */
export const digestType: TextField = number(
  8,
  'the digest type',
  new Map(Object.entries({ 'SHA-1': 1, 'SHA-256': 2, GOST: 3, 'SHA-384': 4 })),
);

/** DSYNC schemes (RFC 9859 §6.2). */
export const scheme: TextField = number(8, 'the scheme', new Map([['NOTIFY', 1]]));

/** CERT types (RFC 4398 §2.1). */
const CERTIFICATES = new Map(
  Object.entries({ PKIX: 1, SPKI: 2, PGP: 3, IPKIX: 4, ISPKI: 5, IPGP: 6, ACPKIX: 7, IACPKIX: 8, URI: 253, OID: 254 }),
);
export const certificateType: TextField = number(16, 'the certificate type', CERTIFICATES);

/** Seconds, 32 bits; read with or without units. */
export const seconds = (what: string): TextField => ({
  read: (tokens, writer) => {
    const text = tokens.word(what);
    const value = parseSeconds(text);
    if (value === undefined || value > 0xffff_ffff) {
      throw new PresentationError(
        `${what} must be seconds, or a time such as 1h30m, below 2^32; it is '${excerpt(text)}'`,
      );
    }
    writer.u32(value);
  },
  print: (reader) => String(reader.u32()),
});

export const signatureTime = (what: string): TextField => ({
  read: (tokens, writer) => {
    const text = tokens.word(what);
    const value = parseSignatureTime(text);
    if (value === undefined) {
      throw new PresentationError(`${what} must be a date YYYYMMDDHHmmSS; it is '${excerpt(text)}'`);
    }
    writer.u32(value);
  },
  print: (reader) => formatSignatureTime(reader.u32()),
});

/** Parses a name of a zone file: `@` is the origin, a name without a final dot is relative to it (RFC 1035 §5.1). */
export function parseZoneFileName(text: string, origin: DomainName): DomainName {
  return text === '@' ? origin : DomainName.parse(text, origin);
}

/** The name relative to the origin, or absolute if the case of the origin's labels would be lost. */
export function formatZoneFileName(name: DomainName, origin: DomainName | undefined): string {
  const text = name.toString();
  if (origin === undefined || name.isRoot || !name.isAtOrBelow(origin)) return text;
  if (!name.wireText.endsWith(origin.wireText)) return text;
  if (name.octets.length === origin.octets.length) return '@';
  return text.slice(0, origin.isRoot ? -1 : -1 - origin.toString().length);
}

export const name = (what: string): TextField => ({
  read: (tokens, writer) => writer.bytes(parseZoneFileName(tokens.word(what), tokens.origin).octets),
  print: (reader, origin) => formatZoneFileName(reader.name(false), origin),
});

export const ipv4: TextField = {
  read: (tokens, writer) => {
    const text = tokens.word('the address');
    if (parseIpAddress(text)?.family !== 4) throw new PresentationError(`'${excerpt(text)}' is not an IPv4 address`);
    writer.bytes(ipv4Octets(text));
  },
  print: (reader) => formatIpv4(reader.bytes(4), 0),
};

export const ipv6: TextField = {
  read: (tokens, writer) => {
    const text = tokens.word('the address');
    if (parseIpAddress(text)?.family !== 6) throw new PresentationError(`'${excerpt(text)}' is not an IPv6 address`);
    writer.bytes(ipv6Octets(text));
  },
  print: (reader) => formatIpv6(reader.bytes(16)),
};

function readString(tokens: TokenCursor, what: string): Buffer {
  const octets = unescapeText(tokens.next(what).text);
  if (octets.length > 255) {
    throw new PresentationError(
      `${what} has ${octets.length} octets and a string has at most 255: split it into several quoted strings`,
    );
  }
  return octets;
}

/** One character-string (RFC 1035 §3.3). */
export const string = (what: string): TextField => ({
  read: (tokens, writer) => writer.characterString(readString(tokens, what)),
  print: (reader) => quoteText(reader.characterString()),
});

/** One or more character-strings up to the end. */
export const strings = (what: string): TextField => ({
  read: (tokens, writer) => {
    do writer.characterString(readString(tokens, what));
    while (!tokens.done);
  },
  print: (reader) => {
    const texts: string[] = [];
    do texts.push(quoteText(reader.characterString()));
    while (reader.remaining > 0);
    return texts.join(' ');
  },
});

/** One text without a length octet, up to the end (CAA, URI). @param mustBeQuoted as RFC 7553 §4.4 requires for URI */
export const restText = (what: string, mustBeQuoted = false): TextField => ({
  read: (tokens, writer) => {
    const { text, quoted } = tokens.next(what);
    if (mustBeQuoted && !quoted) throw new PresentationError(`${what} must be quoted`);
    writer.bytes(unescapeText(text));
  },
  print: (reader) => quoteText(reader.rest()),
});

/** CAA's tag: letters and digits (RFC 8659 §4.1). */
export const tag: TextField = {
  read: (tokens, writer) => {
    const text = tokens.word('the tag');
    if (!/^[a-z0-9]{1,255}$/i.test(text)) {
      throw new PresentationError(`the tag must be letters and digits, such as issue; it is '${excerpt(text)}'`);
    }
    writer.characterString(Buffer.from(text, 'latin1'));
  },
  print: (reader) => Buffer.from(reader.characterString()).toString('latin1'),
};

export function hexOctets(text: string, what: string): Buffer {
  if (!/^([0-9a-f]{2})+$/i.test(text)) {
    throw new PresentationError(`${what} must be pairs of hexadecimal digits; it is '${excerpt(text)}'`);
  }
  return Buffer.from(text, 'hex');
}

/** Hexadecimal digits up to the end; at least one octet. */
export const restHex = (what: string): TextField => ({
  read: (tokens, writer) => writer.bytes(hexOctets(tokens.joined(what), what)),
  print: (reader) => Buffer.from(reader.rest()).toString('hex').toUpperCase() || undefined,
});

/** Base64 up to the end; at least one octet. */
export const restBase64 = (what: string): TextField => ({
  read: (tokens, writer) => {
    const text = tokens.joined(what);
    if (text.length % 4 !== 0 || !/^[a-z0-9+/]+={0,2}$/i.test(text)) {
      throw new PresentationError(`${what} must be base64; it is '${excerpt(text)}'`);
    }
    writer.bytes(Buffer.from(text, 'base64'));
  },
  print: (reader) => Buffer.from(reader.rest()).toString('base64') || undefined,
});

/** NSEC3's salt: hexadecimal, or `-` for none (RFC 5155 §3.3). */
export const salt: TextField = {
  read: (tokens, writer) => {
    const text = tokens.word('the salt');
    if (text.length > 510) throw new PresentationError('the salt has more than 255 octets');
    writer.characterString(text === '-' ? Buffer.alloc(0) : hexOctets(text, 'the salt'));
  },
  print: (reader) => Buffer.from(reader.characterString()).toString('hex').toUpperCase() || '-',
};

export const nextHashed: TextField = {
  read: (tokens, writer) => {
    const text = tokens.word('the next hashed owner name');
    const octets = parseBase32Hex(text);
    if (octets === undefined || octets.length > 255) {
      throw new PresentationError(`the next hashed owner name must be base32hex; it is '${excerpt(text)}'`);
    }
    writer.characterString(octets);
  },
  print: (reader) => formatBase32Hex(reader.characterString()).toUpperCase() || undefined,
};

function typeNumber(text: string): number {
  const type = parseRRType(text);
  if (type === undefined)
    throw new PresentationError(`'${excerpt(text)}' is not a known RR type: write TYPE and its number`);
  return type;
}

/** @param number whether a number alone is accepted, too */
export const rrType = (what: string, number = false): TextField => ({
  read: (tokens, writer) => {
    const text = tokens.word(what);
    writer.u16(typeNumber(number && /^\d{1,5}$/.test(text) ? `TYPE${text}` : text));
  },
  print: (reader) => formatRRType(reader.u16()),
});

/** The type bitmap of NSEC, NSEC3 and CSYNC, up to the end (RFC 4034 §4.1.2). */
export const typeBitmap: TextField = {
  read: (tokens, writer) => {
    const types: number[] = [];
    while (!tokens.done) types.push(typeNumber(tokens.word('a type')));
    writeTypeBitmaps(writer, types);
  },
  print: (reader) => typeBitmaps(reader).map(formatRRType).join(' '),
};

/** Separated groups of hexadecimal digits: 00-00-5e-00-53-2a (RFC 7043 §3.2), 0014:4fff:ff20:ee64 (RFC 6742 §2.1.2). */
export const groups = (what: string, count: number, digits: 2 | 4, separator: '-' | ':'): TextField => ({
  read: (tokens, writer) => {
    const text = tokens.word(what);
    const parts = text.split(separator);
    if (parts.length !== count || parts.some((part) => part.length > digits || !/^[0-9a-f]+$/i.test(part))) {
      throw new PresentationError(`${what} must be ${count} groups of hexadecimal digits; it is '${excerpt(text)}'`);
    }
    for (const part of parts) writeNumber(writer, digits === 2 ? 8 : 16, Number.parseInt(part, 16));
  },
  print: (reader) => {
    const numbers = Array.from({ length: count }, () => readNumber(reader, digits === 2 ? 8 : 16));
    return numbers.map((value) => value.toString(16).padStart(digits, '0')).join(separator);
  },
});

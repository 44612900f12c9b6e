/**
 * Presentation forms with a gateway or an address prefix: IPSECKEY (RFC 4025 §3), AMTRELAY (RFC 8777 §4.3), HIP
 * (RFC 8005 §6) and APL (RFC 3123 §5). A gateway type above 3 and an address family other than IPv4 and IPv6 are printed
 * as octets.
 */
import { formatIpv4, formatIpv6, ipv4Octets, ipv6Octets, parseIpAddress } from '../address.ts';
import { excerpt } from '../excerpt.ts';
import type { DomainName } from '../name.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import { hexOctets, ipv4, ipv6, name, type TextField } from './text-fields.ts';
import { PresentationError, type TokenCursor } from './text-tokens.ts';

function readOctet(tokens: TokenCursor, what: string, largest: number): number {
  const text = tokens.word(what);
  if (!/^\d{1,3}$/.test(text) || Number(text) > largest) {
    throw new PresentationError(`${what} must be a number from 0 to ${largest}; it is '${excerpt(text)}'`);
  }
  return Number(text);
}

/** By type: none (a dot), IPv4, IPv6, a name. */
const GATEWAYS: readonly TextField[] = [
  {
    read: (tokens) => {
      const text = tokens.word('the gateway');
      if (text !== '.') throw new PresentationError(`a gateway of type 0 is a dot; it is '${excerpt(text)}'`);
    },
    print: () => '.',
  },
  ipv4,
  ipv6,
  name('the gateway'),
];

function printGateway(type: number, reader: WireReader, origin: DomainName | undefined): string | undefined {
  return GATEWAYS[type]?.print(reader, origin);
}

export const ipsecGateway: TextField = {
  read: (tokens, writer) => {
    const precedence = readOctet(tokens, 'the precedence', 255);
    const type = readOctet(tokens, 'the gateway type', 3);
    const algorithm = readOctet(tokens, 'the algorithm', 255);
    writer.bytes(Uint8Array.of(precedence, type, algorithm));
    GATEWAYS[type]!.read(tokens, writer);
  },
  print: (reader, origin) => {
    const [precedence, type, algorithm] = [reader.u8(), reader.u8(), reader.u8()];
    const gateway = printGateway(type, reader, origin);
    return gateway && `${precedence} ${type} ${algorithm} ${gateway}`;
  },
};

/** The high bit of the type octet is the D-bit (RFC 8777 §4.2.2). */
export const amtRelay: TextField = {
  read: (tokens, writer) => {
    const precedence = readOctet(tokens, 'the precedence', 255);
    const discovery = readOctet(tokens, 'the discovery flag', 1);
    const type = readOctet(tokens, 'the relay type', 3);
    writer.bytes(Uint8Array.of(precedence, (discovery << 7) | type));
    GATEWAYS[type]!.read(tokens, writer);
  },
  print: (reader, origin) => {
    const [precedence, octet] = [reader.u8(), reader.u8()];
    const relay = printGateway(octet & 0x7f, reader, origin);
    return relay && `${precedence} ${octet >> 7} ${octet & 0x7f} ${relay}`;
  },
};

/** Algorithm, HIT in hexadecimal, public key in base64, and the names of rendezvous servers. */
export const hostIdentity: TextField = {
  read: (tokens, writer) => {
    const algorithm = readOctet(tokens, 'the algorithm', 255);
    const tag = hexOctets(tokens.word('the HIT'), 'the HIT');
    const text = tokens.word('the public key');
    if (tag.length > 255) throw new PresentationError('the HIT has more than 255 octets');
    if (text.length % 4 !== 0 || !/^[a-z0-9+/]+={0,2}$/i.test(text)) {
      throw new PresentationError(`the public key must be base64 without spaces; it is '${excerpt(text)}'`);
    }
    const key = Buffer.from(text, 'base64');
    if (key.length > 0xffff) throw new PresentationError('the public key is longer than 65535 octets');
    writer.bytes(Uint8Array.of(tag.length, algorithm, key.length >> 8, key.length & 0xff, ...tag));
    writer.bytes(key);
    while (!tokens.done) name('the rendezvous server').read(tokens, writer);
  },
  print: (reader, origin) => {
    const [tagLength, algorithm, keyLength] = [reader.u8(), reader.u8(), reader.u16()];
    if (tagLength === 0 || keyLength === 0) return undefined;
    const tag = Buffer.from(reader.bytes(tagLength)).toString('hex').toUpperCase();
    const texts = [String(algorithm), tag, Buffer.from(reader.bytes(keyLength)).toString('base64')];
    while (reader.remaining > 0) texts.push(name('').print(reader, origin)!);
    return texts.join(' ');
  },
};

interface AddressFamily {
  readonly family: 4 | 6;
  readonly octets: number;
  parse(text: string): Uint8Array;
  format(octets: Uint8Array): string;
}

/** By IANA address family number. */
const FAMILIES: ReadonlyMap<number, AddressFamily> = new Map([
  [1, { family: 4, octets: 4, parse: ipv4Octets, format: (octets) => formatIpv4(octets, 0) }],
  [2, { family: 6, octets: 16, parse: ipv6Octets, format: (octets) => formatIpv6(octets) }],
]);

function readPrefix(text: string, writer: WireWriter): void {
  const [, negation, number, address, length] = /^(!?)(\d{1,5}):([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = FAMILIES.get(Number(number));
  if (
    family === undefined ||
    parseIpAddress(address!)?.family !== family.family ||
    Number(length) > family.octets * 8
  ) {
    throw new PresentationError(`a prefix must look like 1:192.0.2.0/24 or !2:2001:db8::/32; it is '${excerpt(text)}'`);
  }
  const octets = family.parse(address!);
  let used = octets.length;
  while (used > 0 && octets[used - 1] === 0) used -= 1;
  writer.u16(Number(number));
  writer.u8(Number(length));
  writer.u8((negation === '!' ? 0x80 : 0) | used);
  writer.bytes(octets.subarray(0, used));
}

function printPrefix(reader: WireReader): string | undefined {
  const [number, length, octet] = [reader.u16(), reader.u8(), reader.u8()];
  const octets = reader.bytes(octet & 0x7f);
  const family = FAMILIES.get(number);
  if (family === undefined || length > family.octets * 8 || octets.length > family.octets) return undefined;
  if (octets.at(-1) === 0) return undefined;
  const address = new Uint8Array(family.octets);
  address.set(octets);
  return `${octet >= 0x80 ? '!' : ''}${number}:${family.format(address)}/${length}`;
}

/** Prefixes up to the end; possibly none. */
export const addressPrefixes: TextField = {
  read: (tokens, writer) => {
    while (!tokens.done) readPrefix(tokens.word('a prefix'), writer);
  },
  print: (reader) => {
    const texts: string[] = [];
    while (reader.remaining > 0) {
      const text = printPrefix(reader);
      if (text === undefined) return undefined;
      texts.push(text);
    }
    return texts.join(' ');
  },
};

/**
 * RDATA in presentation form (RFC 1035 §5.1 and the RFC of each type), and `\# length hexadecimal` for every type
 * (RFC 3597 §5). To add a type: a row here; wire/rdata-codec.ts checks its octets if it has a structure there.
 *
 * Left out, so only as `\#`: WKS, NSAP, A6, KEY, SIG, NXT and the experiments among the types.
 */
import { excerpt } from '../excerpt.ts';
import { DomainName, NameError } from '../name.ts';
import { formatRRType, type Rdata } from '../rdata.ts';
import { decodeRdata, encodeRdata } from '../wire/rdata-codec.ts';
import { WireError, WireReader } from '../wire/reader.ts';
import { WireOverflow, WireWriter } from '../wire/writer.ts';
import { addressPrefixes, amtRelay, hostIdentity, ipsecGateway } from './gateway-text.ts';
import { locFields } from './loc-text.ts';
import { ScanError, scanWords } from './scanner.ts';
import { svcParams } from './svcb-text.ts';
import {
  algorithm,
  certificateType,
  digestType,
  groups,
  ipv4,
  ipv6,
  name,
  nextHashed,
  restBase64,
  restHex,
  restText,
  rrType,
  salt,
  scheme,
  seconds,
  signatureTime,
  string,
  strings,
  type TextField,
  tag,
  typeBitmap,
  u8,
  u16,
  u32,
} from './text-fields.ts';
import { PresentationError, type TextToken, TokenCursor } from './text-tokens.ts';

const DS = [u16('the key tag'), algorithm, digestType, restHex('the digest')];
const DNSKEY = [u16('the flags'), u8('the protocol'), algorithm, restBase64('the public key')];
const SVCB = [u16('the priority'), name('the target'), svcParams];
const TLSA = [u8('the usage'), u8('the selector'), u8('the matching type'), restHex('the data')];
const TARGET = [name('the target')];
const TEXTS = [strings('the text')];

const FIELDS: Readonly<Record<string, readonly TextField[]>> = {
  A: [ipv4],
  AAAA: [ipv6],
  NS: [name('the nameserver')],
  CNAME: TARGET,
  DNAME: TARGET,
  PTR: TARGET,
  SOA: [
    name('MNAME'),
    name('RNAME'),
    u32('the serial'),
    seconds('refresh'),
    seconds('retry'),
    seconds('expire'),
    seconds('minimum'),
  ],
  MX: [u16('the preference'), name('the mail server')],
  TXT: TEXTS,
  SRV: [u16('the priority'), u16('the weight'), u16('the port'), name('the target')],
  CAA: [u8('the flags'), tag, restText('the value')],
  NAPTR: [
    u16('the order'),
    u16('the preference'),
    string('the flags'),
    string('the services'),
    string('the regexp'),
    name('the replacement'),
  ],
  SSHFP: [u8('the algorithm'), u8('the fingerprint type'), restHex('the fingerprint')],
  TLSA,
  DS,
  CDS: DS,
  DNSKEY,
  CDNSKEY: DNSKEY,
  RRSIG: [
    rrType('the type covered'),
    algorithm,
    u8('the number of labels'),
    seconds('the original TTL'),
    signatureTime('the expiration'),
    signatureTime('the inception'),
    u16('the key tag'),
    name('the signer'),
    restBase64('the signature'),
  ],
  NSEC: [name('the next name'), typeBitmap],
  NSEC3: [u8('the hash algorithm'), u8('the flags'), u16('the iterations'), salt, nextHashed, typeBitmap],
  NSEC3PARAM: [u8('the hash algorithm'), u8('the flags'), u16('the iterations'), salt],
  SVCB,
  HTTPS: SVCB,
  // Types without a structure in rdata.ts.
  MD: TARGET,
  MF: TARGET,
  MB: TARGET,
  MG: TARGET,
  MR: TARGET,
  HINFO: [string('the CPU'), string('the system')],
  MINFO: [name('the mailbox'), name('the mailbox for errors')],
  RP: [name('the mailbox'), name('the name of the text')],
  AFSDB: [u16('the subtype'), name('the host')],
  X25: [string('the address')],
  ISDN: [strings('the address')],
  RT: [u16('the preference'), name('the host')],
  'NSAP-PTR': TARGET,
  PX: [u16('the preference'), name('MAP822'), name('MAPX400')],
  GPOS: [string('the longitude'), string('the latitude'), string('the altitude')],
  LOC: locFields,
  APL: [addressPrefixes],
  IPSECKEY: [ipsecGateway, restBase64('the public key')],
  HIP: [hostIdentity],
  AMTRELAY: [amtRelay],
  DSYNC: [rrType('the RR type', true), scheme, u16('the port'), name('the target')],
  HHIT: [restBase64('the data')],
  BRID: [restBase64('the data')],
  KX: [u16('the preference'), name('the exchanger')],
  CERT: [certificateType, u16('the key tag'), algorithm, restBase64('the certificate')],
  DHCID: [restBase64('the digest')],
  SMIMEA: TLSA,
  NINFO: TEXTS,
  OPENPGPKEY: [restBase64('the public key')],
  CSYNC: [u32('the serial'), u16('the flags'), typeBitmap],
  ZONEMD: [u32('the serial'), u8('the scheme'), u8('the hash algorithm'), restHex('the digest')],
  SPF: TEXTS,
  NID: [u16('the preference'), groups('the node id', 4, 4, ':')],
  L32: [u16('the preference'), ipv4],
  L64: [u16('the preference'), groups('the locator', 4, 4, ':')],
  LP: [u16('the preference'), name('the name')],
  EUI48: [groups('the address', 6, 2, '-')],
  EUI64: [groups('the address', 8, 2, '-')],
  URI: [u16('the priority'), u16('the weight'), restText('the URI', true)],
  AVC: TEXTS,
  RESINFO: TEXTS,
  WALLET: TEXTS,
  TA: DS,
  DLV: DS,
};

const FIELDS_OF_TYPE = new Map<string, readonly TextField[]>(Object.entries(FIELDS));

/**
 * Parses the presentation form of RDATA.
 * @param origin of relative names in the text
 * @throws PresentationError that names the type and the field
 */
export function parseRdata(type: number, text: string, origin: DomainName = DomainName.root): Rdata {
  try {
    return parseRdataTokens(type, scanWords(text), origin);
  } catch (error) {
    if (error instanceof ScanError) throw new PresentationError(error.message);
    throw error;
  }
}

/** As parseRdata, for the tokens of a zone file. */
export function parseRdataTokens(type: number, tokens: readonly TextToken[], origin: DomainName): Rdata {
  const cursor = new TokenCursor(tokens, origin);
  const mnemonic = formatRRType(type);
  try {
    if (isUnknownForm(tokens)) return rdataFromOctets(type, readUnknownForm(cursor));
    return decodeRdata(new WireReader(readFields(mnemonic, cursor)), type);
  } catch (error) {
    if (error instanceof PresentationError) throw new PresentationError(`${mnemonic}: ${error.message}`);
    if (error instanceof NameError) throw new PresentationError(`${mnemonic}: ${error.message.replace(/\.$/, '')}`);
    if (error instanceof WireError) throw new PresentationError(`${mnemonic}: malformed RDATA: ${error.message}`);
    if (error instanceof WireOverflow)
      throw new PresentationError(`${mnemonic}: the RDATA is longer than 65535 octets`);
    throw error;
  }
}

function isUnknownForm(tokens: readonly TextToken[]): boolean {
  return tokens[0]?.text === '\\#' && !tokens[0].quoted;
}

function readFields(mnemonic: string, cursor: TokenCursor): Uint8Array {
  const fields = FIELDS_OF_TYPE.get(mnemonic);
  if (fields === undefined) {
    throw new PresentationError(
      'this type is only read as \\#, the number of octets, and hexadecimal digits (RFC 3597 §5)',
    );
  }
  const writer = new WireWriter(64, false);
  for (const field of fields) field.read(cursor, writer);
  if (!cursor.done) {
    const { text } = cursor.next('');
    throw new PresentationError(`there is data after the last field: '${excerpt(text)}'`);
  }
  return writer.finish();
}

function readUnknownForm(cursor: TokenCursor): Uint8Array {
  cursor.next('');
  const length = cursor.word('the number of octets');
  const digits = cursor.done ? '' : cursor.joined('the octets');
  if (!/^\d{1,5}$/.test(length) || Number(length) > 0xffff || !/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new PresentationError('\\# must be followed by a number of octets and pairs of hexadecimal digits');
  }
  if (digits.length !== Number(length) * 2) {
    throw new PresentationError(`\\# ${length} is followed by ${digits.length / 2} octets`);
  }
  return Buffer.from(digits, 'hex');
}

/** Names after `\#` must not be compressed (RFC 3597 §5): decoding and encoding must give the same octets. */
function rdataFromOctets(type: number, octets: Uint8Array): Rdata {
  const rdata = decodeRdata(new WireReader(octets), type);
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  if (!writer.finish().equals(octets)) throw new PresentationError('malformed RDATA: a compressed name');
  return rdata;
}

/**
 * The presentation form of RDATA, in one line.
 * @param origin names at or below it are formatted relative to it
 */
export function formatRdata(type: number, rdata: Rdata, origin?: DomainName): string {
  if (rdata.kind === 'A' || rdata.kind === 'AAAA') return rdata.address;
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  const octets = writer.finish();
  return printFields(type, octets, origin) ?? unknownForm(octets);
}

function unknownForm(octets: Buffer): string {
  return `\\# ${octets.length} ${octets.toString('hex').toUpperCase()}`.trimEnd();
}

function printFields(type: number, octets: Uint8Array, origin: DomainName | undefined): string | undefined {
  const fields = FIELDS_OF_TYPE.get(formatRRType(type));
  if (fields === undefined) return undefined;
  const reader = new WireReader(octets);
  const texts: string[] = [];
  try {
    for (const field of fields) {
      const text = field.print(reader, origin);
      if (text === undefined) return undefined;
      if (text !== '') texts.push(text);
    }
  } catch (error) {
    // The octets of types without a structure are not checked when they are decoded.
    if (error instanceof WireError) return undefined;
    throw error;
  }
  return reader.remaining === 0 ? texts.join(' ') : undefined;
}

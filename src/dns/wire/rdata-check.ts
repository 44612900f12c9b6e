/**
 * Checks the octets of RDATA that is about to become zone data: UPDATE, zone files, static records. A record that passes
 * is accepted by BIND 9.18, Knot 3.2 and NSD 4.6 when they transfer the zone, and has a presentation form that they read
 * back. Where they differ, the strictest one decides (docs/decisions/0017-rdata.md).
 *
 * One row per RR type, with the section of its RFC. Left out: types unknown to all three, whose RDATA is any octets
 * (RFC 3597 §5). Messages of other servers are decoded without these checks (rdata-codec.ts).
 */
import { isMetaType, type Rdata, RRType } from '../rdata.ts';
import { isNaptrRegexp } from './naptr-regexp.ts';
import { encodedRdata, typeBitmaps } from './rdata-codec.ts';
import { WireError, WireReader } from './reader.ts';
import { checkSvcParams } from './svcb-check.ts';

/**
 * Octets of one record's RDATA: the record must fit into a message of 65,535 octets beside the header (12), a question
 * (259), its own owner name and fields (265), an OPT record with a cookie, and a TSIG record (up to 377).
 */
export const MAX_RDATA_OCTETS = 64_000;

/** Reads one field or more. @throws WireError */
type Check = (reader: WireReader) => void;

const octets =
  (count: number): Check =>
  (r) =>
    void r.bytes(count);
const name: Check = (r) => void r.name(false);
const string: Check = (r) => void r.characterString();

/** All that remains. @param least octets */
const rest =
  (least: number): Check =>
  (r) => {
    if (r.remaining < least) r.fail(`fewer than ${least} octets where its data should be`);
    r.offset = r.end;
  };

/** One character-string or more. @param most of them: NSD has a fixed number of fields for some types */
const strings =
  (most = Number.POSITIVE_INFINITY): Check =>
  (r) => {
    let count = 0;
    do {
      string(r);
      count += 1;
    } while (r.remaining > 0);
    if (count > most) r.fail(`more than ${most} character-strings`);
  };

const bitmap =
  (mayBeEmpty: boolean): Check =>
  (r) => {
    if (r.remaining === 0 && !mayBeEmpty) r.fail('an empty type bitmap');
    typeBitmaps(r);
  };

function exactly(r: WireReader, count: number, what: string): void {
  if (r.remaining !== count) r.fail(`${what} has ${r.remaining} octets instead of ${count}`);
  r.offset = r.end;
}

/** A digest up to the end. @param lengths by the number of its algorithm; other algorithms have any length above 0 */
function digest(r: WireReader, algorithm: number, lengths: ReadonlyMap<number, number>): void {
  const length = lengths.get(algorithm);
  if (length === undefined) rest(1)(r);
  else exactly(r, length, 'the digest');
}

/** RFC 4034 §A.2, RFC 4509 §2.2, RFC 6605 §2: SHA-1, SHA-256, SHA-384; BIND has no length for other types. */
const DS_DIGESTS = new Map([
  [1, 20],
  [2, 32],
  [4, 48],
]);
/** RFC 4255 §3.1.2, RFC 6594 §4.2: SHA-1, SHA-256. */
const SSHFP_DIGESTS = new Map([
  [1, 20],
  [2, 32],
]);
/** RFC 6698 §2.1.3: SHA-256, SHA-512. */
const TLSA_DIGESTS = new Map([
  [1, 32],
  [2, 64],
]);
/** RFC 8976 §2.2.3: SHA-384, SHA-512. */
const ZONEMD_DIGESTS = new Map([
  [1, 48],
  [2, 64],
]);
/** RFC 8976 §2.2.4. */
const ZONEMD_LEAST = 12;

const ds: Check = (r) => {
  octets(3)(r);
  digest(r, r.u8(), DS_DIGESTS);
};

const tlsa: Check = (r) => {
  octets(2)(r);
  digest(r, r.u8(), TLSA_DIGESTS);
};

/** The algorithm whose keys begin with a domain name (RFC 4034 §A.1.1). */
const PRIVATEDNS = 253;

function publicKey(r: WireReader, algorithm: number): void {
  if (r.remaining === 0) r.fail('the public key is missing');
  if (algorithm === PRIVATEDNS) name(r);
  rest(0)(r);
}

const dnskey: Check = (r) => {
  octets(3)(r);
  publicKey(r, r.u8());
};

const rkey: Check = (r) => {
  if (r.u16() !== 0) r.fail('the flags are not 0');
  r.u8();
  publicKey(r, r.u8());
};

/** RFC 2535 §3.1: a KEY whose flags say "no key" has none. */
const key: Check = (r) => {
  const flags = r.u16();
  r.u8();
  const algorithm = r.u8();
  if ((flags & 0xc000) !== 0xc000) publicKey(r, algorithm);
};

/** Mantissa and exponent are digits, and 0 is written as 0 (RFC 1876 §2). */
function isPrecision(octet: number): boolean {
  return octet === 0 || (octet >> 4 >= 1 && octet >> 4 <= 9 && (octet & 15) <= 9);
}

function angle(r: WireReader, degrees: number): void {
  if (Math.abs(r.u32() - 2 ** 31) > degrees * 3_600_000) r.fail(`an angle of more than ${degrees} degrees`);
}

/** RFC 1876 §2. Other versions than 0 are not read, but Knot holds 16 octets only. */
const loc: Check = (r) => {
  if (r.u8() !== 0) return octets(15)(r);
  for (let i = 0; i < 3; i++)
    if (!isPrecision(r.u8())) r.fail('a size or precision that is not a digit and an exponent');
  angle(r, 90);
  angle(r, 180);
  r.u32();
};

/** RFC 1183 §3.1: the number has at least 4 digits. */
const x25: Check = (r) => {
  if (!/^\d{4,}$/.test(Buffer.from(r.characterString()).toString('latin1'))) r.fail('not a PSDN address of digits');
};

const isdn: Check = (r) => {
  string(r);
  if (r.remaining > 0) string(r);
};

/** RFC 1035 §3.4.2: 65,536 ports at most, and no zero octets at the end. */
const wks: Check = (r) => {
  octets(5)(r);
  if (r.remaining > 8192) r.fail('a bitmap of more than 65536 ports');
  if (r.remaining > 0 && r.octets[r.end - 1] === 0) r.fail('a bitmap that ends in a zero octet');
  rest(0)(r);
};

/** RFC 2535 §5.2: at most 128 types, not type 0, no zero octets at the end. */
const nxt: Check = (r) => {
  name(r);
  if (r.remaining === 0) return;
  const types = r.rest();
  if (types.length > 16 || types[0]! & 0x80 || types.at(-1) === 0) r.fail('a malformed type bitmap');
};

const naptr: Check = (r) => {
  octets(4)(r);
  string(r);
  string(r);
  if (!isNaptrRegexp(r.characterString())) r.fail('a malformed regexp');
  name(r);
};

/** ATM Forum "ATM Name System" §5.2: format 1 is E.164, digits. */
const atma: Check = (r) => {
  const format = r.u8();
  const address = r.rest();
  if (address.length === 0) r.fail('the address is missing');
  if (format === 1 && !address.every((octet) => octet >= 0x30 && octet <= 0x39))
    r.fail('an address that is not digits');
};

/** RFC 2874 §3.1. */
const a6: Check = (r) => {
  const prefix = r.u8();
  if (prefix > 128) r.fail('a prefix length above 128');
  if (prefix < 128) {
    const suffix = r.bytes(16 - (prefix >> 3));
    if (suffix[0]! >> (8 - (prefix & 7)) > 0) r.fail('a suffix with bits of the prefix');
  }
  if (prefix > 0) name(r);
};

/** The number of fields that NSD has room for. */
const NSD_FIELDS = 64;

/** RFC 3123 §4: family, prefix, negation and length, and an address without zero octets at its end. */
const apl: Check = (r) => {
  for (let items = 1; r.remaining > 0; items++) {
    if (items > NSD_FIELDS) r.fail(`more than ${NSD_FIELDS} prefixes`);
    const bits = 8 * ({ 1: 4, 2: 16 }[r.u16()] ?? 127);
    const prefix = r.u8();
    const address = r.bytes(r.u8() & 0x7f);
    if (prefix > Math.min(bits, 255) || address.length * 8 > bits) r.fail('a prefix longer than its address family');
    if (address.at(-1) === 0) r.fail('an address with a zero octet at the end');
  }
};

/** The gateway of IPSECKEY (RFC 4025 §2.5) and the relay of AMTRELAY (RFC 8777 §4.2.4): none, IPv4, IPv6, or a name. */
function gateway(r: WireReader, type: number): void {
  if (type === 3) name(r);
  else if (type > 3) r.fail(`an unknown type of gateway, ${type}`);
  else octets([0, 4, 16][type]!)(r);
}

/** RFC 4025 §2. BIND refuses a record without a key. */
const ipseckey: Check = (r) => {
  r.u8();
  const type = r.u8();
  r.u8();
  gateway(r, type);
  rest(1)(r);
};

const amtrelay: Check = (r) => {
  r.u8();
  const type = r.u8() & 0x7f;
  if (type > 3) rest(0)(r);
  else gateway(r, type);
};

/** RFC 8005 §5. */
const hip: Check = (r) => {
  const tagLength = r.u8();
  r.u8();
  const keyLength = r.u16();
  if (tagLength === 0 || keyLength === 0) r.fail('an empty HIT or public key');
  octets(tagLength + keyLength)(r);
  while (r.remaining > 0) name(r);
};

/** RFC 5155 §3.2: the hash of SHA-1 has 20 octets. BIND has room for 155. */
const nsec3: Check = (r) => {
  const algorithm = r.u8();
  octets(3)(r);
  string(r);
  const { length } = r.characterString();
  if (length < 1 || length > 155 || (algorithm === 1 && length !== 20)) r.fail('a hash of a wrong length');
  bitmap(true)(r);
};

const zonemd: Check = (r) => {
  octets(5)(r);
  const algorithm = r.u8();
  if (r.remaining < ZONEMD_LEAST) r.fail(`a digest of fewer than ${ZONEMD_LEAST} octets`);
  digest(r, algorithm, ZONEMD_DIGESTS);
};

/** RFC 8659 §4.1. */
const caa: Check = (r) => {
  r.u8();
  if (!/^[a-z0-9]+$/i.test(Buffer.from(r.characterString()).toString('latin1')))
    r.fail('a tag that is not letters and digits');
  rest(0)(r);
};

const svcb: Check = (r) => {
  octets(2)(r);
  name(r);
  checkSvcParams(r);
};

const sshfp: Check = (r) => {
  r.u8();
  digest(r, r.u8(), SSHFP_DIGESTS);
};

const target: readonly Check[] = [name];
const texts: readonly Check[] = [strings()];
const signature: readonly Check[] = [octets(18), name, rest(1)];
const preferenceAndName: readonly Check[] = [octets(2), name];

/** By type number. Sections are those of the RFC that defines the type; widths without a comment are in RFC 1035 §3.3. */
const CHECKS: ReadonlyMap<number, readonly Check[]> = new Map<number, readonly Check[]>([
  [1, [octets(4)]], // A
  [2, target], // NS
  [3, target], // MD
  [4, target], // MF
  [5, target], // CNAME
  [6, [name, name, octets(20)]], // SOA
  [7, target], // MB
  [8, target], // MG
  [9, target], // MR
  [10, [rest(1)]], // NULL: Knot refuses an empty one
  [11, [wks]],
  [12, target], // PTR
  [13, [string, string]], // HINFO
  [14, [name, name]], // MINFO
  [15, preferenceAndName], // MX
  [16, texts], // TXT
  [17, [name, name]], // RP
  [18, preferenceAndName], // AFSDB
  [19, [x25]],
  [20, [isdn]], // RFC 1183 §3.2
  [21, preferenceAndName], // RT
  [22, [rest(1)]], // NSAP
  [23, target], // NSAP-PTR
  [24, signature], // SIG
  [25, [key]],
  [26, [octets(2), name, name]], // PX
  [27, [string, string, string]], // GPOS
  [28, [octets(16)]], // AAAA
  [29, [loc]],
  [30, [nxt]],
  [31, [rest(1)]], // EID
  [32, [rest(1)]], // NIMLOC
  [33, [octets(6), name]], // SRV
  [34, [atma]],
  [35, [naptr]],
  [36, preferenceAndName], // KX
  [37, [octets(5), rest(1)]], // CERT
  [38, [a6]],
  [39, target], // DNAME
  [40, [rest(3)]], // SINK
  [42, [apl]],
  [43, [ds]],
  [44, [sshfp]],
  [45, [ipseckey]],
  [46, signature], // RRSIG
  [47, [name, bitmap(false)]], // NSEC
  [48, [dnskey]],
  [49, [rest(1)]], // DHCID
  [50, [nsec3]],
  [51, [octets(4), string]], // NSEC3PARAM
  [52, [tlsa]],
  [53, [tlsa]], // SMIMEA
  [55, [hip]],
  [56, texts], // NINFO
  [57, [rkey]],
  [58, [name, name]], // TALINK
  [59, [ds]], // CDS
  [60, [dnskey]], // CDNSKEY
  [61, [rest(1)]], // OPENPGPKEY
  [62, [octets(6), bitmap(true)]], // CSYNC
  [63, [zonemd]],
  [64, [svcb]],
  [65, [svcb]], // HTTPS
  [66, [octets(5), name]], // DSYNC
  [67, [rest(1)]], // HHIT
  [68, [rest(1)]], // BRID
  [99, [strings(NSD_FIELDS)]], // SPF
  [104, [octets(10)]], // NID
  [105, [octets(6)]], // L32
  [106, [octets(10)]], // L64
  [107, preferenceAndName], // LP
  [108, [octets(6)]], // EUI48
  [109, [octets(8)]], // EUI64
  [256, [octets(4), rest(1)]], // URI: RFC 7553 §4.5 forbids an empty one
  [257, [caa]],
  [258, texts], // AVC
  [259, [octets(9), string, rest(0)]], // DOA
  [260, [amtrelay]],
  [261, texts], // RESINFO
  [262, texts], // WALLET
  [32_768, [ds]], // TA
  [32_769, [ds]], // DLV
]);

/** Types of which every RDATA that the decoder accepts also passes here, so that most updates are not checked twice. */
const CHECKED_BY_DECODER: ReadonlySet<string> = new Set([
  ...['A', 'AAAA', 'NS', 'CNAME', 'DNAME', 'PTR', 'SOA', 'MX', 'TXT', 'SRV', 'CAA'],
]);

/**
 * Why these octets cannot be zone data of this type; undefined if they can.
 * @param rdata uncompressed wire octets
 */
export function findRdataFault(type: number, rdata: Uint8Array): string | undefined {
  // Type 0 is reserved (RFC 6895 §3.1).
  if (type === 0 || isMetaType(type)) return 'the type is not one of data';
  const checks = CHECKS.get(type);
  if (checks === undefined) return undefined;
  const reader = new WireReader(rdata);
  try {
    for (const check of checks) check(reader);
    if (reader.remaining > 0) reader.fail('RDATA is longer than its fields');
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
  return undefined;
}

/** As findRdataFault, for decoded RDATA. */
export function findDecodedRdataFault(type: number, rdata: Rdata): string | undefined {
  if (CHECKED_BY_DECODER.has(rdata.kind)) return undefined;
  return findRdataFault(type, rdata.kind === 'unknown' ? rdata.octets : encodedRdata(rdata));
}

/** As findRdataFault and isTooLong, for RDATA as a latin1 string of octets. Addresses, the usual case, are not copied. */
export function isSendable(type: number, rdata: string): boolean {
  if (type === RRType.A) return rdata.length === 4;
  if (type === RRType.AAAA) return rdata.length === 16;
  return rdata.length <= MAX_RDATA_OCTETS && findRdataFault(type, Buffer.from(rdata, 'latin1')) === undefined;
}

/** True if no transfer could carry the record. */
export function isTooLong(rdata: Rdata): boolean {
  switch (rdata.kind) {
    case 'A':
    case 'AAAA':
      return false;
    case 'unknown':
      return rdata.octets.length > MAX_RDATA_OCTETS;
    case 'TXT':
      return rdata.strings.reduce((sum, { length }) => sum + length + 1, 0) > MAX_RDATA_OCTETS;
    default:
      return encodedRdata(rdata).length > MAX_RDATA_OCTETS;
  }
}

/**
 * RDATA <-> octets, one row per RR type. To add a type: a member of the union in `../rdata.ts`, a row here, test vectors.
 *
 * Names are compressed only in RDATA of RFC 1035 types (RFC 3597 §4). Compression pointers are accepted there, in SRV and
 * NAPTR, and in old types without a structure (`../rdata-names.ts`). A row's decoder reads up to the reader's end, which
 * is the end of the RDATA.
 */
import { formatIpv4, formatIpv6, ipv4Octets, ipv6Octets } from '../address.ts';
import type { DomainName } from '../name.ts';
import {
  type DnskeyFields,
  type DsFields,
  type NumberedOctets,
  type Rdata,
  type RdataKind,
  RRType,
  type SvcbFields,
} from '../rdata.ts';
import { NAME_LAYOUTS } from '../rdata-names.ts';
import type { WireReader } from './reader.ts';
import { WireOverflow, WireWriter } from './writer.ts';

interface RdataCodec<R extends Rdata> {
  decode(reader: WireReader): R;
  encode(writer: WireWriter, rdata: R): void;
}

type RowFor<K extends RdataKind> = RdataCodec<Rdata & { kind: K }>;
type StructuredKind = Exclude<RdataKind, 'empty' | 'unknown'>;

const target = <K extends 'NS' | 'CNAME' | 'DNAME' | 'PTR'>(kind: K, compressed = true) => ({
  decode: (r: WireReader) => ({ kind, target: r.name(compressed) }),
  encode: (w: WireWriter, d: { target: DomainName }) => w.name(d.target, compressed),
});

const ds = <K extends 'DS' | 'CDS'>(kind: K) => ({
  decode: (r: WireReader) => ({
    kind,
    keyTag: r.u16(),
    algorithm: r.u8(),
    digestType: r.u8(),
    digest: r.rest(),
  }),
  encode: (w: WireWriter, d: DsFields) => {
    w.u16(d.keyTag);
    w.u8(d.algorithm);
    w.u8(d.digestType);
    w.bytes(d.digest);
  },
});

const dnskey = <K extends 'DNSKEY' | 'CDNSKEY'>(kind: K) => ({
  decode: (r: WireReader) => ({
    kind,
    flags: r.u16(),
    protocol: r.u8(),
    algorithm: r.u8(),
    publicKey: r.rest(),
  }),
  encode: (w: WireWriter, d: DnskeyFields) => {
    w.u16(d.flags);
    w.u8(d.protocol);
    w.u8(d.algorithm);
    w.bytes(d.publicKey);
  },
});

const svcb = <K extends 'SVCB' | 'HTTPS'>(kind: K) => ({
  decode: (r: WireReader) => {
    const priority = r.u16();
    const name = r.name(false);
    const params = numberedOctets(r);
    for (let i = 1; i < params.length; i++) {
      if (params[i]!.code <= params[i - 1]!.code) r.fail('SvcParamKeys are not in increasing order');
    }
    return { kind, priority, target: name, params };
  },
  encode: (w: WireWriter, d: SvcbFields) => {
    w.u16(d.priority);
    w.name(d.target, false);
    writeNumberedOctets(w, d.params);
  },
});

const CODECS: { readonly [K in StructuredKind]: RowFor<K> } = {
  A: {
    decode: (r) => {
      if (r.remaining !== 4) r.fail('RDATA of A is not 4 octets');
      const address = formatIpv4(r.octets, r.offset);
      r.offset += 4;
      return { kind: 'A', address };
    },
    encode: (w, d) => w.bytes(ipv4Octets(d.address)),
  },
  AAAA: {
    decode: (r) => {
      if (r.remaining !== 16) r.fail('RDATA of AAAA is not 16 octets');
      const address = formatIpv6(r.octets, r.offset);
      r.offset += 16;
      return { kind: 'AAAA', address };
    },
    encode: (w, d) => w.bytes(ipv6Octets(d.address)),
  },
  NS: target('NS'),
  CNAME: target('CNAME'),
  DNAME: target('DNAME', false),
  PTR: target('PTR'),
  SOA: {
    decode: (r) => ({
      kind: 'SOA',
      mname: r.name(),
      rname: r.name(),
      serial: r.u32(),
      refresh: r.u32(),
      retry: r.u32(),
      expire: r.u32(),
      minimum: r.u32(),
    }),
    encode: (w, d) => {
      w.name(d.mname);
      w.name(d.rname);
      for (const value of [d.serial, d.refresh, d.retry, d.expire, d.minimum]) w.u32(value);
    },
  },
  MX: {
    decode: (r) => ({ kind: 'MX', preference: r.u16(), exchange: r.name() }),
    encode: (w, d) => {
      w.u16(d.preference);
      w.name(d.exchange);
    },
  },
  TXT: {
    decode: (r) => {
      const strings: Uint8Array[] = [];
      do strings.push(r.characterString());
      while (r.remaining > 0);
      return { kind: 'TXT', strings };
    },
    encode: (w, d) => {
      for (const string of d.strings) w.characterString(string);
    },
  },
  SRV: {
    decode: (r) => ({ kind: 'SRV', priority: r.u16(), weight: r.u16(), port: r.u16(), target: r.name() }),
    encode: (w, d) => {
      w.u16(d.priority);
      w.u16(d.weight);
      w.u16(d.port);
      w.name(d.target, false);
    },
  },
  CAA: {
    decode: (r) => {
      const flags = r.u8();
      const tag = Buffer.from(r.characterString()).toString('latin1');
      // RFC 8659 §4.1.
      if (!/^[a-z0-9]+$/i.test(tag)) r.fail('CAA tag is not letters and digits');
      return { kind: 'CAA', flags, tag, value: r.rest() };
    },
    encode: (w, d) => {
      w.u8(d.flags);
      w.characterString(Buffer.from(d.tag, 'latin1'));
      w.bytes(d.value);
    },
  },
  NAPTR: {
    decode: (r) => ({
      kind: 'NAPTR',
      order: r.u16(),
      preference: r.u16(),
      flags: r.characterString(),
      services: r.characterString(),
      regexp: r.characterString(),
      replacement: r.name(),
    }),
    encode: (w, d) => {
      w.u16(d.order);
      w.u16(d.preference);
      w.characterString(d.flags);
      w.characterString(d.services);
      w.characterString(d.regexp);
      w.name(d.replacement, false);
    },
  },
  SSHFP: {
    decode: (r) => ({ kind: 'SSHFP', algorithm: r.u8(), fingerprintType: r.u8(), fingerprint: r.rest() }),
    encode: (w, d) => {
      w.u8(d.algorithm);
      w.u8(d.fingerprintType);
      w.bytes(d.fingerprint);
    },
  },
  TLSA: {
    decode: (r) => ({ kind: 'TLSA', usage: r.u8(), selector: r.u8(), matchingType: r.u8(), data: r.rest() }),
    encode: (w, d) => {
      w.u8(d.usage);
      w.u8(d.selector);
      w.u8(d.matchingType);
      w.bytes(d.data);
    },
  },
  DS: ds('DS'),
  CDS: ds('CDS'),
  DNSKEY: dnskey('DNSKEY'),
  CDNSKEY: dnskey('CDNSKEY'),
  RRSIG: {
    decode: (r) => ({
      kind: 'RRSIG',
      typeCovered: r.u16(),
      algorithm: r.u8(),
      labels: r.u8(),
      originalTtl: r.u32(),
      expiration: r.u32(),
      inception: r.u32(),
      keyTag: r.u16(),
      signer: r.name(false),
      signature: r.rest(),
    }),
    encode: (w, d) => {
      w.u16(d.typeCovered);
      w.u8(d.algorithm);
      w.u8(d.labels);
      w.u32(d.originalTtl);
      w.u32(d.expiration);
      w.u32(d.inception);
      w.u16(d.keyTag);
      w.name(d.signer, false);
      w.bytes(d.signature);
    },
  },
  NSEC: {
    decode: (r) => ({ kind: 'NSEC', next: r.name(false), types: typeBitmaps(r) }),
    encode: (w, d) => {
      w.name(d.next, false);
      writeTypeBitmaps(w, d.types);
    },
  },
  NSEC3: {
    decode: (r) => ({
      kind: 'NSEC3',
      hashAlgorithm: r.u8(),
      flags: r.u8(),
      iterations: r.u16(),
      salt: r.characterString(),
      nextHashed: r.characterString(),
      types: typeBitmaps(r),
    }),
    encode: (w, d) => {
      w.u8(d.hashAlgorithm);
      w.u8(d.flags);
      w.u16(d.iterations);
      w.characterString(d.salt);
      w.characterString(d.nextHashed);
      writeTypeBitmaps(w, d.types);
    },
  },
  NSEC3PARAM: {
    decode: (r) => ({
      kind: 'NSEC3PARAM',
      hashAlgorithm: r.u8(),
      flags: r.u8(),
      iterations: r.u16(),
      salt: r.characterString(),
    }),
    encode: (w, d) => {
      w.u8(d.hashAlgorithm);
      w.u8(d.flags);
      w.u16(d.iterations);
      w.characterString(d.salt);
    },
  },
  SVCB: svcb('SVCB'),
  HTTPS: svcb('HTTPS'),
  OPT: {
    decode: (r) => ({ kind: 'OPT', options: numberedOctets(r) }),
    encode: (w, d) => writeNumberedOctets(w, d.options),
  },
  TSIG: {
    decode: (r) => ({
      kind: 'TSIG',
      algorithm: r.name(false),
      timeSigned: r.u48(),
      fudgeSeconds: r.u16(),
      mac: r.bytes(r.u16()),
      originalId: r.u16(),
      error: r.u16(),
      otherData: r.bytes(r.u16()),
    }),
    encode: (w, d) => {
      w.name(d.algorithm, false);
      w.u48(d.timeSigned);
      w.u16(d.fudgeSeconds);
      writeCounted(w, d.mac);
      w.u16(d.originalId);
      w.u16(d.error);
      writeCounted(w, d.otherData);
    },
  },
};

const BY_TYPE = new Map<number, RdataCodec<Rdata>>(
  Object.entries(CODECS).map(([kind, codec]) => [RRType[kind as StructuredKind], codec as RdataCodec<Rdata>]),
);

/** Decodes the octets up to the reader's end as RDATA of `type`. @throws WireError */
export function decodeRdata(reader: WireReader, type: number): Rdata {
  const codec = BY_TYPE.get(type);
  if (codec === undefined) return { kind: 'unknown', octets: unstructuredOctets(reader, type) };
  const rdata = codec.decode(reader);
  if (reader.remaining !== 0) reader.fail('RDATA is longer than its fields');
  return rdata;
}

const MAX_RDATA_OCTETS = 0xffff;
/** SIG and NXT (RFC 2535), which have further fields after the name. */
const OPEN_ENDED: readonly number[] = [24, 30];

/** RDATA as octets with its names decompressed: RFC 3597 §4 allows compression in types that are older than itself. */
function unstructuredOctets(reader: WireReader, type: number): Uint8Array {
  const layout = NAME_LAYOUTS.get(type);
  if (!layout?.compressed) return reader.rest();
  const writer = new WireWriter(64, false);
  writer.bytes(reader.bytes(layout.fixed));
  for (let i = 0; i < layout.strings; i++) writer.characterString(reader.characterString());
  for (let i = 0; i < layout.names; i++) writer.name(reader.name());
  if (OPEN_ENDED.includes(type)) {
    if (writer.length + reader.remaining > MAX_RDATA_OCTETS) reader.fail('decompressed RDATA is too long');
    writer.bytes(reader.rest());
  }
  if (reader.remaining !== 0) reader.fail('RDATA is longer than its fields');
  return Uint8Array.from(writer.finish());
}

/** Writes RDATA without RDLENGTH. @throws WireOverflow */
export function encodeRdata(writer: WireWriter, rdata: Rdata): void {
  if (rdata.kind === 'empty') return;
  if (rdata.kind === 'unknown') writer.bytes(rdata.octets);
  else (CODECS[rdata.kind] as RdataCodec<Rdata>).encode(writer, rdata);
}

/** The RDATA alone, without compression. @throws WireOverflow */
export function encodedRdata(rdata: Rdata): Buffer {
  const writer = new WireWriter(64, false);
  encodeRdata(writer, rdata);
  return writer.finish();
}

function numberedOctets(reader: WireReader): NumberedOctets[] {
  const items: NumberedOctets[] = [];
  while (reader.remaining > 0) items.push({ code: reader.u16(), octets: reader.bytes(reader.u16()) });
  return items;
}

function writeNumberedOctets(writer: WireWriter, items: readonly NumberedOctets[]): void {
  for (const item of items) {
    writer.u16(item.code);
    writeCounted(writer, item.octets);
  }
}

function writeCounted(writer: WireWriter, octets: Uint8Array): void {
  if (octets.length > 0xffff) throw new WireOverflow('field');
  writer.u16(octets.length);
  writer.bytes(octets);
}

/** Type bitmaps (RFC 4034 §4.1.2): windows in increasing order, 1 to 32 octets each, no trailing zero octet. */
export function typeBitmaps(reader: WireReader): number[] {
  const types: number[] = [];
  let previous = -1;
  while (reader.remaining > 0) {
    const window = reader.u8();
    const length = reader.u8();
    if (window <= previous) reader.fail('type bitmap windows are not in increasing order');
    if (length < 1 || length > 32) reader.fail('type bitmap length is not 1 to 32');
    const bits = reader.bytes(length);
    if (bits[length - 1] === 0) reader.fail('type bitmap ends in a zero octet');
    for (let i = 0; i < length * 8; i++) if (bits[i >> 3]! & (0x80 >> (i & 7))) types.push(window * 256 + i);
    previous = window;
  }
  return types;
}

export function writeTypeBitmaps(writer: WireWriter, types: readonly number[]): void {
  // Decoded ones are in order. A set and a sort of 32,768 types take ten times as long as all the rest.
  const inOrder = types.every((type, i) => i === 0 || type > types[i - 1]!);
  const sorted = inOrder ? types : [...new Set(types)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    const window = sorted[i]! >> 8;
    const bits = new Uint8Array(32);
    let length = 0;
    for (; i < sorted.length && sorted[i]! >> 8 === window; i++) {
      const low = sorted[i]! & 0xff;
      bits[low >> 3] = bits[low >> 3]! | (0x80 >> (low & 7));
      length = (low >> 3) + 1;
    }
    writer.u8(window);
    writer.u8(length);
    writer.bytes(bits.subarray(0, length));
  }
}

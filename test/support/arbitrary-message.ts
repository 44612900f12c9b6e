/**
 * fast-check arbitraries for domain names, RDATA of every structured type, and messages. Names use few different
 * labels, so that most messages compress; some have the maximum length.
 */
import fc from 'fast-check';
import { formatIpv6 } from '../../src/dns/address.ts';
import { DomainName } from '../../src/dns/name.ts';
import { type Rdata, type RdataKind, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { NAME_LAYOUTS } from '../../src/dns/rdata-names.ts';
import type { Message, Question } from '../../src/dns/wire/message.ts';

const u8 = fc.nat({ max: 0xff });
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffff_ffff });
const u48 = fc.nat({ max: 2 ** 48 - 1 });
const octets = (maxLength = 40, minLength = 0) => fc.uint8Array({ minLength, maxLength });

const familiarLabel = fc
  .constantFrom('example', 'EXAMPLE', 'com', 'a', 'A', 'www', '*', '_tcp', 'a.b')
  .map((text) => Uint8Array.from(Buffer.from(text)));

const labels = fc.oneof(
  { weight: 6, arbitrary: fc.array(familiarLabel, { maxLength: 6 }) },
  { weight: 2, arbitrary: fc.array(fc.oneof(familiarLabel, octets(12, 1)), { maxLength: 8 }) },
  { weight: 1, arbitrary: fc.array(octets(63, 50), { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(octets(1, 1), { minLength: 100, maxLength: 127 }) },
);

/** Any name: 0 to 127 labels of any octets, 255 octets at most. */
export const arbitraryName: fc.Arbitrary<DomainName> = labels
  .filter((list) => list.reduce((sum, label) => sum + label.length + 1, 1) <= 255)
  .map((list) => DomainName.ofLabels(list));

const types = fc
  .uniqueArray(fc.oneof(fc.nat({ max: 270 }), u16), { maxLength: 20 })
  .map((l) => l.sort((a, b) => a - b));
const numbered = fc.array(fc.record({ code: u16, octets: octets() }), { maxLength: 4 });
const ordered = fc
  .uniqueArray(fc.record({ code: u16, octets: octets() }), { maxLength: 4, selector: (item) => item.code })
  .map((list) => list.sort((a, b) => a.code - b.code));

const fields = <K extends RdataKind>(kind: K, model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Rdata> =>
  fc.record({ kind: fc.constant(kind), ...model }) as fc.Arbitrary<Rdata>;

const target = { target: arbitraryName };
const ds = { keyTag: u16, algorithm: u8, digestType: u8, digest: octets(64) };
const dnskey = { flags: u16, protocol: u8, algorithm: u8, publicKey: octets(300) };
const svcb = { priority: u16, target: arbitraryName, params: ordered };

/** One arbitrary per structured type; a new type without a row does not compile. */
const RDATA: { readonly [K in Exclude<RdataKind, 'empty' | 'unknown' | 'OPT' | 'TSIG'>]: fc.Arbitrary<Rdata> } = {
  A: fields('A', { address: octets(4, 4).map((four) => four.join('.')) }),
  AAAA: fields('AAAA', {
    address: fc
      .array(fc.constantFrom(0, 0, 0, 1, 0xff, 0x20), { minLength: 16, maxLength: 16 })
      .map((sixteen) => formatIpv6(Uint8Array.from(sixteen))),
  }),
  NS: fields('NS', target),
  CNAME: fields('CNAME', target),
  DNAME: fields('DNAME', target),
  PTR: fields('PTR', target),
  SOA: fields('SOA', {
    mname: arbitraryName,
    rname: arbitraryName,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  }),
  MX: fields('MX', { preference: u16, exchange: arbitraryName }),
  TXT: fields('TXT', { strings: fc.array(octets(255), { minLength: 1, maxLength: 4 }) }),
  SRV: fields('SRV', { priority: u16, weight: u16, port: u16, ...target }),
  CAA: fields('CAA', { flags: u8, tag: fc.stringMatching(/^[a-zA-Z0-9]{1,20}$/), value: octets(300) }),
  NAPTR: fields('NAPTR', {
    order: u16,
    preference: u16,
    flags: octets(255),
    services: octets(255),
    regexp: octets(255),
    replacement: arbitraryName,
  }),
  SSHFP: fields('SSHFP', { algorithm: u8, fingerprintType: u8, fingerprint: octets() }),
  TLSA: fields('TLSA', { usage: u8, selector: u8, matchingType: u8, data: octets(300) }),
  DS: fields('DS', ds),
  CDS: fields('CDS', ds),
  DNSKEY: fields('DNSKEY', dnskey),
  CDNSKEY: fields('CDNSKEY', dnskey),
  RRSIG: fields('RRSIG', {
    typeCovered: u16,
    algorithm: u8,
    labels: u8,
    originalTtl: u32,
    expiration: u32,
    inception: u32,
    keyTag: u16,
    signer: arbitraryName,
    signature: octets(256),
  }),
  NSEC: fields('NSEC', { next: arbitraryName, types }),
  NSEC3: fields('NSEC3', {
    hashAlgorithm: u8,
    flags: u8,
    iterations: u16,
    salt: octets(255),
    nextHashed: octets(255),
    types,
  }),
  NSEC3PARAM: fields('NSEC3PARAM', { hashAlgorithm: u8, flags: u8, iterations: u16, salt: octets(255) }),
  SVCB: fields('SVCB', svcb),
  HTTPS: fields('HTTPS', svcb),
};

const rrClass = fc.oneof(
  { weight: 6, arbitrary: fc.constant<number>(RRClass.IN) },
  { weight: 2, arbitrary: fc.constantFrom<number>(RRClass.CH, RRClass.NONE, RRClass.ANY) },
  { weight: 1, arbitrary: u16 },
);

const STRUCTURED = Object.entries(RDATA).map(([kind, rdata]) =>
  fc.record({
    ownerName: arbitraryName,
    type: fc.constant(RRType[kind as keyof typeof RDATA] as number),
    class: rrClass,
    ttl: u32,
    rdata,
  }),
);

const structuredTypes = new Set<number>([...Object.keys(RDATA), 'OPT', 'TSIG'].map((k) => RRType[k as 'A']));

/** An unknown type (RFC 3597 §3). Class ANY and NONE need octets, otherwise the record would be `empty`. */
const unknownRecord: fc.Arbitrary<ResourceRecord> = fc
  .record({
    ownerName: arbitraryName,
    type: u16.filter((type) => !structuredTypes.has(type) && !NAME_LAYOUTS.has(type)),
    class: rrClass,
    ttl: u32,
    rdata: octets(300).map((bytes): Rdata => ({ kind: 'unknown', octets: bytes })),
  })
  .filter((rr) => rr.rdata.kind !== 'unknown' || rr.rdata.octets.length > 0 || (rr.class !== 254 && rr.class !== 255));

/** RP and PX: unknown types with names that the decoder decompresses (RFC 3597 §4). */
const namesRecord: fc.Arbitrary<ResourceRecord> = fc
  .record({
    ownerName: arbitraryName,
    type: fc.constantFrom(17, 26),
    class: rrClass,
    ttl: u32,
    a: arbitraryName,
    b: arbitraryName,
  })
  .map(({ a, b, ...record }) => ({
    ...record,
    rdata: { kind: 'unknown', octets: Uint8Array.of(...(record.type === 26 ? [0, 10] : []), ...a.octets, ...b.octets) },
  }));

/** Empty RDATA, as in the sections of an UPDATE (RFC 2136 §2.4). */
const emptyRecord: fc.Arbitrary<ResourceRecord> = fc.record({
  ownerName: arbitraryName,
  type: u16.filter((type) => type !== RRType.OPT && type !== RRType.TSIG),
  class: fc.constantFrom<number>(RRClass.NONE, RRClass.ANY),
  ttl: u32,
  rdata: fc.constant<Rdata>({ kind: 'empty' }),
});

/** Any record except OPT and TSIG. */
export const arbitraryRecord: fc.Arbitrary<ResourceRecord> = fc.oneof(
  ...STRUCTURED,
  unknownRecord,
  namesRecord,
  emptyRecord,
);

const optRecord: fc.Arbitrary<ResourceRecord> = fc.record({
  ownerName: fc.constant(DomainName.root),
  type: fc.constant<number>(RRType.OPT),
  class: fc.oneof(fc.constantFrom(254, 255, 512, 1232), u16),
  ttl: u32,
  rdata: fields('OPT', { options: numbered }),
});

const tsigRecord: fc.Arbitrary<ResourceRecord> = fc.record({
  ownerName: arbitraryName,
  type: fc.constant<number>(RRType.TSIG),
  class: fc.constant<number>(RRClass.ANY),
  ttl: fc.constant(0),
  rdata: fields('TSIG', {
    algorithm: arbitraryName,
    timeSigned: u48,
    fudgeSeconds: u16,
    mac: octets(64),
    originalId: u16,
    error: u16,
    otherData: octets(20),
  }),
});

const section = fc.array(arbitraryRecord, { maxLength: 5 });
const question: fc.Arbitrary<Question> = fc.record({ qname: arbitraryName, qtype: u16, qclass: u16 });

/** Any message that can be encoded: at most one OPT, anywhere in the additional section, and TSIG last. */
export const arbitraryMessage: fc.Arbitrary<Message> = fc
  .record({
    id: u16,
    response: fc.boolean(),
    opcode: fc.nat({ max: 15 }),
    authoritative: fc.boolean(),
    truncated: fc.boolean(),
    recursionDesired: fc.boolean(),
    recursionAvailable: fc.boolean(),
    authenticData: fc.boolean(),
    checkingDisabled: fc.boolean(),
    rcode: fc.nat({ max: 15 }),
    questions: fc.array(question, { maxLength: 3 }),
    answers: section,
    authority: section,
    before: section,
    opt: fc.option(optRecord, { nil: undefined }),
    after: section,
    tsig: fc.option(tsigRecord, { nil: undefined }),
  })
  .map(({ before, opt, after, tsig, ...message }) => ({
    ...message,
    additional: [...before, ...(opt ? [opt] : []), ...after, ...(tsig ? [tsig] : [])],
  }));

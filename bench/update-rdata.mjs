// @ts-check
/**
 * RDATA for the campaign of random UPDATEs: samples of every type that has a form of its own, and ways to damage them.
 * Written as octets, not by the product's codec alone, which does not know all types.
 */
import { readFileSync } from 'node:fs';
import { DomainName } from '#dist/dns/name.js';
import { encodeRdata } from '#dist/dns/wire/rdata-codec.js';
import { WireWriter } from '#dist/dns/wire/writer.js';
import { parseZoneFile } from '#dist/dns/zone-file/zone-file.js';

/** @typedef {{random: () => number, below: (limit: number) => number}} Numbers */

const FILE = new URL('../test/vectors/all-types.zone', import.meta.url);

const hex = (/** @type {string} */ text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const name = (/** @type {string} */ text) => Buffer.from(DomainName.parse(text).octets);
/** A character-string (RFC 1035 §3.3). @param {string} text */
const string = (text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
/** @param {(string | Buffer)[]} parts octets in hexadecimal, or octets */
const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)));

const HOST = name('Host.Example.NET');
const OTHER = name('other.example.net');
const DIGEST = '2bb183af5f22588179a53b0a98631fad1a292118';

/** Types that all-types.zone does not have; the numbers are IANA's. @type {readonly (readonly [number, ...Buffer[]])[]} */
const SAMPLES = [
  ...[3, 4, 7, 8, 9, 23].map((type) => /** @type {const} */ ([type, HOST, name('.')])),
  [10, hex(''), hex('00ff10')], // NULL
  [11, hex('c0000201 06 0001')], // WKS
  [13, join(string('PDP-11'), string('UNIX')), join(string(''), string(''))], // HINFO
  [14, join(HOST, OTHER)], // MINFO
  [17, join(HOST, OTHER), join(name('Foo'), name('.')), join(name('foo'), name('.'))], // RP
  [18, join('0001', HOST)], // AFSDB
  [19, string('311061700956')], // X25
  [20, string('150862028003217'), join(string('150862028003217'), string('004'))], // ISDN
  [21, join('000a', HOST)], // RT
  [22, hex('47000580005a0000000001e133ffffff00016100')], // NSAP
  [24, join('0001 05 03 00015180 60000000 50000000 0a52', name('example.com'), 'a0901d5b')], // SIG
  [25, hex('0100 03 05 01030fa0b1'), hex('c000 03 05')], // KEY
  [26, join('000a', HOST, OTHER)], // PX
  [27, join(string('-32.6882'), string('116.8652'), string('10.0'))], // GPOS
  [29, hex('00 12 16 13 8bc8e3c8 7ffa1d48 00989680')], // LOC
  [30, join(HOST, '40010081')], // NXT
  [31, hex('e32c6f78163a9348')], // EID
  [32, hex('32251a030067')], // NIMLOC
  [34, hex('00 39246f000e7c9c0312000100010000123456789000'), hex('01 31323334')], // ATMA
  [36, join('000a', HOST)], // KX
  [37, hex('0001 0c4f 05 aabbccdd')], // CERT
  [38, hex('00 20010db8000000000000000000000001'), join('40 0000000000000001', HOST)], // A6
  [40, hex('01 02 03 aabb')], // SINK
  [42, hex('0001 15 03 c00002'), hex('0001 08 01 0a 0002 20 04 20010db8'), hex('')], // APL
  [45, join('0a 03 02', HOST, '0103 5192'), hex('0a 01 02 c0000226 0103'), hex('0a 00 02 0103')], // IPSECKEY
  [49, hex(`00 02 01 ${'a5'.repeat(32)}`)], // DHCID
  [53, hex(`03 01 01 ${'d2'.repeat(32)}`)], // SMIMEA
  [55, join('10 02 0008', '200100107b1a74df365639cc39f1d578', '03010001b771ca13', HOST)], // HIP
  [56, string('zone status')], // NINFO
  [57, hex('0000 03 05 010203')], // RKEY
  [58, join(HOST, OTHER)], // TALINK
  [61, hex('98 8d 04 51 f8 6a ae 01')], // OPENPGPKEY
  [62, hex('00000042 0003 00 04 60000008')], // CSYNC
  [63, hex(`78506375 01 01 ${'8e'.repeat(48)}`)], // ZONEMD
  [66, join('003b 01 14e9', HOST)], // DSYNC
  [99, string('v=spf1 -all')], // SPF
  ...[100, 101, 102, 103].map((type) => /** @type {const} */ ([type, hex('01020304')])),
  [104, hex('000a 0014 4fff ff20 ee64')], // NID
  [105, hex('000a 0a010200')], // L32
  [106, hex('000a 2001 0db8 1140 1000')], // L64
  [107, join('000a', HOST)], // LP
  [108, hex('00005e005300')], // EUI48
  [109, hex('00005e0053001000')], // EUI64
  [256, join('000a 0001', Buffer.from('ftp://ftp.example.com/public'))], // URI
  [258, string('app-name:WOLFGANG')], // AVC
  [259, join('00000000 00000001 02', string(''), Buffer.from('data'))], // DOA
  [260, join('0a 03', HOST), hex('0a 81 c0000201'), hex('0a 00')], // AMTRELAY
  [261, join(string('qnamemin'), string('exterr=15-17'))], // RESINFO
  [262, join(string('BTC'), string('wxyz'))], // WALLET
  [32_768, hex(`ec45 05 01 ${DIGEST}`)], // TA
  [32_769, hex(`ec45 05 01 ${DIGEST}`)], // DLV
];

function samplesByType() {
  /** @type {Map<number, Buffer[]>} */
  const samples = new Map();
  const put = (/** @type {number} */ type, /** @type {Buffer} */ rdata) => {
    const list = samples.get(type);
    if (list === undefined) samples.set(type, [rdata]);
    else list.push(rdata);
  };
  const records = parseZoneFile(readFileSync(FILE, 'utf8'), {
    origin: DomainName.parse('example.org'),
    defaultTtl: 60,
  });
  for (const { type, rdata } of records) {
    const writer = new WireWriter(512, false);
    encodeRdata(writer, rdata);
    put(type, Buffer.from(writer.finish()));
  }
  for (const [type, ...rdatas] of SAMPLES) for (const rdata of rdatas) put(type, rdata);
  // HTTPS and SVCB whose mandatory key is missing, DS and SSHFP of a wrong length, an MX that names an address.
  put(65, join('0001 00 0000 0002 0003'));
  put(43, hex('ec45 05 02 aabb'));
  put(44, hex('01 01 aabb'));
  put(15, join('000a', name('192.0.2.1')));
  return samples;
}

export const SAMPLES_BY_TYPE = samplesByType();
export const SAMPLE_TYPES = [...SAMPLES_BY_TYPE.keys()];

/** @param {Numbers} numbers */
export function makeRdatas({ random, below }) {
  const octets = (/** @type {number} */ length) => Buffer.from(Array.from({ length }, () => random() & 255));
  /** @template T @param {readonly T[]} list @returns {T} */
  const oneOf = (list) => /** @type {T} */ (list[below(list.length)]);
  const sample = (/** @type {number} */ type) => oneOf(SAMPLES_BY_TYPE.get(type) ?? [octets(below(12))]);

  /** Other letters of the same names and texts. @param {Buffer} rdata */
  function otherCase(rdata) {
    const changed = Buffer.from(rdata);
    for (const [at, octet] of changed.entries()) {
      if (((octet >= 65 && octet <= 90) || (octet >= 97 && octet <= 122)) && below(2)) changed[at] = octet ^ 0x20;
    }
    return changed;
  }

  /** @param {Buffer} rdata */
  function damaged(rdata) {
    const copy = Buffer.from(rdata);
    if (copy.length === 0) return octets(1 + below(4));
    const at = below(copy.length);
    switch (below(6)) {
      case 0:
        copy[at] = (copy[at] ?? 0) ^ (1 << below(8));
        return copy;
      case 1:
        copy[at] = oneOf([0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff]);
        return copy;
      case 2:
        return copy.subarray(0, at);
      case 3:
        return Buffer.concat([copy, octets(1 + below(4))]);
      case 4:
        return Buffer.concat([copy.subarray(0, at), octets(1 + below(2)), copy.subarray(at)]);
      default:
        return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)]);
    }
  }

  function randomOctets() {
    const kind = below(100);
    if (kind === 0) return octets(oneOf([1_000, 4_000, 16_000, 60_000, 64_000]));
    return octets(kind < 80 ? below(24) : below(300));
  }

  /** RDATA of a type: as it should be, damaged, random, or of another type. @param {number} type */
  function rdataOf(type) {
    const kind = below(100);
    if (kind < 40) return sample(type);
    if (kind < 45) return otherCase(sample(type));
    if (kind < 70) return damaged(sample(type));
    if (kind < 90) return randomOctets();
    if (kind < 96) return sample(oneOf(SAMPLE_TYPES));
    return Buffer.alloc(0);
  }
  return { rdataOf, sample, otherCase, oneOf, octets };
}

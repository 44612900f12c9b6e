// @ts-check
/**
 * Requests for the fuzzer of the nameserver: every opcode, unusual EDNS options, valid and invalid signatures, UPDATEs with unusual
 * content under the right key, transfers. Most are damaged afterwards, some before they are signed.
 */
import { readFileSync } from 'node:fs';
import { DomainName } from '#dist/dns/name.js';
import { RRClass, RRType } from '#dist/dns/rdata.js';
import { ClientTransaction } from '#dist/dns/tsig.js';
import { ednsRecord } from '#dist/dns/wire/edns.js';
import { encodeMessage, makeMessage } from '#dist/dns/wire/message.js';
import { damagesOf, recordedPackets } from './damage.mjs';

/** @typedef {import('#dist/dns/rdata.js').ResourceRecord} ResourceRecord */
/** @typedef {import('#dist/dns/tsig-key.js').TsigKey} TsigKey */

/** The records of the differential test: delegations, aliases, wildcards, empty non-terminals, large RRsets. */
export const RECORDS = readFileSync(new URL('../test/differential/differential.zone', import.meta.url), 'utf8');
export const ZONE = 'diff.example.com';
export const NAMESERVERS = [`ns1.${ZONE}`, `ns2.${ZONE}`, 'ns.example.net'];

const apex = DomainName.parse(ZONE);
const TYPES = [...Object.values(RRType), 0, 3, 128, 253, 254, 255, 256, 65_280, 65_535];
const CLASSES = [RRClass.IN, RRClass.IN, RRClass.IN, RRClass.NONE, RRClass.ANY, RRClass.CH, 0, 2, 65_535];
const OPTIONS = [3, 5, 8, 9, 10, 11, 12, 15, 16, 65_001];
const SIZES = [0, 1, 511, 512, 513, 1231, 1232, 1233, 4096, 65_535];

/** Owner names of the zone, and some above, below and next to them. */
function namesOf() {
  const names = [DomainName.root, DomainName.parse('example.com'), DomainName.parse('version.bind'), apex];
  for (const line of RECORDS.split('\n')) {
    const text = /^([^\s;@$]\S*)\s/.exec(line)?.[1];
    if (text === undefined) continue;
    const name = DomainName.parse(text, apex);
    names.push(name);
    if (name.octets.length < 200) names.push(DomainName.parse(`below.${name}`), DomainName.parse(`a.b.${name}`));
  }
  return names;
}

const NAMES = namesOf();
/** Names that UPDATEs add and delete: few, so that the zone does not grow. */
const CHANGING = Array.from({ length: 60 }, (_, i) => DomainName.parse(`${i % 3 ? '' : 'deep.'}change${i % 20}`, apex));

/**
 * @param {{random: () => number, below: (limit: number) => number}} numbers
 * @param {TsigKey} key known to the server
 * @param {TsigKey} strange unknown to the server
 */
export function makeCorpus({ random, below }, key, strange) {
  const recorded = recordedPackets();
  const scratch = Buffer.alloc(70_000);
  const damages = damagesOf(scratch, below, (index) => recorded[index % recorded.length] ?? Buffer.alloc(12));
  /** @template T @param {readonly T[]} list @returns {T} */
  const oneOf = (list) => /** @type {T} */ (list[below(list.length)]);
  const octets = (/** @type {number} */ length) => Buffer.from(Array.from({ length }, () => random() & 255));
  const now = () => Math.floor(Date.now() / 1000) + (below(20) === 0 ? below(4000) - 2000 : 0);

  /** @returns {ResourceRecord} */
  function opt() {
    const options = Array.from({ length: below(3) }, () => {
      const code = oneOf(OPTIONS);
      return { code, octets: octets(code === 10 ? oneOf([8, 16, 24, 7, 40, 41]) : below(20)) };
    });
    const version = below(10) === 0 ? below(256) : 0;
    return ednsRecord({ udpPayloadSize: oneOf(SIZES), version, dnssecOk: below(2) === 0, options });
  }

  function question() {
    return { qname: oneOf(NAMES), qtype: oneOf(TYPES), qclass: below(8) ? RRClass.IN : oneOf(CLASSES) };
  }

  function query() {
    const flags = { recursionDesired: below(2) === 0, checkingDisabled: below(2) === 0 };
    return encodeMessage(makeMessage({ ...flags, questions: [question()], additional: below(3) ? [opt()] : [] }));
  }

  /** Any opcode, any number of questions, records in sections where none belong. */
  function oddMessage() {
    const records = () => Array.from({ length: below(3) }, oddRecord);
    const fields = { opcode: below(16), response: below(12) === 0, truncated: below(12) === 0, rcode: below(16) };
    const questions = Array.from({ length: oneOf([0, 1, 1, 1, 2, 3]) }, question);
    const additional = below(2) ? [opt()] : [];
    return encodeMessage(makeMessage({ ...fields, questions, answers: records(), authority: records(), additional }));
  }

  /** A record of an UPDATE's section: of every class, with and without RDATA, inside and outside of the zone. @returns {ResourceRecord} */
  function oddRecord() {
    const ownerName = below(4) ? oneOf(CHANGING) : oneOf(NAMES);
    const rrClass = oneOf(CLASSES);
    const ttl = below(3) ? 0 : oneOf([60, 2 ** 31 - 1, 2 ** 32 - 1]);
    if (below(3) === 0)
      return { ownerName, type: oneOf(TYPES.filter(isPlain)), class: rrClass, ttl, rdata: { kind: 'empty' } };
    const [type, rdata] = oneOf(RDATAS)();
    return { ownerName, type, class: rrClass, ttl, rdata };
  }

  /** @type {(() => [number, import('#dist/dns/rdata.js').Rdata])[]} */
  const RDATAS = [
    () => [RRType.A, { kind: 'A', address: `192.0.2.${below(256)}` }],
    () => [RRType.AAAA, { kind: 'AAAA', address: `2001:db8::${below(65_536).toString(16)}` }],
    () => [RRType.TXT, { kind: 'TXT', strings: [octets(below(4) ? below(20) : 255)] }],
    () => [RRType.CNAME, { kind: 'CNAME', target: oneOf(NAMES) }],
    () => [RRType.DNAME, { kind: 'DNAME', target: oneOf(NAMES) }],
    () => [RRType.NS, { kind: 'NS', target: oneOf(NAMES) }],
    () => [RRType.MX, { kind: 'MX', preference: below(65_536), exchange: oneOf(NAMES) }],
    () => [65_280, { kind: 'unknown', octets: octets(below(40)) }],
    () => [RRType.SOA, soa()],
  ];

  /** @returns {import('#dist/dns/rdata.js').SoaRdata} */
  function soa() {
    const times = { refresh: 1, retry: 1, expire: 1, minimum: 1 };
    return { kind: 'SOA', mname: oneOf(NAMES), rname: apex, serial: random(), ...times };
  }

  /** Mostly deletions, so that the zone does not grow. */
  function update() {
    const deletion = () => ({ ownerName: oneOf(CHANGING), type: RRType.ANY, class: RRClass.ANY, ttl: 0, rdata: EMPTY });
    const plain = () => {
      const [type, rdata] = oneOf(RDATAS.slice(0, 3))();
      return { ownerName: oneOf(CHANGING), type, class: RRClass.IN, ttl: 60, rdata };
    };
    const authority = Array.from(
      { length: 1 + below(5) },
      () => [deletion, plain, oddRecord][below(3)]?.() ?? deletion(),
    );
    const answers = Array.from({ length: below(4) ? 0 : 1 + below(2) }, oddRecord);
    const questions = [
      { qname: below(20) ? apex : oneOf(NAMES), qtype: below(20) ? RRType.SOA : oneOf(TYPES), qclass: 1 },
    ];
    return encodeMessage(makeMessage({ opcode: 5, questions, answers, authority }));
  }

  function transfer() {
    const qtype = below(2) ? RRType.AXFR : RRType.IXFR;
    const authority = below(5) ? [{ ownerName: apex, type: RRType.SOA, class: 1, ttl: 0, rdata: soa() }] : [];
    const questions = [{ qname: below(5) ? apex : oneOf(NAMES), qtype, qclass: below(9) ? 1 : oneOf(CLASSES) }];
    return encodeMessage(makeMessage({ questions, authority: qtype === RRType.AXFR && below(5) ? [] : authority }));
  }

  /** @param {Uint8Array} message */
  const signed = (message) => new ClientTransaction(below(10) ? key : strange).sign(message, now());

  /** @param {Uint8Array} message */
  function damaged(message) {
    scratch.set(message);
    let length = message.length;
    for (let times = below(3) === 0 ? 1 + below(4) : 1; times > 0 && length > 0; times--) {
      length = oneOf(damages)(length);
    }
    return Buffer.from(scratch.subarray(0, length));
  }

  /** A message with compression pointers that form a loop or lead far back. */
  function pointers() {
    const message = Buffer.from(query());
    const at = 12 + below(4);
    message.writeUInt16BE(0xc000 | oneOf([at, 12, 13, 0, 0x3fff, message.length]), Math.min(at, message.length - 2));
    return message;
  }

  /** The next request, 0 to 65,535 octets. @returns {Buffer} */
  function next() {
    const kind = below(100);
    if (kind < 8) return octets(below(kind === 0 ? 2000 : 100));
    if (kind < 20) return damaged(oneOf(recorded));
    if (kind < 30) return query();
    if (kind < 55) return damaged(query());
    if (kind < 65) return oddMessage();
    if (kind < 75) return damaged(oddMessage());
    if (kind < 78) return pointers();
    if (kind < 84) return signed(update());
    if (kind < 90) {
      const odd = damaged(update());
      return odd.length < 12 || odd.length > 60_000 ? odd : signed(odd);
    }
    if (kind < 93) return damaged(signed(update()));
    if (kind < 95) return transfer();
    if (kind < 97) return signed(transfer());
    if (kind < 99) return damaged(signed(transfer()));
    return signed(below(2) ? query() : oddMessage());
  }
  return { next, query, update: () => signed(update()), transfer: () => signed(transfer()), oddMessage };
}

const EMPTY = { kind: /** @type {const} */ ('empty') };

/** Without OPT and TSIG: the codec cannot build them without RDATA. @param {number} type */
function isPlain(type) {
  return type !== RRType.OPT && type !== RRType.TSIG;
}

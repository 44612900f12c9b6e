/**
 * Generates the queries of the differential test from a seed: names in, below and outside the zone; every type, including
 * QTYPEs and meta types; other classes and opcodes; all variants of EDNS (RFC 6891); header bits; 0 and 2 questions.
 */
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type NumberedOctets, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { ednsRecord } from '../../src/dns/wire/edns.ts';
import { encodeMessage, type Message, makeMessage, Opcode, type Question } from '../../src/dns/wire/message.ts';
import type { Random } from './random.ts';
import { APEX, ownerNames } from './zone.ts';

export interface Query {
  /** With id 0; the id is set when it is sent. */
  readonly octets: Uint8Array;
  readonly message: Message;
  readonly transport: 'udp' | 'tcp';
  /** For the report: `A dname.diff.example.com. udp edns=1232,do`. */
  readonly text: string;
}

const COMMON_TYPES = [RRType.A, RRType.AAAA, RRType.TXT, RRType.MX, RRType.CNAME, RRType.NS, RRType.SOA] as const;
/** Data types: all with a structure, HINFO, SPF, URI, an unknown one and the largest private one. */
const DATA_TYPES = [
  ...Object.values(RRType).filter((type) => type < 128 && type !== RRType.OPT),
  RRType.CAA,
  13,
  99,
  256,
  65280,
  65534,
];
/** QTYPEs and meta types (RFC 6895 §3.1): OPT, TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY, and reserved numbers. */
const META_TYPES = [RRType.OPT, 249, RRType.TSIG, RRType.IXFR, RRType.AXFR, 253, 254, RRType.ANY, 0, 128, 200, 65535];
const OTHER_CLASSES = [RRClass.CH, RRClass.HS, RRClass.NONE, RRClass.ANY, 0, 2, 65535];
const OTHER_OPCODES = [Opcode.IQUERY, Opcode.STATUS, 3, Opcode.NOTIFY, Opcode.UPDATE, 6, 7, 15];
const PAYLOAD_SIZES = [0, 100, 511, 512, 513, 800, 1231, 1232, 1233, 1400, 4096, 65535];
const NSID: NumberedOctets = { code: 3, octets: new Uint8Array(0) };
const UNKNOWN_OPTION: NumberedOctets = { code: 65001, octets: Uint8Array.of(1, 2, 3) };
const CLIENT_SUBNET: NumberedOctets = { code: 8, octets: Uint8Array.of(0, 1, 24, 0, 192, 0, 2) };
const PADDING: NumberedOctets = { code: 12, octets: new Uint8Array(16) };

const OUTSIDE = ['.', 'com.', 'example.com.', 'notdiff.example.com.', 'xdiff.example.com.', 'diff.example.net.']
  .concat(['diff.example.com.example.net.', 'example.', 'ns.example.net.', 'iff.example.com.', 'version.bind.'])
  .map((text) => DomainName.parse(text));

const LABELS = ['a', 'b', 'x', 'www', 'ns', 'ns2', '*', 'missing', 'zz', '_tcp', '0', '~', 'ent', 'wild', 'sub', 'host']
  .concat(['a\0b', 'UPPER', 'l'.repeat(63), 'y'.repeat(40)])
  .map((label) => Buffer.from(label, 'latin1'));

/** Base names of queries: every owner name and its ancestors in the zone, also with a label `*` in front. */
function startNames(): readonly DomainName[] {
  const names = new Map<string, DomainName>();
  for (const owner of ownerNames()) {
    // Two of the many similar names are enough.
    if (/^nameserver-number-(?![12]-)/.test(owner.toString())) continue;
    for (let name: DomainName | undefined = owner; name?.isAtOrBelow(APEX); name = name.parent()) {
      names.set(name.key, name);
    }
  }
  return [...names.values()];
}

function randomName(random: Random, names: readonly DomainName[]): DomainName {
  if (random.chance(0.02)) return random.pick(OUTSIDE);
  const start = random.pick(names);
  const labels = start.labels();
  const share = random.below(100);
  // The name itself, one to three labels below it, or a sibling.
  let chosen = labels;
  if (share >= 55 && share < 80) {
    const below = Array.from({ length: 1 + random.below(3) }, () => random.pick(LABELS));
    chosen = [...below, ...labels];
  } else if (share >= 80 && labels.length > 3) {
    chosen = [random.pick(LABELS), ...labels.slice(1)];
  }
  if (random.chance(0.2)) chosen = chosen.map((label) => mixCase(random, label));
  try {
    return DomainName.ofLabels(chosen);
  } catch {
    return start;
  }
}

/** Random case, as some resolvers send (RFC 4343). */
function mixCase(random: Random, label: Uint8Array): Uint8Array {
  return label.map((octet) => (/[a-z]/i.test(String.fromCharCode(octet)) && random.chance(0.5) ? octet ^ 0x20 : octet));
}

function randomType(random: Random): number {
  const share = random.below(100);
  if (share < 45) return random.pick(COMMON_TYPES);
  if (share < 86) return random.pick(DATA_TYPES);
  if (share < 92) return RRType.ANY;
  if (share < 98) return random.pick(META_TYPES);
  return random.below(65536);
}

function randomEdns(random: Random): ResourceRecord | undefined {
  if (random.chance(0.35)) return undefined;
  const options: NumberedOctets[] = [];
  if (random.chance(0.1)) options.push(NSID);
  if (random.chance(0.1)) options.push(UNKNOWN_OPTION);
  if (random.chance(0.03)) options.push(CLIENT_SUBNET);
  if (random.chance(0.03)) options.push(PADDING);
  return ednsRecord({
    udpPayloadSize: random.pick(PAYLOAD_SIZES),
    version: random.chance(0.04) ? random.pick([1, 2, 255]) : 0,
    dnssecOk: random.chance(0.3),
    options,
  });
}

/** The SOA of a secondary's version of the zone, in an IXFR request (RFC 1995 §3). */
function clientSoa(ownerName: DomainName): ResourceRecord {
  const times = { serial: 1, refresh: 0, retry: 0, expire: 0, minimum: 0 };
  const rdata = { kind: 'SOA', mname: DomainName.root, rname: DomainName.root, ...times } as const;
  return { ownerName, type: RRType.SOA, class: RRClass.IN, ttl: 0, rdata };
}

function randomMessage(random: Random, names: readonly DomainName[]): Message {
  const question = (): Question => ({
    qname: randomName(random, names),
    qtype: randomType(random),
    qclass: random.chance(0.02) ? random.pick(OTHER_CLASSES) : RRClass.IN,
  });
  const first = question();
  const questions = random.chance(0.01) ? random.pick([[], [first, question()], [first, first]]) : [first];
  const edns = randomEdns(random);
  return makeMessage({
    opcode: random.chance(0.015) ? random.pick(OTHER_OPCODES) : Opcode.QUERY,
    recursionDesired: random.chance(0.3),
    authenticData: random.chance(0.1),
    checkingDisabled: random.chance(0.1),
    questions,
    authority: first.qtype === RRType.IXFR && random.chance(0.5) ? [clientSoa(first.qname)] : [],
    additional: edns === undefined ? [] : [edns],
  });
}

function describe(message: Message, transport: string): string {
  const edns = message.additional[0];
  const parts = message.questions.map(({ qname, qtype, qclass }) => {
    return `${formatRRType(qtype)}${qclass === RRClass.IN ? '' : ` CLASS${qclass}`} ${qname}`;
  });
  parts.push(transport);
  if (message.questions.length !== 1) parts.push(`qdcount=${message.questions.length}`);
  if (message.opcode !== Opcode.QUERY) parts.push(`opcode=${message.opcode}`);
  if (message.recursionDesired) parts.push('rd');
  if (message.authenticData) parts.push('ad');
  if (message.checkingDisabled) parts.push('cd');
  if (edns?.rdata.kind === 'OPT') {
    const options = edns.rdata.options.map(({ code }) => `option${code}`);
    const version = (edns.ttl >>> 16) & 0xff;
    const words = [
      edns.class,
      (edns.ttl & 0x8000) !== 0 ? 'do' : '',
      version > 0 ? `version${version}` : '',
      ...options,
    ];
    parts.push(`edns=${words.filter((word) => word !== '').join(',')}`);
  }
  return parts.join(' ');
}

/** `count` queries, deterministic for a seed; one in ten over TCP. */
export function makeQueries(random: Random, count: number): readonly Query[] {
  const names = startNames();
  return Array.from({ length: count }, () => {
    const message = randomMessage(random, names);
    const transport = random.chance(0.1) ? 'tcp' : 'udp';
    return { message, octets: encodeMessage(message), transport, text: describe(message, transport) };
  });
}

/** Answers of signed zones: a validator accepts each, and without what DNSSEC adds they are those of the same zone unsigned. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { queryService } from '../../../test/support/query-service.ts';
import { replyFaults } from '../../../test/support/reply-validation.ts';
import { newSigningKey, signedZone } from '../../../test/support/signed-zone.ts';
import { nsec3Hash, nsec3OwnerName } from '../../dns/dnssec/denial.ts';
import { ZoneKeys } from '../../dns/dnssec/verify.ts';
import { DomainName } from '../../dns/name.ts';
import { formatRRType, type NumberedOctets, type Rdata, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { ednsRecord, findEdns } from '../../dns/wire/edns.ts';
import { decodeMessage, encodeMessage, formatRcode, type Message, makeMessage } from '../../dns/wire/message.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { rdataText } from '../zone/zone-version.ts';
import type { NameserverService } from './service.ts';

const APEX = DomainName.parse('example.com');
const OTHER = DomainName.parse('other.example');
const PEER = { address: '192.0.2.1', port: 53 };
const KEYS = [APEX, OTHER].map((apex) => newSigningKey(apex));
const TRUSTED = new Map(KEYS.map(({ zone, dnskey }) => [zone.key, new ZoneKeys(zone, [dnskey])]));
const NOW = Math.floor(Date.now() / 1000);

const at = (label: string) => (label === '@' ? APEX : DomainName.parse(label, APEX));
/** The first label of the owner name of an NSEC3 record. */
const hashed = (label: string) =>
  nsec3OwnerName(nsec3Hash(at(label).key, { iterations: 0, salt: new Uint8Array(0) }), APEX)
    .toString()
    .split('.')[0]!;

const address = (last: number): Rdata => ({ kind: 'A', address: `192.0.2.${last}` });
const text: Rdata = { kind: 'TXT', strings: [Buffer.from('x')] };
const to = (kind: 'NS' | 'CNAME' | 'DNAME', target: DomainName): Rdata => ({ kind, target });
const ds: Rdata = { kind: 'DS', keyTag: 1, algorithm: 13, digestType: 2, digest: new Uint8Array(32) };
const TYPES: Readonly<Record<string, number>> = RRType;
const add = (ownerName: DomainName, rdata: Rdata): ZoneEdit => {
  return { kind: 'add-to-rrset', rrset: { ownerName, type: TYPES[rdata.kind]!, ttl: 600, rdatas: [rdata] } };
};

/** The second zone is there for aliases into it. */
const otherEdits = [
  add(OTHER.prepend('host'), address(9)),
  add(DomainName.parse('*.wild', OTHER), address(8)),
  add(OTHER.prepend('back'), to('CNAME', at('a'))),
];

interface Zones {
  readonly signed: NameserverService;
  readonly unsigned: NameserverService;
}

function zonesOf(edits: readonly ZoneEdit[], chain: 'nsec' | 'nsec3'): Zones {
  const signed = [
    signedZone('example.com', { chain, keys: KEYS.slice(0, 1) }, { edits }),
    signedZone('other.example', { chain, keys: KEYS.slice(1) }, { edits: otherEdits }),
  ];
  const unsigned = [
    // The signed zone has the next serial.
    editedZone('example.com', { edits, serial: 2 }),
    editedZone('other.example', { edits: otherEdits, serial: 2 }),
  ];
  return { signed: queryService(signed), unsigned: queryService(unsigned) };
}

interface Question {
  readonly qname: DomainName;
  readonly qtype: number;
  readonly overTcp?: boolean;
}

function ask(
  service: NameserverService,
  { qname, qtype, overTcp = false }: Question,
  dnssecOk: boolean,
  size = 1232,
  options: readonly NumberedOctets[] = [],
) {
  const query = encodeMessage(
    makeMessage({
      checkingDisabled: true,
      questions: [{ qname, qtype, qclass: 1 }],
      additional: [ednsRecord({ dnssecOk, udpPayloadSize: size, options })],
    }),
  );
  const reply = overTcp ? service.answerStream(query, PEER) : service.answerDatagram(query, PEER);
  return decodeMessage(reply as Uint8Array);
}

const lines = (records: readonly ResourceRecord[]) =>
  records.map(({ ownerName, type, ttl, rdata }) => {
    return `${ownerName} ${ttl} ${formatRRType(type)} ${Buffer.from(rdataText(rdata), 'latin1').toString('hex')}`;
  });

const isAdded = ({ type }: ResourceRecord) => type === RRType.RRSIG || type === RRType.NSEC || type === RRType.NSEC3;

/** A reply without what DNSSEC adds to one that is not about it. */
function plainForm(message: Message, qtype: number) {
  const isReferral = message.authority.some(({ type }) => type === RRType.NS);
  const authority = message.authority.filter(
    (record) => !isAdded(record) && !(isReferral && record.type === RRType.DS),
  );
  const answers = message.answers.filter((record) => !isAdded(record) || record.type === qtype);
  const additional = message.additional.filter(({ type }) => type !== RRType.OPT);
  const { rcode, authoritative, authenticData, checkingDisabled } = message;
  return {
    ...{ rcode, authoritative, authenticData, checkingDisabled },
    sections: [lines(answers), lines(authority), lines(additional)],
  };
}

const SIGNER_TYPES: readonly number[] = [RRType.RRSIG, RRType.NSEC, RRType.NSEC3, RRType.DNSKEY, RRType.NSEC3PARAM];

function check({ signed, unsigned }: Zones, question: Question): void {
  const { qtype } = question;
  const reply = ask(signed, question, true);
  expect(replyFaults(reply, TRUSTED, NOW)).toEqual([]);
  if (reply.truncated) return;
  const isOfSigner = SIGNER_TYPES.includes(qtype) || (qtype === RRType.ANY && question.qname.equals(APEX));
  if (isOfSigner) return;
  const expected = plainForm(ask(unsigned, question, false), qtype);
  // ANY over TCP has the NSEC record of the name.
  expect(plainForm(reply, qtype === RRType.ANY ? 0 : qtype)).toEqual(expected);
  const withoutDo = ask(signed, question, false);
  expect(plainForm(withoutDo, 0)).toEqual(expected);
  if (qtype !== RRType.ANY) expect([...withoutDo.answers, ...withoutDo.authority].filter(isAdded)).toEqual([]);
}

describe.each(['nsec3', 'nsec'] as const)('answers of a zone with %s', (chain) => {
  const zones = zonesOf(
    [
      add(at('a'), address(1)),
      add(at('Mixed.Case'), address(2)),
      add(at('x.ent.deep'), address(3)),
      add(at('*.wild'), address(4)),
      add(at('b.c.wild'), address(5)),
      add(at('*.alias'), to('CNAME', at('nothing.a'))),
      add(at('x.*.empty'), address(6)),
      add(at('moved'), to('DNAME', at('wild'))),
      add(at('out'), to('DNAME', DomainName.parse('example.net'))),
      add(at('sub'), to('NS', at('ns.sub'))),
      add(at('ns.sub'), address(7)),
      add(at('secure'), to('NS', DomainName.parse('ns.example.net'))),
      add(at('secure'), ds),
      add(at('far'), to('CNAME', DomainName.parse('z.wild', OTHER))),
      add(at('back'), to('CNAME', DomainName.parse('back', OTHER))),
      add(at('loop'), to('CNAME', at('loop'))),
      add(at('a.self'), to('DNAME', at('self'))),
      // A real name where an NSEC3 record is, and one below such a name.
      add(at(hashed('a')), text),
      add(at(`below.${hashed('sub')}`), text),
    ],
    chain,
  );
  const summary = (label: string, qtype: number, overTcp = false) => {
    const question = { qname: at(label), qtype, overTcp };
    check(zones, question);
    const { rcode, answers, authority, truncated } = ask(zones.signed, question, true);
    const count = (records: readonly ResourceRecord[]) => {
      const counts = new Map<string, number>();
      for (const { type } of records) counts.set(formatRRType(type), (counts.get(formatRRType(type)) ?? 0) + 1);
      return [...counts].map(([type, count]) => (count === 1 ? type : `${count} ${type}`)).join(' ');
    };
    return [formatRcode(rcode), ...(truncated ? ['TC'] : []), count(answers), '|', count(authority)]
      .join(' ')
      .replace('  ', ' ')
      .trim();
  };
  const N = chain === 'nsec' ? 'NSEC' : 'NSEC3';
  const proof = (count: number) => (count === 1 ? `${N} RRSIG` : `${count} ${N} ${count} RRSIG`);
  const negative = (count: number) => `SOA ${count + 1} RRSIG${count === 1 ? ` ${N}` : ` ${count} ${N}`}`;

  it.each([
    ['data', 'a', RRType.A, 'NOERROR A RRSIG |'],
    ['the keys', '@', RRType.DNSKEY, 'NOERROR DNSKEY RRSIG |'],
    ['the wildcard itself', '*.wild', RRType.A, 'NOERROR A RRSIG |'],
    ['a wildcard', 'q.wild', RRType.A, `NOERROR A RRSIG | ${proof(1)}`],
    ['a wildcard of more labels', 'q.r.wild', RRType.A, `NOERROR A RRSIG | ${proof(1)}`],
    ['NODATA', 'a', RRType.AAAA, `NOERROR | ${negative(1)}`],
    ['an empty non-terminal', 'deep', RRType.A, `NOERROR | ${negative(1)}`],
    ['DS of the apex', '@', RRType.DS, `NOERROR | ${negative(1)}`],
    ['DS of a signed delegation', 'secure', RRType.DS, 'NOERROR DS RRSIG |'],
    ['DS of an unsigned delegation', 'sub', RRType.DS, `NOERROR | ${negative(1)}`],
    ['a signed delegation', 'www.secure', RRType.A, 'NOERROR | NS DS RRSIG'],
    ['an unsigned delegation', 'www.sub', RRType.A, `NOERROR | NS ${proof(1)}`],
    ['DNAME out of the zone', 'www.out', RRType.A, 'NOERROR DNAME RRSIG CNAME |'],
    ['DNAME to a wildcard', 'www.moved', RRType.A, `NOERROR DNAME 2 RRSIG CNAME A | ${proof(1)}`],
    ['an alias to a wildcard of another zone', 'far', RRType.A, `NOERROR CNAME 2 RRSIG A | ${proof(1)}`],
    ['an alias there and back', 'back', RRType.A, 'NOERROR 2 CNAME 3 RRSIG A |'],
    ['a DNAME that its chain comes to again', 'a.A.self', RRType.DNAME, 'NOERROR DNAME RRSIG CNAME |'],
    ['a loop', 'loop', RRType.A, 'NOERROR CNAME RRSIG |'],
    ['a real name where an NSEC3 record is', hashed('a'), RRType.TXT, 'NOERROR TXT RRSIG |'],
    ['signatures', 'a', RRType.RRSIG, 'NOERROR RRSIG |'],
  ] as const)('%s', (_title, label, qtype, expected) => {
    expect(summary(label, qtype)).toBe(expected);
  });

  it('NXDOMAIN, also at the names of NSEC3 records', () => {
    // One record may prove several things.
    const known = [1, 2, 3].map((count) => `NXDOMAIN | ${negative(count)}`);
    expect(known).toContain(summary('nothing', RRType.A));
    expect(known).toContain(summary(hashed('deep'), RRType.NSEC3));
    expect(known).toContain(summary(hashed('deep'), RRType.ANY));
    expect(known).toContain(summary(`x.${hashed('deep')}`, RRType.A));
    expect(known).toContain(summary('b.a', RRType.A));
    // There are real names below this one.
    expect(summary(hashed('sub'), RRType.NSEC3)).toBe(`NOERROR | ${negative(1)}`);
  });

  it('NODATA of a wildcard, an empty one too, and a chain that ends in NXDOMAIN', () => {
    expect(summary('q.wild', RRType.AAAA)).toMatch(/^NOERROR \| SOA/);
    expect(summary('q.empty', RRType.A)).toMatch(/^NOERROR \| SOA/);
    expect(summary('q.alias', RRType.A)).toMatch(/^NXDOMAIN CNAME RRSIG \| /);
  });

  it('RRSIG and ANY: one RRset over UDP, all over TCP', () => {
    expect(summary('@', RRType.RRSIG)).toBe('NOERROR RRSIG |');
    expect(summary('@', RRType.ANY)).toBe('NOERROR SOA RRSIG |');
    expect(summary('@', RRType.RRSIG, true)).toBe('NOERROR 4 RRSIG |');
    expect(summary('@', RRType.ANY, true)).toMatch(/^NOERROR SOA 4 RRSIG NS DNSKEY (NSEC|NSEC3PARAM) \|$/);
    const withoutDo = ask(zones.signed, { qname: APEX, qtype: RRType.RRSIG }, false);
    expect(withoutDo.answers.map(({ type }) => type)).toEqual([RRType.RRSIG]);
  });

  it('the SOA with its signature has EXPIRE', () => {
    const options = [{ code: 9, octets: new Uint8Array(0) }];
    const reply = ask(zones.signed, { qname: APEX, qtype: RRType.SOA }, true, 1232, options);
    expect(reply.answers).toHaveLength(2);
    expect(findEdns(reply)!.options.map(({ octets }) => Buffer.from(octets).readUInt32BE())).toEqual([3_600_000]);
  });

  it('the SOA of a negative answer and its signature have the same TTL', () => {
    const { authority } = ask(zones.signed, { qname: at('nothing'), qtype: RRType.A }, true);
    expect(new Set(authority.map(({ ttl }) => ttl))).toEqual(new Set([300]));
  });

  it('what does not fit sets TC', () => {
    const question = { qname: at(`nothing.${'at'.repeat(30)}.${'all'.repeat(20)}`), qtype: RRType.A };
    expect(ask(zones.signed, question, true, 512)).toMatchObject({ truncated: true });
    expect(ask(zones.signed, question, false, 512)).toMatchObject({ truncated: false });
    expect(ask(zones.signed, { ...question, overTcp: true }, true, 512)).toMatchObject({ truncated: false });
  });
});

const LABELS = [
  'a',
  'b',
  'a.b',
  'c.a.b',
  '*',
  '*.b',
  '*.a.b',
  'x.y',
  'sub',
  'ns.sub',
  'w.sub',
  'z.*.b',
  '\\000.b',
  'B-',
];
const labels = fc.constantFrom('@', ...LABELS, ...['a', 'b', 'sub', '@', 'y'].map(hashed), `h.${hashed('a')}`);
const rdatas: fc.Arbitrary<Rdata> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }).map(address) },
  fc.constant(text),
  fc.constantFrom('ns.sub', 'a', 'q').map((label) => to('NS', at(label))),
  fc.constantFrom('a', 'b', 'nothing.b', 'q.a.b', 'w.sub').map((label) => to('CNAME', at(label))),
  fc.constantFrom('host', 'q.wild', 'nothing').map((label) => to('CNAME', DomainName.parse(label, OTHER))),
  fc.constantFrom(at('b'), DomainName.parse('example.net')).map((target) => to('DNAME', target)),
  fc.constant(ds),
);
const edits = fc.array(
  fc.tuple(labels, rdatas).map(([label, rdata]) => ({ label, type: TYPES[rdata.kind]!, edit: add(at(label), rdata) })),
  { maxLength: 16, size: 'max' },
);
/** The apex has no such types, and delegations by a wildcard have no meaning (RFC 4592 §4.2). */
const isPossible = ({ label, type }: { label: string; type: number }) => {
  if (label === '@') return type === RRType.A || type === RRType.TXT;
  return !label.startsWith('*') || type !== RRType.NS;
};
const mixed = fc.tuple(labels, fc.constantFrom('', 'q.', 'q.r.', '*.', 'a.'), fc.nat()).map(([label, prefix, bits]) => {
  const name = prefix + label === '@' ? APEX.toString() : at((prefix + label).replace('.@', '')).toString();
  return DomainName.parse([...name].map((c, i) => ((bits >> (i % 31)) & 1 ? c.toUpperCase() : c)).join(''));
});
const qtypes = fc.constantFrom(
  ...[RRType.A, RRType.A, RRType.TXT, RRType.AAAA, RRType.CNAME, RRType.NS, RRType.DS, RRType.SOA, RRType.DNAME],
  ...[RRType.ANY, ...SIGNER_TYPES],
);
const questions = fc.array(fc.record({ qname: mixed, qtype: qtypes, overTcp: fc.boolean() }), {
  minLength: 10,
  maxLength: 60,
  size: 'max',
});

it.each(['nsec3', 'nsec'] as const)('a validator accepts all answers of random zones with %s', (chain) => {
  fc.assert(
    fc.property(edits, questions, (randomEdits, asked) => {
      const zones = zonesOf(
        randomEdits.filter(isPossible).map(({ edit }) => edit),
        chain,
      );
      for (const question of asked) check(zones, question);
    }),
    { numRuns: 80 },
  );
});

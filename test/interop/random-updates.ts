/**
 * Random UPDATE messages over few names, types and members, so that they interact: every kind of prerequisite and edit
 * (RFC 2136 §2.4, §2.5), the apex with SOA and NS, CNAMEs beside data, and messages with one error.
 *
 * Left out, as BIND differs: a zone section of another class (NOTIMP), and nameservers inside the zone (it refuses to
 * delete their data). An error is the first record: BIND stops at the first error of format or content, while we parse
 * the whole message before we check the zone.
 */
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type Rdata, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { rdataKey } from '../../src/dns/rdata-canonical.ts';
import { addressRdata, textRdata } from '../../src/dns/rrset.ts';
import { type Message, makeMessage, Opcode } from '../../src/dns/wire/message.ts';
import { rdataText } from '../../src/nameserver/zone/zone-version.ts';
import type { Random } from '../differential/random.ts';
import { soaOf } from '../support/edited-zone.ts';

export interface RandomUpdate {
  readonly message: Message;
  /** A description of the message, for a failing test. */
  readonly description: string;
}

const NAMES = ['@', '@', 'a', 'A', 'b', 'c.b', 'd.c.b', 'e.f.g', '*.w', 'ns1', 'ns.sub', 'sub', 'x.sub', 'h.dn', 'dn'];
const TTLS = [0, 60, 60, 300, 2_147_483_647];
const OUTSIDE = ['ns1.example.net.', 'NS1.example.net.', 'ns2.example.net.'];
const EMPTY: Rdata = { kind: 'empty' };

type Pick = <T>(from: readonly T[]) => T;

function members(apex: DomainName, serial: number): ReadonlyMap<number, readonly Rdata[]> {
  const name = (text: string) => DomainName.parse(text, apex);
  const octets = (...values: number[]): Rdata => ({ kind: 'unknown', octets: Uint8Array.from(values) });
  const soa = (value: number): Rdata => soaOf(apex, value >>> 0);
  return new Map<number, readonly Rdata[]>([
    [RRType.A, ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((text) => addressRdata(RRType.A, text))],
    [RRType.AAAA, ['2001:db8::1', '2001:db8::2'].map((text) => addressRdata(RRType.AAAA, text))],
    [RRType.TXT, ['one', 'One', ''].map(textRdata)],
    [RRType.CNAME, ['a', 'b', 'B'].map((text): Rdata => ({ kind: 'CNAME', target: name(text) }))],
    [RRType.DNAME, ['a', 'b'].map((text): Rdata => ({ kind: 'DNAME', target: name(text) }))],
    [RRType.NS, [...OUTSIDE, 'ns.sub'].map((text): Rdata => ({ kind: 'NS', target: name(text) }))],
    [RRType.MX, ['a', 'A', 'b'].map((text, at): Rdata => ({ kind: 'MX', preference: at >> 1, exchange: name(text) }))],
    [
      RRType.SRV,
      ['a', 'A'].map((text): Rdata => ({ kind: 'SRV', priority: 0, weight: 0, port: 1, target: name(text) })),
    ],
    [17, ['a', 'A', 'b'].map((text) => octets(...name(text).octets, 0))],
    [65280, [octets(1, 2), octets(1, 3), octets()]],
    [RRType.SOA, [soa(serial - 1), soa(serial), soa(serial + 1), soa(serial + 7), soa(serial - 1000)]],
  ]);
}

/** @param serial the current one of the zone, so that a SOA may be older or newer */
export function randomUpdate(random: Random, apex: DomainName, serial: number): RandomUpdate {
  const pick: Pick = (from) => from[random.below(from.length)]!;
  const pool = members(apex, serial);
  const common = [RRType.A, RRType.A, RRType.AAAA, RRType.TXT, RRType.CNAME];
  const membersAt = (at: string, type: number) => {
    const all = pool.get(type)!;
    return at === '@' && type === RRType.NS ? all.slice(0, OUTSIDE.length) : all;
  };
  const anyType = () => pick([...common, ...common, ...pool.keys()]);
  const anyName = () => pick(NAMES);
  const record = (at: string, type: number, rrClass: number, ttl: number, rdata: Rdata): ResourceRecord => {
    return { ownerName: at === '@' ? apex : DomainName.parse(at, apex), type, class: rrClass, ttl, rdata };
  };

  const prerequisite = (): ResourceRecord[] => {
    const at = anyName();
    const type = anyType();
    switch (random.below(5)) {
      case 0:
        return [record(at, type, RRClass.ANY, 0, EMPTY)];
      case 1:
        return [record(at, type, RRClass.NONE, 0, EMPTY)];
      case 2:
        return [record(at, RRType.ANY, RRClass.ANY, 0, EMPTY)];
      case 3:
        return [record(at, RRType.ANY, RRClass.NONE, 0, EMPTY)];
      default:
        return distinct(type, some(random, membersAt(at, type))).map((each) => record(at, type, RRClass.IN, 0, each));
    }
  };
  const edit = (): ResourceRecord[] => {
    const at = anyName();
    const type = anyType();
    const rdatas = membersAt(at, type);
    switch (random.below(8)) {
      case 0:
        return [record(at, type, RRClass.ANY, 0, EMPTY)];
      case 1:
        return [record(at, RRType.ANY, RRClass.ANY, 0, EMPTY)];
      case 2:
      case 3:
        return some(random, rdatas).map((rdata) => record(at, type, RRClass.NONE, 0, rdata));
      default:
        return some(random, rdatas).map((rdata) => record(at, type, RRClass.IN, pick(TTLS), rdata));
    }
  };

  const times = (most: number, make: () => ResourceRecord[]) =>
    Array.from({ length: random.below(most + 1) }, make).flat();
  const answers = random.below(2) === 0 ? times(3, prerequisite) : [];
  const authority = times(4, edit);
  let questions = [{ qname: apex, qtype: RRType.SOA as number, qclass: RRClass.IN as number }];
  if (random.below(8) === 0) {
    const address = pool.get(RRType.A)![0]!;
    const octets: Rdata = { kind: 'unknown', octets: Uint8Array.of(1) };
    const beside = pick(['example.net.', 'notexample.com.', 'com.']);
    switch (random.below(15)) {
      case 0:
        questions = [{ ...questions[0]!, qname: DomainName.parse(pick(['a.example.com', 'example.net', 'com'])) }];
        break;
      case 1:
        questions = [{ ...questions[0]!, qtype: RRType.A }];
        break;
      case 2:
        // Without a zone class BIND uses that of the first record: sends no records.
        return { message: makeMessage({ opcode: Opcode.UPDATE }), description: 'empty' };
      case 3:
        questions = [questions[0]!, questions[0]!];
        break;
      case 4:
        answers.unshift(record(beside, RRType.A, pick([RRClass.ANY, RRClass.NONE]), 0, EMPTY));
        break;
      case 5:
        authority.push(record(beside, RRType.A, RRClass.IN, 60, address));
        break;
      case 6:
        authority.push(record(beside, RRType.A, RRClass.ANY, 0, EMPTY));
        break;
      case 7:
        answers.unshift(record('a', RRType.A, RRClass.ANY, 1, EMPTY));
        break;
      case 8:
        answers.unshift(record('a', RRType.A, pick([RRClass.ANY, RRClass.NONE]), 0, address));
        break;
      case 9:
        answers.unshift(record('a', RRType.A, RRClass.CH, 0, address));
        break;
      case 10:
        authority.push(record('a', RRType.A, RRClass.ANY, 1, EMPTY));
        break;
      case 11:
        authority.push(record('a', RRType.A, RRClass.ANY, 0, address));
        break;
      case 12:
        authority.push(record('a', pick([RRType.ANY, RRType.AXFR, 249]), pick([RRClass.IN, RRClass.NONE]), 0, octets));
        break;
      case 13:
        authority.push(record('a', pick([RRType.AXFR, 249]), RRClass.ANY, 0, EMPTY));
        break;
      case 14:
        authority.push(record('a', RRType.A, RRClass.NONE, pick([0, 1]), pick([address, EMPTY])));
        break;
    }
  }
  const message = makeMessage({ opcode: Opcode.UPDATE, questions, answers, authority });
  return { message, description: describeUpdate(message) };
}

function some(random: Random, rdatas: readonly Rdata[]): Rdata[] {
  const chosen = rdatas.filter(() => random.below(2) === 0);
  return chosen.length === 0 ? [rdatas[random.below(rdatas.length)]!] : chosen;
}

/** Members are unique without regard to case; BIND counts duplicates. */
function distinct(type: number, rdatas: readonly Rdata[]): Rdata[] {
  return [...new Map(rdatas.map((rdata) => [rdataKey(type, rdataText(rdata)), rdata])).values()];
}

function describeUpdate({ questions, answers, authority }: Message): string {
  const text = ({ ownerName, type, class: rrClass, ttl, rdata }: ResourceRecord) =>
    `${ownerName} ${ttl} ${rrClass} ${formatRRType(type)} ${JSON.stringify(rdata)}`;
  return [
    ...questions.map(({ qname, qtype, qclass }) => `zone ${qname} ${qclass} ${formatRRType(qtype)}`),
    ...answers.map((record) => `if ${text(record)}`),
    ...authority.map((record) => `do ${text(record)}`),
  ].join('\n  ');
}

/** UPDATE messages (RFC 2136): the wire forms of §2.4 and §2.5 octet by octet, every FORMERR rule, round trip. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryName, arbitraryRecord } from '../../test/support/arbitrary-message.ts';
import { plainValue, recordedMessage } from '../../test/support/wire-vectors.ts';
import { DomainName } from './name.ts';
import { type Rdata, type ResourceRecord, RRClass, RRType } from './rdata.ts';
import { addressRdata } from './rrset.ts';
import { parseUpdate, updateMessage } from './update.ts';
import { decodeMessage, encodeMessage, type Message, makeMessage, Opcode } from './wire/message.ts';
import { WireError } from './wire/reader.ts';
import type { Prerequisite, ZoneChange, ZoneEdit } from './zone-change.ts';

const zone = DomainName.parse('example.com');
const ownerName = DomainName.parse('a.example.com');
const address = (text: string): Rdata => addressRdata(RRType.A, text);

function change(parts: Partial<ZoneChange>): ZoneChange {
  return { zone, ownerName, prerequisites: [], edits: [], ...parts };
}

/** What follows the zone section, in hexadecimal. The name is always `a` and a pointer to the zone's. */
function tail(prerequisites: readonly Prerequisite[], edits: readonly ZoneEdit[]): string {
  const octets = encodeMessage(updateMessage(zone, [change({ prerequisites, edits })]));
  expect(octets.toString('hex', 0, 12)).toBe(
    `00002800${'0001'}${hex16(recordsOf(prerequisites))}${hex16(editRecords(edits))}0000`,
  );
  expect(octets.toString('hex', 12, 29)).toBe('076578616d706c6503636f6d0000060001');
  return octets.toString('hex', 29);
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function recordsOf(prerequisites: readonly Prerequisite[]): number {
  return prerequisites.reduce((sum, each) => sum + (each.kind === 'rrset-equals' ? each.rdatas.length : 1), 0);
}

function editRecords(edits: readonly ZoneEdit[]): number {
  return edits.reduce((sum, edit) => {
    if (edit.kind === 'replace-rrset') return sum + 1 + edit.rrset.rdatas.length;
    if (edit.kind === 'add-to-rrset') return sum + edit.rrset.rdatas.length;
    return sum + (edit.kind === 'delete-from-rrset' ? edit.rdatas.length : 1);
  }, 0);
}

const NAME = '0161c00c';
/** The later ones point at the first. */
const AGAIN = 'c01d';

describe('RFC 2136 §2.4: prerequisites on the wire', () => {
  it.each<[string, Prerequisite, string]>([
    ['§2.4.1 RRset exists', { kind: 'rrset-exists', ownerName, type: RRType.A }, `${NAME}0001 00ff 00000000 0000`],
    [
      '§2.4.2 RRset exists, with these members',
      { kind: 'rrset-equals', ownerName, type: RRType.A, rdatas: [address('192.0.2.1'), address('192.0.2.2')] },
      `${NAME}0001 0001 00000000 0004 c0000201 ${AGAIN}0001 0001 00000000 0004 c0000202`,
    ],
    ['§2.4.3 RRset does not exist', { kind: 'rrset-absent', ownerName, type: 5 }, `${NAME}0005 00fe 00000000 0000`],
    ['§2.4.4 name is in use', { kind: 'name-in-use', ownerName }, `${NAME}00ff 00ff 00000000 0000`],
    ['§2.4.5 name is not in use', { kind: 'name-not-in-use', ownerName }, `${NAME}00ff 00fe 00000000 0000`],
  ])('%s', (_, prerequisite, expected) => {
    expect(tail([prerequisite], [])).toBe(expected.replaceAll(' ', ''));
  });
});

describe('RFC 2136 §2.5: updates on the wire', () => {
  const rrset = { ownerName, type: RRType.A, ttl: 300, rdatas: [address('192.0.2.1')] };
  it.each<[string, ZoneEdit, string]>([
    ['§2.5.1 add', { kind: 'add-to-rrset', rrset }, `${NAME}0001 0001 0000012c 0004 c0000201`],
    [
      '§2.5.2 delete an RRset',
      { kind: 'delete-rrset', ownerName, type: RRType.AAAA },
      `${NAME}001c 00ff 00000000 0000`,
    ],
    ['§2.5.3 delete a name', { kind: 'delete-name', ownerName }, `${NAME}00ff 00ff 00000000 0000`],
    [
      '§2.5.4 delete from an RRset',
      { kind: 'delete-from-rrset', ownerName, type: RRType.A, rdatas: [address('192.0.2.1')] },
      `${NAME}0001 00fe 00000000 0004 c0000201`,
    ],
    [
      'replace: delete, then add',
      { kind: 'replace-rrset', rrset },
      `${NAME}0001 00ff 00000000 0000 ${AGAIN}0001 0001 0000012c 0004 c0000201`,
    ],
  ])('%s', (_, edit, expected) => {
    expect(tail([], [edit])).toBe(expected.replaceAll(' ', ''));
  });

  it('several changes share one message, in their order', () => {
    const other = DomainName.parse('b.example.com');
    const message = updateMessage(zone, [
      change({ edits: [{ kind: 'delete-name', ownerName }] }),
      change({ ownerName: other, edits: [{ kind: 'delete-name', ownerName: other }] }),
    ]);
    expect(message.authority.map((record) => record.ownerName.toString())).toEqual([
      'a.example.com.',
      'b.example.com.',
    ]);
  });
});

it.each(['nsupdate request', 'knsupdate request'])('parses the recorded %s', (label) => {
  const content = parseUpdate(decodeMessage(recordedMessage(label)));
  expect(content.zone.toString()).toMatch(/example\.com\.$/);
  expect(content.edits.length).toBeGreaterThan(0);
  const again = updateMessage(content.zone, [change({ ...content, zone: content.zone })]);
  expect(plainValue(parseUpdate(decodeMessage(encodeMessage(again))))).toEqual(plainValue(content));
});

describe('a FORMERR', () => {
  const SOA = { qname: zone, qtype: RRType.SOA, qclass: RRClass.IN };
  const valid: ResourceRecord = { ownerName, type: RRType.A, class: RRClass.IN, ttl: 0, rdata: address('192.0.2.1') };
  const marker: ResourceRecord = { ...valid, class: RRClass.ANY, rdata: { kind: 'empty' } };
  const read = (fields: Partial<Message>) => () =>
    parseUpdate(makeMessage({ opcode: Opcode.UPDATE, questions: [SOA], ...fields }));
  const bytes: Rdata = { kind: 'unknown', octets: Uint8Array.of(1) };

  it('the rules below start from a valid message', () => {
    expect(read({ answers: [valid, marker], authority: [valid, marker] })).not.toThrow();
  });

  it.each<[string, Partial<Message>]>([
    ['another opcode', { opcode: Opcode.QUERY }],
    ['§3.1.1: no zone', { questions: [] }],
    ['§3.1.1: two zones', { questions: [SOA, SOA] }],
    ['§3.1.1: a zone section whose type is not SOA', { questions: [{ ...SOA, qtype: RRType.A }] }],
  ])('%s', (_, fields) => {
    expect(read(fields)).toThrow(WireError);
  });

  it.each<[string, ResourceRecord]>([
    ['§3.2.1: a TTL, class ANY', { ...marker, ttl: 1 }],
    ['§3.2.1: a TTL, class NONE', { ...marker, class: RRClass.NONE, ttl: 1 }],
    ['§3.2.3: a TTL, class of the zone', { ...valid, ttl: 1 }],
    ['§3.2.1: RDATA with class ANY', { ...valid, class: RRClass.ANY }],
    ['§3.2.2: RDATA with class NONE', { ...valid, class: RRClass.NONE }],
    ['§3.2.5: another class', { ...valid, class: RRClass.CH }],
    ['a meta type, class ANY', { ...marker, type: RRType.AXFR }],
    ['a meta type, class NONE', { ...marker, type: RRType.TSIG, class: RRClass.NONE }],
    ['a meta type, class of the zone', { ...valid, type: RRType.ANY, rdata: bytes }],
  ])('prerequisite, %s', (_, record) => {
    expect(read({ answers: [record] })).toThrow(WireError);
    expect(read({ answers: [valid, record, valid] })).toThrow(WireError);
  });

  it.each<[string, ResourceRecord]>([
    ['§3.4.1.2: a TTL, class ANY', { ...marker, ttl: 1 }],
    ['§3.4.1.2: RDATA with class ANY', { ...valid, class: RRClass.ANY }],
    ['§3.4.1.2: a meta type, class ANY', { ...marker, type: RRType.AXFR }],
    ['§3.4.1.2: a TTL, class NONE', { ...valid, class: RRClass.NONE, ttl: 1 }],
    ['§2.5.4: no RDATA, class NONE, of a type that has some', { ...marker, class: RRClass.NONE }],
    ['§3.4.1.2: type ANY, class NONE', { ...valid, class: RRClass.NONE, type: RRType.ANY, rdata: bytes }],
    ['§3.4.1.2: type ANY, class of the zone', { ...valid, type: RRType.ANY, rdata: bytes }],
    ['§3.4.1.2: a meta type, class of the zone', { ...valid, type: 251, rdata: bytes }],
    ['an OPT record', { ...valid, type: RRType.OPT, rdata: bytes }],
    ['§3.4.1.2: another class', { ...valid, class: RRClass.CH }],
  ])('update, %s', (_, record) => {
    expect(read({ authority: [record] })).toThrow(WireError);
    expect(read({ authority: [valid, record, valid] })).toThrow(WireError);
  });

  it('a TTL is allowed where a record is added', () => {
    expect(read({ authority: [{ ...valid, ttl: 300 }] })).not.toThrow();
  });
});

it('RFC 2136 §3.2.3: members of one RRset are grouped even if they are not adjacent', () => {
  const records = ['192.0.2.1', '192.0.2.2'].map((text) => ({
    ownerName,
    type: RRType.A,
    class: RRClass.IN,
    ttl: 0,
    rdata: address(text),
  }));
  const between = { ...records[0]!, ownerName: DomainName.parse('b.example.com') };
  const upper = { ...records[1]!, ownerName: DomainName.parse('A.EXAMPLE.com') };
  const questions = [{ qname: zone, qtype: RRType.SOA, qclass: RRClass.IN }];
  const answers = [records[0]!, between, upper];
  const { prerequisites } = parseUpdate(makeMessage({ opcode: Opcode.UPDATE, questions, answers }));
  expect(plainValue(prerequisites)).toEqual(
    plainValue([
      { kind: 'rrset-equals', ownerName, type: RRType.A, rdatas: [address('192.0.2.1'), address('192.0.2.2')] },
      { kind: 'rrset-equals', ownerName: between.ownerName, type: RRType.A, rdatas: [address('192.0.2.1')] },
    ]),
  );
});

it('RFC 2136 §3.2.5: an RRset is compared after all prerequisites of other kinds', () => {
  const records = [
    { ownerName, type: RRType.A, class: RRClass.IN, ttl: 0, rdata: address('192.0.2.1') },
    { ownerName, type: RRType.ANY, class: RRClass.NONE, ttl: 0, rdata: { kind: 'empty' } },
  ] as const;
  const questions = [{ qname: zone, qtype: RRType.SOA, qclass: RRClass.IN }];
  const { prerequisites } = parseUpdate(makeMessage({ opcode: Opcode.UPDATE, questions, answers: records }));
  expect(prerequisites.map(({ kind }) => kind)).toEqual(['name-not-in-use', 'rrset-equals']);
});

describe('round trip', () => {
  const dataType = fc.nat({ max: 0xffff }).filter((type) => type !== RRType.OPT && (type < 128 || type > 255));
  const member = arbitraryRecord.filter(({ type, rdata }) => {
    return rdata.kind !== 'empty' && type !== RRType.OPT && (type < 128 || type > 255);
  });
  const prerequisite: fc.Arbitrary<Prerequisite> = fc.oneof(
    fc.record({ kind: fc.constantFrom('name-in-use', 'name-not-in-use'), ownerName: arbitraryName }),
    fc.record({ kind: fc.constantFrom('rrset-exists', 'rrset-absent'), ownerName: arbitraryName, type: dataType }),
    member.map((rr): Prerequisite => {
      return { kind: 'rrset-equals', ownerName: rr.ownerName, type: rr.type, rdatas: [rr.rdata] };
    }),
  ) as fc.Arbitrary<Prerequisite>;
  const edit: fc.Arbitrary<ZoneEdit> = fc.oneof(
    member.map((rr): ZoneEdit => {
      return {
        kind: 'add-to-rrset',
        rrset: { ownerName: rr.ownerName, type: rr.type, ttl: rr.ttl, rdatas: [rr.rdata] },
      };
    }),
    fc.record({ kind: fc.constant('delete-name' as const), ownerName: arbitraryName }),
    fc.record({ kind: fc.constant('delete-rrset' as const), ownerName: arbitraryName, type: dataType }),
    member.map((rr): ZoneEdit => {
      return { kind: 'delete-from-rrset', ownerName: rr.ownerName, type: rr.type, rdatas: [rr.rdata] };
    }),
  );
  const equalsKey = (each: Prerequisite) =>
    each.kind === 'rrset-equals' ? `${each.type}/${each.ownerName.key}` : `${Math.random()}`;

  it('any change survives encoding and decoding', () => {
    const prerequisites = fc.uniqueArray(prerequisite, { maxLength: 6, selector: equalsKey });
    fc.assert(
      fc.property(arbitraryName, prerequisites, fc.array(edit, { maxLength: 6 }), (apex, before, edits) => {
        const message = updateMessage(apex, [{ zone: apex, ownerName: apex, prerequisites: before, edits }]);
        const content = parseUpdate(decodeMessage(encodeMessage(message)));
        const equals = before.filter(({ kind }) => kind === 'rrset-equals');
        const firstPrerequisites = before.filter(({ kind }) => kind !== 'rrset-equals');
        expect(plainValue(content)).toEqual(
          plainValue({ zone: apex, prerequisites: [...firstPrerequisites, ...equals], edits }),
        );
      }),
      { numRuns: 300 },
    );
  });
});

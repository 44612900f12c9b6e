/**
 * RFC 2136 §3.2 and §3.4.2, clause by clause, on a draft. The comparison with a real BIND for thousands of random
 * messages is in test/interop/update-differential.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedVersion, soaOf } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import { textRdata } from '../../dns/rrset.ts';
import type { Prerequisite, ZoneEdit } from '../../dns/zone-change.ts';
import { ZoneDraft } from './draft.ts';
import { applyEdits, checkPrerequisites } from './edit.ts';
import { rdataOf, soaSerial } from './zone-version.ts';

const ZONE = 'example.com';
const apex = DomainName.parse(ZONE);
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
const A = (last: number): Rdata => ({ kind: 'A', address: `192.0.2.${last}` });
const target = <K extends 'NS' | 'CNAME' | 'DNAME'>(kind: K, name: string): Rdata => ({ kind, target: at(name) });
const mx = (name: string): Rdata => ({ kind: 'MX', preference: 10, exchange: at(name) });

function add(label: string, rdatas: readonly Rdata[], ttl = 60): ZoneEdit {
  const type = RRType[rdatas[0]!.kind as 'A'];
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl, rdatas } };
}
const deleteRRset = (label: string, type: number): ZoneEdit => ({ kind: 'delete-rrset', ownerName: at(label), type });
const deleteName = (label: string): ZoneEdit => ({ kind: 'delete-name', ownerName: at(label) });
function deleteFrom(label: string, rdatas: readonly Rdata[]): ZoneEdit {
  return { kind: 'delete-from-rrset', ownerName: at(label), type: RRType[rdatas[0]!.kind as 'A'], rdatas };
}

function draftOf(...edits: ZoneEdit[]): ZoneDraft {
  return new ZoneDraft(editedVersion(ZONE, { edits, serial: 100 }));
}

/** `TTL value value`, or undefined without such an RRset. */
function shown(draft: ZoneDraft, label: string, type: number): string | undefined {
  const rrset = draft.findRRset(at(label).key, type);
  if (rrset === undefined) return undefined;
  const values = rrset.rdatas.map((octets) => {
    const rdata = rdataOf(type, octets);
    if (rdata.kind === 'SOA') return String(rdata.serial);
    if (rdata.kind === 'TXT') return JSON.stringify(Buffer.concat(rdata.strings).toString());
    if (rdata.kind === 'MX') return rdata.exchange.toString();
    return 'address' in rdata ? rdata.address : 'target' in rdata ? rdata.target.toString() : rdata.kind;
  });
  return [rrset.ttl, ...values].join(' ');
}

describe('RFC 2136 §3.2: prerequisites', () => {
  const draft = draftOf(add('a', [A(1), A(2)]), add('m', [mx('Mail')]), add('x.ent', [A(1)]));
  const type = RRType.A;
  const equals = (label: string, rdatas: readonly Rdata[]): Prerequisite => {
    return { kind: 'rrset-equals', ownerName: at(label), type: RRType[rdatas[0]!.kind as 'A'], rdatas };
  };

  it.each<[string, Prerequisite, string]>([
    ['§3.2.1: an RRset that is there holds', { kind: 'rrset-exists', ownerName: at('A'), type }, 'hold'],
    ['§3.2.1: one of another type does not', { kind: 'rrset-exists', ownerName: at('a'), type: 28 }, 'NXRRSET'],
    ['§3.2.1: nor one of a name that is not there', { kind: 'rrset-exists', ownerName: at('b'), type }, 'NXRRSET'],
    ['§3.2.2: no RRset where none is holds', { kind: 'rrset-absent', ownerName: at('a'), type: 28 }, 'hold'],
    ['§3.2.2: no RRset where one is does not', { kind: 'rrset-absent', ownerName: at('a'), type }, 'YXRRSET'],
    ['§3.2.3: the same members in another order hold', equals('a', [A(2), A(1)]), 'hold'],
    ['§3.2.3: a member given twice is one member', equals('a', [A(2), A(1), A(2)]), 'hold'],
    ['§3.2.3: an RRset with one member more fails', equals('a', [A(1), A(2), A(3)]), 'NXRRSET'],
    ['§3.2.3: an RRset with one member less fails', equals('a', [A(1)]), 'NXRRSET'],
    ['§3.2.3: another member fails', equals('a', [A(1), A(3)]), 'NXRRSET'],
    ['§3.2.3: an RRset that is not there fails', equals('b', [A(1)]), 'NXRRSET'],
    ['§1.1.1: names in RDATA are compared without case', equals('m', [mx('mAIL')]), 'hold'],
    ['§3.2.1: a name with data is in use', { kind: 'name-in-use', ownerName: at('a') }, 'hold'],
    ['§3.2.1: a name without is not', { kind: 'name-in-use', ownerName: at('b') }, 'NXDOMAIN'],
    ['§3.2.1: an empty non-terminal is not in use', { kind: 'name-in-use', ownerName: at('ent') }, 'NXDOMAIN'],
    ['§3.2.2: a name that is not in use holds', { kind: 'name-not-in-use', ownerName: at('b') }, 'hold'],
    ['§3.2.2: an empty non-terminal is not in use', { kind: 'name-not-in-use', ownerName: at('ent') }, 'hold'],
    ['§3.2.2: a name that is in use fails', { kind: 'name-not-in-use', ownerName: at('a') }, 'YXDOMAIN'],
  ])('%s', (_, prerequisite, outcome) => {
    expect(checkPrerequisites(draft, [prerequisite])).toBe(outcome);
  });

  it('§3.2.5: the first that fails gives the RCODE', () => {
    const absent: Prerequisite = { kind: 'rrset-absent', ownerName: at('a'), type };
    const inUse: Prerequisite = { kind: 'name-in-use', ownerName: at('b') };
    expect(checkPrerequisites(draft, [absent, inUse])).toBe('YXRRSET');
    expect(checkPrerequisites(draft, [inUse, absent])).toBe('NXDOMAIN');
  });
});

describe('RFC 2136 §3.4.2.2: additions', () => {
  it('a WKS takes the place of the one with its address and protocol, and is deleted as a whole', () => {
    const wks = (protocol: number, ports: number): Rdata => {
      return { kind: 'unknown', octets: Uint8Array.of(192, 0, 2, 1, protocol, ports) };
    };
    const edit = (kind: 'add-to-rrset' | 'delete-from-rrset', rdata: Rdata): ZoneEdit =>
      kind === 'add-to-rrset'
        ? { kind, rrset: { ownerName: at('w'), type: 11, ttl: 60, rdatas: [rdata] } }
        : { kind, ownerName: at('w'), type: 11, rdatas: [rdata] };
    const draft = draftOf(edit('add-to-rrset', wks(6, 1)), edit('add-to-rrset', wks(17, 1)));
    const octets = () =>
      draft.findRRset(at('w').key, 11)?.rdatas.map((rdata) => [...Buffer.from(rdata, 'latin1')].slice(4));
    applyEdits(draft, [edit('add-to-rrset', wks(6, 2))]);
    expect(octets()).toEqual([
      [6, 2],
      [17, 1],
    ]);
    applyEdits(draft, [edit('delete-from-rrset', wks(6, 1))]);
    expect(octets()).toEqual([
      [6, 2],
      [17, 1],
    ]);
    applyEdits(draft, [edit('delete-from-rrset', wks(6, 2))]);
    expect(octets()).toEqual([[17, 1]]);
  });

  it.each<[string, ZoneEdit[], ZoneEdit[], string, number, string | undefined]>([
    ['a record makes its RRset and its name', [], [add('a', [A(1)])], 'a', RRType.A, '60 192.0.2.1'],
    ['another member joins', [add('a', [A(1)])], [add('a', [A(2)])], 'a', RRType.A, '60 192.0.2.1 192.0.2.2'],
    ['a duplicate is passed over', [add('a', [A(1)])], [add('a', [A(1)])], 'a', RRType.A, '60 192.0.2.1'],
    [
      'RFC 2181 §5.2: the TTL that came last is that of all members',
      [add('a', [A(1), A(2)])],
      [add('a', [A(2)], 300)],
      'a',
      RRType.A,
      '300 192.0.2.1 192.0.2.2',
    ],
    [
      'names in RDATA are the same without case: no second member',
      [add('a', [mx('Mail')])],
      [add('a', [mx('mail')])],
      'a',
      RRType.MX,
      '60 Mail.example.com.',
    ],
    [
      'texts are not: two members',
      [add('a', [textRdata('x')])],
      [add('a', [textRdata('X')])],
      'a',
      RRType.TXT,
      '60 "x" "X"',
    ],
    ['a CNAME beside data is passed over', [add('a', [A(1)])], [add('a', [target('CNAME', 'b')])], 'a', 5, undefined],
    ['data beside a CNAME is passed over', [add('a', [target('CNAME', 'b')])], [add('a', [A(1)])], 'a', 1, undefined],
    [
      'a CNAME replaces a CNAME',
      [add('a', [target('CNAME', 'b')])],
      [add('a', [target('CNAME', 'c')], 300)],
      'a',
      RRType.CNAME,
      '300 c.example.com.',
    ],
    [
      'RFC 6672 §2.4: a DNAME replaces a DNAME',
      [add('a', [target('DNAME', 'b')])],
      [add('a', [target('DNAME', 'c')])],
      'a',
      RRType.DNAME,
      '60 c.example.com.',
    ],
    ['a SOA below the apex is passed over', [], [add('a', [soaOf(apex, 200)])], 'a', RRType.SOA, undefined],
    ['a later SOA replaces the SOA', [], [add('@', [soaOf(apex, 200)])], '@', RRType.SOA, '60 200'],
    ['a SOA with the same serial is passed over', [], [add('@', [soaOf(apex, 100)])], '@', RRType.SOA, '300 100'],
    ['an earlier SOA is passed over', [], [add('@', [soaOf(apex, 99)])], '@', RRType.SOA, '300 100'],
    [
      'RFC 1982 §3.2: a SOA half the circle away is passed over',
      [],
      [add('@', [soaOf(apex, 100 + 2 ** 31)])],
      '@',
      RRType.SOA,
      '300 100',
    ],
    [
      'RFC 1982 §3.2: two steps do not lead past what is published',
      [],
      [add('@', [soaOf(apex, 110)]), add('@', [soaOf(apex, 105 + 2 ** 31)])],
      '@',
      RRType.SOA,
      '60 110',
    ],
    ['RFC 4592 §4.2: an NS at a wildcard is passed over', [], [add('*.w', [target('NS', 'ns')])], '*.w', 2, undefined],
    ['RFC 4592 §4.4: a DNAME at one, too', [], [add('*.w', [target('DNAME', 'ns')])], '*.w', 39, undefined],
  ])('%s', (_, before, edits, label, type, expected) => {
    const draft = draftOf(...before);
    applyEdits(draft, edits);
    expect(shown(draft, label, type)).toBe(expected);
  });

  it('an addition of existing data changes nothing', () => {
    const draft = draftOf(add('a', [A(1), A(2)]));
    applyEdits(draft, [add('a', [A(2), A(1)])]);
    expect(draft.changed).toBe(false);
  });

  it('a SOA with a later serial is not incremented further', () => {
    const draft = draftOf();
    applyEdits(draft, [add('@', [soaOf(apex, 200)])]);
    expect(draft.seal()!.version.serial).toBe(200);
  });
});

describe('RFC 2136 §3.4.2.3, §3.4.2.4: deletions', () => {
  it.each<[string, ZoneEdit[], ZoneEdit[], string, number, string | undefined]>([
    ['§3.4.2.3: an RRset', [add('a', [A(1), A(2)])], [deleteRRset('a', RRType.A)], 'a', RRType.A, undefined],
    ['§3.4.2.3: not the one beside it', [add('a', [A(1)])], [deleteRRset('a', RRType.AAAA)], 'a', 1, '60 192.0.2.1'],
    ['§3.4.2.3: all RRsets of a name', [add('a', [A(1)]), add('a', [mx('b')])], [deleteName('a')], 'a', 15, undefined],
    ['§3.4.2.3: not those below it', [add('b.a', [A(1)])], [deleteName('a')], 'b.a', RRType.A, '60 192.0.2.1'],
    ["§3.4.2.3: not the apex's SOA", [], [deleteRRset('@', RRType.SOA)], '@', RRType.SOA, '300 100'],
    ["§3.4.2.3: not the apex's NS", [], [deleteRRset('@', RRType.NS)], '@', RRType.NS, '300 ns1.example.com.'],
    ['§3.4.2.3: nor with all of the apex', [], [deleteName('@')], '@', RRType.NS, '300 ns1.example.com.'],
    ['§3.4.2.3: other data of the apex', [add('@', [A(1)])], [deleteName('@')], '@', RRType.A, undefined],
    ['§3.4.2.3: an NS below the apex', [add('a', [target('NS', 'b')])], [deleteName('a')], 'a', RRType.NS, undefined],
    ['§3.4.2.4: one member', [add('a', [A(1), A(2)])], [deleteFrom('a', [A(1)])], 'a', RRType.A, '60 192.0.2.2'],
    ['§3.4.2.4: the last member, and the RRset', [add('a', [A(1)])], [deleteFrom('a', [A(1)])], 'a', 1, undefined],
    ['§3.4.2.4: none that is not there', [add('a', [A(1)])], [deleteFrom('a', [A(2)])], 'a', 1, '60 192.0.2.1'],
    ['§3.4.2.4: names without case', [add('a', [mx('Mail')])], [deleteFrom('a', [mx('mAIL')])], 'a', 15, undefined],
    ["§3.4.2.4: not the zone's SOA", [], [deleteFrom('@', [soaOf(apex, 100)])], '@', RRType.SOA, '300 100'],
    [
      "§3.4.2.4: not the zone's last NS",
      [],
      [deleteFrom('@', [target('NS', 'ns1')])],
      '@',
      RRType.NS,
      '300 ns1.example.com.',
    ],
    [
      '§3.4.2.4: one NS of two',
      [],
      [add('@', [target('NS', 'ns2')], 300), deleteFrom('@', [target('NS', 'ns1')])],
      '@',
      RRType.NS,
      '300 ns2.example.com.',
    ],
  ])('%s', (_, before, edits, label, type, expected) => {
    const draft = draftOf(...before);
    applyEdits(draft, edits);
    expect(shown(draft, label, type)).toBe(expected);
  });
});

it('RFC 2136 §3.4.2: edits are applied in order', () => {
  const draft = draftOf(add('a', [A(1)]));
  applyEdits(draft, [deleteName('a'), add('a', [target('CNAME', 'b')]), add('a', [A(2)])]);
  expect(shown(draft, 'a', RRType.CNAME)).toBe('60 b.example.com.');
  expect(shown(draft, 'a', RRType.A)).toBeUndefined();
});

it('RFC 2136 §3.6: the serial is incremented by a change, and only by a change', () => {
  const draft = draftOf(add('a', [A(1)]));
  applyEdits(draft, [deleteFrom('a', [A(2)]), deleteName('b'), deleteRRset('@', RRType.NS)]);
  expect(draft.seal()).toBeUndefined();
  applyEdits(draft, [add('a', [A(2)])]);
  expect(soaSerial(draft.seal()!.diff.added[0]!.rdata)).toBe(101);
});

describe('many edits of one name give what the same edits give one by one', () => {
  const NAMES = ['a', 'A', 'b', 'a.b', '@'];
  const edits: fc.Arbitrary<ZoneEdit> = fc.oneof(
    fc
      .tuple(fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 4 }), fc.constantFrom(60, 300))
      .map(([label, last, ttl]) => add(label, [A(last)], ttl)),
    fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('x', 'X', 'y')).map(([label, name]) => add(label, [mx(name)])),
    fc
      .tuple(fc.constantFrom(...NAMES), fc.constantFrom('NS' as const, 'CNAME' as const, 'DNAME' as const))
      .map(([label, kind]) => add(label, [target(kind, 'c')])),
    fc.tuple(fc.constantFrom(...NAMES), fc.integer({ min: 99, max: 105 })).map(([label, serial]) => {
      return add(label, [soaOf(apex, serial)]);
    }),
    fc
      .tuple(fc.constantFrom(...NAMES), fc.constantFrom(RRType.A, RRType.NS, RRType.SOA, RRType.CNAME))
      .map(([label, type]) => deleteRRset(label, type)),
    fc
      .tuple(fc.constantFrom(...NAMES), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }))
      .map(([label, last]) => deleteFrom(label, last.map(A))),
    fc.constantFrom(...NAMES).map(deleteName),
    fc.constant(deleteFrom('@', [target('NS', 'ns1')])),
  );

  it('in generated messages', () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 30 }), (message) => {
        const together = draftOf();
        applyEdits(together, message);
        const oneByOne = draftOf();
        for (const edit of message) applyEdits(oneByOne, [edit]);
        const content = (draft: ZoneDraft) =>
          ['a', 'b', 'a.b', '@'].map((label) => draft.find(at(label).key)?.rrsets ?? []);
        expect(content(together)).toEqual(content(oneByOne));
        expect(together.cuts).toBe(oneByOne.cuts);
      }),
      { numRuns: 500 },
    );
  });
});

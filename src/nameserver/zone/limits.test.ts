/** Limits of records and types: what a change may make of a name, and what is there already. */
import { describe, expect, it } from 'vitest';
import { editedVersion } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { ZoneDraft } from './draft.ts';
import { applyEdits } from './edit.ts';
import { describeTooLarge, overLimits } from './limits.ts';

const home = DomainName.parse('home.example.com');
const LIMITS = { recordsPerRRset: 3, typesPerName: 4 };

const a = (last: number): Rdata => ({ kind: 'A', address: `192.0.2.${last}` });
const octets = (size: number, fill = 1): Rdata => ({ kind: 'unknown', octets: Buffer.alloc(size, fill) });
const add = (type: number, rdatas: readonly Rdata[], ttl = 60): ZoneEdit => {
  return { kind: 'add-to-rrset', rrset: { ownerName: home, type, ttl, rdatas } };
};
const addA = (count: number, ttl?: number) =>
  add(
    RRType.A,
    Array.from({ length: count }, (_, i) => a(i)),
    ttl,
  );
const types = (count: number) => Array.from({ length: count }, (_, i) => add(65_280 + i, [octets(1)]));
const remove = (type: number, rdata: Rdata): ZoneEdit => {
  return { kind: 'delete-from-rrset', ownerName: home, type, rdatas: [rdata] };
};

function judge(present: readonly ZoneEdit[], edits: readonly ZoneEdit[]): string | undefined {
  const draft = new ZoneDraft(editedVersion('example.com', { edits: present }));
  const mark = draft.mark();
  applyEdits(draft, edits);
  return overLimits(mark, draft, [home.key], LIMITS);
}

const big = (fills: number[]) =>
  add(
    65_280,
    fills.map((fill) => octets(31_000, fill)),
  );

describe('a change', () => {
  it.each<[string, ZoneEdit[], ZoneEdit[], string | undefined]>([
    ['as many records as allowed', [], [addA(3)], undefined],
    [
      'one more',
      [],
      [addA(4)],
      "the A RRset of 'home.example.com.' would have 4 records, more than limits.records_per_rrset (3)",
    ],
    ['one more than there is', [addA(3)], [add(RRType.A, [a(9)])], 'would have 4 records'],
    ['another record for one of them', [addA(3)], [remove(RRType.A, a(0)), add(RRType.A, [a(9)])], undefined],
    ['fewer of too many', [addA(6)], [remove(RRType.A, a(0))], undefined],
    ['another TTL of too many', [addA(6)], [addA(6, 61)], 'would have 6 records'],
    [
      'another type beside too many',
      [addA(6)],
      [add(RRType.TXT, [{ kind: 'TXT', strings: [Buffer.from('x')] }])],
      undefined,
    ],
    ['as many types as allowed', [], types(4), undefined],
    ['one type more', [], types(5), "'home.example.com.' would have 5 types, more than limits.types_per_name (4)"],
    ['one type more than too many', types(6), [add(RRType.A, [a(1)])], 'would have 7 types'],
    ['a record of one of too many types', types(6), [add(65_280, [octets(1, 7)])], undefined],
    ['as many octets as a message carries', [], [big([1, 2])], undefined],
    ['more', [], [big([1, 2, 3])], 'would have 93036 octets, more than one message can carry (64012)'],
    ['one record of more', [], [add(65_280, [octets(64_001)])], 'would have 64013 octets'],
    ['fewer of too many octets', [big([1, 2, 3])], [remove(65_280, octets(31_000, 1))], undefined],
  ])('%s', (_, present, edits, why) => {
    if (why === undefined) expect(judge(present, edits)).toBeUndefined();
    else expect(judge(present, edits)).toContain(why);
  });
});

it('what is there already is described', () => {
  const version = editedVersion('example.com', { edits: [addA(6), ...types(6)] });
  expect(describeTooLarge(version, LIMITS)).toBe(
    'The zone example.com. has more than limits.records_per_rrset and limits.types_per_name allow: ' +
      "'home.example.com.' has 7 types; the A RRset of 'home.example.com.' has 6 records. " +
      'It is served; what is too large can only shrink.',
  );
  expect(describeTooLarge(version, { recordsPerRRset: 6, typesPerName: 7 })).toBeUndefined();
});

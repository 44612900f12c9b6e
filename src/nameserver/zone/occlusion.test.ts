/** Hidden data: against a search of the whole zone, for random zones and changes. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedVersion } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { ZoneDraft } from './draft.ts';
import { applyEdits } from './edit.ts';
import { newlyOccluded, type ZoneNames } from './occlusion.ts';
import { findRRset } from './zone-node.ts';
import { isStrictlyBelow, nameOf } from './zone-version.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));

const RDATA: Readonly<Record<string, (target: string) => Rdata>> = {
  A: () => ({ kind: 'A', address: '192.0.2.1' }),
  AAAA: () => ({ kind: 'AAAA', address: '2001:db8::1' }),
  TXT: () => ({ kind: 'TXT', strings: [Buffer.from('x')] }),
  CNAME: (target) => ({ kind: 'CNAME', target: at(target) }),
  NS: (target) => ({ kind: 'NS', target: at(target) }),
  DNAME: (target) => ({ kind: 'DNAME', target: at(target) }),
  DS: () => ({ kind: 'DS', keyTag: 1, algorithm: 13, digestType: 2, digest: Buffer.alloc(32, 7) }),
};

function add(label: string, type: string, target = 'x'): ZoneEdit {
  const rdatas = [RDATA[type]!(target)];
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type: RRType[type as 'A'], ttl: 60, rdatas } };
}
const removeName = (label: string): ZoneEdit => ({ kind: 'delete-name', ownerName: at(label) });
const remove = (label: string, type: string): ZoneEdit => {
  return { kind: 'delete-rrset', ownerName: at(label), type: RRType[type as 'A'] };
};

/** Why the edits may not be made. */
function judge(present: readonly ZoneEdit[], edits: readonly ZoneEdit[]): string | undefined {
  const draft = new ZoneDraft(editedVersion('example.com', { edits: present }));
  const mark = draft.mark();
  applyEdits(draft, edits);
  return newlyOccluded(mark, draft, keysOf(edits));
}
const keysOf = (edits: readonly ZoneEdit[]) => {
  return new Set(edits.map((edit) => ('rrset' in edit ? edit.rrset : edit).ownerName.key));
};

describe('a change that hides data', () => {
  it.each<[string, ZoneEdit[], ZoneEdit[], RegExp]>([
    ['data below a delegation', [add('sub', 'NS')], [add('a.b.sub', 'A')], /A RRset of 'a\.b\.sub.* below the deleg/],
    ['data below a DNAME', [add('moved', 'DNAME')], [add('a.moved', 'TXT')], /below the DNAME at 'moved/],
    ["an address of the apex's NS below its DNAME", [add('@', 'DNAME')], [add('ns1', 'A')], /below the DNAME/],
    ['data beside the NS', [add('sub', 'NS')], [add('sub', 'TXT')], /TXT RRset of 'sub.*hidden by the NS RRset beside/],
    ['NS beside data', [add('home', 'A')], [add('home', 'NS')], /A RRset of 'home.*hidden by the NS RRset beside/],
    ['NS above data', [add('_acme-challenge.home', 'CNAME')], [add('home', 'NS')], /at 'home.*hide the names below/],
    ['NS above data three labels below', [add('a.b.home', 'A')], [add('home', 'NS')], /at 'home.*would hide/],
    ['DNAME above data', [add('a.home', 'A')], [add('home', 'DNAME')], /the DNAME at 'home.*would hide/],
    ['DNAME at the apex above data', [add('www', 'A')], [add('@', 'DNAME')], /the DNAME at 'example.*would hide/],
    ['data below a DNAME at the apex', [add('@', 'DNAME')], [add('www', 'A')], /below the DNAME at 'example/],
    ['NS above glue and other data', [add('ns.sub', 'A'), add('ns.sub', 'TXT')], [add('sub', 'NS', 'ns.sub')], /hide/],
    [
      'NS above a name below its glue',
      [add('ns.sub', 'A'), add('x.ns.sub', 'A')],
      [add('sub', 'NS', 'ns.sub')],
      /hide/,
    ],
    ['NS above a delegation', [add('a.sub', 'NS')], [add('sub', 'NS')], /hide/],
    [
      'a new NS RRset that makes glue ordinary data',
      [add('sub', 'NS', 'ns.sub'), add('ns.sub', 'A')],
      [remove('sub', 'NS'), add('sub', 'NS')],
      /hide/,
    ],
    [
      'the end of a delegation above a hidden DNAME that would hide its glue',
      [add('a.sub', 'DNAME'), add('ns.a.sub', 'A'), add('sub', 'NS', 'ns.a.sub')],
      [removeName('sub')],
      /A RRset of 'ns\.a\.sub.*below the DNAME at 'a\.sub/,
    ],
    ['DNAME beside NS', [add('sub', 'NS')], [add('sub', 'DNAME')], /DNAME RRset of 'sub.*hidden/],
    ['a label that only looks like the cut', [add('sub', 'NS')], [add('www.sub', 'A')], /below/],
  ])('is refused: %s', (_, present, edits, words) => {
    expect(judge(present, edits)).toMatch(words);
  });

  it.each<[string, ZoneEdit[], ZoneEdit[]]>([
    ['glue', [add('sub', 'NS', 'ns.sub')], [add('ns.sub', 'A'), add('ns.sub', 'AAAA')]],
    ['glue of a name below an empty one', [add('sub', 'NS', 'a.b.sub')], [add('a.b.sub', 'A')]],
    ['a delegation over its glue', [add('ns.a.sub', 'A')], [add('sub', 'NS', 'ns.a.sub')]],
    ['glue at the cut itself', [add('sub', 'A')], [add('sub', 'NS', 'sub')]],
    ['DS beside NS', [add('sub', 'NS')], [add('sub', 'DS')]],
    [
      'emptying a subtree and delegating it',
      [add('a.sub', 'A'), add('b.c.sub', 'TXT')],
      [removeName('a.sub'), removeName('b.c.sub'), add('sub', 'NS')],
    ],
    ['the same in another order', [add('a.sub', 'A')], [add('sub', 'NS'), removeName('a.sub')]],
    ['data instead of the delegation', [add('sub', 'NS')], [add('a.sub', 'A'), remove('sub', 'NS')]],
    ['data beside a DNAME', [add('moved', 'DNAME')], [add('moved', 'TXT')]],
    ['a DNAME at the apex of an empty zone', [], [add('@', 'DNAME')]],
    ['a name that only ends like the cut', [add('ub', 'NS')], [add('sub', 'A')]],
  ])('is none: %s', (_, present, edits) => {
    expect(judge(present, edits)).toBeUndefined();
  });

  it('what was hidden before may stay, and go', () => {
    const hidden = [add('sub', 'NS'), add('a.sub', 'A'), add('a.sub', 'TXT'), add('sub', 'TXT')];
    expect(judge(hidden, [remove('a.sub', 'TXT')])).toBeUndefined();
    expect(judge(hidden, [add('sub', 'NS', 'other')])).toBeUndefined();
    expect(judge(hidden, [add('a.sub', 'AAAA')])).toMatch(/AAAA RRset/);
  });
});

/** Every RRset that is hidden, found by looking at all names. */
function hiddenIn({ nodes }: ZoneNames): Set<string> {
  const hidden = new Set<string>();
  const all = [...nodes.values()];
  const has = (node: (typeof all)[number], type: number) => findRRset(node, type) !== undefined;
  for (const node of all) {
    const above = all
      .filter(({ key }) => isStrictlyBelow(node.key, key))
      .filter((cut) => has(cut, RRType.DNAME) || (has(cut, RRType.NS) && cut.key !== apex.key))
      .sort((a, b) => a.key.length - b.key.length)[0];
    const own = node.key !== apex.key && has(node, RRType.NS) ? node : undefined;
    for (const { type } of node.rrsets) {
      const cut = above ?? own;
      if (cut === undefined) continue;
      const isAddress = type === RRType.A || type === RRType.AAAA;
      const targets = findRRset(cut, RRType.NS)?.rdatas.map((rdata) => rdata.toLowerCase()) ?? [];
      if (isAddress && targets.includes(node.key) && !(above && has(above, RRType.DNAME))) continue;
      if (above === undefined && (type === RRType.NS || type === RRType.DS)) continue;
      hidden.add(`${nameOf(node.wireText)} ${type}`);
    }
  }
  return hidden;
}

const LABELS = ['@', 'a', 'b', 'a.a', 'b.a', 'a.b', 'a.a.a', 'b.a.a', 'aa', 'a.aa'];
const arbitraryEdit = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        label: fc.constantFrom(...LABELS),
        type: fc.constantFrom(...Object.keys(RDATA)),
        target: fc.constantFrom(...LABELS),
      })
      .map(({ label, type, target }) => add(label, type, target)),
  },
  { weight: 2, arbitrary: fc.constantFrom(...LABELS).map(removeName) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...LABELS), fc.constantFrom(...Object.keys(RDATA)))
      .map(([label, type]) => remove(label, type)),
  },
);

it('a change is refused if and only if it hides an RRset that was seen, or changes one that is hidden', () => {
  let refused = 0;
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(arbitraryEdit, { maxLength: 8 }),
      fc.array(fc.array(arbitraryEdit, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
      (present, changes) => {
        // The zone may have hidden data from the start; refused changes are not made.
        const draft = new ZoneDraft(editedVersion('example.com', { edits: present }));
        for (const edits of changes) {
          const mark = draft.mark();
          const before = hiddenIn(mark);
          applyEdits(draft, edits);
          const hidden = [...hiddenIn(draft)].filter((rrset) => !before.has(rrset));
          const why = newlyOccluded(mark, draft, keysOf(edits));
          if (why === undefined) {
            expect(hidden).toEqual([]);
            taken += 1;
          } else {
            refused += 1;
            draft.rollBack(mark);
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
  expect([refused > 300, taken > 300]).toEqual([true, true]);
});

it('a change is not refused where it hides nothing and nothing was hidden', () => {
  fc.assert(
    fc.property(fc.array(fc.array(arbitraryEdit, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), (changes) => {
      const draft = new ZoneDraft(editedVersion('example.com'));
      for (const edits of changes) {
        const mark = draft.mark();
        applyEdits(draft, edits);
        const hidden = hiddenIn(draft);
        const why = newlyOccluded(mark, draft, keysOf(edits));
        expect([why !== undefined, [...hidden]]).toEqual([hidden.size > 0, [...hidden]]);
        if (why !== undefined) draft.rollBack(mark);
      }
    }),
    { numRuns: 1000 },
  );
});

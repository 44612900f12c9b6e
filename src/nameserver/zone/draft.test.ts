/** The draft of a zone: empty non-terminals, number of cuts, exact diffs, roll back, serials. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedVersion } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { ZoneDraft } from './draft.ts';
import type { ZoneRecord } from './zone-node.ts';
import { isCut, rdataText, soaSerial, withSerial, type ZoneVersion } from './zone-version.ts';

const base = editedVersion('example.com');
const { apex } = base;
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
const a = (last: number) => rdataText({ kind: 'A', address: `192.0.2.${last}` });
const rrsetA = (...lasts: number[]) => ({ type: RRType.A, ttl: 60, rdatas: lasts.map(a) });
const ns = {
  type: RRType.NS,
  ttl: 60,
  rdatas: [rdataText({ kind: 'NS', target: DomainName.parse('ns.example.net') })],
};
const dname = { ...ns, type: RRType.DNAME };

/** Keys of all nodes but the apex, in presentation form, sorted. */
function names(draft: ZoneDraft): string[] {
  const keys = [...(draft.seal()?.version ?? draft.base).nodes.values()].map(({ key }) => key);
  const texts = keys.map((key) => DomainName.ofWire(Buffer.from(key, 'latin1')).toString());
  return texts.filter((text) => text !== 'example.com.').sort();
}

function recordTexts(records: Iterable<ZoneRecord>): string[] {
  return [...records].map(({ wireText, type, ttl, rdata }) => JSON.stringify([wireText, type, ttl, rdata])).sort();
}

describe('empty non-terminals (RFC 4592 §2.2.2)', () => {
  it('appear with the first name below and disappear with the last', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('a.b.c'), rrsetA(1));
    draft.setRRset(at('d.b.c'), rrsetA(2));
    expect(names(draft)).toEqual(['a.b.c.example.com.', 'b.c.example.com.', 'c.example.com.', 'd.b.c.example.com.']);
    draft.deleteRRset(at('a.b.c').key, RRType.A);
    expect(names(draft)).toEqual(['b.c.example.com.', 'c.example.com.', 'd.b.c.example.com.']);
    draft.deleteRRset(at('d.b.c').key, RRType.A);
    expect(names(draft)).toEqual([]);
  });

  it('stay where a name between has data', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('a.b.c'), rrsetA(1));
    draft.setRRset(at('b.c'), rrsetA(2));
    draft.deleteRRset(at('a.b.c').key, RRType.A);
    expect(names(draft)).toEqual(['b.c.example.com.', 'c.example.com.']);
    draft.deleteRRset(at('b.c').key, RRType.A);
    expect(names(draft)).toEqual([]);
  });

  it('become a name with data and back, while names below stay', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('a.b'), rrsetA(1));
    draft.setRRset(at('b'), rrsetA(2));
    draft.deleteRRset(at('b').key, RRType.A);
    expect(draft.find(at('b').key)).toMatchObject({ rrsets: [], children: 1 });
    expect(names(draft)).toEqual(['a.b.example.com.', 'b.example.com.']);
  });
});

it('a name outside of the zone is an error without effect', () => {
  const draft = new ZoneDraft(base);
  const mark = draft.mark();
  expect(() => draft.setRRset(DomainName.parse('notexample.com'), rrsetA(1))).toThrow();
  draft.rollBack(mark);
  expect(draft.seal()).toBeUndefined();
});

describe('cuts', () => {
  it('are names with NS below the apex, and names with DNAME, each counted once', () => {
    const draft = new ZoneDraft(base);
    expect(draft.cuts).toBe(0);
    draft.setRRset(at('@'), ns);
    expect(draft.cuts).toBe(0);
    draft.setRRset(at('sub'), ns);
    draft.setRRset(at('sub'), dname);
    draft.setRRset(at('moved'), dname);
    draft.setRRset(at('moved'), { ...dname, ttl: 70 });
    expect(draft.cuts).toBe(2);
    draft.deleteRRset(at('sub').key, RRType.NS);
    expect(draft.cuts).toBe(2);
    draft.deleteRRset(at('sub').key, RRType.DNAME);
    draft.deleteRRset(at('moved').key, RRType.DNAME);
    expect(draft.cuts).toBe(0);
  });
});

describe('roll back', () => {
  it('discards everything after the mark', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('kept'), rrsetA(1));
    const mark = draft.mark();
    draft.setRRset(at('gone'), ns);
    draft.deleteRRset(at('kept').key, RRType.A);
    draft.rollBack(mark);
    expect(draft.cuts).toBe(0);
    expect(draft.seal()!.diff.added.map(({ wireText }) => wireText)).toEqual([apex.wireText, at('kept').wireText]);
  });

  it('to the start leaves no change', () => {
    const draft = new ZoneDraft(base);
    const mark = draft.mark();
    draft.setRRset(at('gone'), rrsetA(1));
    draft.rollBack(mark);
    expect(draft.changed).toBe(false);
    expect(draft.seal()).toBeUndefined();
  });
});

describe('a sealed draft', () => {
  it('is undefined if the edits cancel one another', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('a'), rrsetA(1));
    draft.deleteRRset(at('a').key, RRType.A);
    expect(draft.seal()).toBeUndefined();
  });

  it('is undefined if only the order of members differs', () => {
    const before = new ZoneDraft(base);
    before.setRRset(at('a'), rrsetA(1, 2));
    const draft = new ZoneDraft(before.seal()!.version);
    draft.setRRset(at('a'), rrsetA(2, 1));
    expect(draft.seal()).toBeUndefined();
  });

  it('RFC 1995 §4: has the old SOA first among what is removed and the new one first among what is added', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(at('a'), rrsetA(1));
    const { diff } = draft.seal()!;
    expect(diff).toMatchObject({ serialBefore: 1, serial: 2 });
    expect([diff.removed, diff.added].map(([soa]) => soaSerial(soa!.rdata))).toEqual([1, 2]);
  });

  it('has every record of an RRset with a new TTL, and of others only the differing ones', () => {
    const before = new ZoneDraft(base);
    before.setRRset(at('a'), rrsetA(1, 2));
    const draft = new ZoneDraft(before.seal()!.version);
    draft.setRRset(at('a'), rrsetA(2, 3));
    const { version, diff } = draft.seal()!;
    expect(diff.removed.slice(1).map(({ rdata }) => rdata)).toEqual([a(1)]);
    expect(diff.added.slice(1).map(({ rdata }) => rdata)).toEqual([a(3)]);
    const again = new ZoneDraft(version);
    again.setRRset(at('a'), { ...rrsetA(2, 3), ttl: 61 });
    const second = again.seal()!.diff;
    expect([second.removed.length, second.added.length]).toEqual([3, 3]);
  });

  it('RFC 1982 §7: the serial after 4294967295 is 0, and is later', () => {
    const draft = new ZoneDraft(editedVersion('example.com', { serial: 0xffffffff }));
    draft.setRRset(at('a'), rrsetA(1));
    expect(draft.seal()!.diff).toMatchObject({ serialBefore: 0xffffffff, serial: 0 });
  });

  it('RFC 2136 §3.6: a serial that an edit has set is not incremented', () => {
    const draft = new ZoneDraft(base);
    draft.setRRset(apex, { ...base.soa, rdatas: [withSerial(base.soa.rdatas[0]!, 2026)] });
    draft.setRRset(at('a'), rrsetA(1));
    expect(draft.seal()!.version.serial).toBe(2026);
  });

  it('for any edits: the diff leads from the old records to the new ones, nodes and cuts are correct', () => {
    const label = fc.constantFrom('@', 'a', 'b.a', 'c.b.a', 'd.e', 'e', 'f.g.h');
    const step = fc.record({
      label,
      type: fc.constantFrom(RRType.A, RRType.NS, RRType.DNAME),
      ttl: fc.constantFrom(60, 61),
      members: fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
      undone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 4 }), (commits) => {
        let version = base;
        for (const steps of commits) {
          const draft = new ZoneDraft(version);
          for (const { label, type, ttl, members, undone } of steps) {
            const mark = draft.mark();
            const rdatas = members.map((n) => (type === RRType.A ? a(n) : `\x01${n}\0`));
            if (label !== '@' || type === RRType.A) draft.setRRset(at(label), { type, ttl, rdatas });
            if (undone) draft.rollBack(mark);
          }
          const sealed = draft.seal();
          if (sealed === undefined) continue;
          const { removed, added } = sealed.diff;
          const gone = recordTexts(removed);
          const remaining = recordTexts(version.records()).filter((text) => !gone.includes(text));
          expect([...remaining, ...recordTexts(added)].sort()).toEqual(recordTexts(sealed.version.records()));
          expect(gone.length + remaining.length).toBe(recordTexts(version.records()).length);
          expectSound(sealed.version);
          version = sealed.version;
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Checks that nodes, child counts and cuts equal those of a zone built from the same records. */
function expectSound(version: ZoneVersion): void {
  const keys = new Set<string>([apex.key]);
  for (const { wireText } of version.records()) {
    for (let name = DomainName.ofWire(Buffer.from(wireText, 'latin1')); !name.equals(apex); name = name.parent()!) {
      keys.add(name.key);
    }
  }
  const nodes = [...version.nodes.values()];
  expect(nodes.map(({ key }) => key).sort()).toEqual([...keys].sort());
  expect(version.cuts).toBe(nodes.filter((node) => isCut(node, apex.key)).length);
  for (const node of nodes) {
    if (node.key === apex.key) continue;
    const below = nodes.filter(({ key }) => key.slice(key.charCodeAt(0) + 1) === node.key);
    expect(node.children).toBe(below.length);
  }
}

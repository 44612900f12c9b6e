/**
 * Dynamic data that collides with static records: for random zones and configurations nothing is lost, no static record is
 * hidden, and everything comes back when the static records go.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedVersion, SOA_OPTIONS } from '../../../test/support/edited-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { ZoneDraft } from './draft.ts';
import { applyEdits } from './edit.ts';
import { isHidden, newlyOccluded } from './occlusion.ts';
import { replaceStatics, StaticConflict, type StaticContent } from './static-records.ts';
import { describeUnserved, listUnserved, UnservedEditor } from './unserved.ts';
import type { ZoneNode } from './zone-node.ts';
import { nameOf, type ZoneVersion } from './zone-version.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));

const RDATA: Readonly<Record<string, (target: string) => Rdata>> = {
  A: () => ({ kind: 'A', address: '192.0.2.1' }),
  TXT: (target) => ({ kind: 'TXT', strings: [Buffer.from(target)] }),
  CNAME: (target) => ({ kind: 'CNAME', target: at(target) }),
  NS: (target) => ({ kind: 'NS', target: at(target) }),
  DNAME: (target) => ({ kind: 'DNAME', target: at(target) }),
};
type TestRecord = readonly [label: string, type: string, target: string];

function content(records: readonly TestRecord[]): StaticContent {
  return {
    apex,
    ns: [DomainName.parse('ns1.example.net')],
    contact: at('hostmaster'),
    ...SOA_OPTIONS,
    records: records.map(([label, type, target]): ResourceRecord => {
      return { ownerName: at(label), type: RRType[type as 'A'], class: 1, ttl: 300, rdata: RDATA[type]!(target) };
    }),
  };
}

function addition([label, type, target]: TestRecord): ZoneEdit {
  const rdatas = [RDATA[type]!(target)];
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type: RRType[type as 'A'], ttl: 60, rdatas } };
}

/** A zone that UPDATEs made: each is taken only if it hides nothing. */
function dynamicZone(records: readonly TestRecord[]): ZoneVersion {
  const draft = new ZoneDraft(editedVersion('example.com'));
  replaceStatics(draft, content([]), 'set-aside');
  new UnservedEditor(draft).discard(apex.key, undefined);
  for (const record of records) {
    const mark = draft.mark();
    const edit = addition(record);
    applyEdits(draft, [edit]);
    if (newlyOccluded(mark, draft, [at(record[0]).key]) !== undefined) draft.rollBack(mark);
  }
  return draft.seal()!.version;
}

function replace(version: ZoneVersion, configured: StaticContent, mode: 'refuse' | 'set-aside'): ZoneVersion {
  const draft = new ZoneDraft(version);
  replaceStatics(draft, configured, mode);
  return draft.seal()?.version ?? version;
}

function rrsetsOf(nodes: Iterable<ZoneNode>, isWanted: (key: string, type: number) => boolean): string[] {
  const texts: string[] = [];
  for (const { key, wireText, rrsets } of nodes) {
    for (const { type, ttl, rdatas } of rrsets) {
      if (isWanted(key, type)) texts.push(JSON.stringify([nameOf(wireText).toString(), type, ttl, [...rdatas].sort()]));
    }
  }
  return texts.sort();
}
const dynamicOf = ({ nodes, statics }: ZoneVersion) => {
  return rrsetsOf(nodes.values(), (key, type) => !statics.get(key)?.has(type));
};
const unservedOf = ({ unserved }: ZoneVersion) => rrsetsOf(unserved.values(), () => true);
const names = (version: ZoneVersion) => {
  return [...listUnserved(version)].map(({ ownerName, type }) => `${ownerName} ${type}`);
};

describe('a start with static records that collide', () => {
  it.each<[string, TestRecord[], TestRecord[], string[]]>([
    ['with the same RRset', [['home', 'A', '']], [['home', 'A', '']], ['home.example.com. 1']],
    ['with a CNAME over data', [['home', 'A', '']], [['home', 'CNAME', 'x']], ['home.example.com. 1']],
    ['with data over a CNAME', [['home', 'CNAME', 'x']], [['home', 'A', '']], ['home.example.com. 5']],
    ['below a delegation', [['home', 'NS', 'x']], [['_acme-challenge.home', 'CNAME', 'x']], ['home.example.com. 2']],
    ['below a DNAME', [['home', 'DNAME', 'x']], [['a.b.home', 'A', '']], ['home.example.com. 39']],
    ['below a DNAME at the apex', [['@', 'DNAME', 'x']], [['www', 'A', '']], ['example.com. 39']],
    ['beside an NS', [['home', 'NS', 'x']], [['home', 'A', '']], ['home.example.com. 2']],
    [
      'with a delegation over data',
      [
        ['a.home', 'A', ''],
        ['b.a.home', 'TXT', ''],
      ],
      [['home', 'NS', 'x']],
      ['a.home.example.com. 1', 'b.a.home.example.com. 16'],
    ],
    ['with a DNAME over data', [['a.home', 'A', '']], [['home', 'DNAME', 'x']], ['a.home.example.com. 1']],
    ['with an NS beside data', [['home', 'TXT', '']], [['home', 'NS', 'x']], ['home.example.com. 16']],
  ])(
    '%s serves the static ones and keeps the dynamic ones; a reload is refused',
    (_, dynamic, configured, expected) => {
      const version = dynamicZone(dynamic);
      const started = replace(version, content(configured), 'set-aside');
      expect(names(started).sort()).toEqual(expected);
      expect(dynamicOf(started)).toEqual([]);
      for (const [key, types] of started.statics) {
        for (const type of types) expect([nameOf(key).toString(), isHidden(started, key, type)]).toContain(false);
      }
      const warning = describeUnserved(started)!;
      for (const each of expected) expect(warning).toContain(each.split(' ')[0]);
      expect(warning).toContain("'dyndns zone discard example.com. NAME'");
      expect(() => replace(version, content(configured), 'refuse')).toThrow(StaticConflict);
      // A later start or reload finds nothing new, and without the static records everything is as before.
      expect(replace(started, content(configured), 'refuse')).toBe(started);
      const without = replace(started, content([]), 'refuse');
      expect([names(without), dynamicOf(without)]).toEqual([[], dynamicOf(version)]);
      expect(without.serial).toBeGreaterThan(started.serial);
    },
  );

  it('does not serve again what other data has replaced', () => {
    const started = replace(dynamicZone([['home', 'CNAME', 'x']]), content([['home', 'A', '']]), 'set-aside');
    const draft = new ZoneDraft(started);
    applyEdits(draft, [addition(['home', 'TXT', 'y'])]);
    const later = replace(draft.seal()!.version, content([]), 'refuse');
    expect(names(later)).toEqual(['home.example.com. 5']);
    expect([...listUnserved(later)][0]!.why).toBe('other data is at its name, which cannot be beside a CNAME');
  });

  it('unserved data can be discarded, by name and type', () => {
    const started = replace(
      dynamicZone([
        ['a.home', 'A', ''],
        ['a.home', 'TXT', ''],
      ]),
      content([['home', 'NS', 'x']]),
      'set-aside',
    );
    const draft = new ZoneDraft(started);
    const key = at('a.home').key;
    expect(new UnservedEditor(draft).discard(key, RRType.NS)).toBe(0);
    expect(new UnservedEditor(draft).discard(key, RRType.A)).toBe(1);
    expect(names(draft.seal()!.version)).toEqual(['a.home.example.com. 16']);
    const all = new ZoneDraft(started);
    expect(new UnservedEditor(all).discard(key, undefined)).toBe(2);
    expect(describeUnserved(all.seal()!.version)).toBeUndefined();
    expect(started.unserved.size).toBe(1);
  });

  it('many RRsets are set aside in time that grows in a straight line', () => {
    const dynamic = Array.from({ length: 20_000 }, (_, i): TestRecord => [`h${i}.home`, 'A', '']);
    const draft = new ZoneDraft(editedVersion('example.com', { edits: dynamic.map(addition) }));
    replaceStatics(draft, content([['home', 'NS', 'x']]), 'set-aside');
    expect(draft.unserved.size).toBe(20_001);
  });
});

const LABELS = ['@', 'a', 'b', 'a.a', 'b.a', 'a.b', 'a.a.a', 'aa'];
const arbitraryRecord = fc.tuple(
  fc.constantFrom(...LABELS),
  fc.constantFrom(...Object.keys(RDATA)),
  fc.constantFrom(...LABELS),
);

it('nothing is lost, no static record is hidden, and everything comes back', () => {
  let collided = 0;
  fc.assert(
    fc.property(
      fc.array(arbitraryRecord, { maxLength: 12 }),
      fc.array(arbitraryRecord, { minLength: 1, maxLength: 5 }),
      (dynamic, configured) => {
        const empty = new ZoneDraft(dynamicZone([]));
        try {
          replaceStatics(empty, content(configured), 'set-aside');
        } catch (error) {
          // The configuration collides with itself.
          expect(error).toBeInstanceOf(StaticConflict);
          return;
        }
        const version = dynamicZone(dynamic);
        const started = replace(version, content(configured), 'set-aside');
        if (started.unserved.size > 0) collided += 1;
        expect([...dynamicOf(started), ...unservedOf(started)].sort()).toEqual(dynamicOf(version));
        for (const [key, types] of started.statics) {
          for (const type of types) expect(isHidden(started, key, type)).toBe(false);
        }
        const reload = () => replace(version, content(configured), 'refuse');
        if (started.unserved.size > 0) expect(reload).toThrow(StaticConflict);
        else expect(dynamicOf(reload())).toEqual(dynamicOf(version));
        const without = replace(started, content([]), 'refuse');
        expect([unservedOf(without), dynamicOf(without)]).toEqual([[], dynamicOf(version)]);
      },
    ),
    { numRuns: 1000 },
  );
  expect(collided).toBeGreaterThan(100);
});

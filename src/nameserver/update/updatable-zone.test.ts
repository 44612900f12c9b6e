/** Strict changes of an embedded zone: what UPDATE ignores is refused, a serial is required, and the caller has the last word. */
import { beforeEach, describe, expect, it } from 'vitest';
import { editedZone, LIMITS } from '../../../test/support/edited-zone.ts';
import { AppError, PreconditionFailed } from '../../core/errors.ts';
import type { ChangedName, EditRules } from '../../core/zones/publisher.ts';
import { DomainName } from '../../dns/name.ts';
import { readRecordText } from '../../dns/presentation/record-text.ts';
import { parseRRType, RRType } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { Committer } from '../journal/committer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { EmbeddedUpdates } from './updatable-zone.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));

function rrset(label: string, type: string, ...texts: readonly string[]) {
  const code = parseRRType(type)!;
  return { ownerName: at(label), type: code, ttl: 60, rdatas: texts.map((text) => readRecordText(code, text)) };
}
const replace = (...of: Parameters<typeof rrset>): ZoneEdit => ({ kind: 'replace-rrset', rrset: rrset(...of) });
const extend = (...of: Parameters<typeof rrset>): ZoneEdit => ({ kind: 'add-to-rrset', rrset: rrset(...of) });
const remove = (label: string, type: string): ZoneEdit => ({
  kind: 'delete-rrset',
  ownerName: at(label),
  type: parseRRType(type)!,
});
const removeName = (label: string): ZoneEdit => ({ kind: 'delete-name', ownerName: at(label) });

let zone: EmbeddedZone;
let updates: EmbeddedUpdates;
let append: () => Promise<void>;

beforeEach(() => {
  const edits = [
    extend('home', 'A', '192.0.2.1'),
    extend('alias', 'CNAME', 'home.example.com.'),
    extend('www', 'A', '192.0.2.80'),
  ];
  const statics = new Map([
    [apex.key, new Set<number>([RRType.SOA, RRType.NS])],
    [at('www').key, new Set<number>([RRType.A])],
  ]);
  zone = editedZone('example.com', { edits, statics });
  append = async () => undefined;
  updates = new EmbeddedUpdates(zone, new Committer({ log: { append: () => append() } }), LIMITS);
});

async function change(edits: readonly ZoneEdit[], rules: Partial<EditRules> = {}): Promise<string> {
  const all = { isStrict: true, refusal: () => undefined, ...rules };
  const outcome = await updates.applyUpdate({ prerequisites: [], edits }, all, performance.now() + 1000);
  return outcome.kind === 'refused' ? outcome.why : outcome.kind;
}

const serial = () => zone.published.serial;

describe('a strict change', () => {
  it.each([
    ['data beside a CNAME', [replace('alias', 'A', '192.0.2.2')], /IN A: Conflicts with pre-existing RRset/],
    ['a CNAME beside data', [replace('home', 'CNAME', 'x.example.')], /IN CNAME: Conflicts with pre-existing RRset/],
    ['a second CNAME', [extend('alias', 'CNAME', 'other.example.')], /more than one record/],
    ['NS at a wildcard', [replace('*.x', 'NS', 'ns.example.')], /cannot have it/],
    ['a static RRset', [replace('www', 'A', '192.0.2.2')], /set by the configuration/],
    ['the deletion of the NS RRset of the apex', [remove('@', 'NS')], /set by the configuration/],
    ['a record of the signer', [replace('x', 'NSEC', 'y.example.com. A')], /signer/],
    [
      'data that a delegation would hide',
      [replace('home', 'NS', 'ns.example.'), replace('x.home', 'A', '192.0.2.2')],
      /home/,
    ],
  ])('refuses %s, with everything beside it', async (_what, edits, why) => {
    expect(await change([replace('new', 'A', '192.0.2.3'), ...edits])).toMatch(why);
    expect(await change([...edits, replace('new', 'A', '192.0.2.3')])).toMatch(why);
    expect([serial(), zone.published.find(at('new').key)]).toEqual([1, undefined]);
  });

  it.each([
    ['the deletion of one RRset before its replacement', [remove('home', 'A'), replace('home', 'A', '192.0.2.2')]],
    ['a CNAME in the place of what is deleted first', [remove('home', 'A'), replace('home', 'CNAME', 'x.example.')]],
    ['the other way round', [remove('alias', 'CNAME'), replace('alias', 'A', '192.0.2.2')]],
    ['a replacement that is deleted with its name', [replace('home', 'TXT', '"x"'), removeName('home')]],
    ['the same CNAME again', [extend('alias', 'CNAME', 'HOME.example.com.')]],
    ['the deletion of what is not there', [remove('none', 'A'), removeName('none')]],
  ])('makes %s', async (_what, edits) => {
    expect(await change(edits)).toBe('applied');
  });

  it('tells what it changes at each name, before it is published', async () => {
    let changed: readonly ChangedName[] = [];
    const edits = [
      replace('home', 'A', '192.0.2.2'),
      replace('home', 'TXT', '"x"'),
      remove('alias', 'CNAME'),
      replace('same', 'A', '192.0.2.1'),
      remove('same', 'A'),
      remove('none', 'A'),
    ];
    const accept = (made: readonly ChangedName[]) => {
      changed = made;
      expect(serial()).toBe(1);
    };
    expect(await change(edits, { accept })).toBe('applied');
    expect(changed.map(({ ownerName, types }) => [String(ownerName), [...types].sort()])).toEqual([
      ['home.example.com.', [RRType.A, RRType.TXT]],
      ['alias.example.com.', [RRType.CNAME]],
    ]);
    expect([changed[0]?.before.A.addresses, changed[0]?.after.A.addresses]).toEqual([['192.0.2.1'], ['192.0.2.2']]);
    expect(serial()).toBe(2);
  });

  it('is undone where the caller refuses it then, and leaves other changes of the draft', async () => {
    const other = change([replace('other', 'A', '192.0.2.9')]);
    const accept = () => {
      throw new AppError('rate-limited', 'no');
    };
    await expect(change([replace('home', 'A', '192.0.2.2')], { accept })).rejects.toThrow('no');
    expect(await other).toBe('applied');
    expect(zone.published.find(at('other').key)).toBeDefined();
    const read = zone.draft.findRRset(at('home').key, RRType.A);
    expect(read?.rdatas).toEqual(['\xc0\x00\x02\x01']);
  });

  it('learns of a late disk that its outcome is unknown', async () => {
    append = () => new Promise((resolve) => setTimeout(resolve, 1500));
    await expect(change([replace('home', 'A', '192.0.2.2')])).rejects.toMatchObject({ code: 'publish-unknown' });
  });
});

describe('a required serial', () => {
  it('is that of the zone', async () => {
    expect(await change([replace('home', 'A', '192.0.2.2')], { serial: 1 })).toBe('applied');
    expect(await change([replace('home', 'A', '192.0.2.3')], { serial: 2 })).toBe('applied');
    await expect(change([replace('home', 'A', '192.0.2.4')], { serial: 2 })).rejects.toThrow(PreconditionFailed);
    expect(serial()).toBe(3);
  });

  it('is no more that of the zone while another change is collected, or in flight', async () => {
    let release = () => {};
    append = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const first = change([replace('home', 'A', '192.0.2.2')]);
    await expect(change([replace('home', 'A', '192.0.2.3')], { serial: 1 })).rejects.toThrow(PreconditionFailed);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(change([replace('home', 'A', '192.0.2.3')], { serial: 1 })).rejects.toThrow(
      'changed since the serial 1',
    );
    release();
    expect(await first).toBe('applied');
  });
});

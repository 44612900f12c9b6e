/** A large signed zone that becomes unsigned while it is served: changes meanwhile, the one serial step, transfers, the database, failures. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { APEX, address, at, LargeZone, recordsOf, TEXT } from '../../../test/support/large-zone.ts';
import { signingFaults } from '../../../test/support/signed-zone.ts';
import { RRType } from '../../dns/rdata.ts';
import { removeSigning } from '../signing/unsign.ts';
import { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { isSignerType } from '../zone/signer-types.ts';
import { findRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import type { ZoneSigning } from './zone-signing.ts';

/** Their rows are written in 12 transactions, and a change can come between two of them. */
const NAMES = 6_000;

/** All records without those of the signer and the SOA. */
function dataOf(version: ZoneVersion): readonly string[] {
  return recordsOf(version).filter((text) => {
    const [, type] = JSON.parse(text) as [string, number];
    return type !== RRType.SOA && type !== RRType.RRSIG && !isSignerType(type);
  });
}

describe.each(['nsec3', 'nsec'] as const)('a large zone with %s', (chain) => {
  let large: LargeZone;
  let zone: EmbeddedZone;
  let signing: ZoneSigning;

  beforeEach(async () => {
    large = new LargeZone(chain);
    await large.open();
    zone = await large.createZone(NAMES, (draft) => {
      for (let type = 300; type < 550; type++) draft.setRRset(at('many'), { type, ttl: 300, rdatas: ['x'] });
    });
    signing = await large.sign(zone, Number.POSITIVE_INFINITY);
    // A bootstrapping record: a name of the signer below empty non-terminals.
    const { rdatas } = findRRset(zone.published.apexNode, RRType.DNSKEY)!;
    await large.committer.change(zone, (draft) => {
      draft.setSignerRRset(at('_dsboot.other.test._signal.ns1'), { type: RRType.CDNSKEY, ttl: 300, rdatas });
    });
    expect(zone.published.isSigned).toBe(true);
  });
  afterEach(async () => {
    await large.close();
    large.remove();
  });

  it('is the same as one that is unsigned in one commit', async () => {
    const draft = new ZoneDraft(zone.published);
    removeSigning(draft);
    const expected = draft.seal()!.version;
    const sizes: number[] = [];
    large.beforeAppend = (commits) => sizes.push(...commits.map(({ keys, diff }) => keys.length + diff.removed.length));
    await signing.unsign();
    const { published } = zone;
    expect(recordsOf(published)).toEqual(recordsOf(expected));
    expect([published.isSigned, published.cuts, zone.names]).toEqual([false, expected.cuts, expected.nodes.size]);
    for (const node of expected.nodes.values()) expect(published.nodes.get(node.key)?.children).toBe(node.children);
    // The one commit has no name but the apex.
    expect(sizes).toEqual([1]);
    const again = await large.reopened();
    expect(recordsOf(again.published)).toEqual(recordsOf(expected));
    expect(again.names).toBe(zone.names);
  });

  it('is served signed, takes changes, and is unsigned with all of them in one serial step', async () => {
    const before = zone.published;
    const expected = new ZoneDraft(before);
    const proofs: boolean[] = [];
    large.beforeAppend = () => proofs.push(zone.order !== undefined || !zone.published.isSigned);
    let isDone = false;
    const done = signing.unsign().finally(() => {
      isDone = true;
    });
    let lastSigned = zone.published;
    let [signedChanges, steps] = [0, 0];
    for (let i = 0; !isDone; i++) {
      const { serial, isSigned } = zone.published;
      const edit = (draft: ZoneDraft) => {
        draft.setRRset(at(`h${i % NAMES}`), address(250));
        if (i % 5 === 0) draft.deleteRRset(at(`h${(i + 7) % NAMES}`).key, RRType.A);
        if (i % 7 === 0) draft.setRRset(at(`x.new${i}`), TEXT);
        if (i === 3) draft.setRRset(at('later'), { type: RRType.NS, ttl: 300, rdatas: [at('ns.later').wireText] });
        if (i === 5) draft.deleteRRset(at('sub').key, RRType.NS);
      };
      edit(expected);
      await large.committer.change(zone, edit);
      if (zone.published.isSigned) {
        lastSigned = zone.published;
        signedChanges += 1;
      }
      if (isSigned && !zone.published.isSigned) steps += 1;
      else expect(zone.published.serial).toBe(serial + 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(signedChanges).toBeGreaterThan(7);
    expect(steps).toBeLessThan(2);
    expect(proofs).not.toContain(false);
    expect(signingFaults(lastSigned)).toEqual([]);
    expect(dataOf(zone.published)).toEqual(dataOf(expected.version()));
    expect(recordsOf(zone.published)).toHaveLength(dataOf(zone.published).length + 1);
    expect([zone.signer, zone.order]).toEqual([undefined, undefined]);
    // A transfer that began before reads the version of before.
    expect(before.isSigned).toBe(true);
    expect(signingFaults(before)).toEqual([]);
    // Secondaries of serials before transfer the zone as a whole; later changes are differences again.
    expect(await large.journal.findDiffs(zone, before.serial, 1_000_000)).toBeUndefined();
    const { serial } = zone.published;
    await large.committer.change(zone, (draft) => draft.setRRset(at('after'), TEXT));
    expect(await large.journal.findDiffs(zone, serial, 1_000_000)).toHaveLength(1);
    const records = recordsOf(zone.published);
    expect(recordsOf((await large.reopened()).published)).toEqual(records);
  });

  it('is signed and whole after it was ended in the middle, and leaves no rows of before', async () => {
    const ended = expect(signing.unsign()).rejects.toThrow('the signing was closed');
    await large.committer.change(zone, (draft) => draft.setRRset(at('during'), TEXT));
    const records = recordsOf(zone.published);
    const again = await large.reopened();
    await ended;
    expect(recordsOf(again.published)).toEqual(records);
    large.verify(again.published);
    expect(await large.rows()).toEqual(['1', '1']);
    const [last] = await large.journal.load([APEX]);
    await (await large.sign(last!, Number.POSITIVE_INFINITY)).unsign();
    expect(last!.published.isSigned).toBe(false);
    await large.reopened();
    expect(await large.rows()).toEqual(['1', '1']);
  });

  it('stays signed if the commit cannot be written, and signs what is changed later', async () => {
    const { serial } = zone.published;
    large.beforeAppend = () => {
      throw new Error('the disk is full');
    };
    await expect(signing.unsign()).rejects.toThrow('the disk is full');
    large.beforeAppend = undefined;
    expect([zone.published.isSigned, zone.published.serial]).toEqual([true, serial]);
    await large.committer.change(zone, (draft) => draft.setRRset(at('after'), TEXT));
    expect(zone.published.serial).toBe(serial + 1);
    large.verify(zone.published);
    const again = await large.reopened();
    large.verify(again.published);
  });
});

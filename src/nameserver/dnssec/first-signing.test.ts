/** A large zone that gets its first signatures while it is served: changes meanwhile, the one serial step, transfers, the database, failures. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { address, APEX as apex, at, LargeZone, TEXT as others, recordsOf } from '../../../test/support/large-zone.ts';
import { signingFaults } from '../../../test/support/signed-zone.ts';
import { nsec3Hash } from '../../dns/dnssec/denial.ts';
import { formatBase32Hex } from '../../dns/presentation/text-numbers.ts';
import { RRType } from '../../dns/rdata.ts';
import { findRRset } from '../zone/zone-node.ts';

const NAMES = 600;

describe.each(['nsec3', 'nsec'] as const)('a large zone with %s', (chain) => {
  let large: LargeZone;

  beforeEach(async () => {
    large = new LargeZone(chain);
    await large.open();
  });
  afterEach(async () => {
    await large.close();
    large.remove();
  });

  it('is served unsigned, takes changes, and is signed with all of them in one serial step', async () => {
    const zone = await large.createZone(NAMES);
    const before = zone.published;
    const open1 = await large.sign(zone, 0);
    expect(zone.published.isSigned).toBe(false);
    const steps: [before: number, after: number][] = [];
    let changes = 0;
    const isDone = open1.whenSigned().then(() => 'done');
    while ((await Promise.race([isDone, Promise.resolve()])) === undefined) {
      const { serial, isSigned } = zone.published;
      const i = changes++;
      await large.committer.change(zone, (draft) => {
        draft.setRRset(at(`h${i % NAMES}`), address(250));
        if (i % 5 === 0) draft.deleteRRset(at(`h${(i + 7) % NAMES}`).key, RRType.A);
        if (i % 7 === 0) draft.setRRset(at(`x.new${i}`), others);
        if (i === 3) draft.setRRset(at('later'), { type: RRType.NS, ttl: 300, rdatas: [at('ns.later').wireText] });
        if (i === 5) draft.deleteRRset(at('sub').key, RRType.NS);
      });
      if (isSigned === zone.published.isSigned) expect(zone.published.serial).toBe(serial + 1);
      else steps.push([serial, zone.published.serial]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(changes).toBeGreaterThan(7);
    expect(steps.length).toBeLessThan(2);
    expect(zone.published.serial).toBeLessThanOrEqual(before.serial + changes + 1);
    expect(zone.published.find(at('x.new7').key)?.rrsets).toHaveLength(1);
    expect(findRRset(zone.published.find(at('h0').key)!, RRType.A)?.rdatas).toEqual(address(250).rdatas);
    large.verify(zone.published);
    // A transfer that began before reads the version of before.
    expect(before.isSigned).toBe(false);
    expect(before.nodes.size).toBe([...before.nodes.values()].length);
    expect(findRRset(before.find(at('h0').key)!, RRType.A)?.rdatas).toEqual(address(0).rdatas);
    // Secondaries of serials before transfer the zone as a whole; later changes are differences again.
    expect(zone.recent.every(({ isSigned }) => isSigned)).toBe(true);
    expect(await large.journal.findDiffs(zone, before.serial, 1_000_000)).toBeUndefined();
    const { serial } = zone.published;
    await large.committer.change(zone, (draft) => draft.setRRset(at('after'), others));
    expect(await large.journal.findDiffs(zone, serial, 1_000_000)).toHaveLength(1);
    const records = recordsOf(zone.published);
    const again = await large.reopened();
    expect(recordsOf(again.published)).toEqual(records);
    expect(signingFaults(again.published)).toEqual([]);
  });

  it('is signed with what only an edit can sign: records of another signer, many types, a name where an NSEC3 record is', async () => {
    const hashed = at(
      formatBase32Hex(Buffer.from(nsec3Hash(at('h1').key, { iterations: 0, salt: new Uint8Array() }), 'latin1')),
    );
    const zone = await large.createZone(NAMES, (draft) => {
      draft.setRRset(at('h3'), { type: RRType.DNSKEY, ttl: 300, rdatas: ['\x01\x01\x03\x0dx'] });
      draft.setRRset(at('y.only'), { type: RRType.CDS, ttl: 300, rdatas: ['\0\x01\x0d\x02x'] });
      draft.setRRset(apex, { type: RRType.CDS, ttl: 300, rdatas: ['\0\x01\x0d\x02x'] });
      draft.setRRset(hashed, others);
      for (let type = 300; type < 550; type++) draft.setRRset(at('many'), { type, ttl: 300, rdatas: ['x'] });
    });
    await (await large.sign(zone, 0)).whenSigned();
    expect(signingFaults(zone.published)).toEqual([]);
    expect(zone.published.find(at('only').key)).toBeUndefined();
    expect(findRRset(zone.published.find(hashed.key)!, RRType.TXT)?.signatures).toHaveLength(1);
    expect(zone.published.find(at('many').key)?.rrsets).toHaveLength(250);
  });

  it('begins again after it was ended in the middle, and leaves no rows of before', async () => {
    const zone = await large.createZone(NAMES);
    await large.sign(zone, 0);
    const again = await large.reopened();
    expect(again.published.isSigned).toBe(false);
    await (await large.sign(again, 0)).whenSigned();
    expect(signingFaults(again.published)).toEqual([]);
    const { published } = await large.reopened();
    large.verify(published);
    expect(await large.rows()).toEqual(['1', '1']);
  });

  it('stays as it was if the commit cannot be written', async () => {
    const zone = await large.createZone(NAMES);
    const { serial } = zone.published;
    large.beforeAppend = () => {
      throw new Error('the disk is full');
    };
    const warning = await new Promise<string>((resolve) => void large.sign(zone, 0, resolve));
    expect(warning).toContain('could not be signed, and is served unsigned: the disk is full');
    large.beforeAppend = undefined;
    expect([zone.published.isSigned, zone.published.serial]).toEqual([false, serial]);
    await large.committer.change(zone, (draft) => draft.setRRset(at('after'), others));
    expect([zone.published.isSigned, zone.published.serial]).toEqual([false, serial + 1]);
    const { published } = await large.reopened();
    expect([published.isSigned, published.serial, published.has(at('after').key)]).toEqual([false, serial + 1, true]);
  });
});

/** The journal on a real SQLite file: every commit is present at the next open, at any progress of the fold. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOA_OPTIONS } from '../../../test/support/edited-zone.ts';
import { newSigningKey, signingFaults } from '../../../test/support/signed-zone.ts';
import { zoneRecords } from '../../../test/support/zone-records.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { SqliteWorker } from '../../sqlite/worker.ts';
import { ZoneSigner } from '../signing/zone-signer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { newVersion, replaceStatics, type StaticContent } from '../zone/static-records.ts';
import type { ZoneRecord } from '../zone/zone-node.ts';
import { Committer } from './committer.ts';
import { Journal } from './journal.ts';

const apex = DomainName.parse('dyn.example.com');
const content: StaticContent = {
  apex,
  ns: [DomainName.parse('ns1.example.net')],
  contact: DomainName.parse('hostmaster.example.com'),
  ...SOA_OPTIONS,
  records: [],
};
const DAY_MS = 86_400_000;

let directory: string;
let file: string;
let nowMs = 0;
const faults: unknown[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dyndns-journal-'));
  file = join(directory, 'zones.db');
  faults.length = 0;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

const open = () => Journal.open(file, { now: () => nowMs, onFault: (error) => faults.push(error) });

async function openZone(journal: Journal): Promise<{ zone: EmbeddedZone; committer: Committer }> {
  const [known] = await journal.load([apex]);
  const zone = known ?? (await journal.create(newVersion(content, 100)));
  const committer = new Committer({ log: journal });
  await committer.change(zone, (draft) => replaceStatics(draft, content));
  return { zone, committer };
}

const setHost = (label: string, last: number) => (draft: ZoneDraft) => {
  const rdatas = last === 0 ? [] : [String.fromCharCode(192, 0, 2, last)];
  draft.setRRset(DomainName.parse(label, apex), { type: RRType.A, ttl: 60, rdatas });
};

const byText = (a: ZoneRecord, b: ZoneRecord) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

describe('Journal', () => {
  it('has the same signatures and the same chain at the next open, from the commits and from the rows of names', async () => {
    const keys = [newSigningKey(apex)];
    const openSigned = async (journal: Journal) => {
      const { zone, committer } = await openZone(journal);
      zone.signer = new ZoneSigner(
        { keys, chain: 'nsec3', validitySeconds: 1e6, keyTtl: 60, now: () => Math.floor(Date.now() / 1000) },
        zone.published,
      );
      await committer.change(zone, (draft) => zone.signer!.setKeys(draft));
      return { zone, committer };
    };
    let before: readonly ZoneRecord[] = [];
    for (let round = 1; round <= 4; round++) {
      const journal = await open();
      const { zone, committer } = await openSigned(journal);
      if (round > 1) expect([...zone.published.records()].sort(byText)).toEqual(before);
      expect(signingFaults(zone.published)).toEqual([]);
      await committer.change(zone, setHost('one', round));
      await committer.change(zone, setHost(`new${round}.deep.below`, 2));
      // Rows of names that are newer than the first commits that the next start replays.
      if (round === 2) await journal.fold();
      await committer.change(zone, setHost('gone', round));
      await committer.change(zone, setHost('gone', 0));
      await committer.change(zone, setHost(`new${round - 1}.deep.below`, 0));
      if (round === 3) await journal.fold();
      before = [...zone.published.records()].sort(byText);
      await journal.close();
    }
  });

  it('has every commit at the next open, and the serial of the last one', async () => {
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    await committer.change(zone, setHost('one', 1));
    await committer.change(zone, setHost('Deep.below.two', 2));
    await committer.change(zone, setHost('gone', 3));
    await committer.change(zone, setHost('gone', 0));
    const before = { records: zoneRecords(zone.published), serial: zone.published.serial };
    await journal.close();

    const again = await open();
    const { zone: loaded } = await openZone(again);
    expect(zoneRecords(loaded.published)).toEqual(before.records);
    expect(loaded.published.serial).toBe(before.serial);
    expect(before.serial).toBe(105);
    expect(loaded.published.find(DomainName.parse('below.two', apex).key)?.rrsets).toEqual([]);
    expect(loaded.published.statics).toEqual(zone.published.statics);
    await again.close();
  });

  it('has the same content after a fold, after commits beyond it, and after an interrupted fold', async () => {
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    for (let i = 1; i <= 200; i++) await committer.change(zone, setHost(`h${i % 50}.x${i % 7}`, i));
    await journal.fold();
    expect(zone.unfolded.size).toBe(0);
    for (let i = 1; i <= 50; i++) await committer.change(zone, setHost(`h${i}.x1`, i % 3));
    // Rows newer than the folded commit number, as after a crash during a fold; here of a release without checksums.
    await journal.fold();
    const expected = zoneRecords(zone.published);
    await journal.close();
    const worker = await SqliteWorker.open(file, []);
    const sql = 'UPDATE zone SET folded = 0, folded_serial = NULL, crc = NULL';
    await worker.transaction([{ sql, params: [] }]);
    await worker.close();

    const again = await open();
    const { zone: loaded } = await openZone(again);
    expect(zoneRecords(loaded.published)).toEqual(expected);
    expect(loaded.published.serial).toBe(zone.published.serial);
    await again.close();
  });

  it('folds all with fold(true), also what was committed during a fold in progress', async () => {
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    await committer.change(zone, setHost('before', 1));
    const inProgress = journal.fold();
    await committer.change(zone, setHost('meanwhile', 2));
    expect(zone.unfolded.size).toBeGreaterThan(0);
    await journal.fold(true);
    await inProgress;
    expect(zone.unfolded.size).toBe(0);
    await journal.close();
  });

  it('recounts delegations and empty non-terminals at the next open', async () => {
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    const ns = { type: RRType.NS, ttl: 60, rdatas: ['\x02ns\x07example\x03net\0'] };
    await committer.change(zone, (draft) => draft.setRRset(DomainName.parse('sub.deep', apex), ns));
    await committer.change(zone, setHost('a.b.c', 1));
    await committer.change(zone, setHost('z.b.c', 1));
    await committer.change(zone, setHost('c', 1));
    await journal.fold();
    await journal.close();

    const again = await open();
    const { zone: loaded, committer: next } = await openZone(again);
    expect(loaded.published.cuts).toBe(1);
    const find = (label: string) => loaded.published.find(DomainName.parse(label, apex).key);
    expect([find('b.c')?.children, find('c')?.children, find('deep')?.children]).toEqual([2, 1, 1]);
    await next.change(loaded, setHost('a.b.c', 0));
    await next.change(loaded, setHost('z.b.c', 0));
    expect([find('b.c'), find('c')?.children]).toEqual([undefined, 0]);
    await again.close();
  });

  it('returns the commits from a serial on, for IXFR, also those of an earlier run', async () => {
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    const from = zone.published.serial;
    await committer.change(zone, setHost('one', 1));
    await committer.change(zone, setHost('one', 2));
    await journal.fold();
    await journal.close();
    const again = await open();
    const { zone: loaded, committer: next } = await openZone(again);
    await next.change(loaded, setHost('two', 3));
    const diffs = await again.findDiffs(loaded, from, 1000);
    expect(diffs?.map(({ serialBefore, serial }) => [serialBefore, serial])).toEqual([
      [from, from + 1],
      [from + 1, from + 2],
      [from + 2, from + 3],
    ]);
    expect(diffs?.[1]?.removed[1]).toEqual({
      wireText: '\x03one\x03dyn\x07example\x03com\0',
      type: RRType.A,
      ttl: 60,
      rdata: '\xc0\0\x02\x01',
    });
    expect(await again.findDiffs(loaded, from - 1000, 1000)).toBeUndefined();
    expect(await again.findDiffs(loaded, from, 0)).toBeUndefined();
    await again.close();
  });

  it('deletes folded commits older than a day, and never newer ones', async () => {
    nowMs = 10 * DAY_MS;
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    const from = zone.published.serial;
    await committer.change(zone, setHost('one', 1));
    nowMs += DAY_MS + 1;
    await committer.change(zone, setHost('one', 2));
    expect(await journal.findDiffs(zone, from, 1000)).toHaveLength(2);
    await journal.fold();
    expect(await journal.findDiffs(zone, from, 1000)).toBeUndefined();
    expect(await journal.findDiffs(zone, from + 1, 1000)).toHaveLength(1);
    await journal.close();
  });

  it('separates zones, and does not change one that is not configured', async () => {
    const other = DomainName.parse('other.example.org');
    const journal = await open();
    const { zone, committer } = await openZone(journal);
    const second = await journal.create(newVersion({ ...content, apex: other }, 7));
    await committer.change(zone, setHost('one', 1));
    await committer.change(second, (draft) => {
      draft.setRRset(other.prepend('x'), { type: RRType.A, ttl: 60, rdatas: ['\x01\x02\x03\x04'] });
    });
    await journal.close();
    const again = await open();
    const { zone: loaded, committer: next } = await openZone(again);
    await next.change(loaded, setHost('one', 2));
    await again.close();
    const third = await open();
    const zones = await third.load([other, apex]);
    expect(zones.map(({ apex: name }) => name.toString()).sort()).toEqual(['dyn.example.com.', 'other.example.org.']);
    expect(zoneRecords(zones.find((each) => each.apex.equals(other))!.published)).toContain(
      'x.other.example.org. 60 1 01020304',
    );
    await third.close();
  });
});

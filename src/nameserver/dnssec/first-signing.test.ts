/** A large zone that gets its first signatures while it is served: changes meanwhile, the one serial step, transfers, the database, failures. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editedVersion } from '../../../test/support/edited-zone.ts';
import { newSigningKey, signingFaults, zoneFileOf } from '../../../test/support/signed-zone.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { nsec3Hash } from '../../dns/dnssec/denial.ts';
import { DomainName } from '../../dns/name.ts';
import { formatBase32Hex } from '../../dns/presentation/text-numbers.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import { Journal } from '../journal/journal.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { findRRset } from '../zone/zone-node.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { ZoneSigning } from './zone-signing.ts';

const NAMES = 600;
const apex = DomainName.parse('example.com');
const at = (label: string) => DomainName.parse(label, apex);
const key = newSigningKey(apex);
const now = () => Math.floor(Date.now() / 1000);
const address = (last: number) => ({ type: RRType.A, ttl: 300, rdatas: [`\x0a\0\0${String.fromCharCode(last)}`] });
const others = { type: RRType.TXT, ttl: 300, rdatas: ['\x01x'] };

describe.each(['nsec3', 'nsec'] as const)('a large zone with %s', (chain) => {
  let directory: string;
  let journal: Journal;
  let committer: Committer;
  let signing: ZoneSigning | undefined;
  /** Runs before the next commit is written. */
  let beforeAppend: (() => void) | undefined;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'dyndns-first-'));
    await openJournal();
  });
  afterEach(async () => {
    await close();
    rmSync(directory, { recursive: true });
  });

  async function openJournal(): Promise<void> {
    const onFault = (error: unknown) => expect.unreachable(String(error));
    journal = await Journal.open(join(directory, 'zones.db'), { now: Date.now, onFault });
    const log = {
      append: async (commits: Parameters<Journal['append']>[0]) => {
        beforeAppend?.();
        await journal.append(commits);
      },
    };
    committer = new Committer({ log });
  }

  async function close(): Promise<void> {
    await signing?.close();
    await committer.settled();
    await journal.close();
  }

  async function createZone(edit: (draft: ZoneDraft) => void = () => undefined): Promise<EmbeddedZone> {
    const zone = await journal.create(editedVersion('example.com'));
    await committer.change(zone, (draft) => {
      for (let i = 0; i < NAMES; i++) draft.setRRset(at(`h${i}`), address(i % 250));
      draft.setRRset(at('a.b.c'), address(1));
      draft.setRRset(at('*.w'), address(1));
      draft.setRRset(at('sub'), { type: RRType.NS, ttl: 300, rdatas: [at('ns.sub').wireText] });
      draft.setRRset(at('ns.sub'), address(1));
      edit(draft);
    });
    return zone;
  }

  async function open(
    zone: EmbeddedZone,
    onWarning: (text: string) => void = (text) => expect.unreachable(text),
  ): Promise<ZoneSigning> {
    const settings = { algorithm: DnssecAlgorithm.ECDSAP256SHA256, validityDays: 30, chain };
    const options = {
      zone,
      settings,
      keys: [key],
      generate: () => key,
      committer,
      successors: journal,
      atOnceMs: 0,
      now,
      watch: { renewed: () => {} },
    };
    signing = await ZoneSigning.open({ ...options, onWarning });
    return signing;
  }

  /** The zone as a start finds it. */
  async function reopened(): Promise<EmbeddedZone> {
    await close();
    signing = undefined;
    await openJournal();
    const [zone] = await journal.load([apex]);
    return zone!;
  }

  function verify(version: ZoneVersion): void {
    const file = join(directory, 'zone');
    writeFileSync(file, zoneFileOf(version));
    execFileSync('dnssec-verify', ['-z', '-o', 'example.com', file], { encoding: 'utf8', stdio: 'pipe' });
    expect(signingFaults(version)).toEqual([]);
  }

  const recordsOf = (version: ZoneVersion) =>
    [...version.records()].map(({ wireText, type, ttl, rdata }) => JSON.stringify([wireText, type, ttl, rdata])).sort();

  it('is served unsigned, takes changes, and is signed with all of them in one serial step', async () => {
    const zone = await createZone();
    const before = zone.published;
    const open1 = await open(zone);
    expect(zone.published.isSigned).toBe(false);
    const steps: [before: number, after: number][] = [];
    let changes = 0;
    const isDone = open1.whenSigned().then(() => 'done');
    while ((await Promise.race([isDone, Promise.resolve()])) === undefined) {
      const { serial, isSigned } = zone.published;
      const i = changes++;
      await committer.change(zone, (draft) => {
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
    verify(zone.published);
    // A transfer that began before reads the version of before.
    expect(before.isSigned).toBe(false);
    expect(before.nodes.size).toBe([...before.nodes.values()].length);
    expect(findRRset(before.find(at('h0').key)!, RRType.A)?.rdatas).toEqual(address(0).rdatas);
    // Secondaries of serials before transfer the zone as a whole; later changes are differences again.
    expect(zone.recent.every(({ isSigned }) => isSigned)).toBe(true);
    expect(await journal.findDiffs(zone, before.serial, 1_000_000)).toBeUndefined();
    const { serial } = zone.published;
    await committer.change(zone, (draft) => draft.setRRset(at('after'), others));
    expect(await journal.findDiffs(zone, serial, 1_000_000)).toHaveLength(1);
    const records = recordsOf(zone.published);
    const again = await reopened();
    expect(recordsOf(again.published)).toEqual(records);
    expect(signingFaults(again.published)).toEqual([]);
  });

  it('is signed with what only an edit can sign: records of another signer, many types, a name where an NSEC3 record is', async () => {
    const hashed = at(
      formatBase32Hex(Buffer.from(nsec3Hash(at('h1').key, { iterations: 0, salt: new Uint8Array() }), 'latin1')),
    );
    const zone = await createZone((draft) => {
      draft.setRRset(at('h3'), { type: RRType.DNSKEY, ttl: 300, rdatas: ['\x01\x01\x03\x0dx'] });
      draft.setRRset(at('y.only'), { type: RRType.CDS, ttl: 300, rdatas: ['\0\x01\x0d\x02x'] });
      draft.setRRset(apex, { type: RRType.CDS, ttl: 300, rdatas: ['\0\x01\x0d\x02x'] });
      draft.setRRset(hashed, others);
      for (let type = 300; type < 550; type++) draft.setRRset(at('many'), { type, ttl: 300, rdatas: ['x'] });
    });
    await (await open(zone)).whenSigned();
    expect(signingFaults(zone.published)).toEqual([]);
    expect(zone.published.find(at('only').key)).toBeUndefined();
    expect(findRRset(zone.published.find(hashed.key)!, RRType.TXT)?.signatures).toHaveLength(1);
    expect(zone.published.find(at('many').key)?.rrsets).toHaveLength(250);
  });

  it('begins again after it was ended in the middle, and leaves no rows of before', async () => {
    const zone = await createZone();
    await open(zone);
    const again = await reopened();
    expect(again.published.isSigned).toBe(false);
    await (await open(again)).whenSigned();
    expect(signingFaults(again.published)).toEqual([]);
    const { published } = await reopened();
    verify(published);
    // What is left over is deleted in steps, and the rest after the next start.
    await journal.leftoversDiscarded();
    await close();
    const rows = execFileSync('sqlite3', [
      join(directory, 'zones.db'),
      'SELECT count(*) FROM zone; SELECT count(DISTINCT zone) FROM node',
    ]);
    expect(rows.toString()).toBe('1\n1\n');
    await openJournal();
  });

  it('stays as it was if the commit cannot be written', async () => {
    const zone = await createZone();
    const { serial } = zone.published;
    beforeAppend = () => {
      throw new Error('the disk is full');
    };
    const warning = await new Promise<string>((resolve) => void open(zone, resolve));
    expect(warning).toContain('could not be signed, and is served unsigned: the disk is full');
    beforeAppend = undefined;
    expect([zone.published.isSigned, zone.published.serial]).toEqual([false, serial]);
    await committer.change(zone, (draft) => draft.setRRset(at('after'), others));
    expect([zone.published.isSigned, zone.published.serial]).toEqual([false, serial + 1]);
    const { published } = await reopened();
    expect([published.isSigned, published.serial, published.has(at('after').key)]).toEqual([false, serial + 1, true]);
  });
});

/** Rollover, change of the algorithm, and leaving: each step with the clock, the secondaries and the parent in the hands of the test. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { waitUntil } from '../../../test/support/process.ts';
import { testDirectory } from '../../../test/support/test-directory.ts';
import type { ParentReport } from '../../core/zones/parent-zone.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { dsOfKey } from '../../dns/dnssec/delegation.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import { KeyStore, zoneKeyFiles } from '../keys/key-store.ts';
import { cdsOf, dnskeysOf } from '../keys/missing-keys.ts';
import { keyTagOf } from '../zone/signatures.ts';
import { allRRsets } from '../zone/zone-node.ts';
import { closeSignedZone, openSignedZone, type SignedZone } from './signed-zone.ts';

const { ECDSAP256SHA256, ED25519 } = DnssecAlgorithm;
const START = 1_800_000_000;
/** Of the data; the keys have 3,600. */
const TTL = 7_200;
const DS_TTL = 1_000;
const PARENT = DomainName.parse('com');

let directory: string;
let signed: SignedZone | undefined;
beforeEach(() => {
  directory = testDirectory('procedure');
});
afterEach(async () => {
  if (signed !== undefined) await closeSignedZone(signed);
  signed = undefined;
  rmSync(directory, { recursive: true });
});

type Ds = readonly number[] | 'unreachable';

/** A zone of 250 names, served unsigned before; its parent has two nameservers. */
async function lab() {
  const zone = editedZone('example.com');
  const { apex } = zone;
  /** `set`: by how much it was set since the start. */
  const clock = { now: START, set: 0 };
  const committer = new Committer({ log: { append: async () => {} } });
  await committer.change(zone, (draft) => {
    for (let i = 0; i < 250; i++) {
      draft.setRRset(DomainName.parse(`h${i}`, apex), { type: RRType.A, ttl: TTL, rdatas: ['\x01\x02\x03\x04'] });
    }
  });
  const store = new KeyStore(join(directory, 'zones.db'), { now: () => clock.now * 1000, onWarning: () => undefined });
  const state = {
    behind: [] as string[],
    /** Key tags whose DS each nameserver has. */
    parent: [[], []] as [Ds, Ds],
    unknown: false,
    polls: 0,
    notified: 0,
    warnings: [] as string[],
    unsigned: 0,
  };
  const keys = new Map<number, ReturnType<typeof dsOfKey>>();
  const report = (): ParentReport => {
    if (state.unknown) return { kind: 'unknown', reason: 'no resolver answers' };
    for (const { key } of store.load(apex)) keys.set(key.keyTag, dsOfKey(apex, key.dnskey));
    const servers = state.parent.map((tags, i) => {
      const place = `ns${i + 1}`;
      if (tags === 'unreachable') return { place, ds: [], ttl: 0, problem: 'does not answer' };
      return { place, ds: tags.map((tag) => keys.get(tag)!), ttl: tags.length > 0 ? DS_TTL : 0 };
    });
    return { kind: 'asked', parent: PARENT, servers };
  };
  const open = async () => {
    signed = await openSignedZone(
      {
        zone,
        committer,
        settings: { algorithm: ECDSAP256SHA256, validityDays: 30, chain: 'nsec3' },
        keys: zoneKeyFiles(store, apex),
        lagging: () => state.behind,
        parent: {
          readDs: async () => {
            state.polls += 1;
            return report();
          },
          notifyCds: async () => {
            state.notified += 1;
            return [];
          },
        },
        now: () => clock.now,
        monotonicMs: () => (clock.now - clock.set - START) * 1000,
        onWarning: (text) => state.warnings.push(text),
        onProgress: () => undefined,
        watch: { renewed: () => undefined },
        onAnnounced: async () => {},
        onUnsigned: () => {
          state.unsigned += 1;
        },
      },
      store.load(apex),
    );
  };
  const lab = {
    zone,
    clock,
    state,
    store,
    get procedure() {
      return signed!.procedure;
    },
    /** The step it is at after all that can be done now. */
    async step() {
      const { polls } = state;
      await signed!.procedure.advance();
      // A report of the parent makes it advance once more.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (state.polls !== polls) await signed!.procedure.advance();
      return signed!.procedure.state?.step;
    },
    async later(seconds: number) {
      clock.now += seconds;
      return lab.step();
    },
    async restart() {
      await closeSignedZone(signed!);
      zone.signer = undefined;
      await open();
      return lab.step();
    },
    dnskeys: () => dnskeysOf(zone.published).map(({ algorithm }) => algorithm),
    tags: () => store.load(apex).map(({ key }) => key.keyTag),
    cds: () => cdsOf(zone.published).map(({ keyTag }) => keyTag),
    /** Key tags of the signatures of each RRset, each combination once. */
    signers: () => [
      ...new Set(
        [...zone.published.nodes.values()].flatMap(allRRsets).flatMap(({ signatures }) =>
          signatures
            ? [
                signatures
                  .map(keyTagOf)
                  .sort((a, b) => a - b)
                  .join(),
              ]
            : [],
        ),
      ),
    ],
  };
  await open();
  return lab;
}

/** The first CDS is published, and the parent has its DS. */
async function signedLab() {
  const made = await lab();
  await made.step();
  await made.later(TTL + 1);
  const [old] = made.tags() as [number];
  expect(made.cds()).toEqual([old]);
  made.state.parent = [[old], [old]];
  return { ...made, made, old, next: () => made.tags().find((tag) => tag !== old)! };
}

const both = (a: number, b: number) => [a, b].sort((x, y) => x - y).join();

describe('the first CDS of a zone that was served unsigned', () => {
  it('comes when all secondaries have the signed zone and the greatest TTL has passed since', async () => {
    const made = await lab();
    made.state.behind = ['192.0.2.2:53'];
    expect([await made.step(), await made.later(10 * TTL)]).toEqual(['secondaries', 'secondaries']);
    made.state.behind = [];
    expect([await made.step(), await made.later(TTL)]).toEqual(['caches', 'caches']);
    expect(made.cds()).toEqual([]);
    expect(await made.later(1)).toBeUndefined();
    expect(made.cds()).toEqual(made.tags());
    expect(made.state.notified).toBe(1);
  });
});

describe('a rollover', () => {
  it('gives out the new DS after secondaries and TTL, and removes the old key after the parent and the TTL of its DS', async () => {
    const { made, old, next } = await signedLab();
    made.state.behind = ['192.0.2.2:53'];
    await made.procedure.roll(undefined);
    expect(await made.step()).toBe('secondaries');
    expect(made.signers()).toEqual([both(old, next())]);
    expect(made.dnskeys()).toEqual([ECDSAP256SHA256, ECDSAP256SHA256]);
    expect(made.cds()).toEqual([old]);
    await expect(made.procedure.roll(undefined)).rejects.toMatchObject({ code: 'conflict' });
    made.state.behind = [];
    expect([await made.step(), await made.later(TTL), made.cds()]).toEqual(['caches', 'caches', [old]]);
    expect(await made.later(1)).toBe('parent');
    expect([made.cds(), made.state.notified]).toEqual([[next()], 2]);
    // One nameserver lags behind, then has both.
    made.state.parent = [[next()], [old]];
    expect(await made.later(300)).toBe('parent');
    expect(made.procedure.state?.text).toContain('ns2 has that of the old key');
    made.state.parent = [[next()], [old, next()]];
    expect(await made.later(300)).toBe('parent');
    made.state.parent = [[next()], []];
    expect(await made.later(300)).toBe('parent');
    made.state.parent = [[next()], [next()]];
    expect([await made.later(300), await made.later(DS_TTL)]).toEqual(['caches', 'caches']);
    expect(made.dnskeys()).toHaveLength(2);
    const last = next();
    expect(await made.later(1)).toBeUndefined();
    expect([made.dnskeys(), made.signers(), made.tags()]).toEqual([[ECDSAP256SHA256], [`${last}`], [last]]);
  });

  it('begins its wait for the TTL of the old DS again when a nameserver shows the old DS again', async () => {
    const { made, old, next } = await signedLab();
    await made.procedure.roll(undefined);
    await made.step();
    expect(await made.later(TTL + 1)).toBe('parent');
    made.state.parent = [[next()], [next()]];
    expect(await made.later(300)).toBe('caches');
    made.state.parent = [[next()], [old]];
    expect(await made.later(DS_TTL + 1)).toBe('parent');
    made.state.parent = [[next()], [next()]];
    expect([await made.later(300), await made.later(DS_TTL)]).toEqual(['caches', 'caches']);
    expect(made.dnskeys()).toHaveLength(2);
  });

  it.each([
    ['has no resolver', (state: { unknown: boolean }) => Object.assign(state, { unknown: true })],
    [
      'has a nameserver that does not answer',
      (state: { parent: [Ds, Ds] }) => Object.assign(state, { parent: [state.parent[0], 'unreachable'] }),
    ],
  ])('waits, and warns once a day, while the parent %s', async (_, breakIt) => {
    const { made, next } = await signedLab();
    await made.procedure.roll(undefined);
    await made.step();
    await made.later(TTL + 1);
    made.state.parent = [[next()], [next()]];
    breakIt(made.state);
    made.state.warnings.length = 0;
    const { polls } = made.state;
    for (let hour = 0; hour < 60; hour++) expect(await made.later(3_600)).toBe('parent');
    expect(made.state.warnings).toHaveLength(2);
    expect(made.state.polls - polls).toBe(60);
    expect(made.dnskeys()).toHaveLength(2);
    await made.procedure.forceRoll();
    expect(await made.step()).toBeUndefined();
    expect(made.dnskeys()).toHaveLength(1);
  });

  it('goes on after a restart at each step, and waits no shorter', async () => {
    const { made, old, next } = await signedLab();
    made.state.behind = ['192.0.2.2:53'];
    await made.procedure.roll(undefined);
    expect(await made.restart()).toBe('secondaries');
    expect(made.signers()).toEqual([both(old, next())]);
    made.state.behind = [];
    expect(await made.restart()).toBe('caches');
    expect(await made.later(TTL - 10)).toBe('caches');
    expect(await made.restart()).toBe('caches');
    expect([await made.later(10), made.cds()]).toEqual(['caches', [old]]);
    expect([await made.later(1), made.cds()]).toEqual(['parent', [next()]]);
    expect([await made.restart(), made.cds()]).toEqual(['parent', [next()]]);
    made.state.parent = [[next()], [next()]];
    expect(await made.later(300)).toBe('caches');
    expect(await made.restart()).toBe('caches');
    expect([await made.later(DS_TTL - 1), made.dnskeys().length]).toEqual(['caches', 2]);
    const last = next();
    expect(await made.later(2)).toBeUndefined();
    expect(await made.restart()).toBeUndefined();
    expect([made.signers(), made.tags(), made.cds()]).toEqual([[`${last}`], [last], [last]]);
  });

  it('assumes a day for the old DS if it was not seen since the start', async () => {
    const { made, next } = await signedLab();
    await made.procedure.roll(undefined);
    await made.step();
    await made.later(TTL + 1);
    made.state.parent = [[next()], [next()]];
    expect(await made.restart()).toBe('caches');
    expect([await made.later(86_400), made.dnskeys().length]).toEqual(['caches', 2]);
    expect(await made.later(1)).toBeUndefined();
  });

  it('does not count time by which the clock was set', async () => {
    const { made, old, next } = await signedLab();
    await made.procedure.roll(undefined);
    await made.step();
    made.clock.set += 86_400;
    expect([await made.later(86_400), await made.later(TTL - 1), made.cds()]).toEqual(['caches', 'caches', [old]]);
    expect([await made.later(1), made.cds()]).toEqual(['parent', [next()]]);
  });
});

describe('a change of the algorithm (RFC 6781 §4.1.4)', () => {
  it('has signatures before the DNSKEY, and the old DNSKEY goes before its signatures, over restarts', async () => {
    const { made, old, next } = await signedLab();
    made.state.behind = ['192.0.2.2:53'];
    await made.procedure.roll(ED25519);
    expect(await made.step()).toBe('secondaries');
    expect(await made.restart()).toBe('secondaries');
    expect([made.dnskeys(), made.signers()]).toEqual([[ECDSAP256SHA256], [both(old, next())]]);
    made.state.behind = [];
    expect([await made.step(), await made.later(TTL)]).toEqual(['caches', 'caches']);
    expect(made.dnskeys()).toEqual([ECDSAP256SHA256]);
    expect(await made.restart()).toBe('caches');
    made.state.behind = ['192.0.2.2:53'];
    expect(await made.later(1)).toBe('secondaries');
    expect([made.dnskeys().sort(), made.cds()]).toEqual([[ECDSAP256SHA256, ED25519], [old]]);
    expect(await made.restart()).toBe('secondaries');
    made.state.behind = [];
    expect([await made.step(), await made.later(TTL), made.cds()]).toEqual(['caches', 'caches', [old]]);
    expect([await made.later(1), made.cds()]).toEqual(['parent', [next()]]);
    made.state.parent = [[next()], [next()]];
    expect(await made.later(300)).toBe('caches');
    made.state.behind = ['192.0.2.2:53'];
    expect(await made.later(DS_TTL + 1)).toBe('secondaries');
    expect([made.dnskeys(), made.signers()]).toEqual([[ED25519], [both(old, next())]]);
    expect(await made.restart()).toBe('secondaries');
    made.state.behind = [];
    expect([await made.step(), await made.later(TTL)]).toEqual(['caches', 'caches']);
    expect(await made.restart()).toBe('caches');
    expect(made.signers()).toEqual([both(old, next())]);
    const last = next();
    expect(await made.later(1)).toBeUndefined();
    expect([made.signers(), made.tags()]).toEqual([[`${last}`], [last]]);
  });
});

describe('leaving', () => {
  it('unsigns in one serial step when no nameserver of the parent has a DS and its TTL has passed, over restarts', async () => {
    const { made, old } = await signedLab();
    await made.procedure.leave(false);
    expect([await made.step(), made.cds()]).toEqual(['parent', [0]]);
    expect(await made.restart()).toBe('parent');
    made.state.parent = [[], [old]];
    expect(await made.later(300)).toBe('parent');
    made.state.parent = [[], 'unreachable'];
    expect(await made.later(300)).toBe('parent');
    made.state.parent = [[], []];
    expect(await made.later(300)).toBe('caches');
    expect(await made.restart()).toBe('caches');
    expect(await made.later(DS_TTL - 1)).toBe('caches');
    const { serial } = made.zone.published;
    await made.later(2);
    await waitUntil('the unsigned zone', async () => !made.zone.published.isSigned);
    expect([made.zone.published.serial, made.state.unsigned]).toEqual([serial + 1, 1]);
    const rrsets = [...made.zone.published.nodes.values()];
    expect(rrsets).toHaveLength(251);
    expect(rrsets.some(({ signerRRsets }) => signerRRsets !== undefined)).toBe(false);
    expect(rrsets.flatMap(allRRsets).some(({ signatures }) => signatures !== undefined)).toBe(false);
    expect(made.tags()).toEqual([]);
  });

  it('waits a day if no DS was ever seen', async () => {
    const { made } = await signedLab();
    made.state.parent = [[], []];
    await made.procedure.leave(false);
    expect([await made.step(), await made.later(86_400)]).toEqual(['caches', 'caches']);
    expect(made.zone.published.isSigned).toBe(true);
    await made.later(1);
    await waitUntil('the unsigned zone', async () => !made.zone.published.isSigned);
  });

  it('is taken back, and refuses a rollover meanwhile', async () => {
    const { made, old } = await signedLab();
    await made.procedure.leave(false);
    await expect(made.procedure.roll(undefined)).rejects.toThrow(/leaving DNSSEC/);
    await made.procedure.stay();
    expect([await made.step(), made.cds()]).toEqual([undefined, [old]]);
    await expect(made.procedure.stay()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is at once with force', async () => {
    const { made } = await signedLab();
    await made.procedure.leave(true);
    expect([made.zone.published.isSigned, made.state.unsigned]).toEqual([false, 1]);
  });
});

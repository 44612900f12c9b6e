/** The watch of the signatures of a zone: what it counts in the renewals, and what it reports, once for each change of its state. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { newSigningKey } from '../../../test/support/signed-zone.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { expirationOf } from '../zone/signatures.ts';
import { allRRsets } from '../zone/zone-node.ts';
import { rdataText } from '../zone/zone-version.ts';
import { SignatureWatch } from './signature-watch.ts';
import { ZoneSigning } from './zone-signing.ts';

const HOUR = 3_600;
const DAY = 86_400;
const START = 1_800_000_000;

describe('the watch of the signatures of a zone', () => {
  let zone: EmbeddedZone;
  let signing: ZoneSigning;
  let watch: SignatureWatch;
  let committer: Committer;
  let clock: number;
  let diskError: Error | undefined;
  let keyProblem: string | undefined;
  let changes: (readonly [state: string, text: string])[];

  async function open(validityDays: number, names = 120): Promise<void> {
    zone = editedZone('example.com');
    const log = {
      append: async () => {
        if (diskError) throw diskError;
      },
    };
    committer = new Committer({ log });
    await committer.change(zone, (draft) => {
      for (let i = 0; i < names; i++) {
        const rrset = { type: RRType.A, ttl: 60, rdatas: ['\x01\x02\x03\x04'] };
        draft.setRRset(DomainName.parse(`h${i}`, zone.apex), rrset);
      }
    });
    watch = new SignatureWatch({
      apex: zone.apex,
      now: () => clock,
      keyProblem: () => keyProblem,
      made: () => signing.made,
      onChange: ({ state, text }) => changes.push([state, text]),
    });
    watch.setValidity(validityDays, true);
    signing = await ZoneSigning.open({
      zone,
      settings: { algorithm: DnssecAlgorithm.ED25519, validityDays, chain: 'nsec3' },
      keys: [newSigningKey(zone.apex)],
      generate: () => newSigningKey(zone.apex),
      committer,
      now: () => clock,
      onWarning: () => {},
      watch,
    });
  }

  beforeEach(() => {
    clock = START;
    diskError = undefined;
    keyProblem = undefined;
    changes = [];
  });
  afterEach(() => signing.close());

  /** Renews at intervals. */
  async function pass(days: number, interval = HOUR): Promise<void> {
    for (let seconds = 0; seconds < days * DAY; seconds += interval) {
      clock += interval;
      await signing.renew();
    }
  }

  function expirations(): number[] {
    return [...zone.published.nodes.values()].flatMap((node) =>
      allRRsets(node).flatMap(({ signatures = [] }) => signatures.map(expirationOf)),
    );
  }

  it.each([2, 8, 30])(
    'reports nothing while signatures of %i days are renewed, and has their exact figures',
    async (days) => {
      await open(days);
      for (let round = 0; round < 8; round++) {
        await pass(days / 4);
        const all = expirations();
        expect(watch.figures).toMatchObject({
          signatures: all.length,
          expired: 0,
          firstExpiration: Math.min(...all),
          failedRenewals: 0,
        });
      }
      expect(watch.figures.made).toBeGreaterThan(2 * expirations().length);
      expect([changes, watch.troubles]).toEqual([[], []]);
    },
  );

  it('reports once that signatures expire soon, once that some have expired, and once that they are renewed again', async () => {
    await open(30, 20);
    await pass(1, 12 * HOUR);
    diskError = new Error('the disk is full');
    await pass(21, 12 * HOUR);
    expect([changes, watch.troubles]).toEqual([[], ['Signatures could not be renewed: the disk is full.']]);
    await pass(2, 12 * HOUR);
    expect(changes).toEqual([
      ['expiring', expect.stringMatching(/^Signatures of the zone 'example.com.' expire soon, .* the disk is full\.$/)],
    ]);
    await pass(8, 12 * HOUR);
    expect(changes.slice(1)).toEqual([['expired', expect.stringMatching(/^\d+ of \d+ signatures .* have expired/)]]);
    expect(watch.figures.expired).toBe(expirations().filter((each) => each < clock).length);
    expect(watch.figures.failedRenewals).toBeGreaterThan(20);
    diskError = undefined;
    await pass(1, 12 * HOUR);
    expect(changes.slice(2)).toEqual([['ok', "The signatures of the zone 'example.com.' are renewed again."]]);
    expect([watch.figures.expired, watch.troubles]).toEqual([0, []]);
  });

  it('sees that all signatures are renewed before less than soa.expire is left', async () => {
    const expire = 14 * DAY;
    await open(30, 3_000);
    const timers = { refresh: 1, retry: 1, expire, minimum: 60 };
    await committer.change(zone, (draft) => {
      const { ttl } = draft.findRRset(zone.apex.key, RRType.SOA)!;
      const soa = { kind: 'SOA', mname: zone.apex, rname: zone.apex, serial: 9, ...timers } as const;
      draft.setRRset(zone.apex, { type: RRType.SOA, ttl, rdatas: [rdataText(soa)] });
    });
    clock += 15 * DAY - HOUR;
    for (let hours = 0; hours < 48; hours++) {
      await pass(1 / 24);
      expect(watch.figures.firstExpiration! - clock).toBeGreaterThanOrEqual(expire);
    }
    expect(watch.figures.firstExpiration! - clock).toBeGreaterThan(28 * DAY - HOUR);
  });

  it('does not report signatures that expired while the clock was wrong, if they could be renewed', async () => {
    await open(30);
    clock += 365 * DAY;
    await signing.renew();
    expect([changes, watch.figures.expired]).toEqual([[], 0]);
  });

  it('reports keys that are missing on the disk, and that they are there again', async () => {
    await open(30);
    keyProblem = 'The key 7 is missing.';
    await pass(1);
    expect(changes).toEqual([['keys-missing', keyProblem]]);
    expect(watch.figures.isKeyMissing).toBe(true);
    keyProblem = undefined;
    await pass(1);
    expect(changes.slice(1)).toEqual([['ok', expect.any(String)]]);
  });

  it('of a zone that is not renewed, reports that less than three days are left, however short the validity', async () => {
    await open(8);
    await signing.close();
    keyProblem = 'The key 7 is missing.';
    await watch.count(zone.published);
    clock += 5 * DAY + HOUR;
    await watch.count(zone.published);
    expect(changes.map(([state]) => state)).toEqual(['keys-missing', 'expiring']);
  });
});

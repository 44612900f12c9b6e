/** The signing of one zone over time: renewal in the second half and after clocks that are set. */
import { afterEach, describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { newSigningKey, signingFaults } from '../../../test/support/signed-zone.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import { expirationOf } from '../zone/signatures.ts';
import { allRRsets, findRRset } from '../zone/zone-node.ts';
import { withSerial, type ZoneVersion } from '../zone/zone-version.ts';
import { ZoneSigning } from './zone-signing.ts';

const DAY = 86_400;
const NAMES = 500;
const START = 1_800_000_000;

function earliestExpiration(version: ZoneVersion): number {
  const signatures = [...version.nodes.values()].flatMap((node) =>
    allRRsets(node).flatMap((rrset) => rrset.signatures ?? []),
  );
  return Math.min(...signatures.map(expirationOf));
}

describe('a zone that is signed', () => {
  let signing: ZoneSigning | undefined;
  afterEach(() => signing?.close());

  async function open(names: number) {
    const zone = editedZone('example.com');
    const clock = { now: START };
    const committer = new Committer({ log: { append: async () => {} } });
    await committer.change(zone, (draft) => {
      for (let i = 0; i < names; i++) {
        const owner = DomainName.parse(`h${i}`, zone.apex);
        draft.setRRset(owner, { type: RRType.A, ttl: 600, rdatas: ['\x01\x02\x03\x04'] });
      }
    });
    const options = {
      zone,
      settings: { algorithm: DnssecAlgorithm.ECDSAP256SHA256, validityDays: 30, chain: 'nsec3' as const },
      keys: [newSigningKey(zone.apex)],
      generate: () => newSigningKey(zone.apex),
      committer,
      now: () => clock.now,
      onWarning: (text: string) => expect.unreachable(text),
      watch: { renewed: () => {} },
    };
    signing = await ZoneSigning.open(options);
    return { zone, clock, signing, options };
  }

  it('renews in the second half of the validity, in parts, before a quarter of it is left', async () => {
    const { zone, clock, signing } = await open(NAMES);
    const { serial } = zone.published;
    clock.now += 14 * DAY;
    await signing.renew();
    expect(zone.published.serial).toBe(serial);
    clock.now += 2 * DAY;
    await signing.renew();
    const serials = zone.published.serial - serial;
    expect(serials).toBe(1);
    for (let run = 0; run < 24; run++) {
      await signing.renew();
      clock.now += 7 * 3_600;
    }
    expect(signingFaults(zone.published, clock.now)).toEqual([]);
    expect(earliestExpiration(zone.published) - clock.now).toBeGreaterThan(20 * DAY);
  });

  it.each([
    ['a day ahead', DAY],
    ['a year ahead', 365 * DAY],
    ['a day back', -DAY],
    ['a year back', -365 * DAY],
  ])('has valid signatures after its clock was set %s', async (_, seconds) => {
    const { zone, clock, signing } = await open(300);
    clock.now += seconds;
    await signing.renew();
    expect(signingFaults(zone.published, clock.now)).toEqual([]);
  });

  it('signs at its start an SOA whose serial was raised without its signer, as a recovery does', async () => {
    const { zone, options } = await open(1);
    await signing?.close();
    zone.signer = undefined;
    await options.committer.change(zone, (draft) => {
      const soa = draft.findRRset(zone.apex.key, RRType.SOA)!;
      draft.setRRset(zone.apex, { ...soa, rdatas: [withSerial(soa.rdatas[0]!, 1_000)] });
    });
    expect(signingFaults(zone.published, START)).toEqual(['example.com. 6: 0 signatures']);
    signing = await ZoneSigning.open(options);
    expect(signingFaults(zone.published, START)).toEqual([]);
  });

  it('gives the records of the chain the TTL of negative answers when the SOA has another one', async () => {
    const { zone, clock, signing, options } = await open(NAMES);
    await options.committer.change(zone, (draft) => {
      const soa = draft.findRRset(zone.apex.key, RRType.SOA)!;
      draft.setRRset(zone.apex, { ...soa, rdatas: [`${soa.rdatas[0]!.slice(0, -4)}\0\0\0\x2a`] });
    });
    await signing.renew();
    const ttls = [...zone.published.nodes.values()].flatMap((node) => findRRset(node, RRType.NSEC3)?.ttl ?? []);
    expect(ttls).toHaveLength(NAMES + 1);
    expect(new Set(ttls)).toEqual(new Set([42]));
    expect(signingFaults(zone.published, clock.now)).toEqual([]);
  });
});

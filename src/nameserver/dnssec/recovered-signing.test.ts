/** A signed zone that a recovery or a restore wrote without its signer, and one of a backup whose signatures are about to end. */
import { afterEach, describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { newSigningKey, signingFaults } from '../../../test/support/signed-zone.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { Committer } from '../journal/committer.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import { expirationOf, mapRRsets, withoutSignatures } from '../zone/signatures.ts';
import { allRRsets, findRRset, type ZoneNode } from '../zone/zone-node.ts';
import { ZoneSigning, type ZoneSigningOptions } from './zone-signing.ts';

const DAY = 86_400;
const START = 1_800_000_000;
const ADDRESS = { type: RRType.A, ttl: 600, rdatas: ['\x01\x02\x03\x04'] };

describe.each(['nsec3', 'nsec'] as const)('a signed zone with %s that was written without its signer', (chain) => {
  const opened: ZoneSigning[] = [];
  afterEach(async () => {
    for (const signing of opened.splice(0)) await signing.close();
  });

  async function start(validityDays = 30) {
    const zone = editedZone('example.com');
    const committer = new Committer({ log: { append: async () => {} } });
    await committer.change(zone, (draft) => {
      for (let i = 0; i < 250; i++) draft.setRRset(nameIn(zone, `a.h${i}`), ADDRESS);
    });
    const clock = { now: START };
    const options: ZoneSigningOptions = {
      zone,
      settings: { algorithm: DnssecAlgorithm.ECDSAP256SHA256, validityDays, chain },
      keys: [newSigningKey(zone.apex)],
      generate: () => expect.unreachable(),
      committer,
      now: () => clock.now,
      onWarning: (text: string) => expect.unreachable(text),
      watch: { renewed: () => {} } as never,
    };
    const open = async () => {
      const signing = await ZoneSigning.open(options);
      opened.push(signing);
      return signing;
    };
    await (await open()).close();
    return { zone, clock, open, options };
  }

  /** As a recovery writes it: no signature is made, and the SOA has none. */
  async function editUnsigned({ zone, committer }: ZoneSigningOptions, edit: (draft: ZoneDraft) => void) {
    zone.signer = undefined;
    await committer.change(zone, (draft) => {
      edit(draft);
      draft.setSerial(50_000);
    });
    expect(signingFaults(zone.published, START)).not.toEqual([]);
  }

  const damages: Readonly<Record<string, (draft: ZoneDraft, zone: EmbeddedZone) => void>> = {
    'only its serial was raised': () => {},
    'names were added and lost': (draft, zone) => {
      draft.setRRset(nameIn(zone, 'new.static'), ADDRESS);
      for (const label of ['a.h1', 'a.h2', 'a.h3']) draft.deleteRRset(nameIn(zone, label).key, RRType.A);
    },
    'records of its chain were lost': (draft) => {
      const type = chain === 'nsec3' ? RRType.NSEC3 : RRType.NSEC;
      const owners = [...draft.nodes.values()].filter((node) => findRRset(node, type) !== undefined);
      for (const node of owners.slice(10, 40)) draft.setSignerRRset(node, { type, ttl: 0, rdatas: [] });
    },
    'no signature is left': (draft, zone) => {
      for (const node of zone.published.nodes.values()) draft.setSigned(mapRRsets(node, withoutSignatures));
    },
    'a delegation came over names': (draft, zone) => {
      draft.setRRset(nameIn(zone, 'h7'), { type: RRType.NS, ttl: 60, rdatas: ['\x01n\x00'] });
    },
  };

  it.each(Object.keys(damages))('has right signatures and a right chain when it is served: %s', async (title) => {
    const { zone, options, open } = await start();
    await editUnsigned(options, (draft) => damages[title]!(draft, zone));
    await open();
    expect(signingFaults(zone.published, START)).toEqual([]);
    expect(zone.published.serial).toBeGreaterThan(50_000);
  });

  it('keeps the signatures that are right', async () => {
    const { zone, options, open } = await start();
    const signatures = () => signaturesOf(zone.published.find(nameIn(zone, 'a.h9').key)!);
    const before = signatures();
    expect(before).not.toEqual([]);
    await editUnsigned(options, () => {});
    await open();
    expect(signatures()).toEqual(before);
  });

  it.each([30, 8])('has no signature with less than three days left when it is served, of %i days', async (days) => {
    const { zone, clock, open } = await start(days);
    clock.now += (days - 2.9) * DAY;
    await open();
    const left = [...zone.published.nodes.values()].flatMap(signaturesOf).map((each) => expirationOf(each) - clock.now);
    expect(Math.min(...left)).toBeGreaterThan(3 * DAY);
  });
});

const nameIn = ({ apex }: EmbeddedZone, label: string) => DomainName.parse(label, apex);
const signaturesOf = (node: ZoneNode) => allRRsets(node).flatMap((rrset) => rrset.signatures ?? []);

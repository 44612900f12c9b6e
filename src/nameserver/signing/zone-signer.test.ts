/** A zone that is signed as it changes: signatures and chain after random edits, what changes and what stays, differences, replay. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { change, newSigningKey, signedZone, signingFaults, zoneFileOf } from '../../../test/support/signed-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type Rdata, RRType } from '../../dns/rdata.ts';
import type { ZoneDraft } from '../zone/draft.ts';
import { replay } from '../zone/zone-load.ts';
import { allRRsets, type ZoneRecord } from '../zone/zone-node.ts';
import { rdataText, type ZoneVersion } from '../zone/zone-version.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
const rrset = (type: number, ...rdatas: Rdata[]) => ({ type, ttl: 300, rdatas: rdatas.map(rdataText) });
const addressOf = (last: number) => rrset(RRType.A, { kind: 'A', address: `192.0.2.${last}` });
const text = (content: string) => rrset(RRType.TXT, { kind: 'TXT', strings: [Buffer.from(content)] });
const ns = (target: string) => rrset(RRType.NS, { kind: 'NS', target: at(target) });
const dname = rrset(RRType.DNAME, { kind: 'DNAME', target: DomainName.parse('example.net') });
const ds = rrset(RRType.DS, { kind: 'DS', keyTag: 1, algorithm: 13, digestType: 2, digest: new Uint8Array(32) });

const labels = fc.constantFrom(
  '@',
  'a',
  'b',
  'a.b',
  'c.a.b',
  'd.c.a.b',
  '*.b',
  'x.y',
  'z.y',
  'sub',
  'ns.sub',
  'w.sub',
  '\\000.b',
  'b-',
);
const rrsets = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 250 }).map(addressOf) },
  fc.constant(text('x')),
  fc.constant(ns('ns.sub')),
  fc.constant(dname),
  fc.constant(ds),
);
interface Edit {
  readonly name: string;
  readonly rrset: ReturnType<typeof addressOf>;
  readonly isDeletion: boolean;
}
const edits: fc.Arbitrary<Edit> = fc.record({ name: labels, rrset: rrsets, isDeletion: fc.boolean() });

function apply(draft: ZoneDraft, { name, rrset, isDeletion }: Edit): void {
  // The apex keeps its SOA and NS, and has no DS and no DNAME.
  if (name === '@' && [RRType.NS, RRType.DNAME, RRType.DS].some((type) => type === rrset.type)) return;
  if (isDeletion) draft.deleteRRset(at(name).key, rrset.type);
  else draft.setRRset(at(name), rrset);
}

const textsOf = (records: Iterable<ZoneRecord>) =>
  [...records].map(({ wireText, type, ttl, rdata }) => JSON.stringify([wireText, type, ttl, rdata])).sort();

describe.each(['nsec3', 'nsec'] as const)('a zone with %s', (chain) => {
  it('has right signatures and a right chain after random changes, and its differences and their replay give the same', () => {
    const key = newSigningKey(apex);
    fc.assert(
      fc.property(
        fc.array(fc.array(edits, { minLength: 1, maxLength: 4 }), { maxLength: 12, size: 'max' }),
        (commits) => {
          const zone = signedZone('example.com', { chain, keys: [key] });
          expect(signingFaults(zone.published)).toEqual([]);
          const first = zone.published;
          const diffs = [];
          for (const commit of commits) {
            const before = textsOf(zone.published.records());
            const sealed = change(zone, (draft) => {
              for (const edit of commit) apply(draft, edit);
            });
            if (sealed === undefined) continue;
            expect(signingFaults(zone.published)).toEqual([]);
            diffs.push(sealed.diff);
            const gone = new Set(textsOf(sealed.diff.removed));
            const rest = before.filter((record) => !gone.has(record));
            expect(rest).toHaveLength(before.length - gone.size);
            expect([...rest, ...textsOf(sealed.diff.added)].sort()).toEqual(textsOf(zone.published.records()));
          }
          const now = textsOf(zone.published.records());
          expect(textsOf(replay(first, diffs).version.records())).toEqual(now);
          // The rows of names may be newer than the first commits that are replayed.
          expect(textsOf(replay(zone.published, diffs).version.records())).toEqual(now);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has names of the greatest length with octets 0, 1 and all others, in the order of RFC 4034 §6.1', () => {
    const zone = signedZone('example.com', { chain });
    const long = (octet: number) => {
      const label = Buffer.concat([Buffer.of(60), Buffer.alloc(60, octet)]);
      return DomainName.ofWire(
        Buffer.concat([label, label, label, Buffer.of(56), Buffer.alloc(56, octet), apex.octets]),
      );
    };
    change(zone, (draft) => {
      for (let octet = 0; octet < 256; octet++) {
        draft.setRRset(DomainName.ofWire(Buffer.concat([Buffer.of(2, octet, 0), apex.octets])), addressOf(1));
        if (octet < 2 || octet === 0x40 || octet === 0x5b) draft.setRRset(long(octet), addressOf(1));
      }
    });
    expect(long(0).octets).toHaveLength(253);
    expect(signingFaults(zone.published)).toEqual([]);
    verify(zone.published);
  });

  it('has records of the chain with the TTL of negative answers after the SOA has another one (RFC 9077 §3)', () => {
    const zone = signedZone('example.com', { chain });
    change(zone, (draft) => draft.setRRset(at('a'), addressOf(1)));
    change(zone, (draft) => {
      const soa = draft.findRRset(apex.key, RRType.SOA)!;
      draft.setRRset(apex, { ...soa, rdatas: [`${soa.rdatas[0]!.slice(0, -4)}\0\0\0\x2a`] });
    });
    change(zone, (draft) => draft.renew([...zone.published.nodes.values()].map(({ key }) => key)));
    const ttls = [...zone.published.nodes.values()]
      .flatMap(allRRsets)
      .filter(({ type }) => type === RRType.NSEC || type === RRType.NSEC3)
      .map(({ ttl }) => ttl);
    expect(new Set(ttls)).toEqual(new Set([42]));
    expect(signingFaults(zone.published)).toEqual([]);
  });

  it('is accepted by dnssec-verify', () => {
    const zone = signedZone('example.com', { chain });
    for (const name of ['a', 'x.y', '*.b', 'www']) change(zone, (draft) => draft.setRRset(at(name), addressOf(1)));
    change(zone, (draft) => {
      draft.setRRset(at('sub'), ns('ns.sub'));
      draft.setRRset(at('ns.sub'), addressOf(3));
    });
    change(zone, (draft) => draft.deleteRRset(at('a').key, RRType.A));
    verify(zone.published);
  });
});

function verify(version: ZoneVersion): void {
  const directory = mkdtempSync(join(tmpdir(), 'dyndns-signed-'));
  try {
    const file = join(directory, 'zone');
    writeFileSync(file, zoneFileOf(version));
    execFileSync('dnssec-verify', ['-z', '-o', 'example.com', file], { encoding: 'utf8', stdio: 'pipe' });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

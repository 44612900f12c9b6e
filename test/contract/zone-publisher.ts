/**
 * The contract of ZonePublisher (src/core/zones/publisher.ts) and of the update use-case on top of it, as one suite that
 * every implementation passes: bind, knot and powerdns for remote primaries, embedded, and memory for the model of unit
 * tests. Published data is read by an independent reader of the subject, never through the publisher.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddressUpdate } from '../../src/core/updates/update-addresses.ts';
import { planChange } from '../../src/core/zones/plan-change.ts';
import type { AddressSet, PublishedAddresses, ZonePublisher } from '../../src/core/zones/publisher.ts';
import type { Zone } from '../../src/core/zones/zone.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { textRdata } from '../../src/dns/rrset.ts';
import type { ZoneChange } from '../../src/dns/zone-change.ts';
import { AddressUpdates } from '../support/address-updates.ts';
import { type WantedTexts, wantedOf } from '../support/wanted-addresses.ts';
import { plainValue } from '../support/wire-vectors.ts';
import { describeTexts } from './texts.ts';

/** A record as text. `at` is the owner name relative to the apex, `@` for the apex. */
export interface RecordText {
  readonly at: string;
  readonly ttl: number;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'DNAME' | 'NS' | 'TXT';
  readonly rdata: string;
}

/** An atomic change of the zone by another writer: deletions first. */
export interface ForeignEdit {
  readonly deletes?: readonly { readonly at: string; readonly type: string }[];
  readonly adds?: readonly RecordText[];
}

export interface PublishedRRset {
  /** RDATA in presentation form, sorted. */
  readonly values: readonly string[];
  readonly ttl: number | undefined;
}

/** A served zone, with means to change and watch it from outside. */
export interface PublisherFixture {
  /** A new publisher of the zone. @param onBatch called for each message, if the implementation sends messages */
  publisher(onBatch?: (changes: number, outcome: string) => void): ZonePublisher;
  /** The answer to an independent query for this name and type. */
  query(ownerName: string, type: string): Promise<PublishedRRset>;
  serial(): Promise<number>;
  /** A reader that can send thousands of queries a second. */
  watcher(): { ask(ownerName: DomainName): Promise<readonly string[]>; close(): void };
  foreignEdit(edit: ForeignEdit): Promise<void>;
  stop(): Promise<void>;
}

export interface PublisherSubject {
  readonly title: string;
  /** False if the publisher sends no messages. */
  readonly countsMessages: boolean;
  /** False if the server accepts quotes, semicolons and other octets in a label, but cannot answer for the name. */
  readonly answersForAnyName?: boolean;
  /** True if the publisher has the whole zone in memory, and recalls names that it has not seen before. */
  readonly recallsAll?: boolean;
  /** True if the server refuses a change by others that would hide data of the zone. */
  readonly refusesHiding?: boolean;
  start(apex: string, records: readonly RecordText[]): Promise<PublisherFixture>;
}

export const CONTRACT_ZONE = 'dyndns.example.com';

const RECORDS: readonly RecordText[] = [
  { at: 'alias', ttl: 60, type: 'CNAME', rdata: 'www.example.net.' },
  { at: 'delegated', ttl: 60, type: 'NS', rdata: 'ns.example.net.' },
  { at: 'moved', ttl: 60, type: 'DNAME', rdata: 'moved.example.net.' },
  { at: '*.wild', ttl: 60, type: 'A', rdata: '192.0.2.77' },
  { at: '*.wild', ttl: 60, type: 'AAAA', rdata: '2001:db8::77' },
  { at: '*.wild-alias', ttl: 60, type: 'CNAME', rdata: 'www.example.net.' },
  { at: 'many', ttl: 60, type: 'A', rdata: '192.0.2.30' },
  { at: 'many', ttl: 60, type: 'A', rdata: '192.0.2.4' },
  { at: 'many', ttl: 60, type: 'A', rdata: '192.0.2.100' },
  { at: 'many', ttl: 60, type: 'AAAA', rdata: '2001:db8::2' },
  { at: 'text', ttl: 60, type: 'TXT', rdata: '"kept"' },
];

const apex = DomainName.parse(CONTRACT_ZONE);
const NONE: AddressSet = { addresses: [], ttl: 0 };
const NOTHING: PublishedAddresses = { A: NONE, AAAA: NONE };

function at(label: string): DomainName {
  return label === '@' ? apex : DomainName.parse(label, apex);
}

function inMs(milliseconds: number): number {
  return performance.now() + milliseconds;
}

/** The changes in short: `A 192.0.2.1 -> 192.0.2.2`. */
function changeLines(update: AddressUpdate): string[] {
  const side = (addresses: readonly string[]) => addresses.join(',') || 'None';
  return (['A', 'AAAA'] as const).map((family) => {
    const { before, after, changed } = update[family];
    return changed ? `${family} ${side(before)} -> ${side(after)}` : `${family} ${side(after)}`;
  });
}

export function describeZonePublisher(subject: PublisherSubject): void {
  describe(`the contract of a zone publisher: ${subject.title}`, () => {
    let fixture: PublisherFixture;
    let publisher: ZonePublisher;
    let batches: { changes: number; outcome: string }[] = [];

    beforeAll(async () => {
      fixture = await subject.start(CONTRACT_ZONE, RECORDS);
      publisher = fixture.publisher((changes, outcome) => batches.push({ changes, outcome }));
    }, 30_000);
    afterAll(async () => {
      publisher?.close();
      await fixture?.stop();
    });

    /** The number of messages that `action` sends. */
    async function messagesOf(action: () => Promise<unknown>): Promise<number> {
      batches = [];
      await action();
      return batches.length;
    }

    function zoneOf(of: ZonePublisher): Zone {
      const rules = { apexAllowed: true, wildcardAllowed: true, reserved: new Set<string>() };
      return { apex, publisher: of, ttl: {}, emptyValue: 'keep', ...rules, addresses: { allow: [], deny: [] } };
    }

    describeTexts(
      apex,
      () => fixture,
      () => zoneOf(publisher),
    );

    const useCase = new AddressUpdates({ timeoutMs: 20_000, maxWaiting: 10_000 });

    function update(name: string, wanted: WantedTexts, ttl?: number): Promise<AddressUpdate> {
      const request = { zone: zoneOf(publisher), ownerName: at(name), wanted: wantedOf(wanted), fallbackTtl: 60 };
      return useCase.run(ttl === undefined ? request : { ...request, ttl });
    }

    /** A change planned for assumed published data, without the use-case's second read. */
    function plan(name: string, wanted: WantedTexts, published: PublishedAddresses): ZoneChange {
      return planChange({
        zone: apex,
        ownerName: at(name),
        wanted: wantedOf(wanted),
        published,
        ttl: 60,
        ttlIsExplicit: false,
      }).change;
    }

    async function addressesAt(name: string): Promise<string[]> {
      const ownerName = at(name).toString();
      const found = [await fixture.query(ownerName, 'A'), await fixture.query(ownerName, 'AAAA')];
      return found.flatMap((rrset) => rrset.values);
    }

    /** Asserts that a change is refused as a conflict and nothing is written. */
    async function expectConflict(name: string, pattern: RegExp): Promise<void> {
      const serial = await fixture.serial();
      await expect(update(name, { A: '192.0.2.9', AAAA: '2001:db8::9' })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(pattern),
      });
      expect(await fixture.serial()).toBe(serial);
    }

    describe('one name', () => {
      it('adds, replaces and deletes A and AAAA, both in one message', async () => {
        const steps: readonly [WantedTexts, string[], string[]][] = [
          [
            { A: '192.0.2.1', AAAA: '2001:db8::1' },
            ['A None -> 192.0.2.1', 'AAAA None -> 2001:db8::1'],
            ['192.0.2.1', '2001:db8::1'],
          ],
          [
            { A: '192.0.2.2', AAAA: '2001:db8::2' },
            ['A 192.0.2.1 -> 192.0.2.2', 'AAAA 2001:db8::1 -> 2001:db8::2'],
            ['192.0.2.2', '2001:db8::2'],
          ],
          [{ A: '192.0.2.3' }, ['A 192.0.2.2 -> 192.0.2.3', 'AAAA 2001:db8::2'], ['192.0.2.3', '2001:db8::2']],
          [{ AAAA: null }, ['A 192.0.2.3', 'AAAA 2001:db8::2 -> None'], ['192.0.2.3']],
          [{ A: null, AAAA: null }, ['A 192.0.2.3 -> None', 'AAAA None'], []],
        ];
        for (const [wanted, lines, published] of steps) {
          const messages = await messagesOf(async () =>
            expect(changeLines(await update('home', wanted))).toEqual(lines),
          );
          expect(await addressesAt('home')).toEqual(published);
          if (subject.countsMessages) expect(messages).toBe(1);
        }
      });

      it('leaves other data of the name alone', async () => {
        await update('text', { A: '192.0.2.1' });
        await update('text', { A: null, AAAA: null });
        expect((await fixture.query(at('text').toString(), 'TXT')).values).toEqual(['"kept"']);
      });

      it('changes the addresses of the zone itself and of a wildcard', async () => {
        expect(changeLines(await update('@', { A: '192.0.2.50' }))[0]).toBe('A None -> 192.0.2.50');
        expect(changeLines(await update('*.any', { AAAA: '2001:db8::50' }))[1]).toBe('AAAA None -> 2001:db8::50');
        expect(await addressesAt('@')).toEqual(['192.0.2.50']);
        expect(await addressesAt('some.thing.any')).toEqual(['2001:db8::50']);
      });

      it('compares names without case (RFC 4343)', async () => {
        await update('Case', { A: '192.0.2.1' });
        const messages = await messagesOf(async () => {
          expect(changeLines(await update('cASE', { A: '192.0.2.1' }))).toEqual(['A 192.0.2.1', 'AAAA None']);
        });
        if (subject.countsMessages) expect(messages).toBe(1);
        expect(changeLines(await update('CASE', { A: '192.0.2.2' }))[0]).toBe('A 192.0.2.1 -> 192.0.2.2');
        expect(await addressesAt('case')).toEqual(['192.0.2.2']);
      });

      it('replaces several addresses by one, and returns them sorted', async () => {
        const outcome = await publisher.read(at('many'), inMs(5000));
        expect(outcome).toEqual({
          kind: 'addresses',
          published: {
            A: { addresses: ['192.0.2.100', '192.0.2.30', '192.0.2.4'], ttl: 60 },
            AAAA: { addresses: ['2001:db8::2'], ttl: 60 },
          },
        });
        expect(changeLines(await update('many', { A: '192.0.2.4' }))).toEqual([
          'A 192.0.2.100,192.0.2.30,192.0.2.4 -> 192.0.2.4',
          'AAAA 2001:db8::2',
        ]);
        expect(await addressesAt('many')).toEqual(['192.0.2.4', '2001:db8::2']);
      });

      it.each([2, 8])('has %i addresses of each family as one RRset, in any order', async (count) => {
        const ipv4 = Array.from({ length: count }, (_, index) => `192.0.2.${index * 7 + 3}`);
        const ipv6 = Array.from({ length: count }, (_, index) => `2001:db8::${(index * 37 + 5).toString(16)}`);
        const name = `several${count}`;
        const list = (addresses: readonly string[]) => [...addresses].sort().join();
        expect(changeLines(await update(name, { A: ipv4.join(), AAAA: ipv6.join() }))).toEqual([
          `A None -> ${list(ipv4)}`,
          `AAAA None -> ${list(ipv6)}`,
        ]);
        expect(await addressesAt(name)).toEqual([...[...ipv4].sort(), ...[...ipv6].sort()]);
        const serial = await fixture.serial();
        // Repeats: in other orders, one address twice, and from a publisher that has not seen the name.
        const orders = [[...ipv4].reverse(), [...ipv4.slice(1), ipv4[0]!], [ipv4[0]!, ...ipv4]];
        for (const order of orders) expect((await update(name, { A: order.join() })).changed).toBe(false);
        const other = fixture.publisher();
        const again = { zone: zoneOf(other), ownerName: at(name), wanted: wantedOf({ A: orders[0]!.join() }) };
        expect((await useCase.run(again)).changed).toBe(false);
        other.close();
        expect(await fixture.serial()).toBe(serial);
        const fewer = ipv4.slice(1);
        expect(changeLines(await update(name, { A: fewer.join() }))).toEqual([
          `A ${list(ipv4)} -> ${list(fewer)}`,
          `AAAA ${list(ipv6)}`,
        ]);
        expect((await fixture.query(at(name).toString(), 'A')).values).toEqual([...fewer].sort());
        expect((await update(name, { A: null, AAAA: null })).AAAA.before).toEqual([...ipv6].sort());
        expect(await addressesAt(name)).toEqual([]);
      });

      it('accepts names whose labels have dots, spaces, quotes, backslashes and octets that are not letters', async () => {
        const anywhere = ['a\\.b', 'a\\032b', 'back\\\\slash'];
        const special = ['h#sh', 'quote\\"s', 'semi\\;colon', '\\195\\164', '\\000\\255'];
        for (const label of subject.answersForAnyName === false ? anywhere : [...anywhere, ...special]) {
          const ownerName = at(label);
          const rrset = { ownerName, type: RRType.TXT, ttl: 30, rdatas: [textRdata('here')] };
          const prerequisites = [{ kind: 'rrset-absent', ownerName, type: RRType.TXT }] as const;
          const change: ZoneChange = {
            zone: apex,
            ownerName,
            prerequisites,
            edits: [{ kind: 'replace-rrset', rrset }],
          };
          expect(await publisher.publish(change, inMs(5000)), label).toBe('published');
          expect(await publisher.publish(change, inMs(5000)), label).toBe('stale');
          expect((await fixture.query(ownerName.toString(), 'TXT')).values, label).toEqual(['"here"']);
          expect((await publisher.readRRset(ownerName, RRType.TXT, inMs(5000)))?.ttl, label).toBe(30);
        }
        expect((await fixture.query(at('a.b').toString(), 'TXT')).values).toEqual([]);
      });

      it('reads and writes an RRset of TXT', async () => {
        const ownerName = at('_probe');
        const rrset = { ownerName, type: RRType.TXT, ttl: 30, rdatas: [textRdata('a "b" \\c')] };
        const absent = { kind: 'rrset-absent', ownerName, type: RRType.TXT } as const;
        const change = { zone: apex, ownerName, prerequisites: [absent] };
        expect(await publisher.readRRset(ownerName, RRType.TXT, inMs(5000))).toBeUndefined();
        const write: ZoneChange = { ...change, edits: [{ kind: 'replace-rrset', rrset }] };
        expect(await publisher.publish(write, inMs(5000))).toBe('published');
        expect(plainValue(await publisher.readRRset(ownerName, RRType.TXT, inMs(5000)))).toEqual(plainValue(rrset));
        const edits = [{ kind: 'delete-rrset', ownerName, type: RRType.TXT }] as const;
        expect(await publisher.publish({ ...change, prerequisites: [], edits }, inMs(5000))).toBe('published');
        expect(await publisher.readRRset(ownerName, RRType.TXT, inMs(5000))).toBeUndefined();
      });
    });

    describe('a change without edits', () => {
      it('finds out whether a name has records of its own, of whatever type, and writes nothing', async () => {
        const isFree = async (ownerName: DomainName) => {
          const prerequisites = [{ kind: 'name-not-in-use', ownerName }] as const;
          const outcome = await publisher.publish({ zone: apex, ownerName, prerequisites, edits: [] }, inMs(5000));
          return outcome === 'published';
        };
        const serial = await fixture.serial();
        for (const label of ['text', 'alias', 'many', 'moved', '*.wild']) {
          expect(await isFree(at(label)), label).toBe(false);
        }
        // Below a wildcard, and above a name.
        for (const label of ['never', 'x.wild', 'x.wild-alias', 'wild'])
          expect(await isFree(at(label)), label).toBe(true);
        const many = await Promise.all(['text', 'n1', 'alias', 'n2', 'n3'].map((label) => isFree(at(label))));
        expect(many).toEqual([false, true, false, true, true]);
        expect(await fixture.serial()).toBe(serial);
      });
    });

    describe('a value that is already published', () => {
      it('writes nothing and leaves the serial, whether the state is cached or read', async () => {
        await update('same', { A: '192.0.2.1', AAAA: '2001:db8::1' });
        const serial = await fixture.serial();
        expect(changeLines(await update('same', { A: '192.0.2.1', AAAA: '2001:db8::1' }))).toEqual([
          'A 192.0.2.1',
          'AAAA 2001:db8::1',
        ]);
        const other = fixture.publisher();
        try {
          if (!subject.recallsAll) expect(other.recall(at('same'))).toBeUndefined();
          const request = {
            zone: zoneOf(other),
            ownerName: at('same'),
            wanted: wantedOf({ A: '192.0.2.1' }),
            fallbackTtl: 60,
          };
          expect(changeLines(await useCase.run(request))).toEqual(['A 192.0.2.1', 'AAAA 2001:db8::1']);
        } finally {
          other.close();
        }
        expect(changeLines(await update('nothing', { A: null, AAAA: null }))).toEqual(['A None', 'AAAA None']);
        expect(await fixture.serial()).toBe(serial);
      });

      it('raises the serial with every change', async () => {
        let serial = await fixture.serial();
        for (const last of [1, 2, 3]) {
          await update('serial', { A: `192.0.2.${last}` });
          const next = await fixture.serial();
          expect(next).toBeGreaterThan(serial);
          serial = next;
        }
      });

      it('treats a different explicit TTL as a change, and keeps the TTL otherwise', async () => {
        await update('ttl', { A: '192.0.2.1', AAAA: '2001:db8::1' }, 600);
        expect(changeLines(await update('ttl', { A: '192.0.2.1' }))).toEqual(['A 192.0.2.1', 'AAAA 2001:db8::1']);
        expect(await fixture.query(at('ttl').toString(), 'A')).toEqual({ values: ['192.0.2.1'], ttl: 600 });
        const serial = await fixture.serial();
        expect((await update('ttl', { A: '192.0.2.1' }, 600)).changed).toBe(false);
        expect(await fixture.serial()).toBe(serial);
        expect(changeLines(await update('ttl', { A: '192.0.2.1' }, 120))).toEqual([
          'A 192.0.2.1 -> 192.0.2.1',
          'AAAA 2001:db8::1',
        ]);
        expect(await fixture.query(at('ttl').toString(), 'A')).toEqual({ values: ['192.0.2.1'], ttl: 120 });
        expect(await fixture.query(at('ttl').toString(), 'AAAA')).toEqual({ values: ['2001:db8::1'], ttl: 600 });
      });
    });

    describe('a change that was planned for wrong data', () => {
      const set = (addresses: readonly string[]): AddressSet => ({ addresses, ttl: 60 });
      const ASSUMPTIONS: readonly [string, PublishedAddresses][] = [
        ['no address', NOTHING],
        ['another address', { A: set(['192.0.2.99']), AAAA: NONE }],
        ['one address more', { A: set(['192.0.2.1', '192.0.2.2', '192.0.2.3']), AAAA: NONE }],
        ['one address fewer', { A: set(['192.0.2.1']), AAAA: NONE }],
        ['also an address of the other family', { A: set(['192.0.2.1', '192.0.2.2']), AAAA: set(['2001:db8::1']) }],
      ];

      it.each(ASSUMPTIONS)('is stale and changes nothing: %s', async (_, assumed) => {
        const adds = ['192.0.2.1', '192.0.2.2'].map((rdata) => ({ at: 'belief', ttl: 60, type: 'A' as const, rdata }));
        await fixture.foreignEdit({ deletes: [{ at: 'belief', type: 'A' }], adds });
        const serial = await fixture.serial();
        const change = plan('belief', { A: '192.0.2.9', AAAA: '2001:db8::9' }, assumed);
        expect(await publisher.publish(change, inMs(5000))).toBe('stale');
        expect(await publisher.publish({ ...change, edits: [] }, inMs(5000))).toBe('stale');
        expect(await addressesAt('belief')).toEqual(['192.0.2.1', '192.0.2.2']);
        expect(await fixture.serial()).toBe(serial);
      });

      it('is not stale when only the order of the addresses differs', async () => {
        const adds = ['192.0.2.1', '192.0.2.2'].map((rdata) => ({ at: 'order', ttl: 60, type: 'A' as const, rdata }));
        await fixture.foreignEdit({ adds });
        const assumed = { A: set(['192.0.2.2', '192.0.2.1']), AAAA: NONE };
        expect(await publisher.publish(plan('order', { A: '192.0.2.9' }, assumed), inMs(5000))).toBe('published');
      });

      it('is planned again by the use-case: the old value is that of the other writer', async () => {
        await update('foreign', { A: '192.0.2.1' });
        const adds = [{ at: 'foreign', ttl: 60, type: 'A', rdata: '192.0.2.5' }] as const;
        await fixture.foreignEdit({ deletes: [{ at: 'foreign', type: 'A' }], adds });
        expect(changeLines(await update('foreign', { A: '192.0.2.1' }))[0]).toBe('A 192.0.2.5 -> 192.0.2.1');
        await fixture.foreignEdit({ deletes: [{ at: 'foreign', type: 'A' }] });
        expect(changeLines(await update('foreign', { A: '192.0.2.1' }))[0]).toBe('A None -> 192.0.2.1');
      });

      it('only one of several concurrent changes that were planned for the same data wins', async () => {
        const outcomes = await Promise.all(
          ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((A) =>
            publisher.publish(plan('race', { A }, NOTHING), inMs(5000)),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1);
        expect(await addressesAt('race')).toHaveLength(1);
      });
    });

    describe('data in the way is a conflict, and nothing is written', () => {
      it('a CNAME at the name', () => expectConflict('alias', /CNAME/));
      it('a delegation at the name', () => expectConflict('delegated', /delegated/));
      it('a delegation above the name', () => expectConflict('a.b.delegated', /delegated\.dyndns/));
      it('a DNAME above the name', () => expectConflict('a.moved', /DNAME|by others/));

      it('a CNAME that another writer added', async () => {
        await update('became-alias', { A: '192.0.2.1' });
        await fixture.foreignEdit({
          deletes: [{ at: 'became-alias', type: 'A' }],
          adds: [{ at: 'became-alias', ttl: 60, type: 'CNAME', rdata: 'www.example.net.' }],
        });
        await expectConflict('became-alias', /CNAME/);
      });

      it('a delegation that another writer added above the name', async () => {
        await update('host.became-delegated', { A: '192.0.2.1' });
        const adds = [{ at: 'became-delegated', ttl: 60, type: 'NS', rdata: 'ns.example.net.' }] as const;
        if (subject.refusesHiding) {
          await expect(fixture.foreignEdit({ adds })).rejects.toThrow('REFUSED');
          return;
        }
        await fixture.foreignEdit({ adds });
        await expectConflict('host.became-delegated', /delegated/);
        await fixture.foreignEdit({ deletes: [{ at: 'became-delegated', type: 'NS' }] });
        expect(changeLines(await update('host.became-delegated', { A: '192.0.2.2' }))[0]).toBe(
          'A 192.0.2.1 -> 192.0.2.2',
        );
      });
    });

    describe('a name under a wildcard', () => {
      it('writes an address even if it is that of the wildcard', async () => {
        expect(changeLines(await update('a.wild', { A: '192.0.2.77' }))).toEqual(['A None -> 192.0.2.77', 'AAAA None']);
        expect(await addressesAt('a.wild')).toEqual(['192.0.2.77']);
        expect(await addressesAt('b.wild')).toEqual(['192.0.2.77', '2001:db8::77']);
      });

      it('has nothing to delete', async () => {
        const serial = await fixture.serial();
        expect(changeLines(await update('c.wild', { A: null, AAAA: null }))).toEqual(['A None', 'AAAA None']);
        expect(await fixture.serial()).toBe(serial);
      });

      it('is written although the wildcard is a CNAME', async () => {
        expect(changeLines(await update('a.wild-alias', { A: '192.0.2.1' }))).toEqual([
          'A None -> 192.0.2.1',
          'AAAA None',
        ]);
        expect(await addressesAt('a.wild-alias')).toEqual(['192.0.2.1']);
      });
    });

    describe('a host with members', () => {
      const site = (host: string, members: readonly string[], block: number) => ({
        zone: zoneOf(publisher),
        ownerName: at(host),
        wanted: wantedOf({ A: `192.0.2.${block}`, AAAA: `2001:db8:${block}::1` }),
        fallbackTtl: 60,
        members: members.map((member, index) => ({
          ownerName: at(member),
          address: { family: 6 as const, text: `2001:db8:${block}::${(index + 16).toString(16)}` },
          ttl: 77,
        })),
      });

      it('moves with 50 of them, in one message and atomically', async () => {
        const members = Array.from({ length: 50 }, (_, index) => `member${index}`);
        await useCase.run(site('site', members, 1));
        const before = await fixture.serial();
        const messages = await messagesOf(async () => {
          const { changed, members: updated } = await useCase.run(site('site', members, 2));
          expect([changed, updated.length, updated[49]?.AAAA.before]).toEqual([true, 50, ['2001:db8:1::41']]);
        });
        if (subject.countsMessages) expect(messages).toBe(1);
        // A server may increment the serial by more than one, but not for each member.
        expect((await fixture.serial()) - before).toBeLessThan(50);
        expect(await addressesAt('site')).toEqual(['192.0.2.2', '2001:db8:2::1']);
        expect(await fixture.query(at('member49').toString(), 'AAAA')).toEqual({ values: ['2001:db8:2::41'], ttl: 77 });
        const serial = await fixture.serial();
        expect((await useCase.run(site('site', members, 2))).changed).toBe(false);
        expect(await fixture.serial()).toBe(serial);
      });

      it('does not move if one of them cannot', async () => {
        const serial = await fixture.serial();
        await expect(useCase.run(site('stuck', ['loose', 'alias'], 3))).rejects.toMatchObject({ code: 'conflict' });
        await expect(useCase.run(site('stuck', ['a.delegated'], 3))).rejects.toMatchObject({ code: 'conflict' });
        expect([await addressesAt('stuck'), await addressesAt('loose')]).toEqual([[], []]);
        expect(await fixture.serial()).toBe(serial);
      });

      it('reads members under a wildcard and after changes by other writers', async () => {
        await useCase.run(site('found', ['x.wild', 'plain'], 4));
        const adds = [{ at: 'plain', ttl: 60, type: 'AAAA' as const, rdata: '2001:db8::99' }];
        await fixture.foreignEdit({ deletes: [{ at: 'plain', type: 'AAAA' }], adds });
        const { members } = await useCase.run(site('found', ['y.wild', 'plain', 'x.wild'], 5));
        expect(members.map(({ AAAA }) => AAAA.before)).toEqual([[], ['2001:db8::99'], ['2001:db8:4::10']]);
        expect(await addressesAt('plain')).toEqual(['2001:db8:5::11']);
      });
    });

    describe('a list of hosts', () => {
      const list = (labels: readonly string[], block: number) =>
        labels.map((label, index) => ({
          zone: zoneOf(publisher),
          ownerName: at(label),
          wanted: wantedOf({ A: `192.0.2.${block},198.51.100.${index}`, AAAA: `2001:db8:${block}::${index + 1}` }),
        }));
      const outcomes = (settled: readonly PromiseSettledResult<AddressUpdate>[]) =>
        settled.map((one) => (one.status === 'fulfilled' ? one.value.changed : one.reason.code));

      it('of 20 with several addresses is one change: one message and one step of the serial', async () => {
        const labels = Array.from({ length: 20 }, (_, index) => `list${index}`);
        await useCase.runAll(list(labels, 1));
        const before = await fixture.serial();
        const messages = await messagesOf(async () => {
          const settled = await useCase.runAll(list(labels, 2));
          expect(outcomes(settled)).toEqual(labels.map(() => true));
        });
        if (subject.countsMessages) expect(messages).toBe(1);
        expect((await fixture.serial()) - before).toBeLessThan(20);
        expect(await addressesAt('list19')).toEqual(['192.0.2.2', '198.51.100.19', '2001:db8:2::20']);
        const serial = await fixture.serial();
        expect(outcomes(await useCase.runAll(list(labels, 2)))).toEqual(labels.map(() => false));
        expect(await fixture.serial()).toBe(serial);
      });

      it('changes the others if the zone refuses one', async () => {
        const settled = await useCase.runAll(list(['first', 'alias', 'a.delegated', 'last'], 3));
        expect(outcomes(settled)).toEqual([true, 'conflict', 'conflict', true]);
        expect(await addressesAt('first')).toEqual(['192.0.2.3', '198.51.100.0', '2001:db8:3::1']);
        expect(await addressesAt('last')).toEqual(['192.0.2.3', '198.51.100.3', '2001:db8:3::4']);
      });
    });

    describe('many at once', () => {
      it('64 updates of one name leave one record, and each old value is the previous one', async () => {
        const wanted = Array.from({ length: 64 }, (_, index) => `192.0.2.${index + 1}`);
        await update('contended', { A: '192.0.2.200' });
        const updates = await Promise.all(wanted.map((A) => update('contended', { A })));
        const next = new Map(updates.map(({ A }) => [A.before.join(), A.after.join()]));
        expect(next.size).toBe(64);
        let value = '192.0.2.200';
        for (let step = 0; step < 64; step++) value = next.get(value) ?? 'no such step';
        expect(await addressesAt('contended')).toEqual([value]);
        expect(updates.map(({ A }) => A.after.join()).sort()).toEqual([...wanted].sort());
      }, 30_000);

      it('two servers that change one name leave one record, and the old values form one chain', async () => {
        const other = fixture.publisher();
        const secondUseCase = new AddressUpdates({ timeoutMs: 20_000, maxWaiting: 100 });
        try {
          const both = await Promise.allSettled(
            Array.from({ length: 12 }, (_, index) => {
              const A = `198.51.100.${index + 1}`;
              if (index % 2 === 0) return update('two-servers', { A });
              const request = {
                zone: zoneOf(other),
                ownerName: at('two-servers'),
                wanted: wantedOf({ A }),
                fallbackTtl: 60,
              };
              return secondUseCase.run(request);
            }),
          );
          const done = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
          for (const result of both) {
            expect(result).toMatchObject({ status: 'fulfilled' });
          }
          const next = new Map(done.map(({ A }) => [A.before.join(), A.after.join()]));
          expect(next.size).toBe(done.length);
          let value = '';
          for (let step = 0; step < done.length; step++) value = next.get(value) ?? 'no such step';
          expect(await addressesAt('two-servers')).toEqual([value]);
        } finally {
          other.close();
        }
      }, 30_000);

      it('300 names share messages, and all are published', async () => {
        const names = Array.from({ length: 300 }, (_, index) => `n${index}.shared`);
        const messages = await messagesOf(() =>
          Promise.all(names.map((name, index) => update(name, { A: `192.0.2.${(index % 200) + 1}` }))),
        );
        const watcher = fixture.watcher();
        try {
          for (const [index, name] of names.entries()) {
            expect(await watcher.ask(at(name))).toEqual([`192.0.2.${(index % 200) + 1}`]);
          }
        } finally {
          watcher.close();
        }
        if (subject.countsMessages) expect(messages).toBeLessThan(60);
      }, 30_000);

      it('a name with a conflict fails without those that share its message', async () => {
        const names = Array.from({ length: 40 }, (_, index) => `n${index}.neighbours`);
        // Other tests have edited the zone, which is then read first; until it is believed again.
        for (let round = 0; round < 5; round++) {
          await Promise.all(names.map((name) => update(name, { A: '192.0.2.1' })));
        }
        await fixture.foreignEdit({
          deletes: ['n7.neighbours', 'n9.neighbours'].map((name) => ({ at: name, type: 'A' })),
          adds: [
            { at: 'n7.neighbours', ttl: 60, type: 'CNAME', rdata: 'www.example.net.' },
            { at: 'n9.neighbours', ttl: 60, type: 'A', rdata: '192.0.2.99' },
          ],
        });
        batches = [];
        const results = await Promise.allSettled(names.map((name) => update(name, { A: '192.0.2.2' })));
        if (subject.countsMessages) expect(Math.max(...batches.map(({ changes }) => changes))).toBe(40);
        for (const [index, result] of results.entries()) {
          if (index === 7) {
            expect(result).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } });
            expect(await addressesAt(names[index]!)).not.toContain('192.0.2.2');
          } else {
            const line = index === 9 ? 'A 192.0.2.99 -> 192.0.2.2' : 'A 192.0.2.1 -> 192.0.2.2';
            expect(result).toMatchObject({ status: 'fulfilled' });
            if (result.status === 'fulfilled') expect(changeLines(result.value)[0]).toBe(line);
          }
        }
      }, 30_000);

      it('names that others have changed meanwhile are settled in three messages, however many there are', async () => {
        const names = Array.from({ length: 40 }, (_, index) => `n${index}.meanwhile`);
        for (let round = 0; round < 10; round++)
          await Promise.all(names.map((name) => update(name, { A: '192.0.2.1' })));
        let before = '192.0.2.1';
        for (const stale of [1, 12, 40]) {
          const theirs = `198.51.100.${stale}`;
          const edited = names.slice(0, stale);
          await fixture.foreignEdit({
            deletes: edited.map((at) => ({ at, type: 'A' })),
            adds: edited.map((at) => ({ at, ttl: 60, type: 'A', rdata: theirs })),
          });
          const after = `192.0.2.${100 + stale}`;
          batches = [];
          const results = await Promise.all(names.map((name) => update(name, { A: after })));
          expect(results.map((result) => changeLines(result)[0])).toEqual(
            names.map((_, index) => `A ${index < stale ? theirs : before} -> ${after}`),
          );
          before = after;
          if (stale === 1 && subject.countsMessages) expect(batches.map(({ changes }) => changes)).toEqual([40, 40]);
          if (subject.countsMessages)
            expect(batches.filter(({ outcome }) => outcome === 'stale').length).toBeLessThan(2);
          // Believed again, so that the next ones are sent without reading.
          for (let round = 0; round < 10; round++) await Promise.all(names.map((name) => update(name, { A: after })));
        }
      }, 60_000);

      it('new names below a wildcard share messages, and its answers are not taken for theirs', async () => {
        const names = Array.from({ length: 30 }, (_, index) => `n${index}.wild`);
        batches = [];
        const results = await Promise.all(names.map((name) => update(name, { A: '192.0.2.77' })));
        expect(results.every((result) => changeLines(result)[0] === 'A None -> 192.0.2.77')).toBe(true);
        if (subject.countsMessages) expect(batches.length).toBeLessThan(names.length / 2);
      }, 60_000);

      it('changes that together exceed 64 KiB are sent in several messages', async () => {
        const label = (index: number, letter: string) => String(index).padStart(50, letter);
        const names = Array.from({ length: 100 }, (_, i) => ['w', 'x', 'y', 'z'].map((l) => label(i, l)).join('.'));
        const changes = names.map((name) => plan(name, { A: '192.0.2.1' }, NOTHING));
        const messages = await messagesOf(async () => {
          const outcomes = await Promise.all(changes.map((change) => publisher.publish(change, inMs(20_000))));
          expect(new Set(outcomes)).toEqual(new Set(['published']));
        });
        if (subject.countsMessages) {
          expect(batches.map(({ outcome }) => outcome)).toContain('too-large');
          expect(messages).toBeLessThan(30);
        }
        for (const name of [names[0]!, names[99]!]) expect(await addressesAt(name)).toEqual(['192.0.2.1']);
      }, 30_000);
    });

    it('a reader sees exactly one address through 2,000 replacements: never none, never two', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `n${index}.steady`);
      const value = (index: number, round: number) => `198.51.${round}.${index + 1}`;
      await Promise.all(names.map((name, index) => update(name, { A: value(index, 0) })));
      const watcher = fixture.watcher();
      const wrong: string[] = [];
      const seen = new Set<string>();
      let queries = 0;
      let done = false;
      const read = async (first: number) => {
        for (let step = first; !done; step++) {
          const index = step % names.length;
          const answer = await watcher.ask(at(names[index]!));
          queries += 1;
          if (answer.length !== 1 || !answer[0]!.endsWith(`.${index + 1}`)) wrong.push(`${names[index]}: ${answer}`);
          else seen.add(answer[0]!);
        }
      };
      const readers = [read(0), read(5), read(10), read(15)];
      try {
        for (let round = 1; round <= 100; round++) {
          await Promise.all(names.map((name, index) => update(name, { A: value(index, round) })));
        }
      } finally {
        done = true;
        await Promise.all(readers);
        watcher.close();
      }
      expect(wrong).toEqual([]);
      expect(queries).toBeGreaterThan(200);
      // The reader was active during the replacements.
      expect(seen.size).toBeGreaterThan(50);
    }, 60_000);

    it('a change whose deadline has passed is not sent', async () => {
      const serial = await fixture.serial();
      const change = plan('late', { A: '192.0.2.1' }, NOTHING);
      await expect(publisher.publish(change, performance.now() - 1)).rejects.toMatchObject({
        code: 'primary-unreachable',
      });
      expect(await fixture.serial()).toBe(serial);
    });

    it('a closed publisher fails later calls, and does not hang', async () => {
      const closed = fixture.publisher();
      closed.close();
      const change = plan('closed', { A: '192.0.2.1' }, NOTHING);
      await expect(closed.publish(change, inMs(5000))).rejects.toMatchObject({ code: 'primary-unreachable' });
      await expect(closed.read(at('closed'), inMs(5000))).rejects.toMatchObject({ code: 'primary-unreachable' });
      expect(await addressesAt('closed')).toEqual([]);
    });
  });
}

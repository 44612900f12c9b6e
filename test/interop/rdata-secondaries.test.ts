/**
 * RDATA and real secondaries: BIND, Knot and NSD transfer whatever this server accepts, of every type, and hold the same
 * records; and a record that stopped them is gone for them after it was removed here, although the journal still has it.
 *
 * RDATA_SEED=n tries other octets, RDATA_COUNT=n more of them.
 */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { rdataKey } from '../../src/dns/rdata-canonical.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { encodeMessage, formatRcode, makeMessage, Opcode } from '../../src/dns/wire/message.ts';
import { findRdataFault, MAX_RDATA_OCTETS } from '../../src/dns/wire/rdata-check.ts';
import { Committer } from '../../src/nameserver/journal/committer.ts';
import { Journal } from '../../src/nameserver/journal/journal.ts';
import type { ZoneRRset } from '../../src/nameserver/zone/zone-node.ts';
import { rdataText } from '../../src/nameserver/zone/zone-version.ts';
import { seededRandom } from '../differential/random.ts';
import { DnsLine } from '../support/dns-line.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { RDATA_SAMPLES, type RdataSample, randomRdata } from '../support/rdata-samples.ts';
import { describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, type SecondaryServer, startSecondary } from '../support/secondary.ts';
import { hex } from '../support/wire-vectors.ts';

const ZONE = 'data.example.com';
const SECRET = Buffer.alloc(64, 'not a secret');
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: SECRET.toString('base64') };
const apex = DomainName.parse(ZONE);
const tsig = makeTsigKey(apex, 'hmac-sha512', SECRET);
const SEED = Number(process.env.RDATA_SEED ?? 3597);
const COUNT = Number(process.env.RDATA_COUNT ?? 3000);
/** Records of one message. */
const STEP = 100;
const TYPES_AT_ONCE = 10;
/** SOA is of the apex alone; a signer makes the others: SIG, NXT, RRSIG, NSEC, NSEC3. */
const NOT_ADDED: readonly number[] = [RRType.SOA, 24, 30, RRType.RRSIG, RRType.NSEC, RRType.NSEC3];

function record(ownerName: DomainName, { type, octets }: RdataSample, rrClass: number = RRClass.IN): ResourceRecord {
  const ttl = rrClass === RRClass.IN ? 60 : 0;
  return { ownerName, type, class: rrClass, ttl, rdata: { kind: 'unknown', octets } };
}

function updateOf(authority: readonly ResourceRecord[]): Uint8Array {
  const questions = [{ qname: apex, qtype: RRType.SOA, qclass: RRClass.IN }];
  return encodeMessage(makeMessage({ id: 1, opcode: Opcode.UPDATE, questions, authority }));
}

/** Writes RRsets past all checks, as a version without them did: each in a commit of its own. */
async function writeUnchecked(database: string, rrsets: readonly (readonly [DomainName, ZoneRRset])[]): Promise<void> {
  const journal = await Journal.open(database, {
    now: Date.now,
    onFault: (error) => {
      throw error;
    },
  });
  const [zone] = await journal.load([apex]);
  const committer = new Committer({ log: journal });
  for (const [ownerName, rrset] of rrsets) await committer.change(zone!, (draft) => draft.setRRset(ownerName, rrset));
  await journal.close();
}

/** Malformed RDATA of types that versions before took without a check, in hexadecimal. */
const MALFORMED: readonly (readonly [type: number, octets: string])[] = [
  [29, '000102'], // LOC
  [13, '03414243'], // HINFO without the second string
  [62, '0000004200'], // CSYNC
  [37, '0001'], // CERT
  [256, '000a'], // URI
  [44, '0201aabb'], // SSHFP
  [43, 'ec4505012bb1'], // DS
  [65, '000100000000020003'], // HTTPS with mandatory=port and no port
  [108, '00005e'], // EUI48
];

describeWith(SECONDARY_PROGRAMS, 'RDATA and secondaries', () => {
  const servers: (EmbeddedServer | SecondaryServer)[] = [];
  const lines: DnsLine[] = [];
  afterEach(async () => {
    for (const line of lines.splice(0)) line.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  const lineTo = (server: EmbeddedServer | SecondaryServer): DnsLine => {
    const line = new DnsLine(server, tsig);
    lines.push(line);
    return line;
  };

  async function startAll(database: string, port?: number) {
    const ports = await Promise.all(SECONDARY_KINDS.map(() => freePort()));
    const secondaries = ports.map((each) => ({ address: `127.0.0.1:${each}`, key: KEY.name }));
    const options = { zone: ZONE, keys: [KEY], secondaries, dns: { database }, ...(port !== undefined && { port }) };
    const primary = await startEmbedded(options);
    servers.push(primary);
    const followers = await Promise.all(
      SECONDARY_KINDS.map((kind, i) => startSecondary(kind, { zone: ZONE, key: KEY, primary, port: ports[i]! })),
    );
    servers.push(...followers);
    return { primary, followers, options: { ...options, port: primary.port } };
  }

  async function serialOf(line: DnsLine): Promise<number> {
    const questions = [{ qname: apex, qtype: RRType.SOA, qclass: RRClass.IN }];
    const { answers } = await line.ask(encodeMessage(makeMessage({ id: 2, questions })));
    const rdata = answers[0]?.rdata;
    return rdata?.kind === 'SOA' ? rdata.serial : -1;
  }

  /** The keys of an RRset's members; NS are in a referral. */
  async function keysAt(line: DnsLine, ownerName: DomainName, type: number): Promise<string[]> {
    const questions = [{ qname: ownerName, qtype: type, qclass: RRClass.IN }];
    const { answers, authority } = await line.ask(encodeMessage(makeMessage({ id: 3, questions })));
    const rrset = [...answers, ...authority].filter((each) => each.type === type && each.ownerName.equals(ownerName));
    return rrset.map(({ rdata }) => rdataKey(type, rdataText(rdata)));
  }

  async function followed(followers: readonly SecondaryServer[], serial: number, what: string): Promise<void> {
    for (const follower of followers) {
      await waitUntil(`${follower.kind} to follow: ${what}`, async () => (await follower.serial()) === serial).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${follower.log().split('\n').slice(-12).join('\n')}`);
        },
      );
    }
  }

  it(`transfer all that is accepted: ${COUNT} records, seed ${SEED}`, async () => {
    const directory = freshDirectory('rdata-primary');
    const { primary, followers } = await startAll(join(directory, 'zones.db'));
    const line = lineTo(primary);
    const random = seededRandom(SEED);
    const byType = new Map<number, RdataSample[]>();
    const accept = (sample: RdataSample): void => {
      if (NOT_ADDED.includes(sample.type) || findRdataFault(sample.type, sample.octets) !== undefined) return;
      const samples = byType.get(sample.type);
      if (samples === undefined) byType.set(sample.type, [sample]);
      else samples.push(sample);
    };
    for (const sample of RDATA_SAMPLES) {
      expect(findRdataFault(sample.type, sample.octets), sample.text).toBeUndefined();
      accept(sample);
    }
    // Any octets are an address, but not all are permitted by the rules of zones.
    const samples = RDATA_SAMPLES.filter(({ type }) => type !== RRType.A && type !== RRType.AAAA);
    for (let i = 0; i < COUNT; i++) accept(randomRdata(random, random.pick(samples)));

    const held: ResourceRecord[] = [];
    let types: string[] = [];
    for (const [at, [type, samples]] of [...byType].entries()) {
      const records = samples.map((sample, i) => record(DomainName.parse(`r${i}.t${type}`, apex), sample));
      for (let from = 0; from < records.length; from += STEP) {
        const { rcode } = await line.ask(updateOf(records.slice(from, from + STEP)));
        expect(formatRcode(rcode), formatRRType(type)).toBe('NOERROR');
      }
      held.push(...records);
      types.push(formatRRType(type));
      // A few types at a time, so that a failure says which of them.
      if (types.length < TYPES_AT_ONCE && at + 1 < byType.size) continue;
      await followed(followers, await serialOf(line), types.join(', '));
      types = [];
    }
    // The longest record that is accepted fits into a message of every server.
    const longest = record(apex.prepend('longest'), { type: 65_280, octets: new Uint8Array(MAX_RDATA_OCTETS) });
    expect(formatRcode((await line.ask(updateOf([longest]))).rcode)).toBe('NOERROR');
    await followed(followers, await serialOf(line), 'the longest record');
    held.push(longest);
    for (const follower of followers) {
      const reader = lineTo(follower);
      for (const { ownerName, type, rdata } of held) {
        const what = `${follower.kind}: ${ownerName} ${formatRRType(type)}`;
        expect(await keysAt(reader, ownerName, type), what).toEqual([rdataKey(type, rdataText(rdata))]);
      }
    }
    console.log(
      `${held.length} records of ${byType.size} types are held by ${followers.map(({ kind }) => kind).join(', ')}`,
    );
    removeNow(directory);
  }, 300_000);

  /** Starts all with a good record, stops the primary, has old data written, and starts it again. */
  async function withOldData(database: string, rrsets: readonly (readonly [DomainName, ZoneRRset])[]) {
    const { primary, followers, options } = await startAll(database);
    await primary.stop();
    servers.splice(servers.indexOf(primary), 1);
    await writeUnchecked(database, rrsets);
    const restarted = await startEmbedded(options);
    servers.push(restarted);
    return { line: lineTo(restarted), followers };
  }

  it('secondaries that a malformed record stopped follow again when it is removed', async () => {
    const directory = freshDirectory('rdata-malformed');
    const bad = MALFORMED.map(([type, hexadecimal], i) => {
      return { ownerName: apex.prepend(`bad${i}`), sample: { type, octets: hex(hexadecimal) } };
    });
    const rrsets = bad.map(({ ownerName, sample: { type, octets } }) => {
      return [ownerName, { type, ttl: 60, rdatas: [Buffer.from(octets).toString('latin1')] }] as const;
    });
    const { line, followers } = await withOldData(join(directory, 'zones.db'), rrsets);
    const stopped = await serialOf(line);
    await waitUntil('a secondary to refuse the zone', async () => {
      return followers.some(({ log }) => /failed while receiving|unable to parse|malformed|bad packet/i.test(log()));
    });
    for (const { ownerName, sample } of bad) {
      expect(findRdataFault(sample.type, sample.octets), formatRRType(sample.type)).toBeDefined();
      // As RDATA that is to be deleted, the octets are accepted.
      const { rcode } = await line.ask(updateOf([record(ownerName, sample, RRClass.NONE)]));
      expect(formatRcode(rcode), formatRRType(sample.type)).toBe('NOERROR');
      const again = await line.ask(updateOf([record(ownerName, sample)]));
      expect(formatRcode(again.rcode), formatRRType(sample.type)).toBe('FORMERR');
    }
    const healed = await serialOf(line);
    expect(healed).toBe(stopped + bad.length);
    // BIND forgets a NOTIFY that arrives right after a failed transfer: it follows with the next change.
    let nextChange = performance.now() + 2000;
    const change = async (): Promise<void> => {
      nextChange = performance.now() + 2000;
      const octets = Uint8Array.from(
        Buffer.from(`\x01${String.fromCharCode(97 + ((await serialOf(line)) % 26))}`, 'latin1'),
      );
      await line.ask(updateOf([record(apex.prepend('later'), { type: RRType.TXT, octets })]));
    };
    for (const follower of followers) {
      await waitUntil(`${follower.kind} to follow after the removal`, async () => {
        if ((await follower.serial()) === (await serialOf(line))) return true;
        if (performance.now() > nextChange) await change();
        return false;
      });
    }
    removeNow(directory);
  }, 120_000);

  it('RFC 4034 §6.2: two records that differ in the case of a name become one everywhere, and go away together', async () => {
    const directory = freshDirectory('rdata-case');
    const ownerName = apex.prepend('twice');
    const rp = (text: string): string => DomainName.parse(text).wireText + DomainName.root.wireText;
    const rrset = (...rdatas: string[]): readonly [DomainName, ZoneRRset] => [ownerName, { type: 17, ttl: 60, rdatas }];
    const [upper, lower] = [rp('Foo'), rp('foo')];
    const database = join(directory, 'zones.db');
    // The last commit removes at a secondary the only record that it has.
    const { line, followers } = await withOldData(database, [rrset(upper), rrset(upper, lower), rrset(upper)]);
    const readers = followers.map(lineTo);
    const update = async (octets: string, rrClass: number): Promise<number> => {
      const sample = { type: 17, octets: Uint8Array.from(Buffer.from(octets, 'latin1')) };
      expect(formatRcode((await line.ask(updateOf([record(ownerName, sample, rrClass)]))).rcode)).toBe('NOERROR');
      return serialOf(line);
    };
    const before = await serialOf(line);
    await followed(followers, before, 'the old commits');
    for (const reader of readers) expect(await keysAt(reader, ownerName, 17)).toEqual([lower]);

    expect(await update(rp('FOO'), RRClass.IN)).toBe(before);
    const after = await update(rp('fOO'), RRClass.NONE);
    expect(after).toBe(before + 1);
    await followed(followers, after, 'the removal');
    for (const reader of readers) expect(await keysAt(reader, ownerName, 17)).toEqual([]);
    removeNow(directory);
  }, 120_000);

  it('a database with two such records is opened with one, in a serial of its own', async () => {
    const directory = freshDirectory('rdata-merged');
    const ownerName = apex.prepend('twice');
    const rp = (text: string): string => DomainName.parse(text).wireText + DomainName.root.wireText;
    const members = [rp('Foo'), rp('bar'), rp('foo')];
    const rrset = { type: 17, ttl: 60, rdatas: members };
    const { line, followers } = await withOldData(join(directory, 'zones.db'), [[ownerName, rrset]]);
    const expected = [rp('bar'), rp('foo')];
    expect((await keysAt(line, ownerName, 17)).sort()).toEqual(expected);
    await followed(followers, await serialOf(line), 'the merged records');
    for (const reader of followers.map(lineTo)) expect((await keysAt(reader, ownerName, 17)).sort()).toEqual(expected);
    removeNow(directory);
  }, 120_000);
});

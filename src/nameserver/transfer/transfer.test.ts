/** Transfers as streams of octets: read back by the decoder, checked record by record and signature by signature. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commit, makeZone, setAddresses } from '../../../test/support/published-zone.ts';
import { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../../dns/rdata.ts';
import { ClientTransaction, checkRequest } from '../../dns/tsig.ts';
import { makeTsigKey } from '../../dns/tsig-key.ts';
import { ednsRecord, findEdns } from '../../dns/wire/edns.ts';
import { type DecodedMessage, decodeMessage, encodeMessage, makeMessage } from '../../dns/wire/message.ts';
import { WireOverflow } from '../../dns/wire/writer.ts';
import type { EmbeddedZone } from '../zone/embedded-zone.ts';
import type { ZoneRecord } from '../zone/zone-node.ts';
import { rdataText, soaSerial, type ZoneVersion } from '../zone/zone-version.ts';
import { type FindDiffs, type SentTransfer, type TransferRequest, transfer, transferDatagram } from './transfer.ts';

const nothingFound: FindDiffs = async () => undefined;
const unsigned = (octets: Uint8Array) => octets;

function request(zone: EmbeddedZone, serial?: number, more: Partial<TransferRequest> = {}): TransferRequest {
  const qtype = serial === undefined ? RRType.AXFR : RRType.IXFR;
  const message = makeMessage({ id: 4711, questions: [{ qname: zone.apex, qtype, qclass: RRClass.IN }] });
  return { message, query: serial === undefined ? { kind: 'axfr' } : { kind: 'ixfr', serial }, ...more };
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const octets of stream) messages.push(octets);
  return messages;
}

/** The answer records of all messages, in the form of the zone. */
function recordsOf(messages: readonly Uint8Array[]): ZoneRecord[] {
  return messages
    .flatMap((octets): readonly ResourceRecord[] => decodeMessage(octets).answers)
    .map(({ ownerName, type, ttl, rdata }) => ({
      wireText: ownerName.wireText,
      type,
      ttl,
      rdata: rdata.kind === 'empty' ? '' : rdataText(rdata),
    }));
}

async function records(zone: EmbeddedZone, serial?: number, findDiffs = nothingFound): Promise<ZoneRecord[]> {
  return recordsOf(await collect(transfer(request(zone, serial), zone, findDiffs, unsigned)));
}

const text = ({ wireText, type, ttl, rdata }: ZoneRecord) => JSON.stringify([wireText.toLowerCase(), type, ttl, rdata]);
const contentOf = (version: ZoneVersion) => [...version.records()].map(text).sort();
const serialOf = (record: ZoneRecord | undefined) =>
  record?.type === RRType.SOA ? soaSerial(record.rdata) : undefined;

/** A zone with `count` hosts, added in one commit. */
function zoneOfHosts(count: number): EmbeddedZone {
  const zone = makeZone('example.com', 41);
  commit(zone, (draft) => {
    for (let i = 0; i < count; i++) {
      const rdatas = [rdataText({ kind: 'A', address: `192.0.${i >> 8}.${i & 255}` })];
      draft.setRRset(DomainName.parse(`host${i}`, zone.apex), { type: RRType.A, ttl: 60, rdatas });
    }
  });
  return zone;
}

/** Applies the diffs of an IXFR, like a secondary (RFC 1995 §4). */
function applyIxfr(before: readonly string[], stream: readonly ZoneRecord[]): string[] {
  const content = new Set(before);
  const last = stream.length - 1;
  expect(text(stream[0]!)).toBe(text(stream[last]!));
  let deleting = false;
  for (const record of stream.slice(1, last)) {
    if (record.type === RRType.SOA) deleting = !deleting;
    if (deleting) expect(content.delete(text(record))).toBe(true);
    else {
      expect(content.has(text(record))).toBe(false);
      content.add(text(record));
    }
  }
  return [...content].sort();
}

describe('AXFR', () => {
  it('RFC 5936 §2.2: the SOA is the first and the last record, and each other record is sent once in between', async () => {
    const zone = makeZone('example.com', 7);
    setAddresses(zone, 'home', ['192.0.2.1', '192.0.2.2']);
    setAddresses(zone, 'a.b.c', ['192.0.2.3']);
    const stream = await records(zone);
    expect(serialOf(stream[0])).toBe(9);
    expect(text(stream.at(-1)!)).toBe(text(stream[0]!));
    expect(stream.slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
    expect(stream).toHaveLength(6);
  });

  it("RFC 5936 §2.2.1: AA is set, the id is the request's, RD is copied, and only the first message has the question", async () => {
    const zone = zoneOfHosts(2000);
    const axfr = request(zone);
    const stream = transfer(
      { ...axfr, message: { ...axfr.message, recursionDesired: true } },
      zone,
      nothingFound,
      unsigned,
    );
    const messages = (await collect(stream)).map((octets) => decodeMessage(octets));
    expect(messages.length).toBeGreaterThan(2);
    for (const [index, message] of messages.entries()) {
      expect(message).toMatchObject({ id: 4711, response: true, authoritative: true, rcode: 0, opcode: 0 });
      expect(message).toMatchObject({ truncated: false, recursionDesired: true, recursionAvailable: false });
      expect(message.questions.map(({ qtype }) => qtype)).toEqual(index === 0 ? [RRType.AXFR] : []);
    }
  });

  it('fills messages up to 16 KiB, with owner names that end in a pointer', async () => {
    const zone = zoneOfHosts(5000);
    const messages = await collect(transfer(request(zone), zone, nothingFound, unsigned));
    for (const octets of messages) expect(octets.length).toBeLessThanOrEqual(16_384);
    for (const octets of messages.slice(0, -1)) expect(octets.length).toBeGreaterThan(16_300);
    const total = messages.reduce((sum, { length }) => sum + length, 0);
    // host1234: nine octets and a pointer, then fourteen.
    expect(total).toBeLessThan(5000 * 25 + messages.length * 64);
    expect(recordsOf(messages).slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
  });

  it('RFC 5936 §3.4: the letter case of names is preserved, whatever the case of the question and of other names', async () => {
    const zone = makeZone('Example.COM', 1);
    setAddresses(zone, 'Home.Example.COM.', ['192.0.2.1']);
    setAddresses(zone, 'other.example.com.', ['192.0.2.2']);
    const axfr = request(zone);
    const qname = DomainName.parse('eXAMPLE.com');
    const message = { ...axfr.message, questions: [{ ...axfr.message.questions[0]!, qname }] };
    const messages = await collect(transfer({ ...axfr, message }, zone, nothingFound, unsigned));
    const owners = decodeMessage(messages[0]!).answers.map(({ ownerName }) => ownerName.toString());
    expect([...new Set(owners)].sort()).toEqual(['Example.COM.', 'Home.Example.COM.', 'other.example.com.']);
    expect(decodeMessage(messages[0]!).questions[0]!.qname.toString()).toBe('eXAMPLE.com.');
  });

  it('RFC 6891 §6.1.1: an OPT record goes into the first message only', async () => {
    const zone = zoneOfHosts(2000);
    const opt = ednsRecord({ udpPayloadSize: 1232, options: [{ code: 10, octets: Buffer.alloc(24) }] });
    const messages = await collect(transfer(request(zone, undefined, { opt }), zone, nothingFound, unsigned));
    const edns = messages.map((octets) => findEdns(decodeMessage(octets)));
    expect(edns[0]).toMatchObject({ udpPayloadSize: 1232, options: [{ code: 10 }] });
    expect(edns.slice(1).every((each) => each === undefined)).toBe(true);
    expect(messages[0]!.length).toBeLessThanOrEqual(16_384);
  });

  it('sends a record that is longer than a usual message in a separate message, and no empty messages', async () => {
    const zone = makeZone('example.com', 1);
    const long = (size: number) => Array.from({ length: size / 256 }, () => `\xff${'x'.repeat(255)}`).join('');
    commit(zone, (draft) => {
      draft.setRRset(DomainName.parse('a', zone.apex), {
        type: RRType.TXT,
        ttl: 1,
        rdatas: [long(40_960), long(65_280)],
      });
    });
    const messages = await collect(transfer(request(zone), zone, nothingFound, unsigned));
    expect(messages.every((octets) => decodeMessage(octets).answers.length > 0)).toBe(true);
    expect(recordsOf(messages).slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
  });

  it('fails for a record that does not fit into any message', async () => {
    const zone = makeZone('example.com', 1);
    const rdatas = ['x'.repeat(65_535)];
    commit(zone, (draft) => draft.setRRset(DomainName.parse('a', zone.apex), { type: 65_280, ttl: 1, rdatas }));
    await expect(collect(transfer(request(zone), zone, nothingFound, unsigned))).rejects.toThrow(WireOverflow);
  });

  it('sends the version it started with, while the zone changes between its messages', async () => {
    const zone = zoneOfHosts(3000);
    const before = contentOf(zone.published);
    const messages: Uint8Array[] = [];
    for await (const octets of transfer(request(zone), zone, nothingFound, unsigned)) {
      messages.push(octets);
      for (let i = 0; i < 3000; i += 500) setAddresses(zone, `host${i}`, [`198.51.100.${messages.length}`]);
    }
    expect(messages.length).toBeGreaterThan(3);
    expect(recordsOf(messages).slice(0, -1).map(text).sort()).toEqual(before);
  });

  it('yields to the event loop between two messages', async () => {
    const zone = zoneOfHosts(4000);
    let turns = 0;
    let running = true;
    const count = () => {
      turns += 1;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    const messages = await collect(transfer(request(zone), zone, nothingFound, unsigned));
    running = false;
    expect(messages.length).toBeGreaterThan(4);
    expect(turns).toBeGreaterThanOrEqual(messages.length - 1);
  });

  it('calls onSent after the last message, and not if the client disconnects before', async () => {
    const zone = zoneOfHosts(2000);
    const sent: SentTransfer[] = [];
    const onSent = (each: SentTransfer) => void sent.push(each);
    for await (const _octets of transfer(request(zone, undefined, { onSent }), zone, nothingFound, unsigned)) break;
    expect(sent).toEqual([]);
    const messages = await collect(transfer(request(zone, undefined, { onSent }), zone, nothingFound, unsigned));
    const octets = messages.reduce((sum, { length }) => sum + length, 0);
    expect(sent).toEqual([{ form: 'axfr', serial: 42, messages: messages.length, octets }]);
  });
});

describe('IXFR', () => {
  it("RFC 1995 §4: the differences from the client's version, each between its two SOAs", async () => {
    const zone = makeZone('example.com', 1);
    setAddresses(zone, 'home', ['192.0.2.1']);
    setAddresses(zone, 'home', ['192.0.2.2']);
    setAddresses(zone, 'home', []);
    const stream = await records(zone, 2);
    expect(stream.map((record) => serialOf(record) ?? [...record.rdata].map((c) => c.charCodeAt(0)).join('.'))).toEqual(
      [4, 2, '192.0.2.1', 3, '192.0.2.2', 3, '192.0.2.2', 4, 4],
    );
  });

  it.each([
    ['the same', 3],
    ['a newer', 4],
    ['a much newer', 2 ** 31 + 2],
  ])('RFC 1995 §2: %s version gets the SOA alone', async (_title, serial) => {
    const zone = makeZone('example.com', 1);
    setAddresses(zone, 'home', ['192.0.2.1']);
    setAddresses(zone, 'home', ['192.0.2.2']);
    const stream = await records(zone, serial);
    expect(stream.map(serialOf)).toEqual([3]);
  });

  it('RFC 1982 §3.2: across the wrap of the serial', async () => {
    const zone = makeZone('example.com', 2 ** 32 - 1);
    setAddresses(zone, 'home', ['192.0.2.1']);
    setAddresses(zone, 'home', ['192.0.2.2']);
    const stream = await records(zone, 2 ** 32 - 1);
    expect(stream.map(serialOf).filter((serial) => serial !== undefined)).toEqual([1, 2 ** 32 - 1, 0, 0, 1, 1]);
  });

  it('reads from the journal what is no longer in memory, and omits what is newer than the version it sends', async () => {
    const zone = makeZone('example.com', 1);
    const all = Array.from({ length: 1000 }, (_, i) => setAddresses(zone, 'home', [`192.0.${i >> 8}.${i & 255}`]));
    const version = zone.published;
    expect(zone.recent[0]!.serialBefore).toBeGreaterThan(400);
    const calls: unknown[] = [];
    const journal: FindDiffs = async (of, serial, maxRecords) => {
      calls.push([of === zone, serial, maxRecords]);
      setAddresses(zone, 'later', ['192.0.2.1']);
      return [...all.slice(900), zone.recent.at(-1)!];
    };
    const young = await records(zone, 950, journal);
    expect(calls).toEqual([]);
    expect(young.filter(({ type }) => type === RRType.SOA)).toHaveLength(51 * 2 + 2);
    // As after a restart: nothing in memory.
    const { recent } = zone;
    (recent as unknown[]).length = 0;
    const old = await records(zone, 950, journal);
    expect(calls).toEqual([[true, 950, 256]]);
    expect(serialOf(old[0])).toBe(version.serial);
    expect(serialOf(old[1])).toBe(950);
    expect(old.map(text)).toEqual(young.map(text));
  });

  it.each<[string, (all: ReturnType<typeof setAddresses>[]) => ReturnType<typeof setAddresses>[] | undefined]>([
    ['has nothing', () => undefined],
    ['has no differences', () => []],
    ['does not reach back', (all) => all.slice(4)],
    ['has a gap', (all) => [...all.slice(0, 5), ...all.slice(6)]],
    ['ends too early', (all) => all.slice(0, 8)],
  ])('RFC 1995 §4: the whole zone when the journal %s', async (_title, found) => {
    const zone = makeZone('example.com', 1);
    const all = Array.from({ length: 10 }, (_, i) => setAddresses(zone, 'home', [`192.0.2.${i}`]));
    (zone.recent as unknown[]).length = 0;
    const stream = await records(zone, 3, async () => found(all));
    expect(stream.slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
    expect(serialOf(stream[1])).toBeUndefined();
  });

  it('the whole zone when the differences have more records than the zone has names', async () => {
    const zone = makeZone('example.com', 1);
    for (let i = 0; i < 70; i++) setAddresses(zone, 'home', [`192.0.2.${i}`]);
    expect(serialOf((await records(zone, 10))[1])).toBe(10);
    const whole = await records(zone, 2);
    expect(whole.slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
    const large = zoneOfHosts(400);
    for (let i = 0; i < 70; i++) setAddresses(large, 'home', [`192.0.2.${i}`]);
    expect(serialOf((await records(large, 43))[1])).toBe(43);
  });

  it('applied to the old version gives the new one, for any edits', async () => {
    const owner = fc.constantFrom('home', 'a.home', 'x.y.z', 'HOME', '*', 'ns1');
    const rrset = fc.record({
      owner,
      type: fc.constantFrom(RRType.A, RRType.TXT, 65_280),
      ttl: fc.integer({ min: 0, max: 3 }),
      members: fc.uniqueArray(fc.nat(6), { maxLength: 3 }),
    });
    const commits = fc.array(fc.array(rrset, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 });
    const edits = { commits, start: fc.constantFrom(1, 2 ** 31 - 3, 2 ** 32 - 4), from: fc.nat(11) };
    await fc.assert(
      fc.asyncProperty(fc.record(edits), async ({ commits, start, from }) => {
        const zone = makeZone('example.com', start);
        const versions = [zone.published];
        for (const changes of commits) {
          for (const { owner, type, ttl, members } of changes) {
            const rdatas = members.map((n) =>
              type === RRType.TXT ? `\x01${n}` : type === RRType.A ? `\xc0\x00\x02${String.fromCharCode(n)}` : `${n}`,
            );
            zone.draft.setRRset(DomainName.parse(owner, zone.apex), { type, ttl, rdatas });
          }
          const sealed = zone.seal();
          if (sealed !== undefined) {
            zone.publish(sealed);
            versions.push(zone.published);
          }
        }
        const old = versions[from % versions.length]!;
        const stream = await records(zone, old.serial);
        if (old === zone.published) expect(stream.map(serialOf)).toEqual([old.serial]);
        else expect(applyIxfr(contentOf(old), stream)).toEqual(contentOf(zone.published));
      }),
      { numRuns: 200 },
    );
  });
});

describe('IXFR over UDP', () => {
  const ask = async (zone: EmbeddedZone, serial: number, maxOctets: number, findDiffs = nothingFound) => {
    const opt = ednsRecord({});
    const octets = Buffer.from(await transferDatagram(request(zone, serial, { opt }), zone, findDiffs, maxOctets));
    expect(findEdns(decodeMessage(octets))).toBeDefined();
    return { octets, serials: recordsOf([octets]).map(serialOf) };
  };

  it('RFC 1995 §2: the differences if they fit into the datagram, else the SOA alone', async () => {
    const zone = makeZone('example.com', 1);
    setAddresses(zone, 'home', ['192.0.2.1']);
    const { octets, serials } = await ask(zone, 1, 1232);
    expect(serials).toEqual([2, 1, 2, undefined, 2]);
    expect((await ask(zone, 1, octets.length)).octets).toEqual(octets);
    expect((await ask(zone, 1, octets.length - 1)).serials).toEqual([2]);
    for (let i = 0; i < 40; i++) setAddresses(zone, 'home', [`192.0.2.${i + 2}`]);
    expect((await ask(zone, 1, 1232)).serials).toEqual([42]);
    expect((await ask(zone, 42, 1232)).serials).toEqual([42]);
  });

  it('the SOA alone, without reading the journal, for a source address that may be forged', async () => {
    const zone = makeZone('example.com', 1);
    setAddresses(zone, 'home', ['192.0.2.1']);
    const never: FindDiffs = () => Promise.reject(new Error('asked'));
    expect((await ask(zone, 1, 0, never)).serials).toEqual([2]);
    expect((await ask(zone, 77, 0, never)).serials).toEqual([2]);
    setAddresses(zone, 'home', ['192.0.2.2']);
    (zone.recent as unknown[]).length = 0;
    expect((await ask(zone, 1, 0, never)).serials).toEqual([3]);
  });

  it('the SOA alone if the reply would be the whole zone', async () => {
    const zone = makeZone('example.com', 5);
    expect((await ask(zone, 1, 1232)).serials).toEqual([5]);
  });
});

describe('a signed transfer', () => {
  it.each(['hmac-sha256', 'hmac-sha512', 'hmac-md5'] as const)(
    'RFC 8945 §5.3.1: each message is signed (%s)',
    async (algorithm) => {
      const zone = zoneOfHosts(2500);
      const key = makeTsigKey(DomainName.parse('k1'), algorithm, Buffer.alloc(32, 7));
      const client = new ClientTransaction(key);
      const axfr = request(zone);
      const octets = client.sign(encodeMessage(axfr.message), 1_700_000_000);
      const check = checkRequest(octets, decodeMessage(octets), () => key, 1_700_000_000);
      if (check.kind !== 'verified') throw new Error(check.kind);
      let now = 1_700_000_000;
      const sign = (message: Uint8Array) => check.transaction.sign(message, now++);
      const messages = await collect(transfer(axfr, zone, nothingFound, sign));
      expect(messages.length).toBeGreaterThan(2);
      for (const message of messages) {
        const decoded: DecodedMessage = decodeMessage(message);
        expect(decoded.tsigOffset).toBeDefined();
        client.verifyNext(message, decoded, now);
      }
      expect(client.complete).toBe(true);
      expect(recordsOf(messages).slice(0, -1).map(text).sort()).toEqual(contentOf(zone.published));
    },
  );
});

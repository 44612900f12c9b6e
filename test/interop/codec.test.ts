/**
 * The codec against BIND: named answers our queries and applies our records of every type, dig prints what we encode and
 * decode. RDATA is compared in the form of RFC 3597 §5 (`\# length hexadecimal`), which BIND's own code formats.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { ednsRecord } from '../../src/dns/wire/edns.ts';
import { decodeMessage, encodeMessage, type Message, makeMessage, Opcode, Rcode } from '../../src/dns/wire/message.ts';
import { encodeRdata } from '../../src/dns/wire/rdata-codec.ts';
import { WireError } from '../../src/dns/wire/reader.ts';
import { WireWriter } from '../../src/dns/wire/writer.ts';
import { startBind } from '../support/bind.ts';
import type { ServerAddress } from '../support/dig.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { runOrThrow } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { plainValue } from '../support/wire-vectors.ts';

const ZONE = 'types.example.com';
const EMPTY_ZONE = 'empty.example.com';
const KEY = { name: 'key.example.com', algorithm: 'hmac-sha256', secret: 'bm90IGEgc2VjcmV0' };
const ZONE_TEXT = readFileSync(new URL('../vectors/all-types.zone', import.meta.url), 'utf8');

/** Sends one message over TCP and returns the octets of its reply. */
async function exchange(server: ServerAddress, message: Message | Uint8Array): Promise<Buffer> {
  const socket = connect(server.port, server.host);
  try {
    const octets = message instanceof Uint8Array ? message : encodeMessage(message);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(octets.length);
    socket.write(Buffer.concat([length, octets]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) break;
    }
    return received.subarray(2);
  } finally {
    socket.destroy();
  }
}

const question = (name: string | DomainName, qtype: number): Message =>
  makeMessage({
    id: 4711,
    questions: [{ qname: typeof name === 'string' ? DomainName.parse(name) : name, qtype, qclass: RRClass.IN }],
  });

/** A record as one line: names in the form of dig, RDATA as uncompressed octets. */
function recordLine(rr: ResourceRecord): string {
  const writer = new WireWriter();
  // Beyond offset 16,383 no name is compressed.
  writer.bytes(new Uint8Array(0x4000));
  encodeRdata(writer, rr.rdata);
  const octets = writer.finish().subarray(0x4000);
  return [rr.ownerName, rr.ttl, rr.class, rr.type, octets.length, octets.toString('hex')].join(' ').trim();
}

/** The records of dig +unknownformat, in the same form. */
async function digLines(server: ServerAddress, args: readonly string[]): Promise<string[]> {
  const display = ['+unknownformat', '+noall', '+answer', '+nosplit', '+norecurse', '+tries=1', '+timeout=5'];
  const text = await runOrThrow('dig', ['-r', `@${server.host}`, '-p', String(server.port), ...display, ...args]);
  return text.split('\n').flatMap((line) => {
    const match = /^(\S+)\s+(\d+)\s+CLASS(\d+)\s+TYPE(\d+)\s+\\#\s+(\d+)\s*(.*)$/.exec(line);
    return match === null
      ? []
      : [`${match.slice(1, 6).join(' ')} ${match[6]!.replaceAll(' ', '').toLowerCase()}`.trim()];
  });
}

describeWith(BIND_PROGRAMS, 'the codec and BIND', () => {
  let bind: PrimaryServer;
  let zone: readonly ResourceRecord[];

  beforeAll(async () => {
    bind = await startBind({
      zones: [{ name: ZONE, records: ZONE_TEXT }, { name: EMPTY_ZONE }],
      keys: [KEY],
      configure: (config) =>
        config
          .replaceAll(/allow-transfer \{[^}]*\};/g, 'allow-transfer { any; };')
          // named removes RRSIG records of others from a zone that accepts updates.
          .replace(/allow-update \{[^}]*\};/, 'allow-update { none; };')
          .replace(/allow-update \{ key[^}]*\};/, 'allow-update { 127.0.0.1; };')
          .replaceAll('type primary;', 'type primary; check-names ignore;'),
    });
    const reply = decodeMessage(await exchange(bind, question(ZONE, RRType.AXFR)));
    expect(reply.rcode).toBe(Rcode.NOERROR);
    // The SOA is first and last (RFC 5936 §2.2).
    zone = reply.answers.slice(0, -1);
  }, 30_000);
  afterAll(() => bind?.stop());

  it('a transfer of the zone has every type with a structure, and dig prints the same records from it', async () => {
    const meta: number[] = [RRType.OPT, RRType.TSIG, RRType.IXFR, RRType.AXFR, RRType.ANY];
    const types = new Set(zone.map((rr) => rr.type));
    expect(Object.values(RRType).filter((type) => !types.has(type) && !meta.includes(type))).toEqual([]);
    expect(zone.every((rr) => rr.rdata.kind !== 'unknown' || [13, 65_280].includes(rr.type))).toBe(true);
    const printed = await digLines(bind, [ZONE, 'AXFR', '+onesoa']);
    expect(zone.map(recordLine).sort()).toEqual(printed.sort());
  });

  it('every RRset is answered to our query; the answer is that of dig, and unchanged when encoded again', async () => {
    const asked = new Map(zone.map((rr) => [`${rr.ownerName} TYPE${rr.type}`, rr]));
    let identical = 0;
    for (const { ownerName, type } of asked.values()) {
      const octets = await exchange(bind, question(ownerName, type));
      const message = decodeMessage(octets);
      expect(message).toMatchObject({ id: 4711, response: true, rcode: Rcode.NOERROR });
      expect(plainValue(message.questions)).toEqual(plainValue(question(ownerName, type).questions));
      const written = encodeMessage(message);
      expect(plainValue(decodeMessage(written))).toEqual(plainValue(message));
      if (written.equals(octets)) identical += 1;
      const printed = await digLines(bind, ['-q', String(ownerName), '-t', `TYPE${type}`, '+nocookie']);
      expect(message.answers.map(recordLine).sort()).toEqual(printed.sort());
    }
    // The others have a name that we compress and BIND does not.
    expect(identical).toBeGreaterThan(asked.size * 0.8);
  }, 60_000);

  it('dig decodes our compressed message of all these records, and prints them unchanged', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (octets, from) => {
      const { id, questions } = decodeMessage(octets);
      const additional = [ednsRecord({ udpPayloadSize: 4096 })];
      const reply = makeMessage({ id, response: true, questions, answers: zone, additional });
      socket.send(encodeMessage(reply), from.port, from.address);
    });
    try {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const { port } = socket.address() as AddressInfo;
      const printed = await digLines({ host: '127.0.0.1', port }, [
        ZONE,
        'TYPE65280',
        '+bufsize=4096',
        '+notcp',
        '+ignore',
      ]);
      expect(printed).toEqual(zone.map(recordLine));
    } finally {
      socket.close();
    }
  });

  it('named applies our UPDATE with records of every updatable type, and answers them unchanged', async () => {
    const moved = DomainName.parse('moved', DomainName.parse(EMPTY_ZONE));
    // BIND maintains these itself (NSEC, NSEC3, RRSIG, NSEC3PARAM) or allows them only at the apex.
    const refused: readonly number[] = [
      RRType.SOA,
      RRType.NSEC,
      RRType.NSEC3,
      RRType.RRSIG,
      RRType.NSEC3PARAM,
      RRType.DNSKEY,
      RRType.CDS,
      RRType.CDNSKEY,
      RRType.DS,
    ];
    const updates = zone
      .filter((rr) => !refused.includes(rr.type))
      // One owner name per type: no data beside a CNAME, or below a DNAME or NS.
      .map((rr) => ({
        ...rr,
        ownerName: moved.prepend(`${formatRRType(rr.type)}-${rr.ownerName.labels()[0]!.length}`),
      }));
    const zoneSection = question(EMPTY_ZONE, RRType.SOA).questions;
    const update = makeMessage({ id: 1, opcode: Opcode.UPDATE, questions: zoneSection, authority: updates });
    const reply = decodeMessage(await exchange(bind, update));
    expect(reply).toMatchObject({ id: 1, response: true, opcode: Opcode.UPDATE, rcode: Rcode.NOERROR });
    const transfer = decodeMessage(await exchange(bind, question(EMPTY_ZONE, RRType.AXFR)));
    const published = transfer.answers.filter((rr) => rr.ownerName.isAtOrBelow(moved)).map(recordLine);
    // All records of an RRset have the same TTL; here 300.
    expect([...new Set(published)].sort()).toEqual([...new Set(updates.map(recordLine))].sort());
    expect(new Set(updates.map((rr) => rr.type)).size).toBe(17);
  });

  it('named answers FORMERR where we throw a WireError: two OPT records, a pointer forward', async () => {
    const two = encodeMessage({ ...question(ZONE, RRType.SOA), additional: [ednsRecord({}), ednsRecord({})] });
    const forward = Buffer.concat([
      encodeMessage(question('.', RRType.SOA)).subarray(0, 12),
      Buffer.from('c00e000600010000', 'hex'),
    ]);
    for (const octets of [two, forward]) {
      expect(() => decodeMessage(octets)).toThrow(WireError);
      const reply = await exchange(bind, octets);
      expect(reply.readUInt16BE(0)).toBe(4711);
      expect(reply[3]! & 0xf).toBe(Rcode.FORMERR);
    }
  });
});

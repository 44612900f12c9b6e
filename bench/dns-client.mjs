// @ts-check
/**
 * A DNS client for the campaigns: queries, signed UPDATEs, transfers, and the content of a zone as a set of texts.
 * Uses the product's codec and sockets.
 */
import { connect } from 'node:net';
import { DomainName } from '#dist/dns/name.js';
import { formatRdata } from '#dist/dns/presentation/rdata-text.js';
import { RRClass, RRType } from '#dist/dns/rdata.js';
import { ClientTransaction } from '#dist/dns/tsig.js';
import { makeTsigKey } from '#dist/dns/tsig-key.js';
import { updateMessage } from '#dist/dns/update.js';
import { decodeMessage, encodeMessage, formatRcode, makeMessage, Opcode } from '#dist/dns/wire/message.js';

/** @typedef {import('#dist/dns/rdata.js').ResourceRecord} ResourceRecord */
/** @typedef {import('#dist/dns/zone-change.js').ZoneEdit} ZoneEdit */
/** @typedef {import('#dist/net/exchange.js').Exchanger} Exchanger */
/** @typedef {{serial: number, records: Set<string>}} ZoneCopy */

const TRANSFER_MS = 120_000;
const EXCHANGE_MS = 8_000;
const now = () => Math.floor(Date.now() / 1000);

/** @param {string} name @param {string} secret base64 */
export function keyOf(name, secret) {
  return makeTsigKey(DomainName.parse(name), 'hmac-sha512', Buffer.from(secret, 'base64'));
}

/** @param {Exchanger} exchanger @param {DomainName} qname @param {number} qtype */
export async function query(exchanger, qname, qtype) {
  const questions = [{ qname, qtype, qclass: RRClass.IN }];
  const build = (/** @type {number} */ id) => encodeMessage(makeMessage({ id, questions }));
  return (await exchanger.exchange(build, performance.now() + EXCHANGE_MS)).message;
}

/** The serial in the zone's SOA. @param {Exchanger} exchanger @param {DomainName} apex */
export async function askSerial(exchanger, apex) {
  const [soa] = (await query(exchanger, apex, RRType.SOA)).answers;
  if (soa?.rdata.kind !== 'SOA') throw new Error('no SOA in the answer');
  return soa.rdata.serial;
}

/**
 * Sends one signed UPDATE. Returns the RCODE of the reply after its signature was verified.
 * @param {Exchanger} exchanger @param {import('#dist/dns/tsig-key.js').TsigKey} key @param {DomainName} zone @param {ZoneEdit[]} edits
 */
export async function update(exchanger, key, zone, edits) {
  const transaction = new ClientTransaction(key);
  const message = updateMessage(zone, [{ zone, ownerName: zone, prerequisites: [], edits }]);
  const build = (/** @type {number} */ id) => transaction.sign(encodeMessage({ ...message, id }), now());
  const reply = await exchanger.exchange(build, performance.now() + EXCHANGE_MS);
  transaction.verify(reply.octets, reply.message, now());
  return reply.message.rcode;
}

/** A record as a text; equal records give equal texts. @param {ResourceRecord} record */
function textOf({ ownerName, type, ttl, rdata }) {
  return `${ownerName.key} ${type} ${ttl} ${formatRdata(type, rdata)}`;
}

/** The records of one name and type in a copy. @param {ZoneCopy} copy @param {DomainName} ownerName @param {number} type */
export function recordsAt(copy, ownerName, type) {
  const start = `${ownerName.key} ${type} `;
  return [...copy.records].filter((record) => record.startsWith(start)).sort();
}

/** The same records in the answer of a query. @param {import('#dist/dns/wire/message.js').Message} message @param {number} type */
export function recordsIn(message, type) {
  return message.answers
    .filter((record) => record.type === type)
    .map(textOf)
    .sort();
}

/**
 * All records of a signed transfer over TCP: an AXFR, or an IXFR from `serial`.
 * @param {number} port @param {import('#dist/dns/tsig-key.js').TsigKey} key @param {DomainName} apex @param {number} [serial]
 * @returns {Promise<ResourceRecord[]>}
 */
export function transfer(port, key, apex, serial) {
  const qtype = serial === undefined ? RRType.AXFR : RRType.IXFR;
  const rdata = { kind: /** @type {const} */ ('SOA'), mname: DomainName.root, rname: DomainName.root };
  const times = { refresh: 0, retry: 0, expire: 0, minimum: 0 };
  const soa = {
    ownerName: apex,
    type: RRType.SOA,
    class: RRClass.IN,
    ttl: 0,
    rdata: { ...rdata, ...times, serial: serial ?? 0 },
  };
  const request = makeMessage({
    id: 1,
    opcode: Opcode.QUERY,
    questions: [{ qname: apex, qtype, qclass: RRClass.IN }],
    authority: serial === undefined ? [] : [soa],
  });
  const transaction = new ClientTransaction(key);
  const octets = transaction.sign(encodeMessage(request), now());
  /** @type {ResourceRecord[]} */
  const records = [];
  let soas = 0;
  let serialAtEnd = -1;
  return readStream(port, octets, (part) => {
    const message = decodeMessage(part);
    transaction.verifyNext(part, message, now());
    if (message.rcode !== 0) throw new Error(`transfer: ${formatRcode(message.rcode)}`);
    for (const record of message.answers) {
      records.push(record);
      if (record.rdata.kind !== 'SOA') continue;
      if (records.length === 1) serialAtEnd = record.rdata.serial;
      if (record.rdata.serial === serialAtEnd) soas += 1;
    }
    return isComplete(records, soas, serial);
  }).then(() => records);
}

/**
 * Sends a request over TCP and reads the messages of its reply (RFC 1035 §4.2.2), until one is the last.
 * @param {number} port @param {Uint8Array} request @param {(octets: Buffer) => boolean} isLast @param {number} timeoutMs of the whole reply @returns {Promise<void>}
 */
export function readStream(port, request, isLast, timeoutMs = TRANSFER_MS) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let incoming = Buffer.alloc(0);
    // Not without data: there are servers that send messages without records for ever.
    const timer = setTimeout(() => socket.destroy(new Error('a transfer takes too long')), timeoutMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () =>
      socket.write(Buffer.concat([Buffer.of(request.length >> 8, request.length & 255), request])),
    );
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection ended within a transfer')));
    socket.on('data', (chunk) => {
      incoming = Buffer.concat([incoming, chunk]);
      try {
        while (incoming.length >= 2 && incoming.length >= 2 + incoming.readUInt16BE(0)) {
          const part = incoming.subarray(2, 2 + incoming.readUInt16BE(0));
          incoming = incoming.subarray(2 + part.length);
          if (!isLast(part)) continue;
          socket.destroy();
          resolve();
          return;
        }
      } catch (error) {
        socket.destroy();
        reject(error);
      }
    });
  });
}

/** RFC 5936 §2.2, RFC 1995 §4: an AXFR contains the newest SOA twice, differences three times, "up to date" once.
 * @param {ResourceRecord[]} records @param {number} soas @param {number | undefined} from */
function isComplete(records, soas, from) {
  const [first, second] = records;
  if (first?.rdata.kind !== 'SOA') throw new Error('a transfer does not begin with a SOA');
  if (from !== undefined && records.length === 1) return first.rdata.serial === from;
  const isIncremental = from !== undefined && second?.rdata.kind === 'SOA';
  return soas === (isIncremental ? 3 : 2);
}

/** The zone as an AXFR gives it. @param {ResourceRecord[]} records @returns {ZoneCopy} */
export function copyOf(records) {
  const [soa] = records;
  if (soa?.rdata.kind !== 'SOA') throw new Error('no SOA');
  const content = new Set(records.slice(0, -1).map(textOf));
  if (content.size !== records.length - 1) throw new Error('a record twice in an AXFR');
  return { serial: soa.rdata.serial, records: content };
}

/**
 * Applies an IXFR to a copy. Each difference is checked: deleted records must exist, added ones must not.
 * @param {ZoneCopy} before @param {ResourceRecord[]} records
 * @returns {{copy: ZoneCopy, form: 'ixfr' | 'axfr' | 'soa'}}
 */
export function applyIxfr(before, records) {
  if (records.length === 1) return { copy: before, form: 'soa' };
  if (records[1]?.rdata.kind !== 'SOA') return { copy: copyOf(records), form: 'axfr' };
  const content = new Set(before.records);
  let serial = before.serial;
  let removing = false;
  for (const record of records.slice(1, -1)) {
    if (record.rdata.kind === 'SOA') {
      removing = !removing;
      if (removing && record.rdata.serial !== serial) {
        throw new Error(`IXFR: a difference from ${record.rdata.serial} at ${serial}`);
      }
      serial = record.rdata.serial;
    }
    const text = textOf(record);
    if (removing && !content.delete(text)) throw new Error(`IXFR: removes what is not there: ${text}`);
    if (!removing && content.has(text)) throw new Error(`IXFR: adds what is there: ${text}`);
    if (!removing) content.add(text);
  }
  return { copy: { serial, records: content }, form: 'ixfr' };
}

/** The first difference between two copies, or undefined. @param {ZoneCopy} a @param {ZoneCopy} b */
export function differenceOf(a, b) {
  for (const record of a.records) if (!b.records.has(record)) return record;
  for (const record of b.records) if (!a.records.has(record)) return record;
  return a.serial === b.serial ? undefined : `serial ${a.serial} and ${b.serial}`;
}

// @ts-check
/**
 * AXFR (RFC 5936) read without the product's codec, so that a mistake of the codec is seen: records as texts, with names of RDATA
 * uncompressed (RFC 3597 §4) and compared without case where the type has names (RFC 4034 §6.2, RFC 3597 §7, and newer types).
 */
import { ClientTransaction } from '#dist/dns/tsig.js';
import { encodeMessage, formatRcode, makeMessage } from '#dist/dns/wire/message.js';
import { readStream } from './dns-client.mjs';

/** @typedef {{owner: string, type: number, ttl: number, rdata: string}} TransferredRecord owner and rdata as lower-case latin1 or hex */

const TRANSFER_MS = 60_000;
const SOA = 6;
const AXFR = 252;
/** Types whose names may be compressed: the octets before the names, and the number of names. */
const LAYOUTS = [
  { types: [2, 3, 4, 5, 7, 8, 9, 12, 23, 39], before: 0, names: 1 },
  { types: [6, 14, 17], before: 0, names: 2 },
  { types: [15, 18, 21, 36], before: 2, names: 1 },
  { types: [26], before: 2, names: 2 },
  { types: [33], before: 6, names: 1 },
];
export const COMPRESSIBLE = new Map(LAYOUTS.flatMap((layout) => layout.types.map((type) => [type, layout])));
/** Further types with names in their RDATA: a server that knows the type may change their case. */
const WITH_NAMES = new Set([...COMPRESSIBLE.keys(), 24, 30, 35, 38, 45, 46, 47, 55, 58, 64, 65, 66, 107, 260]);

/** The name at `at` without compression, and where it ends. @param {Buffer} message @param {number} at */
export function readName(message, at) {
  /** @type {Buffer[]} */
  const labels = [];
  let end = -1;
  for (let hops = 0; hops < 300; hops++) {
    const length = message[at] ?? 0;
    if (length >= 0xc0) {
      if (end < 0) end = at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      continue;
    }
    labels.push(message.subarray(at, at + 1 + length));
    at += 1 + length;
    if (length === 0) return { name: Buffer.concat(labels), end: end < 0 ? at : end };
  }
  throw new Error('a name in a transfer does not end');
}

/** ASCII letters in lower case. @param {Buffer} octets */
const lower = (octets) =>
  Buffer.from(
    octets.toString('latin1').replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    'latin1',
  );

/** @param {Buffer} message @param {number} type @param {number} start @param {number} end */
function plainRdata(message, type, start, end) {
  const { before, names } = COMPRESSIBLE.get(type) ?? { before: 0, names: 0 };
  let octets = message.subarray(start, end);
  if (names > 0 && octets.length > before) {
    const parts = [message.subarray(start, start + before)];
    let at = start + before;
    for (let count = 0; count < names && at < end; count++) {
      const { name, end: next } = readName(message, at);
      parts.push(name);
      at = next;
    }
    octets = Buffer.concat([...parts, message.subarray(at, end)]);
  }
  return Buffer.from(WITH_NAMES.has(type) ? lower(octets) : octets).toString('hex');
}

/** @param {Buffer} message @returns {TransferredRecord[]} */
function recordsOf(message) {
  const rcode = (message[3] ?? 0) & 15;
  if (rcode !== 0) throw new Error(`AXFR: ${formatRcode(rcode)}`);
  let at = 12;
  for (let left = message.readUInt16BE(4); left > 0; left--) at = readName(message, at).end + 4;
  /** @type {TransferredRecord[]} */
  const records = [];
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    const { name, end } = readName(message, at);
    const type = message.readUInt16BE(end);
    const ttl = message.readUInt32BE(end + 4);
    const start = end + 10;
    at = start + message.readUInt16BE(end + 8);
    records.push({ owner: lower(name).toString('latin1'), type, ttl, rdata: plainRdata(message, type, start, at) });
  }
  return records;
}

/**
 * All records of a zone, the SOA once. The signatures of the messages are not checked.
 * @param {number} port @param {import('#dist/dns/tsig-key.js').TsigKey} key @param {import('#dist/dns/name.js').DomainName} apex
 * @returns {Promise<TransferredRecord[]>}
 */
export async function rawTransfer(port, key, apex) {
  const questions = [{ qname: apex, qtype: AXFR, qclass: 1 }];
  const request = new ClientTransaction(key).sign(
    encodeMessage(makeMessage({ id: 1, questions })),
    Math.floor(Date.now() / 1000),
  );
  /** @type {TransferredRecord[]} */
  const records = [];
  const isLast = (/** @type {Buffer} */ part) => {
    records.push(...recordsOf(part));
    return records.length >= 2 && records.at(-1)?.type === SOA;
  };
  await readStream(port, request, isLast, TRANSFER_MS);
  return records.slice(0, -1);
}

/** @param {TransferredRecord} record */
const textOf = ({ owner, type, ttl, rdata }) => `${owner} ${ttl} ${type} ${rdata}`;

/** Records of `a` that are not in `b`, as often as they are there. @param {readonly TransferredRecord[]} a @param {readonly TransferredRecord[]} b */
export function missingIn(a, b) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const record of b) counts.set(textOf(record), (counts.get(textOf(record)) ?? 0) + 1);
  return a.filter((record) => {
    const left = counts.get(textOf(record)) ?? 0;
    counts.set(textOf(record), left - 1);
    return left <= 0;
  });
}

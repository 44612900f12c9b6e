/**
 * Binary form of the database rows: one name with its records, the diff of one commit, and the list of static RRsets.
 *
 * The formats are our own, big-endian: a name is a length octet and its wire octets; a record is name, type (2), TTL (4),
 * RDLENGTH (2), RDATA. The first octet of each row is the format version, 1.
 */

import { lowerCaseText } from '../../dns/name.ts';
import { WireError } from '../../dns/wire/reader.ts';
import type { StaticRRsets, ZoneDiff, ZoneNode, ZoneRecord, ZoneRRset } from '../zone/zone-version.ts';

const FORMAT = 1;

export function encodeNode({ wireText, rrsets }: ZoneNode): Buffer {
  let size = 3 + wireText.length;
  for (const { rdatas } of rrsets) {
    size += 8;
    for (const rdata of rdatas) size += 2 + rdata.length;
  }
  const octets = Buffer.allocUnsafe(size);
  let at = writeName(octets, octets.writeUInt8(FORMAT, 0), wireText);
  at = octets.writeUInt8(rrsets.length, at);
  for (const { type, ttl, rdatas } of rrsets) {
    at = octets.writeUInt16BE(type, at);
    at = octets.writeUInt32BE(ttl, at);
    at = octets.writeUInt16BE(rdatas.length, at);
    for (const rdata of rdatas) at = writeRdata(octets, at, rdata);
  }
  return octets;
}

/** @throws WireError */
export function decodeNode(row: Uint8Array): ZoneNode {
  const octets = view(row);
  let at = 2 + octets[1]!;
  const wireText = octets.toString('latin1', 2, at);
  const rrsets: ZoneRRset[] = [];
  for (let count = octets[at++]!; count > 0; count--) {
    const type = octets.readUInt16BE(at);
    const ttl = octets.readUInt32BE(at + 2);
    const members = octets.readUInt16BE(at + 6);
    at += 8;
    const rdatas: string[] = [];
    for (let i = 0; i < members; i++) {
      const end = at + 2 + octets.readUInt16BE(at);
      rdatas.push(octets.toString('latin1', at + 2, end));
      at = end;
    }
    rrsets.push({ type, ttl, rdatas });
  }
  if (octets[0] !== FORMAT || at !== octets.length) throw new WireError('a name in the database is damaged', at);
  return { key: lowerCaseText(wireText), wireText, rrsets, children: 0 };
}

/** Removed and added records; the serials are separate columns. */
export function encodeDiff({ removed, added }: ZoneDiff): Buffer {
  let size = 9;
  for (const list of [removed, added])
    for (const { wireText, rdata } of list) size += 9 + wireText.length + rdata.length;
  const octets = Buffer.allocUnsafe(size);
  let at = octets.writeUInt8(FORMAT, 0);
  for (const list of [removed, added]) {
    at = octets.writeUInt32BE(list.length, at);
    for (const { wireText, type, ttl, rdata } of list) {
      at = writeName(octets, at, wireText);
      at = octets.writeUInt16BE(type, at);
      at = octets.writeUInt32BE(ttl, at);
      at = writeRdata(octets, at, rdata);
    }
  }
  return octets;
}

/** @throws WireError */
export function decodeDiff(row: Uint8Array, serialBefore: number, serial: number): ZoneDiff {
  const octets = view(row);
  let at = 1;
  const list = (): ZoneRecord[] => {
    const records: ZoneRecord[] = [];
    const count = octets.readUInt32BE(at);
    at += 4;
    for (let i = 0; i < count; i++) {
      const nameEnd = at + 1 + octets[at]!;
      const wireText = octets.toString('latin1', at + 1, nameEnd);
      const type = octets.readUInt16BE(nameEnd);
      const ttl = octets.readUInt32BE(nameEnd + 2);
      const end = nameEnd + 8 + octets.readUInt16BE(nameEnd + 6);
      records.push({ wireText, type, ttl, rdata: octets.toString('latin1', nameEnd + 8, end) });
      at = end;
    }
    return records;
  };
  const removed = list();
  const added = list();
  if (octets[0] !== FORMAT || at !== octets.length) throw new WireError('a commit in the database is damaged', at);
  return { serialBefore, serial, removed, added };
}

export function encodeStatics(statics: StaticRRsets): Buffer {
  const parts: Buffer[] = [Buffer.of(FORMAT)];
  for (const [key, types] of statics) {
    for (const type of types) {
      const part = Buffer.allocUnsafe(3 + key.length);
      part.writeUInt16BE(type, writeName(part, 0, key));
      parts.push(part);
    }
  }
  return Buffer.concat(parts);
}

/** @throws WireError */
export function decodeStatics(row: Uint8Array): StaticRRsets {
  const octets = view(row);
  const statics = new Map<string, Set<number>>();
  let at = 1;
  while (at < octets.length) {
    const end = at + 1 + octets[at]!;
    const key = octets.toString('latin1', at + 1, end);
    const types = statics.get(key) ?? new Set();
    statics.set(key, types.add(octets.readUInt16BE(end)));
    at = end + 2;
  }
  if (octets[0] !== FORMAT) throw new WireError('the list of static records in the database is damaged', 0);
  return statics;
}

function view(row: Uint8Array): Buffer {
  return Buffer.from(row.buffer, row.byteOffset, row.length);
}

function writeName(octets: Buffer, at: number, wireText: string): number {
  octets.writeUInt8(wireText.length, at);
  return at + 1 + octets.write(wireText, at + 1, 'latin1');
}

function writeRdata(octets: Buffer, at: number, rdata: string): number {
  octets.writeUInt16BE(rdata.length, at);
  return at + 2 + octets.write(rdata, at + 2, 'latin1');
}

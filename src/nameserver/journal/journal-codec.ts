/**
 * Binary form of the database rows: one name with its records, the diff of one commit, and the list of static RRsets.
 *
 * The formats are our own, big-endian: a name is a length octet and its wire octets; a record is name, type (2), TTL (4),
 * RDLENGTH (2), RDATA. The first octet of each row is the format version. Rows of version 2 have a CRC-32C, which covers what
 * else tells rows apart (zone, serials), so that a row at a wrong place does not fit: that of a name in a column of its own,
 * the others at their end. Rows of version 1 have none and are replaced when they are next written. Version 3 is that of signed data:
 * releases that cannot read it find the row damaged, and do not serve it without its signatures.
 */

import { WireError } from '../../dns/wire/reader.ts';
import { crc32c } from '../../sqlite/crc32c.ts';
import { nodeEnd, nodeLength, readNode, writeNode } from '../zone/node-octets.ts';
import type { ZoneNode, ZoneRecord } from '../zone/zone-node.ts';
import type { StaticRRsets, ZoneDiff } from '../zone/zone-version.ts';

const FORMAT = 2;
const FORMAT_WITHOUT_CRC = 1;
/** As version 2, with signatures of RRsets: of a name in its RRsets, of a diff as its RRSIG records. */
const FORMAT_SIGNED = 3;
const CRC_OCTETS = 4;

/** The columns that identify the row of a commit. */
export interface DiffColumns {
  /** Primary key of the zone. */
  readonly zone: number;
  readonly number: number;
  readonly serialBefore: number;
  readonly serial: number;
}

/** The checksum of the row of a name; 0 for a row of version 1. @param zone primary key of its zone */
export function nodeCrc(zone: number, content: Uint8Array): number {
  return content[0] === FORMAT_WITHOUT_CRC ? 0 : crc32c(content, zone);
}

function diffSeed({ zone, number, serialBefore, serial }: DiffColumns): number {
  const columns = Buffer.allocUnsafe(20);
  columns.writeUInt32BE(zone, 0);
  columns.writeUInt32BE(Math.floor(number / 0x1_0000_0000), 4);
  columns.writeUInt32BE(number % 0x1_0000_0000, 8);
  columns.writeUInt32BE(serialBefore, 12);
  columns.writeUInt32BE(serial, 16);
  return crc32c(columns);
}

/** The checksum of the row of a zone. */
export function zoneCrc(zone: ZoneColumns): number {
  const { id, apexKey, created, folded, foldedSerial } = zone;
  return crc32c(Buffer.from(`${id} ${created} ${folded} ${foldedSerial} ${apexKey}`, 'latin1'));
}

/** The columns of a zone that its checksum covers. */
export interface ZoneColumns {
  readonly id: number;
  /** `DomainName.key`. */
  readonly apexKey: string;
  readonly created: number;
  readonly folded: number;
  readonly foldedSerial: number;
}

export function encodeNode(node: ZoneNode): Buffer {
  const octets = Buffer.allocUnsafe(1 + nodeLength(node));
  octets[0] = isSignedName(node) ? FORMAT_SIGNED : FORMAT;
  writeNode(octets, 1, node);
  return octets;
}

/** The same of a name in octets. @param octets a node as of node-octets.ts @returns undefined for one without records */
export function rowOfOctets(octets: Uint8Array): Uint8Array | undefined {
  if (octets[1 + octets[0]!] === 0) return undefined;
  const row = new Uint8Array(1 + octets.length);
  row[0] = FORMAT_SIGNED;
  row.set(octets, 1);
  return row;
}

function isSignedName({ rrsets, signerRRsets }: ZoneNode): boolean {
  return signerRRsets !== undefined || rrsets.some(({ signatures }) => signatures !== undefined);
}

/** @throws WireError, RangeError */
export function decodeNode(row: Uint8Array): ZoneNode {
  const octets = view(row);
  const end = nodeEnd(octets, 1);
  if (!isKnownFormat(octets) || end !== octets.length)
    throw new WireError('a name in the database is damaged', Math.max(end, 0));
  return readNode(octets, 1, 0);
}

/** Removed and added records; the serials are separate columns. */
export function encodeDiff({ removed, added, isSigned }: ZoneDiff, columns: DiffColumns): Buffer {
  let size = 9 + CRC_OCTETS;
  for (const list of [removed, added])
    for (const { wireText, rdata } of list) size += 9 + wireText.length + rdata.length;
  const octets = Buffer.allocUnsafe(size);
  let at = octets.writeUInt8(isSigned ? FORMAT_SIGNED : FORMAT, 0);
  for (const list of [removed, added]) {
    at = octets.writeUInt32BE(list.length, at);
    for (const { wireText, type, ttl, rdata } of list) {
      at = writeName(octets, at, wireText);
      at = octets.writeUInt16BE(type, at);
      at = octets.writeUInt32BE(ttl, at);
      at = writeRdata(octets, at, rdata);
    }
  }
  octets.writeUInt32BE(crc32c(octets, diffSeed(columns), at), at);
  return octets;
}

/** @throws WireError, RangeError */
export function decodeDiff(row: Uint8Array, columns: DiffColumns): ZoneDiff {
  const octets = checkedContent(view(row), diffSeed(columns), 'a commit in the database is damaged');
  const { serialBefore, serial } = columns;
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
  if (at !== octets.length) throw new WireError('a commit in the database is damaged', at);
  return { serialBefore, serial, removed, added, ...(octets[0] === FORMAT_SIGNED && { isSigned: true }) };
}

/** @param zone primary key of the zone */
export function encodeStatics(statics: StaticRRsets, zone: number): Buffer {
  const parts: Buffer[] = [Buffer.of(FORMAT)];
  for (const [key, types] of statics) {
    for (const type of types) {
      const part = Buffer.allocUnsafe(3 + key.length);
      part.writeUInt16BE(type, writeName(part, 0, key));
      parts.push(part);
    }
  }
  const checksum = Buffer.allocUnsafe(CRC_OCTETS);
  checksum.writeUInt32BE(crc32c(Buffer.concat(parts), zone));
  return Buffer.concat([...parts, checksum]);
}

/** @throws WireError, RangeError */
export function decodeStatics(row: Uint8Array, zone: number): StaticRRsets {
  const octets = checkedContent(view(row), zone, 'the list of static records in the database is damaged');
  const statics = new Map<string, Set<number>>();
  let at = 1;
  while (at < octets.length) {
    const end = at + 1 + octets[at]!;
    const key = octets.toString('latin1', at + 1, end);
    const types = statics.get(key) ?? new Set();
    statics.set(key, types.add(octets.readUInt16BE(end)));
    at = end + 2;
  }
  return statics;
}

/** A row without its checksum. @throws WireError if it does not fit, RangeError */
function checkedContent(octets: Buffer, seed: number, message: string): Buffer {
  if (!isKnownFormat(octets)) throw new WireError(message, 0);
  if (octets[0] === FORMAT_WITHOUT_CRC) return octets;
  const end = octets.length - CRC_OCTETS;
  if (octets.readUInt32BE(end) !== crc32c(octets, seed, end)) throw new WireError(message, end);
  return octets.subarray(0, end);
}

export function isKnownFormat(octets: Uint8Array): boolean {
  return octets[0] === FORMAT || octets[0] === FORMAT_WITHOUT_CRC || octets[0] === FORMAT_SIGNED;
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

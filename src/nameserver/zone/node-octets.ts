/**
 * One name with its records in octets, big-endian: the length of the owner name (1 octet) and the owner name in wire form with its
 * letter case, the number of RRsets (1); for each RRset its type (2), TTL (4) and number of records (2); for each record the length
 * of its RDATA (2) and the RDATA. The highest bit of the number of records says that signatures follow the records: their number
 * (1), and for each its length (1) and its octets (signatures.ts). The next bit says that the RRset is one of `signerRRsets`.
 *
 * So it is in the database (journal-codec.ts), and in memory (packed-nodes.ts).
 */
import { lowerCaseText } from '../../dns/name.ts';
import type { ZoneNode, ZoneRRset } from './zone-node.ts';

/** RRsets of a node in octets. */
export const MAX_RRSETS = 255;
/** Octets of an RRset before its records. */
export const RRSET_OCTETS = 8;
/** In the number of records: signatures follow them. */
const SIGNED = 0x8000;
/** The same: the signer made the RRset. */
const OF_SIGNER = 0x4000;
/** Records of an RRset in octets. */
export const MAX_MEMBERS = OF_SIGNER - 1;

export function nodeLength({ wireText, rrsets, signerRRsets }: ZoneNode): number {
  const length = 2 + wireText.length + rrsetsLength(rrsets);
  return signerRRsets === undefined ? length : length + rrsetsLength(signerRRsets);
}

function rrsetsLength(rrsets: readonly ZoneRRset[]): number {
  let length = 0;
  for (const { rdatas, signatures } of rrsets) {
    length += RRSET_OCTETS;
    for (const rdata of rdatas) length += 2 + rdata.length;
    if (signatures === undefined) continue;
    length += 1;
    for (const signature of signatures) length += 1 + signature.length;
  }
  return length;
}

/** @returns the offset after the node @throws RangeError with more than MAX_RRSETS or MAX_MEMBERS */
export function writeNode(to: Buffer, start: number, { wireText, rrsets, signerRRsets }: ZoneNode): number {
  const count = rrsets.length + (signerRRsets?.length ?? 0);
  if (count > MAX_RRSETS) throw new RangeError(`a name has ${count} types`);
  let at = start;
  to[at++] = wireText.length;
  at = writeText(to, at, wireText);
  to[at++] = count;
  at = writeRRsets(to, at, rrsets, 0);
  return signerRRsets === undefined ? at : writeRRsets(to, at, signerRRsets, OF_SIGNER);
}

function writeRRsets(to: Buffer, start: number, rrsets: readonly ZoneRRset[], flag: number): number {
  let at = start;
  for (const { type, ttl, rdatas, signatures } of rrsets) {
    if (rdatas.length > MAX_MEMBERS) throw new RangeError(`an RRset has ${rdatas.length} records`);
    at = writeU16(to, at, type);
    at = writeU16(to, at, ttl >>> 16);
    at = writeU16(to, at, ttl);
    at = writeU16(to, at, rdatas.length | flag | (signatures === undefined ? 0 : SIGNED));
    for (const rdata of rdatas) at = writeText(to, writeU16(to, at, rdata.length), rdata);
    if (signatures === undefined) continue;
    to[at++] = signatures.length;
    for (const signature of signatures) {
      to[at++] = signature.length;
      at = writeText(to, at, signature);
    }
  }
  return at;
}

/** @param from octets that `nodeEnd` accepts @param children as ZoneNode.children */
export function readNode(from: Buffer, start: number, children: number): ZoneNode {
  let at = start + 1 + from[start]!;
  const wireText = from.toString('latin1', start + 1, at);
  const rrsets: ZoneRRset[] = [];
  let signerRRsets: ZoneRRset[] | undefined;
  for (let count = from[at++]!; count > 0; count--) {
    const type = u16(from, at);
    const ttl = u16(from, at + 2) * 0x10000 + u16(from, at + 4);
    const members = u16(from, at + 6);
    at += RRSET_OCTETS;
    const rdatas: string[] = [];
    for (let i = members & MAX_MEMBERS; i > 0; i--) {
      const end = at + 2 + u16(from, at);
      rdatas.push(from.toString('latin1', at + 2, end));
      at = end;
    }
    let rrset: ZoneRRset = { type, ttl, rdatas };
    if ((members & SIGNED) !== 0) {
      const signatures: string[] = [];
      for (let i = from[at++]!; i > 0; i--) {
        const end = at + 1 + from[at]!;
        signatures.push(from.toString('latin1', at + 1, end));
        at = end;
      }
      rrset = { type, ttl, rdatas, signatures };
    }
    if ((members & OF_SIGNER) === 0) rrsets.push(rrset);
    else {
      signerRRsets ??= [];
      signerRRsets.push(rrset);
    }
  }
  const key = lowerCaseText(wireText);
  return signerRRsets === undefined
    ? { key, wireText, rrsets, children }
    : { key, wireText, rrsets, signerRRsets, children };
}

/** The offset after the node; -1 if it would be beyond the end of the octets. */
export function nodeEnd(octets: Uint8Array, start: number): number {
  const { length } = octets;
  let at = start + 1 + (octets[start] ?? length);
  if (at >= length) return -1;
  for (let count = octets[at++]!; count > 0; count--) {
    if (at + RRSET_OCTETS > length) return -1;
    at = rrsetEnd(octets, at);
    if (at < 0) return -1;
  }
  return at;
}

/** The offset of an RRset's TTL; -1 if the node does not have the type. */
export function findRRsetAt(octets: Uint8Array, node: number, type: number): number {
  let at = node + 1 + octets[node]!;
  for (let count = octets[at++]!; count > 0; count--) {
    if (u16(octets, at) === type) return at + 2;
    at = rrsetEnd(octets, at);
  }
  return -1;
}

/** @param rrset offset of an RRset @returns the offset after it; -1 if it would be beyond the end of the octets */
export function rrsetEnd(octets: Uint8Array, rrset: number): number {
  const end = recordsEnd(octets, rrset);
  return end >= 0 && hasSignatures(octets, rrset) ? signaturesEnd(octets, end) : end;
}

/** The number of records of an RRset. */
export function membersOf(octets: Uint8Array, rrset: number): number {
  return u16(octets, rrset + 6) & MAX_MEMBERS;
}

/** True if signatures begin at `recordsEnd`. */
export function hasSignatures(octets: Uint8Array, rrset: number): boolean {
  return (octets[rrset + 6]! & (SIGNED >> 8)) !== 0;
}

/** The offset after the records of an RRset; -1 as for `rrsetEnd`. */
export function recordsEnd(octets: Uint8Array, rrset: number): number {
  let at = rrset + RRSET_OCTETS;
  for (let members = membersOf(octets, rrset); members > 0; members--) {
    if (at + 2 > octets.length) return -1;
    at += 2 + u16(octets, at);
  }
  return at > octets.length ? -1 : at;
}

function signaturesEnd(octets: Uint8Array, start: number): number {
  const { length } = octets;
  if (start >= length) return -1;
  let at = start + 1;
  for (let count = octets[start]!; count > 0; count--) {
    if (at >= length) return -1;
    at += 1 + octets[at]!;
  }
  return at > length ? -1 : at;
}

export function u16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

export function writeU16(to: Uint8Array, at: number, value: number): number {
  to[at] = value >> 8;
  to[at + 1] = value;
  return at + 2;
}

/** @param text one character per octet @returns the offset after it */
function writeText(to: Buffer, at: number, text: string): number {
  // A call into Node.js costs more than a few octets.
  if (text.length > 32) to.write(text, at, 'latin1');
  else for (let i = 0; i < text.length; i++) to[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/**
 * What a start has to know of the names of a signed zone, read from their octets without making objects: the owners of the records of the
 * chain, and the times of the signatures.
 */
import { lowerCaseText } from '../../dns/name.ts';
import { hasSignatures, recordsEnd, rrsetEnd, u16 } from '../zone/node-octets.ts';
import type { PackedNodes } from '../zone/packed-nodes.ts';
import { EXPIRATION_IN_SIGNATURE, expirationOf, INCEPTION_IN_SIGNATURE, inceptionOf } from '../zone/signatures.ts';
import { allRRsets, findRRset, type ZoneNode } from '../zone/zone-node.ts';

/** In seconds after the time of the call, in serial number arithmetic (RFC 4034 §3.1.5). */
export class SignatureTimes {
  /** Of the signature that expires first; Infinity without signatures. */
  firstExpiration = Number.POSITIVE_INFINITY;
  /** Of the signature that becomes valid last; -Infinity without signatures. */
  lastInception = Number.NEGATIVE_INFINITY;
  readonly #nowSeconds: number;

  constructor(nowSeconds: number) {
    this.#nowSeconds = nowSeconds;
  }

  /** Seconds since 1970, modulo 2^32. */
  note(expiration: number, inception: number): void {
    this.firstExpiration = Math.min(this.firstExpiration, (expiration - this.#nowSeconds) | 0);
    this.lastInception = Math.max(this.lastInception, (inception - this.#nowSeconds) | 0);
  }
}

/** @param onOwner gets `DomainName.key` of each name with a record of the chain @param chainType NSEC or NSEC3 */
export function readSignedTable(
  table: PackedNodes,
  chainType: number,
  nowSeconds: number,
  onOwner: (key: string) => void,
): SignatureTimes {
  const times = new SignatureTimes(nowSeconds);
  for (let place = 0; place < table.end; place += table.unitsAt(place)) {
    const at = table.nodeOffset(place);
    if (at >= 0) readOctets(table.octetsAt(place), at, chainType, times, onOwner);
    else readObject(table.nodeAt(place), chainType, times, onOwner);
  }
  return times;
}

function readOctets(
  octets: Buffer,
  node: number,
  chainType: number,
  times: SignatureTimes,
  onOwner: (key: string) => void,
): void {
  const nameEnd = node + 1 + octets[node]!;
  let at = nameEnd + 1;
  for (let count = octets[nameEnd]!; count > 0; count--) {
    if (u16(octets, at) === chainType) onOwner(lowerCaseText(octets.toString('latin1', node + 1, nameEnd)));
    if (hasSignatures(octets, at)) readSignatures(octets, recordsEnd(octets, at), times);
    at = rrsetEnd(octets, at);
  }
}

function readSignatures(octets: Buffer, start: number, times: SignatureTimes): void {
  let at = start + 1;
  for (let count = octets[start]!; count > 0; count--) {
    const signature = at + 1;
    times.note(
      octets.readUInt32BE(signature + EXPIRATION_IN_SIGNATURE),
      octets.readUInt32BE(signature + INCEPTION_IN_SIGNATURE),
    );
    at = signature + octets[at]!;
  }
}

function readObject(
  node: ZoneNode | undefined,
  chainType: number,
  times: SignatureTimes,
  onOwner: (key: string) => void,
): void {
  if (node === undefined) return;
  if (findRRset(node, chainType) !== undefined) onOwner(node.key);
  for (const { signatures = [] } of allRRsets(node)) {
    for (const signature of signatures) times.note(expirationOf(signature), inceptionOf(signature));
  }
}

/**
 * The usual answer, straight from the octets of a query and of the zone: a name of a zone without delegations has an RRset of the
 * type that is asked for, whose RDATA has no name to compress. With DO the signatures of the RRset follow. No text and no object is made but
 * the reply.
 *
 * All other queries are left to answer.ts and reply-writer.ts, which give the same reply to these.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { UDP_PAYLOAD_OCTETS } from '../../dns/wire/edns.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { areEqualNames, lowerCase, NameHashes } from '../zone/name-hash.ts';
import { hasSignatures, membersOf, RRSET_OCTETS, recordsEnd, u16 } from '../zone/node-octets.ts';
import type { PackedOctets } from '../zone/packed-octets.ts';
import { FIELDS_OCTETS } from '../zone/signatures.ts';
import type { AnswerableZone } from './answerable.ts';
import { HEADER_OCTETS } from './dns-service.ts';
import { hasSimpleHeader } from './query.ts';
import { compressedNameAt } from './reply-writer.ts';
import { OPT_OCTETS, PLAIN_UDP_OCTETS, udpLimitOf } from './request-edns.ts';

/** Up to this type there are only types of data, apart from OPT (RFC 6895 §3.1). */
const LAST_DATA_TYPE = 127;
/** DS belongs to the parent side of a zone cut; the others are not RRsets that queries see in a signed zone. */
const INDIRECT_TYPES: ReadonlySet<number> = new Set([RRType.OPT, RRType.DS, RRType.RRSIG, RRType.NSEC3]);
const TYPE_OCTETS = 2;
/** Of a record: its owner name as a pointer to the question, type, class and TTL. */
const NAME_TO_TTL_OCTETS = 10;
/** Of RRSIG RDATA: type covered and original TTL, which a signature of the zone does not have (signatures.ts). */
const COVERED_AND_TTL_OCTETS = 6;
const NO_OCTETS = new Uint8Array(0);

interface DirectZone {
  readonly zone: AnswerableZone;
  /** The apex in canonical form (RFC 4034 §6.2): the signer's name. */
  readonly signer: Uint8Array;
}

export class DirectAnswers {
  readonly #names = new NameHashes();
  /** Zones by the hash of their apex. */
  readonly #byHash = new Map<number, DirectZone[]>();
  // Of the question that `find` read last.
  #nameEnd = 0;
  #zone: PackedOctets | undefined;
  #signer: Uint8Array = NO_OCTETS;
  #place = 0;
  #members = 0;
  /** Offset there of the signatures; 0: the reply has none. */
  #signatures = 0;
  /** Offset in the zone's octets of the TTL of the RRset. */
  #rrset = 0;
  #hasEdns = false;

  /** @param zones all that this server has */
  constructor(zones: Iterable<AnswerableZone>) {
    for (const zone of zones) {
      this.#names.read(zone.apex.octets, 0);
      const hash = this.#names.hashes[0]!;
      const direct = { zone, signer: Buffer.from(zone.apex.key, 'latin1') };
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), direct]);
    }
  }

  /**
   * Reads a query, and finds the RRset that answers it.
   * @returns the size of the reply in octets; 0: another way must answer it
   */
  find(query: Uint8Array, overTcp: boolean): number {
    if (!hasSimpleHeader(query)) return 0;
    const nameEnd = this.#names.read(query, HEADER_OCTETS);
    if (nameEnd < 0) return 0;
    const questionEnd = nameEnd + 4;
    const qtype = u16(query, nameEnd);
    if (query[nameEnd + 2] !== 0 || query[nameEnd + 3] !== RRClass.IN || !isDirectType(qtype)) return 0;
    const hasEdns = query[11] === 1;
    if (query.length !== questionEnd + (hasEdns ? OPT_OCTETS : 0)) return 0;
    if (hasEdns && !isPlainOpt(query, questionEnd)) return 0;
    const zone = this.#zoneOf(query, nameEnd);
    if (zone === undefined) return 0;
    const place = zone.placeOfOctets(query, HEADER_OCTETS, nameEnd, this.#names.hashes[0]!);
    const rrset = place < 0 ? -1 : zone.rrsetAt(place, qtype);
    if (rrset < 0) return 0;
    const octets = zone.octetsAt(place);
    const start = rrset - TYPE_OCTETS;
    const members = membersOf(octets, start);
    const end = recordsEnd(octets, start);
    let size = query.length + members * NAME_TO_TTL_OCTETS + end - start - RRSET_OCTETS;
    const isSigned = hasEdns && hasSignatures(octets, start) && isDnssecOk(query, questionEnd);
    if (isSigned) size += this.#signaturesSize(octets, end);
    if (size > (overTcp ? MAX_MESSAGE_OCTETS : datagramLimit(query, questionEnd, hasEdns))) return 0;
    this.#nameEnd = nameEnd;
    this.#zone = zone;
    this.#place = place;
    this.#rrset = rrset;
    this.#members = members;
    this.#signatures = isSigned ? end : 0;
    this.#hasEdns = hasEdns;
    return size;
  }

  /** Octets of the RRSIG records of a reply. @param at offset of the signatures of an RRset */
  #signaturesSize(octets: Uint8Array, at: number): number {
    let size = 0;
    let signature = at + 1;
    for (let count = octets[at]!; count > 0; count--) {
      const length = octets[signature]!;
      size += NAME_TO_TTL_OCTETS + 2 + COVERED_AND_TTL_OCTETS + this.#signer.length + length;
      signature += 1 + length;
    }
    return size;
  }

  /** `DomainName.key` of QNAME. @param query that `find` read last */
  keyOf(query: Uint8Array): string {
    let key = '';
    for (let at = HEADER_OCTETS; at < this.#nameEnd; at++) key += String.fromCharCode(lowerCase(query[at]!));
    return key;
  }

  /** The reply to the query that `find` read last. @param size as `find` returned it */
  reply(query: Uint8Array, size: number): Buffer {
    const reply = Buffer.allocUnsafe(size);
    const nameEnd = this.#nameEnd;
    const questionEnd = nameEnd + 4;
    const members = this.#members;
    for (let i = 0; i < questionEnd; i++) reply[i] = query[i]!;
    // QR and AA; RD and CD are copied (RFC 1035 §4.1.1, RFC 4035 §3.1.6).
    reply[2] = 0x84 | (query[2]! & 0x01);
    reply[3] = query[3]! & 0x10;
    const octets = this.#zone!.octetsAt(this.#place);
    const signatures = this.#signatures;
    const records = signatures === 0 ? members : members + octets[signatures]!;
    reply[6] = records >> 8;
    reply[7] = records;
    const ttl = this.#rrset;
    let from = ttl + 6;
    let to = questionEnd;
    for (let member = 0; member < members; member++) {
      reply[to] = 0xc0;
      reply[to + 1] = HEADER_OCTETS;
      for (let i = 0; i < 4; i++) reply[to + 2 + i] = query[nameEnd + i]!;
      for (let i = 0; i < 4; i++) reply[to + 6 + i] = octets[ttl + i]!;
      const length = 2 + u16(octets, from);
      for (let i = 0; i < length; i++) reply[to + NAME_TO_TTL_OCTETS + i] = octets[from + i]!;
      from += length;
      to += NAME_TO_TTL_OCTETS + length;
    }
    if (signatures > 0) to = this.#writeSignatures(query, octets, reply, to);
    if (this.#hasEdns) this.#writeOpt(query, questionEnd, reply, to);
    return reply;
  }

  /** The RRSIG records (RFC 4034 §3.1). @returns the offset after them */
  #writeSignatures(query: Uint8Array, octets: Uint8Array, reply: Buffer, start: number): number {
    const nameEnd = this.#nameEnd;
    const ttl = this.#rrset;
    const signer = this.#signer;
    let from = this.#signatures + 1;
    let to = start;
    for (let count = octets[this.#signatures]!; count > 0; count--) {
      const length = octets[from++]!;
      const rdataOctets = COVERED_AND_TTL_OCTETS + signer.length + length;
      reply[to] = 0xc0;
      reply[to + 1] = HEADER_OCTETS;
      reply[to + 2] = 0;
      reply[to + 3] = RRType.RRSIG;
      reply[to + 4] = 0;
      reply[to + 5] = RRClass.IN;
      for (let i = 0; i < 4; i++) reply[to + 6 + i] = octets[ttl + i]!;
      reply[to + 10] = rdataOctets >> 8;
      reply[to + 11] = rdataOctets;
      reply[to + 12] = query[nameEnd]!;
      reply[to + 13] = query[nameEnd + 1]!;
      // Algorithm and labels.
      reply[to + 14] = octets[from]!;
      reply[to + 15] = octets[from + 1]!;
      for (let i = 0; i < 4; i++) reply[to + 16 + i] = octets[ttl + i]!;
      // Expiration, inception and key tag.
      for (let i = 2; i < FIELDS_OCTETS; i++) reply[to + 18 + i] = octets[from + i]!;
      to += 18 + FIELDS_OCTETS;
      for (let i = 0; i < signer.length; i++) reply[to + i] = signer[i]!;
      to += signer.length;
      for (let i = FIELDS_OCTETS; i < length; i++) reply[to + i - FIELDS_OCTETS] = octets[from + i]!;
      to += length - FIELDS_OCTETS;
      from += length;
    }
    return to;
  }

  /** The reply that the rate limit lets pass instead: nothing but TC=1, so that a real client asks again over TCP. */
  truncated(query: Uint8Array): Buffer {
    const questionEnd = this.#nameEnd + 4;
    const reply = Buffer.allocUnsafe(query.length);
    for (let i = 0; i < questionEnd; i++) reply[i] = query[i]!;
    reply[2] = 0x82 | (query[2]! & 0x01);
    reply[3] = query[3]! & 0x10;
    if (this.#hasEdns) this.#writeOpt(query, questionEnd, reply, questionEnd);
    return reply;
  }

  #writeOpt(query: Uint8Array, questionEnd: number, reply: Buffer, at: number): void {
    reply[at] = 0;
    reply[at + 1] = 0;
    reply[at + 2] = RRType.OPT;
    reply[at + 3] = UDP_PAYLOAD_OCTETS >> 8;
    reply[at + 4] = UDP_PAYLOAD_OCTETS & 0xff;
    reply[at + 5] = 0;
    reply[at + 6] = 0;
    // The DO flag (RFC 3225 §3).
    reply[at + 7] = query[questionEnd + 7]! & 0x80;
    reply[at + 8] = 0;
    reply[at + 9] = 0;
    reply[at + 10] = 0;
  }

  /** The names of the zone that the name belongs to. */
  #zoneOf(query: Uint8Array, nameEnd: number): PackedOctets | undefined {
    const { count, starts, hashes } = this.#names;
    for (let label = 0; label < count; label++) {
      const found = this.#byHash.get(hashes[label]!);
      if (found === undefined) continue;
      for (const { zone, signer } of found) {
        const { octets } = zone.apex;
        const start = starts[label]!;
        if (nameEnd - start !== octets.length || !areEqualNames(query, start, octets, 0, octets.length)) continue;
        this.#signer = signer;
        return zone.published?.octets;
      }
    }
    return undefined;
  }
}

function isDirectType(type: number): boolean {
  return type <= LAST_DATA_TYPE && !INDIRECT_TYPES.has(type) && compressedNameAt(type) < 0;
}

/** The DO flag (RFC 3225 §3). */
function isDnssecOk(query: Uint8Array, questionEnd: number): boolean {
  return (query[questionEnd + 7]! & 0x80) !== 0;
}

/** EDNS version 0 without options. */
function isPlainOpt(query: Uint8Array, at: number): boolean {
  if (query[at] !== 0 || query[at + 1] !== 0 || query[at + 2] !== RRType.OPT) return false;
  return query[at + 6] === 0 && query[at + 9] === 0 && query[at + 10] === 0;
}

function datagramLimit(query: Uint8Array, questionEnd: number, hasEdns: boolean): number {
  return hasEdns ? udpLimitOf(u16(query, questionEnd + 3)) : PLAIN_UDP_OCTETS;
}

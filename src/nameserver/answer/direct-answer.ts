/**
 * The usual answer, straight from the octets of a query and of the zone: a name of a zone without delegations has an RRset of the
 * type that is asked for, whose RDATA has no name to compress. With DO the signatures of the RRset follow. No text and no object is made but
 * the reply.
 *
 * All other queries are left to answer.ts and reply-writer.ts, which give the same reply to these.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { lowerCase } from '../zone/name-hash.ts';
import { hasSignatures, membersOf, RRSET_OCTETS, recordsEnd, u16 } from '../zone/node-octets.ts';
import type { PackedOctets } from '../zone/packed-octets.ts';
import type { AnswerableZone } from './answerable.ts';
import { HEADER_OCTETS } from './dns-service.ts';
import { hasSimpleHeader } from './query.ts';
import { QuestionZones } from './question-zones.ts';
import { compressedNameAt } from './reply-writer.ts';
import { isDnssecOk, isPlainOpt, OPT_OCTETS, PLAIN_UDP_OCTETS, udpLimitOf, writePlainOpt } from './request-edns.ts';
import { NAME_TO_TTL_OCTETS, rrsigsSize, writeRrsigs } from './rrsig-octets.ts';

/** Up to this type there are only types of data, apart from OPT (RFC 6895 §3.1). */
const LAST_DATA_TYPE = 127;
/** DS belongs to the parent side of a zone cut; the others are not RRsets that queries see in a signed zone. */
const INDIRECT_TYPES: ReadonlySet<number> = new Set([RRType.OPT, RRType.DS, RRType.RRSIG, RRType.NSEC3]);
const TYPE_OCTETS = 2;
const NO_OCTETS = new Uint8Array(0);

export class DirectAnswers {
  readonly #zones: QuestionZones;
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
    this.#zones = new QuestionZones(zones);
  }

  /**
   * Reads a query, and finds the RRset that answers it.
   * @returns the size of the reply in octets; 0: another way must answer it
   */
  find(query: Uint8Array, overTcp: boolean): number {
    if (!hasSimpleHeader(query)) return 0;
    const nameEnd = this.#zones.read(query);
    if (nameEnd < 0) return 0;
    const questionEnd = nameEnd + 4;
    const qtype = u16(query, nameEnd);
    if (query[nameEnd + 2] !== 0 || query[nameEnd + 3] !== RRClass.IN || !isDirectType(qtype)) return 0;
    const hasEdns = query[11] === 1;
    if (query.length !== questionEnd + (hasEdns ? OPT_OCTETS : 0)) return 0;
    if (hasEdns && !isPlainOpt(query, questionEnd)) return 0;
    const found = this.#zones.find(query, nameEnd);
    const zone = found?.zone.published?.octets;
    if (zone === undefined) return 0;
    const place = zone.placeOfOctets(query, HEADER_OCTETS, nameEnd, this.#zones.names.hashes[0]!);
    const rrset = place < 0 ? -1 : zone.rrsetAt(place, qtype);
    if (rrset < 0) return 0;
    const octets = zone.octetsAt(place);
    const start = rrset - TYPE_OCTETS;
    const members = membersOf(octets, start);
    const end = recordsEnd(octets, start);
    let size = query.length + members * NAME_TO_TTL_OCTETS + end - start - RRSET_OCTETS;
    const isSigned = hasEdns && hasSignatures(octets, start) && isDnssecOk(query, questionEnd);
    const { signer } = found!;
    if (isSigned) size += rrsigsSize(octets, end, signer);
    if (size > (overTcp ? MAX_MESSAGE_OCTETS : datagramLimit(query, questionEnd, hasEdns))) return 0;
    this.#nameEnd = nameEnd;
    this.#zone = zone;
    this.#signer = signer;
    this.#place = place;
    this.#rrset = rrset;
    this.#members = members;
    this.#signatures = isSigned ? end : 0;
    this.#hasEdns = hasEdns;
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
    if (signatures > 0) {
      const type = u16(query, nameEnd);
      to = writeRrsigs(reply, to, HEADER_OCTETS, { octets, type, ttl, signatures, signer: this.#signer });
    }
    if (this.#hasEdns) writePlainOpt(reply, to, isDnssecOk(query, questionEnd));
    return reply;
  }

  /** The reply that the rate limit lets pass instead: nothing but TC=1, so that a real client asks again over TCP. */
  truncated(query: Uint8Array): Buffer {
    const questionEnd = this.#nameEnd + 4;
    const reply = Buffer.allocUnsafe(query.length);
    for (let i = 0; i < questionEnd; i++) reply[i] = query[i]!;
    reply[2] = 0x82 | (query[2]! & 0x01);
    reply[3] = query[3]! & 0x10;
    if (this.#hasEdns) writePlainOpt(reply, questionEnd, isDnssecOk(query, questionEnd));
    return reply;
  }
}

function isDirectType(type: number): boolean {
  return type <= LAST_DATA_TYPE && !INDIRECT_TYPES.has(type) && compressedNameAt(type) < 0;
}

function datagramLimit(query: Uint8Array, questionEnd: number, hasEdns: boolean): number {
  return hasEdns ? udpLimitOf(u16(query, questionEnd + 3)) : PLAIN_UDP_OCTETS;
}

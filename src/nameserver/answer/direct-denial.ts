/**
 * Negative answers with DO of a zone with NSEC3 and without delegations, put together from octets. What all replies below one closest
 * encloser have in common is written once for each version of the zone; one NSEC3 record is found for the question.
 *
 * All other queries are left to answer.ts, proofs.ts and reply-writer.ts, which give the same reply to these.
 */
import { lowerCaseText } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { Rcode } from '../../dns/wire/message.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { HASH_LABEL_OCTETS, type ProofOrder } from '../zone/chain-order.ts';
import { hashOfKey, lowerCase } from '../zone/name-hash.ts';
import { findRRsetAt, hasSignatures, membersOf, RRSET_OCTETS, recordsEnd, u16 } from '../zone/node-octets.ts';
import type { PackedOctets } from '../zone/packed-octets.ts';
import { parentKey } from '../zone/zone-version.ts';
import type { AnswerableVersion, AnswerableZone, OwnedRRset } from './answerable.ts';
import { HEADER_OCTETS } from './dns-service.ts';
import { Proofs, signedSoa, wildcardAt } from './proofs.ts';
import { hasSimpleHeader } from './query.ts';
import { QuestionZones } from './question-zones.ts';
import { ReplyWriter } from './reply-writer.ts';
import { isDnssecOk, isPlainOpt, OPT_OCTETS, udpLimitOf, writePlainOpt } from './request-edns.ts';
import { rrsigsSize, type SignedOctets, writeRrsigs } from './rrsig-octets.ts';

/** The authority section that questions with the same end have in common. */
interface CommonPart {
  readonly octets: Buffer;
  readonly records: number;
  /** Offsets in `octets` of compression pointers, which are right for a question that ends at `questionEnd`. */
  readonly pointers: readonly number[];
  readonly questionEnd: number;
  /** The end of QNAME, in this letter case. */
  readonly suffix: Buffer;
  /** `DomainName.key` of the owner names of its NSEC3 records. */
  readonly owners: ReadonlySet<string>;
  /** Hashes of names below the apex that its SOA record would be compressed with. */
  readonly soaNames: ReadonlySet<number>;
}

/** One NSEC3 record with its signatures. */
interface Proof extends SignedOctets {
  /** Offset of the owner name, without its length. */
  readonly owner: number;
  /** Of RDATA with its length. */
  readonly end: number;
}

interface Found {
  readonly zone: AnswerableZone;
  readonly common: CommonPart;
  /** Undefined: the common part has it. */
  readonly proof: Proof | undefined;
  readonly nameEnd: number;
  readonly rcode: number;
}

/** Of one version; the others are answered in the other way. */
const MAX_COMMON_PARTS = 1000;
/** Key of the common part of replies that a name does not have a type; the others have the place of the closest encloser. */
const NO_DATA = -1;
const OWNER_LABEL_OCTETS = 1 + HASH_LABEL_OCTETS;
/** A label that no name has. */
const OTHER_LABEL = `\x3f${'\0'.repeat(63)}`;
/** What the answer to them depends on is not only the name (answer.ts). */
const INDIRECT_TYPES: ReadonlySet<number> = new Set([RRType.OPT, RRType.DS, RRType.RRSIG, RRType.NSEC3]);

export class DirectDenials {
  readonly #zones: QuestionZones;
  readonly #writer = new ReplyWriter();
  /** By place of the closest encloser, or NO_DATA; undefined: there is a wildcard. */
  readonly #common = new WeakMap<AnswerableVersion, Map<number, CommonPart | undefined>>();
  #found: Found | undefined;

  /** @param zones all that this server has */
  constructor(zones: Iterable<AnswerableZone>) {
    this.#zones = new QuestionZones(zones);
  }

  /**
   * Reads a query, and finds what denies that the name, or the type, is there.
   * @returns the size of the reply in octets; 0: another way must answer it
   */
  find(query: Uint8Array, overTcp: boolean): number {
    this.#found = undefined;
    if (!hasSimpleHeader(query) || query[11] !== 1) return 0;
    const nameEnd = this.#zones.read(query);
    const opt = nameEnd + 4;
    if (nameEnd < 0 || query.length !== opt + OPT_OCTETS || !isPlainOpt(query, opt) || !isDnssecOk(query, opt))
      return 0;
    const isIn = query[nameEnd + 2] === 0 && query[nameEnd + 3] === RRClass.IN;
    if (!isIn || !isDirectType(u16(query, nameEnd))) return 0;
    const zone = this.#zones.find(query, nameEnd)?.zone;
    const version = zone?.published;
    if (version?.octets === undefined || version.chain !== 'nsec3' || zone?.order === undefined) return 0;
    const found = this.#findIn(query, nameEnd, zone, version, version.octets, zone.order);
    if (found === undefined) return 0;
    const { common, proof } = found;
    const size = query.length + common.octets.length + (proof === undefined ? 0 : proofSize(proof));
    if (size > (overTcp ? MAX_MESSAGE_OCTETS : udpLimitOf(u16(query, opt + 3)))) return 0;
    this.#found = found;
    return size;
  }

  #findIn(
    query: Uint8Array,
    nameEnd: number,
    zone: AnswerableZone,
    version: AnswerableVersion,
    table: PackedOctets,
    order: ProofOrder,
  ): Found | undefined {
    const { starts, hashes } = this.#zones.names;
    const apexStart = nameEnd - zone.apex.octets.length;
    // The first label of what questions have in common.
    let label = 0;
    let place = table.placeOfOctets(query, HEADER_OCTETS, nameEnd, hashes[0]!);
    const isName = place >= 0;
    if (isName) {
      if (hasType(table, place, u16(query, nameEnd))) return undefined;
      while (starts[label]! < apexStart) label += 1;
    } else {
      while (place < 0 && starts[label]! < apexStart) {
        label += 1;
        place = table.placeOfOctets(query, starts[label]!, nameEnd, hashes[label]!);
      }
    }
    const start = starts[isName ? 0 : label]!;
    // It may be there only as the owner name of an NSEC3 record.
    if (place < 0 || (start < apexStart && query[start] === HASH_LABEL_OCTETS)) return undefined;
    const common = this.#commonPart(version, order, isName ? NO_DATA : place, keyOf(query, starts[label]!, nameEnd));
    if (common === undefined || !endsWith(query, nameEnd, common.suffix)) return undefined;
    if (label > 0 && common.soaNames.has(hashes[label - 1]!)) return undefined;
    const owner = order.ownerAtOrBefore(keyOf(query, starts[isName ? 0 : label - 1]!, nameEnd));
    if (owner === undefined) return undefined;
    const isCommon = common.owners.has(owner);
    const proof = isCommon ? undefined : proofAt(table, owner, zone.apex.key);
    if (!isCommon && proof === undefined) return undefined;
    return { zone, common, proof, nameEnd, rcode: isName ? Rcode.NOERROR : Rcode.NXDOMAIN };
  }

  /** `DomainName.key` of the apex of the zone, and the RCODE. Of the query that `find` read last. */
  get denied(): { readonly source: string; readonly rcode: number } {
    const { zone, rcode } = this.#found!;
    return { source: zone.apex.key, rcode };
  }

  /** The reply to the query that `find` read last. @param size as `find` returned it */
  reply(query: Uint8Array, size: number): Buffer {
    const { common, proof, nameEnd, rcode, zone } = this.#found!;
    const reply = Buffer.allocUnsafe(size);
    const questionEnd = writeHead(query, nameEnd, reply, rcode);
    // AA.
    reply[2]! |= 0x04;
    reply.set(common.octets, questionEnd);
    const shift = questionEnd - common.questionEnd;
    for (const pointer of common.pointers) {
      const at = questionEnd + pointer;
      const value = u16(reply, at) + shift;
      reply[at] = value >> 8;
      reply[at + 1] = value;
    }
    let { records } = common;
    let to = questionEnd + common.octets.length;
    if (proof !== undefined) {
      records += 1 + proof.octets[proof.signatures]!;
      to = writeProof(reply, to, proof, nameEnd - zone.apex.octets.length);
    }
    reply[8] = records >> 8;
    reply[9] = records;
    writePlainOpt(reply, to, true);
    return reply;
  }

  /** The reply that the rate limit lets pass instead: nothing but TC=1. */
  truncated(query: Uint8Array): Buffer {
    const { nameEnd, rcode } = this.#found!;
    const reply = Buffer.allocUnsafe(query.length);
    const questionEnd = writeHead(query, nameEnd, reply, rcode);
    // TC.
    reply[2]! |= 0x02;
    writePlainOpt(reply, questionEnd, true);
    return reply;
  }

  #commonPart(version: AnswerableVersion, order: ProofOrder, key: number, encloser: string): CommonPart | undefined {
    let ofVersion = this.#common.get(version);
    if (ofVersion === undefined) {
      ofVersion = new Map();
      this.#common.set(version, ofVersion);
    }
    const known = ofVersion.get(key);
    if (known !== undefined || ofVersion.has(key) || ofVersion.size >= MAX_COMMON_PARTS) return known;
    const common = this.#makeCommonPart(version, order, key === NO_DATA ? undefined : encloser);
    ofVersion.set(key, common);
    return common;
  }

  /** @param encloser key of the closest encloser, for a name that is not there */
  #makeCommonPart(version: AnswerableVersion, order: ProofOrder, encloser: string | undefined): CommonPart | undefined {
    const { apex, apexNode, soa } = version;
    if (encloser !== undefined && version.has(wildcardAt(encloser))) return undefined;
    const proven: OwnedRRset[] = [];
    if (encloser !== undefined) new Proofs(version, order, proven).noWildcard(encloser);
    const section = [...signedSoa(version), ...proven];
    const suffix = encloser === undefined ? apexNode.wireText : version.find(encloser)!.wireText;
    const qname = OTHER_LABEL + suffix;
    const questionEnd = HEADER_OCTETS + qname.length + 4;
    const writer = this.#writer;
    writer.pointers = [];
    writer.begin(Buffer.alloc(questionEnd), questionEnd, qname, MAX_MESSAGE_OCTETS);
    writer.section(1, section);
    const octets = writer.finish(0, Rcode.NOERROR).subarray(questionEnd);
    return {
      octets,
      records: section.reduce((sum, { rrset }) => sum + rrset.rdatas.length, 0),
      pointers: writer.pointers.map((at) => at - questionEnd),
      questionEnd,
      suffix: Buffer.from(suffix, 'latin1'),
      owners: new Set(
        proven.flatMap(({ owner, rrset }) => (rrset.type === RRType.NSEC3 ? [lowerCaseText(owner)] : [])),
      ),
      soaNames: soaNames(soa.rdatas[0]!, apex.key),
    };
  }
}

function isDirectType(type: number): boolean {
  return (type <= 127 || type >= 256) && !INDIRECT_TYPES.has(type);
}

/** Whether a name has the type, or a CNAME, or cannot be read here. */
function hasType(table: PackedOctets, place: number, type: number): boolean {
  const node = table.nodeOffset(place);
  if (node < 0) return true;
  const octets = table.octetsAt(place);
  return findRRsetAt(octets, node, type) >= 0 || findRRsetAt(octets, node, RRType.CNAME) >= 0;
}

/** Hashes of the names in a SOA record, and of names above them, below the apex. */
function soaNames(rdata: string, apexKey: string): ReadonlySet<number> {
  const hashes = new Set<number>();
  let start = 0;
  for (let name = 0; name < 2; name++) {
    let end = start;
    while (rdata.charCodeAt(end) !== 0) end += rdata.charCodeAt(end) + 1;
    const key = lowerCaseText(rdata.slice(start, end + 1));
    for (let above = key; above.length > apexKey.length && above.endsWith(apexKey); above = parentKey(above))
      hashes.add(hashOfKey(above));
    start = end + 1;
  }
  return hashes;
}

/** `DomainName.key` of a part of a query. */
function keyOf(query: Uint8Array, start: number, end: number): string {
  let key = '';
  for (let at = start; at < end; at++) key += String.fromCharCode(lowerCase(query[at]!));
  return key;
}

function endsWith(query: Uint8Array, end: number, suffix: Uint8Array): boolean {
  const start = end - suffix.length;
  for (let i = 0; i < suffix.length; i++) if (query[start + i] !== suffix[i]) return false;
  return true;
}

function proofAt(table: PackedOctets, ownerKey: string, apexKey: string): Proof | undefined {
  const place = table.placeOf(ownerKey, hashOfKey(ownerKey));
  const ttl = place < 0 ? -1 : table.rrsetAt(place, RRType.NSEC3);
  if (ttl < 0) return undefined;
  const octets = table.octetsAt(place);
  const rrset = ttl - 2;
  if (membersOf(octets, rrset) !== 1 || !hasSignatures(octets, rrset)) return undefined;
  const end = recordsEnd(octets, rrset);
  const signer = Buffer.from(apexKey, 'latin1');
  return { octets, type: RRType.NSEC3, ttl, signatures: end, signer, owner: table.nodeOffset(place) + 1, end };
}

function proofSize({ octets, ttl, end, signatures, signer }: Proof): number {
  const ownerAndRecord = OWNER_LABEL_OCTETS + 2 + 8 + end - (ttl - 2 + RRSET_OCTETS);
  return ownerAndRecord + rrsigsSize(octets, signatures, signer);
}

/** @param apex offset in the reply of the apex @returns the offset after the records */
function writeProof(reply: Uint8Array, start: number, proof: Proof, apex: number): number {
  const { octets, owner, ttl, end } = proof;
  for (let i = 0; i < OWNER_LABEL_OCTETS; i++) reply[start + i] = octets[owner + i]!;
  let to = start + OWNER_LABEL_OCTETS;
  reply[to] = 0xc0 | (apex >> 8);
  reply[to + 1] = apex;
  reply[to + 2] = 0;
  reply[to + 3] = RRType.NSEC3;
  reply[to + 4] = 0;
  reply[to + 5] = RRClass.IN;
  for (let i = 0; i < 4; i++) reply[to + 6 + i] = octets[ttl + i]!;
  to += 10;
  for (let from = ttl - 2 + RRSET_OCTETS; from < end; from++) reply[to++] = octets[from]!;
  return writeRrsigs(reply, to, start, proof);
}

/** Header and question: QR, the RCODE; RD and CD are copied (RFC 1035 §4.1.1, RFC 4035 §3.1.6). @returns the offset after them */
function writeHead(query: Uint8Array, nameEnd: number, reply: Uint8Array, rcode: number): number {
  const questionEnd = nameEnd + 4;
  for (let i = 0; i < questionEnd; i++) reply[i] = query[i]!;
  reply[2] = 0x80 | (query[2]! & 0x01);
  reply[3] = (query[3]! & 0x10) | rcode;
  return questionEnd;
}

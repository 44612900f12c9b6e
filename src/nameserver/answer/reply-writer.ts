/**
 * Encodes replies: header and question of the query, then RRsets with name compression (RFC 1035 §4.1.4, RFC 3597 §4). If
 * a record does not fit, TC is set.
 *
 * Owner names are compressed against the question case-insensitively (RFC 4343 §4.1), names in RDATA only against
 * identical octets. All replies share one scratch buffer; a finished reply is copied out of it.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { HASH_LABEL_OCTETS } from '../zone/chain-order.ts';
import type { OwnedRRset } from './answerable.ts';

const HEADER_OCTETS = 12;
/** Offsets from here on are too large for a compression pointer (RFC 1035 §4.1.4). */
const MAX_POINTER = 0x4000;
const FLAG_QR = 0x8000;
const FLAG_AA = 0x0400;
const FLAG_TC = 0x0200;
const OPCODE = 0x7800;
/** RD and CD are copied from the query (RFC 1035 §4.1.1, RFC 4035 §3.1.6). */
const RD_AND_CD = 0x0100 | 0x0010;

const scratch = Buffer.allocUnsafe(MAX_MESSAGE_OCTETS + 1024);

/** Offset in RDATA of a name that may be compressed (RFC 3597 §4), or -1. */
export function compressedNameAt(type: number): number {
  switch (type) {
    case RRType.NS:
    case RRType.CNAME:
    case RRType.PTR:
    case RRType.SOA:
      return 0;
    case RRType.MX:
      return 2;
    default:
      return -1;
  }
}

export class ReplyWriter {
  #length = 0;
  #limit = MAX_MESSAGE_OCTETS;
  #flags = 0;
  #truncated = false;
  readonly #counts = [0, 0, 0];
  /** `wireText` of QNAME, with the letter case of the query. */
  #qname = '';
  /** Offsets of name suffixes in the message; filled on first use. */
  readonly #suffixes = new Map<string, number>();
  #suffixesReady = false;
  /** Owner name of the last record that has one of its own, and its offset. */
  #lastOwner = '';
  #lastOwnerAt = 0;
  /** Where it notes the offsets of compression pointers. */
  pointers: number[] | undefined;

  /**
   * Begins a reply with the header and the question of `query`.
   * @param questionEnd offset of the end of the question; 12 for a reply without it
   * @param qname wireText of QNAME, or empty
   * @param limit maximum size of the reply without records that are added later (OPT, TSIG)
   */
  begin(query: Uint8Array, questionEnd: number, qname: string, limit: number): void {
    for (let i = 0; i < questionEnd; i++) scratch[i] = query[i]!;
    this.#length = questionEnd;
    this.#limit = limit;
    const flags = (query[2]! << 8) | query[3]!;
    // In UPDATE and NOTIFY these bits are reserved, and zero in replies (RFC 2136 §2.2).
    this.#flags = FLAG_QR | (flags & ((flags & OPCODE) === 0 ? RD_AND_CD : OPCODE));
    this.#truncated = false;
    this.#counts[0] = 0;
    this.#counts[1] = 0;
    this.#counts[2] = 0;
    this.#qname = qname;
    if (this.#suffixesReady) this.#suffixes.clear();
    this.#suffixesReady = false;
    this.#lastOwner = '';
    scratch[4] = 0;
    scratch[5] = questionEnd > HEADER_OCTETS ? 1 : 0;
  }

  setAuthoritative(): void {
    this.#flags |= FLAG_AA;
  }

  setTruncated(): void {
    this.#truncated = true;
    this.#flags |= FLAG_TC;
  }

  /**
   * Adds RRsets to a section (0 answer, 1 authority, 2 additional). The first record that does not fit sets TC; nothing is
   * added after it.
   */
  section(index: 0 | 1 | 2, rrsets: readonly OwnedRRset[]): void {
    if (this.#truncated) return;
    for (const { owner, rrset, ttl, rrClass = RRClass.IN } of rrsets) {
      for (const rdata of rrset.rdatas) {
        const before = this.#length;
        if (!this.#record(owner, rrset.type, rrClass, ttl, rdata)) {
          this.#length = before;
          this.setTruncated();
          return;
        }
        this.#counts[index]! += 1;
      }
    }
  }

  /** Adds an OPT record (RFC 6891 §6.1.2); the limit does not apply to it. */
  opt(udpPayloadSize: number, extendedRcode: number, dnssecOk: boolean, options: string): void {
    this.#u8(0);
    this.#u16(RRType.OPT);
    this.#u16(udpPayloadSize);
    this.#u8(extendedRcode);
    this.#u8(0);
    this.#u16(dnssecOk ? 0x8000 : 0);
    this.#u16(options.length);
    this.#octets(options);
    this.#counts[2]! += 1;
  }

  /** Returns the reply in a new buffer. */
  finish(id: number, rcode: number): Buffer {
    scratch[0] = id >> 8;
    scratch[1] = id;
    const flags = this.#flags | (rcode & 0xf);
    scratch[2] = flags >> 8;
    scratch[3] = flags;
    for (let i = 0; i < 3; i++) {
      scratch[6 + 2 * i] = this.#counts[i]! >> 8;
      scratch[7 + 2 * i] = this.#counts[i]!;
    }
    const reply = Buffer.allocUnsafe(this.#length);
    if (this.#length > 96) reply.set(scratch.subarray(0, this.#length));
    else for (let i = 0; i < this.#length; i++) reply[i] = scratch[i]!;
    return reply;
  }

  /** False if the record does not fit; the caller then resets the length. */
  #record(owner: string, type: number, rrClass: number, ttl: number, rdata: string): boolean {
    // Upper bound of the record's size, so that nothing is written beyond the scratch buffer.
    if (this.#length + owner.length + rdata.length + 10 > scratch.length) return false;
    this.#owner(owner);
    this.#u16(type);
    this.#u16(rrClass);
    this.#u16(ttl >>> 16);
    this.#u16(ttl);
    const lengthAt = this.#length;
    this.#length += 2;
    const nameAt = compressedNameAt(type);
    if (nameAt < 0) this.#octets(rdata);
    else {
      let end = this.#name(rdata, nameAt, nameAt === 2 ? rdata.slice(0, 2) : '');
      if (type === RRType.SOA) end = this.#name(rdata, end, '');
      if (end < rdata.length) this.#octets(rdata.slice(end));
    }
    const length = this.#length - lengthAt - 2;
    scratch[lengthAt] = length >> 8;
    scratch[lengthAt + 1] = length;
    return this.#length <= this.#limit;
  }

  /**
   * An owner name that is QNAME or a suffix of it (usually the apex) or that of the record before becomes one pointer, the label of an
   * NSEC3 record is followed by one.
   */
  #owner(owner: string): void {
    const suffixAt = this.#suffixAt(owner, 0);
    if (suffixAt > 0) {
      if (owner.length === 1) this.#u8(0);
      else this.#pointer(suffixAt);
      return;
    }
    if (owner === this.#lastOwner) {
      this.#pointer(this.#lastOwnerAt);
      return;
    }
    if (this.#length < MAX_POINTER) {
      this.#lastOwner = owner;
      this.#lastOwnerAt = this.#length;
    }
    const parent = owner.charCodeAt(0) + 1;
    const parentAt = parent === 1 + HASH_LABEL_OCTETS ? this.#suffixAt(owner, parent) : 0;
    if (parentAt === 0) {
      this.#name(owner, 0, '');
      return;
    }
    this.#octets(owner.slice(0, parent));
    this.#pointer(parentAt);
  }

  /** Offset in the message of a name that is QNAME or a suffix of it, or 0. @param at where the name begins in `owner` */
  #suffixAt(owner: string, at: number): number {
    const qname = this.#qname;
    const before = qname.length - (owner.length - at);
    const isFound =
      before >= 0 && ((before === 0 && at === 0 && owner === qname) || isSuffix(qname, before, owner, at));
    return isFound ? HEADER_OCTETS + before : 0;
  }

  /** Writes `prefix` and the compressed name at `start` of `octets`. @returns the offset of the end of the name */
  #name(octets: string, start: number, prefix: string): number {
    this.#prepareSuffixes();
    if (prefix !== '') this.#octets(prefix);
    const end = nameEnd(octets, start);
    for (let at = start; at < end - 1; at += octets.charCodeAt(at) + 1) {
      const suffix = octets.slice(at, end);
      const offset = this.#suffixes.get(suffix);
      // Suffixes of a record that did not fit have offsets beyond the end.
      if (offset !== undefined && offset < this.#length) {
        this.#pointer(offset);
        return end;
      }
      if (this.#length < MAX_POINTER) this.#suffixes.set(suffix, this.#length);
      this.#octets(octets.slice(at, at + octets.charCodeAt(at) + 1));
    }
    this.#u8(0);
    return end;
  }

  #prepareSuffixes(): void {
    if (this.#suffixesReady) return;
    this.#suffixesReady = true;
    const qname = this.#qname;
    for (let at = 0; at < qname.length - 1; at += qname.charCodeAt(at) + 1) {
      this.#suffixes.set(qname.slice(at), HEADER_OCTETS + at);
    }
  }

  #pointer(offset: number): void {
    this.pointers?.push(this.#length);
    this.#u16(0xc000 | offset);
  }

  #u8(value: number): void {
    scratch[this.#length++] = value;
  }

  #u16(value: number): void {
    scratch[this.#length++] = value >> 8;
    scratch[this.#length++] = value;
  }

  #octets(text: string): void {
    const { length } = text;
    if (length > 32) scratch.write(text, this.#length, 'latin1');
    else for (let i = 0; i < length; i++) scratch[this.#length + i] = text.charCodeAt(i);
    this.#length += length;
  }
}

/** Offset of the end of the name at `at`, including its root label. */
function nameEnd(octets: string, at: number): number {
  let end = at;
  while (octets.charCodeAt(end) !== 0) end += octets.charCodeAt(end) + 1;
  return end + 1;
}

/** True if `name` from `at` on equals `other` from `otherAt` on case-insensitively, and `at` is the start of a label. */
function isSuffix(name: string, at: number, other: string, otherAt: number): boolean {
  let label = 0;
  while (label < at) label += name.charCodeAt(label) + 1;
  if (label !== at) return false;
  for (let i = 0; at + i < name.length; i++) {
    const a = name.charCodeAt(at + i);
    const b = other.charCodeAt(otherAt + i);
    if (a !== b && lower(a) !== lower(b)) return false;
  }
  return true;
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}

/**
 * DNS messages <-> octets (RFC 1035 §4.1; header bits AD and CD: RFC 4035 §3; UPDATE: RFC 2136 §2).
 *
 * Decoding is strict: section counts must match, no octets may follow the last record, a TSIG record must be the last one
 * (RFC 8945 §5.1), and only one OPT record is allowed (RFC 6891 §6.1.1). The reserved header bit is ignored when read and
 * written as 0.
 */
import type { DomainName } from '../name.ts';
import { formatRRType, type Rdata, type ResourceRecord, RRClass, RRType } from '../rdata.ts';
import { decodeRdata, encodeRdata } from './rdata-codec.ts';
import { WireError, WireReader } from './reader.ts';
import { WireOverflow, WireWriter } from './writer.ts';

export const Opcode = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5 } as const;

/** RCODEs (RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §9, RFC 7873 §8). */
export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;

const RCODE_NAMES = new Map<number, string>(Object.entries(Rcode).map(([name, code]) => [code, name]));

export function formatRcode(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}

export interface Question {
  readonly qname: DomainName;
  readonly qtype: number;
  readonly qclass: number;
}

export interface Message {
  readonly id: number;
  /** QR. */
  readonly response: boolean;
  readonly opcode: number;
  /** AA. */
  readonly authoritative: boolean;
  /** TC. */
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** The 4 bits of the header; EDNS adds 8 more (`fullRcode`). */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

export interface DecodedMessage extends Message {
  /** Offset of the TSIG record, which is then the last of `additional`. */
  readonly tsigOffset?: number;
}

const EMPTY: Message = {
  id: 0,
  response: false,
  opcode: Opcode.QUERY,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: Rcode.NOERROR,
  questions: [],
  answers: [],
  authority: [],
  additional: [],
};

/** A message whose omitted fields are 0, false or empty. */
export function makeMessage(fields: Partial<Message>): Message {
  return { ...EMPTY, ...fields };
}

/** @throws WireError if the octets are not exactly one message */
export function decodeMessage(octets: Uint8Array): DecodedMessage {
  const reader = new WireReader(octets);
  const id = reader.u16();
  const flags = reader.u16();
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const;
  // A question has at least 5 octets and a record 11: a header with impossible counts is rejected before any allocation.
  if (counts[0] * 5 + (counts[1] + counts[2] + counts[3]) * 11 > reader.remaining) reader.fail('counts do not match');
  const questions: Question[] = [];
  for (let i = 0; i < counts[0]; i++) {
    questions.push({ qname: reader.name(), qtype: reader.u16(), qclass: reader.u16() });
  }
  const answers = decodeRecords(reader, counts[1]);
  const authority = decodeRecords(reader, counts[2]);
  const additional: ResourceRecord[] = [];
  let tsigOffset = -1;
  let optRecords = 0;
  for (let i = 0; i < counts[3]; i++) {
    const offset = reader.offset;
    const record = decodeRecord(reader);
    if (record.type === RRType.TSIG) {
      if (i !== counts[3] - 1) throw new WireError('TSIG is not the last record', offset);
      if (record.class !== RRClass.ANY || record.ttl !== 0 || record.rdata.kind !== 'TSIG') {
        throw new WireError('malformed TSIG record', offset);
      }
      tsigOffset = offset;
    }
    if (record.type === RRType.OPT) {
      optRecords += 1;
      if (optRecords > 1) throw new WireError('more than one OPT record', offset);
      if (!record.ownerName.isRoot) throw new WireError('owner name of OPT is not the root', offset);
    }
    additional.push(record);
  }
  if (reader.remaining !== 0) reader.fail('octets after the last record');
  const message = {
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    authenticData: (flags & 0x0020) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: flags & 0xf,
    questions,
    answers,
    authority,
    additional,
  };
  return tsigOffset < 0 ? message : { ...message, tsigOffset };
}

/** The answer or the authority section. */
function decodeRecords(reader: WireReader, count: number): ResourceRecord[] {
  const records: ResourceRecord[] = [];
  for (let i = 0; i < count; i++) {
    const { offset } = reader;
    const record = decodeRecord(reader);
    if (record.type === RRType.TSIG || record.type === RRType.OPT) {
      throw new WireError(`${formatRRType(record.type)} outside the additional section`, offset);
    }
    records.push(record);
  }
  return records;
}

const EMPTY_RDATA: Rdata = { kind: 'empty' };

function decodeRecord(reader: WireReader): ResourceRecord {
  const ownerName = reader.name();
  const type = reader.u16();
  const rrClass = reader.u16();
  const ttl = reader.u32();
  const length = reader.u16();
  if (length > reader.remaining) reader.fail('RDATA beyond the message');
  // The class field of OPT is a payload size (RFC 6891 §6.1.2), which may happen to be 254 or 255.
  if (length === 0 && (rrClass === RRClass.ANY || rrClass === RRClass.NONE) && type !== RRType.OPT) {
    return { ownerName, type, class: rrClass, ttl, rdata: EMPTY_RDATA };
  }
  const end = reader.end;
  reader.end = reader.offset + length;
  const rdata = decodeRdata(reader, type);
  reader.end = end;
  return { ownerName, type, class: rrClass, ttl, rdata };
}

/** The octets of a message with compressed names. @throws WireOverflow beyond 65,535 octets */
export function encodeMessage(message: Message): Buffer {
  const records = message.answers.length + message.authority.length + message.additional.length;
  const writer = new WireWriter(64 + records * 48);
  writer.u16(message.id);
  writer.u16(
    (message.response ? 0x8000 : 0) |
      ((message.opcode & 0xf) << 11) |
      (message.authoritative ? 0x0400 : 0) |
      (message.truncated ? 0x0200 : 0) |
      (message.recursionDesired ? 0x0100 : 0) |
      (message.recursionAvailable ? 0x0080 : 0) |
      (message.authenticData ? 0x0020 : 0) |
      (message.checkingDisabled ? 0x0010 : 0) |
      (message.rcode & 0xf),
  );
  for (const section of [message.questions, message.answers, message.authority, message.additional]) {
    if (section.length > 0xffff) throw new WireOverflow('section');
    writer.u16(section.length);
  }
  for (const question of message.questions) {
    writer.name(question.qname);
    writer.u16(question.qtype);
    writer.u16(question.qclass);
  }
  for (const record of message.answers) encodeRecord(writer, record);
  for (const record of message.authority) encodeRecord(writer, record);
  for (const record of message.additional) encodeRecord(writer, record);
  return writer.finish();
}

/** Writes one record. The owner name of a TSIG record is never compressed (RFC 8945 §4.2). */
export function encodeRecord(writer: WireWriter, record: ResourceRecord): void {
  writer.name(record.ownerName, record.type !== RRType.TSIG);
  writer.u16(record.type);
  writer.u16(record.class);
  writer.u32(record.ttl);
  const lengthAt = writer.length;
  writer.u16(0);
  encodeRdata(writer, record.rdata);
  const length = writer.length - lengthAt - 2;
  if (length > 0xffff) throw new WireOverflow('RDATA');
  writer.patchU16(lengthAt, length);
}

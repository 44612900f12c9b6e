/**
 * The fast path for reading a query: header, one uncompressed question, at most an OPT record (RFC 1035 §4.1, RFC 6891
 * §6.1). Other messages (TSIG, UPDATE, malformed ones) are left to `decodeMessage`.
 */
import { lowerCaseText, MAX_NAME_OCTETS } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { HEADER_OCTETS } from './dns-service.ts';
import { emptyRequestEdns, type RequestEdns, readOption } from './request-edns.ts';

export interface Question {
  /** `DomainName.wireText` and `key` of QNAME. */
  readonly wireText: string;
  readonly key: string;
  readonly qtype: number;
  readonly qclass: number;
  /** Offset in the message of the end of the question. */
  readonly questionEnd: number;
}

export interface Query extends Question {
  readonly edns: RequestEdns | undefined;
}

/** Undefined for a message that does not have this simple form. */
export function readQuery(octets: Uint8Array): Query | undefined {
  if (!hasSimpleHeader(octets)) return undefined;
  const question = readQuestion(octets);
  if (question === undefined) return undefined;
  const { questionEnd } = question;
  if (octets[11] === 0) return octets.length === questionEnd ? { ...question, edns: undefined } : undefined;
  const edns = readOpt(octets, questionEnd);
  return edns && { ...question, edns };
}

/** AXFR or IXFR. */
export function isTransfer(qtype: number): boolean {
  return qtype === RRType.AXFR || qtype === RRType.IXFR;
}

/** Opcode QUERY, one question, no answer and authority, at most one additional record. */
export function hasSimpleHeader(octets: Uint8Array): boolean {
  if ((octets[2]! & 0xf8) !== 0 || octets[4] !== 0 || octets[5] !== 1) return false;
  return (octets[6]! | octets[7]! | octets[8]! | octets[9]! | octets[10]!) === 0 && octets[11]! <= 1;
}

/** The first question; undefined if its name is compressed or too long. */
export function readQuestion(octets: Uint8Array): Question | undefined {
  let at = HEADER_OCTETS;
  for (;;) {
    const length = octets[at];
    if (length === undefined || length > 63) return undefined;
    at += length + 1;
    if (length === 0) break;
  }
  const questionEnd = at + 4;
  if (at - HEADER_OCTETS > MAX_NAME_OCTETS || questionEnd > octets.length) return undefined;
  const wireText = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1', HEADER_OCTETS, at);
  const qtype = (octets[at]! << 8) | octets[at + 1]!;
  const qclass = (octets[at + 2]! << 8) | octets[at + 3]!;
  return { wireText, key: lowerCaseText(wireText), qtype, qclass, questionEnd };
}

/** An OPT record that reaches from `at` to the end of the message. */
function readOpt(octets: Uint8Array, at: number): RequestEdns | undefined {
  const u16 = (offset: number) => (octets[offset]! << 8) | octets[offset + 1]!;
  if (octets.length < at + 11 || octets[at] !== 0 || u16(at + 1) !== RRType.OPT) return undefined;
  if (u16(at + 9) !== octets.length - at - 11) return undefined;
  const edns = emptyRequestEdns(u16(at + 3), octets[at + 6]!, (octets[at + 7]! & 0x80) !== 0);
  let option = at + 11;
  while (option < octets.length) {
    if (option + 4 > octets.length) return undefined;
    const end = option + 4 + u16(option + 2);
    if (end > octets.length) return undefined;
    readOption(edns, u16(option), octets, option + 4, end);
    option = end;
  }
  return edns;
}

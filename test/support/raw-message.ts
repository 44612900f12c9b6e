/** Builds DNS messages octet by octet, also such as our codec refuses to write. All octets are hexadecimal text. */
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';

export type RawOption = readonly [code: number, octets: string];

export interface RawOptFields {
  readonly version?: number;
  /** The owner name; default: the root. */
  readonly owner?: string;
  readonly size?: number;
  /** Octets after the options, which RDLENGTH covers. */
  readonly tail?: string;
}

export interface RawMessageFields {
  readonly opcode?: number;
  readonly questions?: readonly string[];
  readonly answers?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  /** Octets after the last record. */
  readonly tail?: string;
}

const u16 = (value: number): string => value.toString(16).padStart(4, '0');

export function rawName(name: string): string {
  return Buffer.from(DomainName.parse(name).octets).toString('hex');
}

export function rawQuestion(name: string, qtype: number, qclass = 1): string {
  return rawName(name) + u16(qtype) + u16(qclass);
}

export function rawOpt(options: readonly RawOption[] = [], fields: RawOptFields = {}): string {
  const { version = 0, owner = '00', size = 1232, tail = '' } = fields;
  const rdata = options.map(([code, octets]) => u16(code) + u16(octets.length / 2) + octets).join('') + tail;
  return `${owner}${u16(RRType.OPT)}${u16(size)}00${u16(version).slice(2)}0000${u16(rdata.length / 2)}${rdata}`;
}

/** The SOA of a secondary with serial 1, for IXFR (RFC 1995 §3). */
export function rawSoa(zone: string): string {
  return `${rawName(zone)}0006000100000000${u16(22)}000000000001${'00'.repeat(16)}`;
}

/** 192.0.2.1 at the root. */
export const RAW_ADDRESS = `0000010001000000000004c0000201`;

export function rawMessage(fields: RawMessageFields): Buffer {
  const { opcode = 0, questions = [], answers = [], authority = [], additional = [], tail = '' } = fields;
  const sections = [questions, answers, authority, additional];
  const counts = sections.map((section) => u16(section.length)).join('');
  return Buffer.from(`0000${u16(opcode << 11)}${counts}${sections.flat().join('')}${tail}`, 'hex');
}

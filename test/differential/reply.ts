/**
 * The comparable form of a reply: names without case, RDATA without compression, sections as sorted lists, OPT as
 * presence, version and DO. Size and options of OPT are not compared.
 */
import { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type ResourceRecord, RRType } from '../../src/dns/rdata.ts';
import { findEdns, fullRcode } from '../../src/dns/wire/edns.ts';
import { decodeMessage, formatRcode } from '../../src/dns/wire/message.ts';
import { WireError } from '../../src/dns/wire/reader.ts';
import type { RawReply } from './asker.ts';

export const FIELDS = [
  'outcome',
  'rcode',
  'opcode',
  'aa',
  'tc',
  'ra',
  'rd',
  'ad',
  'cd',
  'question',
  'answer',
  'authority',
  'additional',
  'edns',
] as const;

export type Field = (typeof FIELDS)[number];

/** Every field as text; a section as lines. */
export type ReplyForm = Readonly<Record<Field, string>> & {
  /** Octets on the wire; 0 without a reply. Not compared. */
  readonly size: number;
  readonly answers: readonly ResourceRecord[];
};

const NO_REPLY: ReplyForm = {
  ...(Object.fromEntries(FIELDS.map((field) => [field, ''])) as Record<Field, string>),
  size: 0,
  answers: [],
};

/** A value inside RDATA: names without case, octets in hexadecimal. */
function plain(value: unknown): unknown {
  if (value instanceof DomainName) return value.toString().toLowerCase();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
  }
  return value;
}

function recordLine(rr: ResourceRecord): string {
  const owner = rr.ownerName.toString().toLowerCase();
  return `${owner} ${rr.ttl} CLASS${rr.class} ${formatRRType(rr.type)} ${JSON.stringify(plain(rr.rdata))}`;
}

const section = (records: readonly ResourceRecord[]): string => records.map(recordLine).sort().join('\n');

/** Decodes with our own strict codec; a WireError is an outcome. */
export function replyForm(raw: RawReply): ReplyForm {
  if (!(raw instanceof Uint8Array)) return { ...NO_REPLY, outcome: raw };
  try {
    const message = decodeMessage(raw);
    const edns = findEdns(message);
    const word = (set: boolean, name: string): string => (set ? name : '');
    return {
      outcome: message.response ? 'reply' : 'a query',
      rcode: formatRcode(fullRcode(message)),
      opcode: String(message.opcode),
      aa: word(message.authoritative, 'aa'),
      tc: word(message.truncated, 'tc'),
      ra: word(message.recursionAvailable, 'ra'),
      rd: word(message.recursionDesired, 'rd'),
      ad: word(message.authenticData, 'ad'),
      cd: word(message.checkingDisabled, 'cd'),
      question: message.questions.map(({ qname, qtype, qclass }) => `${qname} ${qclass} ${qtype}`).join('\n'),
      answer: section(message.answers),
      authority: section(message.authority),
      additional: section(message.additional.filter(({ type }) => type !== RRType.OPT)),
      edns: edns === undefined ? 'none' : `version ${edns.version}${edns.dnssecOk ? ' do' : ''}`,
      size: raw.length,
      answers: message.answers,
    };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ...NO_REPLY, outcome: `malformed: ${error.message}`, size: raw.length };
  }
}

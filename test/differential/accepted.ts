/**
 * Intentional differences between our server and BIND, with reason and standard. docs/standards.md has the same list. A row
 * that no longer explains any difference fails the test.
 */
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { findEdns } from '../../src/dns/wire/edns.ts';
import { type Message, Opcode } from '../../src/dns/wire/message.ts';
import type { Accepted, Difference } from './comparison.ts';
import type { ReplyForm } from './reply.ts';

/** BIND truncates replies that are up to this much below the limit: it reserves room for uncompressed names. */
const EARLY_OCTETS = 16;

const qtype = ({ questions }: Message): number | undefined => questions[0]?.qtype;
const qclass = ({ questions }: Message): number | undefined => questions[0]?.qclass;
const lines = (text: string): readonly string[] => (text === '' ? [] : text.split('\n'));

function isPlainQuery({ message }: Difference['query']): boolean {
  return message.opcode === Opcode.QUERY && message.questions.length === 1 && qclass(message) === RRClass.IN;
}

function udpLimit(message: Message): number {
  const size = findEdns(message)?.udpPayloadSize ?? 512;
  return Math.min(Math.max(size, 512), 1232);
}

const isAddress = (line: string): boolean => / (A|AAAA) \{/.test(line);
const onlyAddresses = (text: string): boolean => lines(text).every(isAddress);

export const ACCEPTED: readonly Accepted[] = [
  {
    name: 'truncated replies hold different parts',
    reason: 'A client that sees TC ignores the rest of the reply and retries over TCP (RFC 2181 §9).',
    standard: 'RFC 2181',
    // BIND returns the AD bit of the query in a truncated reply only.
    fields: ['answer', 'authority', 'additional', 'ad'],
    covers: ({ ours, theirs }) => ours.tc !== '' && theirs.tc !== '',
  },
  {
    name: 'BIND truncates before the limit is reached',
    reason: 'We send what fits. BIND reserves more room than the reply needs.',
    standard: 'RFC 2181',
    fields: ['tc', 'ad', 'answer', 'authority', 'additional'],
    covers: ({ query, ours, theirs }) => {
      const limit = udpLimit(query.message);
      return ours.tc === '' && theirs.tc !== '' && ours.size <= limit && ours.size > limit - EARLY_OCTETS;
    },
  },
  {
    name: 'a referral whose glue does not fit is truncated',
    reason: 'RFC 9471 §3.1 requires all glue or TC. BIND omits glue silently.',
    standard: 'RFC 9471',
    fields: ['tc', 'authority', 'additional'],
    covers: ({ ours, theirs }) => ours.tc !== '' && theirs.tc === '' && ours.aa === '' && ours.rcode === 'NOERROR',
  },
  {
    name: 'a loop or a long chain of CNAMEs is NOERROR',
    reason:
      'We answer what we know, and the resolver continues from there, as with Knot and NSD. BIND answers SERVFAIL.',
    standard: 'RFC 1034',
    fields: ['rcode', 'answer'],
    covers: ({ query, ours, theirs }) => {
      const isChain = ours.answers.length > 0 && ours.answers.every(({ type }) => isRedirection(type));
      return isPlainQuery(query) && theirs.rcode === 'SERVFAIL' && ours.rcode === 'NOERROR' && isChain;
    },
  },
  {
    name: 'a referral has all addresses of its nameservers that are in the zone',
    reason: 'RFC 1034 §4.3.2 step 3b. BIND omits addresses that are not glue, and glue that would just fit.',
    standard: 'RFC 1034',
    fields: ['additional'],
    covers: ({ query, ours, theirs }) => {
      const isReferral = / NS \{/.test(ours.authority) && ours.authority === theirs.authority;
      const known = new Set(lines(ours.additional));
      const isMore = lines(theirs.additional).every((line) => known.has(line)) && onlyAddresses(ours.additional);
      return isPlainQuery(query) && isReferral && isMore;
    },
  },
  {
    name: 'an NS answer has no addresses',
    reason: 'Minimal answers: a client that needs addresses queries them. BIND makes an exception for QTYPE NS.',
    standard: 'RFC 1034',
    fields: ['additional'],
    covers: ({ query, ours, theirs }) => {
      return qtype(query.message) === RRType.NS && ours.additional === '' && onlyAddresses(theirs.additional);
    },
  },
  {
    name: 'ANY over UDP returns another one of the RRsets',
    reason: 'RFC 8482 §4.1: the server chooses one RRset.',
    standard: 'RFC 8482',
    fields: ['answer', 'additional'],
    covers: ({ query, ours, theirs }) => {
      const isOne = (reply: ReplyForm) =>
        new Set(reply.answers.filter(({ type }) => !isRedirection(type)).map(({ type }) => type)).size === 1;
      return qtype(query.message) === RRType.ANY && query.transport === 'udp' && isOne(ours) && isOne(theirs);
    },
  },
  {
    name: 'a BADVERS reply to other opcodes has the question',
    reason: 'The client sees what was not understood. BIND returns only a header.',
    standard: 'RFC 1035',
    fields: ['question'],
    covers: ({ query, ours, theirs }) => {
      const { opcode } = query.message;
      return opcode !== Opcode.QUERY && ours.rcode === theirs.rcode && theirs.question === '';
    },
  },
  {
    name: 'two questions: FORMERR with OPT',
    reason: 'RFC 6891 §7: a reply to a request with OPT has OPT. BIND omits it in this FORMERR.',
    standard: 'RFC 6891',
    // BIND repeats two questions that have the same name.
    fields: ['edns', 'rd', 'cd', 'question'],
    covers: ({ query, ours, theirs }) =>
      query.message.questions.length > 1 && ours.rcode === 'FORMERR' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'two questions with an unknown version of EDNS: BADVERS',
    reason: 'RFC 6891 §6.1.3: the version is checked first. BIND checks the number of questions first.',
    standard: 'RFC 6891',
    fields: ['rcode', 'edns', 'rd', 'cd'],
    covers: ({ query, ours, theirs }) =>
      query.message.questions.length > 1 && ours.rcode === 'BADVERS' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'a CNAME synthesized from a DNAME is not compressed',
    reason:
      'No compression pointer refers to the RDATA of a DNAME (RFC 3597 §4), so the reply is longer than that of BIND.',
    standard: 'RFC 6672',
    fields: ['tc', 'answer', 'authority', 'additional'],
    covers: ({ ours, theirs }) => {
      const fromDname = theirs.answers.some(({ type }) => type === RRType.DNAME);
      return fromDname && ours.tc !== '' && theirs.tc === '' && ours.rcode === theirs.rcode;
    },
  },
  {
    name: 'every class but IN is REFUSED, for transfers and UPDATE NOTAUTH',
    reason: 'We serve no zone of such a class. BIND distinguishes FORMERR (0, NONE, ANY) and NOTIMP (unassigned).',
    standard: 'RFC 1035',
    // For BIND a SOA of class IN in such an IXFR is malformed, and its reply has no OPT.
    fields: ['rcode', 'edns'],
    covers: ({ query, ours, theirs }) => {
      const known =
        ['REFUSED', 'NOTAUTH', 'FORMERR'].includes(ours.rcode) && ours.answer === '' && ours.authority === '';
      return qclass(query.message) !== RRClass.IN && known && ['FORMERR', 'NOTIMP', 'REFUSED'].includes(theirs.rcode);
    },
  },
  {
    name: 'class CH is always answered',
    reason: 'BIND limits its CH view to three replies a second, so many queries stay unanswered.',
    standard: 'RFC 1035',
    fields: ['outcome', 'rcode', 'opcode', 'rd', 'cd', 'question', 'edns'],
    covers: ({ query, ours, theirs }) =>
      qclass(query.message) === RRClass.CH && ours.outcome === 'reply' && theirs.outcome === 'no reply',
  },
  {
    name: 'AXFR over UDP and IXFR without the SOA of the client are FORMERR',
    reason:
      'RFC 5936 §4.2, RFC 1995 §3: it is not a valid transfer request. BIND looks up the zone first: NOTAUTH, REFUSED.',
    standard: 'RFC 5936',
    fields: ['rcode'],
    covers: ({ query, ours, theirs }) => {
      const isAxfr = qtype(query.message) === RRType.AXFR && query.transport === 'udp';
      const isIxfr = qtype(query.message) === RRType.IXFR && query.message.authority.length === 0;
      const isOtherRcode = ['NOTAUTH', 'REFUSED', 'NOTIMP'].includes(theirs.rcode);
      return (isAxfr || isIxfr) && ours.rcode === 'FORMERR' && isOtherRcode;
    },
  },
  {
    name: 'opcodes other than QUERY and UPDATE are NOTIMP, regardless of the message',
    reason:
      'This server is the primary of all its zones and accepts no NOTIFY (RFC 1996 §3). BIND parses more first: FORMERR.',
    standard: 'RFC 1035',
    fields: ['rcode', 'question', 'edns'],
    covers: ({ query, ours, theirs }) => {
      const { opcode } = query.message;
      const isOther = opcode !== Opcode.QUERY && opcode !== Opcode.UPDATE;
      return isOther && ours.rcode === 'NOTIMP' && ['FORMERR', 'NOTAUTH', 'NOTIMP', 'REFUSED'].includes(theirs.rcode);
    },
  },
];

function isRedirection(type: number): boolean {
  return type === RRType.CNAME || type === RRType.DNAME;
}

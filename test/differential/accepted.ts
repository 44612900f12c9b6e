// Where our server differs from BIND on purpose. Each row says why, and which standard it concerns; docs/standards.md has
// the same list. A row that explains nothing any more fails the test.
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { findEdns } from '../../src/dns/wire/edns.ts';
import { type Message, Opcode } from '../../src/dns/wire/message.ts';
import type { Accepted, Difference } from './comparison.ts';
import type { ReplyForm } from './reply.ts';

/** By how much less than the limit BIND calls a reply too long; its check reckons with longer names than it writes. */
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
    reason: 'A client that sees TC ignores the rest of the reply and asks by TCP (RFC 2181 §9).',
    standard: 'RFC 2181',
    // BIND returns the AD bit of the query in a truncated reply only.
    fields: ['answer', 'authority', 'additional', 'ad'],
    covers: ({ ours, theirs }) => ours.tc !== '' && theirs.tc !== '',
  },
  {
    name: 'BIND truncates before the limit is reached',
    reason: 'What fits is sent. BIND asks for more room than the reply takes in the end.',
    standard: 'RFC 2181',
    fields: ['tc', 'ad', 'answer', 'authority', 'additional'],
    covers: ({ query, ours, theirs }) => {
      const limit = udpLimit(query.message);
      return ours.tc === '' && theirs.tc !== '' && ours.size <= limit && ours.size > limit - EARLY_OCTETS;
    },
  },
  {
    name: 'a referral whose glue does not fit is truncated',
    reason: 'RFC 9471 §3.1 asks for all glue or TC. BIND leaves glue out silently.',
    standard: 'RFC 9471',
    fields: ['tc', 'authority', 'additional'],
    covers: ({ ours, theirs }) => ours.tc !== '' && theirs.tc === '' && ours.aa === '' && ours.rcode === 'NOERROR',
  },
  {
    name: 'a loop or a long chain of CNAMEs is NOERROR',
    reason: 'What is known is answered and the resolver goes on from there, as with Knot and NSD. BIND says SERVFAIL.',
    standard: 'RFC 1034',
    fields: ['rcode', 'answer'],
    covers: ({ query, ours, theirs }) => {
      const isChain = ours.answers.length > 0 && ours.answers.every(({ type }) => isRedirection(type));
      return isPlainQuery(query) && theirs.rcode === 'SERVFAIL' && ours.rcode === 'NOERROR' && isChain;
    },
  },
  {
    name: 'a referral brings every address of its nameservers that the zone has',
    reason: 'RFC 1034 §4.3.2 step 3b. BIND leaves out addresses that are no glue, and glue that would just fit.',
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
    name: 'an NS answer brings no addresses',
    reason: 'Minimal answers: who wants addresses asks for them. BIND makes an exception for QTYPE NS.',
    standard: 'RFC 1034',
    fields: ['additional'],
    covers: ({ query, ours, theirs }) => {
      return qtype(query.message) === RRType.NS && ours.additional === '' && onlyAddresses(theirs.additional);
    },
  },
  {
    name: 'ANY by UDP gives another one of the RRsets',
    reason: 'RFC 8482 §4.1: one RRset of the choice of the server.',
    standard: 'RFC 8482',
    fields: ['answer', 'additional'],
    covers: ({ query, ours, theirs }) => {
      const isOne = (reply: ReplyForm) =>
        new Set(reply.answers.filter(({ type }) => !isRedirection(type)).map(({ type }) => type)).size === 1;
      return qtype(query.message) === RRType.ANY && query.transport === 'udp' && isOne(ours) && isOne(theirs);
    },
  },
  {
    name: 'the question comes back in BADVERS of other opcodes',
    reason: 'A client sees what was not understood. BIND returns a header.',
    standard: 'RFC 1035',
    fields: ['question'],
    covers: ({ query, ours, theirs }) => {
      const { opcode } = query.message;
      return opcode !== Opcode.QUERY && ours.rcode === theirs.rcode && theirs.question === '';
    },
  },
  {
    name: 'two questions: FORMERR with OPT',
    reason: 'RFC 6891 §7: a reply to a request with OPT has OPT. BIND leaves it out of this FORMERR.',
    standard: 'RFC 6891',
    // BIND repeats two questions that have the same name.
    fields: ['edns', 'rd', 'cd', 'question'],
    covers: ({ query, ours, theirs }) =>
      query.message.questions.length > 1 && ours.rcode === 'FORMERR' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'two questions with an unknown version of EDNS: BADVERS',
    reason: 'RFC 6891 §6.1.3: the version is looked at first. BIND counts the questions first.',
    standard: 'RFC 6891',
    fields: ['rcode', 'edns', 'rd', 'cd'],
    covers: ({ query, ours, theirs }) =>
      query.message.questions.length > 1 && ours.rcode === 'BADVERS' && theirs.rcode === 'FORMERR',
  },
  {
    name: 'a CNAME from a DNAME is written out in full',
    reason: 'No name points into the RDATA of a DNAME (RFC 3597 §4), so that such a reply is longer than BIND has it.',
    standard: 'RFC 6672',
    fields: ['tc', 'answer', 'authority', 'additional'],
    covers: ({ ours, theirs }) => {
      const fromDname = theirs.answers.some(({ type }) => type === RRType.DNAME);
      return fromDname && ours.tc !== '' && theirs.tc === '' && ours.rcode === theirs.rcode;
    },
  },
  {
    name: 'every class but IN is REFUSED, for transfers and UPDATE NOTAUTH',
    reason: 'There is no zone of such a class here. BIND tells apart FORMERR (0, NONE, ANY) and NOTIMP (unassigned).',
    standard: 'RFC 1035',
    // A SOA of class IN in such an IXFR is malformed to BIND, and its reply to that has no OPT.
    fields: ['rcode', 'edns'],
    covers: ({ query, ours, theirs }) => {
      const known =
        ['REFUSED', 'NOTAUTH', 'FORMERR'].includes(ours.rcode) && ours.answer === '' && ours.authority === '';
      return qclass(query.message) !== RRClass.IN && known && ['FORMERR', 'NOTIMP', 'REFUSED'].includes(theirs.rcode);
    },
  },
  {
    name: 'class CH is answered always',
    reason: 'BIND limits its own CH view to three replies a second, so that many go unanswered.',
    standard: 'RFC 1035',
    fields: ['outcome', 'rcode', 'opcode', 'rd', 'cd', 'question', 'edns'],
    covers: ({ query, ours, theirs }) =>
      qclass(query.message) === RRClass.CH && ours.outcome === 'reply' && theirs.outcome === 'no reply',
  },
  {
    name: 'AXFR by UDP and IXFR without the SOA of the client are FORMERR',
    reason:
      'RFC 5936 §4.2, RFC 1995 §3: it is no request for a transfer. BIND looks for the zone first: NOTAUTH, REFUSED.',
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
    name: 'opcodes other than QUERY and UPDATE are NOTIMP, whatever the message says',
    reason:
      'This server is the primary of all its zones and takes no NOTIFY (RFC 1996 §3). BIND reads more first: FORMERR.',
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

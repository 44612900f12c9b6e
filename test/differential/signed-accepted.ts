/** Intentional differences between our answers of a signed zone and those of BIND, beside those of accepted.ts. */
import { RRType } from '../../src/dns/rdata.ts';
import { findEdns } from '../../src/dns/wire/edns.ts';
import type { Accepted, Difference } from './comparison.ts';
import type { ReplyForm } from './reply.ts';

/** BIND compresses no name against one in another letter case, so that its replies are longer. */
const LONGER_OCTETS = 96;

const REDIRECTIONS: ReadonlySet<number> = new Set([RRType.CNAME, RRType.DNAME, RRType.RRSIG]);

const qtypeOf = ({ query }: Difference) => query.message.questions[0]!.qtype;
const lines = (text: string): readonly string[] => (text === '' ? [] : text.split('\n'));
const isOneRRset = ({ answers }: ReplyForm) => {
  const types = answers.flatMap(({ type, rdata }) => {
    if (type === RRType.CNAME || type === RRType.DNAME) return [];
    return rdata.kind === 'RRSIG' ? [] : [type];
  });
  return new Set(types).size <= 1;
};

export const SIGNED_ACCEPTED: readonly Accepted[] = [
  {
    name: 'a loop or a long chain of CNAMEs is NOERROR',
    reason:
      'We answer what we know, with signatures, and the resolver continues from there, as with Knot and NSD. BIND answers SERVFAIL.',
    standard: 'RFC 1034',
    fields: ['rcode', 'tc', 'answer', 'authority'],
    covers: ({ ours, theirs }) => {
      const isChain = ours.answers.length > 0 && ours.answers.every(({ type }) => REDIRECTIONS.has(type));
      return theirs.rcode === 'SERVFAIL' && ours.rcode === 'NOERROR' && isChain;
    },
  },
  {
    name: 'BIND truncates what fits',
    reason: 'Its replies are longer: names in another letter case are not compressed.',
    standard: 'RFC 2181',
    fields: ['tc', 'answer', 'authority', 'additional'],
    covers: ({ query, ours, theirs }) => {
      const limit = Math.min(findEdns(query.message)!.udpPayloadSize, 1232);
      return ours.tc === '' && theirs.tc !== '' && ours.size <= limit && ours.size > limit - LONGER_OCTETS;
    },
  },
  {
    name: 'ANY and RRSIG over UDP return another one of the RRsets or signatures',
    reason: 'RFC 8482 §4.1: the server chooses one.',
    standard: 'RFC 8482',
    fields: ['answer'],
    covers: (difference) => {
      const { query, ours, theirs } = difference;
      const isChoice = qtypeOf(difference) === RRType.ANY || qtypeOf(difference) === RRType.RRSIG;
      return isChoice && query.transport === 'udp' && isOneRRset(ours) && isOneRRset(theirs);
    },
  },
  {
    name: 'an NS answer has no addresses',
    reason: 'Minimal answers: a client that needs addresses queries them. BIND makes an exception for QTYPE NS.',
    standard: 'RFC 1034',
    fields: ['additional'],
    covers: (difference) => {
      const { ours, theirs } = difference;
      const areAddresses = lines(theirs.additional).every((line) => / (A|AAAA|RRSIG) \{/.test(line));
      return qtypeOf(difference) === RRType.NS && ours.additional === '' && areAddresses;
    },
  },
  {
    name: 'NODATA of a wildcard that is an empty non-terminal has its proof',
    reason: 'RFC 4035 §3.1.3.4: no name is closer, and the wildcard has no types. BIND proves only the first.',
    standard: 'RFC 4035',
    fields: ['tc', 'authority'],
    covers: ({ ours, theirs }) => {
      const known = new Set(lines(ours.authority));
      const isMore = ours.tc !== '' || lines(theirs.authority).every((line) => known.has(line));
      return isMore && / NSEC .*"next":"x\.\*\.star\./.test(ours.authority);
    },
  },
];

/**
 * Answers received messages: queries, UPDATE and transfers, with EDNS (RFC 6891; the options are in reply-edns.ts), TSIG
 * (RFC 8945) and response rate limiting.
 *
 * A datagram gets at most one reply. If its source address may be forged, the reply is small and rate-limited.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { checkRequest } from '../../dns/tsig.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { UDP_PAYLOAD_OCTETS } from '../../dns/wire/edns.ts';
import { type DecodedMessage, decodeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { type Answer, answerQuestion, errorAnswer, type ZoneIndex } from './answer.ts';
import { answerChaos, type ServerIdentity } from './chaos.ts';
import { DirectAnswers, directZone } from './direct-answer.ts';
import { type DnsPeer, type DnsService, HEADER_OCTETS, type StreamReply } from './dns-service.ts';
import { type Question, readQuery, readQuestion } from './query.ts';
import type { RateVerdict, ResponseLimiter } from './rate-limit.ts';
import { addExpire, type ReplyEdns, ReplyEdnsMaker, type ReplyEdnsOptions, replyOpt } from './reply-edns.ts';
import { ReplyWriter } from './reply-writer.ts';
import { ednsRcode, OPT_OCTETS, PLAIN_UDP_OCTETS, type RequestEdns, requestEdns, udpLimit } from './request-edns.ts';
import type { ServiceRequest } from './service-request.ts';

export interface ServiceOptions extends ServerIdentity, ReplyEdnsOptions {
  readonly zones: ZoneIndex;
  readonly findKey: (keyName: DomainName) => TsigKey | undefined;
  /** The largest fudge of a request that is accepted; a larger one is taken for this one. */
  readonly tsigFudgeMax: number | undefined;
  readonly limiter: ResponseLimiter | undefined;
  /** Applies an UPDATE (RFC 2136); resolves to the RCODE of the reply. */
  readonly update: (request: ServiceRequest) => Promise<number>;
  /** The messages of AXFR and IXFR, signed as the request was. */
  readonly transfer: (request: ServiceRequest) => AsyncIterable<Uint8Array>;
  /** Called for each reply to a query or an UPDATE with its RCODE of 12 bits. */
  readonly onReply?: (rcode: number, overTcp: boolean) => void;
}

const FLAG_RESPONSE = 0x80;
/** A COOKIE option without a server cookie (RFC 7873 §4). */
const CLIENT_COOKIE_OCTETS = 8;

export class NameserverService implements DnsService {
  readonly #options: ServiceOptions;
  readonly #writer = new ReplyWriter();
  readonly #direct: DirectAnswers;
  readonly #edns: ReplyEdnsMaker;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#direct = new DirectAnswers([...options.zones.values()].map(directZone));
    this.#edns = new ReplyEdnsMaker(options);
  }

  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#answerMessage(octets, peer, false) as ReturnType<DnsService['answerDatagram']>;
  }

  answerStream(octets: Uint8Array, peer: DnsPeer): StreamReply {
    return this.#answerMessage(octets, peer, true);
  }

  #answerMessage(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): StreamReply {
    const size = this.#direct.find(octets, overTcp);
    if (size > 0) return this.#answerDirectly(octets, size, peer, overTcp);
    const query = readQuery(octets);
    if (query === undefined || isTransfer(query.qtype)) return this.#answerOther(octets, peer, overTcp);
    const requested = query.edns;
    const limit = overTcp ? MAX_MESSAGE_OCTETS : udpLimit(requested);
    if (requested === undefined) return this.#answerQuery(octets, query, peer, overTcp, undefined, limit, undefined);
    const edns = this.#edns.make(requested, peer, overTcp);
    const rcode = ednsRcode(requested);
    if (rcode !== Rcode.NOERROR) return this.#error(octets, rcode, peer, overTcp, edns);
    return this.#answerQuery(octets, query, peer, overTcp, edns, limit, undefined);
  }

  /** @param size of the reply that was found */
  #answerDirectly(octets: Uint8Array, size: number, peer: DnsPeer, overTcp: boolean): Uint8Array | undefined {
    const { limiter, onReply } = this.#options;
    const isTrusted = overTcp || limiter === undefined;
    const verdict = isTrusted ? 'send' : limiter.check(peer.address, 'answer', this.#direct.keyOf(octets));
    if (verdict === 'drop') return undefined;
    onReply?.(Rcode.NOERROR, overTcp);
    return verdict === 'slip' ? this.#direct.truncated(octets) : this.#direct.reply(octets, size);
  }

  /** @param key of a verified signature @returns the reply without its TSIG record */
  #answerQuery(
    octets: Uint8Array,
    query: Question,
    peer: DnsPeer,
    overTcp: boolean,
    edns: ReplyEdns | undefined,
    limit: number,
    key: TsigKey | undefined,
  ): Uint8Array | undefined {
    const answer = this.#answer(query, overTcp);
    const isTrusted = overTcp || key !== undefined || edns?.cookieIsValid || this.#options.limiter === undefined;
    const verdict = isTrusted ? 'send' : this.#check(peer, answer);
    if (verdict === 'drop') return undefined;
    if (edns?.expire && query.qtype === RRType.SOA && verdict === 'send') addExpireOf(answer, edns);
    return this.#write(octets, query, answer, edns, limit, overTcp, verdict === 'slip');
  }

  #check(peer: DnsPeer, { kind, source }: Answer): RateVerdict {
    const rateKind = kind === 'nodata' || kind === 'nxdomain' ? 'negative' : kind;
    return this.#options.limiter!.check(peer.address, rateKind, source);
  }

  #answer(query: Question, overTcp: boolean): Answer {
    const { qtype, qclass } = query;
    if (qclass === RRClass.CH) return answerChaos(query, this.#options);
    if (qclass !== RRClass.IN) return errorAnswer(Rcode.REFUSED);
    // QTYPEs and meta types (RFC 6895 §3.1): 128 to 255, and OPT.
    if (qtype === RRType.OPT || (qtype >= 128 && qtype < RRType.ANY)) {
      return errorAnswer(qtype === MAILA || qtype === MAILB ? Rcode.NOTIMP : Rcode.FORMERR);
    }
    return answerQuestion(this.#options.zones, { ...query, overTcp });
  }

  #write(
    octets: Uint8Array,
    { questionEnd, wireText }: Pick<Question, 'questionEnd' | 'wireText'>,
    answer: Answer,
    edns: ReplyEdns | undefined,
    limit: number,
    overTcp: boolean,
    slip: boolean,
  ): Uint8Array {
    const writer = this.#writer;
    const { rcode, answers, authority, additional } = answer;
    writer.begin(octets, questionEnd, wireText, limit - (edns ? OPT_OCTETS + edns.options.length : 0));
    if (answer.authoritative && !slip) writer.setAuthoritative();
    if (slip) writer.setTruncated();
    else {
      if (answers.length > 0) writer.section(0, answers);
      if (authority.length > 0) writer.section(1, authority);
      if (additional.length > 0) writer.section(2, additional);
    }
    if (edns) writer.opt(UDP_PAYLOAD_OCTETS, rcode >> 4, edns.dnssecOk, edns.options);
    this.#options.onReply?.(rcode, overTcp);
    return writer.finish((octets[0]! << 8) | octets[1]!, rcode);
  }

  /** A reply without data; undefined if the rate limit drops it. @param rcode of 12 bits, above 15 only with EDNS */
  #error(
    octets: Uint8Array,
    rcode: number,
    peer: DnsPeer,
    overTcp: boolean,
    edns: ReplyEdns | undefined,
  ): Uint8Array | undefined {
    const isTrusted = overTcp || edns?.cookieIsValid || this.#options.limiter === undefined;
    if (!isTrusted && this.#options.limiter!.check(peer.address, 'error', '') === 'drop') return undefined;
    return this.#errorReply(octets, rcode, overTcp, edns);
  }

  #errorReply(octets: Uint8Array, rcode: number, overTcp: boolean, edns: ReplyEdns | undefined): Uint8Array {
    const question = octets[4] === 0 && octets[5] === 1 ? readQuestion(octets) : undefined;
    const shape = question ?? { questionEnd: HEADER_OCTETS, wireText: '' };
    return this.#write(octets, shape, errorAnswer(rcode), edns, PLAIN_UDP_OCTETS, overTcp, false);
  }

  /** Answers what is not a plain query: signed messages, UPDATE, transfers, other opcodes, malformed messages. */
  #answerOther(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): StreamReply {
    if ((octets[2]! & FLAG_RESPONSE) !== 0) return undefined;
    let message: DecodedMessage;
    try {
      message = decodeMessage(octets);
    } catch (error) {
      if (error instanceof WireError) return this.#error(octets, malformed(octets), peer, overTcp, undefined);
      throw error;
    }
    const { now, findKey, tsigFudgeMax } = this.#options;
    const requested = requestEdns(message);
    const edns = requested && this.#edns.make(requested, peer, overTcp);
    const check = checkRequest(octets, message, findKey, now(), tsigFudgeMax);
    if (check.kind === 'rejected') {
      const reply = this.#error(octets, check.rcode, peer, overTcp, edns);
      return reply && (check.transaction?.sign(reply, now()) ?? reply);
    }
    const transaction = check.kind === 'verified' ? check.transaction : undefined;
    const key = check.kind === 'verified' ? check.key : undefined;
    const request: ServiceRequest = {
      octets,
      message,
      peer,
      overTcp,
      key,
      edns,
      limit: (overTcp ? MAX_MESSAGE_OCTETS : udpLimit(requested)) - (key ? tsigOctets(key) : 0),
      opt: (soaRdata) => {
        if (edns !== undefined && soaRdata !== undefined) addExpire(edns, soaRdata);
        return edns && replyOpt(edns);
      },
      sign: (reply) => transaction?.sign(reply, now()) ?? reply,
    };
    return this.#answerRequest(request, requested, (rcode) => {
      if (transaction === undefined) return this.#error(octets, rcode, peer, overTcp, edns);
      return request.sign(this.#errorReply(octets, rcode, overTcp, edns));
    });
  }

  #answerRequest(request: ServiceRequest, requested: RequestEdns | undefined, error: ErrorReply): StreamReply {
    const { opcode, questions } = request.message;
    const rcode = requested === undefined ? Rcode.NOERROR : ednsRcode(requested);
    if (rcode === Rcode.BADVERS) return error(rcode);
    if (opcode !== Opcode.QUERY && opcode !== Opcode.UPDATE) return error(Rcode.NOTIMP);
    if (rcode !== Rcode.NOERROR) return error(rcode);
    if (opcode === Opcode.UPDATE) return this.#options.update(request).then(error);
    if (questions.length === 0) return error(cookieQueryRcode(request, requested));
    return this.#answerDecoded(request, error);
  }

  #answerDecoded(request: ServiceRequest, error: ErrorReply): StreamReply {
    const { octets, message, overTcp, peer, key, edns, limit } = request;
    const question = message.questions.length === 1 ? readQuestion(octets) : undefined;
    if (question === undefined) return error(Rcode.FORMERR);
    if (isTransfer(question.qtype)) return this.#answerTransfer(request, question, error);
    const reply = this.#answerQuery(octets, question, peer, overTcp, edns, limit, key);
    return reply && request.sign(reply);
  }

  /** AXFR requires TCP (RFC 5936 §4.2); IXFR can use UDP (RFC 1995 §2), under the rate limit. */
  #answerTransfer(request: ServiceRequest, question: Question, error: ErrorReply): StreamReply {
    const { octets, overTcp, peer, key, edns, limit } = request;
    if (overTcp) return this.#options.transfer(request);
    if (question.qtype === RRType.AXFR) return error(Rcode.FORMERR);
    const { limiter } = this.#options;
    if (key === undefined && !edns?.cookieIsValid && limiter !== undefined) {
      // The limit comes before the work. A name that is not a zone is an error, so that random names share a limit.
      const isZone = this.#options.zones.has(question.key);
      const verdict = limiter.check(peer.address, isZone ? 'answer' : 'error', isZone ? question.key : '');
      if (verdict === 'drop') return undefined;
      if (verdict === 'slip')
        return this.#write(octets, question, errorAnswer(Rcode.NOERROR), edns, limit, false, true);
    }
    return firstOf(this.#options.transfer(request));
  }
}

type ErrorReply = (rcode: number) => Uint8Array | undefined;

const MAILB = 253;
const MAILA = 254;

function isTransfer(qtype: number): boolean {
  return qtype === RRType.AXFR || qtype === RRType.IXFR;
}

/** FORMERR, or NOTIMP for an opcode that is not implemented, whatever follows the header (RFC 1035 §4.1.1). */
function malformed(octets: Uint8Array): number {
  const opcode = (octets[2]! >> 3) & 0xf;
  return opcode === Opcode.QUERY || opcode === Opcode.UPDATE ? Rcode.FORMERR : Rcode.NOTIMP;
}

/** Maximum size of a TSIG record of this key. */
function tsigOctets(key: TsigKey): number {
  const algorithm = 26;
  const mac = 64;
  const otherData = 6;
  return key.keyName.octets.length + 10 + algorithm + 16 + mac + otherData;
}

/**
 * RFC 7873 §5.4: a query without a question that has a COOKIE option requests a server cookie, or checks the one that it
 * has. Otherwise the question is missing.
 */
function cookieQueryRcode({ message, edns }: ServiceRequest, requested: RequestEdns | undefined): number {
  const cookie = requested?.cookie;
  if (cookie === undefined || message.answers.length > 0 || message.authority.length > 0) return Rcode.FORMERR;
  return cookie.length === CLIENT_COOKIE_OCTETS || edns?.cookieIsValid ? Rcode.NOERROR : Rcode.BADCOOKIE;
}

/** The answer to a query for the SOA of a zone has its EXPIRE. */
function addExpireOf({ answers }: Answer, edns: ReplyEdns): void {
  const rrset = answers[0]?.rrset;
  if (answers.length === 1 && rrset?.type === RRType.SOA) addExpire(edns, rrset.rdatas[0]!);
}

async function firstOf(replies: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const reply of replies) return reply;
  return undefined;
}

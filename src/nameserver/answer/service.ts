/**
 * Answers received messages: queries, UPDATE and transfers, with EDNS (RFC 6891; the options are in reply-edns.ts), TSIG
 * (RFC 8945) and response rate limiting.
 *
 * A datagram gets at most one reply. If its source address may be forged, the reply is small and rate-limited.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { checkRequest } from '../../dns/tsig.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { type DecodedMessage, decodeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import type { DnsPeer, DnsService, StreamReply } from './dns-service.ts';
import { isTransfer, type Question, readQuestion } from './query.ts';
import { type QueryOptions, QueryService } from './query-service.ts';
import { addExpire, replyOpt } from './reply-edns.ts';
import { ednsRcode, type RequestEdns, requestEdns, udpLimit } from './request-edns.ts';
import type { ServiceRequest } from './service-request.ts';

export interface ServiceOptions extends QueryOptions {
  readonly findKey: (keyName: DomainName) => TsigKey | undefined;
  /** The largest fudge of a request that is accepted; a larger one is taken for this one. */
  readonly tsigFudgeMax: number | undefined;
  /** Applies an UPDATE (RFC 2136); resolves to the RCODE of the reply. */
  readonly update: (request: ServiceRequest) => Promise<number>;
  /** The messages of AXFR and IXFR, signed as the request was. */
  readonly transfer: (request: ServiceRequest) => AsyncIterable<Uint8Array>;
}

const FLAG_RESPONSE = 0x80;
/** A COOKIE option without a server cookie (RFC 7873 §4). */
const CLIENT_COOKIE_OCTETS = 8;

export class NameserverService implements DnsService {
  readonly #options: ServiceOptions;
  readonly #queries: QueryService;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#queries = new QueryService(options);
  }

  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#answerMessage(octets, peer, false) as ReturnType<DnsService['answerDatagram']>;
  }

  answerStream(octets: Uint8Array, peer: DnsPeer): StreamReply {
    return this.#answerMessage(octets, peer, true);
  }

  #answerMessage(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): StreamReply {
    const direct = this.#queries.answerDirectly(octets, peer, overTcp);
    if (direct !== 'other') return direct;
    const plain = this.#queries.answerPlain(octets, peer, overTcp);
    return plain === 'other' ? this.#answerOther(octets, peer, overTcp) : plain;
  }

  /** Answers what is not a plain query: signed messages, UPDATE, transfers, other opcodes, malformed messages. */
  #answerOther(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): StreamReply {
    if ((octets[2]! & FLAG_RESPONSE) !== 0) return undefined;
    let message: DecodedMessage;
    try {
      message = decodeMessage(octets);
    } catch (error) {
      if (error instanceof WireError) return this.#queries.error(octets, malformed(octets), peer, overTcp, undefined);
      throw error;
    }
    const { now, findKey, tsigFudgeMax } = this.#options;
    const requested = requestEdns(message);
    const edns = requested && this.#queries.edns(requested, peer, overTcp);
    const check = checkRequest(octets, message, findKey, now(), tsigFudgeMax);
    if (check.kind === 'rejected') {
      const reply = this.#queries.error(octets, check.rcode, peer, overTcp, edns);
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
      if (transaction === undefined) return this.#queries.error(octets, rcode, peer, overTcp, edns);
      return request.sign(this.#queries.errorReply(octets, rcode, overTcp, edns));
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
    const reply = this.#queries.answer(octets, question, peer, overTcp, edns, limit, key);
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
      if (verdict === 'slip') return this.#queries.slip(octets, question, edns, limit);
    }
    return firstOf(this.#options.transfer(request));
  }
}

type ErrorReply = (rcode: number) => Uint8Array | undefined;

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

async function firstOf(replies: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const reply of replies) return reply;
  return undefined;
}

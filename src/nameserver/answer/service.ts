/**
 * Answers received messages: queries, UPDATE and transfers, with EDNS (RFC 6891), DNS cookies (RFC 7873), NSID (RFC 5001),
 * TSIG (RFC 8945) and response rate limiting.
 *
 * A datagram gets at most one reply. If its source address may be forged, the reply is small and rate-limited.
 */
import type { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { checkRequest } from '../../dns/tsig.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { findEdns, UDP_PAYLOAD_OCTETS } from '../../dns/wire/edns.ts';
import { type DecodedMessage, decodeMessage, Opcode, Rcode } from '../../dns/wire/message.ts';
import { WireError } from '../../dns/wire/reader.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { type Answer, answerQuestion, errorAnswer, type ZoneIndex } from './answer.ts';
import { answerChaos, type ServerIdentity } from './chaos.ts';
import type { CookieAnswers } from './cookie-answers.ts';
import { type DnsPeer, type DnsService, HEADER_OCTETS, type StreamReply } from './dns-service.ts';
import { EdnsOption, type Query, type QueryEdns, readQuery, readQuestion } from './query.ts';
import type { RateVerdict, ResponseLimiter } from './rate-limit.ts';
import { ReplyWriter } from './reply-writer.ts';
import type { ServiceRequest } from './service-request.ts';

export interface ServiceOptions extends ServerIdentity {
  readonly zones: () => ZoneIndex;
  readonly findKey: (keyName: DomainName) => TsigKey | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly cookies: CookieAnswers;
  readonly limiter: ResponseLimiter | undefined;
  /** Applies an UPDATE (RFC 2136); resolves to the RCODE of the reply. */
  readonly update: (request: ServiceRequest) => Promise<number>;
  /** The messages of AXFR and IXFR, signed as the request was. */
  readonly transfer: (request: ServiceRequest) => AsyncIterable<Uint8Array>;
  /** Called for each reply to a query or an UPDATE with its RCODE of 12 bits. */
  readonly onReply?: (rcode: number, overTcp: boolean) => void;
}

/** The message size that every UDP client accepts (RFC 1035 §4.2.1). */
const PLAIN_UDP_OCTETS = 512;
const FLAG_RESPONSE = 0x80;
const OPT_OCTETS = 11;

interface EdnsReply {
  readonly dnssecOk: boolean;
  readonly extendedRcode: number;
  /** Options in wire form, one character per octet. */
  readonly options: string;
}

export class NameserverService implements DnsService {
  readonly #options: ServiceOptions;
  readonly #writer = new ReplyWriter();
  readonly #nsidOption: string;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#nsidOption = options.nsid === undefined ? '' : ednsOption(EdnsOption.NSID, options.nsid);
  }

  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const query = readQuery(octets);
    if (query !== undefined && !isTransfer(query.qtype)) return this.#answerQuery(octets, query, peer, false);
    return this.#answerOther(octets, peer, false) as ReturnType<DnsService['answerDatagram']>;
  }

  answerStream(octets: Uint8Array, peer: DnsPeer): StreamReply {
    const query = readQuery(octets);
    if (query !== undefined && !isTransfer(query.qtype)) return this.#answerQuery(octets, query, peer, true);
    return this.#answerOther(octets, peer, true);
  }

  /** Answers a plain, unsigned query. */
  #answerQuery(octets: Uint8Array, query: Query, peer: DnsPeer, overTcp: boolean): Uint8Array | undefined {
    const { edns } = query;
    let options = '';
    let cookieIsValid = false;
    if (edns !== undefined) {
      if (edns.nsid) options = this.#nsidOption;
      if (edns.cookie !== undefined) {
        const cookie = this.#options.cookies.answer(edns.cookie, peer.address, this.#options.now());
        if (cookie === undefined) return this.#error(octets, Rcode.FORMERR, peer, overTcp, edns);
        cookieIsValid = cookie.valid;
        options += ednsOption(EdnsOption.COOKIE, latin1(cookie.reply));
      }
      if (edns.version !== 0) return this.#error(octets, Rcode.BADVERS, peer, overTcp, edns);
    }
    const answer = this.#answer(query, overTcp);
    const verdict =
      overTcp || cookieIsValid || this.#options.limiter === undefined ? 'send' : this.#check(peer, answer);
    if (verdict === 'drop') return undefined;
    const limit = overTcp ? MAX_MESSAGE_OCTETS : udpLimit(edns);
    const reply = edns && { dnssecOk: edns.dnssecOk, extendedRcode: 0, options };
    return this.#write(octets, query, answer, reply, limit, overTcp, verdict === 'slip');
  }

  #check(peer: DnsPeer, { kind, source }: Answer): RateVerdict {
    const rateKind = kind === 'nodata' || kind === 'nxdomain' ? 'negative' : kind;
    return this.#options.limiter!.check(peer.address, rateKind, source);
  }

  #answer(query: Query, overTcp: boolean): Answer {
    const { qtype, qclass } = query;
    if (qclass === RRClass.CH) return answerChaos(query, this.#options);
    if (qclass !== RRClass.IN) return errorAnswer(Rcode.REFUSED);
    // QTYPEs and meta types (RFC 6895 §3.1): 128 to 255, and OPT.
    if (qtype === RRType.OPT || (qtype >= 128 && qtype < RRType.ANY)) {
      return errorAnswer(qtype === MAILA || qtype === MAILB ? Rcode.NOTIMP : Rcode.FORMERR);
    }
    return answerQuestion(this.#options.zones(), { ...query, overTcp });
  }

  #write(
    octets: Uint8Array,
    { questionEnd, wireText }: Pick<Query, 'questionEnd' | 'wireText'>,
    answer: Answer,
    edns: EdnsReply | undefined,
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
    if (edns) writer.opt(UDP_PAYLOAD_OCTETS, edns.extendedRcode, edns.dnssecOk, edns.options);
    this.#options.onReply?.(rcode | ((edns?.extendedRcode ?? 0) << 4), overTcp);
    return writer.finish((octets[0]! << 8) | octets[1]!, rcode);
  }

  /** A reply with an error and no data; undefined if the rate limit drops it. */
  #error(
    octets: Uint8Array,
    rcode: number,
    peer: DnsPeer,
    overTcp: boolean,
    edns?: Pick<QueryEdns, 'dnssecOk'>,
  ): Uint8Array | undefined {
    const verdict = overTcp ? 'send' : (this.#options.limiter?.check(peer.address, 'error', '') ?? 'send');
    if (verdict === 'drop') return undefined;
    return this.#errorReply(octets, rcode, overTcp, edns);
  }

  #errorReply(octets: Uint8Array, rcode: number, overTcp: boolean, edns?: Pick<QueryEdns, 'dnssecOk'>): Uint8Array {
    const question = octets[4] === 0 && octets[5] === 1 ? readQuestion(octets) : undefined;
    const reply = edns && { dnssecOk: edns.dnssecOk, extendedRcode: rcode >> 4, options: '' };
    const shape = question ?? { questionEnd: HEADER_OCTETS, wireText: '' };
    return this.#write(octets, shape, errorAnswer(rcode & 0xf), reply, PLAIN_UDP_OCTETS, overTcp, false);
  }

  /** Answers what is not a plain query: signed messages, UPDATE, transfers, other opcodes, malformed messages. */
  #answerOther(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): StreamReply {
    if ((octets[2]! & FLAG_RESPONSE) !== 0) return undefined;
    let message: DecodedMessage;
    try {
      message = decodeMessage(octets);
    } catch (error) {
      if (error instanceof WireError) return this.#error(octets, malformed(octets), peer, overTcp);
      throw error;
    }
    const { now, findKey } = this.#options;
    const check = checkRequest(octets, message, findKey, now());
    if (check.kind === 'rejected') {
      const reply = this.#error(octets, check.rcode, peer, overTcp);
      return reply && (check.transaction?.sign(reply, now()) ?? reply);
    }
    const transaction = check.kind === 'verified' ? check.transaction : undefined;
    const key = check.kind === 'verified' ? check.key : undefined;
    const edns = findEdns(message);
    const request: ServiceRequest = {
      octets,
      message,
      peer,
      overTcp,
      key,
      limit: (overTcp ? MAX_MESSAGE_OCTETS : udpLimit(edns)) - (key ? tsigOctets(key) : 0),
      sign: (reply) => transaction?.sign(reply, now()) ?? reply,
    };
    const signedError = (rcode: number) => {
      if (transaction === undefined) return this.#error(octets, rcode, peer, overTcp, edns);
      return request.sign(this.#errorReply(octets, rcode, overTcp, edns));
    };
    if (edns !== undefined && edns.version !== 0) return signedError(Rcode.BADVERS);
    switch (message.opcode) {
      case Opcode.QUERY:
        return this.#answerDecoded(request, edns?.dnssecOk, signedError);
      case Opcode.UPDATE:
        return this.#answerUpdate(request, edns?.dnssecOk);
      default:
        return signedError(Rcode.NOTIMP);
    }
  }

  #answerDecoded(
    request: ServiceRequest,
    dnssecOk: boolean | undefined,
    error: (rcode: number) => Uint8Array | undefined,
  ): StreamReply {
    const { octets, message, overTcp, peer, key, limit } = request;
    const question = message.questions.length === 1 ? readQuestion(octets) : undefined;
    if (question === undefined) return error(Rcode.FORMERR);
    if (isTransfer(question.qtype)) {
      // AXFR requires TCP (RFC 5936 §4.2); IXFR can use UDP (RFC 1995 §2).
      if (!overTcp && question.qtype === RRType.AXFR) return error(Rcode.FORMERR);
      const replies = this.#options.transfer(request);
      return overTcp ? replies : firstOf(replies);
    }
    const query = { ...question, edns: undefined };
    const answer = this.#answer(query, overTcp);
    const verdict = overTcp || key || !this.#options.limiter ? 'send' : this.#check(peer, answer);
    if (verdict === 'drop') return undefined;
    const edns = dnssecOk === undefined ? undefined : { dnssecOk, extendedRcode: 0, options: '' };
    return request.sign(this.#write(octets, query, answer, edns, limit, overTcp, verdict === 'slip'));
  }

  async #answerUpdate(request: ServiceRequest, dnssecOk: boolean | undefined): Promise<Uint8Array | undefined> {
    const { octets, peer, overTcp, key } = request;
    const rcode = await this.#options.update(request);
    const edns = dnssecOk === undefined ? undefined : { dnssecOk };
    if (key === undefined) return this.#error(octets, rcode, peer, overTcp, edns);
    return request.sign(this.#errorReply(octets, rcode, overTcp, edns));
  }
}

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

function udpLimit(edns: { readonly udpPayloadSize: number } | undefined): number {
  // A size below 512 is treated as 512 (RFC 6891 §6.2.5).
  return edns === undefined
    ? PLAIN_UDP_OCTETS
    : Math.min(Math.max(edns.udpPayloadSize, PLAIN_UDP_OCTETS), UDP_PAYLOAD_OCTETS);
}

/** Maximum size of a TSIG record of this key. */
function tsigOctets(key: TsigKey): number {
  const algorithm = 26;
  const mac = 64;
  const otherData = 6;
  return key.keyName.octets.length + 10 + algorithm + 16 + mac + otherData;
}

function ednsOption(code: number, octets: string): string {
  return String.fromCharCode(code >> 8, code & 0xff, octets.length >> 8, octets.length & 0xff) + octets;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
}

async function firstOf(replies: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  for await (const reply of replies) return reply;
  return undefined;
}

/**
 * Answers plain queries: one question, at most EDNS (RFC 6891), no signature. The service of all messages (service.ts) has one, and
 * so has a thread that answers queries.
 */
import { RRClass, RRType } from '../../dns/rdata.ts';
import type { TsigKey } from '../../dns/tsig-key.ts';
import { UDP_PAYLOAD_OCTETS } from '../../dns/wire/edns.ts';
import { Rcode } from '../../dns/wire/message.ts';
import { MAX_MESSAGE_OCTETS } from '../../dns/wire/writer.ts';
import { type Answer, answerQuestion, errorAnswer } from './answer.ts';
import type { ZoneIndex } from './answerable.ts';
import { answerChaos, type ServerIdentity } from './chaos.ts';
import { DirectAnswers } from './direct-answer.ts';
import { DirectDenials } from './direct-denial.ts';
import { type DnsPeer, HEADER_OCTETS } from './dns-service.ts';
import { isTransfer, type Question, readQuery, readQuestion } from './query.ts';
import type { RateVerdict, ResponseLimiter } from './rate-limit.ts';
import { addExpire, type ReplyEdns, ReplyEdnsMaker, type ReplyEdnsOptions } from './reply-edns.ts';
import { ReplyWriter } from './reply-writer.ts';
import { ednsRcode, OPT_OCTETS, PLAIN_UDP_OCTETS, type RequestEdns, udpLimit } from './request-edns.ts';

export interface QueryOptions extends ServerIdentity, ReplyEdnsOptions {
  readonly zones: ZoneIndex;
  readonly limiter: ResponseLimiter | undefined;
  /** Called for each reply to a query or an UPDATE with its RCODE of 12 bits. */
  readonly onReply?: (rcode: number, overTcp: boolean) => void;
  /** Called when the answer was found, before anything is counted or sent. */
  readonly onFound?: () => void;
}

/** A reply; undefined: none is sent; `other`: another way must answer. */
export type QueryReply = Uint8Array | undefined | 'other';

export class QueryService {
  readonly #options: QueryOptions;
  readonly #writer = new ReplyWriter();
  readonly #direct: DirectAnswers;
  readonly #denials: DirectDenials;
  readonly #edns: ReplyEdnsMaker;

  constructor(options: QueryOptions) {
    this.#options = options;
    this.#direct = new DirectAnswers(options.zones.values());
    this.#denials = new DirectDenials(options.zones.values());
    this.#edns = new ReplyEdnsMaker(options);
  }

  /** The usual answer; see DirectAnswers. */
  answerDirectly(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): QueryReply {
    const size = this.#direct.find(octets, overTcp);
    if (size === 0) return 'other';
    const { limiter, onReply } = this.#options;
    const isTrusted = overTcp || limiter === undefined;
    const verdict = isTrusted ? 'send' : limiter.check(peer.address, 'answer', this.#direct.keyOf(octets));
    if (verdict === 'drop') return undefined;
    onReply?.(Rcode.NOERROR, overTcp);
    return verdict === 'slip' ? this.#direct.truncated(octets) : this.#direct.reply(octets, size);
  }

  /** The answer to a message that `readQuery` can read, and that does not ask for a transfer. */
  answerPlain(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): QueryReply {
    const denial = this.#deny(octets, peer, overTcp);
    if (denial !== 'other') return denial;
    const query = readQuery(octets);
    if (query === undefined || isTransfer(query.qtype)) return 'other';
    const requested = query.edns;
    const limit = overTcp ? MAX_MESSAGE_OCTETS : udpLimit(requested);
    if (requested === undefined) return this.answer(octets, query, peer, overTcp, undefined, limit, undefined);
    const edns = this.#edns.make(requested, peer, overTcp);
    const rcode = ednsRcode(requested);
    if (rcode !== Rcode.NOERROR) return this.error(octets, rcode, peer, overTcp, edns);
    return this.answer(octets, query, peer, overTcp, edns, limit, undefined);
  }

  /** See DirectDenials. */
  #deny(octets: Uint8Array, peer: DnsPeer, overTcp: boolean): QueryReply {
    const size = this.#denials.find(octets, overTcp);
    if (size === 0) return 'other';
    const { limiter, onFound, onReply } = this.#options;
    onFound?.();
    const { source, rcode } = this.#denials.denied;
    const verdict = overTcp || limiter === undefined ? 'send' : limiter.check(peer.address, 'negative', source);
    if (verdict === 'drop') return undefined;
    onReply?.(rcode, overTcp);
    return verdict === 'slip' ? this.#denials.truncated(octets) : this.#denials.reply(octets, size);
  }

  /** What a reply has of EDNS. */
  edns(requested: RequestEdns, peer: DnsPeer, overTcp: boolean): ReplyEdns {
    return this.#edns.make(requested, peer, overTcp);
  }

  /** @param key of a verified signature @returns the reply without its TSIG record */
  answer(
    octets: Uint8Array,
    query: Question,
    peer: DnsPeer,
    overTcp: boolean,
    edns: ReplyEdns | undefined,
    limit: number,
    key: TsigKey | undefined,
  ): Uint8Array | undefined {
    const answer = this.#find(query, overTcp, edns?.dnssecOk ?? false);
    this.#options.onFound?.();
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

  #find(query: Question, overTcp: boolean, dnssecOk: boolean): Answer {
    const { qtype, qclass } = query;
    if (qclass === RRClass.CH) return answerChaos(query, this.#options);
    if (qclass !== RRClass.IN) return errorAnswer(Rcode.REFUSED);
    // QTYPEs and meta types (RFC 6895 §3.1): 128 to 255, and OPT.
    if (qtype === RRType.OPT || (qtype >= 128 && qtype < RRType.ANY)) {
      return errorAnswer(qtype === MAILA || qtype === MAILB ? Rcode.NOTIMP : Rcode.FORMERR);
    }
    const { key, wireText } = query;
    return answerQuestion(this.#options.zones, { key, wireText, qtype, overTcp, dnssecOk });
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
  error(
    octets: Uint8Array,
    rcode: number,
    peer: DnsPeer,
    overTcp: boolean,
    edns: ReplyEdns | undefined,
  ): Uint8Array | undefined {
    const isTrusted = overTcp || edns?.cookieIsValid || this.#options.limiter === undefined;
    if (!isTrusted && this.#options.limiter!.check(peer.address, 'error', '') === 'drop') return undefined;
    return this.errorReply(octets, rcode, overTcp, edns);
  }

  /** The same without the rate limit. */
  errorReply(octets: Uint8Array, rcode: number, overTcp: boolean, edns: ReplyEdns | undefined): Uint8Array {
    const question = octets[4] === 0 && octets[5] === 1 ? readQuestion(octets) : undefined;
    const shape = question ?? { questionEnd: HEADER_OCTETS, wireText: '' };
    return this.#write(octets, shape, errorAnswer(rcode), edns, PLAIN_UDP_OCTETS, overTcp, false);
  }

  /** A reply that is truncated because of the rate limit. */
  slip(octets: Uint8Array, question: Question, edns: ReplyEdns | undefined, limit: number): Uint8Array {
    return this.#write(octets, question, errorAnswer(Rcode.NOERROR), edns, limit, false, true);
  }
}

const MAILB = 253;
const MAILA = 254;

/** The answer to a query for the SOA of a zone has its EXPIRE. */
function addExpireOf({ answers }: Answer, edns: ReplyEdns): void {
  const rrset = answers[0]?.rrset;
  if (rrset?.type === RRType.SOA) addExpire(edns, rrset.rdatas[0]!);
}

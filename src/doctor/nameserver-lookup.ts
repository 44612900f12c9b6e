/**
 * Asks resolvers and nameservers for `dyndns doctor`: one question, one reply, over UDP (with TCP where it is truncated)
 * or over TCP, with EDNS. Every wait is bounded, by itself and by the deadline of the whole run.
 */
import type { Lookup, LookupReply, LookupResult } from '../core/doctor/ports.ts';
import type { IpAddress } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { RRClass } from '../dns/rdata.ts';
import { ednsRecord, findEdns, fullRcode } from '../dns/wire/edns.ts';
import { encodeMessage, formatRcode, type Message, makeMessage, Rcode } from '../dns/wire/message.ts';
import { type Endpoint, ExchangeError, type Exchanger } from '../net/exchange.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { UdpExchanger } from '../net/udp.ts';

const QUESTION_MS = 3000;
/** Questions under way at the same time. */
const MAX_PARALLEL = 16;
/** Questions of one run: the answers of others cannot make it ask for ever. */
const MAX_QUESTIONS = 400;

export interface NameserverLookupOptions {
  /** Asked in this order until one answers. */
  readonly resolvers: readonly Endpoint[];
  /** Port of all nameservers that are asked themselves: 53. */
  readonly nameserverPort: number;
  /** Of the monotonic clock. */
  readonly deadlineMs: number;
}

export class NameserverLookup implements Lookup {
  readonly #options: NameserverLookupOptions;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #questions = 0;

  constructor(options: NameserverLookupOptions) {
    this.#options = options;
  }

  async resolve(qname: DomainName, qtype: number): Promise<LookupResult> {
    let last: LookupResult | undefined;
    for (const endpoint of this.#options.resolvers) {
      const result = await this.#ask(endpoint, 'udp', qname, qtype, true);
      if (result.kind === 'reply' && (result.rcode === 'NOERROR' || result.rcode === 'NXDOMAIN')) return result;
      // An answer that is an error tells more than a resolver that does not answer.
      if (last === undefined || last.kind === 'none') last = result;
    }
    if (last?.kind === 'none' && last.failure !== 'out-of-time') return { ...last, text: `the resolver: ${last.text}` };
    return last ?? { kind: 'none', failure: 'no-reply', text: 'no resolver is known' };
  }

  ask(address: IpAddress, transport: 'udp' | 'tcp', qname: DomainName, qtype: number): Promise<LookupResult> {
    return this.#ask({ host: address.text, port: this.#options.nameserverPort }, transport, qname, qtype, false);
  }

  async #ask(
    endpoint: Endpoint,
    transport: 'udp' | 'tcp',
    qname: DomainName,
    qtype: number,
    recursionDesired: boolean,
  ): Promise<LookupResult> {
    await this.#enter();
    const query = makeMessage({ questions: [{ qname, qtype, qclass: RRClass.IN }], recursionDesired });
    try {
      const first = await this.#exchange(endpoint, transport, { ...query, additional: [ednsRecord({})] });
      if (first.kind === 'none' || first.edns) return first;
      // A nameserver that does not know EDNS may answer with an error (RFC 6891 §7).
      if (first.rcode !== 'FORMERR' && first.rcode !== 'NOTIMP') return first;
      return await this.#exchange(endpoint, transport, query);
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    if (this.#underWay >= MAX_PARALLEL) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
  }

  async #exchange(endpoint: Endpoint, transport: 'udp' | 'tcp', query: Message): Promise<LookupResult> {
    this.#questions += 1;
    const now = performance.now();
    const deadlineMs = Math.min(now + QUESTION_MS, this.#options.deadlineMs);
    if (deadlineMs <= now || this.#questions > MAX_QUESTIONS) return OUT_OF_TIME;
    const exchanger: Exchanger = transport === 'udp' ? new UdpExchanger(endpoint) : new TcpExchanger(endpoint);
    try {
      const { message } = await exchanger.exchange((id) => encodeMessage({ ...query, id }), deadlineMs);
      return replyOf(message);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      if (error.failure === 'timeout' && deadlineMs === this.#options.deadlineMs) return OUT_OF_TIME;
      const failure = hasNoRoute(error) ? 'no-route' : 'no-reply';
      return { kind: 'none', failure, text: textOf(endpoint, error) };
    } finally {
      exchanger.close();
    }
  }
}

const OUT_OF_TIME: LookupResult = { kind: 'none', failure: 'out-of-time', text: 'the time of the whole run was over' };

function replyOf(message: Message): LookupReply {
  const rcode = fullRcode(message);
  return {
    kind: 'reply',
    rcode: rcode <= 0xfff ? formatRcode(rcode) : formatRcode(Rcode.FORMERR),
    authoritative: message.authoritative,
    recursionAvailable: message.recursionAvailable,
    edns: findEdns(message) !== undefined,
    answers: message.answers,
    authority: message.authority,
    additional: message.additional,
  };
}

/** The kernel's word that it has no address or no route of this family. */
const NO_ROUTE: ReadonlySet<unknown> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function hasNoRoute(error: ExchangeError): boolean {
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
  return NO_ROUTE.has(code);
}

function textOf(endpoint: Endpoint, { failure, message }: ExchangeError): string {
  if (failure === 'timeout') return `no reply from ${formatEndpoint(endpoint)} within ${QUESTION_MS / 1000} s`;
  return message;
}

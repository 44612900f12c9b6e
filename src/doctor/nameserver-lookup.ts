/**
 * Queries resolvers and nameservers for `dyndns doctor`, with EDNS, over UDP (and TCP after a truncated reply) or TCP.
 * Each query has a timeout and ends at the deadline of the run.
 */
import type { Lookup, LookupReply, LookupResult } from '../core/doctor/ports.ts';
import { TaskLimit } from '../core/parallel.ts';
import type { IpAddress } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import { RRClass } from '../dns/rdata.ts';
import { ednsRecord, findEdns, fullRcode } from '../dns/wire/edns.ts';
import { encodeMessage, formatRcode, type Message, makeMessage, Rcode } from '../dns/wire/message.ts';
import { type Endpoint, ExchangeError, type Exchanger } from '../net/exchange.ts';
import { TcpExchanger } from '../net/tcp.ts';
import { UdpExchanger } from '../net/udp.ts';

const QUERY_TIMEOUT_MS = 3000;
/** Limit of queries in flight. */
const MAX_IN_FLIGHT = 16;
/** Limit of queries in one run, so that foreign data cannot make it run on. */
const MAX_QUERIES = 400;

export interface NameserverLookupOptions {
  /** Queried in this order until one answers. */
  readonly resolvers: readonly Endpoint[];
  /** Port of all nameservers that are queried directly: 53. */
  readonly nameserverPort: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
}

export class NameserverLookup implements Lookup {
  readonly #options: NameserverLookupOptions;
  readonly #inFlight = new TaskLimit(MAX_IN_FLIGHT);
  #queries = 0;

  constructor(options: NameserverLookupOptions) {
    this.#options = options;
  }

  async resolve(qname: DomainName, qtype: number): Promise<LookupResult> {
    let last: LookupResult | undefined;
    for (const endpoint of this.#options.resolvers) {
      const result = await this.#query(endpoint, 'udp', qname, qtype, true);
      if (result.kind === 'reply' && (result.rcode === 'NOERROR' || result.rcode === 'NXDOMAIN')) return result;
      // An error reply is more informative than no reply.
      if (last === undefined || last.kind === 'none') last = result;
    }
    if (last?.kind === 'none' && last.failure !== 'out-of-time')
      return { ...last, text: `the resolver did not answer: ${last.text}` };
    return last ?? { kind: 'none', failure: 'no-reply', text: 'no resolver is configured' };
  }

  query(
    address: IpAddress,
    transport: 'udp' | 'tcp',
    qname: DomainName,
    qtype: number,
    dnssecOk = false,
  ): Promise<LookupResult> {
    const endpoint = { host: address.text, port: this.#options.nameserverPort };
    return this.#query(endpoint, transport, qname, qtype, false, dnssecOk);
  }

  #query(
    endpoint: Endpoint,
    transport: 'udp' | 'tcp',
    qname: DomainName,
    qtype: number,
    recursionDesired: boolean,
    dnssecOk = false,
  ): Promise<LookupResult> {
    const query = makeMessage({ questions: [{ qname, qtype, qclass: RRClass.IN }], recursionDesired });
    return this.#inFlight.run(async () => {
      const first = await this.#exchange(endpoint, transport, { ...query, additional: [ednsRecord({ dnssecOk })] });
      if (first.kind === 'none' || first.edns) return first;
      // A server without EDNS may answer with an error (RFC 6891 §7): query again without it.
      if (first.rcode !== 'FORMERR' && first.rcode !== 'NOTIMP') return first;
      return this.#exchange(endpoint, transport, query);
    });
  }

  async #exchange(endpoint: Endpoint, transport: 'udp' | 'tcp', query: Message): Promise<LookupResult> {
    this.#queries += 1;
    const now = performance.now();
    const deadlineMs = Math.min(now + QUERY_TIMEOUT_MS, this.#options.deadlineMs);
    if (deadlineMs <= now || this.#queries > MAX_QUERIES) return OUT_OF_TIME;
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

const OUT_OF_TIME: LookupResult = { kind: 'none', failure: 'out-of-time', text: 'the time of the run was used up' };

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

/** Error codes of the kernel: no address or no route of this family. */
const NO_ROUTE: ReadonlySet<unknown> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']);

function hasNoRoute(error: ExchangeError): boolean {
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
  return NO_ROUTE.has(code);
}

function textOf(endpoint: Endpoint, { failure, message }: ExchangeError): string {
  if (failure === 'timeout') return `no reply from ${formatEndpoint(endpoint)} within ${QUERY_TIMEOUT_MS / 1000} s`;
  return message;
}

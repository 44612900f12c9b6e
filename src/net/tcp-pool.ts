/**
 * Queries over several persistent TCP connections, one query at a time on each (RFC 7766 §6.2.2 allows several).
 *
 * Not pipelined: a server with Nagle's algorithm holds back the second of two small replies until the first one is
 * acknowledged, and our kernel delays that acknowledgement by 40 ms while we have nothing to send.
 */
import { formatEndpoint } from '../dns/endpoint.ts';
import { type Endpoint, ExchangeError, type Exchanger, type Reply, type RequestBuilder } from './exchange.ts';
import { TcpExchanger } from './tcp.ts';

/** Connections are opened on demand. With fewer, reads of many new names take longer, and their changes share fewer UPDATE messages. */
const MAX_CONNECTIONS = 16;
/**
 * Where other servers ask, too: PowerDNS accepts 20 by default from all of its clients together, and lets the others wait until one is
 * closed. A near server is not asked much faster by more; a far one is, by the time that a reply is on its way.
 */
const MIN_CONNECTIONS = 4;
const CONNECTIONS_PER_MS = 4;
/** The first ones are slow: connections are opened, and a server may be busy. */
const ENOUGH_REPLIES = 16;

export class TcpPool implements Exchanger {
  readonly #endpoint: Endpoint;
  readonly #connections: TcpExchanger[] = [];
  readonly #idle: TcpExchanger[] = [];
  readonly #waiting: ((connection: TcpExchanger) => void)[] = [];
  /** The shortest time of a query and its reply so far: about how far away the server is. */
  #fastestMs = Number.POSITIVE_INFINITY;
  #replies = 0;
  readonly #isShared: () => boolean;
  #closed = false;

  /** @param isShared whether other servers ask the same one */
  constructor(endpoint: Endpoint, isShared: () => boolean = () => false) {
    this.#endpoint = endpoint;
    this.#isShared = isShared;
  }

  async exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    const connection = this.#acquire() ?? (await new Promise<TcpExchanger>((resolve) => this.#waiting.push(resolve)));
    try {
      if (this.#closed) throw new ExchangeError('closed', false, 'the connections were closed');
      // Every query releases its connection by its own deadline, so the wait is bounded.
      if (performance.now() >= deadlineMs) {
        throw new ExchangeError('timeout', false, `no reply from ${formatEndpoint(this.#endpoint)} in time`);
      }
      const sentMs = performance.now();
      const reply = await connection.exchange(build, deadlineMs);
      this.#fastestMs = Math.min(this.#fastestMs, performance.now() - sentMs);
      this.#replies += 1;
      return reply;
    } finally {
      this.#idle.push(connection);
      const next = this.#waiting.length > 0 ? this.#acquire() : undefined;
      if (next !== undefined) this.#waiting.shift()!(next);
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }

  /** An idle or a new connection; undefined if as many as may be are in use. */
  #acquire(): TcpExchanger | undefined {
    if (this.#connections.length - this.#idle.length >= this.#most()) return undefined;
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = new TcpExchanger(this.#endpoint);
    this.#connections.push(connection);
    return connection;
  }

  #most(): number {
    if (!this.#isShared()) return MAX_CONNECTIONS;
    const wanted = this.#replies < ENOUGH_REPLIES ? 0 : Math.ceil(this.#fastestMs * CONNECTIONS_PER_MS);
    return Math.min(Math.max(wanted, MIN_CONNECTIONS), MAX_CONNECTIONS);
  }
}

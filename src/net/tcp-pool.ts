/**
 * Queries over several persistent TCP connections, one query at a time on each (RFC 7766 §6.2.2 allows several).
 *
 * Not pipelined: a server with Nagle's algorithm holds back the second of two small replies until the first one is
 * acknowledged, and our kernel delays that acknowledgement by 40 ms while we have nothing to send.
 */
import { formatEndpoint } from '../dns/endpoint.ts';
import { type Endpoint, ExchangeError, type Exchanger, type Reply, type RequestBuilder } from './exchange.ts';
import { TcpExchanger } from './tcp.ts';

/**
 * Opened on demand. PowerDNS accepts 20 by default. With fewer, reads of many new names take longer, and their changes
 * share fewer UPDATE messages.
 */
const MAX_CONNECTIONS = 16;

export class TcpPool implements Exchanger {
  readonly #endpoint: Endpoint;
  readonly #connections: TcpExchanger[] = [];
  readonly #idle: TcpExchanger[] = [];
  readonly #waiting: ((connection: TcpExchanger) => void)[] = [];
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  async exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    const connection = this.#acquire() ?? (await new Promise<TcpExchanger>((resolve) => this.#waiting.push(resolve)));
    try {
      if (this.#closed) throw new ExchangeError('closed', false, 'the connections were closed');
      // Every query releases its connection by its own deadline, so the wait is bounded.
      if (performance.now() >= deadlineMs) {
        throw new ExchangeError('timeout', false, `no reply from ${formatEndpoint(this.#endpoint)} in time`);
      }
      return await connection.exchange(build, deadlineMs);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }

  /** An idle or a new connection; undefined if all are in use. */
  #acquire(): TcpExchanger | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#connections.length >= MAX_CONNECTIONS) return idle;
    const connection = new TcpExchanger(this.#endpoint);
    this.#connections.push(connection);
    return connection;
  }
}

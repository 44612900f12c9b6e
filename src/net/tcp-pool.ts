/**
 * Queries over a few kept TCP connections, one query at a time on each (RFC 7766 §6.2.1 allows several connections).
 *
 * Pipelined on one connection, the second of two small replies waits 40 ms at a server that sends by Nagle's algorithm:
 * it waits for our acknowledgement, and our kernel delays that while we have nothing to send.
 */
import { formatEndpoint } from '../dns/endpoint.ts';
import { type Endpoint, ExchangeError, type Exchanger, type Reply, type RequestBuilder } from './exchange.ts';
import { TcpExchanger } from './tcp.ts';

/**
 * Connections at most, opened when they are first needed. PowerDNS takes 20 by default; with fewer than these the reads of
 * many new names trickle in, and their changes share fewer messages.
 */
const MAX_CONNECTIONS = 16;

export class TcpPool implements Exchanger {
  readonly #endpoint: Endpoint;
  readonly #all: TcpExchanger[] = [];
  readonly #free: TcpExchanger[] = [];
  readonly #waiting: ((connection: TcpExchanger) => void)[] = [];
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  async exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    const connection = this.#take() ?? (await new Promise<TcpExchanger>((resolve) => this.#waiting.push(resolve)));
    try {
      if (this.#closed) throw new ExchangeError('closed', false, 'the connections were ended');
      // The queries before this one end at their own deadlines, which are earlier: nobody waits here without end.
      if (performance.now() >= deadlineMs) {
        throw new ExchangeError('timeout', false, `no reply from ${formatEndpoint(this.#endpoint)} in time`);
      }
      return await connection.exchange(build, deadlineMs);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.close();
  }

  #take(): TcpExchanger | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#all.length >= MAX_CONNECTIONS) return free;
    const made = new TcpExchanger(this.#endpoint);
    this.#all.push(made);
    return made;
  }
}

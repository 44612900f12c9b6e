/**
 * The listener of `metrics.listen`: only `/metrics`, `/healthz` and `/readyz`, without a credential. It belongs on a network
 * that only monitoring reaches. It opens first and closes last, so that `/readyz` answers during start and shutdown.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpConfig, TcpAddress } from '../../config/config.ts';
import { errorStack } from '../../core/errors.ts';
import type { Monitoring } from '../../core/monitoring.ts';
import { healthReply, metricsReply, readyReply } from '../protocols/health.ts';
import type { DoorReply } from '../request/door.ts';
import type { ConnectionLimits } from './connections.ts';
import { requestListener } from './guarded-server.ts';
import { HttpListeners } from './listeners.ts';

export class MetricsListener {
  readonly #listeners: HttpListeners;
  readonly #monitoring: Monitoring;
  readonly #warn: (text: string) => void;

  /** @param limits of its own connections */
  constructor(monitoring: Monitoring, warn: (text: string) => void, limits?: () => ConnectionLimits) {
    this.#monitoring = monitoring;
    this.#warn = warn;
    const onFault = (error: unknown) => this.#report(error);
    this.#listeners = new HttpListeners({ ...(limits !== undefined && { limits }), onFault });
  }

  /** An URL; undefined until it is open. */
  get address(): string | undefined {
    return this.#listeners.addresses[0];
  }

  /** @throws ListenError */
  async open(listen: TcpAddress, http: HttpConfig): Promise<void> {
    const config: HttpConfig = { ...http, listen: [listen], lenient: false };
    const answer = requestListener(
      (request, response) => this.#answer(request, response),
      (error) => this.#report(error),
    );
    await this.#listeners.open(config, answer, 'metrics.listen');
  }

  async close(graceMs: number): Promise<void> {
    await this.#listeners.close(graceMs);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Discards the body: unread octets would block the connection.
    request.resume();
    let reply: DoorReply;
    try {
      reply = await this.#replyTo(request);
    } catch (error) {
      this.#report(error);
      reply = failed(500, 'An internal error happened.');
    }
    const body = Buffer.from(reply.body);
    response.writeHead(reply.status, {
      'Content-Type': reply.contentType ?? 'text/plain; charset=utf-8',
      'Content-Length': body.length,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...reply.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #report(error: unknown): void {
    this.#warn(`metrics: ${errorStack(error)}`);
  }

  async #replyTo({ method, url }: IncomingMessage): Promise<DoorReply> {
    const handle = this.#routes[(url ?? '').split('?', 1)[0]!];
    if (handle === undefined) return failed(404, 'Not found.');
    if (method !== 'GET' && method !== 'HEAD') {
      return { ...failed(405, 'Only GET is allowed here.'), headers: { Allow: 'GET, HEAD' } };
    }
    return handle();
  }

  readonly #routes: Readonly<Partial<Record<string, () => DoorReply | Promise<DoorReply>>>> = {
    __proto__: null as never,
    '/healthz': () => healthReply(),
    '/readyz': () => readyReply(this.#monitoring),
    '/metrics': () => metricsReply(this.#monitoring),
  };
}

function failed(status: number, text: string): DoorReply {
  return { status, body: `ERROR: ${text}\n`, outcome: 'failed', detail: text };
}

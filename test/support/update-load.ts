// Fifty routers that never rest: each sends one update after the other for its own host, every one with a new address,
// and notes what it was told. What they were told is then compared with what is published.
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './http-client.ts';

export interface Told {
  /** Number of the update of this client, from 1. */
  readonly number: number;
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
  readonly ms: number;
  /** When it was sent and answered, of `performance.now()`. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

export interface LoadClient {
  readonly host: string;
  readonly told: Told[];
  /** The newest update that was accepted: published, or kept for later. */
  newestAccepted(): number;
}

export interface UpdateLoad {
  readonly clients: readonly LoadClient[];
  /** All that was told while this ran, in no order. */
  during(fromMs: number, toMs: number): readonly Told[];
  /** Resolves when each has its last answer. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly clients: number;
  readonly host: (client: number) => string;
  /** Sends the update of one client; the reply is noted. */
  readonly send: (client: number, number: number) => Promise<Answer>;
  /** Whether this answer promises that the address is published, now or later. */
  readonly isAccepted: (told: Told) => boolean;
  /** Looked at after some of the answers, before the same client goes on. */
  readonly verify?: (client: LoadClient, told: Told) => Promise<void>;
  readonly pauseMs: number;
}

export function startLoad(options: LoadOptions): UpdateLoad {
  let running = true;
  const clients = Array.from({ length: options.clients }, (_, index): LoadClient => {
    const told: Told[] = [];
    return {
      host: options.host(index),
      told,
      newestAccepted: () => told.findLast(options.isAccepted)?.number ?? 0,
    };
  });
  const work = async (client: LoadClient, index: number) => {
    for (let number = 1; running; number++) {
      const sentMs = performance.now();
      const { status, body, headers, ms } = await options.send(index, number);
      const { 'retry-after': retryAfter } = headers;
      const told = { number, status, body, retryAfter, ms, sentMs, answeredMs: performance.now() };
      client.told.push(told);
      await options.verify?.(client, told);
      await delay(options.pauseMs);
    }
  };
  const ends = clients.map(work);
  const all = Promise.all(ends);
  // Looked at by stop(); until then a failure must not end the process.
  all.catch(() => undefined);
  return {
    clients,
    during: (fromMs, toMs) =>
      clients.flatMap(({ told }) => told.filter(({ sentMs, answeredMs }) => sentMs >= fromMs && answeredMs <= toMs)),
    async stop() {
      running = false;
      await all;
    },
  };
}

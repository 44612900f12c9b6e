/**
 * A load of clients: each sends one update after the other for its own host, always with a new address, and records the
 * replies, which tests compare with what is published.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './http-client.ts';

export interface LoadReply {
  /** Number of the client's update, from 1. */
  readonly number: number;
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
  readonly ms: number;
  /** When the update was sent and answered, by `performance.now()`. */
  readonly sentMs: number;
  readonly answeredMs: number;
}

export interface LoadClient {
  readonly host: string;
  readonly replies: LoadReply[];
  /** Number of the newest update that was accepted: published or pending. */
  newestAccepted(): number;
}

export interface UpdateLoad {
  readonly clients: readonly LoadClient[];
  /** All replies to updates that were sent and answered within a period, unordered. */
  during(fromMs: number, toMs: number): readonly LoadReply[];
  /** Resolves when each client has its last reply. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly clients: number;
  readonly host: (client: number) => string;
  /** Sends an update of one client. */
  readonly send: (client: number, number: number) => Promise<Answer>;
  /** Whether the reply says that the address is published, or pending. */
  readonly isAccepted: (reply: LoadReply) => boolean;
  /** Called after each reply, before the client's next update. */
  readonly verify?: (client: LoadClient, reply: LoadReply) => Promise<void>;
  readonly pauseMs: number;
}

export function startLoad(options: LoadOptions): UpdateLoad {
  let running = true;
  const clients = Array.from({ length: options.clients }, (_, index): LoadClient => {
    const replies: LoadReply[] = [];
    return {
      host: options.host(index),
      replies,
      newestAccepted: () => replies.findLast(options.isAccepted)?.number ?? 0,
    };
  });
  const work = async (client: LoadClient, index: number) => {
    for (let number = 1; running; number++) {
      const sentMs = performance.now();
      const { status, body, headers, ms } = await options.send(index, number);
      const { 'retry-after': retryAfter } = headers;
      const reply = { number, status, body, retryAfter, ms, sentMs, answeredMs: performance.now() };
      client.replies.push(reply);
      await options.verify?.(client, reply);
      await delay(options.pauseMs);
    }
  };
  const ends = clients.map(work);
  const all = Promise.all(ends);
  // stop() awaits it; an earlier failure must not end the process.
  all.catch(() => undefined);
  return {
    clients,
    during: (fromMs, toMs) =>
      clients.flatMap(({ replies }) =>
        replies.filter(({ sentMs, answeredMs }) => sentMs >= fromMs && answeredMs <= toMs),
      ),
    async stop() {
      running = false;
      await all;
    },
  };
}

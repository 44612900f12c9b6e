/**
 * The threads that answer queries, each with a UDP socket of its own on every address: the system chooses the socket of a datagram by
 * the addresses and ports of both sides (SO_REUSEPORT), so that the datagrams of one client port arrive in order in one thread.
 */
import {
  AnsweringThread,
  type AnsweringThreadOptions,
  type ReadableZone,
  type ThreadSocket,
} from './answering-thread.ts';
import type { AnswerSettings } from './messages.ts';

export interface AnsweringThreadsOptions extends Omit<AnsweringThreadOptions, 'counts'> {
  /** Memory for the ReplyCounts of one thread more. */
  readonly addCounts: () => SharedArrayBuffer;
}

export class AnsweringThreads {
  readonly #threads: readonly AnsweringThread[];

  /** @param count at least 1; more than 1 needs `reusePort` of node:dgram (Node.js 22.12, 23.1) */
  constructor(count: number, { addCounts, ...options }: AnsweringThreadsOptions) {
    this.#threads = Array.from({ length: count }, () => new AnsweringThread({ ...options, counts: addCounts() }));
  }

  /** See AnsweringThread. */
  setZones(zones: Iterable<ReadableZone>, settings: AnswerSettings): void {
    const all = [...zones];
    for (const thread of this.#threads) thread.setZones(all, settings);
  }

  /** See AnsweringThread. */
  published(zone: ReadableZone): void {
    for (const thread of this.#threads) thread.published(zone);
  }

  /** A socket in each thread, on one address. */
  socket(): ThreadSocket {
    const sharers = this.#threads.length;
    const sockets = this.#threads.map((thread) => thread.socket(sharers));
    return {
      open: async (host, port) => {
        if (sharers > 1) await this.#expectFree(host, port);
        for (const socket of sockets) await socket.open(host, port);
      },
      close: async (graceMs) => {
        await Promise.all(sockets.map((socket) => socket.close(graceMs)));
      },
    };
  }

  /** A shared port can be opened by every program of this user that shares it, too: checks that none has it. @throws the system's error */
  async #expectFree(host: string, port: number): Promise<void> {
    const socket = this.#threads[0]!.socket(1);
    try {
      await socket.open(host, port);
    } finally {
      await socket.close(0);
    }
  }

  /** Ends the threads, whose sockets are closed. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

/**
 * A thread that has UDP sockets of the nameserver (answering-worker.ts), as the main thread sees it: queries are answered while the
 * main thread does something else. It gets the memory of the zones, and sends what it cannot answer.
 */
import { Worker } from 'node:worker_threads';
import type { DomainName } from '../../dns/name.ts';
import type { DnsService } from '../answer/dns-service.ts';
import type { ChainOrder } from '../zone/chain-order.ts';
import type { PackedNodes } from '../zone/packed-nodes.ts';
import { readTurns } from '../zone/read-turns.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import {
  type AnswerSettings,
  type ForwardedReply,
  type ForwardedRequest,
  type FromThread,
  type OpenFailure,
  ownOctets,
  type SharedZone,
  type ThreadStart,
  type ToThread,
} from './messages.ts';

export interface ReadableZone {
  readonly apex: DomainName;
  /** Undefined: the zone is withheld. */
  readonly published: ZoneVersion | undefined;
  /** Of a signed zone. */
  readonly order?: ChainOrder | undefined;
}

/** What the thread knows of a zone. */
interface Shared {
  readonly table: PackedNodes | undefined;
  readonly shape: number;
  readonly order: ChainOrder | undefined;
  readonly orderShape: number;
}

export interface AnsweringThreadOptions {
  /** For the ReplyCounts of the thread. */
  readonly counts: SharedArrayBuffer;
  readonly answerDatagram: DnsService['answerDatagram'];
  readonly onFault: (error: unknown) => void;
  /** The thread died: what arrives at its sockets is not answered any more. */
  readonly onDeath: (error: Error) => void;
}

/** A UDP socket of the thread; see UdpListener. */
export interface ThreadSocket {
  /** Binds. @throws the system's error */
  open(host: string, port: number): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export class AnsweringThread {
  readonly #options: AnsweringThreadOptions;
  readonly #worker: Worker;
  readonly #turns = readTurns.addThread();
  readonly #shared = new Map<ReadableZone, Shared>();
  readonly #opening = new Map<number, (failed: OpenFailure | undefined) => void>();
  readonly #closing = new Map<number, () => void>();
  #lastSocket = 0;
  #replies: ForwardedReply[] = [];
  #isEnding = false;

  constructor(options: AnsweringThreadOptions) {
    this.#options = options;
    const { counts } = options;
    const workerData: ThreadStart = { turns: this.#turns, publications: readTurns.publications, counts };
    // Its outputs are not connected to those of the process: one that fails or stalls would end or block it.
    this.#worker = new Worker(threadUrl(), { workerData, execArgv: [], stdout: true, stderr: true });
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('error', (cause) => this.#died(cause));
    this.#worker.on('exit', () => this.#died(new Error('it has ended')));
  }

  #died(cause: Error): void {
    readTurns.removeThread(this.#turns);
    for (const close of this.#closing.values()) close();
    for (const open of this.#opening.values()) open({ message: cause.message });
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#options.onDeath(new Error(`the thread that answers DNS died: ${cause.message}`, { cause }));
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** All zones, in place of those before. */
  setZones(zones: Iterable<ReadableZone>, settings: AnswerSettings): void {
    const all = [...zones];
    const kept = new Set(all.map(tableOf));
    for (const { table } of this.#shared.values()) if (!kept.has(table)) table?.unshare();
    this.#shared.clear();
    this.#post({ kind: 'zones', zones: all.map((zone) => this.#share(zone)), settings });
  }

  /** A version of the zone was published: shares its memory again if that is needed. */
  published(zone: ReadableZone): void {
    const shared = this.#shared.get(zone);
    if (shared === undefined) return;
    const table = tableOf(zone);
    if (table === undefined) return;
    const { order } = zone;
    const hasTable = table === shared.table && table.shape === shared.shape;
    const hasOrder = order === shared.order && (order?.shape ?? 0) === shared.orderShape;
    if (hasTable && hasOrder) return;
    this.#post({ kind: 'octets', zone: this.#share(zone) });
  }

  #share(zone: ReadableZone): SharedZone {
    const table = tableOf(zone);
    const { order } = zone;
    this.#shared.set(zone, { table, shape: table?.shape ?? 0, order, orderShape: order?.shape ?? 0 });
    return { apex: ownOctets(zone.apex.octets), octets: table?.share(), chain: order?.share() };
  }

  /** @param sharers see UdpListener */
  socket(sharers: number): ThreadSocket {
    this.#lastSocket += 1;
    const socket = this.#lastSocket;
    return {
      open: async (host, port) => {
        const opened = new Promise<OpenFailure | undefined>((resolve) => this.#opening.set(socket, resolve));
        this.#post({ kind: 'open', socket, host, port, sharers });
        const failed = await opened;
        this.#opening.delete(socket);
        if (failed !== undefined) throw Object.assign(new Error(failed.message), { code: failed.code });
      },
      close: async (graceMs) => {
        if (this.#isEnding) return;
        const closed = new Promise<void>((resolve) => this.#closing.set(socket, resolve));
        this.#post({ kind: 'close', socket, graceMs });
        await closed;
        this.#closing.delete(socket);
      },
    };
  }

  /** Ends the thread, whose sockets are closed. */
  async close(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'requests':
        this.#answer(message.requests);
        break;
      case 'opened':
        this.#opening.get(message.socket)?.(message.failed);
        break;
      case 'closed':
        this.#closing.get(message.socket)?.();
        break;
      case 'fault':
        this.#options.onFault(new Error(message.message));
        break;
    }
  }

  #answer(requests: readonly ForwardedRequest[]): void {
    for (const { id, octets, address, port } of requests) {
      let reply: ReturnType<DnsService['answerDatagram']>;
      try {
        reply = this.#options.answerDatagram(Buffer.from(octets.buffer), { address, port });
      } catch (error) {
        this.#options.onFault(error);
      }
      if (reply instanceof Promise) {
        reply
          .catch((error: unknown) => {
            this.#options.onFault(error);
            return undefined;
          })
          .then((late) => this.#reply(id, late));
      } else this.#reply(id, reply);
    }
  }

  /** Sends what was answered in one turn of the event loop together. */
  #reply(id: number, octets: Uint8Array | undefined): void {
    if (this.#replies.length === 0) {
      setImmediate(() => {
        const replies = this.#replies;
        this.#replies = [];
        this.#post({ kind: 'replies', replies });
      });
    }
    this.#replies.push({ id, octets: octets && ownOctets(octets) });
  }
}

function tableOf({ published }: ReadableZone): PackedNodes | undefined {
  return published?.nodes.packed;
}

/** Under vitest, which runs `src`, it is the built file: Node.js 20 cannot run a `.ts` file. */
function threadUrl(): URL {
  const here = import.meta.url;
  const built = here.endsWith('.ts') ? '../../../dist/nameserver/threads/' : './';
  return new URL(`${built}answering-worker.js`, here);
}

/**
 * Sends many queries to one server with a bounded number in flight, over UDP from one socket and over pipelined TCP
 * (RFC 7766 §6.2.1.1). Replies are matched by id alone: the comparison judges the rest.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ServerAddress } from '../support/dig.ts';
import type { Query } from './queries.ts';

const MAX_IN_FLIGHT = 100;
/** Timeouts of one try over UDP and TCP. The second one over UDP distinguishes a lost reply from a server that does not reply. */
const UDP_MS = 1000;
const TCP_MS = 5000;
const UDP_TRIES = 2;

/** The octets of a reply, or why there is none. */
export type RawReply = Uint8Array | 'no reply' | 'closed';

interface Waiting {
  readonly resolve: (reply: RawReply) => void;
}

/** Replies in the order of the queries. */
export async function askAll(
  server: ServerAddress,
  queries: readonly Pick<Query, 'octets' | 'transport'>[],
): Promise<readonly RawReply[]> {
  const replies: RawReply[] = new Array(queries.length);
  const udp = await UdpAsker.open(server);
  const tcp = new TcpAsker(server);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < queries.length) {
      const index = next++;
      const query = queries[index]!;
      replies[index] = await (query.transport === 'udp' ? udp : tcp).ask(query.octets);
    }
  };
  try {
    await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, worker));
  } finally {
    udp.close();
    tcp.close();
  }
  return replies;
}

/** Matches replies to queries by id. */
class Pending {
  readonly #waiting = new Map<number, Waiting>();
  #id = 0;

  /** Sends `octets` with a new id; `send` is called again after a timeout. */
  ask(
    octets: Uint8Array,
    { tries, timeoutMs }: { readonly tries: number; readonly timeoutMs: number },
    send: (message: Buffer) => void,
  ): Promise<RawReply> {
    do this.#id = (this.#id + 1) & 0xffff;
    while (this.#waiting.has(this.#id));
    const id = this.#id;
    const message = Buffer.from(octets);
    message.writeUInt16BE(id, 0);
    return new Promise((resolve) => {
      let left = tries;
      const attempt = (): void => {
        if (left === 0) {
          this.#settle(id, 'no reply');
          return;
        }
        left -= 1;
        timer = setTimeout(attempt, timeoutMs);
        send(message);
      };
      let timer: NodeJS.Timeout | undefined;
      this.#waiting.set(id, {
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
      });
      attempt();
    });
  }

  receive(octets: Buffer): void {
    if (octets.length >= 2) this.#settle(octets.readUInt16BE(0), octets);
  }

  closeAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, 'closed');
  }

  #settle(id: number, reply: RawReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.resolve(reply);
  }
}

class UdpAsker {
  readonly #socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  readonly #pending = new Pending();

  static async open(server: ServerAddress): Promise<UdpAsker> {
    const asker = new UdpAsker();
    asker.#socket.on('message', (octets) => asker.#pending.receive(octets));
    asker.#socket.on('error', () => {});
    asker.#socket.connect(server.port, server.host);
    await once(asker.#socket, 'connect');
    return asker;
  }

  ask(octets: Uint8Array): Promise<RawReply> {
    return this.#pending.ask(octets, { tries: UDP_TRIES, timeoutMs: UDP_MS }, (message) => this.#socket.send(message));
  }

  close(): void {
    this.#socket.close();
  }
}

/** One connection, reopened when the server closes it; a query that it closed on is retried on a connection of its own. */
class TcpAsker {
  readonly #server: ServerAddress;
  #connection: { readonly socket: Socket; readonly pending: Pending } | undefined;

  constructor(server: ServerAddress) {
    this.#server = server;
  }

  async ask(octets: Uint8Array): Promise<RawReply> {
    this.#connection ??= this.#connect();
    const reply = await this.#askOver(this.#connection, octets);
    if (reply !== 'closed') return reply;
    const alone = this.#connect();
    try {
      return await this.#askOver(alone, octets);
    } finally {
      alone.socket.destroy();
    }
  }

  close(): void {
    this.#connection?.socket.destroy();
  }

  #askOver(connection: { socket: Socket; pending: Pending }, octets: Uint8Array): Promise<RawReply> {
    return connection.pending.ask(octets, { tries: 1, timeoutMs: TCP_MS }, (message) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      connection.socket.write(Buffer.concat([length, message]));
    });
  }

  #connect(): { readonly socket: Socket; readonly pending: Pending } {
    const socket = connect({ ...this.#server, noDelay: true });
    const connection = { socket, pending: new Pending() };
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const end = received.readUInt16BE(0) + 2;
        connection.pending.receive(received.subarray(2, end));
        received = received.subarray(end);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#connection === connection) this.#connection = undefined;
      connection.pending.closeAll();
    });
    return connection;
  }
}

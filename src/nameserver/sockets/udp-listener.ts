/**
 * One UDP socket of the nameserver: at most one reply for each datagram.
 *
 * A synchronous reply needs no promise and no object of ours. A send that fails is lost, as any datagram can be. The number
 * of unanswered requests (an UPDATE waits for its commit) is bounded; above it datagrams are dropped, and clients retry.
 */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { type DnsPeer, type DnsService, HEADER_OCTETS } from '../answer/dns-service.ts';

/** Requested size; the kernel limits it to net.core.rmem_max and wmem_max. */
const SOCKET_BUFFER_OCTETS = 4 * 1024 * 1024;
/** Unanswered datagrams of one address above which only queries are accepted: they rarely wait. */
const MAX_WAITING = 10_000;
/** Unanswered datagrams above which all datagrams are dropped. */
const MAX_WAITING_IN_ALL = 12_000;
/** Size of the queue of replies that the kernel has not accepted; above it replies are dropped. */
const MAX_SEND_QUEUE_OCTETS = 4 * 1024 * 1024;
/** The send queue is checked once in this many replies. */
const QUEUE_CHECK = 64;

export class UdpListener {
  readonly #service: Pick<DnsService, 'answerDatagram'>;
  readonly #onFault: (error: unknown) => void;
  #socket: Socket | undefined;
  readonly #sharers: number;
  #waiting = 0;
  #sent = 0;
  #choked = false;
  #closing = false;
  #onIdle: (() => void) | undefined;

  /**
   * @param sharers sockets of this process on the same address, which divide the limits among themselves. More than 1: every program of
   *   this user that also shares the port can open it, too; needs Node.js 22.12 or 23.1
   */
  constructor(service: Pick<DnsService, 'answerDatagram'>, onFault: (error: unknown) => void, sharers = 1) {
    this.#service = service;
    this.#onFault = onFault;
    this.#sharers = sharers;
  }

  /** Binds. @throws the system's error */
  open(host: string, port: number): Promise<void> {
    const ipv6 = host.includes(':');
    // The type is that of Node.js 20.
    const options: SocketOptions & { readonly reusePort: boolean } = {
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6,
      reusePort: this.#sharers > 1,
      // The peer is already an address: avoids a lookup, which would take a turn of the event loop.
      lookup: (address, _options, callback) => callback(null, address, ipv6 ? 6 : 4),
    };
    const socket = createSocket(options);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.removeListener('error', reject);
        socket.on('error', this.#onFault);
        raiseBuffers(socket);
        socket.on('message', (octets, from) => this.#receive(octets, from));
        resolve();
      });
    });
  }

  #receive(octets: Buffer, from: RemoteInfo): void {
    // Port 0 is reserved (RFC 6335 §6) and cannot receive a reply.
    if (octets.length < HEADER_OCTETS || from.port === 0 || this.#closing) return;
    const waiting = this.#waiting * this.#sharers;
    if (waiting >= MAX_WAITING && (waiting >= MAX_WAITING_IN_ALL || !isQuery(octets))) return;
    let reply: ReturnType<DnsService['answerDatagram']>;
    try {
      reply = this.#service.answerDatagram(octets, peerOf(from));
    } catch (error) {
      this.#onFault(error);
      return;
    }
    if (reply === undefined) return;
    if (reply instanceof Uint8Array) this.#send(reply, from);
    else this.#sendLater(reply, from);
  }

  #sendLater(reply: Promise<Uint8Array | undefined>, from: RemoteInfo): void {
    this.#waiting += 1;
    reply
      .then((octets) => octets && this.#send(octets, from), this.#onFault)
      .finally(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#onIdle?.();
      });
  }

  #send(octets: Uint8Array, to: RemoteInfo): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#sent += 1;
    if (this.#choked || this.#sent % QUEUE_CHECK === 0) {
      this.#choked = socket.getSendQueueSize() * this.#sharers > MAX_SEND_QUEUE_OCTETS;
      if (this.#choked) return;
    }
    try {
      // Without a callback Node.js ignores a failed send.
      socket.send(octets, to.port, to.address);
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** Graceful stop: accepts no datagrams, and closes when all are answered, at the latest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#waiting > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await closeSocket(socket);
  }
}

/** OPCODE 0 (RFC 1035 §4.1.1). */
function isQuery(octets: Uint8Array): boolean {
  return (octets[2]! & 0x78) === 0;
}

/** The sender without the zone identifier of a link-local address. The reply is sent to `from`, which still has it. */
function peerOf(from: RemoteInfo): DnsPeer {
  const zone = from.address.indexOf('%');
  return zone < 0 ? from : { address: from.address.slice(0, zone), port: from.port };
}

function raiseBuffers(socket: Socket): void {
  // Linux reduces a size that is too large; other systems reject it, and the default size is used.
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_OCTETS);
    socket.setSendBufferSize(SOCKET_BUFFER_OCTETS);
  } catch {}
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      // The socket was never opened.
      resolve();
    }
  });
}

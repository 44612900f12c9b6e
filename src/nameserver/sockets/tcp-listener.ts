/**
 * One TCP socket of the nameserver: accepts connections and bounds them, in all and for each source (RFC 7766 §6.2.2,
 * §6.2.3). Looks at the time limits of all connections from one timer. What a connection does is in tcp-connection.ts.
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { ipv6Octets, parseIpAddress, unmapAddress } from '../../dns/address.ts';
import type { DnsPeer, DnsService } from '../answer/dns-service.ts';
import { TcpConnection } from './tcp-connection.ts';
import { TCP_LIMITS, type TcpLimits } from './tcp-limits.ts';

/** Connections that the system keeps until they are accepted. */
const BACKLOG = 511;

export class TcpListener {
  readonly #service: DnsService;
  readonly #onFault: (error: unknown) => void;
  readonly #limits: TcpLimits;
  readonly #server: Server;
  readonly #connections = new Set<TcpConnection>();
  readonly #perSource = new Map<string, number>();
  #sweep: NodeJS.Timeout | undefined;
  #port = 0;

  constructor(service: DnsService, onFault: (error: unknown) => void, limits: Partial<TcpLimits> = {}) {
    this.#service = service;
    this.#onFault = onFault;
    this.#limits = { ...TCP_LIMITS, ...limits };
    // A client may end its side once it has asked, and still wants the replies.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** The port that is bound. */
  get port(): number {
    return this.#port;
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Binds. @throws the system's error */
  open(host: string, port: number): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG, ipv6Only: host.includes(':'), exclusive: true }, () => {
        server.removeListener('error', reject);
        server.on('error', this.#onFault);
        const bound = server.address();
        this.#port = typeof bound === 'object' && bound !== null ? bound.port : port;
        this.#sweep = setInterval(() => this.#expire(), this.#limits.sweepMs);
        // The socket keeps the process alive, not the timer.
        this.#sweep.unref();
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const peer = peerOf(socket);
    // Gone before it was accepted.
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    const source = sourceOf(peer.address);
    const count = this.#perSource.get(source) ?? 0;
    const { connections, connectionsPerSource, connectionsFromLoopback } = this.#limits;
    const allowed = source === LOOPBACK ? connectionsFromLoopback : connectionsPerSource;
    if (count >= allowed || (this.#connections.size >= connections && !this.#makeRoom())) {
      socket.destroy();
      return;
    }
    this.#perSource.set(source, count + 1);
    const connection = new TcpConnection(socket, peer, this.#service, this.#limits, this.#onFault);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      const left = this.#perSource.get(source)! - 1;
      if (left === 0) this.#perSource.delete(source);
      else this.#perSource.set(source, left);
    });
  }

  /** Ends the connection that is idle longest; false if all are busy. */
  #makeRoom(): boolean {
    let oldest: TcpConnection | undefined;
    for (const connection of this.#connections) {
      if (!connection.idle) continue;
      if (oldest === undefined || connection.activeAtMs < oldest.activeAtMs) oldest = connection;
    }
    if (oldest === undefined) return false;
    this.#connections.delete(oldest);
    oldest.cut();
    return true;
  }

  #expire(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.expire(now);
  }

  /** Accepts nothing new, lets replies that are under way leave within `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    if (this.#sweep === undefined) {
      this.#server.close();
      return;
    }
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.finish();
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.cut();
    }, graceMs);
    await closed;
    clearTimeout(cut);
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

const LOOPBACK = 'loopback';

function peerOf({ remoteAddress, remotePort }: Socket): DnsPeer | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const address = parseIpAddress(remoteAddress.replace(/%.*/, ''));
  return address && { address: unmapAddress(address).text, port: remotePort };
}

/** What connections are counted by. */
function sourceOf(address: string): string {
  if (address === '::1' || address.startsWith('127.')) return LOOPBACK;
  return isIPv6(address) ? ipv6Octets(address).subarray(0, 8).join('.') : address;
}

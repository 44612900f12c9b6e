/**
 * One TCP listener of the nameserver: accepts connections, limits their number in total and for each source (RFC 7766
 * §6.2.2), and checks their time limits (RFC 7766 §6.2.3) from one timer. The connections are in tcp-connection.ts.
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { ipv6Octets, parseIpAddress, unmapAddress } from '../../dns/address.ts';
import type { DnsPeer, DnsService } from '../answer/dns-service.ts';
import { TcpConnection } from './tcp-connection.ts';
import { TCP_LIMITS, type TcpLimits } from './tcp-limits.ts';

/** Length of the kernel's queue of connections that are not accepted yet. */
const BACKLOG = 511;

export class TcpListener {
  readonly #service: DnsService;
  readonly #onFault: (error: unknown) => void;
  /** Shared with the connections. */
  readonly #limits: { -readonly [Name in keyof TcpLimits]: TcpLimits[Name] };
  readonly #server: Server;
  readonly #connections = new Set<TcpConnection>();
  readonly #perSource = new Map<string, number>();
  #sweep: NodeJS.Timeout | undefined;
  #port = 0;

  constructor(service: DnsService, onFault: (error: unknown) => void, limits: Partial<TcpLimits> = {}) {
    this.#service = service;
    this.#onFault = onFault;
    this.#limits = { ...TCP_LIMITS, ...limits };
    // Half-open: a client can close its side after the query and still read the replies.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** The bound port. */
  get port(): number {
    return this.#port;
  }

  /** Sets the idle time, for open connections as well. */
  setIdle(idleMs: number): void {
    this.#limits.idleMs = idleMs;
  }

  /** Number of open connections. */
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
        // The listening socket keeps the process alive; the timer does not.
        this.#sweep.unref();
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const peer = peerOf(socket);
    // The client disconnected before the connection was accepted.
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    const source = sourceOf(peer.address);
    const count = this.#perSource.get(source) ?? 0;
    const { connections, connectionsPerSource, connectionsFromLoopback } = this.#limits;
    const limit = source === LOOPBACK ? connectionsFromLoopback : connectionsPerSource;
    if (count >= limit || (this.#connections.size >= connections && !this.#evictIdle())) {
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

  /** Closes the connection that has been idle longest; false if all are busy. */
  #evictIdle(): boolean {
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

  /** Graceful stop: accepts no connections, sends pending replies for up to `graceMs`, then closes all connections. */
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
  const address = parseIpAddress(remoteAddress.split('%', 1)[0]!);
  return address && { address: unmapAddress(address).text, port: remotePort };
}

/** Key for the limit of connections: an IPv4 address, an IPv6 /64, or loopback. */
function sourceOf(address: string): string {
  if (address === '::1' || address.startsWith('127.')) return LOOPBACK;
  return isIPv6(address) ? ipv6Octets(address).subarray(0, 8).join('.') : address;
}

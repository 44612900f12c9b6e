/**
 * The open connections of one set of listeners: how many there may be, in total and of one source, and how long each may take
 * where Node has no time-out that ends it: before the first request (PROXY header, TLS handshake), between requests, while the
 * client does not read, and after the server ended its side. Every connection that is ended is destroyed a little later,
 * whether its client closes or not.
 *
 * Left out: the time-outs of a request's header and body, which are Node's (listeners.ts sets them).
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sourceKey } from '../../core/access/rate-limits.ts';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { isTrusted, parsePeer } from './client-address.ts';

/** Current limits; a reload may change them. */
export interface ConnectionLimits {
  /** Open connections of all listeners together. */
  readonly total: number;
  /** Of one IPv4 address or IPv6 /64; 0: no limit. Unix sockets, loopback and `exempt` are not counted. */
  readonly perSource: number;
  /** Trusted proxies: their connections are those of many clients, and they alone may send a PROXY header. */
  readonly exempt: readonly IpPrefix[];
}

/** In milliseconds. */
export interface ConnectionTimes {
  /** For the PROXY header (haproxy's specification asks for 3 seconds at least). */
  readonly proxyMs: number;
  /** For the TLS handshake. */
  readonly handshakeMs: number;
  /** From the end of a reply, or of the handshake, to the end of the next request's header. */
  readonly betweenMs: number;
  /** A client that takes nothing of its reply in this time is disconnected. */
  readonly readerMs: number;
  /** A client that sends nothing of the rest of its request in this time is disconnected. */
  readonly senderMs: number;
  /** How long an ended connection still discards what the client sends, so that the client can read the last reply. */
  readonly lingerMs: number;
  readonly sweepMs: number;
}

export const CONNECTION_TIMES: ConnectionTimes = {
  proxyMs: 5_000,
  handshakeMs: 10_000,
  betweenMs: 31_000,
  readerMs: 30_000,
  senderMs: 120_000,
  lingerMs: 2_000,
  sweepMs: 500,
};

const CONNECTION = Symbol('connection');

export class Connection {
  /** The TCP connection or unix socket: below TLS. */
  readonly raw: Socket;
  /** The address of the other end; undefined on a unix socket. */
  readonly peer: IpAddress | undefined;
  readonly isUnix: boolean;
  /** With the PROXY protocol: the client's address, undefined if the proxy does not name it. */
  named: { readonly address: IpAddress | undefined } | undefined;
  /** What HTTP is read from: the socket or TLS on it; undefined before the PROXY header and the handshake are read. */
  http: Socket | undefined;
  /** The reply to the newest request, until it is sent: a reply that is kept longer survives collections of garbage. */
  last: ServerResponse | undefined;
  /** Requests that were read. */
  requests = 0;
  /** The last reply was sent with `Connection: close`. */
  isFinal = false;
  /** Nothing more is executed: the rest of what arrives is discarded. */
  isRefused = false;
  /** When it must speak HTTP. */
  deadlineMs: number;
  /** What the sweep saw last: `sending` a reply, `reading` the body of a request, `busy` with one that is complete. */
  state: 'ended' | 'sending' | 'reading' | 'busy' | 'idle' = 'busy';
  /** Since when nothing has moved in this state. */
  sinceMs = 0;
  /** Octets that were sent, or that were read, at the last sweep. */
  octets = 0;
  /** `requests` at the last sweep. */
  seen = 0;
  /** The source that it is counted for; undefined if it is not counted. */
  countedFor: string | undefined;
  /** Both ends, as long as its TLS handshake is not complete. */
  ends: string | undefined;

  constructor(raw: Socket, isUnix: boolean, deadlineMs: number) {
    this.raw = raw;
    this.isUnix = isUnix;
    this.deadlineMs = deadlineMs;
    this.peer = raw.remoteAddress === undefined ? undefined : parsePeer(raw.remoteAddress);
  }

  /** A request was read, and gets this reply. */
  begins(response: ServerResponse): void {
    this.last = response;
    this.requests += 1;
    response.on('close', releaseResponse);
  }

  /** A request was read, and its reply is not sent to its end. */
  get isBusy(): boolean {
    const { last } = this;
    return last !== undefined && !last.writableFinished && !last.destroyed;
  }

  destroy(): void {
    this.http?.destroy();
    this.raw.destroy();
  }
}

function destroyThis(this: Socket): void {
  this.destroy();
}

/** One function for all replies: a closure for each would cost an allocation. */
function releaseResponse(this: ServerResponse): void {
  const connection = connectionOf(this.req.socket);
  if (connection?.last !== this) return;
  connection.isFinal = !this.shouldKeepAlive;
  connection.last = undefined;
}

/** The connection that a socket belongs to; undefined before TLS is established. */
export function connectionOf(socket: Duplex): Connection | undefined {
  return (socket as { [CONNECTION]?: Connection })[CONNECTION];
}

export class Connections {
  readonly #limits: () => ConnectionLimits;
  readonly #times: ConnectionTimes;
  readonly #open = new Set<Connection>();
  readonly #bySource = new Map<string, number>();
  /** Connections whose TLS handshake is not complete, by both ends. */
  readonly #handshakes = new Map<string, Connection>();
  #sweep: NodeJS.Timeout | undefined;
  #isEnding = false;
  #lastRequests = 0;

  constructor(limits: () => ConnectionLimits, times: Partial<ConnectionTimes> = {}) {
    this.#limits = limits;
    this.#times = { ...CONNECTION_TIMES, ...times };
  }

  get size(): number {
    return this.#open.size;
  }

  get times(): ConnectionTimes {
    return this.#times;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open.values();
  }

  /**
   * Takes an accepted connection, or destroys it.
   * @param isProxied the peer must be a trusted proxy, which names the client; `count` is then called with the client
   */
  admit(raw: Socket, isUnix: boolean, isProxied: boolean): Connection | undefined {
    // Node has no listener of its own before HTTP is spoken.
    raw.on('error', destroyThis);
    const connection = new Connection(raw, isUnix, performance.now() + this.#times.proxyMs);
    // A client that has reset the connection meanwhile has no address any more.
    const isGone = !isUnix && connection.peer === undefined;
    if (isGone || raw.destroyed || this.#open.size >= this.#limits().total) {
      raw.destroy();
      return undefined;
    }
    if (isProxied && !isUnix && !isTrusted(connection.peer!, this.#limits().exempt)) {
      raw.destroy();
      return undefined;
    }
    if (!isProxied && !this.count(connection, connection.peer)) return undefined;
    this.#open.add(connection);
    raw.on('close', () => this.#closed(connection));
    this.#sweep ??= setInterval(() => this.#check(performance.now()), this.#times.sweepMs).unref();
    return connection;
  }

  /** Counts a connection for its source. @returns false if the source has too many: the connection is then destroyed */
  count(connection: Connection, source: IpAddress | undefined): boolean {
    const { raw, isUnix, named } = connection;
    const { perSource, exempt } = this.#limits();
    if (perSource === 0 || source === undefined || (isUnix && named === undefined) || isExempt(source, exempt))
      return true;
    const key = sourceKey(source);
    const count = this.#bySource.get(key) ?? 0;
    if (count >= perSource) {
      raw.destroy();
      return false;
    }
    this.#bySource.set(key, count + 1);
    connection.countedFor = key;
    return true;
  }

  /** One listener for all that ends with a connection: each costs as much as a step of the request. */
  #closed(connection: Connection): void {
    const { countedFor, http } = connection;
    this.#open.delete(connection);
    if (countedFor !== undefined) {
      const left = this.#bySource.get(countedFor)! - 1;
      if (left === 0) this.#bySource.delete(countedFor);
      else this.#bySource.set(countedFor, left);
    }
    this.#endHandshake(connection);
    http?.destroy();
  }

  /** HTTP is read from this socket from now on. */
  speaksHttp(connection: Connection, http: Socket): void {
    connection.http = http;
    (http as { [CONNECTION]?: Connection })[CONNECTION] = connection;
  }

  /** A TLS handshake begins. Node does not say which TCP connection a TLS socket is on; their ends are the same. */
  handshakes(connection: Connection): void {
    connection.deadlineMs = performance.now() + this.#times.handshakeMs;
    connection.ends = endsOf(connection.raw);
    this.#handshakes.set(connection.ends, connection);
  }

  #endHandshake(connection: Connection): void {
    const { ends } = connection;
    if (ends === undefined) return;
    connection.ends = undefined;
    if (this.#handshakes.get(ends) === connection) this.#handshakes.delete(ends);
  }

  /** The handshake of a TLS socket is complete. */
  secured(tls: Socket): void {
    const connection = this.#handshakes.get(endsOf(tls));
    if (connection === undefined) {
      tls.destroy();
      return;
    }
    this.#endHandshake(connection);
    this.speaksHttp(connection, tls);
  }

  /** Each connection ends with the reply to its newest request. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** From now on: see isEnding. A reply whose header was sent cannot say so. */
  endWithReplies(): void {
    this.#isEnding = true;
    for (const { last } of this.#open) if (last?.headersSent === false) last.shouldKeepAlive = false;
  }

  /** How many requests came while the connections end. */
  get lastRequests(): number {
    return this.#lastRequests;
  }

  /** The reply to a request that came while the connections end. */
  endWith(response: ServerResponse): void {
    this.#lastRequests += 1;
    response.shouldKeepAlive = false;
  }

  /** Ends connections without a request in flight. */
  endIdle(): void {
    for (const connection of this.#open) {
      if (!connection.isBusy) (connection.http ?? connection.raw).destroySoon();
    }
  }

  destroyAll(): void {
    for (const connection of this.#open) connection.destroy();
  }

  #check(nowMs: number): void {
    if (this.#open.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      return;
    }
    for (const connection of this.#open) if (this.#isOver(connection, nowMs)) connection.destroy();
  }

  #isOver(connection: Connection, nowMs: number): boolean {
    const { http, requests } = connection;
    if (http === undefined) return nowMs > connection.deadlineMs;
    const state = stateOf(connection, http);
    const octets = state === 'sending' ? takenOctets(http) : state === 'reading' ? http.bytesRead : 0;
    if (state !== connection.state || octets !== connection.octets || requests !== connection.seen) {
      connection.state = state;
      connection.octets = octets;
      connection.seen = requests;
      connection.sinceMs = nowMs;
    }
    return nowMs - connection.sinceMs > this.#limitOf(state);
  }

  #limitOf(state: Connection['state']): number {
    const { betweenMs, readerMs, senderMs, lingerMs } = this.#times;
    if (state === 'ended') return lingerMs;
    if (state === 'sending') return readerMs;
    if (state === 'reading') return senderMs;
    // The deadlines of a request that is being processed are the application's.
    return state === 'idle' ? betweenMs : Number.POSITIVE_INFINITY;
  }
}

function stateOf({ last, isBusy }: Connection, http: Socket): Connection['state'] {
  if (http.writableFinished || http.destroyed) return 'ended';
  if (http.writableLength > 0) return 'sending';
  if (!isBusy) return 'idle';
  return last!.req.complete ? 'busy' : 'reading';
}

/** What is written meanwhile, as to a stream of events, does not hide that the client takes nothing. */
function takenOctets({ bytesWritten, writableLength }: Socket): number {
  return bytesWritten - writableLength;
}

/** Loopback is a proxy or a program of this machine. */
function isExempt(source: IpAddress, exempt: readonly IpPrefix[]): boolean {
  if (source.text === '::1' || (source.family === 4 && source.text.startsWith('127.'))) return true;
  return isTrusted(source, exempt);
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

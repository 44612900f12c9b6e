/**
 * DNS over TCP, client side (RFC 1035 §4.2.2, RFC 7766): one persistent connection with pipelined requests (RFC 7766
 * §6.2.1.1), replies in any order (RFC 7766 §7), and a new connection after the server closed the old one.
 *
 * Concurrent requests share one write. After a timeout a connection is not reused: its server may have been restarted or
 * be frozen, and never answer on it again.
 */
import { connect, type Socket } from 'node:net';
import { formatEndpoint } from '../dns/endpoint.ts';
import { WireError } from '../dns/wire/reader.ts';
import {
  type Endpoint,
  ExchangeError,
  type Exchanger,
  messageId,
  type Reply,
  type RequestBuilder,
  readReply,
} from './exchange.ts';

/** Interval at which deadlines are checked: the maximum delay of a timeout. */
const SWEEP_MS = 50;

interface PendingRequest {
  readonly request: Uint8Array;
  readonly deadlineMs: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: ExchangeError) => void;
}

export class TcpExchanger implements Exchanger {
  readonly #endpoint: Endpoint;
  readonly #connections = new Set<TcpConnection>();
  #current: TcpConnection | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    if (this.#current === undefined || !this.#current.usable) {
      const connection = new TcpConnection(this.#endpoint, () => this.#connections.delete(connection));
      this.#connections.add(connection);
      this.#current = connection;
    }
    return this.#current.exchange(build, deadlineMs);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

class TcpConnection {
  readonly #endpoint: Endpoint;
  readonly #socket: Socket;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #onEnd: () => void;
  #nextId = Math.floor(Math.random() * 0x10000);
  #usable = true;
  #connected = false;
  #outgoing: PendingRequest[] = [];
  #incoming: Buffer = Buffer.alloc(0);
  #sweep: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, onEnd: () => void) {
    this.#endpoint = endpoint;
    this.#onEnd = onEnd;
    this.#socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true, keepAlive: true });
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#flush();
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // The server sends no more replies, so no more requests are sent; `close` follows once our writes are flushed.
    this.#socket.on('end', () => {
      this.#usable = false;
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(undefined));
    // Only requests in flight keep the process alive, by the sweep timer.
    this.#socket.unref();
  }

  get usable(): boolean {
    return this.#usable && this.#pending.size < 0x8000;
  }

  exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    const request = build(this.#freeId());
    return new Promise((resolve, reject) => {
      const pending: PendingRequest = { request, deadlineMs, resolve, reject };
      this.#pending.set(messageId(request), pending);
      this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS);
      if (this.#outgoing.push(pending) === 1 && this.#connected) queueMicrotask(() => this.#flush());
    });
  }

  close(): void {
    this.#end(undefined);
  }

  #freeId(): number {
    while (this.#pending.has(this.#nextId)) this.#nextId = (this.#nextId + 1) & 0xffff;
    const id = this.#nextId;
    this.#nextId = (id + 1) & 0xffff;
    return id;
  }

  /** Writes the queued requests, except those that timed out meanwhile: they must not be processed any more. */
  #flush(): void {
    const frames: Uint8Array[] = [];
    for (const pending of this.#outgoing) {
      const { request } = pending;
      if (this.#pending.get(messageId(request)) !== pending) continue;
      frames.push(Uint8Array.of(request.length >> 8, request.length & 0xff), request);
    }
    this.#outgoing = [];
    if (frames.length > 0 && !this.#socket.destroyed) this.#socket.write(Buffer.concat(frames));
  }

  #receive(chunk: Buffer): void {
    const data = this.#incoming.length === 0 ? chunk : Buffer.concat([this.#incoming, chunk]);
    let at = 0;
    while (at + 2 <= data.length) {
      const end = at + 2 + data.readUInt16BE(at);
      if (end > data.length) break;
      if (!this.#resolveReply(data.subarray(at + 2, end))) return;
      at = end;
    }
    this.#incoming = data.subarray(at);
    if (this.#pending.size === 0) this.#becomeIdle();
  }

  /** Resolves the request of a reply. False if the connection was ended because of it. */
  #resolveReply(octets: Buffer): boolean {
    const pending = octets.length >= 12 ? this.#pending.get(messageId(octets)) : undefined;
    try {
      const reply = pending && readReply(pending.request, octets);
      if (pending !== undefined && reply !== undefined) {
        this.#pending.delete(messageId(octets));
        pending.resolve(reply);
        return true;
      }
      // A late reply to a request that timed out is ignored; anything else is an error.
      if (pending === undefined && octets.length >= 12 && (octets[2]! & 0x80) !== 0) return true;
      this.#end(new WireError('message is not a reply to a request', 0));
    } catch (error) {
      this.#end(error);
    }
    return false;
  }

  #expire(): void {
    const now = performance.now();
    for (const [id, pending] of this.#pending) {
      if (pending.deadlineMs > now) continue;
      this.#pending.delete(id);
      this.#usable = false;
      pending.reject(
        this.#connected
          ? new ExchangeError('timeout', true, `no reply from ${formatEndpoint(this.#endpoint)} in time`)
          : new ExchangeError('unreachable', false, `no connection to ${formatEndpoint(this.#endpoint)} in time`),
      );
    }
    if (this.#pending.size === 0) this.#becomeIdle();
  }

  /** Stops the sweep, and ends the connection if it accepts no new requests. */
  #becomeIdle(): void {
    this.#stopSweep();
    if (!this.#usable) this.#end(undefined);
  }

  #stopSweep(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #end(cause: unknown): void {
    this.#usable = false;
    this.#stopSweep();
    const place = formatEndpoint(this.#endpoint);
    const error =
      cause instanceof WireError || this.#incoming.length > 0
        ? new ExchangeError('garbage', true, `${place} sent something that is not a DNS reply`, { cause })
        : this.#connected
          ? new ExchangeError('closed', true, `${place} closed the connection`, { cause })
          : new ExchangeError('unreachable', false, `cannot connect to ${place}${systemReason(cause)}`, { cause });
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#socket.destroy();
    this.#onEnd();
  }
}

function systemReason(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}

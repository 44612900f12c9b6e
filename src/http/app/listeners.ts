/**
 * The sockets that HTTP is served on: TCP, TLS and unix sockets, all in front of one application.
 */
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { formatListenAddress, type HttpConfig, type ListenAddress } from '../../config/config.ts';

/** A listener that could not be opened, with what to do. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

/** What TLS needs, in PEM. */
export interface TlsPair {
  readonly key: string;
  /** That of the server first. */
  readonly chain: string;
}

/** What a client sees of a certificate. */
export interface ShownCertificate {
  /** As in its subjectAltName. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly endMs: number;
}

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 20_000;

export class HttpListeners {
  readonly #servers: Server[] = [];
  #addresses: string[] = [];
  /** Connections as they were accepted: below TLS. */
  readonly #sockets = new Set<Socket>();
  readonly #underWay = new Set<ServerResponse>();
  #chain: Buffer | string | undefined;
  readonly #ownPair: (() => TlsPair) | undefined;
  #closing = false;
  #cutSoon = false;

  /** @param ownPair the server's own certificate, where `http.acme` is configured */
  constructor(ownPair?: () => TlsPair) {
    this.#ownPair = ownPair;
  }

  /** Where it listens, as URLs or `unix:PATH`, with the ports that the system chose. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /**
   * Opens all, or none.
   * @param option what an operator would change to have another port
   * @throws ListenError
   */
  async open(config: HttpConfig, listener: RequestListener, option = 'http.listen, or serve --port'): Promise<void> {
    try {
      for (const address of config.listen) await this.#openOne(config, address, listener, option);
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  async #openOne(config: HttpConfig, address: ListenAddress, listener: RequestListener, option: string): Promise<void> {
    // A client without a Host header is an old router, not an attack.
    const options: ServerOptions = {
      requireHostHeader: false,
      insecureHTTPParser: config.lenient,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
    };
    const tls = address.kind === 'tcp' && address.tls ? this.#readTls(config) : undefined;
    const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    const ended = (response: ServerResponse) => this.#ended(response);
    // One function for all responses: on this path every object counts.
    function onClose(this: ServerResponse): void {
      ended(this);
    }
    server.on('request', (request, response) => {
      this.#underWay.add(response);
      response.on('close', onClose);
      listener(request, response);
    });
    server.maxConnections = MAX_CONNECTIONS;
    // Some clients end their side after the request: without this node drops the reply of a change that is made.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('clientError', answerUnreadable);
    server.on('checkExpectation', refuseExpectation);
    if (address.kind === 'unix') await removeStaleSocket(address.path);
    await listen(server, address, option);
    if (address.kind === 'unix') chmodSync(address.path, config.socketMode);
    this.#servers.push(server);
    if (tls !== undefined) this.#chain = tls.cert;
    this.#addresses.push(describe(server, address));
  }

  /**
   * Reads certificate and key without using them yet.
   * @returns puts them in force for new connections; open ones keep theirs
   * @throws ListenError
   */
  prepareTls(config: HttpConfig): () => void {
    const tls = this.#readTls(config);
    return () => {
      for (const server of this.#servers) {
        if (!('setSecureContext' in server)) continue;
        (server as ReturnType<typeof createTlsServer>).setSecureContext(tls);
        this.#chain = tls.cert;
      }
    };
  }

  /** The one that new connections are shown; undefined without TLS. */
  get certificate(): ShownCertificate | undefined {
    if (this.#chain === undefined) return undefined;
    const { subjectAltName = '', validTo } = new X509Certificate(this.#chain);
    return { names: subjectAltName.split(', ').map((name) => name.replace(/^\w+:/, '')), endMs: Date.parse(validTo) };
  }

  #readTls(config: HttpConfig): { cert: Buffer | string; key: Buffer | string } {
    if (config.acme === undefined) return readTls(config);
    const { key, chain } = this.#ownPair!();
    return { cert: chain, key };
  }

  /** Takes no new connections, lets requests end within `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    const servers = this.#servers.splice(0);
    this.#addresses = [];
    this.#closing = true;
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    this.#cutIdle();
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(cut);
    this.#closing = false;
  }

  /** Node's own closeIdleConnections() leaves those on which nothing, or only a part of a request, has come. */
  #cutIdle(): void {
    const busy = new Set<unknown>();
    for (const { req } of this.#underWay) busy.add(req.socket).add(peerOf(req.socket));
    for (const socket of this.#sockets) {
      const peer = peerOf(socket);
      if (!busy.has(socket) && (peer === undefined || !busy.has(peer))) socket.destroySoon();
    }
  }

  #ended(response: ServerResponse): void {
    this.#underWay.delete(response);
    if (!this.#closing || this.#cutSoon) return;
    this.#cutSoon = true;
    setImmediate(() => {
      this.#cutSoon = false;
      if (this.#closing) this.#cutIdle();
    });
  }
}

/** What the TLS and the plain side of one connection have in common; undefined on a unix socket. */
function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

function readTls(config: HttpConfig): { cert: Buffer; key: Buffer } {
  const { tls } = config;
  if (tls === undefined) throw new ListenError("An https:// entry of 'http.listen' needs 'http.tls'.");
  const read = (option: string, path: string) => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new ListenError(`http.tls.${option}: the file '${path}' cannot be read.`, { cause });
    }
  };
  const files = { cert: read('certificate', tls.certificate), key: read('key', tls.key) };
  try {
    createSecureContext(files);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `http.tls: '${tls.certificate}' and '${tls.key}' are no PEM certificate and its private key`;
    throw new ListenError(`${text} (${reason}).`, { cause });
  }
  return files;
}

function listen(server: Server, address: ListenAddress, option: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(listenError(address, cause, option));
    server.once('error', fail);
    const opened = () => {
      server.removeListener('error', fail);
      resolve();
    };
    if (address.kind === 'unix') server.listen({ path: address.path }, opened);
    else server.listen({ host: address.host, port: address.port }, opened);
  });
}

function listenError(address: ListenAddress, cause: NodeJS.ErrnoException, option: string): ListenError {
  const place = formatListenAddress(address);
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: `another program listens there; stop it, or choose another port (option ${option})`,
    EACCES:
      'permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE, a unix socket a writable directory',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOENT: 'its directory does not exist',
  };
  // libuv tells of a missing directory as EACCES.
  const missing = address.kind === 'unix' && !existsSync(dirname(address.path));
  const reason = reasons[missing ? 'ENOENT' : (cause.code ?? '')] ?? cause.message;
  return new ListenError(`Cannot listen on '${place}': ${reason}.`, { cause });
}

/** A socket file that nobody listens on any more is left by a process that was killed. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (!alive) unlinkSync(path);
}

function describe(server: Server, address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.tls ? 'https' : 'http'}://${host}:${port}`;
}

const UNREADABLE = 'ERROR: The request is malformed.\n';

const UNREADABLE_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
  'Content-Length': String(UNREADABLE.length),
  Connection: 'close',
};

/** Octets that are no HTTP request; a header part that is too large is one of them. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const headers = Object.entries(UNREADABLE_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join('')}\r\n${UNREADABLE}`);
}

/** An `Expect` other than 100-continue. Node's own reply would be chunked, which old clients cannot read. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(417, UNREADABLE_HEADERS).end(UNREADABLE);
}

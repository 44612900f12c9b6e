/**
 * The sockets that serve HTTP: TCP, TLS and unix sockets, all in front of one application. Closing is graceful: requests in
 * flight end, idle connections are closed at once.
 */
import { chmodSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HttpConfig, ListenAddress } from '../../config/config.ts';
import { boundAddress, listen, removeStaleSocket } from './listen.ts';
import { RequestTurns } from './request-turns.ts';
import {
  describeCertificate,
  optionsOfPairs,
  readTlsFiles,
  type ServedCertificate,
  type TlsOptions,
  type TlsPair,
} from './tls.ts';

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 20_000;

export class HttpListeners {
  readonly #servers: Server[] = [];
  #addresses: string[] = [];
  /** Accepted TCP connections and unix sockets: below TLS. */
  readonly #sockets = new Set<Socket>();
  readonly #inFlight = new Set<ServerResponse>();
  /** The certificates that new TLS connections get. */
  #tls: TlsOptions | undefined;
  readonly #ownPairs: (() => readonly TlsPair[]) | undefined;
  #closing = false;
  #closeScheduled = false;

  /** @param ownPairs the certificates that the server obtained itself, with `http.tls.acme` */
  constructor(ownPairs?: () => readonly TlsPair[]) {
    this.#ownPairs = ownPairs;
  }

  /** URLs or `unix:PATH`, with the ports that the system chose. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /**
   * Opens all listeners, or none.
   * @param option the option that changes the port, for the message of an error
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
    const onEnd = (response: ServerResponse) => this.#onEnd(response);
    // One function for all responses: a closure for each would cost an allocation on the hot path.
    function onClose(this: ServerResponse): void {
      onEnd(this);
    }
    const turns = new RequestTurns(listener);
    server.on('request', (request, response) => {
      this.#inFlight.add(response);
      response.on('close', onClose);
      turns.take(request, response);
    });
    server.maxConnections = MAX_CONNECTIONS;
    // Some clients end their side after the request. Without this, Node drops the reply although the change is made.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('clientError', answerUnreadable);
    server.on('checkExpectation', refuseExpectation);
    if (address.kind === 'unix') await removeStaleSocket(address.path);
    await listen(server, address, option);
    if (address.kind === 'unix') chmodSync(address.path, config.socketMode);
    this.#servers.push(server);
    if (tls !== undefined) this.#tls = tls;
    this.#addresses.push(boundAddress(server, address));
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
        this.#tls = tls;
      }
    };
  }

  /** The certificate that new connections get; undefined without TLS. */
  get certificate(): ServedCertificate | undefined {
    return this.#tls === undefined ? undefined : describeCertificate(this.#tls);
  }

  #readTls(config: HttpConfig): TlsOptions {
    if (config.acme === undefined) return readTlsFiles(config);
    return optionsOfPairs(this.#ownPairs!());
  }

  /** Stops accepting connections, lets requests in flight end within `graceMs`, then destroys what is left. */
  async close(graceMs: number): Promise<void> {
    const servers = this.#servers.splice(0);
    this.#addresses = [];
    this.#closing = true;
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    this.#closeIdle();
    const deadline = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(deadline);
    this.#closing = false;
  }

  /** Node's own closeIdleConnections() leaves connections that have sent nothing, or only a part of a request. */
  #closeIdle(): void {
    const busy = new Set<unknown>();
    for (const { req } of this.#inFlight) busy.add(req.socket).add(remoteEndpoint(req.socket));
    for (const socket of this.#sockets) {
      const endpoint = remoteEndpoint(socket);
      if (!busy.has(socket) && (endpoint === undefined || !busy.has(endpoint))) socket.destroySoon();
    }
  }

  #onEnd(response: ServerResponse): void {
    this.#inFlight.delete(response);
    if (!this.#closing || this.#closeScheduled) return;
    this.#closeScheduled = true;
    setImmediate(() => {
      this.#closeScheduled = false;
      if (this.#closing) this.#closeIdle();
    });
  }
}

/** Equal for the TLS socket and the TCP socket of one connection; undefined on a unix socket. */
function remoteEndpoint({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

const UNREADABLE = 'ERROR: The request is malformed.\n';

const UNREADABLE_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
  'Content-Length': String(UNREADABLE.length),
  Connection: 'close',
};

/** Answers octets that Node cannot parse as a request, among them headers that are too large. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const headers = Object.entries(UNREADABLE_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join('')}\r\n${UNREADABLE}`);
}

/** Answers an `Expect` other than 100-continue. Node's own reply would be chunked, which old clients cannot read. */
function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(417, UNREADABLE_HEADERS).end(UNREADABLE);
}

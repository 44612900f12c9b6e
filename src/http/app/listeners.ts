/**
 * The sockets that serve HTTP: TCP, TLS and unix sockets, all in front of one application. Closing is graceful: requests in
 * flight end, idle connections are closed at once. Limits and time-outs are in connections.ts and guarded-server.ts.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { HttpConfig, ListenAddress } from '../../config/config.ts';
import { TICKET_KEY_OCTETS } from '../../core/ticket-keys.ts';
import { type ConnectionLimits, Connections, type ConnectionTimes } from './connections.ts';
import { closeServers, guardServer, HEADERS_TIMEOUT_MS, TIMEOUT_CHECK_MS } from './guarded-server.ts';
import { boundAddress, listen, removeStaleSocket } from './listen.ts';
import {
  describeCertificate,
  optionsOfPairs,
  readTlsFiles,
  type ServedCertificate,
  type TlsOptions,
  type TlsPair,
  ticketOptions,
} from './tls.ts';

type TlsServer = ReturnType<typeof createTlsServer>;

/** From the first octet of a request, or from the accepted connection. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
/** What the address of a unix socket begins with. */
const UNIX = 'unix:';
const DEFAULT_LIMITS: ConnectionLimits = { total: 20_000, perSource: 256, exempt: [] };

export interface HttpListenersOptions {
  /** The certificates that the server obtained itself, with `http.tls.acme`. */
  readonly ownPairs?: () => readonly TlsPair[];
  /** Called for each connection, so that a reload takes effect at once. */
  readonly limits?: () => ConnectionLimits;
  readonly times?: Partial<ConnectionTimes>;
  /** Called with an exception of the application. */
  readonly onFault?: (error: unknown) => void;
}

export class HttpListeners {
  readonly #servers: Server[] = [];
  #addresses: string[] = [];
  readonly #connections: Connections;
  /** The certificates that new TLS connections get. */
  #tls: TlsOptions | undefined;
  #ticketKey = randomBytes(TICKET_KEY_OCTETS);
  readonly #ownPairs: (() => readonly TlsPair[]) | undefined;
  readonly #onFault: (error: unknown) => void;

  constructor(options: HttpListenersOptions = {}) {
    const { ownPairs, limits = () => DEFAULT_LIMITS, times, onFault = () => undefined } = options;
    this.#ownPairs = ownPairs;
    this.#onFault = onFault;
    this.#connections = new Connections(limits, times);
  }

  /** URLs or `unix:PATH`, with the ports that the system chose. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Opens all listeners of `config`, or none at all. May be called again, for other addresses with another application.
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
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      noDelay: true,
    };
    const isTls = address.kind === 'tcp' && address.tls;
    const tls = isTls ? this.#readTls(config) : undefined;
    const { handshakeMs: handshakeTimeout } = this.#connections.times;
    // Half-open, as plain HTTP is in Node: see guarded-server.ts.
    const server =
      tls === undefined
        ? createServer(options)
        : createTlsServer({
            ...options,
            ...tls,
            ...ticketOptions(this.#ticketKey),
            handshakeTimeout,
            allowHalfOpen: true,
          });
    const isUnix = address.kind === 'unix';
    const isProxied = address.proxyProtocol === true;
    guardServer(server, this.#connections, { isUnix, isTls, isProxied, onFault: this.#onFault }, listener);
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
      for (const server of this.#tlsServers()) {
        server.setSecureContext({ ...tls, ...ticketOptions(this.#ticketKey) });
        this.#tls = tls;
      }
    };
  }

  /**
   * Encrypts the session tickets of all TLS listeners with this key from now on; until then it is a random one. Tickets of the key
   * before are not valid any more.
   * @param secret TICKET_KEY_OCTETS octets
   */
  useTicketKey(secret: Buffer): void {
    this.#ticketKey = secret;
    for (const server of this.#tlsServers()) server.setTicketKeys(secret);
  }

  *#tlsServers(): Iterable<TlsServer> {
    for (const server of this.#servers) if ('setSecureContext' in server) yield server as TlsServer;
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
    // Without its file a unix socket gets no new clients, while those that have connected are still taken.
    for (const address of this.#addresses) {
      if (address.startsWith(UNIX)) rmSync(address.slice(UNIX.length), { force: true });
    }
    this.#addresses = [];
    await closeServers(this.#servers.splice(0), this.#connections, graceMs);
  }
}

/**
 * What every HTTP server of this program does around Node's: it admits connections (connections.ts), passes on only requests whose
 * message is well-formed, and answers octets that are not a request. A reply always belongs to the request that it follows:
 * octets behind a request that is being processed never replace its reply.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { MAX_BODY_OCTETS } from './body-parsers.ts';
import { type Connection, type Connections, connectionOf } from './connections.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import { RequestTurns } from './request-turns.ts';

/** From the first octet of a request, or from the accepted connection, to the end of the header. */
export const HEADERS_TIMEOUT_MS = 15_000;
/** How often Node checks its time-outs of requests: its default is 30 seconds. */
export const TIMEOUT_CHECK_MS = 500;

export interface GuardOptions {
  readonly isUnix: boolean;
  readonly isTls: boolean;
  /** The peer must send a header of the PROXY protocol first. */
  readonly isProxied?: boolean;
  /** Called with an exception of the listener; the connection is then ended. */
  readonly onFault: (error: unknown) => void;
}

/** Guards a server that does not listen yet. Its listener for requests is `listener`; the server must have no other. */
export function guardServer(
  server: Server,
  connections: Connections,
  { isUnix, isTls, isProxied = false, onFault }: GuardOptions,
  listener: RequestListener,
): void {
  const nodes = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const begin = (connection: Connection) => {
    if (isTls) connections.handshakes(connection);
    else connections.speaksHttp(connection, connection.raw);
    for (const accept of nodes) accept.call(server, connection.raw);
  };
  server.on('connection', (raw: Socket) => {
    const connection = connections.admit(raw, isUnix, isProxied);
    if (connection === undefined) return;
    if (!isProxied) begin(connection);
    else {
      readProxyHeader(raw, (address) => {
        connection.named = { address };
        if (connections.count(connection, address)) begin(connection);
      });
    }
  });
  // Node's own listener reads HTTP from the socket: this one must be before it.
  if (isTls) server.prependListener('secureConnection', (tls: Socket) => connections.secured(tls));
  const guarded: RequestListener = (request, response) => {
    try {
      listener(request, response);
    } catch (error) {
      response.destroy();
      onFault(error);
    }
  };
  const turns = new RequestTurns(guarded);
  server.on('request', (request, response) => pass(request, response, connections, turns));
  // Some clients end their side after the request. Without this, Node drops the reply although the change is made.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('clientError', answerUnreadable);
  server.on('checkExpectation', refuseExpectation);
}

/** How often connections that became idle are closed while the servers end. */
const CLOSING_CHECK_MS = 20;
/**
 * Idle connections stay open until so many checks in a row have seen no request: a quarter of a second, or longer where the
 * process is held up. A proxy may be sending a request on one, which would be lost; with its reply it learns that the connection ends.
 */
const QUIET_CHECKS = 12;
/** Node takes one connection in each turn of the event loop; those that the system has made already must not be reset. */
const ACCEPTING_TURNS = 100;

/**
 * Stops accepting connections, and ends each one with its next reply. Requests in flight may end within `graceMs`; then what is
 * left is destroyed.
 */
export async function closeServers(
  servers: readonly Server[],
  connections: Connections,
  graceMs: number,
): Promise<void> {
  for (let turn = 0; graceMs > 0 && turn < ACCEPTING_TURNS; turn += 1) await new Promise(setImmediate);
  // Node's own close() for HTTP destroys idle connections at once.
  const stopListening = (server: Server) =>
    new Promise((resolve) => NetServer.prototype.close.call(server, resolve as () => void));
  const closed = Promise.all(servers.map(stopListening));
  // Not earlier: clients would open new connections, and one in this moment would be reset.
  connections.endWithReplies();
  let quietChecks = 0;
  let requests = connections.lastRequests;
  const endIdle = () => {
    quietChecks = connections.lastRequests === requests ? quietChecks + 1 : 0;
    requests = connections.lastRequests;
    // After Node has read what arrived: a timer that is late, as on a busy machine, comes before that.
    if (quietChecks >= QUIET_CHECKS) setImmediate(() => connections.endIdle());
  };
  const idle = setInterval(endIdle, CLOSING_CHECK_MS);
  const deadline = setTimeout(() => connections.destroyAll(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
  // Ends Node's checks of time-outs.
  for (const server of servers) server.close();
}

/**
 * A listener that runs an async function. Whatever the function throws goes to `onFault` and ends the connection: an error
 * without a `catch` would end the process.
 */
export function requestListener(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  onFault: (error: unknown) => void,
): RequestListener {
  return (request, response) => {
    // In a promise also where the function throws before its first `await`.
    new Promise<void>((resolve) => resolve(answer(request, response))).catch((error: unknown) => {
      response.destroy();
      onFault(error);
    });
  };
}

/** Passes a request on, unless its message must not be believed. */
function pass(request: IncomingMessage, response: ServerResponse, connections: Connections, turns: RequestTurns): void {
  const connection = connectionOf(request.socket);
  const isPipelined = connection?.isBusy === true;
  if (connection !== undefined) {
    // Behind a request that was refused, where the next one begins is not certain; behind the last one, no reply is sent.
    if (connection.isRefused || connection.isFinal || connection.last?.shouldKeepAlive === false) return;
    connection.begins(response);
    if (connections.isEnding) connections.endWith(response);
  }
  const { headers } = request;
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (coding !== undefined && (isAmbiguous(request, coding) || length !== undefined)) refuse(response, BAD_REQUEST);
  else if ((coding !== undefined || (length !== undefined && length !== '0')) && hasIgnoredBody(request)) {
    readThrough(request, response, () => turns.take(request, response, isPipelined));
  } else turns.take(request, response, isPipelined);
}

/** HTTP/1.0 has no codings (RFC 9112 §6.1), and Node reads no other than chunked. */
function isAmbiguous({ httpVersionMajor, httpVersionMinor }: IncomingMessage, coding: string): boolean {
  return httpVersionMajor !== 1 || httpVersionMinor < 1 || coding.toLowerCase() !== 'chunked';
}

/** The application answers these requests without reading their body. */
function hasIgnoredBody({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Passes a request on when its body is read to its end: one that is cut or malformed must change nothing. */
function readThrough(request: IncomingMessage, response: ServerResponse, start: () => void): void {
  let octets = 0;
  request.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MAX_BODY_OCTETS && !response.writableEnded) refuse(response, TOO_LARGE);
  });
  request.once('error', () => undefined);
  request.once('end', () => {
    if (!response.writableEnded) start();
  });
}

const UNREADABLE = 'ERROR: The request is malformed.\n';

const BAD_REQUEST = [400, 'Bad Request'] as const;
const TIMEOUT = [408, 'Request Timeout'] as const;
const TOO_LARGE = [413, 'Payload Too Large'] as const;
const HEADER_TOO_LARGE = [431, 'Request Header Fields Too Large'] as const;
type Status = typeof BAD_REQUEST | typeof TIMEOUT | typeof TOO_LARGE | typeof HEADER_TOO_LARGE;

const UNREADABLE_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
  'Content-Length': String(UNREADABLE.length),
  Connection: 'close',
};

const TEXT_HEADERS = Object.entries(UNREADABLE_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/** Answers a request that is not executed. Nothing behind it is executed either, and the connection is closed. */
function refuse(response: ServerResponse, [status]: Status): void {
  const connection = connectionOf(response.req.socket);
  if (connection !== undefined) connection.isRefused = true;
  response.shouldKeepAlive = false;
  response.writeHead(status, UNREADABLE_HEADERS).end(UNREADABLE);
}

/** Answers octets that Node cannot parse as a request, among them headers that are too large, and requests that are too slow. */
function answerUnreadable(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex): void {
  const connection = connectionOf(socket);
  if (connection === undefined || error.code === 'ECONNRESET' || socket.destroyed) {
    socket.destroy();
    return;
  }
  // Node reports each further chunk. connections.ts destroys the socket soon.
  if (connection.isRefused) return;
  connection.isRefused = true;
  const { last, isBusy } = connection;
  const status = STATUSES[error.code ?? ''] ?? BAD_REQUEST;
  if (last !== undefined && isBusy) {
    // The body of the newest request cannot be read: it is not executed.
    if (!last.req.complete && !last.headersSent) refuse(last, status);
    else closeAfter(last, socket);
    return;
  }
  // Octets behind a request that was answered are no reason for a second reply, unless they are a request.
  const isSecondReply =
    connection.requests > 0 && !BEGINS_REQUEST.test(error.rawPacket?.toString('latin1', 0, 16) ?? '');
  if (isSecondReply || !socket.writable) socket.end();
  else socket.end(`HTTP/1.1 ${status.join(' ')}\r\n${TEXT_HEADERS}\r\n${UNREADABLE}`);
}

const STATUSES: Readonly<Partial<Record<string, Status>>> = {
  HPE_HEADER_OVERFLOW: HEADER_TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
  ERR_HTTP_REQUEST_TIMEOUT: TIMEOUT,
};

const BEGINS_REQUEST = /^(?:\r\n)*[A-Z]{3,7} ./;

/** The request is executed and gets its reply; what is behind it is discarded. */
function closeAfter(last: ServerResponse, socket: Duplex): void {
  if (last.headersSent) last.once('finish', () => (socket as Socket).destroySoon());
  else last.shouldKeepAlive = false;
}

/** Answers an `Expect` other than 100-continue. Node's own reply would be chunked, which old clients cannot read. */
function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const connection = connectionOf(request.socket);
  if (connection?.isRefused) return;
  if (connection !== undefined) {
    connection.begins(response);
    connection.isRefused = true;
  }
  response.writeHead(417, UNREADABLE_HEADERS).end(UNREADABLE);
}

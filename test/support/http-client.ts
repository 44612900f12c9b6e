/**
 * The tests' HTTP client: sends request targets verbatim, or raw octets on a socket. fetch() would normalize the target
 * and hide the framing of a reply.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect } from 'node:net';

/** A TCP port of a host (127.0.0.1), from an address of this machine; or a unix socket. */
export type HttpPlace =
  | { readonly port: number; readonly host?: string; readonly localAddress?: string }
  | { readonly socketPath: string };

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the trusted authority; if present, the request uses TLS. */
  readonly ca?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Duration from the request to the end of the reply. */
  readonly ms: number;
}

/** Idle connections end here before the server ends them (15 s): a request on one that the server is closing is reset. */
const agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: 10_000 });

/** Sends a request. A form body needs its Content-Type. Rejects without a reply within 20 seconds. */
export function ask(place: HttpPlace, target: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, ca } = options;
  const startMs = performance.now();
  const where = 'port' in place ? { host: '127.0.0.1', ...place } : place;
  return new Promise((resolve, reject) => {
    const settings = { ...where, path: target, method, headers, timeout: 20_000 };
    const sent = ca === undefined ? request({ ...settings, agent }) : tlsRequest({ ...settings, ca, agent: false });
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error(`no reply to ${method} ${target}`)));
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          ms: performance.now() - startMs,
        });
      });
    });
    sent.end(body);
  });
}

/** Options for the POST of a form. */
export function form(parameters: Readonly<Record<string, string>>): AskOptions {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(parameters).toString(),
  };
}

/**
 * Sends raw octets, and returns everything received until the server closes the connection.
 * @param once closes the connection after one complete reply with Content-Length
 */
export function exchangeRaw(
  port: number,
  octets: string | Uint8Array,
  once = false,
  halfClose = false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: halfClose });
    if (halfClose) socket.once('end', () => socket.destroy());
    socket.setTimeout(10_000, () => socket.destroy(new Error(`The server kept the connection open: ${received}`)));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (once && isComplete(received, octets.toString().startsWith('HEAD '))) socket.destroy();
    });
    // A server that closes while we still write resets the connection: return what it has sent.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(received);
      else reject(error);
    });
    socket.once('close', () => resolve(received));
    socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
    if (halfClose) socket.end();
  });
}

function isComplete(reply: string, isHead: boolean): boolean {
  const end = reply.indexOf('\r\n\r\n');
  if (end >= 0 && (isHead || /^HTTP\/1\.1 204/.test(reply))) return true;
  const length = /\r\ncontent-length: (\d+)/i.exec(reply.slice(0, end))?.[1];
  return end >= 0 && length !== undefined && reply.length >= end + 4 + Number(length);
}

/** Splits a raw reply into status, header section and body. */
export function parseRaw(reply: string): { readonly status: number; readonly head: string; readonly body: string } {
  const end = reply.indexOf('\r\n\r\n');
  const head = end < 0 ? reply : reply.slice(0, end);
  return { status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0), head, body: reply.slice(end + 4) };
}

/**
 * Sends one POST. Redirects are not followed, so that only the configuration decides where a delivery goes. Neither
 * results nor errors contain the URL.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export type PostOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs?: number }
  /** `reason` is a code of the system or of TLS, or `TIMEOUT`. */
  | { readonly kind: 'unanswered'; readonly reason: string };

const MAX_ANSWER_OCTETS = 65_536;

export class HttpPoster {
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #timeoutMs: number;
  readonly #inFlight = new Set<ClientRequest>();

  /** @param connections limit of concurrent connections */
  constructor(url: string, timeoutMs: number, connections: number) {
    this.#url = new URL(url);
    this.#timeoutMs = timeoutMs;
    const settings = { keepAlive: true, maxSockets: connections };
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /** Never rejects. */
  async post(body: string, headers: Readonly<Record<string, string>>, nowMs: number): Promise<PostOutcome> {
    const deadlineMs = performance.now() + this.#timeoutMs;
    for (;;) {
      const outcome = await this.#once(body, headers, nowMs, deadlineMs - performance.now());
      // The receiver closed the keep-alive connection just before it was reused: try a new one.
      if (outcome !== 'stale-connection') return outcome;
    }
  }

  /** Aborts requests in flight, and closes all connections. */
  close(): void {
    for (const request of this.#inFlight) request.destroy(Object.assign(new Error('closed'), { code: 'CLOSED' }));
    this.#agent.destroy();
  }

  #once(
    body: string,
    headers: Readonly<Record<string, string>>,
    nowMs: number,
    timeoutMs: number,
  ): Promise<PostOutcome | 'stale-connection'> {
    const { protocol, hostname, port, pathname, search, username, password } = this.#url;
    // Not the URL object: Node.js throws on a `%` in its password.
    const options = {
      method: 'POST',
      agent: this.#agent,
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(port !== '' && { port }),
      path: pathname + search,
      headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      ...((username !== '' || password !== '') && { auth: `${decoded(username)}:${decoded(password)}` }),
    };
    return new Promise((resolve) => {
      let sent: ClientRequest;
      try {
        sent = protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      } catch (error) {
        // A path or header that Node refuses is a failed delivery, not the end of the process.
        resolve({ kind: 'unanswered', reason: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' });
        return;
      }
      this.#inFlight.add(sent);
      const timer = setTimeout(() => sent.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })), timeoutMs);
      sent.once('close', () => {
        clearTimeout(timer);
        this.#inFlight.delete(sent);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        resolve(isStale ? 'stale-connection' : { kind: 'unanswered', reason: error.code ?? 'UNKNOWN' });
      });
      sent.once('response', (response) => {
        resolve(answered(response, nowMs));
        drain(response, sent);
      });
      sent.end(body);
    });
  }
}

function answered({ statusCode = 0, headers }: IncomingMessage, nowMs: number): PostOutcome {
  const retryAfterMs = parseRetryAfter(headers['retry-after'], nowMs);
  return { kind: 'answered', status: statusCode, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** Reads the response to its end, so that the connection can be reused; closes it if the response is too long. */
function drain(response: IncomingMessage, sent: ClientRequest): void {
  let octets = 0;
  response.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MAX_ANSWER_OCTETS) sent.destroy();
  });
  response.on('error', () => undefined);
}

/** Parses Retry-After (RFC 9110 §10.2.3): seconds or a date. @returns milliseconds from now; undefined: not valid */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const timeMs = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : Math.max(0, timeMs - nowMs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

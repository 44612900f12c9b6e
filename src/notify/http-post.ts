/**
 * One POST, and what came of it as a word. Redirects are not followed: where a delivery goes is said by the configuration
 * alone. Neither results nor errors hold the URL.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export type PostOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs?: number }
  /** No answer; `reason` is a code of the system or of TLS, or `TIMEOUT`. */
  | { readonly kind: 'unanswered'; readonly reason: string };

const MAX_ANSWER_OCTETS = 65_536;

export class HttpPoster {
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #timeoutMs: number;
  readonly #open = new Set<ClientRequest>();

  /** @param connections at the same time */
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
      // The other side closed a kept connection just when it was used: that says nothing of it.
      if (outcome !== 'stale-connection') return outcome;
    }
  }

  /** Ends what is under way, and all connections. */
  close(): void {
    for (const open of this.#open) open.destroy(Object.assign(new Error('closed'), { code: 'CLOSED' }));
    this.#agent.destroy();
  }

  #once(
    body: string,
    headers: Readonly<Record<string, string>>,
    nowMs: number,
    timeoutMs: number,
  ): Promise<PostOutcome | 'stale-connection'> {
    const { protocol, hostname, port, pathname, search, username, password } = this.#url;
    // Not the URL itself: Node.js would throw at a `%` in a password.
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
      const sent = protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
      this.#open.add(sent);
      const timer = setTimeout(() => sent.destroy(Object.assign(new Error('late'), { code: 'TIMEOUT' })), timeoutMs);
      sent.once('close', () => {
        clearTimeout(timer);
        this.#open.delete(sent);
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

/** Reads an answer to its end, so that the connection can be used again; one without an end is cut off. */
function drain(response: IncomingMessage, sent: ClientRequest): void {
  let octets = 0;
  response.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MAX_ANSWER_OCTETS) sent.destroy();
  });
  response.on('error', () => undefined);
}

/** RFC 9110 §10.2.3: seconds, or a date. Milliseconds from now; undefined where it says neither. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1000;
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

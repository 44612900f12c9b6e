/**
 * Serves the dashboard at `/ui/` from memory, and leads browsers there from `/`. The pages of a server hold no secrets: what they
 * show comes from `/v1`. Loaded only with `admin.enabled`.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Observer } from '../../core/observer.ts';
import { checkHost, WrongHost } from '../api/origin-rules.ts';
import type { Door } from '../app/app.ts';
import { callerOf } from '../app/caller.ts';
import type { ProxyTrust } from '../app/client-address.ts';
import type { DoorRequest, Protocol } from '../request/door.ts';
import { originalErrorReply } from '../request/error-reply.ts';
import { type BuiltFile, builtFolder, chooseCoding, readBuiltFiles, readWeights } from './built-files.ts';

export interface UiOptions {
  readonly observer: Observer;
  /** Called for each request, so that a reload takes effect at once. */
  readonly trust: () => ProxyTrust;
  /** `admin.url`. */
  readonly url: () => string | undefined;
  /** The files to serve; by default those of dist/web. */
  readonly files?: ReadonlyMap<string, BuiltFile>;
}

/** Nothing but the files of this server: no inline script or style, no other site, no frame around it (CSP Level 3). */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const FOREVER = 'public, max-age=31536000, immutable';
const NOT_BUILT = 'The dashboard is not built. Run `npm run build` in the checkout, and start the server again.';

export function uiDoor(options: UiOptions): Door {
  const files = options.files ?? readPage((text) => options.observer.warn(text));
  return {
    protocols: [START_PAGE],
    addRoutes: (app) => addRoutes(app, files, options),
  };
}

/** The files of dist/web; undefined after a warning: it was not built. */
export function readPage(warn: (text: string) => void): ReadonlyMap<string, BuiltFile> | undefined {
  const folder = builtFolder();
  if (folder !== undefined) return readBuiltFiles(folder);
  warn(NOT_BUILT);
  return undefined;
}

/** A browser that opens the server itself. All other requests of `/` belong to the client protocols. */
const START_PAGE: Protocol = {
  name: 'ui',
  formatError: originalErrorReply,
  routes: [
    {
      methods: ['GET'],
      safe: true,
      pattern: '/',
      takes: isBrowser,
      handle: () => ({
        status: 302,
        body: '',
        headers: { Location: './ui/', Vary: 'Accept' },
        outcome: 'info',
        detail: 'to the dashboard',
      }),
    },
  ],
};

/** `checkip.*` has its own route before this is called. */
function isBrowser({ headers, parameters }: DoorRequest): boolean {
  return Object.keys(parameters).length === 0 && acceptsHtml(headers);
}

/** Clients that send no Accept, or only a general one, take anything, and get what they always got. */
function acceptsHtml({ accept = '' }: IncomingHttpHeaders): boolean {
  return (readWeights(accept).get('text/html') ?? 0) > 0;
}

function addRoutes(app: FastifyInstance, files: ReadonlyMap<string, BuiltFile> | undefined, options: UiOptions): void {
  const { observer, trust, url } = options;
  const send = (request: FastifyRequest, reply: FastifyReply) => {
    const startMs = performance.now();
    reply.hijack();
    const { status, problem } = sendFile(request.raw, reply.raw, files, url());
    observer.requestAnswered({
      requestId: request.id,
      method: request.method,
      route: '/ui/*',
      source: callerOf(request.raw.socket, request.headers, trust()).address?.text ?? 'unknown',
      status,
      durationMs: performance.now() - startMs,
      outcome: problem === undefined ? 'info' : 'failed',
      detail: problem ?? 'dashboard',
    });
  };
  for (const path of ['/ui', '/ui/', '/ui/*']) app.route({ method: ['GET', 'HEAD'], url: path, handler: send });
}

/** Answers a request for `/ui/`, and says what it answered. @param url `admin.url` */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, BuiltFile> | undefined,
  url: string | undefined,
): Answer {
  const answer = answerOf(request, files, url);
  const { status, body = '', headers } = answer;
  const length = status === 304 ? {} : { 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, { ...HEADERS, ...headers, ...length });
  response.end(request.method === 'HEAD' ? undefined : body);
  return answer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** For the log: why it failed. */
  readonly problem?: string;
}

function answerOf(
  { headers, url: target }: IncomingMessage,
  files: ReadonlyMap<string, BuiltFile> | undefined,
  url: string | undefined,
): Answer {
  try {
    checkHost(headers, url);
  } catch (error) {
    if (!(error instanceof WrongHost)) throw error;
    return failed(421, error.message, error.logText ?? 'another Host');
  }
  const path = target?.split('?', 1)[0] ?? '';
  // Relative, so that it is true below any prefix that a proxy removes.
  if (path === '/ui') return { status: 302, headers: { Location: './ui/', 'Cache-Control': 'no-cache' } };
  if (files === undefined) return failed(503, NOT_BUILT);
  const file = files.get(path.slice('/ui/'.length) || 'index.html');
  return file === undefined ? failed(404, 'The dashboard has no such file.') : fileAnswer(file, headers);
}

function failed(status: number, text: string, problem = text): Answer {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
  return { status, headers, body: `${text}\n`, problem };
}

function fileAnswer(
  file: BuiltFile,
  { 'accept-encoding': accepted, 'if-none-match': known }: IncomingHttpHeaders,
): Answer {
  const coding = chooseCoding(accepted?.toString(), file.coded);
  const etag = `"${file.etag}${coding === undefined ? '' : `-${coding}`}"`;
  const headers = {
    ETag: etag,
    Vary: 'Accept-Encoding',
    'Cache-Control': file.isHashed ? FOREVER : 'no-cache',
  };
  const tags = known?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  if (tags.includes(etag) || tags.includes('*')) return { status: 304, headers };
  return {
    status: 200,
    headers: { ...headers, 'Content-Type': file.contentType, ...(coding && { 'Content-Encoding': coding }) },
    body: coding === undefined ? file.plain : file.coded[coding]!,
  };
}

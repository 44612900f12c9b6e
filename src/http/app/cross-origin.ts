/**
 * Requests that a browser sends for a page of another web site. A request that would change something is refused, because
 * a browser adds what the person who reads the page may do: a network, a stored password of Basic (W3C Fetch Metadata).
 * Pages of `acme_dns.cors_origins` may use acme-dns, with a credential of their own (CORS, the Fetch Standard §3.2).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { Route } from '../request/door.ts';

/** @param origins see AcmeDns.corsOrigins @throws AppError cross-site */
export function refuseCrossSite(
  headers: IncomingHttpHeaders,
  { safe }: Pick<Route, 'safe'>,
  origins: ReadonlySet<string> | undefined,
): void {
  const site = headers['sec-fetch-site'];
  if (site === undefined || safe || !String(site).toLowerCase().includes('cross-site')) return;
  if (headers.origin !== undefined && origins?.has(headers.origin) && hasOwnCredential(headers)) return;
  throw new AppError('cross-site', 'A browser sent this request for a page of another web site: it is refused.');
}

/** A credential that only a script sends, and no browser by itself. */
function hasOwnCredential(headers: IncomingHttpHeaders): boolean {
  return hasApiHeader(headers) || /^bearer /i.test(headers.authorization ?? '');
}

function hasApiHeader(headers: IncomingHttpHeaders): boolean {
  return headers['x-api-key'] !== undefined || headers['x-api-user'] !== undefined;
}

const ALLOWED_METHOD = 'POST';

/** The headers of a reply; `Vary` alone where the page may not read it. */
export function crossOriginHeaders(
  method: string,
  headers: IncomingHttpHeaders,
  rule: NonNullable<Route['crossOrigin']>,
  origins: ReadonlySet<string>,
): Readonly<Record<string, string>> {
  const { origin } = headers;
  const isPreflight = method === 'OPTIONS' && headers['access-control-request-method'] === ALLOWED_METHOD;
  const isAllowed =
    origin !== undefined &&
    origins.has(origin) &&
    (isPreflight || method === ALLOWED_METHOD) &&
    (rule === 'allowed' || (isPreflight ? asksForCredential(headers) : hasCredential(headers)));
  // Also without an Origin: a cache must not use the reply for a page.
  if (!isAllowed) return VARY;
  const allowed = { ...VARY, 'Access-Control-Allow-Origin': origin };
  return isPreflight ? { ...allowed, ...PREFLIGHT } : { ...allowed, ...EXPOSED };
}

const VARY = { Vary: 'Origin' };
const EXPOSED = { 'Access-Control-Expose-Headers': 'Retry-After, X-Request-Id' };
const PREFLIGHT = {
  'Access-Control-Allow-Methods': ALLOWED_METHOD,
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Api-Key, X-Api-User',
  'Access-Control-Max-Age': '600',
};

function hasCredential(headers: IncomingHttpHeaders): boolean {
  return headers.authorization !== undefined || hasApiHeader(headers);
}

function asksForCredential(headers: IncomingHttpHeaders): boolean {
  const names = String(headers['access-control-request-headers'] ?? '')
    .toLowerCase()
    .split(',');
  return names.some((name) => ['authorization', 'x-api-key', 'x-api-user'].includes(name.trim()));
}

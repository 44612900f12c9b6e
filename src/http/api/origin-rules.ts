/**
 * Which web sites may reach the HTTP API (W3C Fetch Metadata, RFC 6454): none but that of `admin.url`. A name that an attacker
 * controls can be made to lead to this server (DNS rebinding), so that the Host is checked as well.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '../../core/errors.ts';
import { parseIpAddress } from '../../dns/address.ts';

/** Answered with 421 (RFC 9110 §15.5.20). */
export class WrongHost extends AppError {}

/** @param url the origin of `admin.url`; undefined: only this machine's own names are served @throws WrongHost */
export function checkHost({ host }: IncomingHttpHeaders, url: string | undefined): void {
  if (host !== undefined && (url === undefined ? isOwnHost(host) : isHostOf(host, url))) return;
  const shown = host === undefined ? 'The request has no Host.' : `The Host of the request is '${host.slice(0, 255)}'.`;
  const rule =
    url === undefined
      ? "without 'admin.url' the HTTP API is served only to localhost, 127.0.0.0/8 and [::1]. Set 'admin.url' to the URL that clients use."
      : "it is not that of 'admin.url'.";
  throw new WrongHost('request-malformed', `${shown} ${rule[0]!.toUpperCase()}${rule.slice(1)}`, {
    logText: 'The Host of the request is not one that the HTTP API is served for.',
  });
}

/** A name of this machine itself, with any port. */
function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const address = parseIpAddress(name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name);
  return name === 'localhost' || address?.text === '::1' || (address?.family === 4 && address.text.startsWith('127.'));
}

/** Compared with and without the port that the scheme has by itself. */
function isHostOf(host: string, url: string): boolean {
  const { host: own, hostname, protocol, port } = new URL(url);
  const sent = host.toLowerCase();
  const usual = protocol === 'https:' ? '443' : '80';
  return sent === own || (port === '' && sent === `${hostname}:${usual}`);
}

/** Refuses what a browser sends for another site. Clients that are no browsers send none of these headers. @throws AppError */
export function checkOrigin(headers: IncomingHttpHeaders, url: string | undefined): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  const isForeignSite = site !== undefined && !/^(?:same-origin|none)$/i.test(String(site));
  const isForeignOrigin = origin !== undefined && origin !== (url ?? `http://${host}`);
  if (!isForeignSite && !isForeignOrigin) return;
  throw new AppError('cross-site', 'A browser sent this request for a page of another web site: it is refused.');
}

/**
 * For what changes something, and is sent with a cookie or gets one: only the page of this server itself may send it. Browsers send
 * `Sec-Fetch-Site` to `https://` and to this machine only, and `Origin` always.
 * @throws AppError cross-site
 */
export function checkOwnPage(headers: IncomingHttpHeaders, url: string | undefined): void {
  checkOrigin(headers, url);
  const isTrustworthy = url === undefined || url.startsWith('https:') || isOwnHost(new URL(url).host);
  const site = headers['sec-fetch-site'];
  const isOwnSite = site === 'same-origin' || (site === undefined && !isTrustworthy);
  if (headers.origin !== undefined && isOwnSite) return;
  throw new AppError(
    'cross-site',
    'This request is for the pages of this server: it needs `Origin`, and a browser that sends `Sec-Fetch-Site`. Programs use a key.',
  );
}

/** It changes nothing (RFC 9110 §9.2.1). */
export function isReading({ method }: Pick<IncomingMessage, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}

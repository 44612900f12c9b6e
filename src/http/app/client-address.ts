/**
 * The client address of a request: the peer's address, unless the peer is a trusted proxy. Then it is the right-most address
 * of the proxy's header (X-Forwarded-For, or Forwarded of RFC 7239 §4) that is not a trusted proxy. Everything left of it
 * is the client's own claim (RFC 7239 §8.1).
 */
import {
  addressOctets,
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  prefixContains,
  unmapAddress,
} from '../../dns/address.ts';

export interface ProxyTrust {
  readonly trustedProxies: readonly IpPrefix[];
  readonly clientAddressHeader: 'x-forwarded-for' | 'forwarded';
}

/** The result of `peerOf` for a TCP connection that is closed already. */
const CLOSED = 'closed';

/**
 * The remote address of a connection; undefined for a unix socket. A TCP connection that was reset has no remote address
 * either, but must not be mistaken for the trusted proxy behind a unix socket: it still has a local address.
 */
export function peerOf(socket: {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly destroyed: boolean;
}): string | undefined {
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined) return remoteAddress;
  return socket.localAddress === undefined && !socket.destroyed ? undefined : CLOSED;
}

/**
 * @param peer the socket's remote address; undefined for a unix socket, whose peer is always trusted
 * @param headers of the request, names in lower case
 * @returns the address, unmapped if it is IPv4-mapped; undefined if it is unknown
 */
export function clientAddress(
  peer: string | undefined,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  trust: ProxyTrust,
): IpAddress | undefined {
  const direct = peer === undefined ? undefined : parsePeer(peer);
  if (direct !== undefined && !isTrusted(direct, trust.trustedProxies)) return direct;
  if (direct === undefined && peer !== undefined) return undefined;
  const value = headers[trust.clientAddressHeader];
  if (value === undefined) return direct;
  const text = Array.isArray(value) ? value.join(',') : value;
  const hops = trust.clientAddressHeader === 'forwarded' ? forwardedFor(text) : text.split(',');
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = parseHop(hops[i]!);
    // A trusted proxy did not know the address of its peer: the hops left of it are only claims.
    if (address === undefined) return undefined;
    if (!isTrusted(address, trust.trustedProxies)) return address;
    if (i === 0) return address;
  }
  return direct;
}

function isTrusted(address: IpAddress, prefixes: readonly IpPrefix[]): boolean {
  if (prefixes.length === 0) return false;
  const octets = addressOctets(address);
  return prefixes.some((prefix) => prefixContains(prefix, octets));
}

/** Node appends the zone to a link-local address: `fe80::1%eth0`. */
export function parsePeer(text: string): IpAddress | undefined {
  const zone = text.indexOf('%');
  const address = parseIpAddress(zone < 0 ? text : text.slice(0, zone));
  return address && unmapAddress(address);
}

/** An address, `address:port` or `[address]:port`. */
function parseHop(text: string): IpAddress | undefined {
  const trimmed = text.trim();
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed);
  const withPort = /^([^:]*):\d{1,5}$/.exec(trimmed);
  const address = parseIpAddress(bracketed?.[1] ?? withPort?.[1] ?? trimmed);
  return address && unmapAddress(address);
}

/** The `for` of each element of a Forwarded header (RFC 7239 §4); empty for an element without it. */
function forwardedFor(header: string): string[] {
  return splitOutsideQuotes(header, ',').map((element) => {
    for (const pair of splitOutsideQuotes(element, ';')) {
      const match = /^\s*for\s*=\s*(.*?)\s*$/i.exec(pair);
      if (match) return match[1]!.replace(/^"(.*)"$/, '$1').replace(/\\(.)/g, '$1');
    }
    return '';
  });
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && quoted) i += 1;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

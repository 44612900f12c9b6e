/**
 * Whose address a request comes from: the peer's, unless the peer is a proxy that the configuration trusts. Then the
 * right-most address of its header that is not itself a trusted proxy's counts: everything left of it is the client's
 * own claim (RFC 7239 §8.1).
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

/** What `peerOf` gives for a TCP peer that is gone already. */
const GONE = 'gone';

/**
 * The remote address of a connection; undefined for a unix socket. The peer of a TCP connection that was reset has none
 * either, and must not be taken for the proxy behind a unix socket: a TCP connection still has its local address.
 */
export function peerOf(socket: {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly destroyed: boolean;
}): string | undefined {
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined) return remoteAddress;
  return socket.localAddress === undefined && !socket.destroyed ? undefined : GONE;
}

/**
 * @param peer the socket's remote address; undefined for a unix socket, whose peer is always trusted
 * @param headers of the request, names in lower case
 * @returns the client's address, IPv4-mapped ones unmapped; undefined if it cannot be known
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
    // What a trusted proxy could not name, nobody else can.
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

/** Node prints a link-local peer with its zone. */
function parsePeer(text: string): IpAddress | undefined {
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

/** The `for` of each element of a Forwarded header (RFC 7239 §4); an element without one gives an empty text. */
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

/**
 * The client address of a request: the peer's address, unless the peer is a trusted proxy. Then it is what the configured
 * header says: of X-Forwarded-For and Forwarded (RFC 7239 §4) the right-most address that is not a trusted proxy, because
 * everything left of it is the client's own claim (RFC 7239 §8.1); of any other header its one address. A trusted proxy that
 * does not name the client leaves it unknown: its own address is not the client's.
 *
 * Every reading is one pass over the text.
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
  /** In lower case. */
  readonly clientAddressHeader: string;
}

/** Headers of one name, in lower case. Node joins several with commas. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * @param peer the address of the connection's other end; undefined for a unix socket, whose peer is always trusted
 * @returns the address, unmapped if it is IPv4-mapped; undefined if it is unknown
 */
export function clientAddress(peer: IpAddress | undefined, headers: Headers, trust: ProxyTrust): IpAddress | undefined {
  if (peer !== undefined && !isTrusted(peer, trust.trustedProxies)) return peer;
  const value = headers[trust.clientAddressHeader];
  if (value === undefined) return undefined;
  const text = Array.isArray(value) ? value.join(',') : value;
  if (trust.clientAddressHeader === 'x-forwarded-for') return nearestClient(forwardedForHops(text), trust);
  if (trust.clientAddressHeader === 'forwarded') return nearestClient(forwardedHops(text), trust);
  return parseHop(text);
}

/** @param hops the nearest first, as each proxy wrote them */
function nearestClient(hops: Iterable<string>, { trustedProxies }: ProxyTrust): IpAddress | undefined {
  let nearest: IpAddress | undefined;
  for (const hop of hops) {
    nearest = parseHop(hop);
    // A trusted proxy did not know the address of its peer: the hops before it are only claims.
    if (nearest === undefined || !isTrusted(nearest, trustedProxies)) return nearest;
  }
  // All are trusted: the client is in their network.
  return nearest;
}

export function isTrusted(address: IpAddress, prefixes: readonly IpPrefix[]): boolean {
  if (prefixes.length === 0) return false;
  const octets = addressOctets(address);
  return prefixes.some((prefix) => prefixContains(prefix, octets));
}

/** The address of a connection's other end. Node appends the zone to a link-local address: `fe80::1%eth0`. */
export function parsePeer(text: string): IpAddress | undefined {
  const zone = text.indexOf('%');
  const address = parseIpAddress(zone < 0 ? text : text.slice(0, zone));
  return address && unmapAddress(address);
}

/** Longer than `[` address `]:` port. */
const MAX_HOP = 64;

/** An address, `address:port` or `[address]:port`. */
function parseHop(text: string): IpAddress | undefined {
  const trimmed = text.trim();
  if (trimmed.length > MAX_HOP) return undefined;
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(trimmed);
  const withPort = /^([^:]*):\d{1,5}$/.exec(trimmed);
  const address = parseIpAddress(bracketed?.[1] ?? withPort?.[1] ?? trimmed);
  return address && unmapAddress(address);
}

/** The hops of X-Forwarded-For, from the right. */
function* forwardedForHops(text: string): Generator<string> {
  for (let end = text.length; end >= 0; ) {
    const comma = end === 0 ? -1 : text.lastIndexOf(',', end - 1);
    yield text.slice(comma + 1, end);
    end = comma;
  }
}

/** The `for` of each element of a Forwarded header, from the right; '' for an element without it. Malformed: none. */
function forwardedHops(text: string): readonly string[] {
  return parseForwarded(text)?.reverse() ?? [];
}

/**
 * The `for` of each element of a Forwarded header (RFC 7239 §4); '' for an element without it. Undefined if the header is
 * malformed anywhere: what a client sends in front could otherwise change the meaning of what a proxy appends. Whitespace is
 * allowed around `,` and `;`, and a value without quotes may have the signs of an address.
 */
export function parseForwarded(text: string): string[] | undefined {
  const hops: string[] = [];
  let hop: string | undefined;
  let at = 0;
  const skipBlanks = () => {
    while (text[at] === ' ' || text[at] === '\t') at += 1;
  };
  while (true) {
    skipBlanks();
    const start = at;
    while (at < text.length && TOKEN.test(text[at]!)) at += 1;
    if (at > start) {
      const isFor = text.slice(start, at).toLowerCase() === 'for';
      if (text[at] !== '=') return undefined;
      at += 1;
      const value = text[at] === '"' ? readQuoted(text, at) : readPlain(text, at);
      if (value === undefined) return undefined;
      at = value.end;
      if (isFor && hop !== undefined) return undefined;
      if (isFor) hop = value.text;
      skipBlanks();
    }
    const separator = text[at];
    at += 1;
    if (separator === ';') continue;
    hops.push(hop ?? '');
    hop = undefined;
    if (separator === undefined) return hops;
    if (separator !== ',') return undefined;
  }
}

/** A sign of a token (RFC 9110 §5.6.2). */
const TOKEN = /[\w!#$%&'*+.^`|~-]/;

/** What a value without quotes may contain: a token, and the signs of an address with a port. */
const PLAIN = /[\w!#$%&'*+.^`|~:[\]-]/;

function readPlain(text: string, start: number): { text: string; end: number } | undefined {
  let end = start;
  while (end < text.length && PLAIN.test(text[end]!)) end += 1;
  return end === start ? undefined : { text: text.slice(start, end), end };
}

/** A quoted-string (RFC 9110 §5.6.4). */
function readQuoted(text: string, start: number): { text: string; end: number } | undefined {
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') return { text: value, end: at + 1 };
    if (sign === '\\') at += 1;
    value += text[at] ?? '';
  }
  return undefined;
}

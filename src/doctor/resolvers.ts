/** Parses resolvers: the `nameserver` lines of resolv.conf(5), and the option `--resolver`. */
import { readFileSync } from 'node:fs';
import { parseIpAddress } from '../dns/address.ts';
import type { Endpoint } from '../net/exchange.ts';

export const RESOLV_CONF = '/etc/resolv.conf';

/** The limit of the C library. */
const MAX_RESOLVERS = 3;

/** Returns the resolvers in order; 127.0.0.1 if there is none, as in resolv.conf(5). */
export function parseResolvConf(text: string): Endpoint[] {
  const resolvers: Endpoint[] = [];
  for (const line of text.split('\n')) {
    const word = /^nameserver[ \t]+(\S+)/.exec(line)?.[1];
    // A link-local address is followed by its interface (RFC 4007 §11).
    const [address, interfaceName] = (word ?? '').split('%', 2);
    const parsed = parseIpAddress(address!);
    if (parsed === undefined) continue;
    resolvers.push({ host: interfaceName === undefined ? parsed.text : `${parsed.text}%${interfaceName}`, port: 53 });
  }
  return resolvers.length === 0 ? [{ host: '127.0.0.1', port: 53 }] : resolvers.slice(0, MAX_RESOLVERS);
}

/** Parses `IP`, `IPv4:PORT` or `[IPv6]:PORT`; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const bare = parseIpAddress(text);
  if (bare !== undefined) return { host: bare.text, port: 53 };
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = parseIpAddress(v6 ?? v4 ?? '');
  const port = Number(digits);
  if (address === undefined || (v6 === undefined) !== (address.family === 4) || port < 1 || port > 65_535)
    return undefined;
  return { host: address.text, port };
}

/** Those of /etc/resolv.conf. */
export function systemResolvers(): Endpoint[] {
  try {
    return parseResolvConf(readFileSync(RESOLV_CONF, 'utf8'));
  } catch {
    return parseResolvConf('');
  }
}

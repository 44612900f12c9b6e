/**
 * The header of the PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt): a proxy
 * sends it before the first octet of the connection that it passes on, and names the client in it.
 *
 * Left out: the TLVs of version 2, among them its checksum, and the destination.
 */
import type { Socket } from 'node:net';
import { type IpAddress, parseIpAddress, unmapAddress } from '../../dns/address.ts';

/** The longest header: 16 octets, the longest address (two paths of unix sockets), and what is left to the TLVs. */
export const MAX_PROXY_OCTETS = 536;
/** Of version 1, with its line end (§2.1). */
const MAX_LINE_OCTETS = 107;

/** §2.2. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_OCTETS = 16;
const VERSION_1 = Buffer.from('PROXY ', 'latin1');

export interface ProxyHeader {
  /** Its octets. */
  readonly length: number;
  /** The client; undefined if the header does not name it (LOCAL, UNKNOWN). */
  readonly source: IpAddress | undefined;
}

/** @param octets the beginning of a connection @returns `more`: what is there may become a header */
export function parseProxyHeader(octets: Buffer): ProxyHeader | 'more' | 'invalid' {
  if (beginsWith(octets, SIGNATURE)) return parseVersion2(octets);
  if (beginsWith(octets, VERSION_1)) return parseVersion1(octets);
  return 'invalid';
}

/** Either may be longer than the other. */
function beginsWith(octets: Buffer, beginning: Buffer): boolean {
  const length = Math.min(octets.length, beginning.length);
  return octets.compare(beginning, 0, length, 0, length) === 0;
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 4711 443`, with CRLF. */
function parseVersion1(octets: Buffer): ProxyHeader | 'more' | 'invalid' {
  const end = octets.subarray(0, MAX_LINE_OCTETS).indexOf('\r\n');
  if (end < 0) return octets.length < MAX_LINE_OCTETS ? 'more' : 'invalid';
  const line = octets.toString('latin1', 0, end);
  const length = end + 2;
  // What is behind UNKNOWN must be ignored.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { length, source: undefined };
  const [, family, source = '', destination = '', ...ports] = line.split(' ');
  const addresses = [parseIpAddress(source), parseIpAddress(destination)];
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : undefined;
  const isValid =
    version !== undefined &&
    addresses.every((address) => address?.family === version) &&
    ports.length === 2 &&
    ports.every((port) => /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 65_535);
  return isValid ? { length, source: unmapAddress(addresses[0]!) } : 'invalid';
}

/** Command and version, family and protocol, length, addresses (§2.2). */
function parseVersion2(octets: Buffer): ProxyHeader | 'more' | 'invalid' {
  if (octets.length < FIXED_OCTETS) return 'more';
  const command = octets[12]!;
  const length = FIXED_OCTETS + octets.readUInt16BE(14);
  // Version 2; LOCAL or PROXY.
  if ((command !== 0x20 && command !== 0x21) || length > MAX_PROXY_OCTETS) return 'invalid';
  if (octets.length < length) return 'more';
  const source = command === 0x20 ? undefined : readSource(octets.subarray(13, length));
  return source === 'invalid' ? source : { length, source };
}

/** @param rest from the family on */
function readSource(rest: Buffer): IpAddress | undefined | 'invalid' {
  const family = rest[0]!;
  const addresses = rest.subarray(3);
  // TCP over IPv4 and IPv6. Others do not name a client of HTTP: unspecified, UDP, unix sockets.
  if (family === 0x11) return addresses.length < 12 ? 'invalid' : addressOf(addresses.subarray(0, 4).join('.'));
  if (family === 0x21) return addresses.length < 36 ? 'invalid' : addressOf(ipv6Text(addresses));
  return [0x00, 0x12, 0x22, 0x31, 0x32].includes(family) ? undefined : 'invalid';
}

function ipv6Text(octets: Buffer): string {
  return Array.from({ length: 8 }, (_, group) => octets.readUInt16BE(2 * group).toString(16)).join(':');
}

function addressOf(text: string): IpAddress | 'invalid' {
  const address = parseIpAddress(text);
  return address === undefined ? 'invalid' : unmapAddress(address);
}

/**
 * Reads the header from the beginning of a connection. What follows it is left in the socket. The caller limits the time.
 * @param onHeader called with the client, at most once. An invalid header destroys the socket instead.
 */
export function readProxyHeader(socket: Socket, onHeader: (source: IpAddress | undefined) => void): void {
  let octets: Buffer = Buffer.alloc(0);
  const read = () => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
      const header = parseProxyHeader(octets);
      if (header === 'more') continue;
      socket.off('readable', read);
      if (header === 'invalid') {
        socket.destroy();
        return;
      }
      const rest = octets.subarray(header.length);
      if (rest.length > 0) socket.unshift(rest);
      onHeader(header.source);
      return;
    }
  };
  socket.on('readable', read);
  socket.once('end', () => {
    if (socket.listeners('readable').includes(read)) socket.destroy();
  });
}

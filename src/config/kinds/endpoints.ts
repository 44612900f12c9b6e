/** Kinds for files, and for the sockets that the server listens on or sends to. */

import { formatIpPrefix, type IpPrefix, parseIpAddress, parseIpPrefix, unmapAddress } from '../../dns/address.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { type DnsEndpoint, formatListenAddress, type ListenAddress, type TcpAddress } from '../config.ts';
import { formatYamlText, type ScalarKind, scalar, ValueError } from './kind.ts';
import { yesOrNo } from './words.ts';

export const filePath: ScalarKind<string> = scalar('the path of a file', (text) =>
  text === '' || text.includes('\0') ? undefined : text,
);

export const folderPath: ScalarKind<string> = { ...filePath, allowed: 'the path of a folder' };

/** Octal permission bits as a text: 664. */
export const socketMode: ScalarKind<number> = scalar(
  "three octal digits in quotes, like '664'",
  (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  (mode) => `'${mode.toString(8).padStart(3, '0')}'`,
);

/** The longest path that fits into a unix socket address on Linux, in octets. */
export const MAX_SOCKET_PATH_OCTETS = 107;

const LISTEN_ADDRESS =
  "'ADDRESS:PORT' ('127.0.0.1:54321', '[::1]:54321', with https:// in front for TLS) or 'unix:/ABSOLUTE/PATH'";

/** Behind the address in the environment, where a list has no maps. */
const PROXY_PROTOCOL = ' proxy_protocol';

const plainListenAddress: ScalarKind<ListenAddress> = scalar(LISTEN_ADDRESS, parseListenAddress);

export const listenAddress: ScalarKind<ListenAddress> = {
  ...scalar<ListenAddress>(
    LISTEN_ADDRESS,
    (text) => {
      if (!text.endsWith(PROXY_PROTOCOL)) return parseListenAddress(text);
      const address = parseListenAddress(text.slice(0, -PROXY_PROTOCOL.length));
      return address && { ...address, proxyProtocol: true };
    },
    (address) => {
      const text = formatYamlText(formatListenAddress(address));
      return address.proxyProtocol ? `{address: ${text}, proxy_protocol: true}` : text;
    },
  ),
  map: {
    keys: { address: plainListenAddress, proxy_protocol: yesOrNo },
    required: 'address',
    toText: ({ address, proxy_protocol }) => `${address}${proxy_protocol === 'true' ? PROXY_PROTOCOL : ''}`,
  },
};

function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/') || path.includes('\0')) return undefined;
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_OCTETS) {
      throw new ValueError(`the path of a unix socket must have at most ${MAX_SOCKET_PATH_OCTETS} octets.`);
    }
    return { kind: 'unix', path };
  }
  const match = /^(https?:\/\/)?(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const host = parseIpAddress(match[2] ?? match[3] ?? '');
  const port = Number(match[4]);
  if (host === undefined || port > 65535 || (host.family === 6) !== (match[2] !== undefined)) return undefined;
  return { kind: 'tcp', host: host.text, port, tls: match[1] === 'https://' };
}

/** TCP without TLS. Port 0: any free port. */
export const tcpAddress: ScalarKind<TcpAddress> = scalar(
  "'ADDRESS:PORT', like '127.0.0.1:9153' or '[::1]:9153'",
  (text) => {
    const address = parseListenAddress(text);
    return address?.kind === 'tcp' && !address.tls ? address : undefined;
  },
  (address) => formatYamlText(formatListenAddress(address)),
);

/** `unix:PATH`; the value is the path, which may still be relative. */
export const unixSocket: ScalarKind<string> = scalar(
  'unix:PATH',
  (text) => pathAfter('unix:', text),
  (path) => formatYamlText(`unix:${path}`),
);

/** The path behind `unix:` or `sqlite:`. */
export function pathAfter(scheme: string, text: string): string | undefined {
  if (!text.startsWith(scheme) || text === scheme || text.includes('\0')) return undefined;
  return text.slice(scheme.length);
}

/** An address with or without a port; the default is 53. An IPv4-mapped address becomes the IPv4 address. */
export const dnsEndpoint: ScalarKind<DnsEndpoint> = scalar(
  "an IP address with or without a port, like '192.0.2.1', '192.0.2.1:53', '2001:db8::1' or '[2001:db8::1]:53'",
  (text) => {
    const bare = parseIpAddress(text);
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
    const host = bare ?? parseIpAddress(match?.[1] ?? match?.[2] ?? '');
    const port = Number(match?.[3] ?? 53);
    if (host === undefined || port > 65535) return undefined;
    if (bare === undefined && (host.family === 6) !== (match?.[1] !== undefined)) return undefined;
    return { host: unmapAddress(host).text, port };
  },
  (endpoint) => formatYamlText(formatEndpoint(endpoint)),
);

/** A secondary, or a network whose addresses may transfer. */
export type SecondaryPlace = DnsEndpoint | IpPrefix;

export function isPrefix(place: SecondaryPlace): place is IpPrefix {
  return !('host' in place);
}

export const secondaryPlace: ScalarKind<SecondaryPlace> = scalar<SecondaryPlace>(
  `${dnsEndpoint.allowed}, or a prefix whose host bits are zero, like '192.0.2.0/24'`,
  (text) => {
    if (!text.includes('/')) return dnsEndpoint.parse(text);
    const prefix = parseIpPrefix(text);
    if (prefix === undefined && PREFIX_WITH_PORT.test(text)) {
      throw new ValueError(`'${text}' is a prefix with a port; a prefix permits transfers from every port.`);
    }
    return prefix;
  },
  (place) => (isPrefix(place) ? formatYamlText(formatIpPrefix(place)) : dnsEndpoint.format(place)),
);

/** `192.0.2.0/24:53`, `192.0.2.0:53/24`, and the same in brackets. */
const PREFIX_WITH_PORT = /^(\[?[\da-f:.]+\]?\/\d+\]?:\d+|(\[[\da-f:.]+\]|[\d.]+):\d+\/\d+)$/i;

/**
 * Finds the program that uses a port, in /proc (Linux): the inode of the socket in the tables of net, its process by the open
 * files of the processes. Only root sees those of other users. Left out: other systems, other network namespaces.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { formatIpv4, formatIpv6 } from '../dns/address.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
}

export interface HeldSocket {
  readonly address: string;
  readonly inode: string;
  readonly uid: string;
}

/** The state of a listening TCP socket in /proc/net/tcp. */
const LISTEN_STATE = '0A';

/** The conflicting socket: same port, and the same address or a wildcard address on either side. */
export function findSocket({ host, port, protocol }: SocketAddress, proc: string): HeldSocket | undefined {
  const ipv6 = host.includes(':');
  // A socket on [::] can also use the port for IPv4.
  for (const table of ipv6 ? [`${protocol}6`] : [protocol, `${protocol}6`]) {
    for (const line of readText(`${proc}/self/net/${table}`)?.split('\n').slice(1) ?? []) {
      const fields = line.trim().split(/\s+/);
      const [addressHex = '', portHex = ''] = fields[1]?.split(':') ?? [];
      const inode = fields[9];
      if (inode === undefined || inode === '0' || Number.parseInt(portHex, 16) !== port) continue;
      if (protocol === 'tcp' && fields[3] !== LISTEN_STATE) continue;
      const address = addressOfHex(addressHex);
      const isDualStack = table.endsWith('6') && !ipv6;
      if (isDualStack ? address === '::' : isSame(address, host)) return { address, inode, uid: fields[7] ?? '?' };
    }
  }
  return undefined;
}

function isSame(address: string, host: string): boolean {
  const isAll = (text: string) => text === '0.0.0.0' || text === '::';
  return isAll(address) || isAll(host) || address === host;
}

/** /proc prints the 32-bit words of an address in host order; all platforms of Node.js with /proc are little-endian. */
function addressOfHex(hex: string): string {
  const octets = Buffer.from(hex, 'hex').swap32();
  return octets.length === 4 ? formatIpv4(octets, 0) : formatIpv6(octets);
}

export interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly self: boolean;
}

/** The process that has the socket open. systemd opens sockets for services: it is the holder only if no other process is. */
export function findHolder(inode: string, proc: string): Holder | undefined {
  const target = `socket:[${inode}]`;
  const own = attempt(() => readlinkSync(`${proc}/self`));
  let found: Holder | undefined;
  for (const pid of attempt(() => readdirSync(proc)) ?? []) {
    if (!/^\d+$/.test(pid) || (pid === '1' && found !== undefined)) continue;
    const files = attempt(() => readdirSync(`${proc}/${pid}/fd`)) ?? [];
    if (!files.some((file) => attempt(() => readlinkSync(`${proc}/${pid}/fd/${file}`)) === target)) continue;
    found = { pid: Number(pid), name: nameOf(`${proc}/${pid}`), self: pid === own };
    if (pid !== '1') return found;
  }
  return found;
}

/** Node.js 24 has the first as its comm, 26 the second: a name of its thread. */
const MAIN_THREAD = /^(?:node-)?MainThread$/;

/** The name that ps prints, but of a node process that of its program. */
function nameOf(process: string): string {
  const name = readText(`${process}/comm`)?.trim() || 'A program';
  if (!MAIN_THREAD.test(name)) return name;
  return attempt(() => readlinkSync(`${process}/exe`))?.replace(/^.*\//, '') ?? name;
}

export function readText(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'utf8'));
}

/** Undefined if the file is gone or not readable, which is normal in /proc. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * What to do where a port of `dns.listen` cannot be opened, in words for the operator.
 *
 * The program that holds the port is looked up in /proc (Linux): the socket's inode in the tables of net, its holder
 * among the open files of the processes. Those of other users are hidden from all but root; then the text says how to
 * look. Left out: other systems, network namespaces other than ours.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { formatIpv4, formatIpv6 } from '../../dns/address.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';

export interface FailedListen {
  /** The address of the entry of `dns.listen`. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
  /** `EADDRINUSE` and the like. */
  readonly code: string | undefined;
  /** The system's own words, for codes that are not known here. */
  readonly message: string;
}

/** Sentences that say what is wrong and what to do. `proc`: where the proc file system is mounted. */
export function portAdvice(failed: FailedListen, proc = '/proc'): string {
  switch (failed.code) {
    case 'EADDRINUSE':
      return portTaken(failed, proc);
    case 'EACCES':
    case 'EPERM':
      return notPermitted(failed, proc);
    case 'EADDRNOTAVAIL':
    // A link-local address without its interface.
    case 'EINVAL':
      return `This machine has no address '${failed.host}'. Put an address of this machine into dns.listen ('ip address' lists them), or 0.0.0.0 and [::] for all.`;
    case 'EAFNOSUPPORT':
      return `This machine has no ${failed.host.includes(':') ? 'IPv6' : 'IPv4'}. Take the entry out of dns.listen.`;
    default:
      return `${failed.message}. The option is dns.listen.`;
  }
}

function portTaken(failed: FailedListen, proc: string): string {
  const { port, protocol } = failed;
  const socket = findSocket(failed, proc);
  if (socket === undefined) {
    return `Another program holds the port. See which: ss -lnp${protocol[0]} 'sport = :${port}' (as root). Stop it, or choose another port or address in dns.listen.`;
  }
  const place = formatEndpoint({ host: socket.address, port });
  const holder = findHolder(socket.inode, proc);
  if (holder === undefined && /^127\.0\.0\.5[34]$/.test(socket.address) && port === 53) return resolvedAdvice(place);
  if (holder === undefined) {
    return `A program of another user (uid ${socket.uid}) holds ${place}. See which: ss -lnp${protocol[0]} 'sport = :${port}' (as root). Stop it, or choose another port or address in dns.listen.`;
  }
  if (holder.self) {
    return `This program holds ${place} already: two entries of dns.listen overlap. Take one of them out.`;
  }
  // The kernel cuts the name of a process after 15 octets.
  if (holder.name.startsWith('systemd-resolve')) return resolvedAdvice(place, holder.pid);
  return `${holder.name} (process ${holder.pid}) holds ${place}. ${adviceFor(holder.name, socket.address)}`;
}

function resolvedAdvice(place: string, pid?: number): string {
  const who = pid === undefined ? 'systemd-resolved' : `systemd-resolved (process ${pid})`;
  return (
    `${who} holds ${place}: it is the stub resolver for the programs of this machine. Either list in dns.listen only ` +
    `the addresses that the internet asks, for example ['192.0.2.1:53', '[2001:db8::1]:53'], which leaves the stub ` +
    `alone; or switch the stub off: DNSStubListener=no under [Resolve] in /etc/systemd/resolved.conf, ` +
    `'ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf', 'systemctl restart systemd-resolved'.`
  );
}

function adviceFor(name: string, address: string): string {
  const wildcard = address === '0.0.0.0' || address === '::';
  const other = 'or choose another port or address in dns.listen.';
  switch (name) {
    case 'dnsmasq':
      return wildcard
        ? `If it is there for DHCP only, set port=0 in dnsmasq.conf; else give it addresses of its own (listen-address and bind-interfaces), ${other}`
        : `It serves a network of this machine (libvirt and NetworkManager start it): list in dns.listen only the other addresses, for example ['192.0.2.1:53'].`;
    case 'named':
      return `This is BIND. Stop it ('systemctl disable --now named'), or let it keep the zone and say 'nameserver: 127.0.0.1' in the zone instead of 'nameserver: embedded', or give it other addresses by listen-on and listen-on-v6, ${other}`;
    case 'systemd':
      return `A .socket unit of systemd: 'systemctl list-sockets' names it. Stop it, ${other}`;
    default:
      return `Stop it, ${other}`;
  }
}

function notPermitted({ port, protocol }: FailedListen, proc: string): string {
  const first = Number(readText(`${proc}/sys/net/ipv4/ip_unprivileged_port_start`) ?? 1024);
  if (port >= first) {
    return `The system forbids it, though ports from ${first} on are free to all: a security module (SELinux, AppArmor) or the service's own restrictions. The option is dns.listen.`;
  }
  return (
    `Ports below ${first} need a permission. One of three ways: ` +
    `(1) the capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or ` +
    `'setcap cap_net_bind_service=+ep' on the node program (then each program that node runs has it); ` +
    `(2) for all programs of this machine: 'sysctl net.ipv4.ip_unprivileged_port_start=${port}'; ` +
    `(3) another port, for example dns.listen: ['0.0.0.0:5300'], and a redirect: ` +
    `'nft add rule ip nat prerouting ${protocol} dport ${port} redirect to :5300', for udp and for tcp.`
  );
}

interface HeldSocket {
  readonly address: string;
  readonly inode: string;
  readonly uid: string;
}

/** State of a TCP socket that listens, as the table has it. */
const LISTENS = '0A';

/** The socket that stands in the way: same port, and the same address or all addresses on one side. */
function findSocket({ host, port, protocol }: FailedListen, proc: string): HeldSocket | undefined {
  const ipv6 = host.includes(':');
  // A socket of [::] may hold the port for IPv4 too.
  for (const table of ipv6 ? [`${protocol}6`] : [protocol, `${protocol}6`]) {
    for (const line of readText(`${proc}/self/net/${table}`)?.split('\n').slice(1) ?? []) {
      const fields = line.trim().split(/\s+/);
      const [addressHex = '', portHex = ''] = fields[1]?.split(':') ?? [];
      const inode = fields[9];
      if (inode === undefined || inode === '0' || Number.parseInt(portHex, 16) !== port) continue;
      if (protocol === 'tcp' && fields[3] !== LISTENS) continue;
      const address = addressOfHex(addressHex);
      const crossing = table.endsWith('6') && !ipv6;
      if (crossing ? address === '::' : isSame(address, host)) return { address, inode, uid: fields[7] ?? '?' };
    }
  }
  return undefined;
}

function isSame(address: string, host: string): boolean {
  const isAll = (text: string) => text === '0.0.0.0' || text === '::';
  return isAll(address) || isAll(host) || address === host;
}

/** The tables print the words of an address in the order of the machine; all that node runs on are little-endian. */
function addressOfHex(hex: string): string {
  const octets = Buffer.from(hex, 'hex').swap32();
  return octets.length === 4 ? formatIpv4(octets, 0) : formatIpv6(octets);
}

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly self: boolean;
}

/** The process that has the socket open; systemd, which opens sockets for others, only if no other one has it. */
function findHolder(inode: string, proc: string): Holder | undefined {
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

/** The name that ps prints; node calls its own process after a thread. */
function nameOf(process: string): string {
  const name = readText(`${process}/comm`)?.trim() || 'A program';
  if (name !== 'MainThread') return name;
  return attempt(() => readlinkSync(`${process}/exe`))?.replace(/^.*\//, '') ?? name;
}

function readText(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'utf8'));
}

/** /proc is full of files that vanish or are forbidden. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

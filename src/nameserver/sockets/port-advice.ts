/**
 * Tells the operator what to do if a port of `dns.listen` cannot be opened.
 *
 * Where the program that uses the port cannot be seen, the message says how to find it.
 */
import { formatEndpoint } from '../../dns/endpoint.ts';
import { findHolder, findSocket, readText } from '../../net/port-holder.ts';

export interface FailedListen {
  /** The address of the entry of `dns.listen`. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
  /** `EADDRINUSE` and the like. */
  readonly code: string | undefined;
  /** The system's error message, used for other codes. */
  readonly message: string;
}

/** What is wrong and what to do, in full sentences. @param proc mount point of the proc file system */
export function portAdvice(failed: FailedListen, proc = '/proc'): string {
  switch (failed.code) {
    case 'EADDRINUSE':
      return portTaken(failed, proc);
    case 'EACCES':
    case 'EPERM':
      return notPermitted(failed, proc);
    case 'EADDRNOTAVAIL':
    // EINVAL: a link-local address without its interface.
    case 'EINVAL':
      return `This machine has no address '${failed.host}'. Set dns.listen to addresses of this machine ('ip address' lists them), or to 0.0.0.0 and [::] for all of them.`;
    case 'EAFNOSUPPORT':
      return `This machine has no ${failed.host.includes(':') ? 'IPv6' : 'IPv4'}. Remove the entry from dns.listen.`;
    case 'ENOTSUP':
      return 'On this system threads cannot share a UDP port (Linux and FreeBSD have it). Set dns.threads to 0 or 1.';
    default:
      return `${failed.message}. Check the option dns.listen.`;
  }
}

function portTaken(failed: FailedListen, proc: string): string {
  const { port, protocol } = failed;
  const socket = findSocket(failed, proc);
  if (socket === undefined) {
    return `Another program uses the port. To find it, run as root: ss -lnp${protocol[0]} 'sport = :${port}'. Stop it, or choose another port or address in dns.listen.`;
  }
  const place = formatEndpoint({ host: socket.address, port });
  const holder = findHolder(socket.inode, proc);
  if (holder === undefined && /^127\.0\.0\.5[34]$/.test(socket.address) && port === 53) return resolvedAdvice(place);
  if (holder === undefined) {
    return `A program of another user (uid ${socket.uid}) uses ${place}. To find it, run as root: ss -lnp${protocol[0]} 'sport = :${port}'. Stop it, or choose another port or address in dns.listen.`;
  }
  if (holder.self) {
    return `This program already uses ${place}: two entries of dns.listen overlap. Remove one of them.`;
  }
  // The kernel truncates the name of a process to 15 octets.
  if (holder.name.startsWith('systemd-resolve')) return resolvedAdvice(place, holder.pid);
  return `${holder.name} (process ${holder.pid}) uses ${place}. ${adviceFor(holder.name, socket.address)}`;
}

function resolvedAdvice(place: string, pid?: number): string {
  const program = pid === undefined ? 'systemd-resolved' : `systemd-resolved (process ${pid})`;
  return (
    `${program} uses ${place}: it is the stub resolver for the programs of this machine. Either list in dns.listen only ` +
    `the public addresses, for example ['192.0.2.1:53', '[2001:db8::1]:53'], which does not affect the stub resolver; ` +
    `or disable the stub resolver: set DNSStubListener=no under [Resolve] in /etc/systemd/resolved.conf, then run ` +
    `'ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf' and 'systemctl restart systemd-resolved'.`
  );
}

function adviceFor(name: string, address: string): string {
  const wildcard = address === '0.0.0.0' || address === '::';
  const other = 'or choose another port or address in dns.listen.';
  switch (name) {
    case 'dnsmasq':
      return wildcard
        ? `If it is used for DHCP only, set port=0 in dnsmasq.conf. Otherwise bind it to other addresses (listen-address and bind-interfaces), ${other}`
        : `It serves a network of this machine (libvirt and NetworkManager start it). List in dns.listen only the other addresses, for example ['192.0.2.1:53'].`;
    case 'named':
      return `This is BIND. Stop it ('systemctl disable --now named'), or let it serve the zone and set 'nameserver: 127.0.0.1' for the zone instead of 'nameserver: embedded', or bind it to other addresses with listen-on and listen-on-v6, ${other}`;
    case 'systemd':
      return `This is a .socket unit of systemd: 'systemctl list-sockets' shows its name. Stop it, ${other}`;
    default:
      return `Stop it, ${other}`;
  }
}

function notPermitted({ port, protocol }: FailedListen, proc: string): string {
  const first = Number(readText(`${proc}/sys/net/ipv4/ip_unprivileged_port_start`) ?? 1024);
  if (port >= first) {
    return `The system denied it, although ports from ${first} on need no permission. Check the security module (SELinux, AppArmor), the restrictions of the service unit, and the option dns.listen.`;
  }
  return (
    `Ports below ${first} need a permission. There are three ways: ` +
    `(1) the capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or ` +
    `'setcap cap_net_bind_service=+ep' on the node program (every program that node runs then has it); ` +
    `(2) for all programs of this machine: 'sysctl net.ipv4.ip_unprivileged_port_start=${port}'; ` +
    `(3) another port, for example dns.listen: ['0.0.0.0:5300'], and a redirect for udp and tcp: ` +
    `'nft add rule ip nat prerouting ${protocol} dport ${port} redirect to :5300'.`
  );
}

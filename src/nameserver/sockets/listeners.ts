/**
 * The sockets of the nameserver: UDP and TCP on the same port of every entry of `dns.listen` (RFC 7766 §5).
 *
 * Left out: choosing the source address of a UDP reply. node:dgram has no IP_PKTINFO, so on a machine with several
 * addresses a reply from a wildcard entry leaves from the address that the kernel picks, which may not be the one that
 * was asked; list the addresses in `dns.listen` there. Left out too: edns-tcp-keepalive (RFC 7828).
 */
import { formatEndpoint } from '../../dns/endpoint.ts';
import type { DnsService } from '../answer/dns-service.ts';
import { portAdvice } from './port-advice.ts';
import type { TcpLimits } from './tcp-limits.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

export type { DnsPeer, DnsService, StreamReply } from '../answer/dns-service.ts';

/** One entry of `dns.listen`. Port 0: the system chooses one that is free for UDP and TCP. */
export interface DnsListenAddress {
  /** An IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface DnsListenersOptions {
  readonly listen: readonly DnsListenAddress[];
  /** The entries are the default and not the operator's wish: IPv6 may be missing, with a warning. */
  readonly isDefault?: boolean;
  /** Told what an operator should know: a text without secrets. */
  readonly onWarning?: (text: string) => void;
  /** Told what the service threw, and faults of the sockets that end nothing. */
  readonly onFault?: (error: unknown) => void;
  readonly tcpLimits?: Partial<TcpLimits>;
}

/** An entry of `dns.listen` that could not be opened. The message says what to do. */
export class DnsListenError extends Error {
  readonly code: string | undefined;
  constructor(message: string, options: { readonly cause: NodeJS.ErrnoException }) {
    super(message, options);
    this.name = 'DnsListenError';
    this.code = options.cause.code;
  }
}

/** How often a free TCP port is asked for that is free for UDP too. */
const PORT_ATTEMPTS = 20;
/** What waits for a commit gets this long to be answered when the server ends. */
const GRACE_MS = 2_000;

export class DnsListeners {
  #open: { readonly tcp: TcpListener; readonly udp: UdpListener; readonly host: string }[] = [];

  /** Where it listens, with the ports that the system chose: `192.0.2.1:53`, `[2001:db8::1]:53`. */
  get addresses(): readonly string[] {
    return this.bound.map(formatEndpoint);
  }

  /** The same as host and port. */
  get bound(): readonly DnsListenAddress[] {
    return this.#open.map(({ host, tcp }) => ({ host, port: tcp.port }));
  }

  /** Opens all, or none. @throws DnsListenError */
  async open(service: DnsService, options: DnsListenersOptions): Promise<void> {
    try {
      for (const address of options.listen) {
        try {
          await this.#openOne(service, address, options);
        } catch (error) {
          if (!options.isDefault || !isWithoutIpv6(address, error)) throw error;
          options.onWarning?.(
            `This machine has no IPv6: '${formatEndpoint(address)}' of the default of 'dns.listen' is left out.`,
          );
        }
      }
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  async #openOne(service: DnsService, address: DnsListenAddress, options: DnsListenersOptions): Promise<void> {
    const onFault = options.onFault ?? (() => {});
    for (let attempt = 1; ; attempt++) {
      const tcp = new TcpListener(service, onFault, options.tcpLimits);
      const udp = new UdpListener(service, onFault);
      let protocol: 'tcp' | 'udp' = 'tcp';
      try {
        await tcp.open(address.host, address.port);
        protocol = 'udp';
        await udp.open(address.host, tcp.port);
        this.#open.push({ tcp, udp, host: address.host });
        return;
      } catch (error) {
        await Promise.all([tcp.close(0), udp.close(0)]);
        const cause = error as NodeJS.ErrnoException;
        if (address.port === 0 && cause.code === 'EADDRINUSE' && attempt < PORT_ATTEMPTS) continue;
        const advice = portAdvice({ ...address, protocol, code: cause.code, message: cause.message });
        const place = `${formatEndpoint(address)}' (${protocol.toUpperCase()})`;
        throw new DnsListenError(`Cannot listen on '${place}: ${advice}`, { cause });
      }
    }
  }

  /**
   * Takes nothing new, lets replies that are under way leave within `graceMs`, then cuts what is left. An idle server
   * closes at once.
   */
  async close(graceMs = GRACE_MS): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(open.flatMap(({ tcp, udp }) => [tcp.close(graceMs), udp.close(graceMs)]));
  }
}

function isWithoutIpv6(address: DnsListenAddress, error: unknown): boolean {
  if (!address.host.includes(':') || !(error instanceof DnsListenError)) return false;
  return error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL';
}

/**
 * The sockets of the nameserver: UDP and TCP on the same port of every entry of `dns.listen` (RFC 7766 §5).
 *
 * Left out: the source address of UDP replies. node:dgram has no IP_PKTINFO: with a wildcard entry on a machine with several
 * addresses, the kernel chooses the source address, which may differ from the address that was queried; list the
 * addresses in `dns.listen` on such a machine.
 */
import { formatEndpoint } from '../../dns/endpoint.ts';
import type { DnsService } from '../answer/dns-service.ts';
import { portAdvice } from './port-advice.ts';
import { TCP_LIMITS, type TcpLimits } from './tcp-limits.ts';
import { TcpListener } from './tcp-listener.ts';
import { UdpListener } from './udp-listener.ts';

/** One entry of `dns.listen`. With port 0 the system chooses a port that is free for UDP and TCP. */
export interface DnsListenAddress {
  /** An IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface DnsListenersOptions {
  readonly listen: readonly DnsListenAddress[];
  /** True if the operator did not set `dns.listen`: a missing IPv6 is then only a warning. */
  readonly isDefault?: boolean;
  /** Called with a message for the operator, without secrets. */
  readonly onWarning?: (text: string) => void;
  /** Called with exceptions of the service, and with socket errors that do not close a listener. */
  readonly onFault?: (error: unknown) => void;
  readonly tcpLimits?: Partial<TcpLimits>;
  /** Makes a UDP socket elsewhere than in this thread. */
  readonly makeUdp?: (() => UdpSocket) | undefined;
}

/** What is needed of a UdpListener. */
export type UdpSocket = Pick<UdpListener, 'open' | 'close'>;

/** An entry of `dns.listen` that could not be opened. The message says what to do. */
export class DnsListenError extends Error {
  readonly code: string | undefined;
  constructor(message: string, options: { readonly cause: NodeJS.ErrnoException }) {
    super(message, options);
    this.name = 'DnsListenError';
    this.code = options.cause.code;
  }
}

/** Attempts to find a free TCP port that is also free for UDP. */
const PORT_ATTEMPTS = 20;
/** Time for pending replies when the server stops. */
const GRACE_MS = 2_000;

export class DnsListeners {
  #open: { readonly tcp: TcpListener; readonly udp: UdpSocket; readonly host: string }[] = [];
  #tcpIdleMs = TCP_LIMITS.idleMs;

  /** The bound addresses: `192.0.2.1:53`, `[2001:db8::1]:53`. */
  get addresses(): readonly string[] {
    return this.bound.map(formatEndpoint);
  }

  /** The same as host and port. */
  get bound(): readonly DnsListenAddress[] {
    return this.#open.map(({ host, tcp }) => ({ host, port: tcp.port }));
  }

  /** The time after which an idle TCP connection is closed, for open connections as well. */
  setTcpIdle(idleMs: number): void {
    this.#tcpIdleMs = idleMs;
    for (const { tcp } of this.#open) tcp.setIdle(idleMs);
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
            `This machine has no IPv6. The nameserver does not listen on '${formatEndpoint(address)}', which is in the default of 'dns.listen'.`,
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
      const tcp = new TcpListener(service, onFault, { idleMs: this.#tcpIdleMs, ...options.tcpLimits });
      const udp = options.makeUdp?.() ?? new UdpListener(service, onFault);
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
   * Graceful stop: accepts no requests, sends pending replies for up to `graceMs`, then closes all sockets. An idle server
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

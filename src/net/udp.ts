/**
 * DNS over UDP, client side (RFC 1035 §4.2.1): one connected socket per exchange, for an unpredictable source port
 * (RFC 5452 §9.2); resends the request every second; uses TCP after a truncated reply and for a request that is too large
 * for a datagram (RFC 7766 §5).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { formatEndpoint } from '../dns/endpoint.ts';
import { UDP_PAYLOAD_OCTETS } from '../dns/wire/edns.ts';
import { WireError } from '../dns/wire/reader.ts';
import {
  type Endpoint,
  ExchangeError,
  type Exchanger,
  type Reply,
  type RequestBuilder,
  readReply,
} from './exchange.ts';
import { TcpExchanger } from './tcp.ts';

const RESEND_MS = 1000;

export class UdpExchanger implements Exchanger {
  readonly #endpoint: Endpoint;
  readonly #tcp: TcpExchanger;
  readonly #closers = new Set<() => void>();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#tcp = new TcpExchanger(endpoint);
  }

  async exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply> {
    const request = build(randomInt(0x10000));
    if (request.length > UDP_PAYLOAD_OCTETS) return this.#tcp.exchange(build, deadlineMs);
    const reply = await this.#datagrams(request, deadlineMs);
    if (!reply.message.truncated) return reply;
    return { ...(await this.#tcp.exchange(build, deadlineMs)), resent: true };
  }

  close(): void {
    for (const close of this.#closers) close();
    this.#tcp.close();
  }

  #datagrams(request: Uint8Array, deadlineMs: number): Promise<Reply> {
    const place = formatEndpoint(this.#endpoint);
    return new Promise((resolve, reject) => {
      const socket = createSocket(isIPv6(this.#endpoint.host) ? 'udp6' : 'udp4');
      let datagrams = 0;
      let garbage = false;
      const finish = (settle: () => void) => {
        if (!this.#closers.delete(closed)) return;
        clearInterval(resend);
        clearTimeout(timeout);
        socket.close();
        settle();
      };
      const fail = (error: ExchangeError) => finish(() => reject(error));
      const send = () => {
        datagrams += 1;
        socket.send(request);
      };
      const closed = () => fail(new ExchangeError('closed', datagrams > 0, `the exchange with ${place} was closed`));
      this.#closers.add(closed);
      const resend = setInterval(() => datagrams > 0 && send(), RESEND_MS);
      const timeout = setTimeout(
        () => {
          fail(
            garbage
              ? new ExchangeError('garbage', true, `${place} sent something that is not a DNS reply`)
              : new ExchangeError('timeout', datagrams > 0, `no reply from ${place} in time`),
          );
        },
        Math.max(0, deadlineMs - performance.now()),
      );
      socket.on('error', (cause: NodeJS.ErrnoException) => {
        // A refused first datagram was not processed. A refused resend says nothing about the first one.
        fail(new ExchangeError('unreachable', datagrams > 1, `cannot reach ${place} (${cause.code})`, { cause }));
      });
      socket.on('message', (octets) => {
        try {
          const reply = readReply(request, octets, datagrams > 1);
          // Anything else may be forged: keeps waiting for the real reply.
          if (reply !== undefined) finish(() => resolve(reply));
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
          garbage = true;
        }
      });
      // Without a route, as without IPv6, Node.js passes the error as an argument that its types do not declare.
      socket.connect(this.#endpoint.port, this.#endpoint.host, (...[cause]: readonly NodeJS.ErrnoException[]) => {
        if (cause) socket.emit('error', cause);
        else send();
      });
    });
  }
}

/** How much one TCP socket of the nameserver bears (RFC 7766 §6.2, §10). Shown to no operator: no options. */

export interface TcpLimits {
  /** Connections at the same time. One more takes the place of the one that is idle longest, if one is idle. */
  readonly connections: number;
  /** Connections of one IPv4 address or one /64 of IPv6. */
  readonly connectionsPerSource: number;
  /** The same for 127.0.0.0/8 and ::1: the HTTP side, a proxy or a test of this machine. */
  readonly connectionsFromLoopback: number;
  /** A connection on which nothing is asked and nothing is to be sent is closed (RFC 7766 §6.2.3). */
  readonly idleMs: number;
  /** A message must be complete this long after its first octet. */
  readonly messageMs: number;
  /** A client that takes no octet of a reply for so long is dropped. */
  readonly readerMs: number;
  /** Messages of one connection whose reply is not there yet; then nothing more is read of it. */
  readonly inFlight: number;
  /** How often the times are looked at; each is late by this much at most. */
  readonly sweepMs: number;
}

export const TCP_LIMITS: TcpLimits = {
  connections: 1_000,
  connectionsPerSource: 50,
  connectionsFromLoopback: 500,
  idleMs: 10_000,
  messageMs: 10_000,
  readerMs: 30_000,
  inFlight: 64,
  sweepMs: 500,
};

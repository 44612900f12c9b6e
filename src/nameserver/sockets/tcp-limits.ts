/** Limits of one TCP listener of the nameserver (RFC 7766 §6.2, §10). Only the idle time has an option. */

export interface TcpLimits {
  /** Open connections; fewer where the process may open few descriptors. One more evicts the connection that has been idle longest; without an idle one it is refused. */
  readonly connections: number;
  /** Connections from one IPv4 address or one IPv6 /64. */
  readonly connectionsPerSource: number;
  /** Connections from 127.0.0.0/8 and ::1, for example of a proxy on this machine. */
  readonly connectionsFromLoopback: number;
  /** A connection without unanswered messages and unsent replies is closed after this time (RFC 7766 §6.2.3). */
  readonly idleMs: number;
  /** Maximum time from the first octet of a message to its last. */
  readonly messageMs: number;
  /** A client that reads no octet of its replies for this time is disconnected. */
  readonly readerMs: number;
  /** Unanswered messages of one connection at which reading stops. */
  readonly inFlight: number;
  /** Interval of the check of the time limits. */
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

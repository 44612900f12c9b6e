/**
 * What stands between the sockets of the nameserver and its answers: messages as octets, without TCP's length prefix.
 *
 * The sockets know nothing of DNS but the twelve octets of a header (RFC 1035 §4.1.1), the service nothing of sockets.
 */

/** Who sent a message. */
export interface DnsPeer {
  /** Canonical IP text without zone identifier; an IPv4-mapped address is the IPv4 address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Answers messages of 12 octets and more. The octets belong to the service, a returned reply belongs to the sockets:
 * it must not be written to afterwards. Nothing is sent for a throw or a rejection; the listeners report it.
 */
export interface DnsService {
  /** The reply to one datagram; undefined: none. */
  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * The reply to one message of a TCP connection; a stream of messages for a transfer. Messages are 65,535 octets at
   * most. A stream is read as fast as the client takes it, streams of one connection one after the other; it is told
   * by `return()` when the client is gone, and never touched if its turn has not come by then.
   */
  answerStream(octets: Uint8Array, peer: DnsPeer): StreamReply;
}

export type StreamReply = Uint8Array | undefined | Promise<Uint8Array | undefined> | AsyncIterable<Uint8Array>;

/** Length of a DNS header: nothing shorter is a message. */
export const HEADER_OCTETS = 12;

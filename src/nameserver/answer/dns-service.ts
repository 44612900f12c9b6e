/**
 * The interface between the sockets of the nameserver and its answers: messages as octets, without TCP's length prefix.
 *
 * The sockets know of DNS only the length of a header (RFC 1035 §4.1.1); the service does not know sockets.
 */

/** The sender of a message. */
export interface DnsPeer {
  /** Canonical IP text without zone identifier; an IPv4-mapped address is the IPv4 address. */
  readonly address: string;
  readonly port: number;
}

/**
 * Answers messages of 12 octets and more. The service owns the octets of the message; the sockets own a returned reply,
 * which must not be modified afterwards. After an exception or a rejection nothing is sent; the listeners report it.
 */
export interface DnsService {
  /** The reply to one datagram; undefined: no reply. */
  answerDatagram(octets: Uint8Array, peer: DnsPeer): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * The reply to one message of a TCP connection; a stream of messages for a transfer. Messages have at most 65,535
   * octets. Streams of one connection are read one after the other, as fast as the client reads. When the client closes
   * the connection, `return()` of the current stream is called; streams that were not started are never touched.
   */
  answerStream(octets: Uint8Array, peer: DnsPeer): StreamReply;
}

export type StreamReply = Uint8Array | undefined | Promise<Uint8Array | undefined> | AsyncIterable<Uint8Array>;

/** Length of a DNS header, the minimum length of a message. */
export const HEADER_OCTETS = 12;

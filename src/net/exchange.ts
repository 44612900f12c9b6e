/**
 * One exchange of a DNS request and its reply over any transport: the request is built for an id, the reply is matched by
 * id and question (RFC 5452 §4), and a failure says whether the request may have been received.
 */
import { type DecodedMessage, decodeMessage } from '../dns/wire/message.ts';
import { WireError } from '../dns/wire/reader.ts';

export interface Reply {
  readonly octets: Uint8Array;
  readonly message: DecodedMessage;
  /** The request was sent more than once: the reply may be to a copy that arrived after the first one was processed. */
  readonly resent: boolean;
}

/** Returns the octets of the request with this message id. */
export type RequestBuilder = (id: number) => Uint8Array;

export interface Exchanger {
  /**
   * Sends one request and waits for its reply.
   * @param deadlineMs on the clock of `performance.now()`
   * @throws ExchangeError
   */
  exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply>;
  /** Closes all sockets; exchanges in flight fail with `closed`. */
  close(): void;
}

/** `garbage`: the octets received are not a DNS reply to the request. */
export type ExchangeFailure = 'unreachable' | 'timeout' | 'closed' | 'garbage';

/** No reply. With `sent` the peer may have received and processed the request. */
export class ExchangeError extends Error {
  readonly failure: ExchangeFailure;
  readonly sent: boolean;
  constructor(failure: ExchangeFailure, sent: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExchangeError';
    this.failure = failure;
    this.sent = sent;
  }
}

export interface Endpoint {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/** @param octets of a DNS message, at least two */
export function messageId(octets: Uint8Array): number {
  return (octets[0]! << 8) | octets[1]!;
}

/**
 * Decodes a reply to `request`; undefined for a well-formed message that is not its reply: another id, opcode or question,
 * or a request. A reply without a question is accepted if it reports an error, as a server cannot always parse a request.
 * @throws WireError
 */
export function readReply(request: Uint8Array, octets: Uint8Array, resent = false): Reply | undefined {
  const message = decodeMessage(octets);
  if (!message.response || message.id !== messageId(request)) return undefined;
  if (message.opcode !== ((request[2]! >> 3) & 0xf)) return undefined;
  const reply = { octets, message, resent };
  if (message.questions.length === 0) return message.rcode === 0 ? undefined : reply;
  const question = questionOctets(request);
  return Buffer.compare(question, octets.subarray(12, 12 + question.length)) === 0 ? reply : undefined;
}

/** The question section of our own requests: one question with an uncompressed name. */
function questionOctets(request: Uint8Array): Uint8Array {
  let at = 12;
  while (request[at] !== 0) {
    if (at >= request.length) throw new WireError('request without a question', at);
    at += request[at]! + 1;
  }
  return request.subarray(12, at + 5);
}

/**
 * What an exchange of one DNS request and its reply is, whatever carries it: the request is built for an id, the reply
 * is matched by id and question (RFC 5452 §4), a failure says whether the request may have arrived.
 */
import { type DecodedMessage, decodeMessage } from '../dns/wire/message.ts';
import { WireError } from '../dns/wire/reader.ts';

export interface Reply {
  readonly octets: Uint8Array;
  readonly message: DecodedMessage;
  /** The request went out more than once: the reply may be to a copy that came after the first one was acted on. */
  readonly resent: boolean;
}

/** Makes the octets of a request with this message id. */
export type RequestBuilder = (id: number) => Uint8Array;

export interface Exchanger {
  /**
   * Sends one request and waits for its reply until `deadlineMs` of the monotonic clock (`performance.now()`).
   * @throws ExchangeError
   */
  exchange(build: RequestBuilder, deadlineMs: number): Promise<Reply>;
  /** Ends what is open; exchanges under way fail with `closed`. */
  close(): void;
}

export type ExchangeFailure = 'unreachable' | 'timeout' | 'closed' | 'garbage';

/** No reply. `sent` tells whether the other side may have received, and so may have acted on, the request. */
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

/** The id in the first two octets. */
export function messageId(octets: Uint8Array): number {
  return (octets[0]! << 8) | octets[1]!;
}

/**
 * Reads a reply to `request`. Undefined if it is a well-formed message but not the reply: another id, a request, another
 * opcode or question. A reply without any question is accepted when it reports an error, as servers send it for requests
 * that they could not read.
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

/** The question section of a message with one question whose name is not compressed, as every request of ours is. */
function questionOctets(request: Uint8Array): Uint8Array {
  let at = 12;
  while (request[at] !== 0) {
    if (at >= request.length) throw new WireError('request without a question', at);
    at += request[at]! + 1;
  }
  return request.subarray(12, at + 5);
}

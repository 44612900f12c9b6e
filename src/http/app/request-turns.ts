/**
 * Divides requests among turns of the event loop, so that DNS is answered in between. In one turn Node reads from all connections
 * that have something to be read, and starts what it reads. Here the first few requests of a turn are started at once, and the others
 * wait for the next turns. A request that arrives before the last one of its connection is answered always waits: a chunk from a
 * connection can hold hundreds of pipelined ones (RFC 9112 §9.3.2).
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** Requests that are started in one turn. */
const TURN_REQUESTS = 8;
/** Requests that wait are started for so long in one turn; at least one is. */
const TURN_MS = 2;
/** Requests of one connection that wait for their turn. */
const MAX_WAITING_PER_CONNECTION = 100;

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class RequestTurns {
  readonly #listener: RequestListener;
  /** Requests that wait and are the only one of their connection. They come first. */
  readonly #first = new Map<unknown, Waiting>();
  /** Pipelined requests that wait, by connection: each connection in turn may start one. */
  readonly #waiting = new Map<unknown, Waiting[]>();
  /** Requests that were started since a turn is known to have begun: to ask in each one would cost more than it saves. */
  #started = 0;
  #isNextTurnDue = false;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  /**
   * Starts a request now or in a later turn. A connection with too many waiting ones is closed.
   * @param isPipelined the last request of the connection is not answered yet
   */
  take(request: IncomingMessage, response: ServerResponse, isPipelined: boolean): void {
    if (!isPipelined) {
      if (this.#started < TURN_REQUESTS) this.#start({ request, response });
      else this.#first.set(request.socket, { request, response });
      return;
    }
    const { socket } = request;
    if (socket.destroyed) return;
    this.#startLater();
    const ofConnection = this.#waiting.get(socket);
    if (ofConnection === undefined) this.#waiting.set(socket, [{ request, response }]);
    else if (ofConnection.length < MAX_WAITING_PER_CONNECTION) ofConnection.push({ request, response });
    else {
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }

  #start({ request, response }: Waiting): void {
    this.#started += 1;
    if (this.#started === TURN_REQUESTS) this.#startLater();
    this.#listener(request, response);
  }

  #startLater(): void {
    if (this.#isNextTurnDue) return;
    this.#isNextTurnDue = true;
    setImmediate(() => {
      this.#isNextTurnDue = false;
      this.#started = 0;
      this.#startFirst();
      if (this.#waiting.size > 0) this.#startPipelined();
      if (this.#first.size + this.#waiting.size > 0) this.#startLater();
    });
  }

  #startFirst(): void {
    for (const [socket, next] of this.#first) {
      if (this.#started >= TURN_REQUESTS) break;
      this.#first.delete(socket);
      if (!next.request.socket.destroyed) this.#start(next);
    }
  }

  #startPipelined(): void {
    const endMs = performance.now() + TURN_MS;
    // A connection that has more requests goes to the end of the line.
    for (const [socket, ofConnection] of this.#waiting) {
      if (this.#first.has(socket)) continue;
      this.#waiting.delete(socket);
      const next = ofConnection.shift();
      if (next === undefined || next.request.socket.destroyed) continue;
      if (ofConnection.length > 0) this.#waiting.set(socket, ofConnection);
      this.#start(next);
      if (this.#started >= TURN_REQUESTS || performance.now() >= endMs) break;
    }
  }
}

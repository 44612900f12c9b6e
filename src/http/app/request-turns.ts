/**
 * Divides pipelined requests among turns of the event loop, so that DNS is answered in between. A chunk that Node reads from a
 * connection can hold hundreds of them (RFC 9112 §9.3.2), and Node starts all in one turn. Here a request that arrives before the
 * last one of its connection is answered waits for its turn. No update client pipelines: other requests are started at once.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

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
  /** Requests that wait, by connection: each connection in turn may start one. */
  readonly #waiting = new Map<unknown, Waiting[]>();

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  /**
   * Starts a request now or in a later turn. A connection with too many waiting ones is closed.
   * @param isPipelined the last request of the connection is not answered yet
   */
  take(request: IncomingMessage, response: ServerResponse, isPipelined: boolean): void {
    if (!isPipelined) {
      this.#listener(request, response);
      return;
    }
    const { socket } = request;
    if (socket.destroyed) return;
    if (this.#waiting.size === 0) setImmediate(() => this.#startSome());
    const ofConnection = this.#waiting.get(socket);
    if (ofConnection === undefined) this.#waiting.set(socket, [{ request, response }]);
    else if (ofConnection.length < MAX_WAITING_PER_CONNECTION) ofConnection.push({ request, response });
    else {
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }

  #startSome(): void {
    const endMs = performance.now() + TURN_MS;
    // A connection that has more requests goes to the end of the line.
    for (const [socket, ofConnection] of this.#waiting) {
      this.#waiting.delete(socket);
      const next = ofConnection.shift();
      if (next === undefined || next.request.socket.destroyed) continue;
      if (ofConnection.length > 0) this.#waiting.set(socket, ofConnection);
      this.#listener(next.request, next.response);
      if (performance.now() >= endMs) break;
    }
    if (this.#waiting.size > 0) setImmediate(() => this.#startSome());
  }
}

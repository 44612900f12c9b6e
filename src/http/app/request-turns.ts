/**
 * Divides requests among turns of the event loop, so that DNS is answered in between. A chunk that Node reads from a connection
 * can hold hundreds of pipelined requests (RFC 9112 §9.3.2), and it starts all of them in one turn, for every connection.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** Requests are started for so long in one turn; at least one is. */
const TURN_MS = 2;
/** Requests of one connection that wait for their turn. No update client pipelines at all. */
const MAX_WAITING_PER_CONNECTION = 100;

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class RequestTurns {
  readonly #listener: RequestListener;
  /** Requests that wait, by connection: each connection in turn may start one. */
  readonly #waiting = new Map<unknown, Waiting[]>();
  #turnStartMs: number | undefined;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  /** Starts a request now or in a later turn. A connection with too many waiting ones is closed. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const ofConnection = this.#waiting.get(socket);
    if (ofConnection === undefined && this.#hasTime()) {
      this.#listener(request, response);
      return;
    }
    if (socket.destroyed) return;
    if (ofConnection === undefined) this.#waiting.set(socket, [{ request, response }]);
    else if (ofConnection.length < MAX_WAITING_PER_CONNECTION) ofConnection.push({ request, response });
    else {
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }

  /** Whether this turn may start one more request. */
  #hasTime(): boolean {
    const nowMs = performance.now();
    if (this.#turnStartMs === undefined) {
      this.#turnStartMs = nowMs;
      setImmediate(() => this.#nextTurn());
      return true;
    }
    return nowMs - this.#turnStartMs < TURN_MS;
  }

  #nextTurn(): void {
    this.#turnStartMs = undefined;
    // A connection that has more requests goes to the end of the line.
    for (const [socket, ofConnection] of this.#waiting) {
      if (!this.#hasTime()) return;
      this.#waiting.delete(socket);
      const [next, ...rest] = ofConnection;
      if (next === undefined || next.request.socket.destroyed) continue;
      if (rest.length > 0) this.#waiting.set(socket, rest);
      this.#listener(next.request, next.response);
    }
  }
}

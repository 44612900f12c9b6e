/**
 * Divides requests among turns of the event loop, so that DNS is answered in between. A chunk that Node reads from a connection
 * can hold hundreds of pipelined requests (RFC 9112 §9.3.2), and it starts all of them in one turn, for every connection. Here a
 * connection starts one request a turn; what it has pipelined behind that waits. No update client pipelines.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** The first request of a connection is started for so long in one turn: as a rule of all connections that have one. */
const FIRST_MS = 5;
/** Requests that wait are started for so long in one turn; at least one is. */
const WAITING_MS = 2;
/** Requests of one connection that wait for their turn. */
const MAX_WAITING_PER_CONNECTION = 100;
/** Reading the clock for each request would cost more than it saves. */
const REQUESTS_PER_CLOCK = 16;

/** On a socket: the turn in which it started a request last. A property costs less than a set for each turn. */
const TURN = Symbol('turn');

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class RequestTurns {
  readonly #listener: RequestListener;
  /** Requests that wait, by connection: each connection in turn may start one. */
  readonly #waiting = new Map<unknown, Waiting[]>();
  #turn = 1;
  #isOpen = false;
  #startMs = 0;
  #started = 0;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  /** Starts a request now or in a later turn. A connection with too many waiting ones is closed. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const socket = request.socket as IncomingMessage['socket'] & { [TURN]?: number };
    const ofConnection = this.#waiting.size === 0 ? undefined : this.#waiting.get(socket);
    if (ofConnection === undefined && socket[TURN] !== this.#turn && this.#hasTime()) {
      socket[TURN] = this.#turn;
      this.#listener(request, response);
      return;
    }
    if (socket.destroyed) return;
    this.#open();
    if (ofConnection === undefined) this.#waiting.set(socket, [{ request, response }]);
    else if (ofConnection.length < MAX_WAITING_PER_CONNECTION) ofConnection.push({ request, response });
    else {
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }

  /** Whether this turn may start one more request of a connection that has started none. */
  #hasTime(): boolean {
    this.#open();
    this.#started += 1;
    return this.#started % REQUESTS_PER_CLOCK !== 0 || performance.now() - this.#startMs < FIRST_MS;
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#started = 0;
    this.#startMs = performance.now();
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#isOpen = false;
    this.#turn += 1;
    if (this.#waiting.size === 0) return;
    this.#open();
    // A connection that has more requests goes to the end of the line.
    for (const [socket, ofConnection] of this.#waiting) {
      this.#waiting.delete(socket);
      const next = ofConnection.shift();
      if (next === undefined || next.request.socket.destroyed) continue;
      if (ofConnection.length > 0) this.#waiting.set(socket, ofConnection);
      this.#listener(next.request, next.response);
      if (performance.now() - this.#startMs >= WAITING_MS) return;
    }
  }
}

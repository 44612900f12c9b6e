/**
 * The control socket: the operations as HTTP with JSON on a unix socket of mode 0600. There is no other authentication:
 * only the server's own user and root may open the socket. Errors are problem documents (RFC 9457) with the codes of AppError.
 */

import { existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { OPERATOR_CALLER } from '../core/admin/caller.ts';
import { errorStack } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { OperationCalls, OperationDoor } from '../http/api/operation-door.ts';
import { type ConnectionLimits, Connections } from '../http/app/connections.ts';
import {
  closeServers,
  guardServer,
  HEADERS_TIMEOUT_MS,
  requestListener,
  TIMEOUT_CHECK_MS,
} from '../http/app/guarded-server.ts';
import { ListenError, removeStaleSocket } from '../http/app/listen.ts';

/** Open connections. Only the operator's commands use the socket. */
export const MAX_CONTROL_CONNECTIONS = 64;
const LIMITS: ConnectionLimits = { total: MAX_CONTROL_CONNECTIONS, perSource: 0, exempt: [] };

export interface ControlOptions {
  readonly operations: OperationCalls;
  readonly observer: Observer;
}

export class ControlSocket {
  readonly #options: ControlOptions;
  readonly #connections = new Connections(() => LIMITS);
  #server: Server | undefined;
  #door: Promise<OperationDoor> | undefined;
  #requests = 0;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** @param path absolute; its directory must be there. @throws ListenError */
  async open(path: string): Promise<void> {
    const refuse = (why: string, cause?: unknown): never => {
      throw new ListenError(`Cannot listen on the control socket '${path}': ${why}.`, { cause });
    };
    const directory = dirname(path);
    if (!existsSync(directory)) refuse(`the directory '${directory}' does not exist`);
    await removeStaleSocket(path);
    const file = statSync(path, { throwIfNoEntry: false });
    if (file?.isSocket()) refuse('another dyndns serves this control socket; stop it, or set another `control`');
    if (file !== undefined) refuse('a file that is not a socket is there');
    // An import has no time limit, as long as it moves.
    const server = createServer({
      // A missing Host would get an empty reply of Node's.
      requireHostHeader: false,
      requestTimeout: 0,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    const onFault = (error: unknown) =>
      this.#options.observer.warn(`The control socket reported an error: ${errorStack(error)}`);
    const answer = requestListener((request, response) => this.#answer(request, response), onFault);
    guardServer(server, this.#connections, { isUnix: true, isTls: false, onFault }, answer);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The socket must not be open to others for even the moment before a chmod.
      const mask = process.umask(0o177);
      try {
        server.listen({ path }, resolve);
      } finally {
        process.umask(mask);
      }
    }).catch((cause: NodeJS.ErrnoException) => {
      refuse(cause.code === 'EACCES' ? `the directory '${directory}' is not writable for this user` : cause.message);
    });
    this.#server = server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#door ??= this.#loadDoor();
    await (await this.#door).answer(request, response);
  }

  /** At the first request: a start does not need the code. */
  async #loadDoor(): Promise<OperationDoor> {
    const { operations, observer } = this.#options;
    const [{ OperationDoor }, { findFormerOperation }] = await Promise.all([
      import('../http/api/operation-door.ts'),
      import('./former-routes.ts'),
    ]);
    return new OperationDoor({
      calls: operations,
      observer,
      has: ({ httpOnly }) => httpOnly === undefined,
      findOther: findFormerOperation,
      callerOf: () => OPERATOR_CALLER,
      sourceOf: () => 'the control socket',
      nextRequestId: () => {
        this.#requests += 1;
        return `control-${this.#requests}`;
      },
      isPatient: true,
      withMessage: true,
    });
  }

  /** Accepts no new connections. Requests in flight are cut after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await closeServers([server], this.#connections, graceMs);
  }
}

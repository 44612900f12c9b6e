/**
 * The sockets of the wizard. They can be given up for the server, which may want the same port, while the request that starts
 * it is still in flight; and opened again if the start fails.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { TcpAddress } from '../config/config.ts';
import { Connections } from '../http/app/connections.ts';
import { guardServer, HEADERS_TIMEOUT_MS, TIMEOUT_CHECK_MS } from '../http/app/guarded-server.ts';
import { listen } from '../http/app/listen.ts';

const LIMITS = { total: 100, perSource: 50, exempt: [] };

interface OpenSocket {
  readonly server: Server;
  /** With the port that the system chose. */
  readonly address: TcpAddress;
}

export class SetupListener {
  readonly #listener: RequestListener;
  readonly #onFault: (error: unknown) => void;
  #open: readonly OpenSocket[] = [];
  #connections: Connections | undefined;

  constructor(listener: RequestListener, onFault: (error: unknown) => void) {
    this.#listener = listener;
    this.#onFault = onFault;
  }

  get addresses(): readonly TcpAddress[] {
    return this.#open.map(({ address }) => address);
  }

  /** @throws ListenError */
  async open(addresses: readonly TcpAddress[]): Promise<void> {
    const connections = new Connections(() => LIMITS);
    this.#connections = connections;
    for (const address of addresses) {
      const server = createServer({
        headersTimeout: HEADERS_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
        noDelay: true,
      });
      const options = { isUnix: false, isTls: false, onFault: this.#onFault };
      guardServer(server, connections, options, this.#listener);
      await listen(server, address, 'setup --listen');
      const { port } = server.address() as AddressInfo;
      this.#open = [...this.#open, { server, address: { ...address, port } }];
    }
  }

  /** From now on the ports are free. Connections end with the replies that are in flight. */
  release(): void {
    // Node's own close() for HTTP would also end the connection of the request that starts the server.
    for (const { server } of this.#open) NetServer.prototype.close.call(server);
    this.#open = [];
    this.#connections?.endWithReplies();
    this.#connections?.endIdle();
  }

  /** Ends everything. */
  close(): void {
    this.release();
    this.#connections?.destroyAll();
  }
}

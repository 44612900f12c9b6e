/** A receiver of webhooks on 127.0.0.1 with scripted answers, which records requests and counts connections. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A status, or a function that writes the response; one that does nothing leaves the sender waiting. */
export type Reply = number | ((response: ServerResponse, received: Received) => void);

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Maximum number of concurrent connections. */
  readonly mostConnections: number;
  /** Sets the replies to the next requests, in order; then 200. */
  answer(...replies: Reply[]): void;
  close(): Promise<void>;
}

export async function startWebhookReceiver(port = 0): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const replies: Reply[] = [];
  const sockets = new Set<Socket>();
  let mostConnections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const { url: path = '', method = '', headers } = request;
      const arrived = { path, method, headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(arrived);
      const reply = replies.shift() ?? 200;
      if (typeof reply === 'function') reply(response, arrived);
      else response.writeHead(reply).end();
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    mostConnections = Math.max(mostConnections, sockets.size);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    get mostConnections() {
      return mostConnections;
    },
    answer: (...next) => void replies.push(...next),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

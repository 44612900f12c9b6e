/**
 * Forwards UDP and TCP from another loopback address to a DNS server on 127.0.0.1. BIND itself listens only on
 * addresses of an interface, which is 127.0.0.1 alone.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import type { ServerAddress } from './dig.ts';

export interface RelayOptions {
  readonly from: ServerAddress;
  readonly to: ServerAddress;
  /** false: does not listen on TCP. */
  readonly tcp?: boolean;
}

export interface Relay {
  close(): Promise<void>;
}

export async function startRelay({ from, to, tcp = true }: RelayOptions): Promise<Relay> {
  const datagrams = createSocket('udp4');
  const upstream = new Set<ReturnType<typeof createSocket>>();
  datagrams.on('message', (request, client) => {
    const socket = createSocket('udp4');
    upstream.add(socket);
    socket.on('error', () => undefined);
    socket.on('message', (reply) => {
      datagrams.send(reply, client.port, client.address);
      if (upstream.delete(socket)) socket.close();
    });
    socket.send(request, to.port, to.host);
  });
  await new Promise<void>((resolve, reject) => {
    datagrams.once('error', reject);
    datagrams.bind(from.port, from.host, resolve);
  });
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(to.port, to.host);
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    }
    client.pipe(target).pipe(client);
  });
  if (tcp) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(from.port, from.host, resolve);
    });
  }
  return {
    async close() {
      for (const socket of upstream) socket.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => datagrams.close(() => resolve()));
      if (tcp) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

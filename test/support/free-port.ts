/**
 * Finds a port on 127.0.0.1 that is free for UDP and TCP. It is below the kernel's ephemeral range, so that an outgoing
 * socket of another test cannot take it.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;
const ATTEMPTS = 100;

const handedOut = new Set<number>();

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** Returns a port that is free for UDP and TCP on 127.0.0.1; never the same one twice in a process. */
export async function freePort(first = FIRST_PORT, last = LAST_PORT): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(first, last + 1);
    if (handedOut.has(port)) continue;
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error(`There is no free port on 127.0.0.1 between ${first} and ${last}.`);
}

/** A TCP proxy in front of a nameserver that parses DNS messages and injects faults into UPDATEs. */
import { connect, createServer, type Socket } from 'node:net';
import { Opcode } from '../../src/dns/wire/message.ts';
import type { ServerAddress } from './dig.ts';
import { freePort } from './free-port.ts';

/**
 * `garbage`: not a DNS message. `unsigned`: no TSIG. `cut after`, `cut before`: the connection ends after or before the
 * UPDATE is forwarded. `hold`: it is forwarded at `release`.
 */
export type Fault = 'none' | 'drop reply' | 'late reply' | 'garbage' | 'unsigned' | 'cut after' | 'cut before' | 'hold';

export interface FaultProxy extends ServerAddress {
  /** The faults of the next UPDATEs, in order; then `otherwise`. */
  readonly faults: Fault[];
  otherwise: Fault;
  /** The delay of `late reply`. */
  delayMs: number;
  /** Number of UPDATEs received. */
  updates: number;
  /** Number of replies to UPDATEs. */
  replies: number;
  /** UPDATEs that are held. */
  readonly held: readonly unknown[];
  /** Forwards the UPDATEs that are held; from now on none is. */
  release(): void;
  close(): Promise<void>;
}

/** Calls back with each message of a stream, without its length prefix. */
function eachMessage(socket: Socket, onMessage: (octets: Buffer) => void): void {
  let incoming = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    incoming = Buffer.concat([incoming, chunk]);
    while (incoming.length >= 2 && incoming.length >= 2 + incoming.readUInt16BE(0)) {
      const octets = incoming.subarray(2, 2 + incoming.readUInt16BE(0));
      incoming = incoming.subarray(2 + octets.length);
      onMessage(octets);
    }
  });
}

function write(socket: Socket, octets: Uint8Array): void {
  if (!socket.destroyed) socket.write(Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 0xff), octets]));
}

/** Makes an unsigned reply: the header of the real one, and its question. */
function unsignedCopy(reply: Buffer): Buffer {
  let end = 12;
  while (reply[end] !== 0) end += reply[end]! + 1;
  const copy = Buffer.from(reply.subarray(0, end + 5));
  copy.writeUInt16BE(0, 10);
  return copy;
}

export async function startFaultProxy(target: ServerAddress): Promise<FaultProxy> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const held: (() => void)[] = [];
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    const pending = new Map<number, Fault>();
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    eachMessage(client, (request) => {
      if (((request[2]! >> 3) & 0xf) === Opcode.UPDATE) {
        proxy.updates += 1;
        const fault = proxy.faults.shift() ?? proxy.otherwise;
        if (fault === 'cut before') return end();
        pending.set(request.readUInt16BE(0), fault);
        if (fault === 'hold') return void held.push(() => write(upstream, request));
      }
      write(upstream, request);
    });
    eachMessage(upstream, (reply) => {
      const fault = pending.get(reply.readUInt16BE(0)) ?? 'none';
      if (pending.has(reply.readUInt16BE(0))) proxy.replies += 1;
      pending.delete(reply.readUInt16BE(0));
      switch (fault) {
        case 'cut after':
          return end();
        case 'garbage':
          return write(client, Buffer.from(reply.map((octet) => octet ^ 0xff)));
        case 'unsigned':
          return write(client, unsignedCopy(reply));
        case 'late reply': {
          const timer = setTimeout(() => {
            timers.delete(timer);
            write(client, reply);
          }, proxy.delayMs);
          timers.add(timer);
          return;
        }
        case 'none':
        case 'hold':
          return write(client, reply);
        case 'drop reply':
        case 'cut before':
      }
    });
  });
  const proxy: FaultProxy = {
    host: '127.0.0.1',
    port,
    faults: [],
    otherwise: 'none',
    delayMs: 0,
    updates: 0,
    replies: 0,
    held,
    release() {
      if (proxy.otherwise === 'hold') proxy.otherwise = 'none';
      for (const forward of held.splice(0)) forward();
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return proxy;
}

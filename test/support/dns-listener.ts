/** A scripted DNS server over TCP or UDP on a free port of 127.0.0.1: the test decides what it sends. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { decodeMessage, encodeMessage, type Message } from '../../src/dns/wire/message.ts';
import { freePort } from './free-port.ts';

/** Makes the reply to a request: same id and question, QR set. */
export function replyTo(request: Uint8Array, fields: Partial<Message> = {}): Buffer {
  const { id, opcode, questions } = decodeMessage(request);
  const empty = { answers: [], authority: [], additional: [] };
  const message = { ...decodeMessage(request), ...empty, id, opcode, questions, response: true, ...fields };
  return encodeMessage(message);
}

/** Prefixes a message with its length (RFC 1035 §4.2.2). */
export function frame(octets: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 0xff), octets]);
}

export interface TcpListener {
  readonly host: string;
  readonly port: number;
  /** All connections so far. */
  readonly connections: Socket[];
  /** All requests so far, without the length prefix. */
  readonly requests: Buffer[];
  close(): Promise<void>;
}

/** @param onRequest called with each request and its connection */
export async function listenTcp(onRequest: (request: Buffer, socket: Socket) => void): Promise<TcpListener> {
  const port = await freePort();
  const connections: Socket[] = [];
  const requests: Buffer[] = [];
  const server: Server = createServer((socket) => {
    connections.push(socket);
    let incoming = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      incoming = Buffer.concat([incoming, chunk]);
      while (incoming.length >= 2 && incoming.length >= 2 + incoming.readUInt16BE(0)) {
        const request = incoming.subarray(2, 2 + incoming.readUInt16BE(0));
        incoming = incoming.subarray(2 + request.length);
        requests.push(request);
        onRequest(request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port,
    connections,
    requests,
    close() {
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface UdpListener {
  readonly host: string;
  readonly port: number;
  readonly requests: Buffer[];
  close(): Promise<void>;
}

/** @param onRequest called with each datagram and a function that sends a reply */
export async function listenUdp(
  onRequest: (request: Buffer, send: (octets: Uint8Array) => void, from: RemoteInfo) => void,
  onPort?: number,
): Promise<UdpListener> {
  const port = onPort ?? (await freePort());
  const requests: Buffer[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (request, from) => {
    requests.push(request);
    onRequest(request, (octets) => socket.send(octets, from.port, from.address), from);
  });
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { host: '127.0.0.1', port, requests, close };
}

/**
 * UDP sockets for NOTIFY: a connected socket for each round of attempts, so that only datagrams of the secondary are received
 * and the source port cannot be guessed (RFC 5452 §9.2). Errors are ignored: the secondary then does not answer.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Endpoint } from '../../net/exchange.ts';

export interface NotifySocket {
  send(octets: Uint8Array): void;
  close(): void;
}

export type OpenNotifySocket = (endpoint: Endpoint, onMessage: (octets: Uint8Array) => void) => NotifySocket;

export const openNotifySocket: OpenNotifySocket = ({ host, port }, onMessage) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let state: 'connecting' | 'connected' | 'closed' = 'connecting';
  let queued: Uint8Array | undefined;
  // Refused or unreachable: the next attempt follows.
  const ignore = () => undefined;
  socket.on('error', ignore);
  socket.on('message', onMessage);
  socket.connect(port, host, (error?: Error) => {
    if (state === 'closed' || error) return;
    state = 'connected';
    if (queued !== undefined) socket.send(queued, ignore);
  });
  return {
    send(octets) {
      if (state === 'connecting') queued = octets;
      else if (state === 'connected') socket.send(octets, ignore);
    },
    close() {
      if (state === 'closed') return;
      state = 'closed';
      socket.close();
    },
  };
};

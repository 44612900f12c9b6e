/** Where a request comes from: the client, as far as its connection and its headers tell, and the peer. */
import type { Socket } from 'node:net';
import type { IpAddress } from '../../dns/address.ts';
import { clientAddress, type Headers, type ProxyTrust, parsePeer } from './client-address.ts';
import { connectionOf } from './connections.ts';

export interface Caller {
  /** Undefined where it is unknown: a trusted proxy does not name it. */
  readonly address: IpAddress | undefined;
  /** The other end of the connection; undefined on a unix socket. */
  readonly peer: IpAddress | undefined;
}

/** @param socket of the request, below or above TLS */
export function callerOf(socket: Socket, headers: Headers, trust: ProxyTrust): Caller {
  const connection = connectionOf(socket);
  if (connection === undefined) {
    // Only in tests, which hand over requests without a listener.
    const peer = parsePeer(socket.remoteAddress ?? '');
    return { address: peer && clientAddress(peer, headers, trust), peer };
  }
  const { peer, named } = connection;
  return { address: named === undefined ? clientAddress(peer, headers, trust) : named.address, peer };
}

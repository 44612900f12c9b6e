/** Opens one server on its TCP address or unix socket, and explains a failure to the operator. */
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { formatListenAddress, type ListenAddress } from '../../config/config.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { findHolder, findSocket } from '../../net/port-holder.ts';

const PROC = '/proc';

/** A listener that cannot be opened. The message says what to do. */
export class ListenError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

/** @param option the option that changes the port, for the message @throws ListenError */
export function listen(server: Server, address: ListenAddress, option: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(listenError(address, cause, option));
    server.once('error', fail);
    const opened = () => {
      server.removeListener('error', fail);
      resolve();
    };
    if (address.kind === 'unix') server.listen({ path: address.path }, opened);
    else server.listen({ host: address.host, port: address.port }, opened);
  });
}

function listenError(address: ListenAddress, cause: NodeJS.ErrnoException, option: string): ListenError {
  const place = formatListenAddress(address);
  const reasons: Partial<Record<string, string>> = {
    EADDRINUSE: `${holderOf(address)}; stop it, or choose another port (option ${option})`,
    EACCES:
      'permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE, a unix socket a writable directory',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOENT: 'its directory does not exist',
  };
  // libuv reports a missing directory as EACCES.
  const isMissing = address.kind === 'unix' && !existsSync(dirname(address.path));
  const reason = reasons[isMissing ? 'ENOENT' : (cause.code ?? '')] ?? cause.message;
  return new ListenError(`Cannot listen on '${place}': ${reason}.`, { cause });
}

/** Who listens there. @returns a clause */
function holderOf(address: ListenAddress): string {
  const unknown = 'another program listens there';
  if (address.kind === 'unix') return unknown;
  const { host, port } = address;
  const socket = findSocket({ host, port, protocol: 'tcp' }, PROC);
  if (socket === undefined) return `${unknown} (as root, 'ss -lntp' names it)`;
  const holder = findHolder(socket.inode, PROC);
  const place = formatEndpoint({ host: socket.address, port });
  if (holder === undefined)
    return `a program of another user (uid ${socket.uid}) listens on ${place} (as root, 'ss -lntp' names it)`;
  return holder.self
    ? `this program already listens on ${place}`
    : `${holder.name} (process ${holder.pid}) listens on ${place}`;
}

/** Removes a socket file that no process listens on: a process that was killed leaves one. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const isListening = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (!isListening) unlinkSync(path);
}

/** `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`, with the port that the system chose. */
export function boundAddress(server: Server, address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return `${address.tls ? 'https' : 'http'}://${formatEndpoint({ host: address.host, port })}`;
}

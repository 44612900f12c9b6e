/** Checks whether something listens on an address of `http.listen`: opens and closes a connection, without sending. */
import { connect } from 'node:net';
import type { HttpListen } from '../core/doctor/ports.ts';

const CONNECT_TIMEOUT_MS = 3000;

/** @returns undefined if something listens, else the reason in a few words */
export function tryConnect(listen: HttpListen): Promise<string | undefined> {
  const target =
    listen.kind === 'unix' ? { path: listen.path } : { host: reachableHost(listen.host), port: listen.port };
  return new Promise((resolve) => {
    const socket = connect(target);
    const end = (result: string | undefined) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.once('connect', () => end(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(REASONS[error.code ?? ''] ?? error.code ?? 'no connection'),
    );
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'the socket does not exist',
  EACCES: 'this user has no permission',
  EADDRNOTAVAIL: 'this machine does not have the address',
};

/** The loopback address for a listener on all addresses. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

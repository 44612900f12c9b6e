/**
 * A reverse proxy: terminates TLS and adds X-Forwarded-For. It forwards everything else verbatim, so that clients see
 * the server's own framing.
 */
import { readFileSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { freshDirectory } from './primary-server.ts';
import { removeNow, runOrThrow } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const FRONT_PROGRAMS: readonly RequiredProgram[] = [{ command: 'openssl', debianPackage: 'openssl' }];

export interface TlsFront {
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** PEM file with the self-signed certificate for the name and 127.0.0.1. */
  readonly caFile: string;
  /** The value of X-Forwarded-For. */
  clientAddress: string;
  /** The header section of each request. */
  readonly requests: readonly string[];
  /** The replies of the server, verbatim. */
  readonly replies: readonly string[];
  stop(): Promise<void>;
}

const REQUEST_LINE = /^(?:GET|POST|PUT|HEAD) \S+ HTTP\/1\.[01]\r\n/;

/** @param name host name of the certificate @param backendPort HTTP port of the server on 127.0.0.1 */
export async function startTlsFront(name: string, backendPort: number): Promise<TlsFront> {
  const directory = freshDirectory('front');
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  await runOrThrow('openssl', ['req', '-x509', '-days', '2', ...newKey, '-out', cert, ...subject]);
  const requests: string[] = [];
  const replies: string[] = [];
  const sockets = new Set<Socket>();
  const front = { clientAddress: '', requests, replies, caFile: cert };

  const server: Server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (client) => {
    const backend = connect({ host: '127.0.0.1', port: backendPort });
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    }
    // These clients do not pipeline: each request begins a new chunk.
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const line = REQUEST_LINE.exec(text)?.[0];
      if (line === undefined) return void backend.write(chunk);
      requests.push(text.split('\r\n\r\n')[0] ?? '');
      backend.write(`${line}X-Forwarded-For: ${front.clientAddress}\r\n${text.slice(line.length)}`, 'latin1');
    });
    client.once('end', () => backend.end());
    backend.on('data', (chunk: Buffer) => replies.push(chunk.toString('latin1')));
    backend.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const address = server.address();
  return Object.assign(front, {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      removeNow(directory);
    },
  });
}

/**
 * A small dyndns server for tests of the router script: the routes that the script uses, over HTTP or HTTPS on loopback,
 * and certificates made by openssl at test time. The test sets the replies and reads the
 * recorded requests. It does not implement the rules of the real server; real-server.test.ts tests with that one.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export const SECRET = 'Top5ecretWord+&%"1';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly form: Readonly<Record<string, string>>;
}

export interface StubReply {
  readonly status: number;
  readonly text: string;
  readonly location?: string;
}

export interface StubServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Replies by path; a path without an entry gets the reply of a successful request, or 404. */
  readonly replies: Map<string, StubReply>;
  close(): Promise<void>;
}

function usualReply(path: string, form: Readonly<Record<string, string>>): StubReply {
  if (path === '/myip') return { status: 200, text: '198.51.100.7\n' };
  if (path !== '/update-by-query') return { status: 404, text: 'Not found\n' };
  if (form['secret'] !== SECRET) {
    return { status: 456, text: 'PARAMETER_ERROR: You specified a wrong secret key.\n' };
  }
  const name = `${form['record_name']}.${form['zone_name']}.`;
  const line = (type: string, address: string | undefined) =>
    address === undefined ? `UNCHANGED: ${name} ${type} None\n` : `UPDATED: ${name} ${type} None -> ${address}\n`;
  return { status: 200, text: line('A', form['ipv4']) + line('AAAA', form['ipv6']) };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Starts the server on a free port of 127.0.0.1; `tls` holds the files of its certificate. */
export async function startStubServer(tls?: {
  readonly key: string;
  readonly certificate: string;
}): Promise<StubServer> {
  const seen: SeenRequest[] = [];
  const replies = new Map<string, StubReply>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const form = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
    seen.push({ method: request.method ?? '', path, query, form });
    const reply = replies.get(path) ?? usualReply(path, form);
    response.statusCode = reply.status;
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(reply.text));
    response.setHeader('Connection', 'close');
    if (reply.location !== undefined) response.setHeader('Location', reply.location);
    response.end(reply.text);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server: Server =
    tls === undefined
      ? createHttpServer(listener)
      : createHttpsServer({ key: readFileSync(tls.key), cert: readFileSync(tls.certificate) }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    seen,
    replies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Certificates {
  /** PEM file of the CA. */
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

/** Creates a CA in `directory` and its certificate for one DNS name. */
export function makeCertificates(directory: string, dnsName: string): Certificates {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test authority',
    '-days',
    '2',
  );
  openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=test server');
  writeFileSync(file('extensions'), `subjectAltName=DNS:${dnsName}\n`);
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-extfile', 'extensions', '-out', 'server.pem', '-days', '2'],
  );
  return { authority: file('ca.pem'), key: file('server.key'), certificate: file('server.pem') };
}

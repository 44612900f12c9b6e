/** Requests as octets: each reply belongs to the request that was executed, whatever is behind it; and every connection ends. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../test/openwrt/stub-server.ts';
import { waitUntil } from '../../../test/support/process.ts';
import type { HttpConfig, ListenAddress } from '../../config/config.ts';
import { HttpListeners, type HttpListenersOptions } from './listeners.ts';

let listeners: HttpListeners;
let executed: string[];
let faults: unknown[];
let directory: string;

/** Short times: the tests wait for what they do, and measure nothing. */
const TIMES = { proxyMs: 300, handshakeMs: 300, betweenMs: 400, readerMs: 300, lingerMs: 100, sweepMs: 20 };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dyndns-guarded-'));
  executed = [];
  faults = [];
});

afterEach(async () => {
  await listeners.close(0);
  rmSync(directory, { recursive: true });
});

/** The application: reads the body, changes something, replies a little later. */
async function update(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET') {
    try {
      for await (const _ of request);
    } catch {
      return;
    }
  }
  executed.push(request.url ?? '');
  await new Promise(setImmediate);
  const body = `good ${request.url}\n`;
  response.setHeader('Content-Length', body.length).end(body);
}

async function open(
  options: HttpListenersOptions = {},
  listen: readonly ListenAddress[] = [{ kind: 'tcp', host: '127.0.0.1', port: 0, tls: false }],
  more: Partial<HttpConfig> = {},
  listener: (request: IncomingMessage, response: ServerResponse) => void = (request, response) =>
    void update(request, response),
): Promise<number> {
  listeners = new HttpListeners({ onFault: (error) => faults.push(error), ...options });
  const config: HttpConfig = {
    listen,
    socketMode: 0o600,
    trustedProxies: [],
    clientAddressHeader: 'x-forwarded-for',
    lenient: false,
    ...more,
  };
  await listeners.open(config, listener);
  return Number(/:(\d+)$/.exec(listeners.addresses[0] ?? '')?.[1] ?? 0);
}

/** Sends segments, each after the server has read the one before, ends its side, and reads to the end. */
async function exchange(socket: Socket, segments: readonly Buffer[], half = true): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  for (const segment of segments) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(segment, resolve));
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
  }
  if (half && !socket.destroyed) socket.end();
  await closed;
  return text;
}

const statusesOf = (text: string) => [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]));

/** One piece, pieces of a few octets, and a cut at the end of the first request. */
function splits(text: string, firstLength: number): readonly Buffer[][] {
  const octets = Buffer.from(text, 'latin1');
  const pieces = (size: number) =>
    Array.from({ length: Math.ceil(octets.length / size) }, (_, i) => octets.subarray(i * size, (i + 1) * size));
  return [[octets], pieces(7), [octets.subarray(0, firstLength), octets.subarray(firstLength)]].map((list) =>
    list.filter(({ length }) => length > 0),
  );
}

const REQUESTS: Readonly<Record<string, string>> = {
  'a GET with keep-alive': 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  'a GET that closes': 'GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
  'a GET of HTTP/1.0': 'GET /a HTTP/1.0\r\n\r\n',
  'a GET of HTTP/1.0 with keep-alive': 'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'a GET with a body': 'GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc',
  'a POST': 'POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc',
  'a POST of HTTP/1.0': 'POST /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc',
  'a POST without a body': 'POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n',
  'a chunked POST with a trailer':
    'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'a POST with Expect': 'POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'two pipelined': 'GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 1\r\n\r\nx',
};

const BEHIND: Readonly<Record<string, string>> = {
  nothing: '',
  'an empty line': '\r\n',
  'empty lines': '\r\n\r\n\r\n',
  'a longer body than its length says': 'defgh',
  'form fields': '&myip=192.0.2.1',
  NULs: '\0\0\0',
  'bits of all kinds': '\xff\xfe\x80 \r\n\r\n',
  'a broken request line': 'GET\r\n\r\n',
  'a TLS hello': '\x16\x03\x01\x00\xa5\x01\x00\x00',
  'a half request': 'GET /z HTTP/1.1\r\nHost:',
  'a half body': 'POST /z HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc',
  'a broken header': 'GET /z HTTP/1.1\r\nbad header\r\n\r\n',
  'a broken chunk': 'POST /z HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
  'a broken chunk of a GET': 'GET /z HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
  'a GET whose body is cut': 'GET /z HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc',
  'a broken trailer': 'POST /z HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX Y\r\n\r\n',
};

describe('a reply belongs to the request that was executed', () => {
  const kinds = [
    ['TCP', {}],
    ['lenient', { lenient: true }],
    ['a unix socket', {}],
    ['TLS', {}],
  ] as const;
  it.each(kinds)(
    'on %s, whatever is behind the request and however it is cut',
    { timeout: 60_000 },
    async (kind, more) => {
      const path = join(directory, 'http.sock');
      const address: ListenAddress =
        kind === 'a unix socket'
          ? { kind: 'unix', path }
          : { kind: 'tcp', host: '127.0.0.1', port: 0, tls: kind === 'TLS' };
      const tls = kind === 'TLS' ? { tls: makeCertificates(directory, 'localhost') } : {};
      const port = await open({ times: { lingerMs: 30, sweepMs: 10 } }, [address], { ...more, ...tls });
      const dial = () =>
        kind === 'TLS'
          ? connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
          : connect(kind === 'a unix socket' ? { path } : { host: '127.0.0.1', port });
      const cases = Object.entries(REQUESTS).flatMap(([what, request]) =>
        Object.entries(BEHIND).map(([behind, octets]) => ({ what, request, behind, octets })),
      );
      const check = async ({ what, request, behind, octets }: (typeof cases)[number]) => {
        for (const segments of splits(request + octets, request.length)) {
          const text = await exchange(dial(), segments);
          const label = `${what}, then ${behind}, in ${segments.length} segments:\n${text}`;
          const replies = text.split(/(?=HTTP\/1\.1 )/).filter((reply) => !reply.startsWith('HTTP/1.1 100'));
          const good = replies.filter((reply) => /^HTTP\/1\.1 200/.test(reply));
          const expected = what === 'two pipelined' ? ['/a', '/b'] : ['/a'];
          // All that were executed are confirmed, in order, before anything else is said.
          expect(
            good.map((reply) => reply.split('\r\n\r\n')[1]),
            label,
          ).toEqual(expected.map((url) => `good ${url}\n`));
          expect(replies.slice(0, good.length), label).toEqual(good);
          expect(replies.length - good.length, label).toBeLessThanOrEqual(1);
          // What is no request gets no reply of its own.
          if (!/z HTTP|^GET/.test(octets)) expect(statusesOf(text), label).not.toContain(400);
        }
      };
      let count = 0;
      for (const one of cases) {
        executed.length = 0;
        await check(one);
        const perSplit = one.what === 'two pipelined' ? 2 : 1;
        count += executed.length;
        expect(
          executed.filter((url) => url === '/z'),
          `${one.what}, then ${one.behind}`,
        ).toEqual([]);
        expect(executed, `${one.what}, then ${one.behind}`).toHaveLength(perSplit * 3);
      }
      expect(count).toBeGreaterThan(cases.length);
      expect(faults).toEqual([]);
    },
  );

  it('a request whose framing is ambiguous is not executed, nor is what is behind it', async () => {
    const port = await open({ times: TIMES });
    const smuggled = 'GET /smuggled HTTP/1.1\r\n\r\n';
    const heads = [
      'POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive',
      'GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3',
      'POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: identity',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, chunked',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked',
      'POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked',
      'POST /a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4',
      'POST /a HTTP/1.1\r\nContent-Length: +3',
    ];
    for (const head of heads) {
      const text = await exchange(connect({ host: '127.0.0.1', port }), [
        Buffer.from(`${head}\r\n\r\n3\r\nabc\r\n0\r\n\r\n${smuggled}`),
      ]);
      expect(statusesOf(text), head).toEqual([400]);
      expect(text, head).toContain('Connection: close');
    }
    await listeners.close(0);
    const lenient = await open({ times: TIMES }, undefined, { lenient: true });
    for (const head of heads) {
      const text = await exchange(connect({ host: '127.0.0.1', port: lenient }), [
        Buffer.from(`${head}\r\n\r\n3\r\nabc\r\n0\r\n\r\n${smuggled}`),
      ]);
      expect(statusesOf(text), head).toEqual([400]);
    }
    expect(executed).toEqual([]);
  });

  it('a malformed request is answered on a connection that has answered another', async () => {
    const port = await open({ times: TIMES });
    const text = await exchange(connect({ host: '127.0.0.1', port }), [
      Buffer.from('GET /a HTTP/1.1\r\n\r\n'),
      Buffer.from('GET /b?pass=\xfc HTTP/1.1\r\n\r\n', 'latin1'),
    ]);
    expect(statusesOf(text)).toEqual([200, 400]);
  });

  it('a body of a GET has a limit', async () => {
    const port = await open({ times: TIMES });
    const text = await exchange(connect({ host: '127.0.0.1', port }), [
      Buffer.from(`GET /a HTTP/1.1\r\nContent-Length: 80000\r\n\r\n${'x'.repeat(80_000)}`),
    ]);
    expect(statusesOf(text)).toEqual([413]);
    expect(executed).toEqual([]);
  });

  it('an exception of the application ends the connection, not the process', async () => {
    const port = await open({}, undefined, {}, () => {
      throw new Error('a defect');
    });
    expect(await exchange(connect({ host: '127.0.0.1', port }), [Buffer.from('GET // HTTP/1.1\r\n\r\n')])).toBe('');
    expect(faults).toMatchObject([{ message: 'a defect' }]);
  });
});

describe('while the server ends', () => {
  /** A client that keeps its connection, like a proxy. */
  function keep(place: { readonly port: number } | { readonly path: string }) {
    const socket = connect('port' in place ? { host: '127.0.0.1', ...place } : place);
    socket.setEncoding('latin1');
    const received = { text: '', ended: false };
    socket.on('data', (chunk: string) => {
      received.text += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      received.ended = true;
    });
    return { socket, received };
  }
  const refused = (port: number) =>
    waitUntil('a refusal', async () => {
      const probe = connect({ host: '127.0.0.1', port });
      return new Promise<boolean>((resolve) => {
        probe.once('error', () => resolve(true));
        probe.once('connect', () => {
          probe.destroy();
          resolve(false);
        });
      });
    });
  const get = (name: string) => `GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`;

  it('a request on a connection that was kept open is answered, and its reply is the last one', async () => {
    const port = await open();
    const { socket, received } = keep({ port });
    socket.write(get('first'));
    await waitUntil('the first reply', () => received.text.includes('good /first'));
    expect(received.text).not.toMatch(/^connection: close/im);
    const closed = listeners.close(5_000);
    await refused(port);
    socket.write(get('second'));
    await waitUntil('the end of the connection', () => received.ended);
    expect(statusesOf(received.text)).toEqual([200, 200]);
    expect(received.text).toMatch(/^connection: close/im);
    expect(executed).toEqual(['/first', '/second']);
    await closed;
  });

  /** Holds up this process, and with it the server, as a busy machine does. */
  const holdUp = () => {
    const untilMs = performance.now() + 700;
    while (performance.now() < untilMs);
  };
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  };

  it.each(['before', 'after'])('a request that came %s the process was held up is answered', async (when) => {
    const port = await open();
    const { socket, received } = keep({ port });
    socket.write(get('first'));
    await waitUntil('the first reply', () => received.text.includes('good /first'));
    const closed = listeners.close(5_000);
    await refused(port);
    if (when === 'before') socket.write(get('second'));
    holdUp();
    await turns(20);
    if (when === 'after') socket.write(get('second'));
    await closed;
    await waitUntil('the end of the connection', () => received.ended);
    expect(statusesOf(received.text)).toEqual([200, 200]);
    expect(executed).toEqual(['/first', '/second']);
  });

  it('the connections of a proxy that takes one after the other stay open for it', async () => {
    const port = await open();
    const clients = Array.from({ length: 6 }, () => keep({ port }));
    for (const [number, { socket, received }] of clients.entries()) {
      socket.write(get(`first${number}`));
      await waitUntil('the first reply', () => received.text.includes('good /first'));
    }
    const closed = listeners.close(5_000);
    await refused(port);
    for (const [number, { socket, received }] of clients.entries()) {
      await turns(80);
      socket.write(get(`second${number}`));
      await waitUntil('the end of the connection', () => received.ended);
      expect(statusesOf(received.text)).toEqual([200, 200]);
    }
    await closed;
  });

  it('a request in flight is answered, and its reply is the last one', async () => {
    let answer = () => {};
    const port = await open({}, undefined, {}, (_request, response) => {
      answer = () => response.end('good\n');
      executed.push('started');
    });
    const { socket, received } = keep({ port });
    socket.write(get('a'));
    await waitUntil('the request', () => executed.length === 1);
    const closed = listeners.close(5_000);
    await refused(port);
    answer();
    await closed;
    await waitUntil('the end of the connection', () => received.ended);
    expect(received.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*^connection: close[\s\S]*good\n/im);
  });

  it('idle connections are ended soon, and new ones refused at once', async () => {
    const port = await open();
    const { socket, received } = keep({ port });
    socket.write(get('first'));
    await waitUntil('the first reply', () => received.text.includes('good /first'));
    const startMs = performance.now();
    const closed = listeners.close(60_000);
    await refused(port);
    await closed;
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await waitUntil('the end of the connection', () => received.ended);
  });

  it('a client that has connected to a unix socket and was not taken yet is answered', async () => {
    const path = join(directory, 'http.sock');
    await open({}, [{ kind: 'unix', path }]);
    const clients = Array.from({ length: 20 }, (_, number) => {
      const client = keep({ path });
      client.socket.write(get(String(number)));
      return client;
    });
    // They are connected now, since connect() of a unix socket is immediate; the server has taken none.
    await listeners.close(5_000);
    await waitUntil('the end of the connections', () => clients.every(({ received }) => received.ended));
    expect(clients.map(({ received }) => statusesOf(received.text))).toEqual(clients.map(() => [200]));
  });
});

describe('every connection ends', () => {
  const allGone = () => waitUntil('the server to close all connections', () => listeners.connectionCount === 0);

  /** A client that never ends its side: it keeps its socket open after the server's FIN. */
  function stubborn(port: number, octets = ''): Socket {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.resume();
    if (octets !== '') socket.write(octets);
    return socket;
  }

  it('whose client ignores that it was ended, or never sends a request', async () => {
    const port = await open({ times: TIMES });
    const sockets = [
      '',
      '\r\n',
      'GET /a HTTP/1.1\r\nHost:',
      'GET /a HTTP/1.1\r\n\r\n',
      'GET /a HTTP/1.1\r\nConnection: close\r\n\r\n',
      'garbage\r\n\r\n',
      'GET /a HTTP/1.1\r\n\r\ngarbage',
      'POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
      'POST /a HTTP/1.1\r\nExpect: something\r\nContent-Length: 5\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\n\r\n',
    ].map((octets) => stubborn(port, octets));
    await waitUntil('the server to have them', () => listeners.connectionCount > 0);
    await allGone();
    for (const socket of sockets) socket.destroy();
  });

  it('whose client sends empty lines for ever', async () => {
    const port = await open({ times: TIMES });
    const socket = stubborn(port, 'GET /a HTTP/1.1\r\n\r\n');
    const timer = setInterval(() => socket.write('\r\n'), 20);
    await waitUntil('the server to answer', () => executed.length > 0);
    await allGone();
    clearInterval(timer);
    socket.destroy();
  });

  it('whose client does not read its replies', async () => {
    const big = 'x'.repeat(4_000_000);
    const port = await open({ times: TIMES }, undefined, {}, (_request, response) => response.end(big));
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.write('GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n');
    await waitUntil('the server to have it', () => listeners.connectionCount > 0);
    await allGone();
    socket.destroy();
  });

  it('that shakes no hands, or speaks no TLS', async () => {
    const tls = makeCertificates(directory, 'localhost');
    const address: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0, tls: true };
    const port = await open({ times: TIMES }, [address], { tls });
    const hello = '\x16\x03\x01\x00\xa5\x01\x00\x00';
    const sockets = ['', hello, 'GET /a HTTP/1.1\r\n\r\n', '\0'].map((octets) => stubborn(port, octets));
    const ended = stubborn(port, hello);
    ended.end();
    await waitUntil('the server to have them', () => listeners.connectionCount > 0);
    await allGone();
    for (const socket of [...sockets, ended]) socket.destroy();
    // After the handshake the other limits apply.
    const idle = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, allowHalfOpen: true } as never);
    idle.on('error', () => undefined);
    await new Promise((resolve) => idle.once('secureConnect', resolve));
    await allGone();
    idle.destroy();
  });

  it('and the ones beyond the limit at once', async () => {
    const port = await open({ limits: () => ({ total: 3, perSource: 256, exempt: [] }) });
    const sockets = [stubborn(port), stubborn(port), stubborn(port)];
    await waitUntil('the server to have three', () => listeners.connectionCount === 3);
    const fourth = connect({ host: '127.0.0.1', port }).on('error', () => undefined);
    fourth.resume();
    await new Promise((resolve) => fourth.once('close', resolve));
    for (const socket of sockets) socket.destroy();
    await allGone();
    const status = await new Promise((resolve) =>
      httpRequest({ host: '127.0.0.1', port, path: '/' }, (response) => resolve(response.resume().statusCode)).end(),
    );
    expect(status).toBe(200);
  });
});

/**
 * Where the client is, with the whole server: a trusted proxy that does not name it, listeners with the PROXY protocol, the
 * header that is configured; and requests as octets, whose reply and DNS must agree.
 */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { type AskOptions, exchangeRaw } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const HOST = `home.${ZONE}`;
const token = (name: string, more: object = {}) => ({
  name,
  sha256: createHash('sha256').update(`${name}Token`).digest('hex'),
  hosts: [HOST],
  types: ['A', 'AAAA', 'TXT'],
  ...more,
});

let server: EmbeddedServer;
let proxied: number;

beforeAll(async () => {
  proxied = await freePort();
  server = await startEmbedded({
    zone: ZONE,
    config: {
      http: {
        listen: ['127.0.0.1:0', { address: `127.0.0.1:${proxied}`, proxy_protocol: true }],
        trusted_proxies: ['127.0.0.1'],
        client_address_header: 'X-Real-IP',
      },
      store: 'sqlite:dyndns.db',
      protocols: { acme_dns: true },
      acme_dns: { zone: ZONE, register: ['203.0.113.0/24'] },
      limits: { refused_per_minute_per_source: 0 },
      tokens: [token('any'), token('own', { addresses: 'own' }), token('inside', { sources: ['203.0.113.0/24'] })],
    },
  });
}, 30_000);
afterAll(() => server?.stop());

const published = async () => (await dig(server, [HOST, 'A', '+norecurse'])).short;
const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const json = (body: object, headers: Record<string, string> = {}): AskOptions => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

describe('a trusted proxy that does not name the client', () => {
  const UPDATE = '/nic/update?hostname=home.dyn.example.com';
  const NEEDS: readonly (readonly [what: string, target: string, text: string, options?: AskOptions])[] = [
    ['dyndns2 without an address', UPDATE, '911\n', { headers: basic('x', 'anyToken') }],
    ['dyndns2 with auto', `${UPDATE}&myip=auto`, '911\n', { headers: basic('x', 'anyToken') }],
    [
      'dyndns2 with auto of one family',
      `${UPDATE}&myip=192.0.2.1&myipv6=auto`,
      '911\n',
      { headers: basic('x', 'anyToken') },
    ],
    ['a token of its own address', `${UPDATE}&myip=192.0.2.1`, '911\n', { headers: basic('x', 'ownToken') }],
    ['a token with sources', `${UPDATE}&myip=192.0.2.1`, '911\n', { headers: basic('x', 'insideToken') }],
    ['dyndns1', '/nic/dyndns?hostname=home.dyn.example.com', 'WAIT', { headers: basic('x', 'anyToken') }],
    ['the original', `/update-by-path/anyToken/${HOST}`, 'http.client_address_header'],
    ['the original by query', `/update-by-query?secret=anyToken&fqdn=${HOST}`, 'http.client_address_header'],
    ['the original with sources', `/update-by-path/insideToken/${HOST}/192.0.2.1`, 'http.client_address_header'],
    ['DuckDNS', `/update?domains=${HOST}&token=anyToken`, 'KO'],
    ['freemyip', `/update?domain=${HOST}&token=anyToken`, 'ERROR'],
    ['dynv6', `/api/update?hostname=${HOST}&token=anyToken&ipv4=auto`, 'client address unknown'],
    ['No-IP', `/ducupdate.php?username=x&pass=anyToken&h[]=${HOST}`, '911'],
    ['FreeDNS', `/u/anyToken?host=${HOST}`, 'unknown'],
    ...['/myip', '/ip', '/json', '/checkip', '/checkip.txt', '/nic/checkip.html', '/dynamic/check.php'].map(
      (target): readonly [string, string, string] => [`the echo ${target}`, target, 'http.client_address_header'],
    ),
    ['acme-dns by source', '/register', 'http.client_address_header', json({})],
    [
      'httpreq with sources',
      '/present',
      'http.client_address_header',
      json({ fqdn: `_acme-challenge.${HOST}.`, value: 'x'.repeat(43) }, basic('x', 'insideToken')),
    ],
  ];

  it.each(NEEDS.map(([what, target, text, options = {}]) => ({ what, target, text, options })))(
    '$what: 503',
    async ({ target, text, options }) => {
      for (const value of [undefined, 'unknown', '203.0.113.1, 203.0.113.2', '127.0.0.1x']) {
        const headers = { ...options.headers, 'X-Forwarded-For': '203.0.113.66', ...(value && { 'X-Real-IP': value }) };
        const reply = await server.dyndns.ask(target, { ...options, headers });
        expect([reply.status, reply.body]).toEqual([503, expect.stringContaining(text)]);
      }
      expect(await published()).toEqual([]);
      const named = () => JSON.stringify(server.dyndns.log().filter(({ code }) => code === 'caller-unknown'));
      await waitUntil('the log', () => named().includes('http.client_address_header'));
    },
  );

  it('goes on where the address is not needed', async () => {
    const { status, body } = await server.dyndns.ask(`${UPDATE}&myip=192.0.2.77`, { headers: basic('x', 'anyToken') });
    expect([status, body]).toEqual([200, 'good 192.0.2.77\n']);
    const deleted = await server.dyndns.ask(`/delete-by-path/anyToken/${HOST}`);
    expect([deleted.status, deleted.body.slice(0, 7)]).toEqual([200, 'UPDATED']);
    expect((await server.dyndns.ask('/healthz')).status).toBe(200);
    expect((await server.dyndns.ask(`${UPDATE}&myip=192.0.2.1`, { headers: basic('x', 'wrong') })).status).toBe(401);
  });

  it('and one that names it', async () => {
    const headers = { 'X-Real-IP': '203.0.113.9', 'X-Forwarded-For': '203.0.113.66' };
    expect((await server.dyndns.ask('/myip', { headers })).body).toBe('203.0.113.9\n');
    expect((await server.dyndns.ask('/register', { ...json({}), headers })).status).toBe(201);
  });
});

describe('the PROXY protocol', () => {
  const get = (header: string, more = '') =>
    exchangeRaw(proxied, `${header}GET /myip HTTP/1.1\r\nX-Real-IP: 203.0.113.66\r\n${more}Connection: close\r\n\r\n`);

  it('names the client, and the header is not read', async () => {
    expect(await get('PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n')).toMatch(
      /^HTTP\/1\.1 200[\s\S]*\r\n203\.0\.113\.9\n$/,
    );
    expect(await get('PROXY TCP6 2001:db8::9 ::1 4711 80\r\n')).toMatch(/\r\n2001:db8::9\n$/);
    const unknown = await get('PROXY UNKNOWN\r\n');
    expect(unknown).toMatch(/^HTTP\/1\.1 503/);
    expect(unknown).toContain('proxy_protocol');
    expect(await get('')).toBe('');
  });

  it('is refused on other listeners', async () => {
    const reply = await exchangeRaw(
      server.dyndns.port,
      'PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\nGET /myip HTTP/1.1\r\nConnection: close\r\n\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1\.1 400/);
  });
});

describe('paths that clients mangle', () => {
  it.each([
    [`/nic%2Fupdate?hostname=${HOST}&myip=192.0.2.IP`],
    [`/%2Fnic%2fupdate%2F?hostname=${HOST}&myip=192.0.2.IP`],
    [`//dyndns.example.com/nic/update?hostname=${HOST}&myip=192.0.2.IP`],
    [`//DYNDNS.example.com:8245//nic/update/?hostname=${HOST}&myip=192.0.2.IP`],
    [`/nic/update?hostname=${HOST}?myip=192.0.2.IP`],
    [`/nic/update??hostname=${HOST}&myip=192.0.2.IP`],
    [`/update-by-path%2FanyToken%2F${HOST}%2F192.0.2.IP`],
    [`/update-by-path/anyToken%2F${HOST}%2F192.0.2.IP`],
    [`//dyndns.example.com/u/anyToken?host=${HOST}&address=192.0.2.IP`],
  ])('%s', async (target) => {
    const address = `192.0.2.${1 + Math.floor(Math.random() * 250)}`;
    const headers = { Host: 'dyndns.example.com', ...basic('x', 'anyToken') };
    const { status } = await server.dyndns.ask(target.replace('192.0.2.IP', address), { headers });
    expect([status, await published()]).toEqual([200, [address]]);
  });

  it('lead to nothing that a proxy guards', async () => {
    const headers = { Host: 'dyndns.example.com', Authorization: `Bearer ${server.secret}` };
    expect((await server.dyndns.ask('/metrics', { headers })).status).toBe(200);
    for (const target of [
      '//metrics',
      '/%2Fmetrics',
      '//dyndns.example.com/metrics',
      '/%6Detrics',
      '/metric%73',
      '/\\metrics',
      '/%5c/metrics',
      '//v1',
      '/%2Fv1/zones',
      '/api%2Fv1',
      '//ui/',
    ]) {
      expect((await server.dyndns.ask(target, { headers })).status, target).toBe(404);
    }
  });
});

describe('reply and DNS agree', () => {
  /** Sends pieces one after the other, and reads to the end. */
  const send = (port: number, pieces: readonly string[]) =>
    new Promise<string>((resolve) => {
      let text = '';
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.once('close', () => resolve(text));
      const next = (at: number) => {
        if (at === pieces.length) socket.end();
        else socket.write(pieces[at] as string, 'latin1', () => setImmediate(next, at + 1));
      };
      next(0);
    });

  let number = 0;
  const update = (version: string, more: string, body?: string) => {
    number = (number % 250) + 1;
    const address = `192.0.2.${number}`;
    const query = `secret=anyToken&fqdn=${HOST}&ip_1=${address}`;
    const text =
      body === undefined
        ? `GET /update-by-query?${query} HTTP/${version}\r\n${more}\r\n`
        : `POST /update-by-query HTTP/${version}\r\nContent-Type: application/x-www-form-urlencoded\r\n${more}Content-Length: ${query.length}\r\n\r\n${query}${body}`;
    return { address, text };
  };

  it.each(['1.0', '1.1'])('whatever is behind a request of HTTP/%s', { timeout: 60_000 }, async (version) => {
    const behind = [
      '',
      '\r\n',
      '\r\n\r\n',
      'x',
      '&ttl=60',
      '\0\0',
      'GET',
      'GET / HTTP/1.1\r\nHo',
      '\xff\xfe\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\n',
    ];
    for (const connection of ['', 'Connection: close\r\n', 'Connection: keep-alive\r\n', 'Expect: 100-continue\r\n']) {
      for (const octets of behind) {
        for (const method of ['GET', 'POST']) {
          const { address, text } = update(version, connection, method === 'GET' ? undefined : '');
          const whole = text + octets;
          for (const pieces of [[whole], whole.match(/[\s\S]{1,30}/g) as string[]]) {
            const reply = await send(server.dyndns.port, pieces);
            const label = `${JSON.stringify([connection, octets, method, pieces.length])} ${reply}`;
            const first = /HTTP\/1\.1 (?!100)(\d+)/.exec(reply)?.[1];
            expect([first, await published()], label).toEqual(['200', [address]]);
          }
        }
      }
    }
  });

  it.each([
    ['a GET whose body is cut', () => update('1.1', 'Content-Length: 9\r\n').text],
    ['a POST whose body is cut', () => update('1.1', '', '').text.slice(0, -1)],
    ['Transfer-Encoding in HTTP/1.0', () => `${update('1.0', 'Transfer-Encoding: chunked\r\n').text}0\r\n\r\n`],
    ['two framings', () => update('1.1', 'Transfer-Encoding: chunked\r\n', '').text],
    ['a broken chunk', () => `${update('1.1', 'Transfer-Encoding: chunked\r\n').text}zz\r\n`],
  ])('%s changes nothing', async (_what, text) => {
    const before = await published();
    const reply = await send(server.dyndns.port, [text()]);
    expect(reply).toMatch(/^HTTP\/1\.1 400 [\s\S]*connection: close/i);
    expect(await published()).toEqual(before);
  });
});

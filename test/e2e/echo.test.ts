/**
 * The address echo on a whole server: the exact reply of each form, and no header that a client which also scans headers
 * could mistake for an address.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoProtocol } from '../../src/http/protocols/echo.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
const TEXT = 'text/plain; charset=utf-8';

interface EchoForm {
  readonly target: string;
  readonly type: string;
  readonly body: (address: string) => string;
  readonly host?: string;
}

const dyn = (address: string) =>
  `<html><head><title>Current IP Check</title></head><body>Current IP Address: ${address}</body></html>\r\n`;

describe('the address echo', () => {
  let server: RunningDyndns;

  beforeAll(async () => {
    const zone = { name: 'dyn.example.com', tsig_key: Buffer.alloc(64, 1).toString('base64') };
    const nowhere = { nameserver: '127.0.0.1', port: 1 };
    server = await startDyndns({
      secret: 'Top5ecretWord',
      ...nowhere,
      zones: [zone],
      http: { trusted_proxies: ['127.0.0.1'] },
    });
  });
  afterAll(() => server?.stop());

  const get = async (target: string, address: string, host = 'dyndns.example.com', version = '1.1') => {
    const head = `GET ${target} HTTP/${version}\r\nHost: ${host}\r\nX-Forwarded-For: ${address}\r\nConnection: close\r\n\r\n`;
    const reply = parseRaw(await exchangeRaw(server.port, head));
    return { ...reply, type: /\r\ncontent-type: ([^\r]*)/i.exec(reply.head)?.[1] };
  };

  const plain = (address: string) => `${address}\n`;
  const json = (address: string) => `{"ip":"${address}"}`;
  const FORMS: readonly EchoForm[] = [
    { target: '/myip', type: TEXT, body: plain },
    { target: '/ip', type: TEXT, body: plain },
    { target: '/checkip.txt', type: TEXT, body: plain },
    { target: '/nic/checkip.html', type: TEXT, body: plain },
    { target: '/json', type: JSON_TYPE, body: json },
    { target: '/ip?format=json', type: JSON_TYPE, body: json },
    { target: '/checkip', type: HTML, body: dyn },
    { target: '/checkip/', type: HTML, body: dyn },
    { target: '//checkip', type: HTML, body: dyn },
    { target: '/%2Fcheckip%2f', type: HTML, body: dyn },
    { target: '/ip??format=json', type: JSON_TYPE, body: json },
    { target: '/', type: HTML, body: dyn, host: 'checkip.dyndns.example.com' },
    { target: '/?x=1', type: HTML, body: dyn, host: 'CheckIP.dyndns.example.com:8245' },
    { target: '/dynamic/check.php', type: TEXT, body: (address) => `Detected IP : ${address}\n` },
  ];

  it.each(FORMS)('$target is $type', async ({ target, type, body, host }) => {
    for (const [header, address] of [
      ['203.0.113.45', '203.0.113.45'],
      ['2001:DB8:0:0::1', '2001:db8::1'],
      ['::ffff:203.0.113.45', '203.0.113.45'],
      ['::ffff:cb00:712d', '203.0.113.45'],
    ] as const) {
      for (const version of ['1.0', '1.1']) {
        const reply = await get(target, header, host, version);
        expect([reply.status, reply.type, reply.body]).toEqual([200, type, body(address)]);
        expect(reply.head).toContain(`\r\ncontent-length: ${reply.body.length}`);
        expect(reply.head).toContain('\r\ncache-control: no-store');
        expect(reply.head).not.toMatch(/\d+\.\d+\.\d+\.\d+|::|([0-9a-f]+:){3}/i);
      }
    }
  });

  it('the table has every route', () => {
    for (const { pattern } of echoProtocol.routes) expect(FORMS.some(({ target }) => target === pattern)).toBe(true);
  });

  it('HEAD has the length and no body; nothing else is answered', async () => {
    for (const { pattern } of echoProtocol.routes) {
      const head = await server.ask(pattern, { method: 'HEAD', headers: { 'X-Forwarded-For': '203.0.113.45' } });
      expect([head.status, head.body]).toEqual([200, '']);
      expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
      expect((await server.ask(pattern, { method: 'POST' })).status).toBe(405);
    }
  });

  it('the root of any other host is the version', async () => {
    for (const host of ['dyndns.example.com', 'mycheckip.example.com', 'checkip', '127.0.0.1'])
      expect((await get('/', '203.0.113.45', host)).body).toMatch(/^dyndns v/);
  });

  describe('as clients cut it out of the reply', () => {
    it.each([
      ['OPNsense, rfc2136', /<body>Current IP Address: (.*)<\/body>/i],
      ['dyndnsc', /Current IP Address: (\S*?)</],
      ['ddclient: what comes after its default web-skip', /Current IP Address:.*?\b(\d{1,3}(?:\.\d{1,3}){3})\b/],
    ])('%s', async (_, expression) => {
      const { head, body } = await get('/checkip', '203.0.113.45');
      expect(expression.exec(head + body)?.[1]).toBe('203.0.113.45');
    });

    it('ddclient 3.10 looks at the headers too, and takes the first', async () => {
      for (const { target } of FORMS) {
        const { head, body } = await get(target, '203.0.113.45', 'checkip.example.com');
        expect(/\b\d{1,3}(?:\.\d{1,3}){3}\b/.exec(`${head}\r\n\r\n${body}`)?.[0]).toBe('203.0.113.45');
      }
    });
  });
});

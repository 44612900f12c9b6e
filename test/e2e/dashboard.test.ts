/** The dashboard as a whole server sends it: its headers, who gets it, and what `/` answers with and without it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from '../support/api-lab.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import type { Answer } from '../support/http-client.ts';

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

describe('the dashboard', () => {
  let lab: ApiLab;
  let page: Answer;

  beforeAll(async () => {
    lab = await startApiLab();
    page = await lab.server.dyndns.ask('/ui/', { headers: { Accept: HTML } });
  });
  afterAll(() => lab?.stop());

  const ask = (target: string, headers: Record<string, string> = {}, method = 'GET') =>
    lab.server.dyndns.ask(target, { headers, method });

  it('is a page with a strict policy, which is asked for again each time', () => {
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
      vary: 'Accept-Encoding',
    });
    expect(page.headers['content-length']).toBe(String(Buffer.byteLength(page.body)));
  });

  it('has only relative URLs, and nothing inline', () => {
    const urls = [...page.body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url!);
    expect(urls.length).toBeGreaterThan(2);
    for (const url of urls) expect(url).toMatch(/^\.\//);
    expect(page.body).not.toMatch(/<style|\sstyle=|\son\w+=/);
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)/);
  });

  it('sends files with a hash in their name as immutable, compressed where the client takes it', async () => {
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page.body)![1]!;
    const plain = await ask(`/ui/${script}`);
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const response = await fetch(`http://127.0.0.1:${lab.server.dyndns.port}/ui/${script}`, {
      headers: { 'Accept-Encoding': 'gzip' },
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe(plain.body);
    const known = await ask(`/ui/${script}`, { 'If-None-Match': String(plain.headers['etag']) });
    expect([known.status, known.body]).toEqual([304, '']);
  });

  it('answers HEAD like GET without the body', async () => {
    const head = await ask('/ui/', {}, 'HEAD');
    expect([head.status, head.body]).toEqual([200, '']);
    expect(head.headers['content-length']).toBe(page.headers['content-length']);
  });

  it('answers 404 for what it does not have, whatever the path is', async () => {
    for (const path of [
      '/ui/x.js',
      '/ui/assets/',
      '/ui/../package.json',
      '/ui/..%2fpackage.json',
      '/ui/%2e%2e/commit',
      '/ui//',
    ])
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
  });

  it('refuses other methods', async () => {
    expect((await ask('/ui/', {}, 'POST')).status).toBe(404);
  });

  it('is reached from /ui by a relative redirect', async () => {
    const answer = await ask('/ui');
    expect([answer.status, answer.headers['location']]).toEqual([302, './ui/']);
  });

  it('answers 421 to a Host that is not its own, in words that say what to set', async () => {
    const answer = await ask('/ui/', { Host: 'rebound.example.net' });
    expect(answer.status).toBe(421);
    expect(answer.body).toContain('admin.url');
    expect((await ask('/ui', { Host: 'rebound.example.net' })).status).toBe(421);
  });

  it('is where a browser that opens / is led to', async () => {
    const answer = await ask('/', { Accept: HTML });
    expect([answer.status, answer.headers['location']]).toEqual([302, './ui/']);
  });

  it.each([
    ['without Accept', '/', {}, 200],
    ['that takes anything', '/', { Accept: '*/*' }, 200],
    ['that refuses HTML', '/', { Accept: 'text/html;q=0, */*' }, 200],
    ['with a query', '/?x=1', { Accept: HTML }, 200],
    ['of the address echo', '/', { Accept: HTML, Host: 'checkip.dyn.example.com' }, 200],
    ['of an update', '/?hostname=home.dyn.example.com', { Accept: HTML }, 401],
  ])('leaves a request of / %s as it was', async (_what, target, headers, status) => {
    expect((await ask(target, headers)).status).toBe(status);
  });
});

describe('a server without admin.enabled', () => {
  let server: RunningDyndns;

  beforeAll(async () => {
    const tsig_key = Buffer.alloc(64, 1).toString('base64');
    server = await startDyndns({
      secret: 'Top5ecretWord',
      nameserver: '127.0.0.1',
      port: 1,
      zones: [{ name: 'dyn.example.com', tsig_key }],
    });
  });
  afterAll(() => server?.stop());

  it('has no dashboard, and answers browsers at / as before', async () => {
    expect((await server.ask('/ui/')).status).toBe(404);
    const start = await server.ask('/', { headers: { Accept: HTML } });
    expect(start.status).toBe(200);
    expect(start.body).toMatch(/^dyndns v/);
  });
});

// Requests that a browser sends for a page of another web site, on every route; and CORS of acme-dns.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { PROTOCOLS } from '../../src/http/app/app.ts';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import type { Answer, AskOptions } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const LISTED = 'https://admin.example.com';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Words and letters that some client takes for success (docs/protocols). */
const SUCCESS = /good|nochg|\bok\b|true|updated|unchanged|noerror|success|has not changed|:[01]$/i;

interface AnyRoute {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly pattern: string;
  readonly method: string;
  readonly safe: boolean;
}

const ROUTES: readonly AnyRoute[] = PROTOCOLS.flatMap((protocol) =>
  protocol.routes.flatMap(({ pattern, methods, safe }) =>
    methods.map((method) => ({ protocol, pattern, method, safe })),
  ),
);

describeWith(BIND_PROGRAMS, 'requests for another web site', () => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        limits: { refused_per_minute_per_source: 0 },
        protocols: { acme_dns: true },
        acme_dns: { zone: `challenges.${ZONE}`, register: ['127.0.0.1'], cors_origins: [LISTED, 'http://[::1]:8080'] },
        tokens: [
          { name: 'registrar', sha256: sha256('registrar-secret'), hosts: [`home.${ZONE}`], register: true },
          { name: 'router', sha256: sha256('router-secret'), hosts: [`home.${ZONE}`] },
        ],
      },
    });
  });
  afterAll(() => server?.stop());

  const serial = async () => (await dig(server, [ZONE, 'SOA'])).short[0]?.split(' ')[2];
  const said = ({ status, body }: Answer) => `${status} ${body}`;
  /** Registrations so far: a request is in the log some time after its reply, but in order. */
  async function registered(): Promise<number> {
    const last = await server.dyndns.ask('/nic/update', { headers: { 'Sec-Fetch-Site': 'cross-site' } });
    const id = last.headers['x-request-id'];
    await waitUntil(`request ${id} in the log`, () => server.dyndns.process.output().includes(`${id}`));
    return server.dyndns.process.output().match(/registered acme-dns-/g)?.length ?? 0;
  }
  const corsOf = ({ headers }: Answer) =>
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => name.startsWith('access-control-') || name === 'vary'),
    );

  /** A request that would be answered with success, were it not for its site. */
  function complete({ protocol, pattern }: AnyRoute): {
    target: string;
    headers: Record<string, string>;
    body?: string;
  } {
    const host = `home.${ZONE}`;
    const values: Record<string, string> = { secret: server.secret, token: server.secret, fqdn: host, domains: host };
    const path = pattern.replace(/:(\w+)/g, (_all, name: string) => values[name] ?? '192.0.2.1');
    const headers = { Authorization: `Basic ${Buffer.from(`x:${server.secret}`).toString('base64')}` };
    const isWhole = path !== pattern || pattern === '/check' || (protocol.name === 'original' && pattern === '/');
    const names: Record<string, string> = {
      original: `fqdn=${host}&ip_1=192.0.2.1`,
      duckdns: `domains=${host}&token=${server.secret}&ip=192.0.2.1`,
      freemyip: `domain=${host}&token=${server.secret}&myip=192.0.2.1`,
      freedns: `host=${host}&address=192.0.2.1&action=getdyndns`,
      njalla: `h=${host}&k=${server.secret}&a=192.0.2.1`,
    };
    const query = names[protocol.name] ?? `hostname=${host}&myip=192.0.2.1`;
    if (protocol.name === 'httpreq') {
      return { target: path, headers, body: `{"fqdn":"_acme-challenge.${host}","value":"x"}` };
    }
    if (protocol.name === 'acme_dns' && pattern === '/update') {
      return { target: path, headers: { ...headers, 'X-Api-User': 'x' }, body: `{"subdomain":"x","txt":"x"}` };
    }
    if (protocol.name === 'acme_dns') return { target: path, headers };
    return { target: isWhole ? path : `${path}?${query}`, headers };
  }

  it.each(ROUTES.map((route) => [route.protocol.name, route.method, route.pattern, route] as const))(
    '%s: %s %s',
    async (_name, method, _pattern, route) => {
      const before = await serial();
      const { target, headers, body } = complete(route);
      const isNoCredential = !route.safe && !/:(secret|token)/.test(route.pattern);
      for (const more of [
        {},
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: `${LISTED}.evil.example`, Authorization: `Bearer ${server.secret}` },
        { Origin: LISTED },
        { 'X-Api-Key': server.secret },
        ...(isNoCredential ? [{ Authorization: 'Basic eDp3cm9uZw==' }] : []),
      ] as Record<string, string>[]) {
        // X-Api-* of a listed origin is a credential that a page has itself.
        const isOwn = more['Origin'] === LISTED && 'X-Api-User' in headers;
        const reply = await server.dyndns.ask(target, {
          method,
          headers: { ...headers, 'Sec-Fetch-Site': 'cross-site', ...more },
          ...(body !== undefined && { body }),
        });
        if (route.safe) expect(reply.status).not.toBe(403);
        else if (!isOwn) {
          const expected = route.protocol.formatError(
            new AppError('cross-site', reply.body.trim().replace(/^\w+: /, '')),
            '',
          );
          expect([more, reply.status, reply.body]).toEqual([more, 403, expected.body]);
          expect(reply.body).not.toMatch(SUCCESS);
          expect(reply.headers['www-authenticate']).toBeUndefined();
        }
      }
      expect(await serial()).toBe(before);
    },
  );

  it('nothing of that registered', async () => {
    expect(await registered()).toBe(0);
  });

  it.each(['same-origin', 'same-site', 'none', 'x'])('Sec-Fetch-Site: %s is answered', async (site) => {
    const reply = await server.dyndns.ask(`/nic/update?hostname=site.${ZONE}&myip=192.0.2.1`, {
      headers: { Authorization: `Bearer ${server.secret}`, 'Sec-Fetch-Site': site },
    });
    expect(said(reply)).toMatch(/^200 (good|nochg) /);
  });

  describe('CORS', () => {
    const post = (path: string, headers: AskOptions['headers'], body = '') =>
      server.dyndns.ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });
    const preflight = (path: string, headers: AskOptions['headers']) =>
      server.dyndns.ask(path, {
        method: 'OPTIONS',
        headers: { 'Access-Control-Request-Method': 'POST', ...headers },
      });
    const fetchFrom = (origin: string) => ({
      Origin: origin,
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'cors',
    });
    const registrar = { Authorization: 'Bearer registrar-secret' };

    it('a page of a listed origin registers and updates with credentials of its own', async () => {
      const asked = await preflight('/register', {
        ...fetchFrom(LISTED),
        'Access-Control-Request-Headers': 'authorization, content-type',
      });
      expect([asked.status, asked.body, corsOf(asked)]).toEqual([
        204,
        '',
        {
          vary: 'Origin',
          'access-control-allow-origin': LISTED,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'Authorization, Content-Type, X-Api-Key, X-Api-User',
          'access-control-max-age': '600',
        },
      ]);
      const made = await post('/register', { ...fetchFrom(LISTED), ...registrar }, '{}');
      expect([made.status, corsOf(made)['access-control-allow-origin']]).toEqual([201, LISTED]);
      const { username, password, subdomain } = JSON.parse(made.body) as Record<string, string>;
      const keys = { 'X-Api-User': username!, 'X-Api-Key': password! };
      expect((await preflight('/update', fetchFrom(LISTED))).headers['access-control-allow-origin']).toBe(LISTED);
      const txt = 'x'.repeat(43);
      const updated = await post('/update', { ...fetchFrom(LISTED), ...keys }, JSON.stringify({ subdomain, txt }));
      expect(said(updated)).toBe(`200 {"txt": "${txt}"}`);
      expect(corsOf(updated)).toEqual({
        vary: 'Origin',
        'access-control-allow-origin': LISTED,
        'access-control-expose-headers': 'Retry-After, X-Request-Id',
      });
    });

    it('error replies can be read, too: of the protocol, and of a body that is too large', async () => {
      const wrong = await post('/update', { ...fetchFrom(LISTED), 'X-Api-User': 'x', 'X-Api-Key': 'x' }, '{}');
      expect([wrong.status, corsOf(wrong)['access-control-allow-origin']]).toEqual([401, LISTED]);
      const malformed = await post('/register', { ...fetchFrom(LISTED), ...registrar }, '{');
      expect([malformed.status, corsOf(malformed)['access-control-allow-origin']]).toEqual([400, LISTED]);
      const large = await post('/update', { ...fetchFrom(LISTED), 'X-Api-User': 'x' }, 'x'.repeat(70_000));
      expect([large.status, corsOf(large)['access-control-allow-origin']]).toEqual([413, LISTED]);
      const refused = await post('/update', fetchFrom(LISTED), '{}');
      expect([refused.status, corsOf(refused)['access-control-allow-origin']]).toEqual([403, LISTED]);
    });

    it.each([
      'https://evil.example',
      `${LISTED}/`,
      `${LISTED}:443`,
      'http://admin.example.com',
      'https://ADMIN.example.com',
      'https://x.admin.example.com',
      'null',
      '*',
      '',
    ])('the origin %j is not listed', async (origin) => {
      for (const path of ['/register', '/update']) {
        const asked = await preflight(path, {
          ...fetchFrom(origin),
          'Access-Control-Request-Headers': 'authorization',
        });
        expect([path, asked.status, corsOf(asked)]).toEqual([path, 204, { vary: 'Origin' }]);
        const reply = await post(path, { ...fetchFrom(origin), ...registrar, 'X-Api-User': 'x' }, '{}');
        expect([path, said(reply), corsOf(reply)]).toEqual([path, '403 {"error":"forbidden"}', { vary: 'Origin' }]);
      }
    });

    it('never lets a page register by the address of its reader', async () => {
      const before = await registered();
      const asked = await preflight('/register', {
        ...fetchFrom(LISTED),
        'Access-Control-Request-Headers': 'content-type',
      });
      expect(corsOf(asked)).toEqual({ vary: 'Origin' });
      for (const headers of [
        fetchFrom(LISTED),
        { Origin: LISTED },
        { ...fetchFrom(LISTED), Authorization: 'Bearer wrong' },
        { ...fetchFrom(LISTED), Authorization: 'Bearer router-secret' },
        { ...fetchFrom(LISTED), 'X-Api-User': 'x' },
        { Origin: LISTED, Authorization: 'Basic eDp5' },
      ]) {
        const reply = await post('/register', headers, '{}');
        expect([headers, [401, 403].includes(reply.status)]).toEqual([headers, true]);
      }
      const bare = await post('/register', { Origin: LISTED }, '{}');
      expect([said(bare), corsOf(bare)]).toEqual(['403 {"error":"forbidden"}', { vary: 'Origin' }]);
      expect(await registered()).toBe(before);
      // Without a browser the address is enough.
      expect((await post('/register', {}, '{}')).status).toBe(201);
      expect(await registered()).toBe(before + 1);
    });

    it('is for these two paths and for POST only, and every reply of theirs varies', async () => {
      for (const path of ['/nic/update', '/present', '/myip', '/health']) {
        expect(corsOf(await preflight(path, fetchFrom(LISTED)))).toEqual({});
      }
      const get = await server.dyndns.ask('/update?hostname=x', { headers: { Origin: LISTED } });
      expect(corsOf(get)).toEqual({ vary: 'Origin' });
      const asked = await preflight('/update', { ...fetchFrom(LISTED), 'Access-Control-Request-Method': 'GET' });
      expect(corsOf(asked)).toEqual({ vary: 'Origin' });
      expect(corsOf(await post('/update', {}, '{}'))).toEqual({ vary: 'Origin' });
    });
  });
});

// JSON on every route: each spelling of a name, each Content-Type, and what is refused. One server with an embedded zone.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import type { Answer, AskOptions } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const HOST = `home.${ZONE}`;
const SECRET = 'router-secret';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A route whose requests have their parameters in JSON. */
interface JsonRoute {
  readonly path: string;
  /** A complete request for this address. */
  readonly fields: (address: string) => Readonly<Record<string, unknown>>;
  /** Of a change. */
  readonly success: RegExp;
  /** Status and body of JSON that cannot be read. */
  readonly unread: readonly [number, RegExp];
}

const dyndns2 = (path: string): JsonRoute => ({
  path,
  fields: (myip) => ({ hostname: HOST, myip, token: SECRET }),
  success: /^good /,
  unread: [400, /^notfqdn\n$/],
});

const ROUTES: readonly JsonRoute[] = [
  ...['/nic/update', '/v3/update', '/v2/update', '/update', '/dyndns/update', '/ph/update'].map(dyndns2),
  ...['/dyndns.php', '/dyn/dyndns.php', '/upd.php'].map(dyndns2),
  {
    path: '/update-by-query',
    fields: (ip_1) => ({ secret: SECRET, fqdn: HOST, ip_1 }),
    success: /^UPDATED: /,
    unread: [400, /^PARAMETER_ERROR: /],
  },
  {
    path: '/update',
    fields: (ip) => ({ domains: 'home', token: SECRET, ip }),
    success: /^OK$/,
    // Where the JSON is broken, it does not say whose it is.
    unread: [400, /^(KO|notfqdn\n)$/],
  },
  {
    path: '/update',
    fields: (myip) => ({ domain: 'home', token: SECRET, myip }),
    success: /^OK$/,
    unread: [400, /^(ERROR|notfqdn\n)$/],
  },
  {
    path: '/api/update',
    fields: (ipv4) => ({ hostname: HOST, token: SECRET, ipv4 }),
    success: /^addresses updated$/,
    unread: [400, /^invalid request$/],
  },
  ...['/nic/dyndns', '/nic/statdns'].map(
    (path): JsonRoute => ({
      path,
      fields: (myip) => ({ hostname: HOST, myip, token: SECRET }),
      success: /return code: NOERROR/,
      unread: [400, /NOHOST/],
    }),
  ),
  {
    path: '/ducupdate.php',
    fields: (ip) => ({ 'h[]': HOST, ip, pass: SECRET }),
    success: /:1\n$/,
    unread: [400, /:2\n$/],
  },
  ...['/dynamic/update.php', '/u'].map(
    (path): JsonRoute => ({
      path,
      fields: (address) => ({ host: HOST, address, token: SECRET }),
      success: /^Updated /,
      unread: [400, /^ERROR: Invalid request\.\n$/],
    }),
  ),
];

const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'text/plain;charset=UTF-8',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
  'text/json',
  'application/vnd.api+json',
  'x',
  ';',
  '',
  undefined,
];

describeWith(BIND_PROGRAMS, 'JSON bodies', () => {
  let server: EmbeddedServer;
  let lastOctet = 1;
  const nextAddress = () => {
    lastOctet = (lastOctet % 250) + 1;
    return `192.0.2.${lastOctet}`;
  };

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        limits: { refused_per_minute_per_source: 0 },
        protocols: { acme_dns: true },
        acme_dns: { zone: ZONE, register: ['127.0.0.1'] },
        tokens: [{ name: 'router', sha256: sha256(SECRET), hosts: [HOST, `nas.${ZONE}`] }],
      },
    });
  });
  afterAll(() => server?.stop());

  const post = (path: string, body: string, type?: string, headers: AskOptions['headers'] = {}) => {
    return server.dyndns.ask(path, {
      method: 'POST',
      headers: { ...headers, ...(type === undefined ? {} : { 'Content-Type': type }) },
      body,
    });
  };
  const published = async (name = HOST) => (await dig(server, [name, 'A', '+norecurse'])).short;
  const said = ({ status, body }: Answer) => `${status} ${body}`;

  describe.each(ROUTES.map((route) => [route.path, Object.keys(route.fields('x')).join(), route] as const))(
    '%s %s',
    (_path, _names, { path, fields, success, unread }) => {
      it.each(TYPES.map((type) => [type]))('as %j', async (type) => {
        const address = nextAddress();
        const reply = await post(path, JSON.stringify(fields(address)), type);
        expect([reply.status, reply.body]).toEqual([200, expect.stringMatching(success)]);
        expect(await published()).toEqual([address]);
      });

      it('names in any case', async () => {
        const changes: ((name: string) => string)[] = [
          (name) => name.toUpperCase(),
          (name) => name.slice(0, 1).toUpperCase() + name.slice(1),
          (name) => [...name].map((letter, index) => (index % 2 === 0 ? letter : letter.toUpperCase())).join(''),
        ];
        for (const change of changes) {
          const address = nextAddress();
          const spelt = Object.fromEntries(
            Object.entries(fields(address)).map(([name, value]) => [change(name), value]),
          );
          expect((await post(path, JSON.stringify(spelt))).body).toMatch(success);
          expect(await published()).toEqual([address]);
        }
      });

      it('what cannot be read is refused, and changes nothing', async () => {
        const before = await published();
        const good = fields(nextAddress());
        const [name = '', value] = Object.entries(good).at(-1)!;
        const [host = ''] = Object.keys(good);
        const bodies = [
          ...Object.keys(good).flatMap((key) => [
            JSON.stringify({ ...good, [key.toUpperCase()]: good[key] }),
            JSON.stringify(good).replace(/}$/, `,"${key}":"x"}`),
            JSON.stringify({ ...good, [key]: { x: good[key] } }),
            JSON.stringify({ ...good, [key]: [[good[key]]] }),
            JSON.stringify({ ...good, [key]: [null] }),
          ]),
          JSON.stringify({ ...good, unknown: {} }),
          JSON.stringify({ ...good, [`${name}x`]: 2 ** 64 }),
          `${JSON.stringify(good)}x`,
          JSON.stringify(good).slice(0, -1),
          JSON.stringify(good).replace(/}$/, ',}'),
        ];
        for (const body of bodies) {
          const reply = await post(path, body, 'application/json');
          expect([body, reply.status, reply.body]).toEqual([body, unread[0], expect.stringMatching(unread[1])]);
        }
        expect([value, host, await published()]).toEqual([value, host, before]);
      });

      it('an empty body of whatever type leaves the query in force, and so does null', async () => {
        for (const [type, body] of [
          ...TYPES.map((one) => [one, ''] as const),
          ['application/json', '{}'],
          ['application/json', 'null'],
          ['text/plain', ' \r\n'],
        ] as const) {
          const address = nextAddress();
          const query = new URLSearchParams(fields(address) as Record<string, string>);
          const reply = await post(`${path}?${query}`, body, type);
          expect([type, body, reply.body]).toEqual([type, body, expect.stringMatching(success)]);
          expect(await published()).toEqual([address]);
        }
      });
    },
  );

  it('numbers, booleans and null are parameters as in a form', async () => {
    const address = nextAddress();
    const fields = { hostname: HOST, myip: address, token: SECRET, ttl: 77, wildcard: false, mx: null, backmx: '' };
    expect(said(await post('/nic/update', JSON.stringify(fields)))).toBe(`200 good ${address}\n`);
    const { answers } = await dig(server, [HOST, 'A', '+norecurse']);
    expect(answers.map(({ ttl }) => ttl)).toEqual([77]);
    const dry = { secret: SECRET, fqdn: HOST, ip_1: '192.0.2.254', ttl: 60, dry_run: true };
    expect((await post('/update-by-query', JSON.stringify(dry))).body).toMatch(/^would change: /);
  });

  it('the original API refuses a field that it does not have', async () => {
    const body = JSON.stringify({ secret: SECRET, fqdn: HOST, ip_1: '192.0.2.1', ip_3: '192.0.2.2' });
    expect(said(await post('/update-by-query', body))).toMatch(/^456 PARAMETER_ERROR: extra_forbidden/);
  });

  it('a text that is neither a form nor JSON is not passed over: it could hold the address', async () => {
    const before = await published();
    for (const type of ['text/plain', 'application/json', undefined]) {
      const headers = { Authorization: `Bearer ${SECRET}` };
      const reply = await post('/nic/update', `hostname=${HOST}&myip=192.0.2.251`, type, headers);
      expect([type, said(reply)]).toEqual([type, '400 notfqdn\n']);
    }
    expect(await published()).toEqual(before);
  });

  describe('/update: whose request it is', () => {
    const address = '192.0.2.252';
    const challenge = { subdomain: 'x', txt: 'x'.repeat(43) };
    const acmeDns = '401 {"error": "forbidden"}';
    const bearer = { Authorization: `Bearer ${SECRET}` };

    it.each<[string, string, object | undefined, AskOptions['headers'], string | RegExp]>([
      ['X-Api-User', '/update', undefined, { 'X-Api-User': 'x' }, acmeDns],
      ['X-Api-User, whatever else', `/update?hostname=${HOST}`, undefined, { 'X-Api-User': 'x', ...bearer }, acmeDns],
      ['X-Api-Key and the JSON of acme-dns', '/update', challenge, { 'X-Api-Key': SECRET }, acmeDns],
      ['the JSON of acme-dns', '/update', challenge, {}, acmeDns],
      ['the JSON of acme-dns, with Authorization', '/update', challenge, bearer, acmeDns],
      ['JSON with neither', '/update', { x: 1 }, bearer, acmeDns],
      ['no field', '/update', {}, bearer, acmeDns],
      [
        'X-Api-Key with parameters of dyndns2',
        '/update',
        { hostname: HOST, myip: 'x' },
        { 'X-Api-Key': SECRET },
        '200 dnserr\n',
      ],
      ['no field, and a query', `/update?hostname=${HOST}&myip=x`, {}, bearer, '200 dnserr\n'],
      ['dyndns2', '/update', { HostName: HOST, MyIP: address }, bearer, /^200 (good|nochg) 192/],
      ['deSEC', '/update', { [`myipv4:${HOST}`]: address }, bearer, /^200 (good|nochg) 192/],
      ['DuckDNS', '/update', { Domains: 'home', Token: SECRET, ip: address }, {}, '200 OK'],
      ['DuckDNS, wrong', '/update', { domains: 'home', token: 'x' }, {}, '200 KO'],
      ['freemyip', '/update', { Token: SECRET, Domain: 'home', myip: address }, {}, '200 OK'],
      ['freemyip, wrong', '/update', { token: 'x', domain: 'home' }, {}, '200 ERROR'],
    ])('%s', async (_what, path, body, headers, expected) => {
      const reply = await post(path, body === undefined ? '' : JSON.stringify(body), 'application/json', headers);
      expect(said(reply)).toMatch(expected instanceof RegExp ? expected : new RegExp(`^${literally(expected)}$`));
    });
  });
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

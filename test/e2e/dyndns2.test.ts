/**
 * dyndns2 on a whole server in front of a real BIND: paths, methods, credentials, hosts, addresses, and the octets of
 * replies. Requests of single clients are in test/clients; the table of parameters is tested beside its source.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DYNDNS2_ERRORS, dyndns2Protocol } from '../../src/http/protocols/dyndns2.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, type AskOptions, exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const OTHER = 'dyn.example.net';
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const MASTER = { Authorization: `Bearer ${SECRET}` };

describeWith(BIND_PROGRAMS, 'dyndns2', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let host: string;

  const token = (name: string, hosts: readonly string[], more: object = {}) => {
    const sha256 = createHash('sha256').update(`${name}-secret`).digest('hex');
    return { name, sha256, hosts, ...more };
  };

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: OTHER, keys: [ZONE] }] }, 'alias CNAME home\n');
    server = await lab.serve({
      zones: [
        { name: ZONE, tsig_key: lab.key.secret, reserved: ['www'], addresses: { deny: ['203.0.113.128/25'] } },
        { name: OTHER, tsig_key: { ...lab.key }, empty_value: 'clear', ttl: { max: 3600 } },
      ],
      http: { trusted_proxies: ['127.0.0.1'] },
      tokens: [
        token('one', [`one.${ZONE}`]),
        token('two', [`two-a.${ZONE}`, `two-b.${ZONE}`]),
        token('lab', [`*.lab.${ZONE}`]),
        token('both', [`both.${ZONE}`, `*.${OTHER}`]),
        token('v6', [`v6.${ZONE}`], { types: ['AAAA'] }),
        token('own', [`own.${ZONE}`], { addresses: 'own' }),
        token('off', [`off.${ZONE}`]),
      ],
      hosts: [{ name: `off.${ZONE}`, enabled: false }],
    });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  beforeEach(() => {
    count += 1;
    host = `host${count}.${ZONE}`;
  });

  const statusAndBody = ({ status, body }: Answer) => [status, body];
  /** Sends GET /nic/update with the master secret, from 198.51.100.7. */
  const update = async (query: string, more: Readonly<Record<string, string>> = {}) => {
    const headers = { ...MASTER, 'X-Forwarded-For': '198.51.100.7', ...more };
    return statusAndBody(await server.ask(`/nic/update?${query}`, { headers }));
  };
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serials = [await lab.serial(), await lab.serial(OTHER)];
    await act();
    expect([await lab.serial(), await lab.serial(OTHER)]).toEqual(serials);
  };

  describe('paths and methods', () => {
    it('every route updates, and says nochg the next time', async () => {
      for (const { pattern } of dyndns2Protocol.routes) {
        if (pattern === '/nic/delete') continue;
        host = `${pattern.replaceAll(/\W/g, '')}x.path.${ZONE}`;
        const target = `${pattern}?hostname=${host}&myip=192.0.2.1`;
        expect(statusAndBody(await server.ask(target, { headers: MASTER })), pattern).toEqual([
          200,
          'good 192.0.2.1\n',
        ]);
        expect(statusAndBody(await server.ask(target, { headers: MASTER })), pattern).toEqual([
          200,
          'nochg 192.0.2.1\n',
        ]);
        expect(await published()).toEqual([['192.0.2.1'], []]);
      }
    });

    it('slashes, backslashes, the absolute form, and a second URL behind a space', async () => {
      await update(`hostname=${host}&myip=192.0.2.1`);
      for (const target of [
        `//nic/update?hostname=${host}&myip=192.0.2.1`,
        `/\\/nic/update?hostname=${host}&myip=192.0.2.1`,
        `/nic/update/?hostname=${host}&myip=192.0.2.1`,
        `/nic//update//?hostname=${host}&myip=192.0.2.1`,
        `http://dyndns.example.com/nic/update?hostname=${host}&myip=192.0.2.1`,
        `/nic/update?hostname=${host}&myip=192.0.2.1%20http://ipv6.example.com/nic/update?hostname=x&myipv6=2001:db8::1`,
        `/nic/update%20http:/ipv6.example.com/nic/update?hostname=x`,
        `/nic/update?${host}&myip=192.0.2.1`,
      ]) {
        const head = `GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRET}\r\nConnection: close\r\n\r\n`;
        const { status, body } = parseRaw(await exchangeRaw(server.port, head));
        const expected = target.startsWith('/nic/update%20') ? 'notfqdn\n' : 'nochg 192.0.2.1\n';
        expect([status, body], target).toEqual([200, expected]);
      }
    });

    it('a form, a multipart form, PUT without a body; query and body count together', async () => {
      const target = `/nic/update?hostname=${host}`;
      const query = new URLSearchParams({ hostname: host, myip: '192.0.2.1', password: SECRET });
      const posted = await server.ask('/nic/update', form(Object.fromEntries(query)));
      expect(statusAndBody(posted)).toEqual([200, 'good 192.0.2.1\n']);
      const put = await server.ask(`${target}&myip=192.0.2.2`, { method: 'PUT', headers: MASTER });
      expect(statusAndBody(put)).toEqual([200, 'good 192.0.2.2\n']);
      const part = (name: string, value: string) =>
        `--xYz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const multipart = { ...MASTER, 'Content-Type': 'multipart/form-data; boundary=xYz' };
      const body = `${part('myip', '192.0.2.3')}${part('myipv6', '')}--xYz--\r\n`;
      const many = await server.ask(target, { method: 'POST', headers: multipart, body });
      expect(statusAndBody(many)).toEqual([200, 'good 192.0.2.3\n']);
      const broken = await server.ask(target, { method: 'POST', headers: multipart, body: body.slice(0, -8) });
      expect(broken.status).toBe(400);
      expect(await published()).toEqual([['192.0.2.3'], []]);
    });

    it('a form type with Content-Length: 0, GET and POST', async () => {
      for (const method of ['GET', 'POST']) {
        const head = `${method} /nic/update?hostname=${host}&myip=192.0.2.1 HTTP/1.1\r\nAuthorization: ${basic('', SECRET)}\r\n`;
        const more =
          'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
        expect(parseRaw(await exchangeRaw(server.port, head + more)).body).toMatch(/^(good|nochg) 192\.0\.2\.1\n$/);
      }
    });

    it('HEAD and OPTIONS never change anything, other methods are 405', async () => {
      await unchanged(async () => {
        for (const { pattern } of dyndns2Protocol.routes) {
          const target = `${pattern}?hostname=${host}&myip=192.0.2.9`;
          // HEAD of the root is one of the page without parameters.
          const head = pattern === '/' ? 404 : 405;
          for (const [method, status] of Object.entries({ HEAD: head, OPTIONS: 204, DELETE: 405, PATCH: 405 })) {
            expect((await server.ask(target, { method, headers: MASTER })).status, `${method} ${pattern}`).toBe(status);
          }
        }
      });
    });
  });

  describe('replies', () => {
    it('are short plain text with a Content-Length, to HTTP/1.0 and without a Host header too', async () => {
      const target = `/nic/update?hostname=${host}&myip=192.0.2.1`;
      await update(`hostname=${host}&myip=192.0.2.1`);
      const authorization = `Authorization: ${basic('x', SECRET)}\r\n`;
      for (const head of [
        `GET ${target} HTTP/1.0\r\n${authorization}\r\n`,
        `GET ${target} HTTP/1.1\r\n${authorization}Connection: close\r\n\r\n`,
      ]) {
        const reply = parseRaw(await exchangeRaw(server.port, head));
        expect(reply.body).toBe('nochg 192.0.2.1\n');
        const headers = reply.head.toLowerCase().split('\r\n').slice(1).sort();
        expect(headers.filter((line) => !line.startsWith('date: '))).toEqual([
          'cache-control: no-store',
          'connection: close',
          'content-length: 16',
          'content-type: text/plain; charset=utf-8',
          'x-content-type-options: nosniff',
        ]);
      }
    });

    it('no word that a client takes for success is in any error', async () => {
      const words = /good|nochg|ok|true|success|updated/i;
      for (const [, word] of Object.values(DYNDNS2_ERRORS)) expect(word).not.toMatch(words);
      for (const [target, options] of [
        ['/nic/update?%zz=', {}],
        ['/nic/update/more', {}],
        ['/nic/update', { method: 'PATCH' }],
        ['/nic/update', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' }],
        ['/nic/update', form({ hostname: 'x'.repeat(70_000) })],
        ['/nic/update', {}],
      ] as [string, AskOptions][]) {
        const { status, body } = await server.ask(target, options);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(body).not.toMatch(words);
      }
    });

    it('tell both families on one line, IPv6 in its canonical form', async () => {
      expect(await update(`hostname=${host}&myip=2001:DB8:0:0::1,192.0.2.1`)).toEqual([
        200,
        'good 192.0.2.1,2001:db8::1\n',
      ]);
      expect(await update(`hostname=${host}&myip=192.0.2.2,2001:db8::1`)).toEqual([
        200,
        'good 192.0.2.2,2001:db8::1\n',
      ]);
      expect(await update(`hostname=${host}&myip=192.0.2.2,2001:db8::1`)).toEqual([
        200,
        'nochg 192.0.2.2,2001:db8::1\n',
      ]);
    });

    it('the TTL is 60, or what the request says', async () => {
      await update(`hostname=${host}&myip=192.0.2.1`);
      expect(await lab.ttl(host, 'A')).toBe(60);
      expect(await update(`hostname=${host}&myip=192.0.2.1&ttl=30`)).toEqual([200, 'good 192.0.2.1\n']);
      expect(await lab.ttl(host, 'A')).toBe(30);
      expect(await update(`hostname=x.${OTHER}&myip=192.0.2.1&ttl=7200`)).toEqual([200, 'notfqdn\n']);
      expect(await update(`hostname=${host}&myip=192.0.2.1&ttl=soon`)).toEqual([200, 'notfqdn\n']);
    });
  });

  describe('credentials', () => {
    const query = () => `hostname=${host}&myip=192.0.2.1`;
    const places = (secret: string): [string, AskOptions][] => [
      [`/nic/update?${query()}`, { headers: { Authorization: basic('anybody', secret) } }],
      [`/nic/update?${query()}`, { headers: { Authorization: basic('', secret) } }],
      [`/nic/update?${query()}`, { headers: { Authorization: `bEARER ${secret}` } }],
      [`/nic/update?${query()}`, { headers: { Authorization: `Token ${secret}` } }],
      [`/nic/update?${query()}`, { headers: { 'X-Api-Key': secret } }],
      ...['token', 'secret', 'password', 'pass', 'passwd', 'pwd', 'p', 'key'].map((name): [string, AskOptions] => [
        `/nic/update?${query()}&username=none&${name}=${secret}`,
        {},
      ]),
      ['/nic/update', form({ hostname: host, myip: '192.0.2.1', secret })],
    ];

    it('are taken from each place, of the master secret and of a token', async () => {
      await update(query());
      for (const [target, options] of places(SECRET)) {
        expect(statusAndBody(await server.ask(target, options)), target).toEqual([200, 'nochg 192.0.2.1\n']);
      }
      host = `one.${ZONE}`;
      await update(query());
      for (const [target, options] of places('one-secret')) {
        expect(statusAndBody(await server.ask(target, options)), target).toEqual([200, 'nochg 192.0.2.1\n']);
      }
    });

    it('a wrong, missing or empty one is 401 badauth with a challenge', async () => {
      let source = 0;
      await unchanged(async () => {
        for (const [target, options] of [
          ...places('wrong-secret'),
          ...places(''),
          ...places('off-secre'),
          [`/nic/update?${query()}`, {}] as [string, AskOptions],
          [`/nic/update?${query()}`, { headers: { Authorization: basic(SECRET, '') } }] as [string, AskOptions],
          [`/nic/update?${query()}`, { headers: { Authorization: 'Digest x' } }] as [string, AskOptions],
        ]) {
          source += 1;
          const headers = { ...options.headers, 'X-Forwarded-For': `198.51.100.${source}` };
          const { status, body, headers: sent } = await server.ask(target, { ...options, headers });
          expect([status, body], target).toEqual([401, 'badauth\n']);
          expect(sent['www-authenticate']).toBe('Basic realm="dyndns"');
          expect(sent['cache-control']).toBe('no-store');
        }
      });
    });

    it('the first that is a credential decides, whatever is in front of it', async () => {
      await update(query());
      const wrong = { Authorization: basic('x', 'wrong-secret'), 'X-Api-Key': 'wrong-secret' };
      for (const [target, headers] of [
        [`/nic/update?${query()}&password=${SECRET}`, wrong],
        [`/nic/update?${query()}&token=wrong-secret&password=${SECRET}`, {}],
        [`/nic/update?${query()}`, { 'X-Api-Key': 'wrong-secret', ...MASTER }],
        [`/nic/update?${query()}`, { ...wrong, 'X-Api-Key': SECRET }],
      ] as const) {
        expect(statusAndBody(await server.ask(target, { headers })), target).toEqual([200, 'nochg 192.0.2.1\n']);
      }
      // The token `one` does not cover this host: the master secret behind it does not count.
      const first = { Authorization: basic('x', 'one-secret') };
      const target = `/nic/update?${query()}&password=${SECRET}`;
      expect(statusAndBody(await server.ask(target, { headers: first }))).toEqual([200, 'nohost\n']);
    });

    it('a request without a credential, so as to be challenged, costs nothing', async () => {
      const headers = { 'X-Forwarded-For': '203.0.113.2' };
      for (let request = 0; request < 40; request++) {
        expect((await server.ask(`/nic/update?${query()}`, { headers })).status).toBe(401);
      }
    });

    it('are statusAndBody before anything is said of hosts and addresses', async () => {
      for (const bad of ['hostname=', 'hostname=a..b', 'hostname=x.example.org', `hostname=${host}&myip=x`]) {
        expect(await update(bad, { Authorization: 'Bearer wrong-secret' }), bad).toEqual([401, 'badauth\n']);
      }
    });
  });

  describe('hosts', () => {
    const as = (name: string) => ({ Authorization: basic('none', `${name}-secret`) });

    it('one line for each, in their order, and what can be done is done', async () => {
      const hosts = [
        `two-b.${ZONE}`,
        `TWO-A.${ZONE}.`,
        `one.${ZONE}`,
        'a..b',
        ' ',
        `two-a.${OTHER}`,
        'nowhere.example.org',
        `two-b.${ZONE}`,
      ];
      const query = `hostname=${encodeURIComponent(hosts.join(','))}&myip=192.0.2.1`;
      const good = 'good 192.0.2.1\n';
      expect(await update(query, as('two'))).toEqual([
        200,
        `${good}${good}nohost\nnotfqdn\nnohost\nnohost\nnochg 192.0.2.1\n`,
      ]);
      expect(await published(`two-a.${ZONE}`)).toEqual([['192.0.2.1'], []]);
      expect(await published(`one.${ZONE}`)).not.toEqual([['192.0.2.9'], []]);
      expect((await update(query, as('two')))[1]).toBe(
        `nochg 192.0.2.1\nnochg 192.0.2.1\nnohost\nnotfqdn\nnohost\nnohost\nnochg 192.0.2.1\n`,
      );
    });

    it('one permitted name authorises only itself, wherever it stands', async () => {
      await update(`hostname=one.${ZONE}&myip=192.0.2.1`);
      for (const list of [`one.${ZONE},${host}`, `${host},one.${ZONE}`]) {
        const [, body] = await update(`hostname=${list}&myip=192.0.2.1`, as('one'));
        expect((body as string).split('\n').sort()).toEqual(['', 'nochg 192.0.2.1', 'nohost']);
      }
      expect(await published()).toEqual([[], []]);
      // The user name and a name in another parameter are ignored, too.
      const headers = { Authorization: basic(`one.${ZONE}`, 'one-secret') };
      expect(await update(`hostname=${host}&host=one.${ZONE}&myip=192.0.2.1`, headers)).toEqual([200, 'nohost\n']);
    });

    it('an unknown one and one out of scope look the same; a master secret is statusAndBody of no zone', async () => {
      for (const name of [host, `lab.${ZONE}`, 'x.example.org', `x.one.${ZONE}`, ZONE, 'com']) {
        expect(await update(`hostname=${name}.&myip=192.0.2.1`, as('lab')), name).toEqual([200, 'nohost\n']);
      }
      expect(await update('hostname=x.example.org&myip=192.0.2.1')).toEqual([200, 'nohost\n']);
      expect(await update(`hostname=x.not${ZONE}&myip=192.0.2.1`)).toEqual([200, 'nohost\n']);
    });

    it('a token of another type may not', async () => {
      expect(await update(`hostname=v6.${ZONE}&myip=192.0.2.1`, as('v6'))).toEqual([200, 'nohost\n']);
      expect(await update(`hostname=v6.${ZONE}&myip=2001:db8::1`, as('v6'))).toEqual([200, 'good 2001:db8::1\n']);
    });

    it('by the user name, by the only host of the token, by a single label', async () => {
      const by = (user: string, name: string) => ({ Authorization: basic(user, `${name}-secret`) });
      const at = (name: string) => published(`${name}`).then(([a]) => a);
      expect(await update('myip=192.0.2.11', by(`x.lab.${ZONE}`, 'lab'))).toEqual([200, 'good 192.0.2.11\n']);
      expect(await at(`x.lab.${ZONE}`)).toEqual(['192.0.2.11']);
      expect(await update('hostname=&myip=192.0.2.12', by('somebody', 'one'))).toEqual([200, 'good 192.0.2.12\n']);
      expect(await at(`one.${ZONE}`)).toEqual(['192.0.2.12']);
      expect(await update('hostname=Two-B&myip=192.0.2.13', as('two'))).toEqual([200, 'good 192.0.2.13\n']);
      expect(await at(`two-b.${ZONE}`)).toEqual(['192.0.2.13']);
      const named = `myip=192.0.2.14&username=two-a.${ZONE}&password=two-secret`;
      expect(await update(named, { Authorization: '' })).toEqual([200, 'good 192.0.2.14\n']);
      const target = `/nic/update?myip=192.0.2.14&username=two-a.${ZONE}&password=two-secret`;
      expect(statusAndBody(await server.ask(target))).toEqual([200, 'nochg 192.0.2.14\n']);
      for (const [query, headers] of [
        ['myip=192.0.2.1', as('two')],
        ['myip=192.0.2.1', by(`one.${ZONE}`, 'two')],
        ['myip=192.0.2.1', by('account1', 'lab')],
        ['myip=192.0.2.1', MASTER],
        ['hostname=tv&myip=192.0.2.1', as('both')],
        ['hostname=tv&myip=192.0.2.1', MASTER],
      ] as const) {
        expect(await update(query, headers), query).toEqual([200, 'notfqdn\n']);
      }
    });

    it('that may not be changed: reserved names, the apex, wildcards, names for TXT, disabled hosts, aliases', async () => {
      await unchanged(async () => {
        for (const name of [`www.${ZONE}`, ZONE, `*.${ZONE}`, `_acme-challenge.${ZONE}`]) {
          expect(await update(`hostname=${name}&myip=192.0.2.1`), name).toEqual([200, 'notfqdn\n']);
        }
        expect(await update(`hostname=off.${ZONE}&myip=192.0.2.1`)).toEqual([200, 'abuse\n']);
        expect(await update(`hostname=off.${ZONE}&myip=not-an-address`)).toEqual([200, 'abuse\n']);
        expect(await update(`hostname=off.${ZONE}`, as('off'))).toEqual([200, 'abuse\n']);
        expect(await update(`hostname=alias.${ZONE}&myip=192.0.2.1`)).toEqual([200, 'dnserr\n']);
      });
    });

    it('twenty are served, more are numhost', async () => {
      const names = Array.from({ length: 21 }, (_, index) => `n${index}.many.${ZONE}`);
      const good = 'good 192.0.2.1\n';
      expect(await update(`hostname=${names.slice(1).join(',')},,&myip=192.0.2.1`)).toEqual([200, good.repeat(20)]);
      await unchanged(async () => {
        expect(await update(`hostname=${names.join(',')}&myip=192.0.2.2`)).toEqual([200, 'numhost\n']);
      });
    });

    it('with a name that is not ASCII', async () => {
      expect(await update(`hostname=${encodeURIComponent(`bücher${count}.${ZONE}`)}&myip=192.0.2.1`)).toEqual([
        200,
        'good 192.0.2.1\n',
      ]);
      expect(await published(new URL(`http://bücher${count}.${ZONE}`).hostname)).toEqual([['192.0.2.1'], []]);
    });
  });

  describe('addresses', () => {
    it('a family that is not named is kept', async () => {
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8::1`);
      expect(await update(`hostname=${host}&myip=192.0.2.2`)).toEqual([200, 'good 192.0.2.2\n']);
      expect(await update(`hostname=${host}&myipv6=2001:db8::2`)).toEqual([200, 'good 2001:db8::2\n']);
      expect(await update(`hostname=${host}`)).toEqual([200, 'good 198.51.100.7\n']);
      expect(await update(`hostname=${host}&myip=`)).toEqual([200, 'nochg 198.51.100.7\n']);
      expect(await published()).toEqual([['198.51.100.7'], ['2001:db8::2']]);
      const six = { 'X-Forwarded-For': '2001:db8::7' };
      expect(await update(`hostname=${host}&myip=auto`, six)).toEqual([200, 'good 2001:db8::7\n']);
      expect(await published()).toEqual([['198.51.100.7'], ['2001:db8::7']]);
    });

    it('nothing to change is nochg with what is published', async () => {
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8::1`);
      await unchanged(async () => {
        for (const query of ['myipv4=preserve&myipv6=preserve', 'myipv6=', 'myip=no&myipv6=', 'ipv6=auto']) {
          expect(await update(`hostname=${host}&${query}`)).toEqual([200, 'nochg 192.0.2.1,2001:db8::1\n']);
        }
      });
    });

    it('-, offline=YES and /nic/delete take them away', async () => {
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8::1`);
      expect(await update(`hostname=${host}&myipv6=-`)).toEqual([200, 'good\n']);
      expect(await published()).toEqual([['192.0.2.1'], []]);
      expect(await update(`hostname=${host}&myip=192.0.2.1&offline=NO`)).toEqual([200, 'nochg 192.0.2.1\n']);
      expect(await update(`hostname=${host}&myip=192.0.2.1&offline=YES`)).toEqual([200, 'good\n']);
      expect(await update(`hostname=${host}&offline=YES`)).toEqual([200, 'nochg\n']);
      expect(await published()).toEqual([[], []]);
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8::1`);
      const remove = async (query: string, headers: Record<string, string> = MASTER) =>
        statusAndBody(await server.ask(`/nic/delete?hostname=${host}${query}`, { headers }));
      expect(await remove('', { Authorization: basic('x', 'one-secret') })).toEqual([200, 'nohost\n']);
      expect(await remove('&myip=x')).toEqual([200, 'dnserr\n']);
      expect(await remove('&myip=192.0.2.1')).toEqual([200, 'good\n']);
      expect(await published()).toEqual([[], ['2001:db8::1']]);
      expect(await remove('')).toEqual([200, 'good\n']);
      expect(await remove('')).toEqual([200, 'nochg\n']);
      expect(await published()).toEqual([[], []]);
    });

    it('an empty one clears the family only where the zone says so', async () => {
      const other = `host${count}.${OTHER}`;
      const both = `hostname=${host},${other}`;
      await update(`${both}&myip=192.0.2.1,2001:db8::1`);
      expect(await update(`${both}&myipv4=192.0.2.1&myipv6=`)).toEqual([200, 'nochg 192.0.2.1\ngood 192.0.2.1\n']);
      expect([await published(), await published(other)]).toEqual([
        [['192.0.2.1'], ['2001:db8::1']],
        [['192.0.2.1'], []],
      ]);
    });

    it('that are refused or cannot be read are dnserr for each host, and change nothing', async () => {
      await update(`hostname=${host}&myip=192.0.2.1`);
      await unchanged(async () => {
        for (const bad of [
          '127.0.0.1',
          '::1',
          '0.0.0.0',
          '224.0.0.1',
          'fe80::1',
          '203.0.113.200',
          '1.2.3',
          'x',
          '%00',
        ]) {
          expect(await update(`hostname=${host},${host}&myip=${bad}`), bad).toEqual([200, 'dnserr\ndnserr\n']);
        }
        expect(await update(`hostname=${host}&myip=192.0.2.9,::1`)).toEqual([200, 'dnserr\n']);
        expect(await update(`hostname=${host},nowhere.example.org&myip=x`)).toEqual([200, 'dnserr\nnohost\n']);
      });
    });

    it('the peer is never taken in the place of what cannot be read', async () => {
      expect(await update(`hostname=${host}&myip=not-an-address`)).toEqual([200, 'dnserr\n']);
      expect(await update(`hostname=${host}&myipv4=<preserve>&myipv6=2001:db8::1`)).toEqual([
        200,
        'good 2001:db8::1\n',
      ]);
      expect(await published()).toEqual([[], ['2001:db8::1']]);
    });

    it('a token may be bound to the address of the caller', async () => {
      const as = { Authorization: basic('x', 'own-secret') };
      expect(await update('myip=192.0.2.1', as)).toEqual([200, 'dnserr\n']);
      expect(await update('myip=198.51.100.7', as)).toEqual([200, 'good 198.51.100.7\n']);
      expect(await update('', as)).toEqual([200, 'nochg 198.51.100.7\n']);
    });

    it('a prefix moves the AAAA record, by POST of a form too', async () => {
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8:1:f3::10`);
      const posted = (ipv6prefix: string) =>
        server.ask('/nic/update', form({ secret: SECRET, hostname: host, ipv6prefix })).then(statusAndBody);
      expect(await posted('2001:db8:5:10::/60')).toEqual([200, 'good 2001:db8:5:13::10\n']);
      expect(await posted('2001:db8:5:10::/60')).toEqual([200, 'nochg 2001:db8:5:13::10\n']);
      expect(await update(`hostname=${host}&myip=192.0.2.2&ip6lanprefix=2001:db8:6::/56`)).toEqual([
        200,
        'good 192.0.2.2,2001:db8:6:13::10\n',
      ]);
      expect(await update(`hostname=${host}&myip=192.0.2.2,2001:db8:7::1&ip6lanprefix=2001:db8:8::/56`)).toEqual([
        200,
        'good 192.0.2.2,2001:db8:7::1\n',
      ]);
      expect(await published()).toEqual([['192.0.2.2'], ['2001:db8:7::1']]);
      await unchanged(async () => {
        expect(await update(`hostname=empty.${ZONE}&ipv6prefix=2001:db8::/64`)).toEqual([200, 'dnserr\n']);
        expect(await update(`hostname=${host}&ipv6prefix=fe80::/64`)).toEqual([200, 'dnserr\n']);
      });
    });

    it("deSEC's form for one host of several: its own address before the others, and a host that stands only there", async () => {
      const more = `more.${host}`;
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8::1`);
      await update(`hostname=${more}&myip=192.0.2.9`);
      const query = `hostname=${host}&myipv4=192.0.2.2&myipv6=preserve&myipv6:${more}=2001:db8::9&myipv4:${host}.=192.0.2.3`;
      expect(await update(query)).toEqual([200, 'good 192.0.2.3\ngood 2001:db8::9\n']);
      expect([await published(), await published(more)]).toEqual([
        [['192.0.2.3'], ['2001:db8::1']],
        [['192.0.2.9'], ['2001:db8::9']],
      ]);
      expect(await update(`myipv6:${more}=2001:db8::9`)).toEqual([200, 'nochg 2001:db8::9\n']);
      expect(await update(`hostname=${more}&myip=192.0.2.9&myipv6:${more}=`)).toEqual([200, 'nochg 192.0.2.9\n']);
      expect(await published(more)).toEqual([['192.0.2.9'], ['2001:db8::9']]);
    });

    it('a host in such a parameter is authorised like any other, and counts among the twenty', async () => {
      const one = { Authorization: basic('x', 'one-secret') };
      const query = `hostname=one.${ZONE}&myip=192.0.2.1&myipv6:${host}=2001:db8::1&myipv6:a..b=2001:db8::1`;
      expect(await update(query, one)).toEqual([200, expect.stringMatching(/^(good|nochg) .*\nnohost\nnotfqdn\n$/)]);
      expect(await published()).toEqual([[], []]);
      const many = Array.from({ length: 20 }, (_, index) => `myipv6:n${index}.${host}=2001:db8::1`).join('&');
      expect(await update(`hostname=${host}&${many}`)).toEqual([200, 'numhost\n']);
    });

    it("deSEC's credentials and values: Authorization: Token, username and password, a prefix and a length", async () => {
      const Authorization = `Token ${SECRET}`;
      await update(`hostname=${host}&myip=192.0.2.1,2001:db8:1::72dc:f412:7233`);
      const ask = async (query: string) =>
        statusAndBody(await server.ask(`/update?${query}`, { headers: { Authorization } }));
      expect(await ask(`hostname=${host}&myipv4=192.0.2.2&myipv6=preserve`)).toEqual([200, 'good 192.0.2.2\n']);
      const query = `username=${host}&password=${SECRET}&myipv4=192.0.2.2&myipv6=2001:db8:2::/64`;
      expect(statusAndBody(await server.ask(`/update?${query}`))).toEqual([
        200,
        'good 192.0.2.2,2001:db8:2::72dc:f412:7233\n',
      ]);
      // With host bits, it is an address, and the length is ignored.
      expect(await ask(`hostname=${host}&myipv6=2001:db8:3::1/64`)).toEqual([200, 'good 2001:db8:3::1\n']);
      const clear = `hostname=x${count}.${OTHER}`;
      await ask(`${clear}&myipv4=192.0.2.1&myipv6=2001:db8::1`);
      expect(await ask(`${clear}&myipv4=192.0.2.1&myipv6=`)).toEqual([200, 'good 192.0.2.1\n']);
      expect(await published(`x${count}.${OTHER}`)).toEqual([['192.0.2.1'], []]);
    });

    it('many requests for one host at the same time leave one record of each family', async () => {
      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          update(`hostname=${host}&myip=192.0.2.${index},2001:db8::${index + 1}`),
        ),
      );
      const [a, aaaa] = await published();
      expect([a?.length, aaaa?.length]).toEqual([1, 1]);
    });
  });

  describe('a primary that does not answer', () => {
    it('is 503 911 with Retry-After, once for all hosts, and what was done is confirmed later', async () => {
      const port = await freePort();
      const zone = { name: OTHER, tsig_key: { ...lab.key }, nameserver: '127.0.0.1', port };
      const half = await lab.serve({
        nameserver_timeout_seconds: 1,
        zones: [{ name: ZONE, tsig_key: lab.key.secret }, zone],
      });
      const target = `/nic/update?hostname=${host},x.${OTHER},nowhere.example.org&myip=192.0.2.1`;
      const { status, body, headers } = await half.ask(target, { headers: MASTER });
      expect([status, body]).toEqual([503, '911\n']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(await published()).toEqual([['192.0.2.1'], []]);
      expect(await update(`hostname=${host}&myip=192.0.2.1`)).toEqual([200, 'nochg 192.0.2.1\n']);
      await half.stop();
    });
  });

  it('the log has no secret, and names hosts, addresses and reasons', async () => {
    await update(`hostname=${SECRET}&myip=${SECRET}`);
    await update(`hostname=${SECRET}.example.org`);
    await update(`hostname=a..${SECRET}`);
    await update(`hostname=${host},nowhere.example.org&myip=192.0.2.1&password=${SECRET}`);
    const line = `${host}. good 192.0.2.1\\nnohost (The name in the request`;
    await waitUntil('the log to tell of the hosts', () => server.process.output().includes(line));
    for (const secret of [SECRET, '-secret']) expect(server.process.output().includes(secret)).toBe(false);
  });
});

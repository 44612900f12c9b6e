/**
 * No-IP on a whole server in front of a real BIND: /ducupdate.php as No-IP's clients and pfSense use it, and the part of
 * No-IP's /nic/update that dyndns2.test.ts does not cover.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NOIP_ERRORS } from '../../src/http/protocols/noip.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, type AskOptions, exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const OTHER = 'dyn.example.net';
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describeWith(BIND_PROGRAMS, 'No-IP', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let host: string;

  const token = (name: string, hosts: readonly string[]) => {
    return { name, sha256: createHash('sha256').update(`${name}-secret`).digest('hex'), hosts };
  };

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: OTHER, keys: [ZONE] }] }, 'alias CNAME home\n');
    server = await lab.serve({
      zones: [
        { name: ZONE, tsig_key: lab.key.secret, addresses: { deny: ['203.0.113.128/25'] } },
        { name: OTHER, tsig_key: { ...lab.key }, empty_value: 'clear' },
      ],
      http: { trusted_proxies: ['127.0.0.1'] },
      tokens: [token('one', [`one.${ZONE}`]), token('two', [`two-a.${ZONE}`, `two-b.${ZONE}`])],
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
  /** Sends GET with the master secret in `pass`, from 198.51.100.7. */
  const update = async (query: string, password = SECRET, options: AskOptions = {}) => {
    const headers = { 'X-Forwarded-For': '198.51.100.7', ...options.headers };
    const target = `/ducupdate.php?username=anybody&pass=${password}&${query}`;
    return statusAndBody(await server.ask(target, { ...options, headers }));
  };
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serials = [await lab.serial(), await lab.serial(OTHER)];
    await act();
    expect([await lab.serial(), await lab.serial(OTHER)]).toEqual(serials);
  };

  describe('/ducupdate.php', () => {
    it('says 1 for what is changed and 0 for what is not, behind the address', async () => {
      expect(await update(`h[]=${host}&ip=192.0.2.1`)).toEqual([200, '192.0.2.1:1\n']);
      expect(await update(`h[]=${host}&ip=192.0.2.1`)).toEqual([200, '192.0.2.1:0\n']);
      expect(await update(`h%5B%5D=${host}.&ip=192.0.2.2`)).toEqual([200, '192.0.2.2:1\n']);
      expect(await published()).toEqual([['192.0.2.2'], []]);
      expect(await lab.ttl(host, 'A')).toBe(60);
    });

    it('an IPv6 address has the host before the code: clients look behind the first colon', async () => {
      expect(await update(`h[]=${host}&ipv6=2001:DB8:0::1`)).toEqual([200, `${host}:1\n`]);
      expect(await update(`h[]=${host}&ipv6=2001:db8::1`)).toEqual([200, `${host}:0\n`]);
      expect(await update(`h[]=${host}&ip=192.0.2.1&ipv6=2001:db8::2`)).toEqual([200, '192.0.2.1:1\n']);
      expect(await published()).toEqual([['192.0.2.1'], ['2001:db8::2']]);
      expect(await update(`h[]=nowhere.example.org&ipv6=2001:db8::1`)).toEqual([200, 'error:2\n']);
    });

    it('without an address it is that of the client, and a family that is not named is kept', async () => {
      expect(await update(`h[]=${host}&ipv6=2001:db8::1`)).toEqual([200, `${host}:1\n`]);
      expect(await update(`h[]=${host}`)).toEqual([200, '198.51.100.7:1\n']);
      expect(await update(`h[]=${host}&ip=`)).toEqual([200, '198.51.100.7:0\n']);
      expect(await published()).toEqual([['198.51.100.7'], ['2001:db8::1']]);
    });

    it('one line for each h[], in their order, and what can be done is done', async () => {
      const hosts = [`two-b.${ZONE}`, `one.${ZONE}`, 'a..b', '', `TWO-A.${ZONE}`, 'nowhere.example.org'];
      const query = hosts.map((name) => `h[]=${name}`).join('&');
      expect(await update(`${query}&ip=192.0.2.1`, 'two-secret')).toEqual([
        200,
        '192.0.2.1:1\n192.0.2.1:2\n192.0.2.1:2\n192.0.2.1:1\n192.0.2.1:2\n',
      ]);
      expect(await published(`two-a.${ZONE}`)).toEqual([['192.0.2.1'], []]);
      expect(await published(`two-b.${ZONE}`)).toEqual([['192.0.2.1'], []]);
      expect(await published(`one.${ZONE}`)).toEqual([[], []]);
      expect(await update(`h[]=two-a.${ZONE},two-b.${ZONE}&ip=192.0.2.1`, 'two-secret')).toEqual([
        200,
        '192.0.2.1:0\n192.0.2.1:0\n',
      ]);
    });

    it('a form, in which h[] is repeated too; query and body count together', async () => {
      const body = `pass=${SECRET}&h[]=${host}&h[]=also.${host}&ip=192.0.2.1`;
      const posted = await server.ask(`/ducupdate.php?h[]=x.${host}`, { ...form({}), body });
      expect(statusAndBody(posted)).toEqual([200, '192.0.2.1:1\n'.repeat(3)]);
      for (const name of [host, `also.${host}`, `x.${host}`])
        expect(await published(name)).toEqual([['192.0.2.1'], []]);
    });

    it("the whole query in one parameter, in base64, as No-IP's own client sends it", async () => {
      const packed = (text: string) => Buffer.from(text).toString('base64');
      const ask = async (text: string) => {
        const target = `http://dynupdate.no-ip.com/ducupdate.php?requestL=${packed(text)}`;
        const agent = 'User-Agent: Linux-DUC/2.1.9';
        return parseRaw(await exchangeRaw(server.port, `GET ${target} HTTP/1.0\r\n${agent}\r\n\r\n`)).body;
      };
      // Its base64 has a plus sign, which arrives as a space.
      const names = `&x=~~~>>>???&h[]=${host}&h[]=n%2e${host}&ip=192.0.2.1`;
      expect(packed(`username=a%40b&pass=${SECRET}${names}`)).toMatch(/\+.{50}/);
      expect(await ask(`username=a%40b&pass=${SECRET}${names}`)).toBe('192.0.2.1:1\n192.0.2.1:1\n');
      expect(await published(`n.${host}`)).toEqual([['192.0.2.1'], []]);
      await unchanged(async () => {
        expect(await ask(`username=a&pass=wrong${names}`)).toBe('192.0.2.1:4\n');
        expect(await ask(names)).toBe('192.0.2.1:4\n');
        expect((await server.ask('/ducupdate.php?requestL=%25')).body).toMatch(/:4\n$/);
      });
    });

    it('without a host: the user name, else the only host of the token', async () => {
      expect(await update('ip=192.0.2.9', 'one-secret')).toEqual([200, '192.0.2.9:1\n']);
      expect(await published(`one.${ZONE}`)).toEqual([['192.0.2.9'], []]);
      const target = `/ducupdate.php?username=two-a.${ZONE}&pass=two-secret&ip=192.0.2.8`;
      expect(statusAndBody(await server.ask(target))).toEqual([200, '192.0.2.8:1\n']);
      for (const password of ['two-secret', SECRET]) {
        expect(await update('ip=192.0.2.1', password)).toEqual([200, '192.0.2.1:2\n']);
      }
    });

    it('offline=YES takes the addresses away', async () => {
      await update(`h[]=${host}&ip=192.0.2.1`);
      expect(await update(`h[]=${host}&offline=YES`)).toEqual([200, `${host}:1\n`]);
      expect(await published()).toEqual([[], []]);
    });
  });

  describe('refuses', () => {
    it('one permitted name authorises only itself, wherever it stands', async () => {
      await update(`h[]=one.${ZONE}&ip=192.0.2.1`);
      for (const query of [`h[]=one.${ZONE}&h[]=${host}`, `h[]=${host}&h[]=one.${ZONE}`]) {
        const [, body] = await update(`${query}&ip=192.0.2.1`, 'one-secret');
        expect((body as string).split('\n').sort()).toEqual(['', '192.0.2.1:0', '192.0.2.1:2']);
      }
      expect(await published()).toEqual([[], []]);
    });

    it('with one code for each reason, a foreign host and an unknown one alike', async () => {
      await unchanged(async () => {
        for (const [query, code, password] of [
          [`h[]=${host}&ip=192.0.2.1`, 2, 'one-secret'],
          ['h[]=nowhere.example.org&ip=192.0.2.1', 2, 'one-secret'],
          ['h[]=nowhere.example.org&ip=192.0.2.1', 2, SECRET],
          [`h[]=${ZONE}&ip=192.0.2.1`, 2, SECRET],
          ['h[]=a..b&ip=192.0.2.1', 2, SECRET],
          [`h[]=off.${ZONE}&ip=192.0.2.1`, 8, SECRET],
          [`h[]=alias.${ZONE}&ip=192.0.2.1`, 9, SECRET],
        ] as const) {
          expect(await update(query, password), query).toEqual([200, `192.0.2.1:${code}\n`]);
        }
        expect(await update(`h[]=${host}&ip=203.0.113.200`)).toEqual([200, '203.0.113.200:7\n']);
        expect(await update(`h[]=${host}&ip=127.0.0.1`)).toEqual([200, '127.0.0.1:7\n']);
        for (const bad of ['1.2.3', 'x', '%00', '::1']) {
          expect(await update(`h[]=${host}&ip=${bad}`), bad).toEqual([200, 'error:7\n']);
        }
        const many = Array.from({ length: 21 }, (_, index) => `h[]=n${index}.${host}`).join('&');
        expect(await update(`${many}&ip=192.0.2.1`)).toEqual([200, '192.0.2.1:5\n']);
      });
    });

    it('a wrong, missing or empty credential with 401, a challenge and code 4, before it looks at anything else', async () => {
      await unchanged(async () => {
        let source = 0;
        for (const query of [
          `username=x&pass=wrong&h[]=${host}&ip=192.0.2.1`,
          `username=x&pass=&h[]=${host}&ip=192.0.2.1`,
          `h[]=${host}&ip=192.0.2.1`,
          `username=${SECRET}&h[]=a..b&ip=192.0.2.1`,
        ]) {
          source += 1;
          const headers = { 'X-Forwarded-For': `198.51.100.${source}` };
          const { status, body, headers: sent } = await server.ask(`/ducupdate.php?${query}`, { headers });
          expect([status, body], query).toEqual([401, '192.0.2.1:4\n']);
          expect(sent['www-authenticate']).toBe('Basic realm="dyndns"');
        }
      });
      const headers = { Authorization: basic('x', SECRET) };
      const target = `/ducupdate.php?pass=wrong&h[]=${host}&ip=192.0.2.1`;
      expect(statusAndBody(await server.ask(target, { headers }))).toEqual([200, '192.0.2.1:1\n']);
    });

    it('other methods, and HEAD changes nothing', async () => {
      await unchanged(async () => {
        const target = `/ducupdate.php?pass=${SECRET}&h[]=${host}&ip=192.0.2.1`;
        for (const [method, status] of Object.entries({ HEAD: 405, OPTIONS: 204, DELETE: 405, PUT: 405 })) {
          expect((await server.ask(target, { method })).status, method).toBe(status);
        }
      });
    });

    it('when the primary does not answer: 503 with Retry-After, once for all hosts', async () => {
      const port = await freePort();
      const zone = { name: OTHER, tsig_key: { ...lab.key }, nameserver: '127.0.0.1', port };
      const half = await lab.serve({
        nameserver_timeout_seconds: 1,
        zones: [{ name: ZONE, tsig_key: lab.key.secret }, zone],
      });
      const target = `/ducupdate.php?pass=${SECRET}&h[]=${host}&h[]=x.${OTHER}&ip=192.0.2.1`;
      const { status, body, headers } = await half.ask(target);
      expect([status, body]).toEqual([503, '192.0.2.1:911\n']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(await update(`h[]=${host}&ip=192.0.2.1`)).toEqual([200, '192.0.2.1:0\n']);
      await half.stop();
    });
  });

  it('no error has a code of success, and none of the codes at which clients stop for good', () => {
    for (const [, code] of Object.values(NOIP_ERRORS)) expect([0, 1, 11, 12, 6, 99, 100]).not.toContain(code);
  });

  it('/nic/update: two families on one line, myipv6, offline', async () => {
    const nic = async (query: string) => {
      const headers = { Authorization: basic('account', SECRET) };
      return statusAndBody(await server.ask(`/nic/update?system=noip&hostname=${host}&${query}`, { headers }));
    };
    expect(await nic('myip=192.0.2.1,2001:db8::1')).toEqual([200, 'good 192.0.2.1,2001:db8::1\n']);
    expect(await nic('myip=192.0.2.1&myipv6=2001:db8::2')).toEqual([200, 'good 192.0.2.1,2001:db8::2\n']);
    expect(await nic('myipv6=2001:db8::2')).toEqual([200, 'nochg 2001:db8::2\n']);
    expect(await nic('offline=YES')).toEqual([200, 'good\n']);
    expect(await published()).toEqual([[], []]);
  });

  it('the log has no secret, and names hosts, codes and reasons', async () => {
    await update(`h[]=${SECRET}&ip=${SECRET}`);
    const packed = Buffer.from(`pass=${SECRET}&h[]=${host}&ip=192.0.2.1`).toString('base64');
    await server.ask(`/ducupdate.php?requestL=${packed}`);
    await waitUntil('the log to tell of the host', () => server.process.output().includes(`${host}. 192.0.2.1:1`));
    for (const secret of [SECRET, '-secret', packed]) expect(server.process.output().includes(secret)).toBe(false);
  });
});

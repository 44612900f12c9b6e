/**
 * dynv6 on a whole server in front of a real BIND: exact replies, values of the address parameters, credentials, and the
 * switch of the protocol. Requests of single clients are in test/clients.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DYNV6_ERRORS } from '../../src/http/protocols/dynv6.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const UPDATED = [200, 'addresses updated'];
const UNCHANGED = [200, 'addresses unchanged'];
const NOT_FOUND = [404, 'zone not found'];
const INVALID = [400, 'invalid address'];
const REFUSED = [400, 'address refused'];

describeWith(BIND_PROGRAMS, 'dynv6', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let host: string;

  const token = (name: string, hosts: readonly string[], more: object = {}) => {
    const sha256 = createHash('sha256').update(`${name}-secret`).digest('hex');
    return { name, sha256, hosts, ...more };
  };
  const options = () => ({
    zones: [{ name: ZONE, tsig_key: lab.key.secret, empty_value: 'clear' }],
    http: { trusted_proxies: ['127.0.0.1'] },
    tokens: [
      token('one', [`one.${ZONE}`]),
      token('two', [`two-a.${ZONE}`, `two-b.${ZONE}`]),
      token('v4', [`v4.${ZONE}`], { types: ['A'] }),
      token('off', [`off.${ZONE}`]),
    ],
    hosts: [{ name: `off.${ZONE}`, enabled: false }],
  });

  beforeAll(async () => {
    lab = await openLab({}, 'alias CNAME home\n');
    server = await lab.serve(options());
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  beforeEach(() => {
    count += 1;
    host = `host${count}.${ZONE}`;
  });

  const V4 = { 'X-Forwarded-For': '198.51.100.7' };
  const V6 = { 'X-Forwarded-For': '2001:db8:7:8::7' };
  const get = async (target: string, headers: Readonly<Record<string, string>> = V4) => {
    const { status, body } = await server.ask(target, { headers });
    return [status, body];
  };
  /** Sends a request with the master secret, from 198.51.100.7. */
  const update = (query: string, headers?: Readonly<Record<string, string>>) =>
    get(`/api/update?hostname=${host}&token=${SECRET}&${query}`, headers);
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serial = await lab.serial();
    await act();
    expect(await lab.serial()).toBe(serial);
  };

  it('its replies are one line without an end', async () => {
    const target = `/api/update?hostname=${host}&token=${SECRET}&ipv4=192.0.2.1`;
    for (const body of ['addresses updated', 'addresses unchanged']) {
      const reply = parseRaw(await exchangeRaw(server.port, `GET ${target} HTTP/1.0\r\n\r\n`));
      expect(reply.body).toBe(body);
      const headers = reply.head.toLowerCase().split('\r\n').slice(1).sort();
      expect(headers.filter((line) => !line.startsWith('date: '))).toEqual([
        'cache-control: no-store',
        'connection: close',
        `content-length: ${body.length}`,
        'content-type: text/plain; charset=utf-8',
        'x-content-type-options: nosniff',
      ]);
    }
    expect(await lab.ttl(host, 'A')).toBe(60);
  });

  it('no error has a word in it that clients take for success, but the token in that of dynv6 itself', async () => {
    const words = /good|nochg|ok|true|success|updated|unchanged/i;
    for (const [status, text] of Object.values(DYNV6_ERRORS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text.replace('token', '')).not.toMatch(words);
    }
    const dead = await lab.serve({ ...options(), port: await freePort(), nameserver_timeout_seconds: 1 });
    const { status, body, headers } = await dead.ask('/api/update?token=one-secret&ipv4=192.0.2.1');
    expect([status, body]).toEqual([503, 'temporarily unavailable']);
    expect(headers['retry-after']).toMatch(/^\d+$/);
    await dead.stop();
  });

  describe('hosts', () => {
    it('are named by hostname, zone or Hostname, in full or by a label; the only one need not be', async () => {
      for (const name of ['hostname', 'zone', 'Hostname'])
        for (const text of ['one', `one.${ZONE}`, `ONE.${ZONE}.`]) {
          const reply = await get(`/api/update?${name}=${text}&token=one-secret&ipv4=192.0.2.1`);
          expect(reply[0], `${name}=${text}`).toBe(200);
        }
      expect(await get('/api/update?token=one-secret&ipv4=192.0.2.2')).toEqual(UPDATED);
      expect(await published(`one.${ZONE}`)).toEqual([['192.0.2.2'], []]);
      expect(await get('/api/update?token=two-secret&ipv4=192.0.2.2')).toEqual(NOT_FOUND);
    });

    it('one that is not covered, not there or no name: the same 404', async () => {
      await unchanged(async () => {
        for (const text of [`one.${ZONE}`, `none.${ZONE}`, 'a.example', 'a..b', `two-a.${ZONE},one.${ZONE}`, ZONE])
          expect(await get(`/api/update?hostname=${text}&token=two-secret&ipv4=192.0.2.9`), text).toEqual(NOT_FOUND);
        expect(await get('/api/update?token=off-secret&ipv4=192.0.2.9')).toEqual([403, 'zone disabled']);
        expect(await get(`/api/update?zone=alias.${ZONE}&token=${SECRET}&ipv4=192.0.2.9`)).toEqual([
          409,
          'conflict with other records',
        ]);
      });
    });
  });

  describe('addresses', () => {
    it('each family by itself; what is unset or empty stays, also in a zone where empty means clear', async () => {
      expect(await update('ipv4=192.0.2.1')).toEqual(UPDATED);
      expect(await update('ipv6=2001:DB8:0::1')).toEqual(UPDATED);
      expect(await update('ipv4=192.0.2.1&ipv6=')).toEqual(UNCHANGED);
      expect(await update('ipv4=&ipv6=2001:db8::1&ipv6prefix=')).toEqual(UNCHANGED);
      expect(await update('')).toEqual(UNCHANGED);
      expect(await published()).toEqual([['192.0.2.1'], ['2001:db8::1']]);
      expect(await update('ipv4=192.0.2.2&ipv6=2001:db8::2')).toEqual(UPDATED);
      expect(await published()).toEqual([['192.0.2.2'], ['2001:db8::2']]);
    });

    it('- takes one away', async () => {
      await update('ipv4=192.0.2.1&ipv6=2001:db8::1');
      expect(await update('ipv4=-')).toEqual(UPDATED);
      expect(await published()).toEqual([[], ['2001:db8::1']]);
      expect(await update('ipv4=-&ipv6=-')).toEqual(UPDATED);
      expect(await published()).toEqual([[], []]);
      expect(await update('ipv6=-')).toEqual(UNCHANGED);
    });

    it('auto is the address of the client, of its own family', async () => {
      expect(await update('ipv4=auto')).toEqual(UPDATED);
      expect(await update('ipv4=auto&ipv6=auto')).toEqual(UNCHANGED);
      expect(await published()).toEqual([['198.51.100.7'], []]);
      expect(await update('ipv6=auto', V6)).toEqual(UPDATED);
      expect(await update('ipv4=AUTO&ipv6=auto&ipv6prefix=auto', V6)).toEqual(UNCHANGED);
      expect(await published()).toEqual([['198.51.100.7'], ['2001:db8:7:8::7']]);
    });

    it('auto alone by the other family is an error: nothing would come of it', async () => {
      await unchanged(async () => {
        expect(await update('ipv6=auto')).toEqual(INVALID);
        expect(await update('ipv6prefix=auto')).toEqual(INVALID);
        expect(await update('ipv4=auto', V6)).toEqual(INVALID);
      });
    });

    it('of X-Forwarded-For only what the trusted proxy adds counts', async () => {
      expect(await update('ipv4=auto', { 'X-Forwarded-For': '192.0.2.66, 198.51.100.9' })).toEqual(UPDATED);
      expect(await published()).toEqual([['198.51.100.9'], []]);
    });

    it('an address with a length is the address of the host', async () => {
      expect(await update('ipv6=2001:db8:1:2::10/64')).toEqual(UPDATED);
      expect(await update('ipv6=2001:db8:1:2::10/128')).toEqual(UNCHANGED);
      expect(await update('ipv6=2001:db8:1:2::10&ipv6prefix=2001:db8:9::/56')).toEqual(UNCHANGED);
      expect(await published()).toEqual([[], ['2001:db8:1:2::10']]);
    });

    it('a prefix alone moves the AAAA that is there, and makes none', async () => {
      expect(await update('ipv6prefix=2001:db8:5::/56')).toEqual(UNCHANGED);
      await update('ipv6=2001:db8:1:2::10');
      expect(await update('ipv6prefix=2001:db8:5::/56')).toEqual(UPDATED);
      expect(await published()).toEqual([[], ['2001:db8:5:2::10']]);
      expect(await update('ipv6=2001:db8:6:7::/64')).toEqual(UPDATED);
      expect(await update('ipv6prefix=2001:db8:6:7')).toEqual(UNCHANGED);
      expect(await update('ipv6prefix=-')).toEqual(UNCHANGED);
      expect(await published()).toEqual([[], ['2001:db8:6:7::10']]);
      expect(await update('ipv6prefix=auto', V6)).toEqual(UPDATED);
      expect(await published()).toEqual([[], ['2001:db8:7:8::10']]);
    });

    it('a bad or refused one is an error, and nothing changes', async () => {
      await unchanged(async () => {
        for (const query of [
          'ipv4=none',
          'ipv4=2001:db8::1',
          'ipv6=192.0.2.1',
          'ipv6=::ffff:192.0.2.1',
          'ipv4=192.0.2.1&ipv6=none',
          'ipv4=192.0.2.1&ipv6prefix=none',
          'ipv4=192.0.2.1,192.0.2.2',
          'ipv6=2001:db8::1/200',
          'ipv6prefix=2001:db8::/96',
          'ipv6prefix=2000::/3',
        ])
          expect(await update(query), query).toEqual(INVALID);
        for (const query of ['ipv4=127.0.0.1', 'ipv6=fe80::1/64', 'ipv4=192.0.2.1&ipv6=::1'])
          expect(await update(query), query).toEqual(REFUSED);
        expect(await get('/api/update?token=v4-secret&ipv4=192.0.2.1&ipv6=2001:db8::1')).toEqual(NOT_FOUND);
        expect(await get('/api/update?token=v4-secret&ipv6prefix=2001:db8::/64')).toEqual(NOT_FOUND);
      });
    });
  });

  it('a wrong, missing, empty or foreign token', async () => {
    const unknown = [401, 'invalid authentication token'];
    await unchanged(async () => {
      for (const query of ['', '&token=', '&token=wrong', '&token=one-secre'])
        expect(await get(`/api/update?hostname=one.${ZONE}&ipv4=192.0.2.9${query}`), query).toEqual(unknown);
      const { headers } = await server.ask('/api/update');
      expect(headers['www-authenticate']).toMatch(/^Basic realm="/);
    });
    const { status, body } = await server.ask('/api/update', form({ zone: host, token: SECRET, ipv4: '192.0.2.1' }));
    expect([status, body]).toEqual(UPDATED);
    const headers = { ...V4, Authorization: `Bearer ${SECRET}` };
    expect(await get(`/api/update?zone=${host}&token=wrong&ipv4=192.0.2.1`, headers)).toEqual(UNCHANGED);
  });

  it('HEAD and OPTIONS never change anything, other methods are 405', async () => {
    await unchanged(async () => {
      for (const [method, status] of Object.entries({ HEAD: 405, OPTIONS: 204, DELETE: 405, PUT: 405 })) {
        const target = `/api/update?hostname=${host}&token=${SECRET}&ipv4=192.0.2.1`;
        expect((await server.ask(target, { method })).status, method).toBe(status);
      }
    });
  });

  it('is switched off and on by a reload', async () => {
    await server.reload(lab.config({ ...options(), protocols: { dynv6: false } }));
    expect((await update('ipv4=192.0.2.1'))[0]).toBe(404);
    expect(await published()).toEqual([[], []]);
    await server.reload(lab.config(options()));
    expect(await update('ipv4=192.0.2.1')).toEqual(UPDATED);
  });

  it('no secret is in the log', () => {
    const text = JSON.stringify(server.log());
    expect(text).toContain('/api/update');
    for (const secret of [SECRET, '-secret']) expect(text).not.toContain(secret);
  });
});

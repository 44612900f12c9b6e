/**
 * DuckDNS on a whole server in front of a real BIND: exact replies, lists of hosts (all or none is changed), texts for
 * ACME, credentials, and the switch of the protocol. Requests of single clients are in test/clients.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DUCKDNS_ERRORS } from '../../src/http/protocols/duckdns.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const OTHER = 'dyn.example.net';

describeWith(BIND_PROGRAMS, 'DuckDNS', () => {
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
    zones: [
      { name: ZONE, tsig_key: lab.key.secret, reserved: ['www'], addresses: { deny: ['203.0.113.128/25'] } },
      { name: OTHER, tsig_key: { ...lab.key } },
    ],
    http: { trusted_proxies: ['127.0.0.1'] },
    tokens: [
      token('one', [`one.${ZONE}`]),
      token('two', [`two-a.${ZONE}`, `two-b.${OTHER}`]),
      token('v6', [`v6.${ZONE}`], { types: ['AAAA'] }),
      token('own', [`own.${ZONE}`], { addresses: 'own' }),
      token('text', [`text.${ZONE}`], { types: ['A', 'AAAA', 'TXT'] }),
      token('acme', [`acme.${ZONE}`], { types: ['TXT'] }),
      token('off', [`off.${ZONE}`, `on.${ZONE}`], { types: ['A', 'AAAA', 'TXT'] }),
    ],
    hosts: [{ name: `off.${ZONE}`, enabled: false }],
  });

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: OTHER, keys: [ZONE] }] }, 'alias CNAME home\n');
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
  const V6 = { 'X-Forwarded-For': '2001:db8:7::7' };
  const get = async (target: string, headers: Readonly<Record<string, string>> = V4) => {
    const { status, body } = await server.ask(target, { headers });
    return [status, body];
  };
  /** Sends a request with the master secret, from 198.51.100.7. */
  const update = (query: string, headers?: Readonly<Record<string, string>>) =>
    get(`/update?domains=${host}&token=${SECRET}&${query}`, headers);
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serials = [await lab.serial(), await lab.serial(OTHER)];
    await act();
    expect([await lab.serial(), await lab.serial(OTHER)]).toEqual(serials);
  };
  const OK = [200, 'OK'];
  const KO = [200, 'KO'];

  describe('replies', () => {
    it('are two octets without a line end, to HTTP/1.0 too', async () => {
      const target = `/update?domains=${host}&token=${SECRET}&ip=192.0.2.1`;
      for (const version of ['1.0', '1.1']) {
        const head = `GET ${target} HTTP/${version}\r\nConnection: close\r\n\r\n`;
        const reply = parseRaw(await exchangeRaw(server.port, head));
        expect(reply.body).toBe('OK');
        const headers = reply.head.toLowerCase().split('\r\n').slice(1).sort();
        expect(headers.filter((line) => !line.startsWith('date: '))).toEqual([
          'cache-control: no-store',
          'connection: close',
          'content-length: 2',
          'content-type: text/plain; charset=utf-8',
          'x-content-type-options: nosniff',
        ]);
      }
      expect(await published()).toEqual([['192.0.2.1'], []]);
      expect(await lab.ttl(host, 'A')).toBe(60);
    });

    it('with verbose tell both addresses that are published, and whether something changed', async () => {
      expect(await update('ip=192.0.2.1&verbose=true')).toEqual([200, 'OK\n192.0.2.1\n\nUPDATED']);
      expect(await update('ip=192.0.2.1&verbose=true')).toEqual([200, 'OK\n192.0.2.1\n\nNOCHANGE']);
      const both = 'OK\n192.0.2.1\n2001:db8::1\n';
      expect(await update('ipv6=2001:DB8:0::1&verbose=true')).toEqual([200, `${both}UPDATED`]);
      expect(await update('ip=192.0.2.1&ipv6=2001:db8::1&verbose=TRUE')).toEqual([200, `${both}NOCHANGE`]);
      expect(await update('clear=true&verbose=true')).toEqual([200, 'OK\n\n\nUPDATED']);
      expect(await update('ip=none&verbose=true')).toEqual(KO);
      expect(await update('ip=192.0.2.1&verbose=false')).toEqual(OK);
    });

    it('no error has the word of success in it, and what is our own fault is 503 with Retry-After', async () => {
      for (const [, word] of Object.values(DUCKDNS_ERRORS))
        expect(word).not.toMatch(/good|nochg|ok|true|success|updated/i);
      const dead = await lab.serve({ ...options(), port: await freePort(), nameserver_timeout_seconds: 1 });
      const target = `/update?domains=one&token=one-secret&ip=192.0.2.1`;
      const { status, body, headers } = await dead.ask(target);
      expect([status, body]).toEqual([503, 'KO']);
      expect(headers['retry-after']).toMatch(/^\d+$/);
      await dead.stop();
    });
  });

  describe('paths', () => {
    it('the path form, with and without an address', async () => {
      expect(await get(`/update/${host}/${SECRET}`)).toEqual(OK);
      expect(await published()).toEqual([['198.51.100.7'], []]);
      expect(await get(`/update/${host}/${SECRET}/192.0.2.1`)).toEqual(OK);
      expect(await get(`/update/${host}/${SECRET}/2001:db8::1`)).toEqual(OK);
      expect(await get(`/update/${host}/${SECRET}/2001:db8::1?verbose=true`)).toEqual([
        200,
        'OK\n192.0.2.1\n2001:db8::1\nNOCHANGE',
      ]);
      expect(await get(`/update/${host},other${count}.${ZONE}/${SECRET}/192.0.2.9`)).toEqual(OK);
      expect(await published(`other${count}.${ZONE}`)).toEqual([['192.0.2.9'], []]);
      expect(await get(`/update/${host}/wrong/192.0.2.8`)).toEqual(KO);
      expect(await published()).toEqual([['192.0.2.9'], ['2001:db8::1']]);
    });

    it('a form, and the credential in a header, beside a wrong one', async () => {
      const body = form({ domains: host, token: SECRET, ip: '192.0.2.1' });
      const { status, body: text } = await server.ask('/update', body);
      expect([status, text]).toEqual(OK);
      expect(await update('ip=192.0.2.2', { ...V4, Authorization: 'Bearer wrong' })).toEqual(OK);
      const target = `/update?domains=${host}&token=wrong&ip=192.0.2.2`;
      expect(await get(target, { ...V4, Authorization: `Bearer ${SECRET}` })).toEqual(OK);
    });

    it('HEAD and OPTIONS never change anything, other methods are 405', async () => {
      await unchanged(async () => {
        for (const target of [
          `/update?domains=${host}&token=${SECRET}&ip=192.0.2.1`,
          `/update/${host}/${SECRET}/192.0.2.1`,
        ])
          for (const [method, status] of Object.entries({ HEAD: 405, OPTIONS: 204, DELETE: 405, PATCH: 405 }))
            expect((await server.ask(target, { method })).status, method).toBe(status);
      });
    });

    it('what is of dyndns2 stays there: a hostname, or an address by a name that DuckDNS has not', async () => {
      expect(await get(`/update?hostname=${host}&domains=x&token=${SECRET}&myip=192.0.2.1`)).toEqual([
        200,
        'good 192.0.2.1\n',
      ]);
      for (const name of ['myip', 'ipv4', 'myipv4'])
        expect(await update(`${name}=192.0.2.1`), name).toEqual([200, 'nochg 192.0.2.1\n']);
      expect(await get(`/update?domains=${host}&ip=192.0.2.1`)).toEqual([401, 'badauth\n']);
    });
  });

  describe('hosts', () => {
    it('are labels, whole names, or names of duckdns.org', async () => {
      for (const name of ['one', `one.${ZONE}`, 'one.duckdns.org', 'ONE.DuckDNS.org.', `${ZONE}`]) {
        const expected = name === ZONE ? KO : OK;
        expect(await get(`/update?domains=${name}&token=one-secret&ip=192.0.2.1`), name).toEqual(expected);
      }
      for (const name of ['x.one.duckdns.org', 'duckdns.org', 'xduckdns.org', 'one.duckdns.org.example', 'other'])
        expect(await get(`/update?domains=${name}&token=one-secret&ip=192.0.2.2`), name).toEqual(KO);
      // The token has only this host.
      expect(await get('/update?domains=&token=one-secret&ip=192.0.2.1')).toEqual(OK);
      expect(await get('/update?domains=&token=two-secret&ip=192.0.2.1')).toEqual(KO);
      expect(await published(`one.${ZONE}`)).toEqual([['192.0.2.1'], []]);
    });

    it('several, in two zones, each once', async () => {
      const target = `/update?domains=two-a,two-b,%20two-a.${ZONE}&token=two-secret&ip=192.0.2.1&verbose=true`;
      expect(await get(target)).toEqual([200, 'OK\n192.0.2.1\n\nUPDATED']);
      expect(await published(`two-a.${ZONE}`)).toEqual([['192.0.2.1'], []]);
      expect(await published(`two-b.${OTHER}`)).toEqual([['192.0.2.1'], []]);
    });

    it('one that is refused, wherever it stands: KO, and none of the list is changed', async () => {
      await unchanged(async () => {
        for (const bad of [`one.${ZONE}`, 'a..b', 'nowhere.example', `two-a.${ZONE}.`]) {
          const isGood = bad.endsWith(`${ZONE}.`);
          for (const list of [`two-a,${bad}`, `${bad},two-b`]) {
            const address = isGood ? '224.0.0.1' : '192.0.2.7';
            expect(await get(`/update?domains=${list}&token=two-secret&ip=${address}`), list).toEqual(KO);
          }
        }
        expect(await get('/update?domains=on,off&token=off-secret&ip=192.0.2.7')).toEqual(KO);
        expect(await get('/update?domains=on,off&token=off-secret&txt=x')).toEqual(KO);
        expect(await update(`domains=${host},www.${ZONE}&ip=192.0.2.7`)).toEqual(KO);
        // One of the two zones refuses this address.
        expect(await get('/update?domains=two-b,two-a&token=two-secret&ip=203.0.113.200')).toEqual(KO);
        const many = Array.from({ length: 21 }, (_, index) => `many${index}.${ZONE}`);
        expect(await get(`/update?domains=${many}&token=${SECRET}&ip=192.0.2.7`)).toEqual(KO);
      });
    });
  });

  it('what only the primary can tell of one host comes too late for the others: KO, and they are changed', async () => {
    expect(await get(`/update?domains=${host},alias.${ZONE}&token=${SECRET}&ip=192.0.2.1`)).toEqual(KO);
    expect(await published()).toEqual([['192.0.2.1'], []]);
  });

  describe('addresses', () => {
    it('none, or an empty one: the IPv4 address of the client', async () => {
      expect(await update('')).toEqual(OK);
      expect(await update('ip=')).toEqual(OK);
      expect(await update('ip=&ipv6=')).toEqual(OK);
      expect(await published()).toEqual([['198.51.100.7'], []]);
    });

    it('none from a client that comes by IPv6: KO, because its A record would stay as it was', async () => {
      await unchanged(async () => {
        for (const query of ['', 'ip=', 'ip=&ipv6=']) expect(await update(query, V6)).toEqual(KO);
      });
    });

    it('IPv6 alone keeps IPv4; ip may hold IPv6', async () => {
      await update('ip=192.0.2.1');
      expect(await update('ipv6=2001:db8::1')).toEqual(OK);
      expect(await published()).toEqual([['192.0.2.1'], ['2001:db8::1']]);
      expect(await update('ip=2001:db8::2', V6)).toEqual(OK);
      expect(await update('ip=::ffff:192.0.2.3')).toEqual(OK);
      expect(await published()).toEqual([['192.0.2.3'], ['2001:db8::2']]);
    });

    it('clear takes both away, whatever else is named', async () => {
      await update('ip=192.0.2.1&ipv6=2001:db8::1');
      expect(await update('ip=192.0.2.1&clear=true')).toEqual(OK);
      expect(await published()).toEqual([[], []]);
      expect(await update('clear=true')).toEqual(OK);
    });

    it('a bad or refused one: KO, and nothing changes', async () => {
      await unchanged(async () => {
        for (const query of [
          'ip=none',
          'ip=192.0.2.1&ipv6=none',
          'ipv6=192.0.2.1',
          'ip=192.0.2.1,192.0.2.2',
          'ip=2001:db8::/64',
          'ip=127.0.0.1',
          'ip=203.0.113.130',
          'ip=192.0.2.1&ipv6=fe80::1',
        ])
          expect(await update(query), query).toEqual(KO);
        expect(await get(`/update?domains=alias.${ZONE}&token=${SECRET}&ip=192.0.2.1`)).toEqual(KO);
        expect(await get('/update?domains=v6&token=v6-secret&ip=192.0.2.1')).toEqual(KO);
        expect(await get('/update?domains=v6&token=v6-secret&ip=192.0.2.1&ipv6=2001:db8::1')).toEqual(KO);
        expect(await get('/update?domains=own&token=own-secret&ip=192.0.2.1')).toEqual(KO);
      });
      expect(await get('/update?domains=v6&token=v6-secret&ipv6=2001:db8::1')).toEqual(OK);
      expect(await get('/update?domains=own&token=own-secret')).toEqual(OK);
    });

    it('of X-Forwarded-For only what the trusted proxy adds counts', async () => {
      expect(await update('', { 'X-Forwarded-For': '192.0.2.66, 198.51.100.9' })).toEqual(OK);
      expect(await published()).toEqual([['198.51.100.9'], []]);
    });
  });

  describe('texts', () => {
    const texts = (name: string) => lab.look(name, 'TXT');
    const NAME = `_acme-challenge.text.${ZONE}`;
    const write = (query: string) => get(`/update?domains=text&token=text-secret&${query}`);

    it('one stands at _acme-challenge of the host, and the addresses stay', async () => {
      await write('ip=192.0.2.1');
      expect(await write('txt=first&verbose=true')).toEqual([200, 'OK\nfirst\nUPDATED']);
      expect(await write('txt=first&verbose=true')).toEqual([200, 'OK\nfirst\nNOCHANGE']);
      expect(await write('txt=second&clear=false')).toEqual(OK);
      expect(await texts(NAME)).toEqual(['"second"']);
      expect(await texts(`text.${ZONE}`)).toEqual([]);
      expect(await published(`text.${ZONE}`)).toEqual([['192.0.2.1'], []]);
      expect(await write('txt=&clear=true&verbose=true')).toEqual([200, 'OK\n\nUPDATED']);
      expect(await write('txt=second&clear=true')).toEqual(OK);
      expect(await texts(NAME)).toEqual([]);
      expect(await published(`text.${ZONE}`)).toEqual([['192.0.2.1'], []]);
    });

    it('the name of the challenge itself may be given, and a wildcard means the name above', async () => {
      expect(await get(`/update?domains=${NAME}&token=text-secret&txt=third`)).toEqual(OK);
      expect(await get(`/update?domains=*.text.${ZONE}&token=${SECRET}&txt=fourth`)).toEqual(OK);
      expect(await texts(NAME)).toEqual(['"fourth"']);
    });

    it('a token for TXT alone may write it, one for addresses alone may not', async () => {
      expect(await get('/update?domains=acme&token=acme-secret&txt=fifth')).toEqual(OK);
      expect(await texts(`_acme-challenge.acme.${ZONE}`)).toEqual(['"fifth"']);
      await unchanged(async () => {
        expect(await get('/update?domains=acme&token=acme-secret&ip=192.0.2.1')).toEqual(KO);
        expect(await get('/update?domains=one&token=one-secret&txt=sixth')).toEqual(KO);
        expect(await get('/update?domains=text,acme&token=text-secret&txt=sixth')).toEqual(KO);
      });
    });

    it('an empty or a far too long one is KO and no update of the address', async () => {
      await unchanged(async () => {
        expect(await write('txt=')).toEqual(KO);
        expect(await write(`txt=${'x'.repeat(2000)}`)).toEqual(KO);
      });
    });
  });

  it('a wrong, empty or foreign token is KO, and says nothing of the host', async () => {
    await unchanged(async () => {
      for (const target of [
        '/update?domains=one&token=&ip=192.0.2.9',
        '/update?domains=one&token=wrong&ip=192.0.2.9',
        '/update?domains=one&token=one-secre&ip=192.0.2.9',
        `/update?domains=one.${ZONE}&token=two-secret&ip=192.0.2.9`,
        `/update?domains=none.${ZONE}&token=two-secret&ip=192.0.2.9`,
        `/update?domains=one.${ZONE}&token=off-secret&clear=true`,
        '/update/one/%20/192.0.2.9',
      ])
        expect(await get(target), target).toEqual(KO);
    });
  });

  it('is switched off and on by a reload: the path form is then unknown, and dyndns2 has /update alone', async () => {
    const target = `/update/${host}/${SECRET}/192.0.2.1`;
    await server.reload(lab.config({ ...options(), protocols: { duckdns: false } }));
    expect((await get(target))[0]).toBe(404);
    expect(await update('ip=192.0.2.1')).toEqual([200, 'good 192.0.2.1\n']);
    await server.reload(lab.config({ ...options(), protocols: { duckdns: true } }));
    expect(await get(target)).toEqual(OK);
  });

  it('a stranger chooses no address by X-Forwarded-For', async () => {
    await server.reload(lab.config({ ...options(), http: {} }));
    await unchanged(async () => {
      // The client address is 127.0.0.1, which is refused.
      expect(await update('', { 'X-Forwarded-For': '192.0.2.66' })).toEqual(KO);
      expect(await get('/update/own/own-secret/192.0.2.66', { 'X-Forwarded-For': '192.0.2.66' })).toEqual(KO);
    });
    await server.reload(lab.config(options()));
  });

  it('no secret is in the log', () => {
    const text = JSON.stringify(server.log());
    expect(text).toContain('/update/:domains/:token');
    for (const secret of [SECRET, '-secret']) expect(text).not.toContain(secret);
  });
});

/**
 * FreeDNS on a whole server in front of a real BIND: the list and the update URLs of version 1, and version 2. test/clients
 * has the real ddclient and inadyn.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freednsSecret } from '../../src/core/access/token.ts';
import { FREEDNS_ERRORS, freednsProtocol } from '../../src/http/protocols/freedns.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import type { Answer, AskOptions } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const OTHER = 'dyn.example.net';
const ONE = `one.${ZONE}`;
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const MASTER = { Authorization: `Bearer ${SECRET}` };
const NO_HOST = FREEDNS_ERRORS['name-invalid'][1];
const UNKNOWN = FREEDNS_ERRORS['not-permitted'][1];

describeWith(BIND_PROGRAMS, 'FreeDNS', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let host: string;

  const token = (name: string, hosts: readonly string[], more: object = {}, secret = `${name}Secret`) => {
    return { name, sha256: createHash('sha256').update(secret).digest('hex'), hosts, ...more };
  };
  const sha = (user: string) => freednsSecret(user, 'pass word');
  const listed = (user: string, hosts: readonly string[], more: object = {}) => token(user, hosts, more, sha(user));

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: OTHER, keys: [ZONE] }] }, 'alias CNAME home\n');
    server = await lab.serve({
      zones: [
        { name: ZONE, tsig_key: lab.key.secret, addresses: { deny: ['203.0.113.128/25'] } },
        { name: OTHER, tsig_key: { ...lab.key } },
      ],
      http: { trusted_proxies: ['127.0.0.1'] },
      tokens: [
        token('one', [ONE]),
        token('two', [`two-a.${ZONE}`, `two-b.${ZONE}`]),
        token('lab', [`*.lab.${ZONE}`]),
        listed('alice', [`alice.${ZONE}`, `*.alice.${ZONE}`]),
        listed('bob', [`bob-a.${ZONE}`, `bob-b.${ZONE}`, `off.${ZONE}`]),
        listed('carol', [`carol.${ZONE}`], { types: ['AAAA'] }),
        listed('dave', [`off.${ZONE}`]),
        listed('erin', [`*.erin.${ZONE}`]),
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

  /** Status and body; `…` replaces the seconds. */
  const statusAndBody = ({ status, body }: Answer) => [
    status,
    body.replace(/ in \d+\.\d{3} seconds/g, ' in … seconds'),
  ];
  const ask = async (target: string, options: AskOptions = {}) => {
    const headers = { 'X-Forwarded-For': '198.51.100.7', ...options.headers };
    return statusAndBody(await server.ask(target, { ...options, headers }));
  };
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serials = [await lab.serial(), await lab.serial(OTHER)];
    await act();
    expect([await lab.serial(), await lab.serial(OTHER)]).toEqual(serials);
  };

  describe('version 1, update.php', () => {
    it('takes the key alone, with equals signs behind it, escaped or not, before and behind the address', async () => {
      const [firstQuery, ...otherQueries] = [
        'oneSecret&address=192.0.2.1',
        'oneSecret==&address=192.0.2.1',
        'oneSecret=&address=192.0.2.1',
        'oneSecret%3D%3D=&address=192.0.2.1',
        'oneSecret%3D%3D&address=192.0.2.1',
        'address=192.0.2.1&oneSecret',
        '&=&ip=&oneSecret&address=192.0.2.1',
      ];
      const path = '/dynamic/update.php?';
      expect(await ask(path + firstQuery)).toEqual([200, `Updated ${ONE} to 192.0.2.1 in … seconds\n`]);
      await unchanged(async () => {
        for (const query of otherQueries) {
          expect(await ask(path + query), query).toEqual([200, 'ERROR: Address 192.0.2.1 has not changed.\n']);
        }
      });
      expect(await lab.ttl(ONE, 'A')).toBe(60);
    });

    it('without an address it is that of the client; an IPv6 address keeps the other family', async () => {
      expect(await ask('/dynamic/update.php?oneSecret%3D%3D=')).toEqual([
        200,
        `Updated ${ONE} to 198.51.100.7 in … seconds\n`,
      ]);
      expect(await ask('/dynamic/update.php?oneSecret&address=2001:DB8::0:1')).toEqual([
        200,
        `Updated ${ONE} to 2001:db8::1 in … seconds\n`,
      ]);
      expect(await published(ONE)).toEqual([['198.51.100.7'], ['2001:db8::1']]);
    });

    it('a key for several hosts has to say which one, and one for patterns too', async () => {
      await unchanged(async () => {
        for (const key of ['twoSecret', 'labSecret', SECRET]) {
          expect(await ask(`/dynamic/update.php?${key}&address=192.0.2.1`), key).toEqual([200, `${NO_HOST}\n`]);
        }
      });
      for (const [key, name] of [
        ['twoSecret', `two-b.${ZONE}`],
        ['labSecret', `x.lab.${ZONE}`],
        [SECRET, host],
      ] as const) {
        const reply = [200, `Updated ${name} to 192.0.2.1 in … seconds\n`];
        expect(await ask(`/dynamic/update.php?${key}&host=${name}&address=192.0.2.1`)).toEqual(reply);
        expect(await published(name)).toEqual([['192.0.2.1'], []]);
      }
      expect(await published(`two-a.${ZONE}`)).toEqual([[], []]);
    });

    it('a wrong or missing key is 401 and says so, also with a wrong header', async () => {
      let source = 0;
      await unchanged(async () => {
        for (const query of ['wrong&address=192.0.2.9', 'address=192.0.2.9', '', 'ONESECRET&address=192.0.2.9', '=']) {
          source += 1;
          const headers = { 'X-Forwarded-For': `198.51.100.${source}` };
          const answer = await server.ask(`/dynamic/update.php?${query}`, { headers });
          expect(statusAndBody(answer), query).toEqual([401, 'ERROR: Invalid update URL (no such key).\n']);
          expect(answer.headers['www-authenticate']).toBe('Basic realm="dyndns"');
        }
        const headers = { Authorization: basic('x', 'wrong'), 'X-Forwarded-For': '203.0.113.9' };
        expect((await ask('/dynamic/update.php?oneSecre&address=192.0.2.9', { headers }))[0]).toBe(401);
      });
    });
  });

  describe('version 1, the list', () => {
    const list = (secret: string, more: object = {}) =>
      ask(`/api/?action=getdyndns&v=2&sha=${secret}`, { headers: { Host: 'dyndns.example.com:8443', ...more } });
    const url = (secret: string, name = '') =>
      `https://dyndns.example.com:8443/dynamic/update.php?${secret}${name && `&host=${name}`}`;

    it('has a line for each host and family, with what is published and the URL that updates it', async () => {
      const key = sha('alice');
      const name = `alice.${ZONE}`;
      expect(await list(key)).toEqual([200, `${name}|NULL|${url(key)}\n${name}|::|${url(key)}\n`]);
      const path = url(key).replace(/^https:\/\/[^/]+/, '');
      expect(await ask(`${path}&address=192.0.2.1`)).toEqual([200, `Updated ${name} to 192.0.2.1 in … seconds\n`]);
      expect(await ask(`${path}&address=2001:db8::1`)).toEqual([200, `Updated ${name} to 2001:db8::1 in … seconds\n`]);
      expect(await list(key)).toEqual([200, `${name}|192.0.2.1|${url(key)}\n${name}|2001:db8::1|${url(key)}\n`]);
    });

    it('names the host in the URL where there are several, and leaves out what is switched off', async () => {
      const key = sha('bob');
      const [a, b] = [`bob-a.${ZONE}`, `bob-b.${ZONE}`];
      const lines = [a, b].flatMap((name) => [`${name}|NULL|${url(key, name)}\n`, `${name}|::|${url(key, name)}\n`]);
      await unchanged(async () => expect(await list(key)).toEqual([200, lines.join('')]));
      const path = url(key, b).replace(/^https:\/\/[^/]+/, '');
      expect(await ask(`${path}&address=192.0.2.1`)).toEqual([200, `Updated ${b} to 192.0.2.1 in … seconds\n`]);
      expect(await published(a)).toEqual([[], []]);
    });

    it('has only the families of the token', async () => {
      const name = `carol.${ZONE}`;
      expect(await list(sha('carol'))).toEqual([200, `${name}|::|${url(sha('carol'))}\n`]);
    });

    it('says why it is empty', async () => {
      expect(await list(sha('dave'))).toEqual([200, `${FREEDNS_ERRORS['host-disabled'][1]}\n`]);
      expect(await list(sha('erin'))).toEqual([200, `${NO_HOST}\n`]);
      expect(await list('', MASTER)).toEqual([200, `${NO_HOST}\n`]);
    });

    it('is for the hash of user and password alone: other users, passwords and ways to write it are 401', async () => {
      let source = 0;
      const wrong = [
        freednsSecret('alice', 'other'),
        freednsSecret('mallory', 'pass word'),
        createHash('sha1').update('alicepass word').digest('hex'),
        createHash('sha256').update(sha('alice')).digest('hex'),
        'pass%20word',
        '',
      ];
      for (const secret of wrong) {
        source += 1;
        const more = { 'X-Forwarded-For': `192.0.2.${source}` };
        expect(await list(secret, more), secret).toEqual([401, `${FREEDNS_ERRORS['not-authenticated'][1]}\n`]);
      }
      expect((await ask('/api/?action=getdyndns', { headers: { 'X-Forwarded-For': '192.0.2.99' } }))[0]).toBe(401);
    });

    it('without a name of the server it has paths, and nothing that a client put into Host by force', async () => {
      const name = `carol.${ZONE}`;
      const headers = { Host: 'a|b' };
      const answer = await ask(`/api?action=GETDYNDNS&sha=${sha('carol')}`, { headers });
      expect(answer).toEqual([200, `${name}|::|/dynamic/update.php?${sha('carol')}\n`]);
    });

    it('other actions of the API are not there', async () => {
      for (const target of ['/api/', '/api/?action=x', '/api/?v=2&sha=x']) {
        expect((await ask(target, { headers: MASTER }))[0], target).toBe(404);
      }
    });
  });

  describe('version 2', () => {
    it('takes the key in the path', async () => {
      expect(await ask('/u/oneSecret/?ip=192.0.2.21')).toEqual([
        200,
        `Updated 1 host(s) ${ONE} to 192.0.2.21 in … seconds\n`,
      ]);
      await unchanged(async () => {
        for (const target of [
          '/u/oneSecret/?address=192.0.2.21',
          '/u/oneSecret?myip=192.0.2.21',
          `/u/oneSecret/?hostname=${ONE}&myip=192.0.2.21`,
          `/u/?h=${ONE}&ip=192.0.2.21&p=oneSecret`,
        ]) {
          const reply = `No IP change detected for ${ONE} with IP 192.0.2.21, skipping update\n`;
          expect(await ask(target), target).toEqual([200, reply]);
        }
      });
      expect(await ask('/u/oneSecret/')).toEqual([200, `Updated 1 host(s) ${ONE} to 198.51.100.7 in … seconds\n`]);
    });

    it('takes Basic, with a host or without one', async () => {
      const headers = { Authorization: basic('somebody', 'oneSecret') };
      expect(await ask(`/u/?h=${ONE}&ip=192.0.2.31`, { headers })).toEqual([
        200,
        `Updated 1 host(s) ${ONE} to 192.0.2.31 in … seconds\n`,
      ]);
      expect(await ask('/u/?ip=192.0.2.32', { headers })).toEqual([
        200,
        `Updated 1 host(s) ${ONE} to 192.0.2.32 in … seconds\n`,
      ]);
      const challenged = await server.ask(`/u/?h=${ONE}&ip=192.0.2.33`);
      expect([challenged.status, challenged.headers['www-authenticate']]).toEqual([401, 'Basic realm="dyndns"']);
      for (const target of ['/u/wrong/?ip=192.0.2.33', '/u/%20/?ip=192.0.2.33']) {
        expect((await ask(target, { headers: { 'X-Forwarded-For': '203.0.113.3' } }))[0]).toBe(401);
      }
      expect(await published(ONE)).toEqual([['192.0.2.32'], [...(await lab.look(ONE, 'AAAA'))]]);
    });

    it('one line for each host, and one permitted name authorises only itself', async () => {
      const hosts = `two-a.${ZONE},${host},two-b.${ZONE},nowhere.example.org,a..b`;
      const [status, body] = await ask(`/u/twoSecret/?h=${hosts}&ip=192.0.2.41`);
      const done = (name: string) => `Updated 1 host(s) ${name} to 192.0.2.41 in … seconds\n`;
      expect([status, body]).toEqual([
        200,
        `${done(`two-a.${ZONE}`)}${UNKNOWN}\n${done(`two-b.${ZONE}`)}${UNKNOWN}\n${NO_HOST}\n`,
      ]);
      expect(await published()).toEqual([[], []]);
      const many = Array.from({ length: 21 }, (_, index) => `n${index}.${host}`).join(',');
      expect(await ask(`/u/?h=${many}&ip=192.0.2.1`, { headers: MASTER })).toEqual([200, 'ERROR: Too many hosts.\n']);
    });
  });

  it('errors have one line each, none of which has the address or a word of success in it', async () => {
    await unchanged(async () => {
      for (const [query, code] of [
        [`host=off.${ZONE}&address=192.0.2.1`, 'host-disabled'],
        [`host=alias.${ZONE}&address=192.0.2.1`, 'conflict'],
        [`host=${host}&address=203.0.113.200`, 'address-refused'],
        [`host=${host}&address=127.0.0.1`, 'address-refused'],
        [`host=${host}&address=1.2.3`, 'address-invalid'],
        ['host=192.0.2.1&address=192.0.2.1', 'name-invalid'],
        [`host=${ZONE}&address=192.0.2.1`, 'name-invalid'],
        ['host=nowhere.example.org&address=192.0.2.1', 'not-permitted'],
      ] as const) {
        for (const path of ['/dynamic/update.php', '/u/']) {
          const reply = [200, `${FREEDNS_ERRORS[code][1]}\n`];
          expect(await ask(`${path}?${query}`, { headers: MASTER }), query).toEqual(reply);
        }
      }
    });
    for (const [, line] of [...Object.values(FREEDNS_ERRORS), [0, 'ERROR: Too many hosts.'] as const]) {
      expect(line).toMatch(/^ERROR: /);
      expect(line).not.toMatch(/good|nochg|ok|true|success|updated|not changed|no ip change|\d/i);
    }
  });

  it('HEAD and OPTIONS never change anything, other methods are 405', async () => {
    await unchanged(async () => {
      for (const { pattern } of freednsProtocol.routes) {
        const target = `${pattern.replace(':secret', 'oneSecret')}?action=getdyndns&h=${ONE}&ip=192.0.2.51`;
        for (const [method, status] of Object.entries({ HEAD: 405, OPTIONS: 204, DELETE: 405, PUT: 405 })) {
          expect((await server.ask(target, { method, headers: MASTER })).status, `${method} ${pattern}`).toBe(status);
        }
      }
    });
  });

  it('a primary that does not answer is 503 with Retry-After, in the list too', async () => {
    const port = await freePort();
    const tokens = [listed('alice', [`alice.${ZONE}`])];
    const away = await lab.serve({ port, nameserver_timeout_seconds: 1, tokens });
    const targets = [`/u/${sha('alice')}/?ip=192.0.2.1`, `/api/?action=getdyndns&sha=${sha('alice')}`];
    for (const answer of await Promise.all(targets.map((target) => away.ask(target)))) {
      expect(statusAndBody(answer)).toEqual([503, 'ERROR: The nameserver does not answer.\n']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    await away.stop();
  });

  it('the log has no key, neither of a path nor of a query, and names hosts and reasons', async () => {
    await ask(`/u/${SECRET}/?h=${SECRET}&ip=${SECRET}`);
    await ask(`/dynamic/update.php?${SECRET}x&address=192.0.2.1`);
    await ask(`/dynamic/update.php?oneSecret&host=${host}&address=192.0.2.1`);
    await ask('/u/twoSecret/more');
    await ask(`/u/?h=${host}&ip=192.0.2.61`, { headers: MASTER });
    await waitUntil('the log to tell of the host', () => server.process.output().includes(`${host}. Updated 1 host`));
    const output = server.process.output();
    expect(output).toContain('/u/:secret');
    for (const secret of [SECRET, 'oneSecret', 'twoSecret', sha('alice'), sha('bob')]) {
      expect(output.includes(secret), secret).toBe(false);
    }
  });
});

/**
 * What requests mean, on a whole server in front of a real BIND: the root as a path for updates, repeated parameters, several
 * addresses of a family, lists of hosts, misplaced addresses, in every protocol. The parameter tables are tested beside their
 * sources.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/server/version.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type Answer, type AskOptions, form } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const CALLER = '198.51.100.7';
const basic = (user: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const MASTER = { Authorization: `Bearer ${SECRET}` };

describeWith(BIND_PROGRAMS, 'what requests mean', () => {
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
    lab = await openLab();
    server = await lab.serve({
      http: { trusted_proxies: ['127.0.0.1'] },
      tokens: [
        token('one', [`one.${ZONE}`]),
        token('users', [`u1.${ZONE}`, `u2.${ZONE}`, `*.lab.${ZONE}`]),
        token(
          'many',
          Array.from({ length: 21 }, (_, n) => `many${n}.${ZONE}`),
        ),
      ],
    });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  beforeEach(() => {
    count += 1;
    host = `host${count}.${ZONE}`;
  });

  const ask = async (target: string, options: AskOptions = {}): Promise<Answer> =>
    server.ask(target, { ...options, headers: { 'X-Forwarded-For': CALLER, ...options.headers } });
  const get = async (target: string, headers: Readonly<Record<string, string>> = MASTER) => {
    const { status, body } = await ask(target, { headers });
    return [status, body.trimEnd()];
  };
  const update = (query: string, headers?: Readonly<Record<string, string>>) => get(`/nic/update?${query}`, headers);
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serial = await lab.serial();
    await act();
    expect(await lab.serial()).toBe(serial);
  };

  describe('the root', () => {
    const page = [200, `dyndns v${VERSION}`];

    it('is the page of the version without a host or an address', async () => {
      await unchanged(async () => {
        for (const target of ['/', '/?', '/?v=1', '/?secret=x', '/?token=x&username=alice', '//', '/?_x=192.0.2.1']) {
          for (const headers of [
            {},
            MASTER,
            basic('none', 'none'),
            basic('alice', SECRET),
            basic('a@b.example', 'x'),
          ]) {
            expect(await get(target, headers as Record<string, string>), target).toEqual(page);
          }
        }
        expect((await ask('/', { method: 'HEAD' })).status).toBe(200);
      });
    });

    it('is an update with a host or an address in query or body, and checks the credential', async () => {
      let last = 0;
      const next = () => {
        last += 1;
        return `192.0.2.${last}`;
      };
      for (const target of ['/', '//', '/\\/']) {
        const ip = next();
        expect(await get(`${target}?hostname=${host}&myip=${ip}`), target).toEqual([200, `good ${ip}`]);
      }
      for (const query of [`domain=${host}&ip=`, `host=${host}&myipv4=`, `fqdn=${host}&ipv4=`]) {
        const ip = next();
        expect(await get(`/?${query}${ip}`)).toEqual([200, `good ${ip}`]);
      }
      const inBody = await ask('/', {
        ...form({ hostname: host, myip: '192.0.2.9' }),
        headers: { ...form({}).headers, ...MASTER },
      });
      expect([inBody.status, inBody.body]).toEqual([200, 'good 192.0.2.9\n']);
      expect(await get(`/?hostname=${host}`)).toEqual([200, `good ${CALLER}`]);
      expect(await get(`/?${host}`)).toEqual([200, `nochg ${CALLER}`]);
      expect(await get('/?myip=192.0.2.1', basic('x', 'one-secret'))).toEqual([200, 'good 192.0.2.1']);
      expect(await get('/', basic(`one.${ZONE}`, 'one-secret'))).toEqual([200, `good ${CALLER}`]);
      expect(await get(`/?username=one.${ZONE}&password=one-secret`, {})).toEqual([200, `nochg ${CALLER}`]);
      expect(await published()).toEqual([[CALLER], []]);
    });

    it('changes nothing with a wrong or missing credential, or by HEAD', async () => {
      await unchanged(async () => {
        expect(await get(`/?hostname=${host}&myip=192.0.2.1`, {})).toEqual([401, 'badauth']);
        expect(await get(`/?hostname=${host}&myip=192.0.2.1`, basic('x', 'wrong'))).toEqual([401, 'badauth']);
        expect(await get('/', basic(`one.${ZONE}`, 'wrong'))).toEqual([401, 'badauth']);
        expect(await get('/?addr=192.0.2.1', basic('x', 'one-secret'))).toEqual([200, 'dnserr']);
        const head = await ask(`/?hostname=${host}&myip=192.0.2.1`, { method: 'HEAD', headers: MASTER });
        expect(head.status).toBe(404);
      });
    });

    it('of a host checkip.… is the echo', async () => {
      const { status, body } = await ask('/?hostname=x', { headers: { Host: 'checkip.example.com' } });
      expect([status, body]).toEqual([200, expect.stringContaining(`Current IP Address: ${CALLER}`)]);
    });

    it('misspelt paths of updates are 404, whatever the method and the credential', async () => {
      await unchanged(async () => {
        const paths = [
          'nic',
          'nic/updates',
          'nic/updat',
          'nic/update/x',
          'v3',
          'update/x',
          'updates',
          'nicupdate',
          'Nic/Update',
        ];
        for (const path of [
          ...paths,
          'v4/update',
          'nic/update.php',
          'api/v1',
          'index.html',
          'dyndns',
          '2',
          '2/ddn',
          'dyn',
        ]) {
          for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']) {
            const target = `/${path}?hostname=${host}&myip=192.0.2.1`;
            for (const headers of [{}, MASTER]) {
              expect((await ask(target, { method, headers })).status, `${method} ${target}`).toBe(404);
            }
          }
        }
      });
    });
  });

  describe('repeated parameters', () => {
    it('publish all addresses, in the query, in a form and in both', async () => {
      const sets = [
        `hostname=${host}&myip=192.0.2.1&myip=2001:db8::1`,
        `hostname=${host}&MyIP=192.0.2.2&myip=2001:db8::2`,
        `hostname=${host}&myip=192.0.2.3&ip=2001:db8::3`,
      ];
      for (const [index, query] of sets.entries()) {
        const both = `192.0.2.${index + 1},2001:db8::${index + 1}`;
        expect(await update(query)).toEqual([200, `good ${both}`]);
        expect(await published()).toEqual(both.split(',').map((text) => [text]));
      }
      const headers = { ...form({}).headers, ...MASTER };
      const halves = await ask(`/nic/update?myip=192.0.2.4&hostname=${host}`, {
        method: 'POST',
        headers,
        body: 'myip=2001:db8::4&MYIP=192.0.2.5',
      });
      expect(halves.body).toBe('good 192.0.2.4,192.0.2.5,2001:db8::4\n');
      const part = (name: string, value: string) =>
        `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const multipart = await ask('/nic/update', {
        method: 'POST',
        headers: { ...MASTER, 'Content-Type': 'multipart/form-data; boundary=b' },
        body: `${part('h[]', host)}${part('h[]', `b.${host}`)}${part('myip', '192.0.2.6')}${part('myip', '2001:db8::6')}--b--\r\n`,
      });
      expect(multipart.body).toBe('good 192.0.2.6,2001:db8::6\ngood 192.0.2.6,2001:db8::6\n');
    });

    it('name several hosts, and mean the same with commas, in any case and place', async () => {
      const names = ['a', 'b', 'c'].map((label) => `${label}.${host}`);
      const spelling = fc.constantFrom('hostname', 'HostName', 'HOSTNAME');
      const piece = fc.record({ name: spelling, inBody: fc.boolean() });
      let n = 0;
      await fc.assert(
        fc.asyncProperty(fc.tuple(piece, piece, piece), async (pieces) => {
          n += 1;
          const at = (inBody: boolean) =>
            pieces.flatMap((one, index) => (one.inBody === inBody ? [`${one.name}=${names[index]}`] : [])).join('&');
          const { body } = await ask(`/nic/update?${at(false)}&myip=192.0.2.${(n % 200) + 1}`, {
            method: 'POST',
            headers: { ...form({}).headers, ...MASTER },
            body: at(true),
          });
          expect(body.split('\n').filter((line) => /^(good|nochg) 192\.0\.2\.\d+$/.test(line))).toHaveLength(3);
        }),
        { numRuns: 20 },
      );
      for (const name of names) expect((await lab.look(name, 'A'))[0]).toBe(`192.0.2.${(n % 200) + 1}`);
    });

    it('of other names the first that is not empty counts', async () => {
      expect(await update(`hostname=${host}&myip=192.0.2.1&ttl=&ttl=77&ttl=x`)).toEqual([200, 'good 192.0.2.1']);
      expect(await lab.ttl(host, 'A')).toBe(77);
      await unchanged(async () => {
        expect((await update(`hostname=${host}&myip=192.0.2.2&dry_run=1&dry_run=0`))[1]).toContain('would change');
      });
    });

    it.each([
      ['duckdns', `/update?domains=HOST&domains=b.HOST&token=${SECRET}&ip=192.0.2.1`, 'OK', true],
      ['duckdns', `/update?domains=HOST&token=${SECRET}&ip=192.0.2.1&ip=192.0.2.1`, 'OK', true],
      ['duckdns', `/update?domains=HOST&token=${SECRET}&ip=192.0.2.1&ip=192.0.2.2`, 'KO', false],
      ['duckdns', `/update?domains=HOST&token=${SECRET}&ip=192.0.2.1,192.0.2.2`, 'KO', false],
      ['duckdns', `/update?domains=HOST&token=${SECRET}&ip=2001:db8::1&ipv6=2001:db8::2`, 'KO', false],
      ['duckdns', `/update/HOST/${SECRET}/192.0.2.1,192.0.2.2`, 'KO', false],
      ['freemyip', `/update?domain=HOST&token=${SECRET}&myip=192.0.2.1&myip=192.0.2.2`, 'ERROR', false],
      ['freemyip', `/update?domain=HOST&token=${SECRET}&myip=192.0.2.1,2001:db8::1`, 'ERROR', false],
      ['freemyip', `/update?domain=HOST&domain=b.HOST&token=${SECRET}&myip=192.0.2.1`, 'ERROR', false],
      ['dynv6', `/api/update?hostname=HOST&token=${SECRET}&ipv4=192.0.2.1&ipv4=192.0.2.2`, 'invalid address', false],
      ['dynv6', `/api/update?hostname=HOST&token=${SECRET}&ipv6=2001:db8::1,2001:db8::2`, 'invalid address', false],
      ['dynv6', `/api/update?hostname=HOST&hostname=b.HOST&token=${SECRET}&ipv4=192.0.2.1`, 'zone not found', false],
      [
        'freedns',
        `/dynamic/update.php?${SECRET}&host=HOST&address=192.0.2.1,192.0.2.2`,
        'ERROR: Invalid IP address.',
        false,
      ],
      ['freedns', `/u/${SECRET}?host=HOST&ip=192.0.2.1&address=192.0.2.2`, 'ERROR: Invalid IP address.', false],
      ['noip', `/ducupdate.php?pass=${SECRET}&h[]=HOST&ip=192.0.2.1,192.0.2.2`, '192.0.2.1:7', false],
      ['dyndns1', `/nic/dyndns?password=${SECRET}&host_id=HOST&myip=192.0.2.1&myip=192.0.2.2`, 'BADIP', false],
      [
        'easydns',
        `/dyn/generic.php?password=${SECRET}&hostname=HOST&myip=192.0.2.1&myip=192.0.2.2`,
        'ILLEGAL INPUT',
        false,
      ],
      ['njalla', `/update?h=HOST&k=${SECRET}&a=192.0.2.1&a=192.0.2.2`, 'invalid address', false],
    ])('%s: %s', async (_protocol, target, expected, changes) => {
      const serial = await lab.serial();
      const { body } = await ask(target.replaceAll('HOST', host));
      expect(body).toContain(expected);
      expect((await lab.serial()) > serial).toBe(changes);
    });
  });

  describe('several addresses of a family', () => {
    it('are published together, and replaced together', async () => {
      expect(await update(`hostname=${host}&myip=192.0.2.1,192.0.2.2`)).toEqual([200, 'good 192.0.2.1,192.0.2.2']);
      expect(await update(`hostname=${host}&myip=192.0.2.2&myip=192.0.2.1`)).toEqual([
        200,
        'nochg 192.0.2.1,192.0.2.2',
      ]);
      expect(await update(`hostname=${host}&myip=192.0.2.9&myipv6=2001:db8::1,2001:db8::2`)).toEqual([
        200,
        'good 192.0.2.9,2001:db8::1,2001:db8::2',
      ]);
      expect(await published()).toEqual([['192.0.2.9'], ['2001:db8::1', '2001:db8::2']]);
      const eight = Array.from({ length: 8 }, (_, n) => `192.0.2.${n + 1}`);
      expect(await update(`hostname=${host}&myipv4=${eight}`)).toEqual([200, `good ${eight}`]);
      await unchanged(async () => {
        expect(await update(`hostname=${host}&myip=${eight},192.0.2.99`)).toEqual([200, 'dnserr']);
        expect(await update(`hostname=${host}&myip=${eight},224.0.0.1`)).toEqual([200, 'dnserr']);
      });
    });
  });

  describe('prefixes', () => {
    it('of IPv4 move the published address', async () => {
      await unchanged(async () => expect(await update(`hostname=${host}&myip=10.1.0.0/16`)).toEqual([200, 'dnserr']));
      await update(`hostname=${host}&myip=10.9.2.3`);
      expect(await update(`hostname=${host}&myip=10.1.0.0/16`)).toEqual([200, 'good 10.1.2.3']);
      expect(await update(`hostname=${host}&myip=10.1.0.0/16`)).toEqual([200, 'nochg 10.1.2.3']);
      expect(await update(`hostname=${host}&myip=10.1.4.5/16`)).toEqual([200, 'good 10.1.4.5']);
      expect(await get(`/api/update?hostname=${host}&ipv4=10.2.0.0/16`)).toEqual([200, 'addresses updated']);
      expect(await published()).toEqual([['10.2.4.5'], []]);
    });

    it('of IPv6 complete an interface identifier', async () => {
      const iid = '::1a2b:3c4d:5e6f:7890';
      await unchanged(async () => {
        expect(await update(`hostname=${host}&ipv6=${iid}`)).toEqual([200, 'dnserr']);
        expect(await get(`/api/update?hostname=${host}&ipv6=${iid}`)).toEqual([400, 'invalid address']);
        expect(await get(`/update?domains=${host}&token=${SECRET}&ipv6=${iid}`, {})).toEqual([200, 'KO']);
        expect(await get(`/update?domain=${host}&token=${SECRET}&myip=${iid}`, {})).toEqual([200, 'ERROR']);
      });
      const joined = '2001:db8:abcd:ef00:1a2b:3c4d:5e6f:7890';
      expect(await update(`hostname=${host}&ipv6=${iid}&ipv6prefix=2001:db8:abcd:ef00::/64`)).toEqual([
        200,
        `good ${joined}`,
      ]);
      expect(await get(`/api/update?hostname=${host}&ipv6=${iid}&ipv6prefix=2001:db8:abcd:ef01::/64`)).toEqual([
        200,
        'addresses updated',
      ]);
      expect(await published()).toEqual([[], [joined.replace('ef00', 'ef01')]]);
    });
  });

  describe('lists of hosts', () => {
    it('in a user name, of Basic or a parameter', async () => {
      const good = (address: string) => [200, `good ${address}\ngood ${address}`];
      const users = `u1.${ZONE},x.lab.${ZONE}`;
      expect(await update('myip=192.0.2.1', basic(users, 'users-secret'))).toEqual(good('192.0.2.1'));
      expect(await update(`username=${users}&password=users-secret&myip=192.0.2.2`, {})).toEqual(good('192.0.2.2'));
      expect(await get(`/?myip=192.0.2.3`, basic(users, 'users-secret'))).toEqual(good('192.0.2.3'));
      expect(await update('myip=192.0.2.4', basic(`u1.${ZONE},other.${ZONE},a..b`, 'users-secret'))).toEqual([
        200,
        'good 192.0.2.4\nnohost\nnotfqdn',
      ]);
      // Not hosts of this credential.
      expect(await update('myip=192.0.2.4', basic('a,b', 'one-secret'))).toEqual([200, 'good 192.0.2.4']);
      expect(await update(`myip=192.0.2.4&user=u2.${ZONE}`, basic('none', 'users-secret'))).toEqual([
        200,
        'good 192.0.2.4',
      ]);
    });

    it('in the name of a parameter', async () => {
      expect(await update(`myipv6:a.${host},b.${host}=2001:db8::2&myipv6:c.${host}=2001:db8::3`)).toEqual([
        200,
        'good 2001:db8::2\ngood 2001:db8::2\ngood 2001:db8::3',
      ]);
      // Without a prefix, `::2` is not an address.
      expect(await update(`myipv6:a.${host},b.${host}=::2`)).toEqual([200, 'dnserr\ndnserr']);
    });

    it('a label in praefix is in front of the domain', async () => {
      expect(await update(`domain=${host}&praefix=nas&ip=192.0.2.1`)).toEqual([200, 'good 192.0.2.1']);
      expect(await published(`nas.${host}`)).toEqual([['192.0.2.1'], []]);
      expect(await published()).toEqual([[], []]);
      expect(await update(`domain=a.${host},b.${host}&praefix=nas&ip=192.0.2.1`)).toEqual([200, 'notfqdn']);
    });

    it('have 20 at most, at every door, before anything is changed', async () => {
      await unchanged(async () => {
        const names = Array.from({ length: 21 }, (_, n) => `n${n}.${host}`);
        const repeat = (name: string) => names.map((text) => `${name}=${text}`).join('&');
        const own = names.map((text) => `myipv4:${text}=192.0.2.1`).join('&');
        const users = names.map((_, n) => `x${n}.lab.${ZONE}`).join(',');
        const cases: readonly (readonly [string, string, Readonly<Record<string, string>>?])[] = [
          [`/nic/update?hostname=${names}&myip=192.0.2.1`, 'numhost'],
          [`/nic/update?${repeat('hostname')}&myip=192.0.2.1`, 'numhost'],
          [`/nic/update?${repeat('h[]')}&myip=192.0.2.1`, 'numhost'],
          [`/nic/update?${own}`, 'numhost'],
          [`/nic/update?myipv4:${names}=192.0.2.1`, 'numhost'],
          [`/nic/update?hostname=${host}&myip=192.0.2.1&myipv4:${names.slice(1)}=192.0.2.1`, 'numhost'],
          [`/nic/delete?hostname=${names}`, 'numhost'],
          [`/?hostname=${names}&myip=192.0.2.1`, 'numhost'],
          ['/nic/update?myip=192.0.2.1', 'numhost', basic(users, 'users-secret')],
          [`/nic/update?username=${users}&token=users-secret&myip=192.0.2.1`, 'numhost', {}],
          [`/update?domains=${names}&token=${SECRET}&ip=192.0.2.1`, 'KO', {}],
          [`/update?${repeat('domains')}&token=${SECRET}&ip=192.0.2.1`, 'KO', {}],
          [`/update/${names}/${SECRET}/192.0.2.1`, 'KO', {}],
          [`/update?domains=${names}&token=${SECRET}&txt=x`, 'KO', {}],
          [`/ducupdate.php?pass=${SECRET}&${repeat('h[]')}&ip=192.0.2.1`, '192.0.2.1:5', {}],
          [
            `/ducupdate.php?requestL=${encodeURIComponent(Buffer.from(`pass=${SECRET}&${repeat('h[]')}&ip=192.0.2.1`).toString('base64'))}`,
            '192.0.2.1:5',
            {},
          ],
          ['/ducupdate.php?ip=192.0.2.1', '192.0.2.1:5', basic(users, 'users-secret')],
          [`/u/${SECRET}?host=${names}&ip=192.0.2.1`, 'ERROR: Too many hosts.', {}],
          ['/u?ip=192.0.2.1', 'ERROR: Too many hosts.', basic(users, 'users-secret')],
          ['/api?action=getdyndns&sha=many-secret', 'ERROR: Too many hosts.', {}],
          [`/nic/dyndns?host_id=${names}&myip=192.0.2.1`, 'NOHOST'],
          ['/nic/dyndns?myip=192.0.2.1', 'NOHOST', basic(users, 'users-secret')],
          [`/dyn/generic.php?hostname=${names}&myip=192.0.2.1`, 'NOACCESS'],
          [`/update?h=${names}&k=${SECRET}&a=192.0.2.1`, 'invalid host or key', {}],
        ];
        for (const [target, expected, headers = MASTER] of cases) {
          const { body } = await ask(target, { headers });
          expect(body, target.slice(0, 60)).toContain(expected);
          expect(body.trimEnd().split('\n').length, target.slice(0, 60)).toBeLessThan(6);
        }
      });
    });
  });

  describe("an address in an unknown parameter never publishes the caller's", () => {
    const TARGETS: readonly (readonly [string, string])[] = [
      ['/nic/update?hostname=HOST&STRAY', 'dnserr'],
      ['/nic/update?hostname=HOST&myip=&STRAY', 'dnserr'],
      ['/nic/update?hostname=HOST&myipv6=preserve&STRAY', 'dnserr'],
      ['/nic/delete?hostname=HOST&STRAY', 'dnserr'],
      ['/?hostname=HOST&STRAY', 'dnserr'],
      ['/nic/dyndns?host_id=HOST&STRAY', 'BADIP'],
      ['/dyn/generic.php?hostname=HOST&STRAY', 'ILLEGAL INPUT'],
      [`/update?h=HOST&k=${SECRET}&STRAY`, 'invalid address'],
      [`/update?h=HOST&k=${SECRET}&auto&STRAY`, 'invalid address'],
      [`/update?domains=HOST&token=${SECRET}&STRAY`, 'KO'],
      [`/update/HOST/${SECRET}?STRAY`, 'KO'],
      [`/update?domain=HOST&token=${SECRET}&STRAY`, 'ERROR'],
      [`/dynamic/update.php?${SECRET}&host=HOST&STRAY`, 'ERROR: Invalid IP address.'],
      [`/u/${SECRET}?host=HOST&STRAY`, 'ERROR: Invalid IP address.'],
      [`/ducupdate.php?pass=${SECRET}&h[]=HOST&STRAY`, ':7'],
      [`/api/update?hostname=HOST&ipv4=auto&ipv6=&STRAY`, 'addresses updated'],
      [`/api/update?hostname=HOST&STRAY`, 'invalid address'],
    ];

    it.each(TARGETS)('%s', async (target, expected) => {
      for (const stray of ['addr=192.0.2.1', 'newip=2001:db8::1', 'NEWIP=192.0.2.1/24', 'x=192.0.2.1,2001:db8::1']) {
        const { body } = await ask(target.replace('HOST', host).replace('STRAY', stray), { headers: MASTER });
        if (!target.includes('auto&ipv6')) {
          expect(body, stray).toContain(expected);
          expect(await published()).toEqual([[], []]);
        }
      }
      // Names that are ignored, and an address that is known.
      const ignored = '_ip6addr=2001:db8::1&mx=192.0.2.1&alias=192.0.2.1';
      const { body } = await ask(target.replace('HOST', host).replace('STRAY', ignored), { headers: MASTER });
      const isWithoutChange = target.startsWith('/nic/delete') || target === '/api/update?hostname=HOST&STRAY';
      if (!isWithoutChange) {
        expect(body).not.toContain(expected.replace('addresses updated', 'invalid'));
        expect(await published()).toEqual([[CALLER], []]);
      }
    });

    it('a parameter of another protocol neither', async () => {
      await unchanged(async () => {
        expect(await get(`/update/${host}/${SECRET}?myip=192.0.2.1`, {})).toEqual([200, 'KO']);
        expect(await get(`/api/update?hostname=${host}&myip=192.0.2.1`)).toEqual([400, 'invalid address']);
      });
      expect(await get(`/update?domains=${host}&token=${SECRET}&MyIP=192.0.2.1`, {})).toEqual([200, 'good 192.0.2.1']);
    });
  });

  describe("services of OpenWrt's list", () => {
    it.each([
      ['/api/v1/update/', 'host=HOST&ip=192.0.2.1', 'good 192.0.2.1'],
      ['/2/ddns/', 'hostname=HOST&myip=192.0.2.1', 'good 192.0.2.1'],
      ['/XDynDNSServer/XDynDNS.php', 'system=custom&hostname=HOST&myip=192.0.2.1', 'good 192.0.2.1'],
      ['/updateddns', 'hostname=HOST&ip6=2001:db8::1', 'good 2001:db8::1'],
      ['/auth/dynamic.html', 'host=HOST&dnsto=192.0.2.1', 'good 192.0.2.1'],
      ['/dynamic.duia', 'host=HOST&ip4=192.0.2.1', 'good 192.0.2.1'],
      ['/', 'hostname=HOST&myip=192.0.2.1&keepipv6=1', 'good 192.0.2.1'],
    ])('%s?%s', async (path, query, reply) => {
      const target = `${path}?${query.replace('HOST', host)}`;
      expect(await get(target)).toEqual([200, reply]);
      expect(await get(target, basic('x', 'wrong'))).toEqual([401, 'badauth']);
    });

    it('easyDNS: NOERROR is the first word, whether something changed or not', async () => {
      const easy = (query: string, headers: Readonly<Record<string, string>> = MASTER) =>
        get(`/dyn/generic.php?hostname=${host}&${query}`, headers);
      expect(await easy('myip=192.0.2.1')).toEqual([200, 'NOERROR']);
      expect(await easy('myip=192.0.2.1&wildcard=OFF')).toEqual([200, 'NOERROR']);
      expect(await easy('myip=2001:db8::1')).toEqual([200, 'NOERROR']);
      expect(await published()).toEqual([['192.0.2.1'], ['2001:db8::1']]);
      expect(await easy('myip=x')).toEqual([200, 'ILLEGAL INPUT']);
      expect(await easy('myip=192.0.2.2', basic('one', 'one-secret'))).toEqual([200, 'NOACCESS']);
      expect(await easy('myip=192.0.2.2', basic('x', 'wrong'))).toEqual([401, 'NO_AUTH']);
    });

    it('Njalla: JSON, and no error has a status 2xx', async () => {
      const nj = (query: string, key = SECRET) => get(`/update/?h=${host}&k=${key}${query}`, {});
      const ok = (value: object) => [200, JSON.stringify({ status: 200, message: 'record updated', value })];
      expect(await nj('&a=192.0.2.1&aaaa=2001:db8::1')).toEqual(ok({ A: '192.0.2.1', AAAA: '2001:db8::1' }));
      expect(await nj('&a=192.0.2.1&quiet')).toEqual(ok({ A: '192.0.2.1' }));
      expect(await nj('&auto')).toEqual(ok({ A: CALLER }));
      expect(await nj('&aaaa=192.0.2.1')).toEqual([400, '{"status":400,"message":"invalid address"}']);
      const unknown = [401, '{"status":401,"message":"invalid host or key"}'];
      expect(await nj('&a=192.0.2.1', 'wrong')).toEqual(unknown);
      expect(await nj('&a=192.0.2.1', 'one-secret')).toEqual(unknown);
    });
  });
});

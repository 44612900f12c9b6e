// Whole sites behind one IPv6 prefix, on the whole server: with a real BIND behind it, and on the embedded nameserver. All
// members move in one step of the serial, or none does; a reader by AXFR never sees a part.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandsOf } from '../support/commands.ts';
import { dig, type ServerAddress } from '../support/dig.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { nsupdate } from '../support/nsupdate.ts';
import type { KeySpec } from '../support/primary-server.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { makeKey, openLab, SECRET, ZONE } from './lab.ts';

const MEMBERS = 50;
const HOST = `home.${ZONE}`;
const MASTER = { Authorization: `Bearer ${SECRET}` };
const TOKEN = { Authorization: 'Bearer router-secret' };

const numbers = Array.from({ length: MEMBERS }, (_, index) => index + 1);
const members = [
  ...numbers.map((n) => ({ name: `m${n}.${ZONE}`, interface_id: `::${n.toString(16)}`, subnet: n % 8 })),
  { name: HOST, interface_id: '::1:1' },
];
/** What each member has below a /56: `2001:db8:0:<site>00::/56`. */
const expected = (site: string) => [
  `${HOST}. 2001:db8:0:${site}00::1:1`,
  ...numbers.map((n) => `m${n}.${ZONE}. 2001:db8:0:${site}0${n % 8}::${n.toString(16)}`),
];

interface Subject {
  readonly server: RunningDyndns;
  readonly primary: ServerAddress;
  readonly key: KeySpec;
  /** Lets changes come to the primary, or not. */
  readonly reach: (open: boolean) => void;
  stop(): Promise<void>;
}

const common = {
  secret: SECRET,
  store: 'sqlite:dyndns.db',
  nameserver_timeout_seconds: 2,
  log_level: 20,
  limits: { refused_per_minute_per_source: 0 },
  tokens: [
    { name: 'router', sha256: createHash('sha256').update('router-secret').digest('hex'), hosts: [HOST] },
    {
      name: 'narrow',
      sha256: createHash('sha256').update('narrow-secret').digest('hex'),
      hosts: [HOST],
      addresses: ['2001:db8:0:1000::/56', '192.0.2.0/24'],
    },
  ],
  hosts: [
    { name: HOST, members },
    {
      name: `lan.${ZONE}`,
      members: [
        { name: `nas.lan.${ZONE}`, mac: '00:11:22:33:44:55' },
        { name: `far.lan.${ZONE}`, interface_id: '::f', subnet: 300 },
        { name: `off.lan.${ZONE}`, interface_id: '::e' },
        { name: `www.${ZONE}`, interface_id: '::d' },
      ],
    },
    { name: `off.lan.${ZONE}`, enabled: false },
    {
      name: `follow.${ZONE}`,
      prefix_length: 56,
      interface_id: '::5',
      members: [{ name: `cam.follow.${ZONE}`, interface_id: '::c', subnet: 2 }],
    },
    { name: `blocked.${ZONE}`, members: [{ name: `alias.${ZONE}`, interface_id: '::1' }] },
  ],
};

async function withBind(): Promise<Subject> {
  const lab = await openLab({}, 'alias CNAME home\n');
  const proxy: FaultProxy = await startFaultProxy(lab.primary);
  const zones = [{ name: ZONE, tsig_key: lab.key.secret, reserved: ['www'] }];
  const server = await lab.serve({ ...common, zones, port: proxy.port });
  return {
    server,
    primary: lab.primary,
    key: lab.key,
    reach: (open) => {
      proxy.otherwise = open ? 'none' : 'cut before';
    },
    async stop() {
      await lab.stop();
      await proxy.close();
    },
  };
}

async function embedded(): Promise<Subject> {
  const key = { ...makeKey('transfers', 'hmac-sha256'), algorithm: 'hmac-sha256' };
  const { dyndns, ...server } = await startEmbedded({
    zone: ZONE,
    keys: [key],
    config: common,
    records: 'alias IN CNAME home\nwww IN A 192.0.2.80\n',
  });
  return { server: dyndns, primary: server, key, reach: () => undefined, stop: server.stop };
}

describe.each([
  ['BIND', withBind],
  ['the embedded nameserver', embedded],
] as const)('a site on %s', (kind, start) => {
  describeWith(BIND_PROGRAMS, 'all of it', () => {
    let subject: Subject;
    const stops: (() => void)[] = [];

    beforeAll(async () => {
      subject = await start();
    }, 30_000);
    afterEach(() => {
      for (const stop of stops.splice(0)) stop();
    });
    afterAll(async () => {
      await subject?.stop();
    });

    const ask = async (query: string, headers: Record<string, string> = MASTER) => {
      const { status, body } = await subject.server.ask(`/nic/update?${query}`, { headers });
      return [status, body];
    };
    const serial = async () => {
      const { short } = await dig(subject.primary, [ZONE, 'SOA', '+norecurse']);
      return Number(short[0]?.split(' ')[2]);
    };
    /** The whole zone at one moment. */
    const transfer = async () => {
      const { name, algorithm, secret } = subject.key;
      const { answers } = await dig(subject.primary, [ZONE, 'AXFR', '-y', `${algorithm}:${name}:${secret}`]);
      expect(answers.length).toBeGreaterThan(1);
      return answers;
    };
    const site = async () => {
      const isMember = ({ ownerName }: { ownerName: string }) => /^(m\d+|home)\./.test(ownerName);
      const records = (await transfer()).filter((record) => isMember(record) && record.type === 'AAAA');
      return records.map(({ ownerName, rdata }) => `${ownerName} ${rdata}`).sort();
    };
    const look = async (name: string, type = 'AAAA') =>
      (await dig(subject.primary, [`${name}.${ZONE}`, type, '+norecurse'])).short;

    /** Looks at the zone all the time; gives the different sites that were seen, by their prefix. */
    function watch(): () => Promise<string[]> {
      const seen = new Set<string>();
      let isOver = false;
      stops.push(() => {
        isOver = true;
      });
      const watching = (async () => {
        do {
          const records = await site();
          const prefixes = new Set(records.map((record) => /2001:db8:0:(\w\w)/.exec(record)?.[1]));
          seen.add(`${records.length} in ${[...prefixes].join('+')}`);
        } while (!isOver);
      })();
      return async () => {
        isOver = true;
        await watching;
        return [...seen];
      };
    }

    it('moves with the prefix, A and AAAA, in one step of the serial', async () => {
      expect(await ask(`hostname=${HOST}&myip=192.0.2.1&ipv6prefix=2001:db8:0:1000::/56`, TOKEN)).toEqual([
        200,
        'good 192.0.2.1,2001:db8:0:1000::1:1\n',
      ]);
      expect(await site()).toEqual(expected('10').sort());
      const before = await serial();
      const seen = watch();
      expect(await ask(`hostname=${HOST}&myip=192.0.2.2&ipv6prefix=2001:db8:0:1100::/56`, TOKEN)).toEqual([
        200,
        'good 192.0.2.2,2001:db8:0:1100::1:1\n',
      ]);
      expect(await serial()).toBe(before + 1);
      expect(await site()).toEqual(expected('11').sort());
      expect(await look('home', 'A')).toEqual(['192.0.2.2']);
      for (const one of await seen()) expect(one).toMatch(/^51 in (10|11)$/);
      expect(await ask(`hostname=${HOST}&myip=192.0.2.2&ipv6prefix=2001:db8:0:1100::/56`, TOKEN)).toEqual([
        200,
        'nochg 192.0.2.2,2001:db8:0:1100::1:1\n',
      ]);
      expect(await serial()).toBe(before + 1);
    });

    it('moves many times under the eyes of a reader, who sees one prefix at a time', async () => {
      const seen = watch();
      for (let round = 0; round < 20; round++) {
        const number = (0x20 + round).toString(16);
        expect(await ask(`hostname=${HOST}&ipv6prefix=2001:db8:0:${number}00::/56`)).toEqual([
          200,
          `good 2001:db8:0:${number}00::1:1\n`,
        ]);
      }
      const sites = await seen();
      for (const one of sites) expect(one).toMatch(/^51 in \w\w$/);
      expect(sites.length).toBeGreaterThan(1);
    });

    it('says by dry_run what would change, and changes nothing', async () => {
      const [before, records] = [await serial(), await site()];
      const [status, body] = await ask(`hostname=${HOST}&ipv6prefix=2001:db8:0:5500::/56&dry_run=1`);
      expect(status).toBe(200);
      expect(String(body).split('\n')).toEqual([
        `would stay: ${HOST}. A 192.0.2.2`,
        expect.stringMatching(`^would change: ${HOST}. AAAA .* -> 2001:db8:0:5500::1:1$`),
        expect.stringMatching(`^would change: m1.${ZONE}. AAAA .* -> 2001:db8:0:5501::1$`),
        ...numbers.slice(1).map((n) => expect.stringContaining(`m${n}.${ZONE}. AAAA`)),
        '',
      ]);
      expect(body).not.toMatch(/good|nochg|ok\b|true|updated|success/i);
      const original = await subject.server.ask(
        `/update-by-query?fqdn=${HOST}&ipv6=2001:db8::5&dry_run=1&secret=${SECRET}`,
      );
      expect(original.body).toContain(`-> 2001:db8::5`);
      expect([await serial(), await site()]).toEqual([before, records]);
    });

    it('is never derived from an address of the router', async () => {
      const before = await site();
      expect(await ask(`hostname=${HOST}&myipv6=2001:db8:0:6600::7`)).toEqual([200, 'good 2001:db8:0:6600::7\n']);
      const others = (records: string[]) => records.filter((record) => !record.startsWith('home.'));
      expect(others(await site())).toEqual(others(before));
      // An address without an interface identifier and with a length is a prefix.
      expect(await ask(`hostname=${HOST}&myipv6=2001:db8:0:6700::/56`)).toEqual([200, 'good 2001:db8:0:6700::1:1\n']);
      expect(await site()).toEqual(expected('67').sort());
      // Both: the prefix for the members, the address for the host.
      const both = `hostname=${HOST}&myipv6=2001:db8:0:ff00::9&ip6lanprefix=2001:db8:0:6800::/56`;
      expect(await ask(both)).toEqual([200, 'good 2001:db8:0:ff00::9\n']);
      expect(others(await site())).toEqual(others(expected('68').sort()));
    });

    it('leaves members that cannot go there where they are, and the history says so', async () => {
      expect(await ask(`hostname=lan.${ZONE}&myip=192.0.2.9&prefix=2001:db8:0:9000::/60`)).toEqual([
        200,
        'good 192.0.2.9\n',
      ]);
      expect(await look('nas.lan')).toEqual(['2001:db8:0:9000:211:22ff:fe33:4455']);
      expect([await look('far.lan'), await look('off.lan')]).toEqual([[], []]);
      if (kind === 'BIND') expect(await look('www')).toEqual([]);
      const { json } = commandsOf(subject.server.configFile);
      const detailOf = async (name: string) => (await json('history', `${name}.${ZONE}`)).events[0]?.detail;
      expect(await detailOf('far.lan')).toBe(`member of lan.${ZONE}.: a /60 has no room for its subnet 300`);
      expect(await detailOf('off.lan')).toBe(`member of lan.${ZONE}.: its updates are switched off`);
      expect(await detailOf('nas.lan')).toBe(`member of lan.${ZONE}.`);
      // A host that has no IPv6 address itself, and only moves its members.
      expect(await ask(`hostname=lan.${ZONE}&prefix=2001:db8:0:9100::/64`)).toEqual([
        200,
        'good 2001:db8:0:9100:211:22ff:fe33:4455\n',
      ]);
    });

    it('keeps to the addresses of the token, for every member', async () => {
      const before = [await serial(), await site()];
      const narrow = { Authorization: 'Bearer narrow-secret' };
      expect(await ask(`hostname=${HOST}&myip=192.0.2.7&prefix=2001:db8:0:1100::/56`, narrow)).toEqual([
        200,
        'dnserr\n',
      ]);
      expect([await serial(), await site()]).toEqual(before);
      expect(await ask(`hostname=${HOST}&prefix=2001:db8:0:1000::/56`, narrow)).toEqual([
        200,
        'good 2001:db8:0:1000::1:1\n',
      ]);
    });

    it('with a CNAME at a member does not move at all', async () => {
      const before = await serial();
      expect(await ask(`hostname=blocked.${ZONE}&myip=192.0.2.3&prefix=2001:db8:0:1000::/64`)).toEqual([
        200,
        'dnserr\n',
      ]);
      expect([await serial(), await look('blocked', 'A')]).toEqual([before, []]);
    });

    it('follows a plain IPv6 address where prefix_length is set, but never that of a FRITZ!Box', async () => {
      const follow = (query: string, userAgent: string) =>
        ask(`hostname=follow.${ZONE}&${query}`, { ...MASTER, 'User-Agent': userAgent });
      const box = 'Fritz!Box DDNS/1.0.1';
      expect(await follow('myip=192.0.2.8,2001:db8:0:a134::99', 'ddclient/4.0.0')).toEqual([
        200,
        'good 192.0.2.8,2001:db8:0:a134::99\n',
      ]);
      expect([await look('follow'), await look('cam.follow')]).toEqual([
        ['2001:db8:0:a134::99'],
        ['2001:db8:0:a102::c'],
      ]);
      await follow('myip=192.0.2.8,2001:db8:0:a234::99', box);
      expect([await look('follow'), await look('cam.follow')]).toEqual([
        ['2001:db8:0:a234::99'],
        ['2001:db8:0:a102::c'],
      ]);
      await follow('myip=192.0.2.8,2001:db8:0:a234::99&ip6lanprefix=2001:db8:0:a300::/56', box);
      expect(await look('cam.follow')).toEqual(['2001:db8:0:a302::c']);
      // A prefix alone: the host's own interface identifier in it.
      expect(await follow('ip6lanprefix=2001:db8:0:a400::/56', box)).toEqual([200, 'good 2001:db8:0:a400::5\n']);
      expect([await look('follow'), await look('cam.follow')]).toEqual([
        ['2001:db8:0:a400::5'],
        ['2001:db8:0:a402::c'],
      ]);
    });

    if (kind !== 'BIND') return;

    it('stays all old while the primary is away, waits, and then moves in one step', async () => {
      const { run } = commandsOf(subject.server.configFile);
      await ask(`hostname=${HOST}&myip=192.0.2.2&prefix=2001:db8:0:7000::/56`);
      const before = await serial();
      const seen = watch();
      subject.reach(false);
      expect(await ask(`hostname=${HOST}&myip=192.0.2.70&prefix=2001:db8:0:7100::/56`)).toEqual([503, '911\n']);
      expect(await site()).toEqual(expected('70').sort());
      const status = await run('status');
      expect(status).toContain(`52 updates wait`);
      subject.reach(true);
      await waitUntil('the site to move', async () => (await look('m50'))[0] === '2001:db8:0:7102::32', 45_000);
      expect(await site()).toEqual(expected('71').sort());
      expect(await look('home', 'A')).toEqual(['192.0.2.70']);
      expect(await serial()).toBe(before + 1);
      for (const one of await seen()) expect(one).toMatch(/^51 in (70|71)$/);
      await waitUntil('nothing to wait', async () => !(await run('status')).includes('updates wait'));
    }, 60_000);

    it('whose member somebody else has changed meanwhile moves without that one', async () => {
      await ask(`hostname=${HOST}&prefix=2001:db8:0:7200::/56`);
      subject.reach(false);
      expect(await ask(`hostname=${HOST}&prefix=2001:db8:0:7300::/56`)).toEqual([503, '911\n']);
      const edit = [`update delete m7.${ZONE} AAAA`, `update add m7.${ZONE} 60 AAAA 2001:db8::99`];
      expect((await nsupdate(subject.primary, subject.key, ZONE, edit)).code).toBe(0);
      subject.reach(true);
      await waitUntil('the site to move', async () => (await look('m50'))[0] === '2001:db8:0:7302::32', 45_000);
      expect(await look('m7')).toEqual(['2001:db8::99']);
    }, 60_000);
  });
});

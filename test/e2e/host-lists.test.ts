// Lists of hosts on the whole server: what is left of a zone after refusals by rule is one change, with a real BIND behind it
// and on the embedded nameserver. A reader by AXFR never sees a part; if the zone refuses one host, the others are changed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsOf } from '../support/commands.ts';
import { dig, type ServerAddress } from '../support/dig.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { nsupdate } from '../support/nsupdate.ts';
import type { KeySpec } from '../support/primary-server.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { makeKey, openLab, SECRET, ZONE } from './lab.ts';

const LABELS = ['a', 'b', 'c', 'd', 'e'];
const HEADERS = { Authorization: `Bearer ${SECRET}` };

interface Subject {
  readonly server: RunningDyndns;
  readonly primary: ServerAddress;
  readonly key: KeySpec;
  /** Lets changes come to the primary, or not; undefined: they always do. */
  readonly reach?: (open: boolean) => void;
  stop(): Promise<void>;
}

const common = {
  secret: SECRET,
  store: 'sqlite:dyndns.db',
  log_level: 0,
  nameserver_timeout_seconds: 2,
  limits: { refused_per_minute_per_source: 0 },
  protocols: { noip: true, duckdns: true },
  hosts: [{ name: `off.${ZONE}`, enabled: false }],
};

async function withBind(): Promise<Subject> {
  const lab = await openLab({}, 'alias CNAME home\n');
  const proxy = await startFaultProxy(lab.primary);
  const zones = [{ name: ZONE, tsig_key: lab.key.secret }];
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
    records: 'alias IN CNAME home\n',
  });
  return { server: dyndns, primary: server, key, stop: server.stop };
}

describe.each([
  ['BIND', withBind],
  ['the embedded nameserver', embedded],
] as const)('a list of hosts on %s', (_, start) => {
  describeWith(BIND_PROGRAMS, 'all of it', () => {
    let subject: Subject;

    beforeAll(async () => {
      subject = await start();
    }, 30_000);
    afterAll(async () => {
      await subject?.stop();
    });

    const ask = async (target: string) => {
      const { status, body } = await subject.server.ask(target, { headers: HEADERS });
      return [status, body];
    };
    const hostnames = (labels: readonly string[]) => labels.map((label) => `${label}.${ZONE}`).join();
    const update = (labels: readonly string[], myip: string) =>
      ask(`/nic/update?hostname=${hostnames(labels)}&myip=${myip}`);
    const serial = async () => {
      const { short } = await dig(subject.primary, [ZONE, 'SOA', '+norecurse']);
      return Number(short[0]?.split(' ')[2]);
    };
    /** What the hosts have at one moment. */
    const transfer = async () => {
      const { name, algorithm, secret } = subject.key;
      const { answers } = await dig(subject.primary, [ZONE, 'AXFR', '-y', `${algorithm}:${name}:${secret}`]);
      const ofHosts = answers.filter(({ ownerName, type }) => type === 'A' && /^[a-e]\./.test(ownerName));
      return ofHosts.map(({ ownerName, rdata }) => `${ownerName[0]} ${rdata}`).sort();
    };
    const good = (address: string) => LABELS.map(() => `good ${address}\n`).join('');

    it('is one step of the serial, and a reader never sees a part of it', async () => {
      expect(await update(LABELS, '192.0.2.1')).toEqual([200, good('192.0.2.1')]);
      const seen = new Set<string>();
      let isOver = false;
      const watching = (async () => {
        do seen.add([...new Set((await transfer()).map((text) => text.slice(2)))].join('+'));
        while (!isOver);
      })();
      for (let round = 2; round < 12; round++) {
        const before = await serial();
        expect(await update(LABELS, `192.0.2.${round}`)).toEqual([200, good(`192.0.2.${round}`)]);
        expect(await serial()).toBe(before + 1);
      }
      isOver = true;
      await watching;
      for (const addresses of seen) expect(addresses).toMatch(/^192\.0\.2\.\d+$/);
      const before = await serial();
      expect(await update(LABELS, '192.0.2.11')).toEqual([200, good('192.0.2.11').replaceAll('good', 'nochg')]);
      expect(await serial()).toBe(before);
    });

    it('without the hosts that a rule refuses is one change', async () => {
      const before = await serial();
      const list = `a.${ZONE},elsewhere.example.org,off.${ZONE},b.${ZONE},a..b.${ZONE},c.${ZONE}`;
      const lines = ['good 192.0.2.21', 'nohost', 'abuse', 'good 192.0.2.21', 'notfqdn', 'good 192.0.2.21'];
      expect(await ask(`/nic/update?hostname=${list}&myip=192.0.2.21`)).toEqual([
        200,
        lines.map((line) => `${line}\n`).join(''),
      ]);
      expect(await serial()).toBe(before + 1);
    });

    it('with a host that the zone refuses changes the others, which DuckDNS cannot say', async () => {
      const [status, body] = await update(['a', 'alias', 'b'], '192.0.2.31');
      expect([status, body]).toEqual([200, 'good 192.0.2.31\ndnserr\ngood 192.0.2.31\n']);
      expect(await ask(`/update?domains=${hostnames(['a', 'alias', 'b'])}&token=${SECRET}&ip=192.0.2.32`)).toEqual([
        200,
        'KO',
      ]);
      expect((await transfer()).filter((text) => /^[ab]/.test(text))).toEqual(['a 192.0.2.32', 'b 192.0.2.32']);
    });

    it('of DuckDNS and of No-IP is one change', async () => {
      const before = await serial();
      expect(await ask(`/update?domains=${hostnames(LABELS)}&token=${SECRET}&ip=192.0.2.41`)).toEqual([200, 'OK']);
      expect(await serial()).toBe(before + 1);
      const list = LABELS.map((label) => `h[]=${label}.${ZONE}`).join('&');
      expect(await ask(`/ducupdate.php?username=x&pass=${SECRET}&${list}&ip=192.0.2.42`)).toEqual([
        200,
        LABELS.map(() => '192.0.2.42:1\n').join(''),
      ]);
      expect(await serial()).toBe(before + 2);
    });

    it('a private address is marked in the line of its update, and there is no further line', async () => {
      expect(await update(['a', 'b'], '100.64.0.9')).toEqual([200, 'good 100.64.0.9\ngood 100.64.0.9\n']);
      expect(await update(['a'], '198.51.100.9')).toEqual([200, 'good 198.51.100.9\n']);
      const lines = () => subject.server.log().filter(({ msg }) => /\b(100\.64\.0\.9|198\.51\.100\.9)\b/.test(msg));
      await waitUntil('both lines', () => lines().length >= 2);
      expect(lines().map((line) => [line['route'], line['private']])).toEqual([
        ['/nic/update', true],
        ['/nic/update', undefined],
      ]);
      const { json } = commandsOf(subject.server.configFile);
      const { events } = await json('history', `a.${ZONE}`);
      expect(events[0]).not.toHaveProperty('private');
      expect(events[1]).toMatchObject({ A: { after: ['100.64.0.9'] }, private: true });
    });

    it('that waits for its primary is published in one step', async () => {
      if (subject.reach === undefined) return;
      await update(LABELS, '192.0.2.51');
      const before = await serial();
      subject.reach(false);
      expect(await update(LABELS, '192.0.2.52')).toEqual([503, '911\n']);
      expect(await transfer()).toEqual(LABELS.map((label) => `${label} 192.0.2.51`));
      subject.reach(true);
      await waitUntil('the list to change', async () => (await transfer())[0] === 'a 192.0.2.52', 45_000);
      expect(await transfer()).toEqual(LABELS.map((label) => `${label} 192.0.2.52`));
      expect(await serial()).toBe(before + 1);
    }, 60_000);

    it('a private address in an UPDATE message is marked in its line, too', async () => {
      if (subject.reach !== undefined) return;
      const edit = [`update add lan.${ZONE} 60 A 192.0.2.1`, `update add lan.${ZONE} 60 AAAA fd00::1`];
      expect((await nsupdate(subject.primary, subject.key, ZONE, edit)).code).toBe(0);
      const line = () => subject.server.log().find(({ msg }) => msg.startsWith('UPDATE by the key'));
      await waitUntil('the line', () => line() !== undefined);
      expect(line()).toMatchObject({ private: true });
    });
  });
});

/**
 * Zone transfers and NOTIFY of our nameserver with dig, kdig, and BIND, Knot and NSD as secondaries of a zone that fills
 * many messages. The nameserver runs in this process, so that its state can be checked.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { encodeMessage, makeMessage, Rcode } from '../../src/dns/wire/message.ts';
import { Nameserver } from '../../src/nameserver/nameserver.ts';
import type { NameserverSettings, NameserverZone } from '../../src/nameserver/nameserver-options.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { LIMITS, SOA_OPTIONS } from '../support/edited-zone.ts';
import { freePort } from '../support/free-port.ts';
import { kdig } from '../support/kdig.ts';
import { freshDirectory, type KeySpec, writeInto } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, type SecondaryKind, startSecondary } from '../support/secondary.ts';

const HOSTS = 5000;
const ZONE = 'large.example.com';
/** A zone that the test's address may transfer without a key. */
const OPEN_ZONE = 'open.example.com';
const KEY: KeySpec = { name: ZONE, algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') };
const UPDATE_KEY: KeySpec = { ...KEY, name: 'update-only' };

function nameserverZone(
  name: string,
  hosts: number,
  keys: readonly KeySpec[],
  secondaries: readonly (readonly [port: number, key: KeySpec | undefined])[],
): NameserverZone {
  const apex = DomainName.parse(name);
  const record = (label: string, address: string): ResourceRecord => {
    const ownerName = DomainName.parse(label, apex);
    return { ownerName, type: RRType.A, class: RRClass.IN, ttl: 300, rdata: { kind: 'A', address } };
  };
  const records = Array.from({ length: hosts }, (_, i) => record(`host${i}`, `198.51.${i >> 8}.${i & 255}`));
  const tsig = (spec: KeySpec) =>
    makeTsigKey(DomainName.parse(spec.name), 'hmac-sha256', Buffer.from(spec.secret, 'base64'));
  return {
    content: {
      apex,
      ns: [apex.prepend('ns1')],
      contact: apex.prepend('hostmaster'),
      ...SOA_OPTIONS,
      records: [record('ns1', '127.0.0.1'), ...records],
    },
    keys: keys.map((spec) => ({
      keyName: DomainName.parse(spec.name),
      tsig: tsig(spec),
      mayUpdate: true,
      mayTransfer: spec !== UPDATE_KEY,
    })),
    secondaries: secondaries.map(([port, key]) => {
      return { address: '127.0.0.1', port, notify: true, poll: true, ...(key && { key: tsig(key) }) };
    }),
    rules: { apex, addresses: { allow: [], deny: [] }, ttl: {} },
  };
}

describeWith([...BIND_PROGRAMS, ...SECONDARY_PROGRAMS], 'transfers of the embedded nameserver', () => {
  const directory = freshDirectory('transfers');
  const ports = new Map<SecondaryKind, number>();
  let nameserver: Nameserver;
  let settings: NameserverSettings;
  let server: { host: string; port: number };

  async function open(): Promise<void> {
    nameserver = await Nameserver.open({
      database: join(directory, 'zones.db'),
      settings,
      cookieKey: Buffer.alloc(16),
      applyUpdate: () => Promise.reject(new Error('no UPDATE here')),
      onBatch: () => undefined,
      onUpdate: () => undefined,
      // A secondary does not answer before it has started.
      onWarning: () => undefined,
    });
    await nameserver.listen([{ host: server.host, port: server.port }], false);
  }

  beforeAll(async () => {
    for (const kind of SECONDARY_KINDS) ports.set(kind, await freePort());
    server = { host: '127.0.0.1', port: await freePort() };
    settings = {
      zones: [
        nameserverZone(
          ZONE,
          HOSTS,
          [KEY, UPDATE_KEY],
          [...ports.values()].map((port) => [port, KEY]),
        ),
        nameserverZone(OPEN_ZONE, 0, [], [[await freePort(), undefined]]),
      ],
      limiter: undefined,
      nsid: undefined,
      chaosVersion: undefined,
      limits: LIMITS,
      timeoutMs: 5000,
    };
    await open();
    writeInto(directory, 'key', keyFile(KEY));
    writeInto(directory, 'update-key', keyFile(UPDATE_KEY));
  });
  afterAll(async () => {
    await nameserver?.close();
    removeNow(directory);
  });

  const keyFile = ({ name, algorithm, secret }: KeySpec) =>
    `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`;
  const signed = ['-k', join(directory, 'key')];

  async function setAddress(zone: string, label: string, address: string): Promise<void> {
    const ownerName = DomainName.parse(label, DomainName.parse(zone));
    const rrset = { ownerName, type: RRType.A, ttl: 60, rdatas: [{ kind: 'A' as const, address }] };
    const change = { zone: DomainName.parse(zone), ownerName, prerequisites: [] };
    const edits = [{ kind: 'replace-rrset' as const, rrset }];
    const outcome = await nameserver.publisher(change.zone).publish({ ...change, edits }, performance.now() + 5000);
    expect(outcome).toBe('published');
  }

  const serialOf = async (zone: string) => Number((await dig(server, [zone, 'SOA'])).short[0]!.split(' ')[2]);

  it('dig gets a signed AXFR of many messages: every record once, and the SOA at both ends', async () => {
    const { answers, text } = await dig(server, [...signed, ZONE, 'AXFR', '+nocookie']);
    expect(text).not.toMatch(/failed|fault|couldn't verify|;; Warning/i);
    expect(Number(/messages (\d+)/.exec(text)?.[1])).toBeGreaterThan(6);
    const soas = answers.filter(({ type }) => type === 'SOA');
    expect([answers[0], answers.at(-1)]).toEqual(soas);
    const hosts = answers.filter(({ type }) => type === 'A').map(({ ownerName, rdata }) => `${ownerName} ${rdata}`);
    const expected = Array.from({ length: HOSTS }, (_, i) => `host${i}.${ZONE}. 198.51.${i >> 8}.${i & 255}`);
    expect(hosts.sort()).toEqual([...expected, `ns1.${ZONE}. 127.0.0.1`].sort());
    expect(answers).toHaveLength(HOSTS + 4);
  });

  it('kdig gets a signed AXFR, and verifies all of it', async () => {
    const { answers, text } = await kdig(server, [ZONE, 'AXFR'], KEY);
    expect(text.split('\n').filter((line) => /;; (WARNING|ERROR)/.test(line))).toEqual([]);
    expect(answers).toHaveLength(HOSTS + 4);
  });

  it.each<[string, () => readonly string[]]>([
    ['without a key, though the address is listed with one', () => []],
    ['with a key that may update only', () => ['-k', join(directory, 'update-key')]],
  ])('nobody has the zone %s', async (_title, key) => {
    const { answers, text } = await dig(server, [...key(), ZONE, 'AXFR']);
    expect(answers).toEqual([]);
    expect(text).toMatch(/Transfer failed/);
    expect((await kdig(server, [ZONE, 'AXFR'], key().length === 0 ? undefined : UPDATE_KEY)).text).toMatch(/REFUSED/);
  });

  it('a listed address gets the zone without a key, also with EDNS and a cookie as dig sends by default', async () => {
    for (const args of [[], ['+nocookie', '+noedns'], ['+dnssec', '+bufsize=512']]) {
      const { answers, text } = await dig(server, [OPEN_ZONE, 'AXFR', '+onesoa', ...args]);
      expect(text).not.toMatch(/failed|Warning/i);
      expect(answers.map(({ type }) => type).sort()).toEqual(['A', 'NS', 'SOA']);
    }
  });

  it('RFC 1995 §4: dig and kdig get the differences, after a restart from the journal; unsigned datagrams get only the SOA', async () => {
    const before = await serialOf(OPEN_ZONE);
    await setAddress(OPEN_ZONE, 'home', '192.0.2.1');
    await setAddress(OPEN_ZONE, 'home', '192.0.2.2');
    const expected = ['SOA', 'SOA', 'SOA', 'A', 'SOA', 'A', 'SOA', 'A', 'SOA'];
    for (const round of ['running', 'restarted']) {
      for (const transport of ['+tcp', '+notcp']) {
        const one = await dig(server, [OPEN_ZONE, `IXFR=${before}`, transport]);
        const other = await kdig(server, [OPEN_ZONE, `IXFR=${before}`, transport]);
        const types = [one, other].map(({ answers }) => answers.map(({ type }) => type));
        const alone = transport === '+notcp' ? [['SOA'], ['SOA']] : [expected, expected];
        expect(types, `${round} ${transport}\n${one.text}\n${other.text}`).toEqual(alone);
      }
      const now = await dig(server, [OPEN_ZONE, `IXFR=${await serialOf(OPEN_ZONE)}`]);
      expect(now.answers.map(({ type }) => type)).toEqual(['SOA']);
      if (round === 'running') {
        await nameserver.close();
        await open();
      }
    }
  });

  it('RFC 1995 §2: with a verified signature the differences are sent in a datagram, if they fit', async () => {
    const before = await serialOf(ZONE);
    await setAddress(ZONE, 'home', '192.0.2.1');
    const few = await dig(server, [...signed, ZONE, `IXFR=${before}`, '+notcp']);
    expect(few.text).not.toMatch(/Warning|couldn't verify/i);
    expect(few.answers.map(({ type }) => type)).toEqual(['SOA', 'SOA', 'SOA', 'A', 'SOA']);
    for (let i = 0; i < 20; i++) await setAddress(ZONE, 'home', `192.0.2.${i + 2}`);
    const many = await dig(server, [...signed, ZONE, `IXFR=${before}`, '+notcp']);
    expect(many.answers.map(({ type }) => type)).toEqual(['SOA']);
  });

  it('RFC 1995 §4: a serial that is not in the journal gets the whole zone', async () => {
    const { answers } = await dig(server, [OPEN_ZONE, `IXFR=${(await serialOf(OPEN_ZONE)) - 1000}`]);
    expect(answers.map(({ type }) => type).sort()).toEqual(['A', 'A', 'NS', 'SOA', 'SOA']);
  });

  it('RFC 5936 §4.2: AXFR over UDP is FORMERR, as with BIND', async () => {
    const configure = (config: string) => config.replace(/allow-transfer \{[^}]*\}/, 'allow-transfer { any; }');
    const bind = await startBind({ zones: [{ name: OPEN_ZONE }], keys: [], configure });
    try {
      for (const endpoint of [server, bind]) {
        const exchanger = new UdpExchanger(endpoint);
        const questions = [{ qname: DomainName.parse(OPEN_ZONE), qtype: RRType.AXFR, qclass: RRClass.IN }];
        const build = (id: number) => encodeMessage(makeMessage({ id, questions }));
        const { message } = await exchanger.exchange(build, performance.now() + 3000);
        exchanger.close();
        expect(message.rcode).toBe(Rcode.FORMERR);
      }
    } finally {
      await bind.stop();
    }
  });

  it('RFC 5936 §2.2.1: a zone that we do not serve is NOTAUTH', async () => {
    expect((await kdig(server, ['example.org', 'AXFR'])).text).toMatch(/NOTAUTH/);
  });

  it.each(SECONDARY_KINDS)('%s transfers the large zone, acknowledges NOTIFY and follows by IXFR', async (kind) => {
    const port = ports.get(kind)!;
    const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary: server, port });
    try {
      expect(await secondary.serial()).toBe(await serialOf(ZONE));
      for (const host of [0, 1234, HOSTS - 1]) {
        const [address] = (await dig(secondary, [`host${host}.${ZONE}`, 'A'])).short;
        expect(address).toBe(`198.51.${host >> 8}.${host & 255}`);
      }
      for (const address of ['203.0.113.1', '203.0.113.2']) {
        await setAddress(ZONE, `follow-${kind}`, address);
        await waitUntil(`${kind} to serve ${address}`, async () => {
          return (await dig(secondary, [`follow-${kind}.${ZONE}`, 'A'])).short[0] === address;
        });
      }
      const serial = await serialOf(ZONE);
      const status = () => nameserver.secondaries.find((each) => each.port === port)!;
      await waitUntil(`${kind} to acknowledge`, () => status().acknowledged?.serial === serial);
      await waitUntil(`the transfer to be seen`, () => status().held?.serial === serial);
      expect(status()).toMatchObject({ failures: 0, problem: undefined, isOutstanding: false });
      expect(status().behindSinceMs).toBeUndefined();
      expect(secondary.log()).not.toMatch(/tsig verify|bad tsig|failed while receiving/i);
    } finally {
      await secondary.stop();
    }
  });
});

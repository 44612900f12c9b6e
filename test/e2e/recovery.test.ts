// Faults of the primary under load, on the whole server with a real BIND: stopped, frozen, slow, and back. Nobody is told
// of an address that is not published, no accepted one is lost, and memory does not grow.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/token.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type LoadClient, startLoad, type Told, type UpdateLoad } from '../support/update-load.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

const CLIENTS = 50;
const TIMEOUT_S = 2;
/** What a reply may take at most: the time of the primary, and one second more. */
const REPLY_MS = (TIMEOUT_S + 1) * 1000;
/** A probe of a silent primary at the latest after half a minute, then all wishes. */
const RECOVERY_MS = 45_000;
const MORE_MEMORY_MB = 80;
// Memory is judged with the flags of the systemd unit: without them each version of V8 takes as much as it likes.
process.env['NODE_OPTIONS'] = '--v8-pool-size=1 --max-semi-space-size=2';

let lab: Lab;
let proxy: FaultProxy;
const cleanups: (() => unknown)[] = [];

const host = (client: number) => `client${client}.${ZONE}`;
const ipv4 = (client: number, number: number) => `10.${client}.${number >> 8}.${number & 255}`;
const numberOf = (address: string | undefined) => {
  const [, , high = 0, low = 0] = (address ?? '').split('.').map(Number);
  return high * 256 + low;
};

function rssMb({ process }: RunningDyndns): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

const isGood = ({ status }: Told) => status === 200;
const isKept = ({ status }: Told) => status === 512;

/** Fifty clients on a server; every twentieth good answer is compared with the primary. */
function load(server: RunningDyndns, looks: { open: boolean } = { open: true }, token = SECRET): UpdateLoad {
  let goods = 0;
  return startLoad({
    clients: CLIENTS,
    host,
    pauseMs: 20,
    isAccepted: (told) => isGood(told) || isKept(told),
    send: (client, number) =>
      server.ask(`/update-by-query?fqdn=${host(client)}&ipv4=${ipv4(client, number)}`, {
        headers: { Authorization: `Bearer ${token}` },
      }),
    async verify(client, told) {
      if (!isGood(told)) return;
      goods += 1;
      if (goods % 20 !== 0 || !looks.open) return;
      const [address] = await lab.look(client.host, 'A');
      // No answer at all: the primary has gone since.
      if (address !== undefined) expect(`${client.host} ${numberOf(address)}`).toBe(`${client.host} ${told.number}`);
    },
  });
}

/** Resolves when every host has the newest address that was accepted, or a newer one. */
async function expectNothingLost(clients: readonly LoadClient[], timeoutMs = RECOVERY_MS): Promise<void> {
  const waiting = new Set(clients);
  await waitUntil(
    'every host to have its newest address',
    async () => {
      for (const client of waiting) {
        const published = numberOf((await lab.look(client.host, 'A'))[0]);
        if (published < client.newestAccepted()) return false;
        waiting.delete(client);
      }
      return true;
    },
    timeoutMs,
  ).catch((cause: unknown) => {
    const lost = [...waiting].map((client) => `${client.host} has not ${client.newestAccepted()}`);
    throw new Error(lost.slice(0, 5).join(', '), { cause });
  });
}

async function serve(options: Readonly<Record<string, unknown>> = {}): Promise<RunningDyndns> {
  return lab.serve({ store: 'sqlite:dyndns.db', nameserver_timeout_seconds: TIMEOUT_S, log_level: 20, ...options });
}

/** Lets go of the clients until so many good answers were given. */
async function untilGood(running: UpdateLoad, count: number): Promise<void> {
  const target = goodsOf(running) + count;
  await waitUntil(`${count} good answers`, () => goodsOf(running) >= target);
}

function goodsOf({ clients }: UpdateLoad): number {
  return clients.reduce((sum, { told }) => sum + told.filter(isGood).length, 0);
}

beforeAll(async () => {
  lab = await openLab();
  proxy = await startFaultProxy(lab.primary);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await proxy?.close();
  await lab?.stop();
});

describeWith(BIND_PROGRAMS, 'a primary that fails under load', () => {
  /**
   * Runs the clients before and during a fault.
   * @param through they go on until it is over; else all that they were promised is left to the server
   */
  async function endure(server: RunningDyndns, through: boolean, begin: () => unknown, end: () => unknown) {
    const looks = { open: true };
    const running = load(server, looks);
    await untilGood(running, 300);
    const memory = rssMb(server);
    looks.open = false;
    await begin();
    const fromMs = performance.now();
    await delay(8_000);
    if (!through) await running.stop();
    const toMs = performance.now();
    const peak = rssMb(server);
    await end();
    looks.open = true;
    if (through) await untilGood(running, CLIENTS);
    await running.stop();
    const told = running.during(fromMs, toMs);
    const slowest = Math.max(...running.clients.flatMap((client) => client.told.map(({ ms }) => ms)));
    expect(slowest).toBeLessThan(REPLY_MS);
    expect(Math.max(peak, rssMb(server)) - memory).toBeLessThan(MORE_MEMORY_MB);
    expect(told.length).toBeGreaterThan(CLIENTS);
    await expectNothingLost(running.clients);
    return told;
  }

  it.each([
    ['stopped, and started again when the clients are silent', false],
    ['stopped and started again under load', true],
  ])('%s: no false good, no lost wish', { timeout: 120_000 }, async (_, through) => {
    const server = await serve();
    const told = await endure(
      server,
      through,
      () => lab.primary.halt(),
      () => lab.primary.restart(),
    );
    expect(told.filter(isGood)).toEqual([]);
    expect(told.every(isKept)).toBe(true);
  });

  it('frozen and thawed: what arrives late is no foreign edit', { timeout: 120_000 }, async () => {
    const server = await serve();
    cleanups.push(() => lab.primary.thaw());
    const told = await endure(
      server,
      false,
      () => lab.primary.freeze(),
      () => lab.primary.thaw(),
    );
    expect(told.filter(isGood)).toEqual([]);
    expect(server.log().filter(({ msg }) => msg.includes('somebody else'))).toEqual([]);
  });

  it('that applies everything and answers nothing: no false good, no lost wish', { timeout: 120_000 }, async () => {
    const server = await serve({ port: proxy.port });
    const told = await endure(
      server,
      false,
      () => {
        proxy.otherwise = 'drop reply';
      },
      () => {
        proxy.otherwise = 'none';
      },
    );
    expect(told.filter(isGood)).toEqual([]);
    expect(server.log().filter(({ msg }) => msg.includes('somebody else'))).toEqual([]);
  });

  it('slow, but in time: every answer is good and true', { timeout: 120_000 }, async () => {
    const server = await serve({ port: proxy.port });
    const told = await endure(
      server,
      true,
      () => {
        proxy.otherwise = 'late reply';
        proxy.delayMs = 500;
      },
      () => {
        proxy.otherwise = 'none';
      },
    );
    expect(told.filter(isGood).length).toBeGreaterThan(told.length * 0.9);
  });

  it('away while the server is restarted: the next one publishes what was kept', { timeout: 60_000 }, async () => {
    const store = `sqlite:${lab.primary.directory}/restarted.db`;
    const first = await serve({ store });
    cleanups.push(async () => lab.primary.restart());
    await lab.primary.halt();
    const target = (label: string, more: Record<string, string>) =>
      updateTarget({ zone_name: ZONE, record_name: label, ...more });
    const kept = await first.ask(target('restart', { ipv4: '192.0.2.1' }));
    expect([kept.status, kept.body]).toEqual([
      512,
      expect.stringMatching(/ The update is kept and will be tried again\.\n$/),
    ]);
    expect((await first.ask(target('restart', { ipv4: '192.0.2.2', ipv6: '2001:db8::2' }))).status).toBe(512);
    await first.process.stop('SIGKILL');
    const second = await serve({ store });
    await lab.primary.restart();
    cleanups.pop();
    await waitUntil(
      'the wishes of the first server to be published',
      async () =>
        (await lab.look(`restart.${ZONE}`, 'AAAA')).length > 0 && (await lab.look(`restart.${ZONE}`, 'A')).length > 0,
      RECOVERY_MS,
    );
    expect(await lab.look(`restart.${ZONE}`, 'A')).toEqual(['192.0.2.2']);
    expect(await lab.look(`restart.${ZONE}`, 'AAAA')).toEqual(['2001:db8::2']);
    await second.stop();
  });
});

describeWith(BIND_PROGRAMS, 'a foreign edit while an update waits', () => {
  async function edited(reconcile: 'report' | 'enforce', label: string): Promise<RunningDyndns> {
    const server = await serve({ reconcile, port: proxy.port });
    const target = (ipv4: string) => updateTarget({ zone_name: ZONE, record_name: label, ipv4 });
    expect((await server.ask(target('192.0.2.1'))).status).toBe(200);
    proxy.otherwise = 'cut before';
    cleanups.push(() => {
      proxy.otherwise = 'none';
    });
    expect((await server.ask(target('192.0.2.2'))).status).toBe(512);
    const name = `${label}.${ZONE}`;
    const edit = [`update delete ${name} A`, `update add ${name} 60 A 192.0.2.99`];
    expect((await nsupdate(lab.primary, lab.key, ZONE, edit)).code).toBe(0);
    proxy.otherwise = 'none';
    return server;
  }

  it('stays, and is reported, with reconcile: report', { timeout: 60_000 }, async () => {
    const server = await edited('report', 'reported');
    const told = () => server.log().find(({ msg }) => msg.includes('somebody else has changed'));
    await waitUntil('the report', () => told() !== undefined, RECOVERY_MS);
    expect(told()?.msg).toContain(`reported.${ZONE}`);
    expect(await lab.look(`reported.${ZONE}`, 'A')).toEqual(['192.0.2.99']);
  });

  it('is written over with reconcile: enforce', { timeout: 60_000 }, async () => {
    await edited('enforce', 'enforced');
    const isBack = async () => (await lab.look(`enforced.${ZONE}`, 'A')).join() === '192.0.2.2';
    await waitUntil('the wish to be published', isBack, RECOVERY_MS);
  });
});

describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'PostgreSQL', () => {
  it('restarted under load: requests go on by themselves, nothing is lost', { timeout: 120_000 }, async () => {
    const postgres = await startPostgres();
    cleanups.push(() => postgres.stop());
    const store = await openStore(postgres.url);
    const secret = 'secretOfRouter';
    await store.tokens.create({
      id: 'router',
      name: 'router',
      sha256: tokenSha256(secret),
      hosts: [DomainName.parse(`*.${ZONE}`)],
      types: [RRType.A],
      addresses: 'any',
      createdMs: Date.now(),
    });
    await store.close();
    const server = await serve({ store: postgres.url });
    cleanups.push(() => server.stop());
    const running = load(server, { open: true }, secret);
    await untilGood(running, 300);
    const memory = rssMb(server);
    await postgres.restart();
    await untilGood(running, 300);
    await postgres.halt('SIGQUIT');
    const fromMs = performance.now();
    await delay(3_000);
    const toMs = performance.now();
    await postgres.restart();
    await untilGood(running, 300);
    await running.stop();
    // What a token may do is known for a second without its store.
    const away = running.during(fromMs + 1_000, toMs);
    expect(away.length).toBeGreaterThan(0);
    expect(away.filter(({ status }) => status !== 503)).toEqual([]);
    const told = running.clients.flatMap((client) => client.told);
    expect(told.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    expect(Math.max(...told.map(({ ms }) => ms))).toBeLessThan(REPLY_MS);
    expect(rssMb(server) - memory).toBeLessThan(MORE_MEMORY_MB);
    for (const client of running.clients) {
      const published = numberOf((await lab.look(client.host, 'A'))[0]);
      expect(`${client.host} ${published}`).toBe(`${client.host} ${client.newestAccepted()}`);
    }
  });
});

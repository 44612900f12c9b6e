/**
 * Two servers share one PostgreSQL and one BIND. What a server does by itself (the end of a lease, the retry of an update, the
 * expiry of a TXT value) never follows an update of the same name that the other one has answered: the message of the first is
 * held on its way to the primary while the other gets the update.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, updateTarget, ZONE } from './lab.ts';

const LEASE_SECONDS = 3;
const [LEASED, PENDING] = [`leased.${ZONE}`, `pending.${ZONE}`];

interface Side {
  readonly proxy: FaultProxy;
  readonly server: RunningDyndns;
}

let lab: Lab;
let postgres: PostgresServer;
let sides: readonly [Side, Side];

async function serve(zoneOptions: Readonly<Record<string, unknown>> = {}): Promise<Side> {
  const proxy = await startFaultProxy(lab.primary);
  const server = await lab.serve({
    port: proxy.port,
    nameserver_timeout_seconds: 4,
    store: postgres.url,
    hosts: [{ name: LEASED, lease_seconds: LEASE_SECONDS }],
    zones: [{ name: ZONE, tsig_key: lab.key.secret, ...zoneOptions }],
  });
  return { proxy, server };
}

beforeAll(async () => {
  [lab, postgres] = await Promise.all([openLab(), startPostgres()]);
});
afterEach(async () => {
  for (const { proxy, server } of sides ?? []) {
    await server.stop();
    await proxy.close();
  }
});
afterAll(async () => {
  await lab?.stop();
  await postgres?.stop();
});

const update = ({ server }: Side, fqdn: string, ipv4: string) => server.ask(updateTarget({ fqdn, ipv4 }));

/** Waits until the message of one of them is held. @returns that one, then the other, which holds nothing any more */
async function firstHeld(): Promise<readonly [Side, Side]> {
  for (const { proxy } of sides) proxy.otherwise = 'hold';
  await waitUntil('a message that is held', () => sides.some(({ proxy }) => proxy.held.length > 0), 40_000);
  const [one, other] = sides;
  const found = one.proxy.held.length > 0 ? ([one, other] as const) : ([other, one] as const);
  found[1].proxy.release();
  return found;
}

/** Sends an update to `live` while a message of `busy` is held, and lets that arrive. @returns the reply */
async function updateMeanwhile(busy: Side, live: Side, fqdn: string, ipv4: string): Promise<string> {
  const answered = update(live, fqdn, ipv4);
  // It waits for the message, or it is answered at once.
  const atOnce = { done: false };
  void answered.then(() => {
    atOnce.done = true;
  });
  await waitUntil('the reply', () => atOnce.done, 1_000).catch(() => undefined);
  const { replies } = busy.proxy;
  busy.proxy.release();
  await waitUntil('the reply of the primary', () => busy.proxy.replies > replies);
  return (await answered).body;
}

describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'two servers on one primary and one store', () => {
  it('the end of a lease does not follow an update at the other server', { timeout: 60_000 }, async () => {
    sides = await Promise.all([serve(), serve()]);
    expect((await update(sides[0], LEASED, '192.0.2.1')).body).toMatch(/^UPDATED/);
    const [busy, live] = await firstHeld();
    expect(await updateMeanwhile(busy, live, LEASED, '192.0.2.1')).toMatch(/^(UPDATED|UNCHANGED)/);
    expect(await lab.look(LEASED, 'A')).toEqual(['192.0.2.1']);
  });

  it('the retry of an update does not follow a newer update at the other server', { timeout: 60_000 }, async () => {
    sides = await Promise.all([serve(), serve()]);
    expect((await update(sides[1], PENDING, '192.0.2.1')).body).toMatch(/^UPDATED/);
    sides[0].proxy.otherwise = 'cut before';
    const failed = await update(sides[0], PENDING, '192.0.2.2');
    expect([failed.status, failed.body]).toEqual([512, expect.stringContaining('tried again')]);
    const [busy, live] = await firstHeld();
    expect(await updateMeanwhile(busy, live, PENDING, '192.0.2.1')).toMatch(/^(UPDATED|UNCHANGED)/);
    expect(await lab.look(PENDING, 'A')).toEqual(['192.0.2.1']);
    // Nor does it come later.
    await waitUntil('no update is pending', async () => {
      const store = await openStore(postgres.url);
      return (await store.pending.count().finally(() => store.close())) === 0;
    });
    expect(await lab.look(PENDING, 'A')).toEqual(['192.0.2.1']);
  });
});

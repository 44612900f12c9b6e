/**
 * Three servers share one BIND and one PostgreSQL, and get updates of the same names at the same time. The
 * prerequisites of UPDATE put the changes of each name into one order, which shows in the old and new values of the
 * replies.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { FAMILIES } from '../../src/core/zones/family.ts';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { operate, sendOperation } from '../support/api-lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { expectEndWithinOneSecond } from '../support/timing.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const NAMES = ['a', 'b', 'c'].map((label) => `${label}.${ZONE}`);
/** Updates of each name, by each of the two protocols, at each server. */
const UPDATES = 30;
/** Not the source of the other requests: wrong credentials use up the budget of a source. */
const KEY_CLIENT = '127.0.0.9';
const ROUTER = 'secretOfRouter';

let lab: Lab;
let postgres: PostgresServer;
let servers: readonly RunningDyndns[];

beforeAll(async () => {
  [lab, postgres] = await Promise.all([openLab(), startPostgres()]);
  const tokens = [{ name: 'router', sha256: tokenSha256(ROUTER), hosts: [`*.${ZONE}`] }];
  const serve = (number: number) =>
    lab.serve({
      store: postgres.url,
      control: `unix:${controlSocket(number)}`,
      tokens,
      admin: { enabled: true },
      log_level: 20,
    });
  servers = await Promise.all([serve(0), serve(1), serve(2)]);
});
afterAll(async () => {
  await lab?.stop();
  await postgres?.stop();
});

const controlSocket = (server: number) => `${lab.primary.directory}/control${server}`;

/** Sends the request of `dyndns token …` to a server. */
const control = (server: number, action: 'create' | 'revoke', body: object) =>
  ask({ socketPath: controlSocket(server) }, `/v1/tokens/${action}`, { method: 'POST', body: JSON.stringify(body) });

/** One update that was accepted. */
interface Accepted {
  readonly address: string;
  /** By `performance.now()`. */
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Absent if the protocol does not return it. */
  readonly before?: string;
}

const bearer = (secret: string) => ({ headers: { Authorization: `Bearer ${secret}` } });
const dyndns2 = (server: RunningDyndns, secret: string, host: string, address: string) =>
  server.ask(`/nic/update?hostname=${host}&myip=${address}`, bearer(secret));
const original = (server: RunningDyndns, host: string, address: string) =>
  server.ask(`/update-by-query?fqdn=${host}&ipv4=${address}`, bearer(SECRET));

/** Parses a reply, which must say that the address is published: which one it replaced. */
function accepted({ status, body }: Answer, address: string): { readonly before?: string } {
  if (body === `good ${address}\n`) return {};
  const [, before, after] = /^UPDATED: \S+ A (\S+) -> (\S+)\n/.exec(body) ?? [];
  expect([status, after], body).toEqual([200, address]);
  return { before: before! };
}

/**
 * Returns the values of a name in the order of its changes. Fails if two changes replaced the same value, or one an
 * unknown value.
 */
function chainOf(changes: readonly { readonly before: string; readonly after: string }[]): readonly string[] {
  const next = new Map(changes.map(({ before, after }) => [before, after]));
  expect(next.size, 'changes that replaced different values').toBe(changes.length);
  const chain: string[] = [];
  for (let at = next.get('None'); at !== undefined; at = next.get(at)) chain.push(at);
  expect(chain.length, 'changes that follow from one another').toBe(changes.length);
  return chain;
}

describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'three servers on one primary and one store', () => {
  it('changes of a name are one chain, by whichever server and protocol', { timeout: 60_000 }, async () => {
    const acceptedByHost = new Map(NAMES.map((host): [string, Accepted[]] => [host, []]));
    let requests = 0;
    /** Sends ascending addresses, each once. */
    async function client(server: number, host: string, octet: number, send: (address: string) => Promise<Answer>) {
      for (let number = 1; number <= UPDATES; number += 1) {
        const address = `10.${octet}.${server}.${number}`;
        const sentMs = performance.now();
        const reply = accepted(await send(address), address);
        requests += 1;
        acceptedByHost.get(host)!.push({ address, sentMs, answeredMs: performance.now(), ...reply });
      }
    }
    await Promise.all(
      servers.flatMap((server, index) =>
        NAMES.flatMap((host) => [
          client(index, host, 1, (address) => dyndns2(server, ROUTER, host, address)),
          client(index, host, 2, (address) => original(server, host, address)),
        ]),
      ),
    );
    const all = [...acceptedByHost.values()].flat();
    expect(requests).toBe(NAMES.length * servers.length * 2 * UPDATES);
    expect(all).toHaveLength(requests);

    const store = await openStore(postgres.url);
    try {
      for (const [host, updates] of acceptedByHost) {
        const ownerName = DomainName.parse(host);
        const changes = async () => {
          const events = await store.history.read(ownerName, requests);
          return events.flatMap(({ outcome, A }) =>
            outcome === 'changed' ? [{ before: A?.before[0] ?? 'None', after: A?.after[0] ?? 'None' }] : [],
          );
        };
        await waitUntil('the history to be written', async () => (await changes()).length >= updates.length);
        const chain = chainOf(await changes());
        expect([...chain].sort()).toEqual(updates.map(({ address }) => address).sort());
        // The old values in replies agree with it.
        const previous = new Map(chain.map((address, at) => [address, chain[at - 1] ?? 'None']));
        const withBefore = updates.filter(({ before }) => before !== undefined);
        expect(withBefore.length).toBeGreaterThan(0);
        for (const { address, before } of withBefore)
          expect([address, before]).toEqual([address, previous.get(address)]);
        // An update that was answered before another was sent comes before it, in the chain and in DNS.
        const byAddress = new Map(updates.map((update) => [update.address, update]));
        let newestSentMs = Number.NEGATIVE_INFINITY;
        for (const address of chain) {
          const { sentMs, answeredMs } = byAddress.get(address)!;
          expect(answeredMs, address).toBeGreaterThan(newestSentMs);
          newestSentMs = Math.max(newestSentMs, sentMs);
        }
        for (const family of FAMILIES) {
          expect(await lab.look(host, family)).toEqual(family === 'A' ? chain.slice(-1) : []);
        }
      }
    } finally {
      await store.close();
    }
  });

  it('a management key that is revoked at one server ends at all within one second, and so does its user', {
    timeout: 60_000,
  }, async () => {
    const place = (server: number) => ({ socketPath: controlSocket(server) });
    await operate(place(0), 'createUser', { name: 'alice', role: 'admin' });
    const keys = await Promise.all(
      ['first', 'second'].map((name) => operate(place(1), 'createKey', { user: 'alice', name })),
    );
    const [first, second] = keys.map(({ secret }) => secret);
    const statuses = async (key: string | undefined) => {
      const answers = await Promise.all(
        servers.map(({ port }) => sendOperation({ port, localAddress: KEY_CLIENT }, 'showMe', {}, key)),
      );
      return answers.map(({ status }) => status);
    };
    expect(await statuses(first)).toEqual([200, 200, 200]);
    // A key that was right from here is still looked at when the budget of wrong ones is empty.
    expect(await statuses(second)).toEqual([200, 200, 200]);
    await operate(place(2), 'revokeKey', { user: 'alice', name: 'first' });
    await expectEndWithinOneSecond(async () => (await statuses(first)).includes(200));
    expect(await statuses(second)).toEqual([200, 200, 200]);
    await operate(place(0), 'changeUser', { name: 'alice', enabled: false });
    await expectEndWithinOneSecond(async () => (await statuses(second)).includes(200));
  });

  it('a token created at one server works at all at once, and a revocation takes effect at all within one second', {
    timeout: 60_000,
  }, async () => {
    const host = `token.${ZONE}`;
    const created = await control(0, 'create', { name: 'shared', hosts: [host], types: [], addresses: [] });
    const { secret } = JSON.parse(created.body);
    const words = async () => {
      const answers = await Promise.all(servers.map((server) => dyndns2(server, secret, host, '192.0.2.1')));
      return answers.map(({ body }) => body.split(/\s/)[0]);
    };
    for (let round = 0; round < 20; round += 1) {
      for (const word of await words()) expect(['good', 'nochg']).toContain(word);
    }
    expect((await control(1, 'revoke', { name: 'shared' })).status).toBe(200);
    const isAccepted = async () => {
      const [first, second, third] = await words();
      // 911: too many wrong ones, which are not compared any more.
      const refused = ['badauth', '911'];
      expect(refused).toContain(second);
      return !refused.includes(first!) || !refused.includes(third!);
    };
    await expectEndWithinOneSecond(isAccepted);
  });
});

/** The store in a real PostgreSQL: several processes at once, and a PostgreSQL that is stopped, frozen or restarted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostToken, tokenSha256 } from '../../src/core/access/token.ts';
import { AppError } from '../../src/core/errors.ts';
import { defaultHostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { nameOf, newEvent, newPendingUpdate, newToken } from '../contract/store-fixtures.ts';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/installation.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type RunningProcess, startProcess, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { expectEndWithinOneSecond } from '../support/timing.ts';

/** A process with an open store, which it calls on request: /METHOD?ARGUMENT&ARGUMENT. */
const PROGRAM = `
  import { createServer } from 'node:http';
  import { openStore } from 'file://${REPOSITORY}/dist/store/open-store.js';
  import { DomainName } from 'file://${REPOSITORY}/dist/dns/name.js';
  const { tokens } = (await openStore(process.argv[1]));
  const calls = {
    find: (sha256) => tokens.findBySha256(sha256),
    create: (name, sha256) => tokens.create({ id: name, name, sha256, hosts: [DomainName.parse('home.example.com')],
      types: [1], addresses: 'any', createdMs: Date.now() }),
    revoke: (name) => tokens.revoke(name, Date.now()),
    rotate: (name, sha256) => tokens.rotate(name, sha256),
  };
  createServer(async ({ url }, response) => {
    const [method, ...rest] = url.slice(1).split('?');
    const args = rest.join('').split('&');
    try {
      response.end(JSON.stringify((await calls[method](...args)) ?? null));
    } catch (error) {
      response.writeHead(503).end(error.code);
    }
  }).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
`;

interface Peer {
  readonly process: RunningProcess;
  call(method: string, ...args: readonly string[]): Promise<unknown>;
}

async function startPeer(url: string): Promise<Peer> {
  const port = await freePort();
  const process_ = await startProcess({
    command: process.execPath,
    args: ['--input-type=module', '-e', PROGRAM, url, String(port)],
    ready: (output) => output.includes('ready'),
  });
  return {
    process: process_,
    call: async (method, ...args) => (await fetch(`http://127.0.0.1:${port}/${method}?${args.join('&')}`)).json(),
  };
}

describeWith(POSTGRES_PROGRAMS, 'a store in PostgreSQL', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it('has its first connections before it is used: the first requests after a start do not wait for them', async () => {
    const url = await server.createDatabase('warm');
    const store = await openStore(url);
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: server.url });
    try {
      await client.connect();
      const { rows } = await client.query("select count(*)::int as open from pg_stat_activity where datname = 'warm'");
      expect(rows).toEqual([{ open: 4 }]);
    } finally {
      await client.end();
      await store.close();
    }
  });

  describe('of three processes', () => {
    const peers: Peer[] = [];

    beforeAll(async () => {
      const url = await server.createDatabase('shared');
      // Concurrently: one creates the tables, and the others wait for it.
      const started = await Promise.allSettled([startPeer(url), startPeer(url), startPeer(url)]);
      for (const peer of started) {
        if (peer.status === 'fulfilled') peers.push(peer.value);
        else throw peer.reason;
      }
    });
    afterAll(() => Promise.all(peers.map((peer) => peer.process.stop())));

    it('a token created by one is valid at the others at once', async () => {
      for (const [index, maker] of peers.entries()) {
        const sha256 = tokenSha256(`made by ${index}`);
        expect(await maker.call('create', `by${index}`, sha256)).toBe('created');
        for (const peer of peers) expect(await peer.call('find', sha256)).toMatchObject({ id: `by${index}` });
      }
    });

    it('a token revoked by one is invalid at the others within one second, also under load', async () => {
      const sha256 = tokenSha256('made by 0');
      const isValid = async (peer: Peer) => !Object.hasOwn((await peer.call('find', sha256)) as HostToken, 'revokedMs');
      let running = true;
      const load = peers.map(async (peer) => {
        while (running) await peer.call('find', sha256);
      });
      try {
        for (let round = 0; round < 20; round += 1) for (const peer of peers) expect(await isValid(peer)).toBe(true);
        expect(await peers[1]!.call('revoke', 'by0')).toBe('revoked');
        await Promise.all(peers.map((peer) => expectEndWithinOneSecond(() => isValid(peer))));
      } finally {
        running = false;
        await Promise.all(load);
      }
    });

    it('a secret rotated by one is invalid at the others within one second, and the new one valid at once', async () => {
      const [old, fresh] = [tokenSha256('made by 1'), tokenSha256('rotated')];
      for (const peer of peers) expect(await peer.call('find', old)).toMatchObject({ id: 'by1' });
      for (const peer of peers) expect(await peer.call('find', old)).toMatchObject({ id: 'by1' });
      expect(await peers[2]!.call('rotate', 'by1', fresh)).toMatchObject({ id: 'by1' });
      const isFound = async (peer: Peer) => (await peer.call('find', old)) !== null;
      const ended = peers.map((peer) => expectEndWithinOneSecond(() => isFound(peer)));
      for (const peer of peers) expect(await peer.call('find', fresh)).toMatchObject({ id: 'by1' });
      await Promise.all(ended);
    });
  });

  describe('with concurrent use', () => {
    const stores: Store[] = [];
    let url: string;

    beforeAll(async () => {
      url = await server.createDatabase('together');
      stores.push(...(await Promise.all([openStore(url), openStore(url), openStore(url)])));
    });
    afterAll(() => Promise.all(stores.map((store) => store.close())));

    it('gives a name to one of many', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, index) => stores[index % 3]!.tokens.create(newToken({ name: 'one' }))),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    });

    it('counts every repeat in any order of hosts', async () => {
      const names = Array.from({ length: 100 }, (_, index) => nameOf(`h${index}.example.com`));
      const counts = names.map((ownerName) => ({ ownerName, repeats: 1, lastSeenMs: 1 }));
      await Promise.all(
        Array.from({ length: 30 }, (_, round) =>
          stores[round % 3]!.history.countRepeats(round % 2 ? counts : [...counts].reverse()),
        ),
      );
      const activities = await stores[0]!.history.activities();
      expect(new Set(activities.map(({ repeats }) => repeats))).toEqual(new Set([30]));
    });

    it('gives each due pending update to one of them, and each pending update a unique number', async () => {
      await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          stores[index % 3]!.pending.put(newPendingUpdate(`w${index}.example.com`, { nextAttemptMs: 1 })),
        ),
      );
      const taken = (await Promise.all(stores.map((store) => store.pending.takeDue(1, 9_999, 40)))).flat();
      expect(new Set(taken.map(({ sequence }) => sequence)).size).toBe(taken.length);
      const rest = await stores[0]!.pending.takeDue(1, 9_999, 100);
      expect(taken.length + rest.length).toBe(60);
    });

    it('skips a pending update that another process is taking', async () => {
      const [store] = stores as [Store];
      for (const label of ['held', 'free'])
        await store.pending.put(newPendingUpdate(`${label}.example.net`, { nextAttemptMs: 5 }));
      const { default: pg } = await import('pg');
      const other = new pg.Client({ connectionString: url });
      await other.connect();
      try {
        await other.query("BEGIN; UPDATE wishes SET next_attempt_ms = 9999 WHERE name = 'held.example.net.'");
        const taken = await store.pending.takeDue(5, 9_999, 10);
        expect(taken.map(({ ownerName }) => String(ownerName))).toEqual(['free.example.net.']);
      } finally {
        await other.end();
      }
    });

    it('clears a cache that has missed more changes than are recorded', async () => {
      const [here, there] = [stores[0]!.tokens, stores[1]!.tokens];
      const token = newToken();
      await here.create(token);
      for (let round = 0; round < 3; round += 1) expect(await there.findBySha256(token.sha256)).toBeDefined();
      for (let index = 0; index < 1_100; index += 100) {
        await Promise.all(Array.from({ length: 100 }, () => here.create(newToken())));
      }
      await here.revoke(token.name, 5);
      const isRevoked = async () => (await there.findBySha256(token.sha256))?.revokedMs === 5;
      await waitUntil('the revocation to be visible', isRevoked, 1_000);
    });
  });

  describe('during an outage', () => {
    let store: Store;
    const token = newToken();

    beforeAll(async () => {
      store = await openStore(await server.createDatabase('away'));
      await store.tokens.create(token);
    });
    afterAll(() => store.close());

    const CALLS: Readonly<Record<string, () => Promise<unknown>>> = {
      ping: () => store.ping(),
      'a cached token': async () => store.tokens.findBySha256(token.sha256),
      'an unknown token': async () => store.tokens.findBySha256(newToken().sha256),
      'a new token': () => store.tokens.create(newToken()),
      'settings of a host': () => store.hosts.put(defaultHostSettings(nameOf('home.example.com'))),
      'an event': () => store.history.append([newEvent('home.example.com', 1)]),
      'a pending update': () => store.pending.put(newPendingUpdate('home.example.com')),
      'due pending updates': () => store.pending.takeDue(1, 2, 10),
    };

    /** Asserts that every kind of call fails with store-unreachable; returns the duration of the slowest in ms. */
    async function allFail(): Promise<number> {
      const startMs = performance.now();
      const outcomes = await Promise.allSettled(Object.values(CALLS).map((call) => call()));
      for (const [index, outcome] of outcomes.entries()) {
        const what = Object.keys(CALLS)[index];
        if (outcome.status === 'fulfilled') throw new Error(`${what} succeeded`);
        if (!(outcome.reason instanceof AppError)) throw outcome.reason;
        expect([what, outcome.reason.code]).toEqual([what, 'store-unreachable']);
      }
      return performance.now() - startMs;
    }

    const answersAgain = () =>
      waitUntil('every kind of call to succeed again', () =>
        Promise.all(Object.values(CALLS).map((call) => call())).then(
          () => true,
          () => false,
        ),
      );

    it('stopped: every call fails soon with store-unreachable, and succeeds once it is back', async () => {
      await answersAgain();
      await server.halt();
      try {
        await expectEndWithinOneSecond(async () => {
          try {
            await store.tokens.findBySha256(token.sha256);
            return true;
          } catch {
            return false;
          }
        });
        // Queries are sent again for a second; the rest is for a busy machine, and far below the timeouts of a frozen database.
        expect(await allFail()).toBeLessThan(2_000);
      } finally {
        await server.restart();
      }
      await answersAgain();
    });

    it('frozen: every call fails by its deadline, tokens within a second, and succeeds once it is back', async () => {
      await answersAgain();
      server.freeze();
      try {
        expect(await allFailAfterASecond()).toBeLessThan(4_000);
        const startMs = performance.now();
        await expect(CALLS['a cached token']!()).rejects.toMatchObject({ code: 'store-unreachable' });
        await expect(CALLS['an unknown token']!()).rejects.toMatchObject({ code: 'store-unreachable' });
        expect(performance.now() - startMs).toBeLessThan(2_300);
      } finally {
        server.thaw();
      }
      await answersAgain();
    });

    /** Cached tokens are valid for up to a second. */
    async function allFailAfterASecond(): Promise<number> {
      await waitUntil('the cached token to expire', () =>
        CALLS['a cached token']!().then(
          () => false,
          () => true,
        ),
      );
      return allFail();
    }

    it('restarted under the load of 50 callers: some calls fail, none hangs, and all recover', async () => {
      let running = true;
      let after = 0;
      const failures: unknown[] = [];
      const calls = Object.values(CALLS);
      const load = Array.from({ length: 50 }, async (_, caller) => {
        for (let at = caller; running; at += 1) {
          try {
            await calls[at % calls.length]!();
            after += 1;
          } catch (error) {
            failures.push(error);
          }
        }
      });
      try {
        await waitUntil('the load to run', () => after > 500);
        for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
          await server.halt(signal);
          await waitUntil('calls to fail', () => failures.length > 50);
          await server.restart();
          after = 0;
          await waitUntil('calls to succeed again', () => after > 500);
        }
        const { length } = failures;
        after = 0;
        await waitUntil('calls to succeed again', () => after > 500);
        expect(failures).toHaveLength(length);
      } finally {
        running = false;
        await Promise.all(load);
      }
      const codes = failures.map((error) => (error instanceof AppError ? error.code : error));
      expect(new Set(codes)).toEqual(new Set(['store-unreachable']));
    });

    it('is reported at the start, without the password', async () => {
      const port = await freePort();
      const error = await openStore(`postgres://dyndns:hunter2@127.0.0.1:${port}/none`).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'store-unreachable' });
      expect(`${error.message} ${error.cause?.message} ${error.cause?.stack}`).not.toContain('hunter2');
    });
  });

  it('is not modified if a newer version has written it', async () => {
    const url = await server.createDatabase('newer');
    await (await openStore(url)).close();
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("INSERT INTO dyndns_migrations VALUES ('9999-later', '2030-01-01T00:00:00Z')");
    await client.end();
    await expect(openStore(url, undefined, '3.0.0')).rejects.toThrow(
      "written by another version of dyndns: a newer one (migration '9999-later'), and this is 3.0.0. Install the newer version again",
    );
  });
});

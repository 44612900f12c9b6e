/** What an update costs at the store: the statements of a real server, counted by pg_stat_statements of a real PostgreSQL. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { DomainName } from '../../src/dns/name.ts';
import { openStore } from '../../src/store/open-store.ts';
import { type Lab, openLab, ZONE } from '../e2e/lab.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ROUTER = 'secretOfRouter';
const UPDATES = 100;
const hosts = Array.from({ length: UPDATES }, (_, index) => `h${index}.${ZONE}`);

describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'statements for an update', () => {
  let lab: Lab;
  let postgres: PostgresServer;
  let server: RunningDyndns;
  let client: pg.Client;

  beforeAll(async () => {
    const settings = ['fsync=off', 'shared_preload_libraries=pg_stat_statements'];
    [lab, postgres] = await Promise.all([openLab(), startPostgres(settings)]);
    client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query('create extension pg_stat_statements');
    server = await lab.serve({
      store: postgres.url,
      tokens: [{ name: 'router', sha256: tokenSha256(ROUTER), hosts: [`*.${ZONE}`] }],
      limits: { changes_per_minute_per_token: 100_000 },
    });
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
    await lab?.stop();
    await postgres?.stop();
  });

  const update = async (host: string, address: string) => {
    const headers = { Authorization: `Bearer ${ROUTER}` };
    return (await server.ask(`/nic/update?hostname=${host}&myip=${address}`, { headers })).body.split(/\s/)[0];
  };

  /** Calls of each kind of statement since the last reset, by its first words. */
  async function calls(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await client.query("select query, calls::int from pg_stat_statements where query !~ 'pg_stat'");
    const counts = new Map<string, number>();
    for (const { query, calls: count } of rows as { query: string; calls: number }[]) {
      const kind = /^\w+(?: into|.* from)? *"?(\w+)/.exec(query.replace(/\s+/g, ' '));
      const key = `${query.split(' ')[0]} ${kind?.[1]}`.toLowerCase();
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
    return counts;
  }

  it.each([
    ['good', '192.0.2.1'],
    ['nochg', '192.0.2.1'],
    ['good', '192.0.2.2'],
  ])('%s %s: one is awaited, the settings of the host; all others are of many updates', async (word, address) => {
    await client.query('select pg_stat_statements_reset()');
    for (const host of hosts) expect(await update(host, address)).toBe(word);
    const written = (counts: ReadonlyMap<string, number>) => counts.get('insert activity') !== undefined;
    await waitUntil('the activity to be written', async () => written(await calls()));
    const counts = await calls();
    // Besides, those whose silence is limited are looked for now and then.
    expect(counts.get('select hosts')).toBeLessThanOrEqual(UPDATES + 10);
    counts.forEach((count, kind) => {
      if (kind !== 'select hosts') expect([kind, count]).toEqual([kind, Math.min(count, UPDATES / 3)]);
    });
  });

  it('many at once share the statement for the settings of their hosts', async () => {
    const store = await openStore(postgres.url);
    try {
      await client.query('select pg_stat_statements_reset()');
      await Promise.all(hosts.map((host) => store.hosts.get(DomainName.parse(host))));
      // Those of the server that look for hosts whose silence is limited are among them.
      expect((await calls()).get('select hosts')).toBeLessThan(10);
    } finally {
      await store.close();
    }
  });
});

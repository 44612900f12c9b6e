/** A store of an older version gets its overview of hosts from what it has: the same as if this version had written everything. */
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { defaultHostSettings } from '../../src/core/hosts/host.ts';
import type { Store } from '../../src/core/store.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { openStore } from '../../src/store/open-store.ts';
import { POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/require-server.ts';
import { testDirectory } from '../support/test-directory.ts';
import { NOW_MS, nameOf, newEvent } from './store-fixtures.ts';

const DAY_MS = 86_400_000;
const FORGET = "delete from dyndns_migrations where name >= '0016'";

async function fill({ history, hosts }: Store): Promise<void> {
  const step = (before: string, after: string) => ({ before: [before], after: [after] });
  await hosts.put({ ...defaultHostSettings(nameOf('a.example.com')), enabled: false });
  await hosts.put({ ...defaultHostSettings(nameOf('b.example.com')), silentAfterSeconds: 60 });
  await history.append([
    newEvent('a.example.com', NOW_MS - 200 * DAY_MS, { A: step('192.0.2.1', '192.0.2.2') }),
    newEvent('b.example.com', NOW_MS - 91 * DAY_MS, { A: step('192.0.2.1', '192.0.2.3') }),
    newEvent('b.example.com', NOW_MS - DAY_MS, {
      A: step('192.0.2.3', '192.0.2.3'),
      AAAA: step('2001:db8::1', '2001:db8::2'),
    }),
    newEvent('b.example.com', NOW_MS - DAY_MS + 1, { outcome: 'failed', code: 'primary-unreachable' }),
    newEvent('b.example.com', NOW_MS, { protocol: 'lease', AAAA: { before: ['2001:db8::2'], after: [] } }),
    newEvent('c.example.com', NOW_MS, { outcome: 'refused', code: 'not-permitted' }),
  ]);
  const seen = (text: string) => ({ ownerName: nameOf(text), repeats: 1, lastSeenMs: NOW_MS - DAY_MS });
  await history.countRepeats([seen('b.example.com'), seen('d.example.com')]);
}

/** In one order; days that are older than those that are shown may be there or not. */
async function shown({ overview }: Store): Promise<object> {
  const { hosts } = await overview.page({ limit: 100, sort: 'name', nowMs: NOW_MS });
  const first = Math.floor(NOW_MS / DAY_MS) - 89;
  return hosts.map(({ ownerName, days, ...host }) => ({
    ...host,
    name: ownerName.toString(),
    days: days.filter(({ day }) => day >= first).sort((a, b) => a.day - b.day),
  }));
}

async function compare(url: string, forget: () => Promise<void>): Promise<void> {
  const before = await openStore(url);
  await fill(before);
  const written = await shown(before);
  await before.close();
  await forget();
  const after = await openStore(url);
  try {
    expect(written).toMatchObject([{ state: 'disabled' }, { state: 'lease-ended' }, { name: 'd.example.com.' }]);
    expect(JSON.stringify(await shown(after))).toBe(JSON.stringify(written));
  } finally {
    await after.close();
  }
}

describe('a store without an overview', () => {
  it('gets it in SQLite', async () => {
    const file = `${testDirectory('store')}/dyndns.db`;
    await compare(`sqlite:${file}`, async () => {
      const database = await openDatabase(file);
      const triggers = [
        'changed',
        'failed',
        'refused',
        'first_activity',
        'activity',
        'new_settings',
        'settings',
        'removal',
      ];
      for (const name of triggers) database.run(`drop trigger overview_${name}`);
      for (const statement of [
        'drop table host_overview',
        'drop table host_days',
        'drop table event_batches',
        'drop table ticket_keys',
        FORGET,
      ])
        database.run(statement);
      database.close();
    });
  });

  describeWith(POSTGRES_PROGRAMS, 'with a real PostgreSQL', () => {
    it('gets it in PostgreSQL', async () => {
      const server = await startPostgres();
      try {
        const url = await server.createDatabase('older');
        await compare(url, async () => {
          const client = new pg.Client({ connectionString: url });
          await client.connect();
          for (const name of ['changed', 'failed', 'refused', 'activity', 'settings', 'removal']) {
            await client.query(`drop function overview_${name} cascade`);
          }
          for (const statement of [
            'drop table host_overview',
            'drop table host_days',
            'drop table ticket_keys',
            FORGET,
          ]) {
            await client.query(statement);
          }
          await client.end();
        });
      } finally {
        await server.stop();
      }
    });
  });
});

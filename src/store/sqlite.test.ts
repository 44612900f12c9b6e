/**
 * The store in an SQLite file: one process at a time, and files that are damaged, from a newer version, or on a full
 * disk.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { newEvent, newPendingUpdate, newToken } from '../../test/contract/store-fixtures.ts';
import { requireBuiltSqlite } from '../../test/support/built-sqlite.ts';
import { waitUntil } from '../../test/support/process.ts';
import { describeWithMounts, mountSmallDisk, unmount } from '../../test/support/small-disk.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import type { Store } from '../core/store.ts';
import { DomainName } from '../dns/name.ts';
import { openDatabase } from '../sqlite/database.ts';
import { DatabaseLockedError } from '../sqlite/lock.ts';
import { SchemaError } from './migrations.ts';
import { openStore } from './open-store.ts';

requireBuiltSqlite();

const opened: Store[] = [];

async function open(file: string): Promise<Store> {
  const store = await openStore(`sqlite:${file}`);
  opened.push(store);
  return store;
}

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

const fileIn = (directory: string) => join(directory, 'dyndns.db');

describe('a store in SQLite', () => {
  it('can be opened only once at a time', async () => {
    const file = fileIn(testDirectory('store'));
    const first = await open(file);
    await expect(openStore(`sqlite:${file}`)).rejects.toBeInstanceOf(DatabaseLockedError);
    await first.ping();
    await first.close();
    await (await open(file)).ping();
  });

  it('releases its lock when the file cannot be opened', async () => {
    const file = fileIn(testDirectory('store'));
    writeFileSync(file, 'x'.repeat(8192));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(openStore(`sqlite:${file}`)).rejects.toMatchObject({ name: 'SqliteError', reason: 'corrupt' });
    }
  });

  it('refuses a file that a newer version has written, and leaves it as it is', async () => {
    const file = fileIn(testDirectory('store'));
    await (await openStore(`sqlite:${file}`)).close();
    const database = await openDatabase(file);
    database.run("INSERT INTO dyndns_migrations VALUES ('9999-later', '2030-01-01T00:00:00Z')");
    database.close();
    const open = () => openStore(`sqlite:${file}`, undefined, '3.0.0').catch((reason: unknown) => reason);
    expect(await open()).toBeInstanceOf(SchemaError);
    expect(String(await open())).toContain(
      "a newer one (migration '9999-later'), and this is 3.0.0. Install the newer version again",
    );
    const later = await openDatabase(file);
    later.run("INSERT INTO releases VALUES ('9999-later', '3.9.0')");
    later.close();
    expect(String(await open())).toContain('another version of dyndns: 3.9.0');
    expect(String(await open())).toContain('Install 3.9.0 again');
  });

  it('fails every call after it was closed', async () => {
    const store = await openStore(`sqlite:${fileIn(testDirectory('store'))}`);
    await store.close();
    await expect(store.ping()).rejects.toMatchObject({ code: 'store-unreachable' });
    await expect(Promise.resolve(store.tokens.findBySha256('0'))).rejects.toMatchObject({ code: 'store-unreachable' });
  });

  it('stores 500 concurrent pending updates, each with its own sequence number', async () => {
    const store = await open(fileIn(testDirectory('store')));
    const updates = Array.from({ length: 500 }, (_, index) => newPendingUpdate(`h${index}.example.com`));
    await Promise.all(updates.map((update) => store.pending.put(update)));
    expect(await store.pending.count()).toBe(500);
    const sequences = (await store.pending.list()).map(({ sequence }) => sequence);
    expect(new Set(sequences).size).toBe(500);
  });

  describe('events', () => {
    const home = DomainName.parse('home.example.com');
    const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
    const newEvents = (count: number) => numbers(count).map((timeMs) => newEvent('home.example.com', timeMs));

    /** The rows of both tables, as another connection sees them. */
    async function rowsOf(file: string): Promise<Readonly<Record<'batches' | 'events', unknown>>> {
      const database = await openDatabase(file, { readOnly: true });
      try {
        const [rows] = database.all(
          'select (select count(*) from event_batches) as batches, (select count(*) from events) as events',
        );
        return rows as Readonly<Record<'batches' | 'events', unknown>>;
      } finally {
        database.close();
      }
    }

    it('wait in batches, and are in their place for who reads them', async () => {
      const file = fileIn(testDirectory('store'));
      const store = await open(file);
      await store.history.append(newEvents(3));
      expect(await rowsOf(file)).toEqual({ batches: 1, events: 0 });
      expect(await store.history.read(home, 9)).toHaveLength(3);
      expect(await rowsOf(file)).toEqual({ batches: 0, events: 3 });
    });

    it('are moved when thousands wait, and when the store closes', async () => {
      const file = fileIn(testDirectory('store'));
      const store = await open(file);
      for (const from of [0, 1_000, 2_000, 3_000, 4_000]) {
        await store.history.append(newEvents(from + 1_000).slice(from));
      }
      expect(await rowsOf(file)).toEqual({ batches: 0, events: 5_000 });
      await store.history.append([newEvent('home.example.com', 5_001)]);
      expect(await rowsOf(file)).toEqual({ batches: 1, events: 5_000 });
      await store.close();
      expect(await rowsOf(file)).toEqual({ batches: 0, events: 5_001 });
    });

    it('are seen by every reader that comes after them, whatever others read and write meanwhile', async () => {
      const store = await open(fileIn(testDirectory('store')));
      let stored = 0;
      const appendOne = () => {
        stored += 1;
        return store.history.append([newEvent('home.example.com', stored)]);
      };
      const readAll = () => store.history.read(home, 1_000);
      for (let round = 0; round < 50; round += 1) {
        await appendOne();
        // Two readers wait for the move of the first, and an event comes meanwhile.
        const first = readAll();
        await Promise.all([first, appendOne(), readAll(), readAll()]);
        await appendOne();
        expect(await readAll()).toHaveLength(stored);
      }
    });

    it('that waited when the process died are there at the next start, once each', async () => {
      const directory = testDirectory('store');
      const copy = join(directory, 'copy.db');
      const store = await open(fileIn(directory));
      const events = newEvents(3);
      await store.history.append(events);
      // A call that took too long was repeated.
      await store.history.append(events);
      await store.backup!(copy);
      expect(await rowsOf(copy)).toEqual({ batches: 2, events: 0 });
      const next = await open(copy);
      expect((await next.history.read(home, 9)).map(({ timeMs }) => timeMs)).toEqual([3, 2, 1]);
      expect(await next.history.trim(100)).toEqual({ stored: 3, deleted: 0 });
    });
  });

  it('counts the events of a file that an older version wrote', async () => {
    const file = fileIn(testDirectory('store'));
    const first = await openStore(`sqlite:${file}`);
    await first.history.append([1, 2, 3].map((timeMs) => newEvent('old.example.com', timeMs)));
    await first.close();
    const database = await openDatabase(file);
    for (const statement of [
      'DROP TRIGGER events_added',
      'DROP TRIGGER events_deleted',
      'DROP TABLE event_counts',
      'DROP TRIGGER overview_changed',
      'DROP TRIGGER overview_failed',
      'DROP TRIGGER overview_refused',
      'DROP TRIGGER overview_first_activity',
      'DROP TRIGGER overview_activity',
      'DROP TRIGGER overview_new_settings',
      'DROP TRIGGER overview_settings',
      'DROP TRIGGER overview_removal',
      'DROP TABLE host_overview',
      'DROP TABLE host_days',
      'DROP TABLE event_batches',
      'DROP TABLE known_serials',
      'ALTER TABLE tokens DROP COLUMN register',
      'ALTER TABLE tokens DROP COLUMN max_unused_days',
      'DROP TABLE turns',
      'DROP TABLE ticket_keys',
      'DROP TABLE receipts',
      'DROP TABLE releases',
      'DROP INDEX events_not_changed',
      'DROP TABLE users',
      'DROP TABLE management_keys',
      'DROP TABLE host_access',
      'DROP TABLE audit',
      ...['sessions', 'links', 'user_secrets', 'recovery_codes', 'identities'].map((table) => `DROP TABLE ${table}`),
      'DROP INDEX hosts_in_order',
      'DROP INDEX activity_in_order',
      'DROP INDEX tokens_in_order',
      'DROP INDEX tokens_by_owner',
      'ALTER TABLE tokens DROP COLUMN owner_id',
      'DROP INDEX events_by_batch',
      'ALTER TABLE events DROP COLUMN batch',
      'ALTER TABLE events DROP COLUMN serial',
      "DELETE FROM counters WHERE name IN ('clock', 'users', 'events')",
      "DELETE FROM dyndns_migrations WHERE name >= '0005-history-size'",
    ]) {
      database.run(statement);
    }
    database.close();
    const store = await open(file);
    await store.history.append([newEvent('old.example.com', 4), newEvent('new.example.com', 5)]);
    expect(await store.history.trim(3)).toEqual({ stored: 3, deleted: 2 });
    expect(await store.history.read(DomainName.parse('old.example.com'), 9)).toHaveLength(2);
  });

  describeWithMounts('on a full disk', () => {
    it('fails writes with store-unreachable, still serves cached tokens, and recovers when there is space', async () => {
      const disk = mountSmallDisk(1024);
      try {
        const store = await openStore(`sqlite:${fileIn(disk)}`);
        const token = newToken();
        await store.tokens.create(token);
        const filler = join(disk, 'filler');
        writeFileSync(filler, Buffer.alloc(300_000));
        const events = () => Array.from({ length: 64 }, (_, at) => newEvent('home.example.com', at));
        const full = await waitForError(() => store.history.append(events()));
        expect(full).toMatchObject({ code: 'store-unreachable' });
        expect(String(Reflect.get(Object(full), 'cause'))).toContain('free some');
        expect(await store.tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id });
        writeFileSync(filler, '');
        await waitUntil('a write to succeed', () =>
          store.pending.put(newPendingUpdate('home.example.com')).then(
            () => true,
            () => false,
          ),
        );
        expect(await store.pending.get(DomainName.parse('home.example.com'), 'A')).toBeDefined();
        await store.close();
      } finally {
        unmount(disk);
      }
    });
  });
});

async function waitForError(action: () => Promise<void>): Promise<unknown> {
  for (let round = 0; round < 1_000; round += 1) {
    try {
      await action();
    } catch (error) {
      return error;
    }
  }
  throw new Error('The action did not fail.');
}

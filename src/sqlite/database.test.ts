/** A connection to a real database file: values, file modes, errors and their reasons. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../test/support/process.ts';
import { describeWithMounts, mountReadOnly, unmount } from '../../test/support/small-disk.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { type Database, openDatabase } from './database.ts';
import { SqliteError } from './sqlite-error.ts';

const opened: Database[] = [];

async function open(...parameters: Parameters<typeof openDatabase>): Promise<Database> {
  const database = await openDatabase(...parameters);
  opened.push(database);
  return database;
}

afterEach(() => {
  for (const database of opened.splice(0)) database.close();
});

/** The SqliteError that the action throws. */
async function errorOf(action: () => unknown): Promise<SqliteError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof SqliteError) return error;
    throw error;
  }
  throw new Error('there was no error');
}

const fileIn = (directory: string) => join(directory, 'data.sqlite');

describe('a database', () => {
  it('preserves every kind of value', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    database.exec('CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, n TEXT) STRICT');
    const blob = Buffer.from('\0\xff\0name', 'latin1');
    expect(database.run('INSERT INTO t VALUES (?, ?, ?, ?, ?)', [2 ** 40, 0.5, 'ä𝛼', blob, null])).toBe(1);
    const [row] = database.all('SELECT * FROM t');
    expect({ ...row }).toEqual({ i: 2 ** 40, r: 0.5, s: 'ä𝛼', b: new Uint8Array(blob), n: null });
    const array = [...database.iterate('SELECT i, b FROM t WHERE i = ?', [BigInt(2 ** 40)])];
    expect(array).toEqual([[2 ** 40, new Uint8Array(blob)]]);
  });

  it('refuses a text with a NUL, which one of the drivers would cut off', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    database.exec('CREATE TABLE t (s TEXT)');
    expect((await errorOf(() => database.run('INSERT INTO t VALUES (?)', ['a\0b']))).message).toContain('NUL');
    expect(database.all('SELECT * FROM t')).toEqual([]);
  });

  it('streams rows, and still works after an early stop or with two iterators of one query', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    database.exec('CREATE TABLE t (i INTEGER)');
    database.exec(
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i FROM n',
    );
    const pairs: unknown[] = [];
    for (const [outer] of database.iterate('SELECT i FROM t ORDER BY i')) {
      for (const [inner] of database.iterate('SELECT i FROM t ORDER BY i')) {
        pairs.push([outer, inner]);
        if (inner === 2) break;
      }
      if (outer === 2) break;
    }
    expect(pairs).toEqual([[1, 1], [1, 2], [2, 1], [2, 2]]); // biome-ignore format: pairs
    database.exec('DROP TABLE t');
  });

  it('releases its locks when it is closed, even with prepared statements and open iterators', async () => {
    const file = fileIn(testDirectory('sqlite'));
    const first = await openDatabase(file);
    first.exec('CREATE TABLE t (i INTEGER)');
    for (const i of [1, 2, 3]) first.run('INSERT INTO t VALUES (?)', [i]);
    const reading = first.iterate('SELECT i FROM t');
    expect(reading.next().value).toEqual([1]);
    first.run('BEGIN IMMEDIATE');
    first.run('INSERT INTO t VALUES (99)');
    first.close();
    expect(() => reading.next()).toThrow('was closed while it was being read');
    const second = await open(file, { busyTimeoutMs: 0 });
    second.run('INSERT INTO t VALUES (4)');
    expect(second.all('PRAGMA wal_checkpoint(TRUNCATE)')[0]).toMatchObject({ busy: 0 });
    expect(second.all('SELECT i FROM t').map(({ i }) => i)).toEqual([1, 2, 3, 4]);
  });

  it('waits for the disk at each COMMIT and writes ahead', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    const pragma = (name: string) => Object.values(database.all(`PRAGMA ${name}`)[0] ?? {})[0];
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1]);
  });

  it('has files of mode 0600, even if others could read one before', async () => {
    const file = fileIn(testDirectory('sqlite'));
    writeFileSync(file, '', { mode: 0o644 });
    const database = await open(file);
    database.exec('CREATE TABLE t (i INTEGER)');
    for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('caches a limited number of prepared statements', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    for (let i = 0; i < 1000; i += 1) expect(database.all(`SELECT ${i} AS i`)[0]).toEqual({ i });
    expect(database.all('SELECT 1 AS i')[0]).toEqual({ i: 1 });
  });

  it('is loaded without a warning of Node.js', async () => {
    const driver = new URL('../../dist/sqlite/driver.js', import.meta.url);
    const code = `await (await import(${JSON.stringify(driver.href)})).loadDriver(); console.log('loaded');`;
    const { stdout, stderr } = await runProgram(process.execPath, ['--input-type=module', '-e', code]);
    expect([stdout, stderr]).toEqual(['loaded\n', '']);
  });
});

describe('an error has a reason and advice', () => {
  it('corrupt: the file is not a database', async () => {
    const file = fileIn(testDirectory('sqlite'));
    writeFileSync(file, 'x'.repeat(8192));
    for (const readOnly of [true, false]) {
      const error = await errorOf(() => open(file, { readOnly }));
      expect([error.reason, error.message]).toEqual(['corrupt', expect.stringContaining('restore a backup')]);
    }
  });

  it('io: the directory does not exist, or the file is a directory', async () => {
    const directory = testDirectory('sqlite');
    mkdirSync(fileIn(directory));
    for (const file of [join(directory, 'none', 'data'), fileIn(directory)]) {
      expect(await errorOf(() => open(file))).toMatchObject({ reason: 'io', message: expect.stringContaining(file) });
    }
  });

  it('io: a reader does not create the file', async () => {
    expect((await errorOf(() => open(fileIn(testDirectory('sqlite')), { readOnly: true }))).reason).toBe('io');
  });

  it('busy: another connection writes', async () => {
    const file = fileIn(testDirectory('sqlite'));
    const first = await open(file);
    const second = await open(file, { busyTimeoutMs: 0 });
    first.run('BEGIN IMMEDIATE');
    expect((await errorOf(() => second.run('BEGIN IMMEDIATE'))).reason).toBe('busy');
    first.run('COMMIT');
    second.run('BEGIN IMMEDIATE');
  });

  it('full: no page is left, and with space it works again', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    database.exec('CREATE TABLE t (b BLOB)');
    const pages = Number(Object.values(database.all('PRAGMA page_count')[0] ?? {})[0]);
    database.all(`PRAGMA max_page_count = ${pages + 4}`);
    const insert = () => database.run('INSERT INTO t VALUES (?)', [new Uint8Array(100_000)]);
    expect(await errorOf(insert)).toMatchObject({ reason: 'full', message: expect.stringContaining('free some') });
    database.all(`PRAGMA max_page_count = ${pages + 100}`);
    expect(insert()).toBe(1);
  });

  it('read-only: written by a reader', async () => {
    const file = fileIn(testDirectory('sqlite'));
    (await open(file)).exec('CREATE TABLE t (i INTEGER)');
    const reader = await open(file, { readOnly: true });
    expect((await errorOf(() => reader.run('INSERT INTO t VALUES (1)'))).reason).toBe('read-only');
  });

  it('other: invalid SQL, and the values are not in the message', async () => {
    const database = await open(fileIn(testDirectory('sqlite')));
    database.exec('CREATE TABLE t (k TEXT PRIMARY KEY)');
    database.run('INSERT INTO t VALUES (?)', ['hunter2']);
    const error = await errorOf(() => database.run('INSERT INTO t VALUES (?)', ['hunter2']));
    expect([error.reason, error.message]).toEqual(['other', expect.not.stringContaining('hunter2')]);
    expect((await errorOf(() => database.all('SELEKT'))).reason).toBe('other');
    expect((await errorOf(() => [...database.iterate('SELEKT')])).reason).toBe('other');
  });

  describeWithMounts('on a disk that is mounted read-only', () => {
    it('read-only: neither a new database nor one that is there can be opened for writing', async () => {
      const directory = testDirectory('sqlite');
      (await openDatabase(fileIn(directory))).close();
      const view = mountReadOnly(directory);
      try {
        for (const file of [fileIn(view), join(view, 'new')]) {
          const error = await errorOf(() => open(file));
          expect([error.reason, error.message]).toEqual(['read-only', expect.stringContaining('mounted read-only')]);
        }
      } finally {
        unmount(view);
      }
    });
  });
});

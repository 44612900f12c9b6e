/** Several transactions under one COMMIT: which failures affect one or all, and that the next one works. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from '../../test/support/test-directory.ts';
import { type Database, openDatabase } from './database.ts';
import { commitTogether, type SqlTransaction } from './group-commit.ts';

let database: Database;

beforeEach(async () => {
  database = await openDatabase(join(testDirectory('sqlite'), 'data.sqlite'));
  database.exec('CREATE TABLE t (i INTEGER PRIMARY KEY)');
  database.exec('CREATE TABLE child (i INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)');
});

afterEach(() => database.close());

const insert = (...numbers: readonly number[]): SqlTransaction =>
  numbers.map((i) => ({ sql: 'INSERT INTO t VALUES (?)', params: [i] }));

const stored = () => database.all('SELECT i FROM t ORDER BY i').map(({ i }) => i);

const failures = (transactions: readonly SqlTransaction[]) =>
  commitTogether(database, transactions).map((error) => error?.reason);

describe('transactions under one COMMIT', () => {
  it('a failed one is rolled back, and its neighbours are not', () => {
    expect(failures([insert(1), insert(2, 3, 1, 4), insert(5, 6)])).toEqual([undefined, 'other', undefined]);
    expect(stored()).toEqual([1, 5, 6]);
  });

  it('each sees what those before it wrote', () => {
    const copy: SqlTransaction = [{ sql: 'INSERT INTO t SELECT i + 10 FROM t', params: [] }];
    expect(failures([insert(1), copy])).toEqual([undefined, undefined]);
    expect(stored()).toEqual([1, 11]);
  });

  it('a single one that fails stores nothing', () => {
    expect(failures([insert(1, 2, 1)])).toEqual(['other']);
    expect([stored(), database.inTransaction]).toEqual([[], false]);
  });

  it('all fail when the COMMIT fails, and the next ones work', () => {
    const orphan: SqlTransaction = [{ sql: 'INSERT INTO child VALUES (?)', params: [99] }];
    expect(failures([insert(1), orphan, insert(2, 2)])).toEqual(['other', 'other', 'other']);
    expect([stored(), database.inTransaction]).toEqual([[], false]);
    expect(failures([insert(3)])).toEqual([undefined]);
  });

  it('all fail when SQLite ends the transaction by itself, also those that had not begun', () => {
    const ending: SqlTransaction = [{ sql: 'INSERT OR ROLLBACK INTO t VALUES (1)', params: [] }];
    expect(failures([insert(1), ending, insert(2)])).toEqual(['other', 'other', 'other']);
    expect([stored(), database.inTransaction]).toEqual([[], false]);
    expect(failures([insert(1), insert(2)])).toEqual([undefined, undefined]);
  });

  it('all fail while another connection locks the database, and work once it is released', async () => {
    const other = await openDatabase(database.file);
    const impatient = await openDatabase(database.file, { busyTimeoutMs: 0 });
    other.run('BEGIN IMMEDIATE');
    const reasons = commitTogether(impatient, [insert(1), insert(2)]).map((error) => error?.reason);
    expect(reasons).toEqual(['busy', 'busy']);
    other.run('COMMIT');
    expect(commitTogether(impatient, [insert(1), insert(2)])).toEqual([undefined, undefined]);
    other.close();
    impatient.close();
  });
});

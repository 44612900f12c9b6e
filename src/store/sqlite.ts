/**
 * The store in an SQLite database, which one process opens at a time. A thread does the reads and writes
 * (src/sqlite/worker.ts), so a slow disk never blocks the main thread; only migrations run there, before anything is
 * served.
 */
import type { Store } from '../core/store.ts';
import type { SqlStatement, SqlValue } from '../sqlite/database.ts';
import { type DatabaseLock, lockDatabase } from '../sqlite/lock.ts';
import { SqliteWorker } from '../sqlite/worker.ts';
import type { SqlQuery, SqlRunner } from './sql-runner.ts';
import { sqlStore } from './sql-store.ts';
import { migrateSqlite } from './sqlite-dialect.ts';
import { storeUnreachable } from './store-unreachable.ts';

/** Bounds for a disk that hangs. */
const TIMEOUT_MS = 5_000;
const MAX_WAITING = 10_000;

/**
 * Opens the database for this process alone, and creates it if it does not exist.
 * @param version of dyndns, recorded at a migration
 * @param onDeath the thread died: no call will succeed any more
 * @throws DatabaseLockedError, SqliteError, SchemaError
 */
export async function openSqliteStore(file: string, version: string, onDeath?: (error: Error) => void): Promise<Store> {
  const lock = await lockDatabase(file);
  try {
    await migrateSqlite(lock.file, version);
    const worker = await SqliteWorker.open(lock.file, [], onDeath && { onDeath });
    const store = sqlStore(new SqliteRunner(worker, lock), false);
    return { ...store, backup: (toFile) => worker.backup(toFile) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteRunner implements SqlRunner {
  readonly dialect = 'sqlite';
  readonly #worker: SqliteWorker;
  readonly #lock: DatabaseLock;
  #waiting = 0;

  constructor(worker: SqliteWorker, lock: DatabaseLock) {
    this.#worker = worker;
    this.#lock = lock;
  }

  async all<Row>({ sql, parameters }: SqlQuery): Promise<readonly Row[]> {
    return (await this.#withTimeout(() => this.#worker.all(sql, bound(parameters)))) as readonly Row[];
  }

  async transaction<Row>(queries: readonly SqlQuery[]): Promise<readonly Row[]> {
    const statements = queries.map(({ sql, parameters, returnsRows }): SqlStatement => {
      const statement = { sql, params: bound(parameters) };
      return returnsRows === true ? { ...statement, returnsRows } : statement;
    });
    return (await this.#withTimeout(() => this.#worker.transaction(statements))) as readonly unknown[] as Row[];
  }

  async close(): Promise<void> {
    try {
      await this.#worker.close();
    } finally {
      this.#lock.release();
    }
  }

  async #withTimeout<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MAX_WAITING) throw storeUnreachable(new Error('Too many calls wait for the database.'));
    this.#waiting += 1;
    const result = call().finally(() => {
      this.#waiting -= 1;
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`The database did not answer within ${TIMEOUT_MS} ms.`)), TIMEOUT_MS);
    });
    try {
      return await Promise.race([result, timeout]);
    } catch (cause) {
      throw storeUnreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Binds whole numbers as integers: the drivers differ in how they bind a JavaScript number. */
function bound(parameters: readonly unknown[]): SqlValue[] {
  return parameters.map((value) => (Number.isInteger(value) ? BigInt(value as number) : (value as SqlValue)));
}

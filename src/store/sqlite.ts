// The store in an SQLite database: one process, one thread that writes (src/sqlite/worker.ts), so that a slow disk never
// stops the main thread. Only the tables are made on the main thread, before anything is served.
import { AppError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { SqlStatement, SqlValue } from '../sqlite/database.ts';
import { type DatabaseLock, lockDatabase } from '../sqlite/lock.ts';
import { SqliteWorker } from '../sqlite/worker.ts';
import type { SqlQuery, SqlRunner } from './sql-runner.ts';
import { sqlStore } from './sql-store.ts';
import { migrateSqlite } from './sqlite-dialect.ts';

/** A disk that does not come back: how long a call waits, in ms, and how many wait. */
const TIMEOUT_MS = 5_000;
const MAX_WAITING = 10_000;

/**
 * Opens the database, which is created if it is not there, for this process alone.
 * @throws DatabaseLockedError, SqliteError, SchemaError
 */
export async function openSqliteStore(file: string): Promise<Store> {
  const lock = await lockDatabase(file);
  try {
    await migrateSqlite(file);
    const worker = await SqliteWorker.open(file, []);
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
    return (await this.#answer(() => this.#worker.all(sql, bound(parameters)))) as readonly Row[];
  }

  async transaction(queries: readonly SqlQuery[]): Promise<void> {
    const statements = queries.map(({ sql, parameters }): SqlStatement => ({ sql, params: bound(parameters) }));
    await this.#answer(() => this.#worker.transaction(statements));
  }

  async close(): Promise<void> {
    try {
      await this.#worker.close();
    } finally {
      this.#lock.release();
    }
  }

  async #answer<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MAX_WAITING) throw unreachable('too many calls wait for the database');
    this.#waiting += 1;
    const answer = call().finally(() => {
      this.#waiting -= 1;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (cause) {
      throw unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unreachable(cause: unknown): AppError {
  return new AppError('store-unreachable', 'The store does not answer. Please try again later.', { cause });
}

/** Whole numbers as integers: the drivers differ in what they make of a number. */
function bound(parameters: readonly unknown[]): SqlValue[] {
  return parameters.map((value) => (Number.isInteger(value) ? BigInt(value as number) : (value as SqlValue)));
}

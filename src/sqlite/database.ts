// One connection to an SQLite database: pragmas, cached statements, rows, errors in our words. Synchronous: a reader of
// much data, a lock, or the thread that writes (worker-thread.ts). Not here: transactions (group-commit.ts).
import { chmodSync, closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Driver, type DriverConnection, type DriverStatement, loadDriver, type SqlValue } from './driver.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

export type { SqlValue } from './driver.ts';

/** One row: column name -> value. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** One statement of SQL with the values of its parameters. */
export interface SqlStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

export interface DatabaseOptions {
  /** Nothing is created or written. Default: false, and a missing file is created. */
  readonly readOnly?: boolean;
  /** Milliseconds to wait while another connection has the lock. Default: 5,000. */
  readonly busyTimeoutMs?: number;
}

const BUSY_TIMEOUT_MS = 5_000;
const MAX_CACHED_STATEMENTS = 256;
const FILE_MODE = 0o600;

/** Octets of the write-ahead log's file that stay allocated once its content has moved into the database. */
const KEPT_LOG_OCTETS = 16 * 1024 * 1024;

const WRITER_PRAGMAS = [
  'PRAGMA foreign_keys = ON',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  `PRAGMA journal_size_limit = ${KEPT_LOG_OCTETS}`,
];

/** The query says at once whether the file is a database. */
const READER_PRAGMAS = ['SELECT count(*) FROM sqlite_schema'];

/**
 * Opens a database. The file, and those that SQLite keeps beside it (FILE-wal, FILE-shm), have mode 0600.
 * A connection that writes uses the write-ahead log and waits for the disk at each COMMIT (synchronous=FULL).
 *
 * Never open FILE or FILE-wal by other means in the same process: closing such a descriptor drops SQLite's locks.
 *
 * @throws SqliteError
 */
export async function openDatabase(file: string, options: DatabaseOptions = {}): Promise<Database> {
  const driver = await loadDriver();
  const readOnly = options.readOnly ?? false;
  const pragmas = readOnly ? READER_PRAGMAS : WRITER_PRAGMAS;
  return openWith(driver, file, readOnly, options.busyTimeoutMs ?? BUSY_TIMEOUT_MS, pragmas);
}

/** Opens a file that serves as a lock only: no write-ahead log, no waiting. @throws SqliteError */
export async function openLockFile(file: string): Promise<Database> {
  const driver = await loadDriver();
  return openWith(driver, file, false, 0, []);
}

function openWith(
  driver: Driver,
  file: string,
  readOnly: boolean,
  timeout: number,
  pragmas: readonly string[],
): Database {
  let connection: DriverConnection | undefined;
  try {
    if (!readOnly) createPrivately(file);
    connection = new driver.DatabaseSync(file, { readOnly, timeout });
    for (const pragma of pragmas) connection.exec(pragma);
    return new Database(file, connection);
  } catch (error) {
    connection?.close();
    throw sqliteErrorFrom(error, file);
  }
}

/** Creates an empty file of mode 0600 (SQLite gives the files beside it the same mode), or takes others' rights away. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'ax', FILE_MODE));
    syncPath(dirname(file));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const status = statSync(file);
    if (status.isFile() && (status.mode & 0o777) !== FILE_MODE) chmodSync(file, FILE_MODE);
  }
}

/** Waits until a file, or the entries of a directory, are on the disk. Never for a database that is open. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

type Rows = IterableIterator<readonly SqlValue[]>;

/** An open connection. Its methods throw SqliteError. */
export class Database {
  readonly file: string;
  readonly #connection: DriverConnection;
  readonly #statements = new Map<string, DriverStatement>();
  readonly #iterating = new Set<Rows>();

  constructor(file: string, connection: DriverConnection) {
    this.file = file;
    this.#connection = connection;
  }

  get inTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  /** Runs SQL of one or more statements without parameters. */
  exec(sql: string): void {
    this.#guard(() => this.#connection.exec(sql));
  }

  /** Runs one statement, which is kept prepared, and gives the number of rows that it changed. */
  run(sql: string, params: readonly SqlValue[] = []): number {
    return this.#guard(() => Number(this.#cached(sql).run(...checked(params)).changes));
  }

  /** All rows of a query. An integer beyond 2^53 is an error. */
  all(sql: string, params: readonly SqlValue[] = []): SqlRow[] {
    return this.#guard(() => this.#cached(sql).all(...checked(params)) as SqlRow[]);
  }

  /**
   * The rows of a query one by one, each as an array of its columns, without having all in memory.
   * A million rows with two BLOBs of 25 and 40 octets take 1 to 2 seconds.
   */
  *iterate(sql: string, params: readonly SqlValue[] = []): Generator<readonly SqlValue[], void, undefined> {
    const rows = this.#guard(() => {
      const statement = this.#connection.prepare(sql);
      statement.setReturnArrays(true);
      return statement.iterate(...checked(params)) as Rows;
    });
    this.#iterating.add(rows);
    try {
      for (let row = this.#next(rows); row !== undefined; row = this.#next(rows)) yield row;
    } finally {
      if (this.#iterating.delete(rows)) rows.return?.();
    }
  }

  /** A transaction that is open is undone, reading ends with an error, and the locks are gone. */
  close(): void {
    this.#guard(() => {
      for (const rows of this.#iterating) rows.return?.();
      this.#iterating.clear();
      this.#statements.clear();
      if (this.inTransaction) this.#connection.exec('ROLLBACK');
      this.#connection.close();
    });
  }

  #next(rows: Rows): readonly SqlValue[] | undefined {
    if (!this.#iterating.has(rows))
      throw new SqliteError('other', `database ${this.file} was closed while it was read`);
    const { done, value } = this.#guard(() => rows.next());
    return done === true ? undefined : value;
  }

  #cached(sql: string): DriverStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    const oldest = this.#statements.keys().next().value;
    if (this.#statements.size >= MAX_CACHED_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest);
    this.#statements.set(sql, statement);
    return statement;
  }

  #guard<Result>(action: () => Result): Result {
    try {
      return action();
    } catch (error) {
      throw sqliteErrorFrom(error, this.file);
    }
  }
}

/** @photostructure/sqlite ends a text at its first NUL, without a word: octets belong into a BLOB. */
function checked(params: readonly SqlValue[]): readonly SqlValue[] {
  for (const value of params) {
    if (typeof value === 'string' && value.includes('\0'))
      throw new SqliteError('other', 'a text with a NUL cannot be stored: use a BLOB');
  }
  return params;
}

/**
 * A synchronous connection to an SQLite database: pragmas, cached statements, rows, errors as SqliteError. For readers of
 * much data, locks, and the writing thread (worker-thread.ts). Left out: transactions (group-commit.ts).
 */
import { chmodSync, closeSync, fsyncSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Driver, type DriverConnection, type DriverStatement, loadDriver, type SqlValue } from './driver.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

export type { SqlValue } from './driver.ts';

/** One row: column name -> value. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** An SQL statement with the values of its parameters. */
export interface SqlStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** A transaction passes on its rows: those of RETURNING, or of a query. */
  readonly returnsRows?: true;
}

export interface DatabaseOptions {
  /** Default: false, which creates a missing file. */
  readonly readOnly?: boolean;
  /** How long to wait for a lock of another connection. Default: 5,000. */
  readonly busyTimeoutMs?: number;
}

const BUSY_TIMEOUT_MS = 5_000;
const MAX_CACHED_STATEMENTS = 256;
const FILE_MODE = 0o600;

/** Size to which the file of the write-ahead log is truncated after a checkpoint. */
const LOG_SIZE_LIMIT_OCTETS = 16 * 1024 * 1024;

const WRITER_PRAGMAS = [
  'PRAGMA foreign_keys = ON',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
  `PRAGMA journal_size_limit = ${LOG_SIZE_LIMIT_OCTETS}`,
];

/** Fails at once if the file is not a database. */
const READER_PRAGMAS = ['SELECT count(*) FROM sqlite_schema'];

/**
 * Opens a database. The file and SQLite's files beside it (FILE-wal, FILE-shm) have mode 0600. A connection that writes
 * uses the write-ahead log and syncs to disk at each COMMIT (synchronous=FULL).
 *
 * Never open FILE or FILE-wal by other means in the same process: closing that descriptor releases SQLite's POSIX locks.
 *
 * @throws SqliteError
 */
export async function openDatabase(file: string, options: DatabaseOptions = {}): Promise<Database> {
  const driver = await loadDriver();
  const readOnly = options.readOnly ?? false;
  const pragmas = readOnly ? READER_PRAGMAS : WRITER_PRAGMAS;
  return openWith(driver, file, readOnly, options.busyTimeoutMs ?? BUSY_TIMEOUT_MS, pragmas);
}

/** Opens a file that only serves as a lock: without write-ahead log, and without waiting for locks. @throws SqliteError */
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

/** Creates an empty file with mode 0600, or changes the mode of an existing one. SQLite's files beside it get the same mode. */
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

/** Syncs a file or the entries of a directory to disk. Never for an open database: see openDatabase. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a file that is not there yet, with mode 0600, and syncs it to disk. @throws Error with code EEXIST, or another of the system */
export function writeNewFile(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', FILE_MODE);
  try {
    writeFileSync(descriptor, text);
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
  readonly #openIterators = new Set<Rows>();

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

  /** Runs one statement, which stays prepared, and returns the number of changed rows. */
  run(sql: string, params: readonly SqlValue[] = []): number {
    return this.#guard(() => Number(this.#cached(sql).run(...checked(params)).changes));
  }

  /** Returns all rows of a query. An integer beyond 2^53 is an error. */
  all(sql: string, params: readonly SqlValue[] = []): SqlRow[] {
    return this.#guard(() => this.#cached(sql).all(...checked(params)) as SqlRow[]);
  }

  /**
   * Streams the rows of a query, each as an array of its columns. A million rows with two BLOBs of 25 and 40 octets take
   * 1 to 2 seconds.
   */
  *iterate(sql: string, params: readonly SqlValue[] = []): Generator<readonly SqlValue[], void, undefined> {
    const rows = this.#guard(() => {
      const statement = this.#connection.prepare(sql);
      statement.setReturnArrays(true);
      return statement.iterate(...checked(params)) as Rows;
    });
    this.#openIterators.add(rows);
    try {
      for (let row = this.#next(rows); row !== undefined; row = this.#next(rows)) yield row;
    } finally {
      if (this.#openIterators.delete(rows)) rows.return?.();
    }
  }

  /** Rolls back an open transaction, and releases all locks. Iterators in use fail with their next row. */
  close(): void {
    this.#guard(() => {
      for (const rows of this.#openIterators) rows.return?.();
      this.#openIterators.clear();
      this.#statements.clear();
      if (this.inTransaction) this.#connection.exec('ROLLBACK');
      this.#connection.close();
    });
  }

  #next(rows: Rows): readonly SqlValue[] | undefined {
    if (!this.#openIterators.has(rows))
      throw new SqliteError('other', `database ${this.file} was closed while it was being read`);
    const { done, value } = this.#guard(() => rows.next());
    return done === true ? undefined : value;
  }

  #cached(sql: string): DriverStatement {
    const cachedStatement = this.#statements.get(sql);
    if (cachedStatement !== undefined) return cachedStatement;
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

/** @photostructure/sqlite silently truncates a text at its first NUL. */
function checked(params: readonly SqlValue[]): readonly SqlValue[] {
  for (const value of params) {
    if (typeof value === 'string' && value.includes('\0'))
      throw new SqliteError('other', 'a text that contains NUL cannot be stored: use a BLOB');
  }
  return params;
}

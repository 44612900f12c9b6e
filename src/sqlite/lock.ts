/**
 * Allows only one process per database: a lock that the kernel releases when the process ends for any reason. It is an
 * exclusive transaction on an empty SQLite file, FILE-lock, which is never removed; it also works within one process.
 * FILE-lock.pid names the holder, for messages only.
 */
import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Database, openLockFile } from './database.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

/** The database is locked by another process or another part of this one. */
export class DatabaseLockedError extends SqliteError {
  override readonly name = 'DatabaseLockedError';
  /** The process that holds the lock; undefined if it has not written FILE-lock.pid yet. */
  readonly pid: number | undefined;

  constructor(file: string, pid: number | undefined) {
    const holder = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
    super('busy', `database ${file} is in use by ${holder}: only one process at a time can serve it`);
    this.pid = pid;
  }
}

export interface DatabaseLock {
  /** Also released when the process ends. */
  release(): void;
}

/** References the connections of held locks: a garbage collected connection is closed and releases its lock. */
const heldLocks = new Set<Database>();

/** Locks a database, which need not exist yet, for this process. @throws DatabaseLockedError, SqliteError */
export async function lockDatabase(file: string): Promise<DatabaseLock> {
  const lockFile = `${realPath(file)}-lock`;
  const pidFile = `${lockFile}.pid`;
  const connection = await openLockFile(lockFile);
  try {
    connection.run('BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    throw error instanceof SqliteError && error.reason === 'busy'
      ? new DatabaseLockedError(file, readPid(pidFile))
      : error;
  }
  try {
    writeFileSync(`${pidFile}.new`, `${process.pid}\n`, { mode: 0o600 });
    renameSync(`${pidFile}.new`, pidFile);
  } catch (error) {
    connection.close();
    throw sqliteErrorFrom(error, pidFile);
  }
  heldLocks.add(connection);
  return {
    release: () => {
      if (!heldLocks.delete(connection)) return;
      rmSync(pidFile, { force: true });
      connection.close();
    },
  };
}

/** The canonical path of a file that need not exist. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // The file does not exist yet. If its directory does not exist either, opening the lock file fails.
  }
  try {
    return join(realpathSync(dirname(file)), basename(file));
  } catch {
    return file;
  }
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

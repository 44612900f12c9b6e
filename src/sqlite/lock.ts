// One process for each database: a lock that the kernel takes back when the process ends, however it ends.
// It is an exclusive transaction on an empty SQLite file beside the database, FILE-lock, which is never removed, and works
// between two opens in one process too. FILE-lock.pid says who has it; it is only for people to read.
import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Database, openLockFile } from './database.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

/** Another process, or another part of this one, has the database. */
export class DatabaseLockedError extends SqliteError {
  override readonly name = 'DatabaseLockedError';
  /** The process that has it; undefined when it has not said so yet. */
  readonly pid: number | undefined;

  constructor(file: string, pid: number | undefined) {
    const who = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
    super('busy', `database ${file} is in use by ${who}: one process at a time can serve it`);
    this.pid = pid;
  }
}

export interface DatabaseLock {
  /** Gives the database free. Also done by the end of the process. */
  release(): void;
}

/** A connection that nobody refers to any more would be closed by the garbage collector, and its lock be gone. */
const held = new Set<Database>();

/** Takes a database, which need not exist yet, for this process. @throws DatabaseLockedError, SqliteError */
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
  held.add(connection);
  return {
    release: () => {
      if (!held.delete(connection)) return;
      rmSync(pidFile, { force: true });
      connection.close();
    },
  };
}

/** The same for every spelling of a path. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // It is not there yet; its directory is, or opening the lock says so.
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

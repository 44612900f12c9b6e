/**
 * Allows only one process per database: a lock that the kernel releases when the process ends for any reason. It is an
 * exclusive transaction on an empty SQLite file, FILE-lock, which is never removed; it also works within one process.
 * FILE-lock.pid names the holder, for messages only.
 */
import { readFileSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
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
  /** The canonical path of the database: open this one, so that every name of it has the same write-ahead log. */
  readonly file: string;
  /** Also released when the process ends. */
  release(): void;
}

/** References the connections of held locks: a garbage collected connection is closed and releases its lock. */
const heldLocks = new Set<Database>();

/**
 * Locks a database, which need not exist yet, for this process. A file with several hard links is refused.
 * @throws DatabaseLockedError, SqliteError
 */
export async function lockDatabase(file: string): Promise<DatabaseLock> {
  const real = realFile(file);
  refuseHardLinks(real);
  const lockFile = `${real}-lock`;
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
    file: real,
    release: () => {
      if (!heldLocks.delete(connection)) return;
      rmSync(pidFile, { force: true });
      connection.close();
    },
  };
}

/** As many symbolic links in a row as Linux follows. */
const MAX_LINKS = 40;

/** The canonical path of a file that need not exist, also by a symbolic link whose target does not exist yet. */
export function realFile(file: string): string {
  let path = file;
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      return realpathSync(path);
    } catch {
      // The file does not exist yet.
    }
    try {
      path = join(realpathSync(dirname(path)), basename(path));
    } catch {
      return path; // Its directory does not exist either: opening the lock file fails.
    }
    try {
      path = resolve(dirname(path), readlinkSync(path));
    } catch {
      return path; // It is not a link.
    }
  }
  return path;
}

/**
 * SQLite's write-ahead log and our lock go by the name of the file: under another name of the same file a second process would
 * write to it with neither, and a backup that links files would be changed.
 */
function refuseHardLinks(file: string): void {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status === undefined || !status.isFile() || status.nlink < 2) return;
  throw new SqliteError(
    'other',
    `database ${file} has ${status.nlink} names (hard links), under each of which another program could open it without ` +
      `the lock and the write-ahead log of this one: remove the others (find them with: find / -xdev -samefile ${file}), ` +
      `or give this one a file of its own (cp --preserve ${file} ${file}.own && mv ${file}.own ${file})`,
  );
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

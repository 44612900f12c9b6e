// A copy of a database that others are writing to. A thread of its own reads one snapshot (VACUUM INTO), which holds no
// writer up; meanwhile FILE-wal grows by what is written.
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openDatabase, syncPath } from './database.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';
import { type BackupStart, firstReply, threadUrl } from './thread-messages.ts';

/** Copies a database in a thread of its own; see writeCopy. @throws SqliteError */
export async function copyDatabase(file: string, toFile: string): Promise<void> {
  const workerData: BackupStart = { file, toFile };
  const thread = new Worker(threadUrl('backup-thread'), { workerData, execArgv: [] });
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  try {
    await firstReply(thread, file);
  } finally {
    await ended;
  }
}

/**
 * Writes all that is committed in a database into `toFile`, of mode 0600. It is written as `toFile.PID.partial` and renamed
 * once it is on the disk: an older copy is replaced whole or not at all.
 * @throws SqliteError
 */
export async function writeCopy(file: string, toFile: string): Promise<void> {
  const partial = `${toFile}.${process.pid}.partial`;
  try {
    refuseOwnFiles(file, toFile);
    closeSync(openSync(partial, 'wx', 0o600));
  } catch (error) {
    throw sqliteErrorFrom(error, toFile);
  }
  try {
    const database = await openDatabase(file, { readOnly: true });
    try {
      // Not a prepared statement: the twin would keep the connection open for it.
      database.exec(`VACUUM INTO '${partial.replaceAll("'", "''")}'`);
    } finally {
      database.close();
    }
    const descriptor = openSync(partial, 'r+');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, toFile);
    syncPath(dirname(toFile));
  } catch (error) {
    rmSync(partial, { force: true });
    throw sqliteErrorFrom(error, toFile);
  }
}

/** A copy over the database, or over a file that belongs to it, would destroy it. */
function refuseOwnFiles(file: string, toFile: string): void {
  const real = realpathSync(file);
  const target = join(realpathSync(dirname(toFile)), basename(toFile));
  if (target === real || target.startsWith(`${real}-`))
    throw new SqliteError('other', `${toFile} belongs to the database: give another file for the copy`);
}

/**
 * Copies a database that is in use. A separate thread reads one snapshot (VACUUM INTO), which does not block writers;
 * FILE-wal cannot be truncated meanwhile.
 */
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openDatabase, syncPath } from './database.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';
import { type BackupStart, firstReply, threadOptions, threadUrl } from './thread-messages.ts';

/** Runs writeCopy in a separate thread. @throws SqliteError */
export async function copyDatabase(file: string, toFile: string): Promise<void> {
  const thread = new Worker(threadUrl('backup-thread'), threadOptions<BackupStart>({ file, toFile }));
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  try {
    await firstReply(thread, file);
  } finally {
    await ended;
  }
}

/**
 * Copies the committed content of a database to `toFile`, with mode 0600. It is written to `toFile.PID.partial`, synced to
 * disk and renamed: an older copy is replaced atomically.
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
      // Not a prepared statement: @photostructure/sqlite would keep the connection open for it.
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

/** Prevents that the copy overwrites the database or one of its files (FILE-wal, FILE-shm, FILE-lock). */
function refuseOwnFiles(file: string, toFile: string): void {
  const real = realpathSync(file);
  const target = join(realpathSync(dirname(toFile)), basename(toFile));
  if (target === real || target.startsWith(`${real}-`))
    throw new SqliteError('other', `${toFile} belongs to the database: choose another file for the copy`);
}

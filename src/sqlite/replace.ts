/** Puts a backup in the place of a database that no process has open: checks it, and keeps the database that it replaces. */
import { chownSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeCopy } from './backup.ts';
import { openDatabase, syncPath } from './database.ts';
import { SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

/** SQLite's files beside a database, which belong to it alone. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Copies a backup to a file beside the database, and checks the copy.
 * @param tables names that a database of this kind has
 * @throws SqliteError
 */
export async function prepareCopy(backup: string, copy: string, tables: readonly string[]): Promise<void> {
  if (!existsSync(backup)) throw new SqliteError('other', `the backup ${backup} does not exist`);
  removeDatabase(copy);
  await writeCopy(backup, copy);
  try {
    await checkDatabase(copy, tables);
  } catch (error) {
    removeDatabase(copy);
    throw error instanceof SqliteError ? new SqliteError(error.reason, `the backup ${backup} ${error.message}`) : error;
  }
}

async function checkDatabase(file: string, tables: readonly string[]): Promise<void> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    const problems = database.all('PRAGMA integrity_check').map((row) => String(row['integrity_check']));
    if (problems[0] !== 'ok') throw new SqliteError('corrupt', `is damaged (${problems.slice(0, 3).join('; ')})`);
    const present = new Set(
      database.all("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name),
    );
    const missing = tables.find((table) => !present.has(table));
    if (missing !== undefined) throw new SqliteError('other', `is not of this kind: it has no table '${missing}'`);
  } finally {
    database.close();
  }
}

/** Where a database is kept that is replaced at a time. @param nowMs since 1970 */
export function asideOf(file: string, nowMs: number): string {
  return `${file}.replaced-${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** Deletes a database and its files. */
export function removeDatabase(file: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(file + suffix, { force: true });
}

/**
 * Puts a database in the place of another one. An interruption leaves the old one, or none: a start notices both.
 * @param aside where the old one is kept
 * @returns whether there was an old one
 * @throws SqliteError
 */
export function replaceDatabase(file: string, prepared: string, aside: string): boolean {
  try {
    const hadOne = existsSync(file);
    giveToOwner(prepared, hadOne ? file : dirname(file));
    // The write-ahead log first: with the new database SQLite would take it for its own.
    for (const suffix of [...COMPANIONS, '']) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    renameSync(prepared, file);
    syncPath(dirname(file));
    return hadOne;
  } catch (error) {
    throw sqliteErrorFrom(error, file);
  }
}

/** Root makes files for the user of the server, who has the file or folder `like`. */
export function giveToOwner(file: string, like: string): void {
  if (process.getuid?.() !== 0 || !existsSync(file)) return;
  const { uid, gid } = statSync(like);
  chownSync(file, uid, gid);
}

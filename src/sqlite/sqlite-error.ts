/**
 * Errors of SQLite and its files, with advice for the operator. Result codes: https://www.sqlite.org/rescode.html.
 * Messages never contain SQL or parameters.
 */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { databaseOf, fileAdvice } from './file-advice.ts';

export type SqliteErrorReason = 'full' | 'read-only' | 'busy' | 'corrupt' | 'io' | 'other';

/**
 * An error of a database. Its transaction is not stored, except that this is unknown if the thread died. The message is a
 * clause without a full stop, as callers embed it.
 */
export class SqliteError extends Error {
  override readonly name: string = 'SqliteError';
  readonly reason: SqliteErrorReason;

  constructor(reason: SqliteErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Primary result code (the low octet of an extended one) -> reason. */
const REASON_OF_CODE: ReadonlyMap<number, SqliteErrorReason> = new Map([
  [5, 'busy'], // SQLITE_BUSY
  [6, 'busy'], // SQLITE_LOCKED
  [8, 'read-only'], // SQLITE_READONLY
  [10, 'io'], // SQLITE_IOERR
  [11, 'corrupt'], // SQLITE_CORRUPT
  [13, 'full'], // SQLITE_FULL
  [14, 'io'], // SQLITE_CANTOPEN
  [26, 'corrupt'], // SQLITE_NOTADB
]);

/** SQLITE_IOERR_SHMSIZE: FILE-shm cannot grow; usually the first error of a full disk. */
const SHM_CANNOT_GROW = 4874;

const REASON_OF_ERRNO: ReadonlyMap<string, SqliteErrorReason> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
]);

const ADVICE: Readonly<Record<SqliteErrorReason, string>> = {
  full: 'no space is left on its disk: free some, or raise the quota',
  'read-only':
    "it is not writable: give the server's user write permission on the file and its directory, and check that the disk is not mounted read-only",
  busy: 'another process has locked it: stop that process',
  corrupt:
    "it is damaged or not a database: stop the server, keep a copy of the file and the files beside it, and restore a backup ('dyndns restore FILE')",
  io: 'its disk or directory fails: check that the directory exists, and the system log for errors of the disk',
  other: 'SQLite reported an error',
};

/** SQLITE_NOTADB */
const NOT_A_DATABASE = 26;
const FOREIGN_FILE =
  "it is not an SQLite database: name another file if it belongs to another program; if it was one, it is damaged: stop the server, keep a copy of the file and the files beside it, and restore a backup ('dyndns restore FILE')";

/** The message of an Error, else the value as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fieldOf(error: unknown, field: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined;
}

/** SQLite reports a disk that was remounted read-only as an I/O error. */
function isReadOnlyNow(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    return false;
  } catch (error) {
    return REASON_OF_ERRNO.get(String(fieldOf(error, 'code'))) === 'read-only';
  }
}

function reasonOf(error: unknown, file: string): SqliteErrorReason {
  const resultCode = fieldOf(error, 'errcode');
  if (typeof resultCode !== 'number') {
    // The drivers report some errors without their code: @photostructure/sqlite those between two rows.
    if (error instanceof Error && error.message === 'database or disk is full') return 'full';
    if (error instanceof Error && /\b(malformed|not a database)$/.test(error.message)) return 'corrupt';
    const isSystemError = fieldOf(error, 'syscall') !== undefined;
    return REASON_OF_ERRNO.get(String(fieldOf(error, 'code'))) ?? (isSystemError ? 'io' : 'other');
  }
  if (resultCode === SHM_CANNOT_GROW) return 'full';
  const reason = REASON_OF_CODE.get(resultCode & 0xff) ?? 'other';
  return reason === 'io' && isReadOnlyNow(file) ? 'read-only' : reason;
}

/** Converts an error of the driver or the file system to a SqliteError; returns a SqliteError unchanged. */
export function sqliteErrorFrom(error: unknown, file: string): SqliteError {
  if (error instanceof SqliteError) return error;
  const reason = reasonOf(error, file);
  const resultCode = fieldOf(error, 'errcode');
  const detail = errorText(error);
  const code = typeof resultCode === 'number' ? `, code ${resultCode}` : '';
  const isOfFile = reason === 'read-only' || reason === 'io' || reason === 'other';
  const advice =
    (isOfFile ? fileAdvice(databaseOf(file)) : undefined) ??
    (resultCode === NOT_A_DATABASE ? FOREIGN_FILE : ADVICE[reason]);
  return new SqliteError(reason, `database ${databaseOf(file)}: ${advice} (${detail}${code})`, { cause: error });
}

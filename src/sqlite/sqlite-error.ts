// What went wrong in SQLite or with the files below it, in words that an operator can act on.
// Result codes: https://www.sqlite.org/rescode.html. SQL and parameters never stand in a message.
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';

export type SqliteErrorReason = 'full' | 'read-only' | 'busy' | 'corrupt' | 'io' | 'other';

/** An error of a database. The transaction that got it is not stored, unless the message says that this is not known. */
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

/** SQLITE_IOERR_SHMSIZE: the file FILE-shm cannot grow, which is what a full disk says first. */
const SHM_CANNOT_GROW = 4874;

const REASON_OF_ERRNO: ReadonlyMap<string, SqliteErrorReason> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
]);

const ADVICE: Readonly<Record<SqliteErrorReason, string>> = {
  full: 'no room is left for it: free some on its disk, or raise the quota',
  'read-only':
    'it cannot be written: give the user of the server write permission on the file and its directory, and see that its disk is not mounted read-only',
  busy: 'another process keeps it locked: end that one',
  corrupt:
    'it is damaged or no database: stop the server, keep a copy of the file and those beside it, and restore a backup',
  io: 'its disk or directory fails: see that the directory exists and what the system log says of the disk',
  other: 'SQLite refused',
};

function fieldOf(error: unknown, field: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined;
}

/** SQLite calls a disk that has become read-only an I/O error. */
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
    const fromSystem = fieldOf(error, 'syscall') !== undefined;
    return REASON_OF_ERRNO.get(String(fieldOf(error, 'code'))) ?? (fromSystem ? 'io' : 'other');
  }
  if (resultCode === SHM_CANNOT_GROW) return 'full';
  const reason = REASON_OF_CODE.get(resultCode & 0xff) ?? 'other';
  return reason === 'io' && isReadOnlyNow(file) ? 'read-only' : reason;
}

/** The error of a driver or of the file system as a SqliteError; one that is a SqliteError already stays as it is. */
export function sqliteErrorFrom(error: unknown, file: string): SqliteError {
  if (error instanceof SqliteError) return error;
  const reason = reasonOf(error, file);
  const resultCode = fieldOf(error, 'errcode');
  const detail = error instanceof Error ? error.message : String(error);
  const code = typeof resultCode === 'number' ? `, code ${resultCode}` : '';
  return new SqliteError(reason, `database ${file}: ${ADVICE[reason]} (${detail}${code})`, { cause: error });
}

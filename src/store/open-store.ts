/** Opens the store that the option `store` names, and loads the driver of that database only. */
import type { Store } from '../core/store.ts';

/**
 * @param onDeath called when the thread of an SQLite database died: no call will succeed any more
 * @param url `sqlite:FILE` or `postgres://user@host/database`. It may contain a password, so no error repeats it.
 * @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError
 */
export async function openStore(url: string, onDeath?: (error: Error) => void): Promise<Store> {
  if (url.startsWith('sqlite:')) {
    return (await import('./sqlite.ts')).openSqliteStore(url.slice('sqlite:'.length), onDeath);
  }
  if (/^postgres(ql)?:/.test(url)) return (await import('./postgres.ts')).openPostgresStore(url);
  throw new TypeError("A store is 'sqlite:FILE' or 'postgres://user@host/database'.");
}

/** Opens the store that the option `store` names, and loads the driver of that database only. */
import type { Store, StoreUser } from '../core/store.ts';

/** In place of a version that is not known: of a tool, or a test. */
const UNKNOWN = 'unknown';

/**
 * With a user, a PostgreSQL that is away is no error: calls fail until it is there and has the tables.
 * @param url `sqlite:FILE` or `postgres://user@host/database`. It may contain a password, so no error repeats it.
 * @param version of dyndns, recorded in the store at a migration
 * @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError
 */
export async function openStore(url: string, user?: StoreUser, version = UNKNOWN): Promise<Store> {
  if (url.startsWith('sqlite:')) {
    const store = await (await import('./sqlite.ts')).openSqliteStore(
      url.slice('sqlite:'.length),
      version,
      user?.onDeath,
    );
    await user?.beforeUse(store);
    return store;
  }
  if (/^postgres(ql)?:/.test(url)) return (await import('./postgres.ts')).openPostgresStore(url, version, user);
  throw new TypeError("A store is 'sqlite:FILE' or 'postgres://user@host/database'.");
}

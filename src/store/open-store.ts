/** Opens the store that the option `store` names, and loads the driver of that database only. */
import type { Store, StoreProblem } from '../core/store.ts';

/** What a server wants to know of its store, and a command does not. */
export interface StoreUser {
  /** The thread of an SQLite database died: no call will succeed any more. */
  readonly onDeath?: ((error: Error) => void) | undefined;
  /** Called with the open store once, before anyone else uses it. It may fail: a store that is away is then opened again. */
  beforeUse(store: Store): Promise<void>;
  /** PostgreSQL does not answer, for another reason than before, or answers again (undefined). */
  onChange(problem: StoreProblem | undefined): void;
}

/**
 * With a user, a PostgreSQL that is away is no error: calls fail until it is there and has the tables.
 * @param url `sqlite:FILE` or `postgres://user@host/database`. It may contain a password, so no error repeats it.
 * @throws AppError store-unreachable, DatabaseLockedError, SqliteError, SchemaError
 */
export async function openStore(url: string, user?: StoreUser): Promise<Store> {
  if (url.startsWith('sqlite:')) {
    const store = await (await import('./sqlite.ts')).openSqliteStore(url.slice('sqlite:'.length), user?.onDeath);
    await user?.beforeUse(store);
    return store;
  }
  if (/^postgres(ql)?:/.test(url)) return (await import('./postgres.ts')).openPostgresStore(url, user);
  throw new TypeError("A store is 'sqlite:FILE' or 'postgres://user@host/database'.");
}

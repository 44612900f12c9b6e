/**
 * A Kysely dialect over src/sqlite, for migrations only: Kysely's own dialect needs another driver. One synchronous
 * connection.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { type Database, openDatabase, type SqlValue } from '../sqlite/database.ts';
import { migrate } from './migrations.ts';

/** Creates or migrates the tables of a database. @throws SqliteError, SchemaError */
export async function migrateSqlite(file: string, version: string): Promise<void> {
  const database = await openDatabase(file);
  try {
    await migrate(
      new Kysely<unknown>({
        dialect: {
          createAdapter: () => new MigratingAdapter(),
          createDriver: () => new SingleConnection(database),
          createIntrospector: (db) => new SqliteIntrospector(db),
          createQueryCompiler: () => new SqliteQueryCompiler(),
        },
      }),
      version,
    );
  } finally {
    database.close();
  }
}

/** SQLite can roll back DDL, so that all migrations are applied or none. */
class MigratingAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SingleConnection implements Driver, DatabaseConnection {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this;
  }

  async beginTransaction(): Promise<void> {
    this.#database.run('BEGIN IMMEDIATE');
  }

  async commitTransaction(): Promise<void> {
    this.#database.run('COMMIT');
  }

  async rollbackTransaction(): Promise<void> {
    if (this.#database.inTransaction) this.#database.run('ROLLBACK');
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return { rows: this.#database.all(sql, parameters as readonly SqlValue[]) as readonly unknown[] as Row[] };
  }

  // biome-ignore lint/correctness/useYield: nothing is streamed
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Migrations do not stream.');
  }
}

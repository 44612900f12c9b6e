/**
 * What the SQL stores need from a database: run one query, or run several statements in one transaction. Interactive
 * transactions are left out on purpose: no lock is held while the program waits for anything else.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Schema } from './schema.ts';

export type SqlDialect = 'sqlite' | 'postgres';

export interface SqlQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** The statement is prepared once per connection under this name, where the database can. */
  readonly name?: string;
  /** A transaction passes on its rows. */
  readonly returnsRows?: true;
}

/** All methods throw AppError: `store-unreachable`, or `internal` if the database refused the statement. */
export interface SqlRunner {
  readonly dialect: SqlDialect;

  /** Runs one statement in a transaction of its own. @returns its rows, or those of RETURNING; integers are numbers */
  all<Row>(query: CompiledQuery<Row> | SqlQuery): Promise<readonly Row[]>;

  /** Runs statements in order: all are committed, or none. @returns the rows of all with `returnsRows`, in order */
  transaction<Row>(queries: readonly SqlQuery[]): Promise<readonly Row[]>;

  close(): Promise<void>;
}

/** Builds queries for a runner; it cannot run them. */
export type QueryBuilder = Kysely<Schema>;

const DIALECTS = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
};

export function queryBuilder(dialect: SqlDialect): QueryBuilder {
  return new Kysely<Schema>({ dialect: DIALECTS[dialect] });
}

/** Increments a counter, which locks its row until COMMIT. */
export function incrementCounter(build: QueryBuilder, name: Schema['counters']['name']): CompiledQuery {
  return build
    .updateTable('counters')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .compile();
}

export const MAX_CHUNK = 64;

/** Splits a list into chunks of 64, 32, … 1 items: powers of two, so that statements of many rows have few texts. */
export function chunksOf<Item>(items: readonly Item[]): Item[][] {
  const chunks: Item[][] = [];
  for (let at = 0, size = MAX_CHUNK; at < items.length; ) {
    while (size > items.length - at) size /= 2;
    chunks.push(items.slice(at, at + size));
    at += size;
  }
  return chunks;
}

/**
 * Writes many rows with few statements, or looks them up. Building and parsing a statement takes longer than running it, so the SQL for each chunk
 * size is built once, and prepared once for each connection. All rows must have the same columns in the same order, and the SQL must
 * not depend on their values.
 */
export class RowsStatement<Row extends object> {
  readonly #name: string;
  readonly #build: (rows: readonly Row[]) => CompiledQuery;
  /** By chunk size. */
  readonly #sql = new Map<number, string>();

  /** @param name of this statement among all that are prepared */
  constructor(name: string, build: (rows: readonly Row[]) => CompiledQuery) {
    this.#name = name;
    this.#build = build;
  }

  queries(rows: readonly Row[]): SqlQuery[] {
    return chunksOf(rows).map((chunk) => {
      const sql = this.#sql.get(chunk.length) ?? this.#build(chunk).sql;
      this.#sql.set(chunk.length, sql);
      const parameters = chunk.flatMap((row): readonly unknown[] => Object.values(row));
      return { sql, parameters, name: `${this.#name}-${chunk.length}` };
    });
  }
}

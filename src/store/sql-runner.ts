// What the SQL stores need of a database: to run a query, and to run some statements together. No transaction in which
// code decides between two statements: a lock is never held while something else is waited for.
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
  /** Where the database can keep the statement prepared under a name. */
  readonly name?: string;
}

/** Its methods throw AppError: store-unreachable, or internal where the SQL is wrong. */
export interface SqlRunner {
  readonly dialect: SqlDialect;

  /** Runs one statement by itself and gives its rows, those of RETURNING too. Integers are numbers. */
  all<Row>(query: CompiledQuery<Row> | SqlQuery): Promise<readonly Row[]>;

  /** Runs statements in their order: all land or none. */
  transaction(queries: readonly SqlQuery[]): Promise<void>;

  close(): Promise<void>;
}

/** Builds queries for a runner; runs none itself. */
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

/** Raises a counter; holds its row until COMMIT. */
export function raiseCounter(build: QueryBuilder, name: Schema['counters']['name']): CompiledQuery {
  return build
    .updateTable('counters')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .compile();
}

const LARGEST_PART = 64;

/** Cuts a list into parts of 64, 32, ... 1 items, so that statements of many rows have few different texts. */
export function partsOf<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0, size = LARGEST_PART; at < items.length; ) {
    while (size > items.length - at) size /= 2;
    parts.push(items.slice(at, at + size));
    at += size;
  }
  return parts;
}

/**
 * Writes many rows with few statements. Building a statement takes longer than running it, so that the text for each size
 * of a part is made once. All rows have the same columns in the same order, and no part of the text depends on them.
 */
export class RowsStatement<Row extends object> {
  readonly #build: (rows: readonly Row[]) => CompiledQuery;
  readonly #texts = new Map<number, string>();

  constructor(build: (rows: readonly Row[]) => CompiledQuery) {
    this.#build = build;
  }

  queries(rows: readonly Row[]): SqlQuery[] {
    return partsOf(rows).map((part) => {
      const sql = this.#texts.get(part.length) ?? this.#build(part).sql;
      this.#texts.set(part.length, sql);
      return { sql, parameters: part.flatMap((row): readonly unknown[] => Object.values(row)) };
    });
  }
}

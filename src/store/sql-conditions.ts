/**
 * Parts of statements that Kysely has no words for: the order of octets, parts of texts, the time, an INSERT under a condition, and
 * the order of changes of users and of what belongs to them (the counter `users`).
 */
import { type RawBuilder, sql } from 'kysely';
import type { Schema } from './schema.ts';
import { incrementCounter, type QueryBuilder, type SqlDialect, type SqlQuery } from './sql-runner.ts';

export type Condition = RawBuilder<boolean>;

export const ALWAYS: Condition = sql<boolean>`1 = 1`;

const NOW: Readonly<Record<SqlDialect, string>> = {
  postgres: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  sqlite: "cast((julianday('now') - 2440587.5) * 86400000 as integer)",
};

/** Milliseconds since 1970 by the clock of the database; SQLite runs on this machine. */
export function databaseNow(dialect: SqlDialect): RawBuilder<number> {
  return sql.raw<number>(NOW[dialect]);
}

/** A column in the order of octets: a PostgreSQL may have another one by default. */
export function inOctets(dialect: SqlDialect, column: string): RawBuilder<string> {
  return dialect === 'postgres' ? sql<string>`${sql.ref(column)} collate "C"` : sql<string>`${sql.ref(column)}`;
}

/** Has the column this part? @param part in lower case */
export function hasPart(dialect: SqlDialect, column: RawBuilder<string>, part: string): Condition {
  return dialect === 'postgres'
    ? sql<boolean>`strpos(${column}, ${part}) > 0`
    : sql<boolean>`instr(${column}, ${part}) > 0`;
}

/** A text with NUL is in no column: PostgreSQL refuses it, and with it the statement. */
export function isStorable(text: string): boolean {
  return !text.includes('\0');
}

/** Inserts a row where a condition holds. PostgreSQL does not infer the types of values in a SELECT, so they are written. */
export function insertWhere(table: keyof Schema, row: object, condition: Condition): RawBuilder<unknown> {
  const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)));
  const values = sql.join(
    Object.values(row).map((value: unknown) => {
      if (value === null) return sql`null`;
      return typeof value === 'number' ? sql`cast(${value} as bigint)` : sql`cast(${value} as text)`;
    }),
  );
  return sql`insert into ${sql.table(table)} (${columns}) select ${values} where ${condition}`;
}

export function userExists(userId: string): Condition {
  return sql<boolean>`exists (select 1 from users where id = ${userId})`;
}

/** Changes of users and of what belongs to them wait for one another, from here to COMMIT. */
export function lockUsers(build: QueryBuilder): SqlQuery {
  return incrementCounter(build, 'users');
}

/** The same; fails, and with it the transaction, unless nothing was changed since this version was read. */
export function lockUsersAt(build: QueryBuilder, version: number): SqlQuery {
  return sql`update counters set value = case when value = cast(${version} as bigint) then value + 1 end where name = 'users'`.compile(
    build,
  );
}

export function usersVersion(build: QueryBuilder) {
  return build.selectFrom('counters').select('value').where('name', '=', 'users').compile();
}

/** A statement whose rows the transaction passes on. */
export function returning({ sql: text, parameters }: SqlQuery): SqlQuery {
  return { sql: text, parameters, returnsRows: true };
}

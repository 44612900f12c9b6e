/** The rule that servers of the version before survive a migration (docs/operating/several-servers.md). */
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { expect, it } from 'vitest';
import { MIGRATIONS } from './migrations.ts';

/** The statements of a migration in PostgreSQL. */
async function statementsOf(name: string): Promise<readonly string[]> {
  const statements: string[] = [];
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (any) => new PostgresIntrospector(any),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql),
  });
  await MIGRATIONS[name]!.up(db);
  return statements;
}

/** What an older version would not survive; undefined if it would. */
function harmOf(statement: string, created: ReadonlySet<string>): string | undefined {
  const table = /^alter table "(\w+)"/.exec(statement)?.[1] ?? /^create .*index .* on "(\w+)"/.exec(statement)?.[1];
  if (table !== undefined && created.has(table)) return undefined;
  if (/^create (table|index|function|trigger) /.test(statement) || statement.startsWith('insert into '))
    return undefined;
  if (!/^alter table "\w+" add column /.test(statement)) return statement;
  return / not null/.test(statement) && !/ default /.test(statement) ? statement : undefined;
}

/** Migrations that change nothing in PostgreSQL. */
const OF_SQLITE: ReadonlySet<string> = new Set(['0017-event-batches']);

it.each(Object.keys(MIGRATIONS))('%s only adds', async (name) => {
  const statements = await statementsOf(name);
  expect(statements.length > 0).toBe(!OF_SQLITE.has(name));
  const created = new Set(statements.flatMap((text) => /^create table "(\w+)"/.exec(text)?.[1] ?? []));
  expect(statements.filter((text) => harmOf(text, created) !== undefined)).toEqual([]);
});

it.each([
  'alter table "hosts" drop column "settings"',
  'alter table "hosts" add column "owner" text not null',
  'alter table "hosts" rename to "names"',
  'create unique index "events_by_time" on "events" ("time_ms")',
  'delete from events',
])('%s would be found', (statement) => {
  expect(harmOf(statement, new Set(['tokens']))).toBe(statement);
});

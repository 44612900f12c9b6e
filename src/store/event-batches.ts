/**
 * Events of an SQLite database that are stored, and not in their place yet: a batch is one row of `event_batches`, as JSON. An event
 * in `events` changes a page of the index by name, of its count and of its overview, 4 KiB each; thousands that are moved together, in
 * the order of names, share those pages. They are moved when enough wait, and before anything reads what they change.
 */
import { sql } from 'kysely';
import type { EventRow } from './schema.ts';
import { incrementCounter, type QueryBuilder, type SqlQuery, type SqlRunner } from './sql-runner.ts';

/** The columns of an event in the order of its JSON. */
const COLUMNS = [
  'id',
  'name',
  'time_ms',
  'protocol',
  'actor',
  'source',
  'user_agent',
  'outcome',
  'a_before',
  'a_after',
  'aaaa_before',
  'aaaa_after',
  'code',
  'detail',
  'serial',
] as const satisfies readonly (keyof EventRow)[];

/** Created by a migration, in SQLite only. */
export const EVENT_BATCHES_IN_SQLITE =
  'create table "event_batches" ("batch" integer primary key, "events" text not null)';

/** To move them takes about 50 ms of the thread of the database. */
const MOVE_AT = 4_096;

export class EventBatches {
  /** For all that reads or changes what events change: moves them first. */
  readonly behind: SqlRunner;
  readonly #run: SqlRunner;
  readonly #counter: SqlQuery;
  readonly #insert: string;
  readonly #move: readonly SqlQuery[];
  /** At the start those that an earlier process left may wait. */
  #waiting = 1;
  #moving: Promise<void> | undefined;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.behind = runnerBehind(this, run);
    this.#counter = incrementCounter(build, 'events');
    this.#insert = `insert into event_batches (batch, events) select value, ? from counters where name = 'events'`;
    const columns = sql.join(COLUMNS.map((column) => sql.ref(column)));
    const values = sql.join(COLUMNS.map((_, index) => sql`event.value ->> ${sql.lit(index)}`));
    this.#move = [
      // Without the condition, SQLite takes `on conflict` for a part of the join.
      sql`insert into events (${columns}, batch) select ${values}, batch from event_batches, json_each(event_batches.events) as event
        where true order by event.value ->> 1, event.value ->> 0 on conflict do nothing`.compile(build),
      sql`delete from event_batches`.compile(build),
    ];
  }

  async append(rows: readonly EventRow[]): Promise<void> {
    const events = JSON.stringify(rows.map((row) => COLUMNS.map((column) => row[column])));
    // Also if it fails: a call that took too long may succeed later.
    this.#waiting += rows.length;
    await this.#run.transaction([this.#counter, { sql: this.#insert, parameters: [events] }]);
    // They are stored: the next reader gets the error of a move.
    if (this.#waiting >= MOVE_AT) await this.moveAll().catch(() => undefined);
  }

  /** Moves all that wait to `events`. */
  async moveAll(): Promise<void> {
    // Of several callers that waited for one move, the first starts the next one.
    while (this.#moving !== undefined) await this.#moving;
    if (this.#waiting === 0) return;
    const moved = this.#waiting;
    this.#moving = this.#run
      .transaction(this.#move)
      .then(() => {
        this.#waiting -= moved;
      })
      .finally(() => {
        this.#moving = undefined;
      });
    await this.#moving;
  }
}

function runnerBehind(batches: EventBatches, run: SqlRunner): SqlRunner {
  return {
    dialect: run.dialect,
    all: async (query) => {
      await batches.moveAll();
      return run.all(query);
    },
    transaction: async (queries) => {
      await batches.moveAll();
      return run.transaction(queries);
    },
    close: () => run.close(),
  };
}

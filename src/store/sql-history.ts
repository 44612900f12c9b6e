/** Events, activity and silences of hosts in a SQL database. */

import { sql } from 'kysely';
import {
  type EventReceipt,
  firstIdOf,
  type HistoryEvent,
  type HostActivity,
  type PastAddresses,
} from '../core/history/history.ts';
import type {
  EventFilter,
  EventPosition,
  HistorySize,
  HistoryStore,
  PlacedEvent,
  RepeatCount,
  SilenceStep,
} from '../core/history/history-store.ts';
import { FAMILIES, type Family } from '../core/zones/family.ts';
import type { Receipt } from '../core/zones/secondaries.ts';
import type { DomainName } from '../dns/name.ts';
import type { EventBatches } from './event-batches.ts';
import { byName, compareTexts, eventOf, eventRow, nameOf, nameText } from './rows.ts';
import { type ActivityRow, type EventRow, WRONG_CLOCK_MS } from './schema.ts';
import { forgetInOverview } from './sql-overview.ts';
import { SqlReceipts } from './sql-receipts.ts';
import { chunksOf, incrementCounter, type QueryBuilder, RowsStatement, type SqlRunner } from './sql-runner.ts';
import { type EventCount, trimPlan } from './trim-plan.ts';

const NOT_CHANGED = sql<boolean>`outcome <> 'changed'`;

const DAY_MS = 86_400_000;

/** Rows that one statement deletes, so that no lock is held for long. */
const PRUNE_CHUNK = 5_000;
const TRIM_CHUNK = 1_000;
/** Hosts that lose events in one step. */
const TRIM_HOSTS = 100;

export class SqlHistoryStore implements HistoryStore {
  readonly #run: SqlRunner;
  /** Of what reads or deletes events. */
  readonly #events: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #batches: EventBatches | undefined;
  readonly #insertEvents: RowsStatement<EventRow>;
  readonly #countRepeats: RowsStatement<ActivityRow>;
  readonly #receipts: SqlReceipts;
  /** Counts of the days before it are deleted. */
  #firstDay: number | undefined;

  /** @param batches in SQLite */
  constructor(run: SqlRunner, build: QueryBuilder, batches?: EventBatches) {
    this.#run = run;
    this.#events = batches?.behind ?? run;
    this.#batches = batches;
    this.#build = build;
    this.#insertEvents = new RowsStatement('events', (rows) => insertEvents(build, rows));
    this.#countRepeats = new RowsStatement('repeats', (rows) => countRepeats(build, rows));
    this.#receipts = new SqlReceipts(run, this.#events, build);
  }

  async append(events: readonly HistoryEvent[]): Promise<void> {
    if (events.length === 0) return;
    if (this.#batches !== undefined) {
      await this.#batches.append(events.map(eventRow));
      return;
    }
    // In the order of names, like all statements that count events (event-counts.ts).
    const rows = events.map(eventRow).sort((a, b) => compareTexts(a.name, b.name));
    // The counter first: its row is locked until COMMIT, so that batches become visible in the order of their numbers.
    const counter = incrementCounter(this.#build, 'events');
    await this.#run.transaction([counter, ...this.#insertEvents.queries(rows)]);
  }

  async countRepeats(counts: readonly RepeatCount[]): Promise<void> {
    // Rows are locked in the same order by every process, so that they cannot deadlock.
    const rows = sumByName(counts).sort((a, b) => compareTexts(a.name, b.name));
    for (const query of this.#countRepeats.queries(rows)) await this.#run.transaction([query]);
  }

  async read(ownerName: DomainName, limit: number, before?: string): Promise<readonly HistoryEvent[]> {
    let query = this.#build
      .selectFrom('events')
      .selectAll()
      .where('name', '=', nameText(ownerName))
      .orderBy('id', 'desc')
      .limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    return (await this.#events.all(query.compile())).map(eventOf);
  }

  async readAll({ hosts, ...filter }: EventFilter, limit: number, before?: string) {
    if (hosts === undefined) {
      return (await this.#events.all(this.#newest(filter, limit, before).compile())).map(eventOf);
    }
    // For each host the newest ones, by its index: one condition on many names would read the events of all others as well.
    const found: HistoryEvent[] = [];
    for (const chunk of chunksOf(hosts.map(nameText))) {
      const [first, ...others] = chunk.map((name) =>
        this.#build.selectFrom(this.#newest(filter, limit, before).where('name', '=', name).as('newest')).selectAll(),
      );
      const query = others.reduce((union, one) => union.unionAll(one), first!);
      for (const row of await this.#events.all(query.compile())) found.push(eventOf(row));
    }
    return found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
  }

  #newest({ outcome, actor, source, sinceMs }: EventFilter, limit: number, before: string | undefined) {
    let query = this.#build.selectFrom('events').selectAll().orderBy('id', 'desc').limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    if (sinceMs !== undefined) query = query.where('id', '>=', firstIdOf(sinceMs));
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (source !== undefined) query = query.where('source', '=', source);
    if (outcome !== undefined) query = query.where('outcome', '=', outcome);
    // The condition of the index events_not_changed, word for word: SQLite does not infer it.
    if (outcome !== undefined && outcome !== 'changed') query = query.where(NOT_CHANGED);
    return query;
  }

  async readMoves(ownerName: DomainName, family: Family, limit: number, before?: string) {
    const [from, to] = family === 'A' ? (['a_before', 'a_after'] as const) : (['aaaa_before', 'aaaa_after'] as const);
    let query = this.#build
      .selectFrom('events')
      .selectAll()
      .where('name', '=', nameText(ownerName))
      .where('outcome', '=', 'changed')
      .whereRef(to, '<>', from)
      .orderBy('id', 'desc')
      .limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    return (await this.#events.all(query.compile())).map(eventOf);
  }

  async newestPosition(): Promise<EventPosition> {
    const query = this.#build
      .selectFrom('events')
      .select(['batch', 'id'])
      .where('batch', 'is not', null)
      .orderBy('batch', 'desc')
      .orderBy('id', 'desc')
      .limit(1);
    const [row] = await this.#events.all(query.compile());
    return row === undefined ? { batch: 0, id: '' } : { batch: row.batch!, id: row.id };
  }

  async positionOf(eventId: string): Promise<EventPosition | undefined> {
    const query = this.#build.selectFrom('events').select('batch').where('id', '=', eventId);
    const [row] = await this.#events.all(query.compile());
    return row === undefined || row.batch === null ? undefined : { batch: row.batch, id: eventId };
  }

  async readAfter(position: EventPosition, limit: number): Promise<readonly PlacedEvent[]> {
    const query = this.#after(position).selectAll().orderBy('batch').orderBy('id').limit(limit);
    const rows = await this.#events.all(query.compile());
    return rows.map((row) => ({ batch: row.batch!, event: eventOf(row) }));
  }

  async hasMoreAfter(position: EventPosition, events: number): Promise<boolean> {
    const query = this.#after(position).select('id').orderBy('batch').orderBy('id').limit(1).offset(events);
    return (await this.#events.all(query.compile())).length > 0;
  }

  #after({ batch, id }: EventPosition) {
    return this.#build
      .selectFrom('events')
      .where('batch', '>=', batch)
      .where(({ eb, or }) => or([eb('batch', '>', batch), eb('id', '>', id)]));
  }

  appendReceipts(receipts: readonly Receipt[]): Promise<void> {
    return this.#receipts.append(receipts);
  }

  receipts(
    events: readonly HistoryEvent[],
    zone: string,
    secondaries: readonly string[],
  ): Promise<readonly EventReceipt[]> {
    return this.#receipts.read(events, zone, secondaries);
  }

  pruneReceipts(olderThanMs: number, maxReceipts: number): Promise<number> {
    return this.#receipts.prune(olderThanMs, maxReceipts);
  }

  async lastTime(): Promise<number | undefined> {
    const noted = this.#build.selectFrom('counters').select('value').where('name', '=', 'clock');
    const [row] = await this.#run.all(noted.compile());
    if (row !== undefined && row.value > 0) return row.value;
    const newest = this.#build.selectFrom('events').select('time_ms').orderBy('time_ms', 'desc').limit(1);
    return (await this.#events.all(newest.compile()))[0]?.time_ms;
  }

  async noteTime(timeMs: number): Promise<void> {
    const update = this.#build.updateTable('counters').set({ value: timeMs }).where('name', '=', 'clock');
    await this.#run.transaction([update.compile()]);
  }

  async activity(ownerName: DomainName): Promise<HostActivity | undefined> {
    const query = this.#build.selectFrom('activity').selectAll().where('name', '=', nameText(ownerName));
    const [row] = await this.#run.all(query.compile());
    return row && activityOf(row);
  }

  async activities(): Promise<readonly HostActivity[]> {
    const rows = await this.#run.all(this.#build.selectFrom('activity').selectAll().compile());
    return rows.map(activityOf).sort(byName);
  }

  async activitiesOf(ownerNames: readonly DomainName[]): Promise<readonly HostActivity[]> {
    const activities: HostActivity[] = [];
    for (const names of chunksOf(ownerNames.map(nameText))) {
      const query = this.#build.selectFrom('activity').selectAll().where('name', 'in', names);
      for (const row of await this.#run.all(query.compile())) activities.push(activityOf(row));
    }
    return activities;
  }

  async stateAt(ownerName: DomainName, timeMs: number): Promise<PastAddresses> {
    const state: { -readonly [F in keyof PastAddresses]: PastAddresses[F] } = {};
    for (const family of FAMILIES) {
      const changes = this.#build
        .selectFrom('events')
        .selectAll()
        .where('name', '=', nameText(ownerName))
        .where('outcome', '=', 'changed')
        .where(family === 'A' ? 'a_after' : 'aaaa_after', 'is not', null);
      const upToTime = changes.where('time_ms', '<=', timeMs).orderBy('id', 'desc').limit(1);
      const [last] = await this.#events.all(upToTime.compile());
      const after = last && eventOf(last)[family]?.after;
      if (after !== undefined) {
        state[family] = after;
        continue;
      }
      const [next] = await this.#events.all(changes.where('time_ms', '>', timeMs).orderBy('id').limit(1).compile());
      const before = next && eventOf(next)[family]?.before;
      if (before !== undefined) state[family] = before;
    }
    return state;
  }

  async noteSilence(ownerName: DomainName, step: SilenceStep, lastSeenMs: number): Promise<'first' | 'known'> {
    const insert = this.#build
      .insertInto('silences')
      .values({ name: nameText(ownerName), step, last_seen_ms: lastSeenMs })
      .onConflict((conflict) =>
        conflict
          .columns(['name', 'step'])
          .doUpdateSet(({ ref }) => ({ last_seen_ms: ref('excluded.last_seen_ms') }))
          .whereRef('silences.last_seen_ms', '<', 'excluded.last_seen_ms'),
      )
      .returning('name');
    return (await this.#run.all(insert.compile())).length > 0 ? 'first' : 'known';
  }

  async notedSilence(ownerName: DomainName, step: SilenceStep): Promise<number | undefined> {
    const query = this.#build
      .selectFrom('silences')
      .select('last_seen_ms')
      .where('name', '=', nameText(ownerName))
      .where('step', '=', step);
    const [row] = await this.#run.all(query.compile());
    return row?.last_seen_ms;
  }

  async noteWatch(nowMs: number, pauseMs: number): Promise<number> {
    const insert = this.#build
      .insertInto('watch')
      .values({ name: 'hosts', since_ms: nowMs, looked_ms: nowMs })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet(({ eb, ref }) => ({
          since_ms: eb
            .case()
            .when(
              eb.or([
                eb('watch.looked_ms', '<', nowMs - pauseMs),
                eb('watch.looked_ms', '>', nowMs + WRONG_CLOCK_MS),
                eb('watch.since_ms', '>', nowMs + WRONG_CLOCK_MS),
              ]),
            )
            .then(ref('excluded.since_ms'))
            .else(ref('watch.since_ms'))
            .end(),
          looked_ms: later('watch.looked_ms', 'excluded.looked_ms'),
        })),
      )
      .returning('since_ms');
    const [row] = await this.#run.all(insert.compile());
    return row!.since_ms;
  }

  async purge(ownerName: DomainName): Promise<number> {
    const name = nameText(ownerName);
    await this.#run.all(this.#build.deleteFrom('silences').where('name', '=', name).returning('name').compile());
    await this.#run.all(this.#build.deleteFrom('activity').where('name', '=', name).returning('name').compile());
    const query = this.#build.deleteFrom('events').where('name', '=', name).returning('id');
    const { length } = await this.#events.all(query.compile());
    await this.#events.transaction(forgetInOverview(this.#build, name));
    await this.#forgetHostsWithoutEvents();
    return length;
  }

  async prune(olderThanMs: number): Promise<number> {
    await this.#forgetDays(Math.floor(olderThanMs / DAY_MS));
    const oldest = this.#build
      .selectFrom('events')
      .select('id')
      .where('time_ms', '<', olderThanMs)
      .orderBy('time_ms')
      .limit(PRUNE_CHUNK);
    const query = this.#build.deleteFrom('events').where('id', 'in', oldest).returning('id').compile();
    let pruned = 0;
    for (;;) {
      const { length } = await this.#events.all(query);
      pruned += length;
      if (length < PRUNE_CHUNK) break;
    }
    await this.#forgetHostsWithoutEvents();
    return pruned;
  }

  async trim(maxEvents: number): Promise<HistorySize> {
    // In one query, which sees one state: other servers trim at the same time.
    const query = this.#build
      .selectFrom('event_counts')
      .select(['name', 'events', sql<number | string>`sum(events) over ()`.as('stored')])
      .orderBy('events', 'desc')
      .orderBy('name')
      .limit(TRIM_HOSTS);
    const counts = await this.#events.all(query.compile());
    // PostgreSQL has a wider type for a sum, which pg returns as a text.
    const stored = Number(counts[0]?.stored ?? 0);
    const excess = Math.min(stored - maxEvents, TRIM_CHUNK);
    const plan = excess > 0 ? trimPlan(counts, excess) : [];
    const deleted = await this.#deleteOldest(plan, new Map(counts.map(({ name, events }) => [name, events])));
    return { stored: stored - deleted, deleted };
  }

  /** Once for each day: it reads the whole table. */
  async #forgetDays(firstDay: number): Promise<void> {
    if (firstDay === this.#firstDay) return;
    await this.#events.transaction([this.#build.deleteFrom('host_days').where('day', '<', firstDay).compile()]);
    this.#firstDay = firstDay;
  }

  async #forgetHostsWithoutEvents(): Promise<void> {
    await this.#events.transaction([this.#build.deleteFrom('event_counts').where('events', '<=', 0).compile()]);
  }

  /**
   * One statement for all hosts. Of a host with fewer events than counted it deletes nothing: another server has deleted them
   * meanwhile.
   */
  async #deleteOldest(plan: readonly EventCount[], counted: ReadonlyMap<string, number>): Promise<number> {
    if (plan.length === 0) return 0;
    const [first, ...others] = plan.map(({ name, events }) => {
      const oldest = this.#build
        .selectFrom('events')
        .select('id')
        .where('name', '=', name)
        .where(({ selectFrom, eb }) =>
          eb(selectFrom('event_counts').select('events').where('name', '=', name), '>=', counted.get(name)!),
        )
        .orderBy('id')
        .limit(events);
      return this.#build.selectFrom(oldest.as('oldest')).select('id');
    });
    const ids = others.reduce((all, next) => all.unionAll(next), first!);
    const query = this.#build.deleteFrom('events').where('id', 'in', ids).returning('id');
    return (await this.#events.all(query.compile())).length;
  }
}

function insertEvents(build: QueryBuilder, rows: readonly EventRow[]) {
  // Without parameters: those of RowsStatement are the columns of the rows.
  const batch = sql<number>`(select value from counters where name = 'events')`;
  const insert = build.insertInto('events').values(rows.map((row) => ({ ...row, batch })));
  return insert.onConflict((conflict) => conflict.doNothing()).compile();
}

function countRepeats(build: QueryBuilder, rows: readonly ActivityRow[]) {
  const insert = build.insertInto('activity').values(rows);
  return insert
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet(({ eb, ref }) => ({
        repeats: eb('activity.repeats', '+', ref('excluded.repeats')),
        last_seen_ms: later('activity.last_seen_ms', 'excluded.last_seen_ms'),
      })),
    )
    .compile();
}

/** The later of two times; the second where the first was written by a clock that was ahead. */
function later(a: string, b: string) {
  const isLater = sql`${sql.ref(a)} > ${sql.ref(b)} and ${sql.ref(a)} <= ${sql.ref(b)} + ${sql.lit(WRONG_CLOCK_MS)}`;
  return sql<number>`case when ${isLater} then ${sql.ref(a)} else ${sql.ref(b)} end`;
}

/** One row for each name: an INSERT with ON CONFLICT must not contain a key twice. */
function sumByName(counts: readonly RepeatCount[]): ActivityRow[] {
  const rows = new Map<string, ActivityRow>();
  for (const { ownerName, repeats, lastSeenMs } of counts) {
    const name = nameText(ownerName);
    const row = rows.get(name);
    rows.set(name, {
      name,
      repeats: repeats + (row?.repeats ?? 0),
      last_seen_ms: Math.max(lastSeenMs, row?.last_seen_ms ?? 0),
    });
  }
  return [...rows.values()];
}

function activityOf({ name, repeats, last_seen_ms }: ActivityRow): HostActivity {
  return { ownerName: nameOf(name), repeats, lastSeenMs: last_seen_ms };
}

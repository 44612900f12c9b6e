/** Hosts as people look at them, in a SQL database: the tables of overview-schema.ts. */
import { type RawBuilder, sql } from 'kysely';
import {
  comparePlaces,
  HOST_STATES,
  type HostCounts,
  type HostState,
  type OverviewHost,
  type OverviewPage,
  type OverviewQuery,
  type OverviewSort,
  type OverviewStore,
  placeOf,
} from '../core/hosts/overview-store.ts';
import type { DomainName } from '../dns/name.ts';
import { nameText } from './rows.ts';
import { overviewHostOf } from './rows-overview.ts';
import type { EventRow, HostDayRow, HostOverviewRow } from './schema.ts';
import { ALWAYS, type Condition, hasPart, isStorable } from './sql-conditions.ts';
import { chunksOf, type QueryBuilder, type SqlQuery, type SqlRunner } from './sql-runner.ts';

type FoundRow = HostOverviewRow & { readonly rank: number; readonly settings: string | null };

type CountRow = Readonly<Record<'hosts' | 'disabled' | 'ended' | 'never' | 'silent', number | string>>;

const WAITING = sql<boolean>`overview.name in (select name from wishes)`;
const WATCHED_SINCE = sql<number>`coalesce((select max(since_ms) from watch), 0)`;

/** The rules of `hostState`; each is for hosts to which none before it applies. */
function conditionsAt(nowMs: number) {
  const now = sql.lit(nowMs);
  return {
    disabled: sql<boolean>`(overview.is_disabled = 1)`,
    leaseEnded: sql<boolean>`(overview.is_lease = 1 and overview.last_seen_ms < overview.last_change_ms)`,
    never: sql<boolean>`(overview.last_seen_ms = 0 and overview.last_change_ms = 0)`,
    silent: sql<boolean>`(overview.silent_after_ms is not null and overview.last_seen_ms > 0
      and overview.last_seen_ms + overview.silent_after_ms <= ${now}
      and ${WATCHED_SINCE} + overview.silent_after_ms <= ${now})`,
  };
}

/** The index of the state in HOST_STATES. */
function rankAt(nowMs: number): RawBuilder<number> {
  const { disabled, leaseEnded, never, silent } = conditionsAt(nowMs);
  const rank = (state: HostState) => sql.lit(HOST_STATES.indexOf(state));
  return sql<number>`case
    when ${disabled} then ${rank('disabled')}
    when ${WAITING} then ${rank('waiting')}
    when ${leaseEnded} then ${rank('lease-ended')}
    when ${never} then ${rank('never')}
    when ${silent} then ${rank('silent')}
    else ${rank('fresh')} end`;
}

/** The columns by which a list is sorted, before the name. */
const SORT_COLUMNS = {
  state: { column: sql.ref('rank'), order: sql`asc`, behind: sql`>` },
  seen: { column: sql.ref('last_seen_ms'), order: sql`desc`, behind: sql`<` },
  changed: { column: sql.ref('last_change_ms'), order: sql`desc`, behind: sql`<` },
} as const satisfies Record<Exclude<OverviewSort, 'name'>, object>;

export class SqlOverviewStore implements OverviewStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async page({ limit, sort, after, state, userId, access, search, nowMs }: OverviewQuery): Promise<OverviewPage> {
    if (search !== undefined && !isStorable(search)) return { hosts: [] };
    const conditions: Condition[] = [];
    if (search !== undefined) conditions.push(hasPart(this.#run.dialect, sql<string>`name`, search.toLowerCase()));
    if (state !== undefined) conditions.push(sql<boolean>`rank = ${sql.lit(HOST_STATES.indexOf(state))}`);
    const by = sort === 'name' ? undefined : SORT_COLUMNS[sort];
    if (after !== undefined) {
      const name = nameText(after.ownerName);
      const isBehindName = sql<boolean>`name > ${name}`;
      const key = sql.lit(after.key);
      conditions.push(
        by === undefined
          ? isBehindName
          : sql<boolean>`(${by.column} ${by.behind} ${key} or (${by.column} = ${key} and ${isBehindName}))`,
      );
    }
    const where = sql.join(conditions.length > 0 ? conditions : [ALWAYS], sql` and `);
    const order = by === undefined ? sql`name` : sql`${by.column} ${by.order}, name`;
    const ranked = sql`select overview.*, ${rankAt(nowMs)} as rank from ${this.#visible(userId, access)}`;
    const found = sql`select * from (${ranked}) as ranked where ${where} order by ${order} limit ${sql.lit(limit + 1)}`;
    const rows = await this.#withSettings(found);
    const hosts = await this.#hostsOf(rows.slice(0, limit));
    // The join with the settings does not keep the order.
    const inOrder = [...hosts].sort(byPlace(sort));
    const last = inOrder.at(-1);
    return rows.length > limit && last !== undefined
      ? { hosts: inOrder, next: placeOf(last, sort) }
      : { hosts: inOrder };
  }

  async hosts(ownerNames: readonly DomainName[], nowMs: number): Promise<readonly OverviewHost[]> {
    const rows: FoundRow[] = [];
    for (const names of chunksOf(ownerNames.map(nameText))) {
      const found = sql`select overview.*, ${rankAt(nowMs)} as rank from host_overview as overview
        where overview.name in (${sql.join(names)})`;
      rows.push(...(await this.#withSettings(found)));
    }
    return this.#hostsOf(rows);
  }

  async count({ userId, access, nowMs }: Pick<OverviewQuery, 'userId' | 'access' | 'nowMs'>): Promise<HostCounts> {
    const one = (condition: Condition) => sql`coalesce(sum(case when ${condition} then 1 else 0 end), 0)`;
    const { disabled, leaseEnded, never, silent } = conditionsAt(nowMs);
    const enabled = sql<boolean>`not ${disabled}`;
    const counted = sql`select count(*) as hosts, ${one(disabled)} as disabled,
      ${one(sql<boolean>`${enabled} and ${leaseEnded}`)} as ended,
      ${one(sql<boolean>`${enabled} and ${never}`)} as never,
      ${one(sql<boolean>`${enabled} and not ${leaseEnded} and ${silent}`)} as silent
      from ${this.#visible(userId, access)}`;
    // Few hosts have a pending update, or all of them: to ask for one at each row takes longer.
    const waiting = sql`${counted} ${userId === undefined ? sql`where` : sql`and`} overview.name in (select name from wishes)`;
    const [[all], [held]] = await Promise.all([
      this.#run.all<CountRow>(this.#compile(counted)),
      this.#run.all<CountRow>(this.#compile(waiting)),
    ]);
    const of = (column: keyof CountRow) => Number(all?.[column] ?? 0);
    const free = (column: keyof CountRow) => of(column) - Number(held?.[column] ?? 0);
    const counts = {
      disabled: of('disabled'),
      waiting: Number(held?.hosts ?? 0) - Number(held?.disabled ?? 0),
      'lease-ended': free('ended'),
      never: free('never'),
      silent: free('silent'),
    };
    const others = Object.values(counts).reduce((sum, hosts) => sum + hosts, 0);
    // Hosts may change their state between both queries.
    return { ...counts, fresh: Math.max(0, of('hosts') - others) };
  }

  async watchedSinceMs(): Promise<number> {
    const query = this.#build.selectFrom('watch').select('since_ms').where('name', '=', 'hosts');
    return (await this.#run.all(query.compile()))[0]?.since_ms ?? 0;
  }

  /** The rows that a user sees, as `overview`. */
  #visible(userId: string | undefined, access: OverviewQuery['access']): RawBuilder<unknown> {
    if (userId === undefined) return sql`host_overview as overview`;
    const ofAccess = access === undefined ? ALWAYS : sql<boolean>`host_access.access = ${access}`;
    return sql`host_access join host_overview as overview on overview.name = host_access.name
      where host_access.user_id = ${userId} and ${ofAccess}`;
  }

  #withSettings(found: RawBuilder<unknown>): Promise<readonly FoundRow[]> {
    const query = sql`select found.*, hosts.settings from (${found}) as found left join hosts on hosts.name = found.name`;
    return this.#run.all<FoundRow>(this.#compile(query));
  }

  /** With what other tables know of these hosts. */
  async #hostsOf(rows: readonly FoundRow[]): Promise<readonly OverviewHost[]> {
    const names = rows.map(({ name }) => name);
    const faultIds = rows.flatMap(({ fault_id: id }) => (id === null ? [] : [id]));
    const [days, waiting, faults] = await Promise.all([
      this.#each<HostDayRow>(names, (chunk) =>
        this.#build.selectFrom('host_days').selectAll().where('name', 'in', chunk),
      ),
      this.#each<{ name: string; created_ms: number }>(names, (chunk) =>
        this.#build.selectFrom('wishes').select(['name', 'created_ms']).where('name', 'in', chunk),
      ),
      this.#each<EventRow>(faultIds, (chunk) => this.#build.selectFrom('events').selectAll().where('id', 'in', chunk)),
    ]);
    const daysOf = groupByName(days);
    const waitingOf = groupByName(waiting);
    const faultOf = new Map(faults.map((fault) => [fault.id, fault]));
    return rows.map((row) =>
      overviewHostOf(row, HOST_STATES[Number(row.rank)]!, {
        settings: row.settings,
        days: daysOf.get(row.name) ?? [],
        waiting: waitingOf.get(row.name) ?? [],
        fault: row.fault_id === null ? undefined : faultOf.get(row.fault_id),
      }),
    );
  }

  async #each<Row>(
    texts: readonly string[],
    query: (chunk: string[]) => { compile(): SqlQuery },
  ): Promise<readonly Row[]> {
    const chunks = chunksOf(texts).map((chunk) => this.#run.all<Row>(query(chunk).compile()));
    return (await Promise.all(chunks)).flat();
  }

  #compile(query: RawBuilder<unknown>): SqlQuery {
    return query.compile(this.#build) as SqlQuery;
  }
}

function groupByName<Row extends { readonly name: string }>(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.name);
    if (group === undefined) groups.set(row.name, [row]);
    else group.push(row);
  }
  return groups;
}

const byPlace = (sort: OverviewSort) => (a: OverviewHost, b: OverviewHost) =>
  comparePlaces(placeOf(a, sort), placeOf(b, sort), sort);

/**
 * Locks the rows of these hosts, in the order of names, and makes those that are missing: a transaction that writes the settings
 * of several hosts begins with it.
 */
export function lockOverview(build: QueryBuilder, names: readonly string[]): SqlQuery[] {
  const inOrder = [...new Set(names)].sort();
  return chunksOf(inOrder).map((chunk) => {
    const rows = sql.join(chunk.map((name) => sql`(${name})`));
    return sql`insert into host_overview (name) values ${rows}
      on conflict (name) do update set name = excluded.name`.compile(build);
  });
}

/** Forgets what the history has of a host: it is as if it had never been updated. */
export function forgetInOverview(build: QueryBuilder, name: string): SqlQuery[] {
  return [
    sql`update host_overview set last_seen_ms = 0, a = null, a_since_ms = null, aaaa = null, aaaa_since_ms = null,
      last_change_ms = 0, is_lease = 0, fault_ms = null, fault_id = null where name = ${name}`,
    sql`delete from host_overview where name = ${name} and not exists (select 1 from hosts where name = ${name})`,
    sql`delete from host_days where name = ${name}`,
  ].map((statement) => statement.compile(build));
}

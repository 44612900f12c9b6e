/** Settings of hosts in a SQL database, and who has access to them. */
import { type RawBuilder, sql } from 'kysely';
import type { HostSettings } from '../core/hosts/host.ts';
import type {
  HostGrant,
  HostPage,
  HostQuery,
  HostStore,
  ListedHost,
  PutConditions,
  PutOutcome,
} from '../core/hosts/host-store.ts';
import type { HostAccess } from '../core/users/user.ts';
import type { DomainName } from '../dns/name.ts';
import { accessRows, byName, hostOf, hostRow, isStoredAs, nameOf, nameText } from './rows.ts';
import type { HostRow } from './schema.ts';
import {
  ALWAYS,
  type Condition,
  hasPart,
  inOctets,
  insertWhere,
  isStorable,
  lockUsers,
  returning,
  userExists,
} from './sql-conditions.ts';
import { MAX_CHUNK, type QueryBuilder, RowsStatement, type SqlQuery, type SqlRunner } from './sql-runner.ts';

/** Queries in flight at the same time. */
const MAX_QUERIES = 2;

interface WaitingHost {
  readonly name: string;
  readonly resolve: (settings: HostSettings | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface ListedHostRow {
  readonly name: string;
  readonly settings: string | null;
  readonly repeats: number | null;
  readonly last_seen_ms: number | null;
}

export class SqlHostStore implements HostStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #waiting: WaitingHost[] = [];
  #queries = 0;
  readonly #select: RowsStatement<{ readonly name: string }>;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
    this.#select = new RowsStatement('hosts', (rows) => {
      const names = rows.map(({ name }) => name);
      return build.selectFrom('hosts').selectAll().where('name', 'in', names).compile();
    });
  }

  async put(host: HostSettings, { expected, maxOwned }: PutConditions = {}): Promise<PutOutcome> {
    const row = hostRow(host);
    const stored = expected === undefined ? undefined : await this.#storedText(row.name);
    if (expected !== undefined && !isStoredAs(row.name, stored, expected)) return 'changed';
    const { ownerId } = host;
    const isUnderQuota: Condition =
      ownerId === undefined || maxOwned === undefined
        ? ALWAYS
        : sql<boolean>`(select count(*) from host_access where user_id = ${ownerId} and access = 'own' and name <> ${row.name}) < ${sql.lit(maxOwned)}`;
    const condition = ownerId === undefined ? ALWAYS : sql<boolean>`${userExists(ownerId)} and ${isUnderQuota}`;
    const access = accessRows(host);
    const lock = expected !== undefined || access.length > 0 ? [lockUsers(this.#build)] : [];
    const written = await this.#run.transaction([
      ...lock,
      returning(this.#write(row, stored, expected, condition)),
      ...this.#setAccess(row, access),
    ]);
    if (written.length > 0) return 'put';
    if (expected !== undefined && (await this.#storedText(row.name)) !== stored) return 'changed';
    const query = sql`select 1 from users where id = ${ownerId ?? ''}`.compile(this.#build);
    return (await this.#run.all(query)).length > 0 ? 'quota' : 'owner-unknown';
  }

  #write(
    row: HostRow,
    stored: string | undefined,
    expected: HostSettings | null | undefined,
    condition: Condition,
  ): SqlQuery {
    if (stored !== undefined) {
      return sql`
        update hosts set settings = ${row.settings}, is_limited = ${sql.lit(row.is_limited)}
        where name = ${row.name} and settings = ${stored} and ${condition} returning name`.compile(this.#build);
    }
    const insert = insertWhere('hosts', row, condition);
    const onConflict =
      expected === null
        ? sql`do nothing`
        : sql`(name) do update set settings = excluded.settings, is_limited = excluded.is_limited`;
    return sql`${insert} on conflict ${onConflict} returning name`.compile(this.#build);
  }

  /** Only where the settings are these: the statement before may not have written them. */
  #setAccess({ name, settings }: HostRow, access: ReturnType<typeof accessRows>): SqlQuery[] {
    const isWritten = sql<boolean>`exists (select 1 from hosts where name = ${name} and settings = ${settings})`;
    const clear = sql`delete from host_access where name = ${name} and ${isWritten}`;
    const inserts = access.map((row) => sql`${insertWhere('host_access', row, isWritten)} on conflict do nothing`);
    return [clear, ...inserts].map((statement) => statement.compile(this.#build));
  }

  /** Hosts that are asked for while queries are in flight share the next one. */
  get(ownerName: DomainName): Promise<HostSettings | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name: nameText(ownerName), resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#ask());
    });
  }

  #ask(): void {
    while (this.#waiting.length > 0 && this.#queries < MAX_QUERIES) {
      void this.#askFor(this.#waiting.splice(0, MAX_CHUNK));
    }
  }

  /** Never rejects. */
  async #askFor(waiting: readonly WaitingHost[]): Promise<void> {
    this.#queries += 1;
    try {
      const names = [...waiting];
      // A name may be there twice: one statement has a power of two.
      while (!Number.isInteger(Math.log2(names.length))) names.push(waiting[0]!);
      const [query] = this.#select.queries(names.map(({ name }) => ({ name })));
      const rows = await this.#run.all<HostRow>(query!);
      const found = new Map(rows.map((row) => [row.name, row]));
      for (const { name, resolve } of waiting) {
        const row = found.get(name);
        resolve(row && hostOf(row));
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    this.#queries -= 1;
    this.#ask();
  }

  async list(): Promise<readonly HostSettings[]> {
    const rows = await this.#run.all(this.#build.selectFrom('hosts').selectAll().compile());
    return rows.map(hostOf).sort(byName);
  }

  async listLimited(): Promise<readonly HostSettings[]> {
    const rows = await this.#run.all(this.#build.selectFrom('hosts').selectAll().where('is_limited', '=', 1).compile());
    return rows.map(hostOf).sort(byName);
  }

  async page({ limit, after, userId, access, search }: HostQuery): Promise<HostPage> {
    if (search !== undefined && !isStorable(search)) return { hosts: [] };
    const inOrder = inOctets(this.#run.dialect, 'name');
    /** The names of a table, as many as a page can have. */
    const names = (table: 'hosts' | 'activity' | 'host_access', ...conditions: readonly Condition[]) => {
      const all = [...conditions];
      if (after !== undefined) all.push(sql<boolean>`${inOrder} > ${nameText(after)}`);
      if (search !== undefined) all.push(hasPart(this.#run.dialect, sql<string>`name`, search.toLowerCase()));
      const where = sql.join(all.length > 0 ? all : [ALWAYS], sql` and `);
      return sql`(select name from ${sql.table(table)} where ${where} order by ${inOrder} limit ${sql.lit(limit + 1)})`;
    };
    let found: RawBuilder<unknown>;
    if (userId !== undefined) {
      const ofAccess = access === undefined ? [] : [sql<boolean>`access = ${access}`];
      found = names('host_access', sql<boolean>`user_id = ${userId}`, ...ofAccess);
    } else {
      const union = sql`select name from ${names('hosts')} as h union select name from ${names('activity')} as a`;
      found = sql`(select name from (${union}) as u order by ${inOrder} limit ${sql.lit(limit + 1)})`;
    }
    // It begins with "select": it is sent again if its connection breaks.
    const query = sql`select found.name, hosts.settings, activity.repeats, activity.last_seen_ms from ${found} as found
      left join hosts on hosts.name = found.name left join activity on activity.name = found.name
      order by ${inOctets(this.#run.dialect, 'found.name')}`;
    const rows = await this.#run.all<ListedHostRow>(query.compile(this.#build) as SqlQuery);
    const hosts = rows.slice(0, limit).map(listedHostOf);
    const last = hosts.at(-1);
    return rows.length > limit && last !== undefined ? { hosts, next: last.ownerName } : { hosts };
  }

  async hostsOf(userId: string): Promise<readonly HostGrant[]> {
    const query = this.#build
      .selectFrom('host_access')
      .select(['name', 'access'])
      .where('user_id', '=', userId)
      .orderBy(inOctets(this.#run.dialect, 'name'));
    const rows = await this.#run.all(query.compile());
    return rows.map(({ name, access }) => ({ ownerName: nameOf(name), access: access as HostAccess }));
  }

  async countOwned(userId: string): Promise<number> {
    const query = this.#build
      .selectFrom('host_access')
      .select(({ fn }) => fn.countAll().as('hosts'))
      .where('user_id', '=', userId)
      .where('access', '=', 'own');
    const [row] = await this.#run.all(query.compile());
    return Number(row?.hosts ?? 0);
  }

  async remove(ownerName: DomainName, expected?: HostSettings): Promise<'removed' | 'unknown' | 'changed'> {
    const name = nameText(ownerName);
    const stored = await this.#storedText(name);
    if (stored === undefined) return 'unknown';
    if (expected !== undefined && !isStoredAs(name, stored, expected)) return 'changed';
    const isStored = expected === undefined ? ALWAYS : sql<boolean>`settings = ${stored}`;
    const isGone = sql<boolean>`not exists (select 1 from hosts where name = ${name})`;
    const removed = await this.#run.transaction([
      lockUsers(this.#build),
      returning(sql`delete from hosts where name = ${name} and ${isStored} returning name`.compile(this.#build)),
      sql`delete from host_access where name = ${name} and ${isGone}`.compile(this.#build),
    ]);
    if (removed.length > 0) return 'removed';
    return expected === undefined ? 'unknown' : 'changed';
  }

  async #storedText(name: string): Promise<string | undefined> {
    const query = this.#build.selectFrom('hosts').select('settings').where('name', '=', name);
    return (await this.#run.all(query.compile()))[0]?.settings;
  }
}

function listedHostOf({ name, settings, repeats, last_seen_ms: lastSeenMs }: ListedHostRow): ListedHost {
  const ownerName = nameOf(name);
  return {
    ownerName,
    ...(settings === null ? {} : { settings: hostOf({ name, settings }) }),
    ...(repeats === null || lastSeenMs === null ? {} : { activity: { ownerName, repeats, lastSeenMs } }),
  };
}

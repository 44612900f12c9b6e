/**
 * Removes a user from a SQL database, with everything that belongs to the user. What that is, is read first; the transaction fails as
 * a whole if it changed meanwhile, and everything is read again.
 */
import { sql } from 'kysely';
import { AppError } from '../core/errors.ts';
import { mayChange } from '../core/hosts/host-access.ts';
import type { RemovedUser, UserConditions, UserRemoval } from '../core/users/user-store.ts';
import { hostOf, hostRow, nameOf, nameText } from './rows.ts';
import type { HostRow, UserRow } from './schema.ts';
import { type Condition, lockUsersAt, usersVersion } from './sql-conditions.ts';
import { forgetInOverview, lockOverview } from './sql-overview.ts';
import { chunksOf, type QueryBuilder, type SqlQuery, type SqlRunner } from './sql-runner.ts';
import type { SqlTokenLog } from './sql-token-log.ts';
import { withoutUser } from './without-user.ts';

/** While others change users and hosts at the same time. */
export const ATTEMPTS = 10;
/** Events that one statement deletes, so that no lock is held for long. */
const PURGE_CHUNK = 5_000;

/** What belongs to a user alone. */
const USER_TABLES = ['management_keys', 'sessions', 'links', 'user_secrets', 'recovery_codes', 'identities'] as const;

export class SqlUserRemoval {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #log: SqlTokenLog;

  constructor(run: SqlRunner, build: QueryBuilder, log: SqlTokenLog) {
    this.#run = run;
    this.#build = build;
    this.#log = log;
  }

  /** See UserStore.remove. */
  async remove(
    id: string,
    removal: UserRemoval,
    nowMs: number,
    { keepAdmin = false }: UserConditions,
  ): Promise<RemovedUser | 'last-admin' | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const version = await this.#version();
      const user = await this.#find(id);
      if (user === undefined) return undefined;
      if (keepAdmin) {
        const query = sql`select 1 from users where id = ${id} and ${leavesAdmin(id)}`.compile(this.#build);
        if ((await this.#run.all(query)).length === 0) return 'last-admin';
      }
      const { statements, removed } = await this.#removalOf(user, removal, nowMs);
      try {
        await this.#log.changeOwner(id, lockUsersAt(this.#build, version), statements);
        return removed;
      } catch (error) {
        const now = await this.#version();
        if (now === version) throw error;
        // The answer was lost, not the change.
        if (now === version + 1 && (await this.#find(id)) === undefined) return removed;
        if (attempt === ATTEMPTS) throw contended(error);
      }
    }
  }

  async #version(): Promise<number> {
    return (await this.#run.all(usersVersion(this.#build)))[0]?.value ?? 0;
  }

  async #find(id: string): Promise<UserRow | undefined> {
    return (await this.#run.all(this.#build.selectFrom('users').selectAll().where('id', '=', id).compile()))[0];
  }

  /** What the removal means for everything that belongs to the user, as it is now. */
  async #removalOf(
    { id, role }: UserRow,
    removal: UserRemoval,
    nowMs: number,
  ): Promise<{ readonly statements: readonly SqlQuery[]; readonly removed: RemovedUser }> {
    const build = this.#build;
    const statements: SqlQuery[] = [];
    const hosts = sql`select * from hosts where name in (select name from host_access where user_id = ${id})`;
    const rows = await this.#run.all<HostRow>(hosts.compile(build) as SqlQuery);
    statements.push(
      ...lockOverview(
        build,
        rows.map(({ name }) => name),
      ),
    );
    for (const row of rows) {
      statements.push(...this.#removeFromHost(row, id, removal));
      if (removal.history === 'purge' && hostOf(row).ownerId === id) await this.#purge(row.name);
    }
    const { ended, kept } = await this.#tokensOf(id, removal, role === 'admin' ? undefined : rows);
    for (const chunk of chunksOf(ended)) {
      statements.push(build.updateTable('tokens').set({ revoked_ms: nowMs }).where('id', 'in', chunk).compile());
    }
    statements.push(
      build.updateTable('tokens').set({ owner_id: null }).where('owner_id', '=', id).compile(),
      build.deleteFrom('host_access').where('user_id', '=', id).compile(),
      ...USER_TABLES.map((table) => sql`delete from ${sql.table(table)} where user_id = ${id}`.compile(build)),
      build.deleteFrom('users').where('id', '=', id).compile(),
    );
    return { statements, removed: { hosts: rows.map(({ name }) => nameOf(name)), revoked: ended.length, kept } };
  }

  #removeFromHost(row: HostRow, userId: string, removal: UserRemoval): SqlQuery[] {
    const { name, settings: stored } = row;
    const settings = hostOf(row);
    const isOwned = settings.ownerId === userId;
    const isStored = sql`name = ${name} and settings = ${stored}`;
    const written = hostRow(withoutUser(settings, userId)).settings;
    const statements =
      isOwned && removal.hosts === 'remove'
        ? [sql`delete from hosts where ${isStored}`, sql`delete from host_access where name = ${name}`]
        : [sql`update hosts set settings = ${written} where ${isStored}`];
    if (isOwned && removal.history === 'purge') {
      const tables = ['events', 'activity', 'silences'];
      statements.push(...tables.map((table) => sql`delete from ${sql.table(table)} where name = ${name}`));
    }
    const compiled: SqlQuery[] = statements.map((statement) => statement.compile(this.#build));
    if (isOwned && removal.history === 'purge') compiled.push(...forgetInOverview(this.#build, name));
    return compiled;
  }

  /** @param hosts those with access of a member, who might change no other; undefined: of an admin */
  async #tokensOf(
    userId: string,
    { tokens: removal }: UserRemoval,
    hosts: readonly HostRow[] | undefined,
  ): Promise<{ readonly ended: readonly string[]; readonly kept: number }> {
    const changed = hosts?.filter((row) => mayChange(hostOf(row), userId)).map(({ name }) => name);
    const names = changed && new Set(changed);
    const query = this.#build
      .selectFrom('tokens')
      .select(['id', 'hosts'])
      .where('owner_id', '=', userId)
      .where('revoked_ms', 'is', null);
    const tokens = await this.#run.all(query.compile());
    const gainsPower = (scope: string) =>
      names !== undefined && (JSON.parse(scope) as string[]).some((name) => !names.has(nameText(nameOf(name))));
    const ended = tokens.filter(({ hosts: scope }) => removal === 'revoke' || gainsPower(scope)).map(({ id }) => id);
    return { ended, kept: tokens.length - ended.length };
  }

  /** Deletes most events of a host, a few at a time; the rest are deleted with the user. */
  async #purge(name: string): Promise<void> {
    const oldest = this.#build.selectFrom('events').select('id').where('name', '=', name).limit(PURGE_CHUNK);
    const query = this.#build.deleteFrom('events').where('id', 'in', oldest).returning('id').compile();
    while ((await this.#run.all(query)).length === PURGE_CHUNK);
  }
}

/** Is the user no admin who is enabled, or not the only one? */
export function leavesAdmin(id: string): Condition {
  const isAdmin = sql`role = 'admin' and disabled_ms is null`;
  const hasOther = sql`select 1 from users as others where others.id <> ${id} and others.role = 'admin' and others.disabled_ms is null`;
  return sql<boolean>`(not (${isAdmin}) or exists (${hasOther}))`;
}

export function contended(cause: unknown): AppError {
  const message = 'Others changed users and hosts repeatedly meanwhile. Nothing was changed; try again.';
  return new AppError('contended', message, { cause });
}

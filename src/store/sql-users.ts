/** Users and management keys in a SQL database. A change of a user is logged as one of all tokens of the user. */
import { sql } from 'kysely';
import type { ListedKey, ManagementKey, User } from '../core/users/user.ts';
import {
  MAX_REVOKED_KEYS,
  type RemovedUser,
  type UserChange,
  type UserConditions,
  type UserPage,
  type UserRemoval,
  type UserStore,
} from '../core/users/user-store.ts';
import {
  keyOf,
  keyRow,
  USER_OF_CREDENTIAL,
  type UserOfCredentialRow,
  userOf,
  userOfCredential,
  userRow,
} from './rows-users.ts';
import type { ManagementKeyRow, UserRow } from './schema.ts';
import {
  ALWAYS,
  hasPart,
  inOctets,
  insertWhere,
  isStorable,
  lockUsers,
  returning,
  userExists,
} from './sql-conditions.ts';
import { chunksOf, type QueryBuilder, type SqlRunner } from './sql-runner.ts';
import type { SqlTokenLog } from './sql-token-log.ts';
import { leavesAdmin, SqlUserRemoval } from './sql-user-removal.ts';

export class SqlUserStore implements UserStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #log: SqlTokenLog;
  readonly #removal: SqlUserRemoval;

  /** @param events runs what deletes events */
  constructor(run: SqlRunner, events: SqlRunner, build: QueryBuilder, log: SqlTokenLog) {
    this.#run = run;
    this.#build = build;
    this.#log = log;
    this.#removal = new SqlUserRemoval(events, build, log);
  }

  async create(user: User): Promise<'created' | 'name-taken'> {
    const insert = this.#build
      .insertInto('users')
      .values(userRow(user))
      .onConflict((conflict) => conflict.doNothing());
    await this.#run.transaction([lockUsers(this.#build), insert.compile()]);
    return (await this.get(user.name))?.id === user.id ? 'created' : 'name-taken';
  }

  async get(name: string): Promise<User | undefined> {
    if (!isStorable(name)) return undefined;
    const query = this.#build.selectFrom('users').selectAll().where('name', '=', name);
    const [row] = await this.#run.all(query.compile());
    return row && userOf(row);
  }

  async byName(names: readonly string[]): Promise<ReadonlyMap<string, User>> {
    return new Map((await this.#usersWith('name', names)).map((user) => [user.name, user]));
  }

  async byId(ids: readonly string[]): Promise<ReadonlyMap<string, User>> {
    return new Map((await this.#usersWith('id', ids)).map((user) => [user.id, user]));
  }

  async #usersWith(column: 'id' | 'name', values: readonly string[]): Promise<readonly User[]> {
    const users: User[] = [];
    for (const chunk of chunksOf(values.filter(isStorable))) {
      const query = this.#build.selectFrom('users').selectAll().where(column, 'in', chunk);
      users.push(...(await this.#run.all(query.compile())).map(userOf));
    }
    return users;
  }

  async page(limit: number, after?: string, search?: string): Promise<UserPage> {
    if (![after ?? '', search ?? ''].every(isStorable)) return { users: [] };
    const name = inOctets(this.#run.dialect, 'name');
    let query = this.#build
      .selectFrom('users')
      .selectAll()
      .orderBy(name)
      .limit(limit + 1);
    if (after !== undefined) query = query.where(name, '>', after);
    if (search !== undefined) query = query.where(hasPart(this.#run.dialect, sql<string>`name`, search.toLowerCase()));
    const rows = await this.#run.all(query.compile());
    const users = rows.slice(0, limit).map(userOf);
    const last = users.at(-1);
    return rows.length > limit && last !== undefined ? { users, next: last.name } : { users };
  }

  async update(
    id: string,
    { role, quotas, disabledMs }: UserChange,
    { keepAdmin = false }: UserConditions = {},
  ): Promise<User | 'last-admin' | undefined> {
    const build = this.#build;
    const changes = {
      ...(role !== undefined && { role }),
      ...(quotas !== undefined && {
        max_hosts: quotas.hosts,
        max_tokens: quotas.tokens,
        changes_per_minute: quotas.changesPerMinute,
      }),
      ...(disabledMs !== undefined && { disabled_ms: disabledMs }),
    };
    const endsAdmin = role === 'member' || typeof disabledMs === 'number';
    const update = build
      .updateTable('users')
      .set(Object.keys(changes).length === 0 ? ({ eb }) => ({ role: eb.ref('role') }) : changes)
      .where('id', '=', id)
      .where(keepAdmin && endsAdmin ? leavesAdmin(id) : ALWAYS)
      .returningAll();
    const [row] = await this.#log.changeOwner<UserRow>(id, lockUsers(build), [returning(update.compile())]);
    if (row !== undefined) return userOf(row);
    return (await this.byId([id])).size > 0 ? 'last-admin' : undefined;
  }

  remove(
    id: string,
    removal: UserRemoval,
    nowMs: number,
    conditions: UserConditions = {},
  ): Promise<RemovedUser | 'last-admin' | undefined> {
    return this.#removal.remove(id, removal, nowMs, conditions);
  }

  async createKey(key: ManagementKey): Promise<'created' | 'name-taken' | 'user-unknown'> {
    const insert = sql`${insertWhere('management_keys', keyRow(key), userExists(key.userId))} on conflict do nothing returning id`;
    const isRevoked = sql`user_id = ${key.userId} and revoked_ms is not null`;
    const newest = sql`select id from management_keys where ${isRevoked} order by revoked_ms desc, id limit ${sql.lit(MAX_REVOKED_KEYS)}`;
    const created = await this.#run.transaction([
      lockUsers(this.#build),
      returning(insert.compile(this.#build)),
      sql`delete from management_keys where ${isRevoked} and id not in (${newest})`.compile(this.#build),
    ]);
    if (created.length > 0) return 'created';
    const [found] = await this.findKeys([key.id]);
    if (found?.key.sha256 === key.sha256) return 'created';
    return (await this.byId([key.userId])).size > 0 ? 'name-taken' : 'user-unknown';
  }

  async findKey(sha256: string): Promise<{ readonly key: ListedKey; readonly user: User } | undefined> {
    const [row] = await this.#run.all(keysWithUsers(this.#build).where('k.sha256', '=', sha256).compile());
    return row && foundKey(row);
  }

  async findKeys(ids: readonly string[]): Promise<readonly { readonly key: ListedKey; readonly user: User }[]> {
    const found: { key: ListedKey; user: User }[] = [];
    for (const chunk of chunksOf(ids.filter(isStorable))) {
      const rows = await this.#run.all(keysWithUsers(this.#build).where('k.id', 'in', chunk).compile());
      found.push(...rows.map(foundKey));
    }
    return found;
  }

  async listKeys(userId: string): Promise<readonly ListedKey[]> {
    const query = keysWithUsers(this.#build)
      .where('k.user_id', '=', userId)
      .orderBy(inOctets(this.#run.dialect, 'k.name'))
      .orderBy('k.created_ms')
      .orderBy('k.id');
    return (await this.#run.all(query.compile())).map((row) => foundKey(row).key);
  }

  async revokeKey(userId: string, name: string, nowMs: number): Promise<'revoked' | 'unknown'> {
    if (!isStorable(name)) return 'unknown';
    const update = this.#build
      .updateTable('management_keys')
      .set({ revoked_ms: nowMs })
      .where('user_id', '=', userId)
      .where('name', '=', name)
      .where('revoked_ms', 'is', null)
      .returning('id');
    return (await this.#run.all(update.compile())).length > 0 ? 'revoked' : 'unknown';
  }
}

function keysWithUsers(build: QueryBuilder) {
  return build
    .selectFrom('management_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .leftJoin('token_uses', 'token_uses.token_id', 'k.id')
    .selectAll('k')
    .select(USER_OF_CREDENTIAL);
}

function foundKey(row: ManagementKeyRow & UserOfCredentialRow): { readonly key: ListedKey; readonly user: User } {
  return { key: keyOf(row), user: userOfCredential(row) };
}

/** Tokens in a SQL database, behind a cache (sql-token-log.ts). A token that is looked up comes with its owner. */
import { sql } from 'kysely';
import type { HostToken, ListedToken } from '../core/access/token.ts';
import type {
  CreateConditions,
  CreateOutcome,
  TokenPage,
  TokenQuery,
  TokenStore,
  TokenUse,
} from '../core/access/token-store.ts';
import type { DomainName } from '../dns/name.ts';
import { byTokenName, compareTexts, listedTokenOf, nameText, type OwnedTokenRow, tokenOf, tokenRow } from './rows.ts';
import type { TokenUseRow } from './schema.ts';
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
import { chunksOf, type QueryBuilder, RowsStatement, type SqlRunner } from './sql-runner.ts';
import { SqlTokenLog } from './sql-token-log.ts';

export class SqlTokenStore implements TokenStore {
  /** For changes of users, which change their tokens. */
  readonly log: SqlTokenLog;
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #upsertUses: RowsStatement<TokenUseRow>;
  readonly #findSql: string;

  /** @param isShared whether other processes change tokens */
  constructor(run: SqlRunner, build: QueryBuilder, isShared: boolean) {
    this.#run = run;
    this.#build = build;
    this.#findSql = ownedTokens(build).where('tokens.sha256', '=', '').compile().sql;
    this.#upsertUses = new RowsStatement('token-uses', (rows) => upsertUses(build, rows));
    this.log = new SqlTokenLog(run, build, isShared, (secrets) => this.#lookUpAll(secrets));
  }

  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined> {
    return this.log.cache.find(sha256);
  }

  findAllBySha256(
    secrets: readonly string[],
  ): readonly (HostToken | undefined)[] | Promise<readonly (HostToken | undefined)[]> {
    return this.log.cache.findAll(secrets);
  }

  cachedBySha256(sha256: string): HostToken | undefined {
    return this.log.cache.peek(sha256);
  }

  async create(token: HostToken, { maxOwned }: CreateConditions = {}): Promise<CreateOutcome> {
    const { id, name, sha256, owner } = token;
    const isUnderQuota: Condition =
      owner === undefined || maxOwned === undefined
        ? ALWAYS
        : sql<boolean>`(select count(*) from tokens where owner_id = ${owner.id} and revoked_ms is null) < ${sql.lit(maxOwned)}`;
    const condition = owner === undefined ? ALWAYS : sql<boolean>`${userExists(owner.id)} and ${isUnderQuota}`;
    const insert = sql`${insertWhere('tokens', tokenRow(token), condition)} on conflict do nothing returning id`;
    const lock = owner === undefined ? [] : [lockUsers(this.#build)];
    const created = await this.log.change([returning(insert.compile(this.#build))], [sha256], lock);
    if (created.length > 0) return 'created';
    const found = await this.#lookUp(sha256);
    // The call before, whose answer was lost, has created it.
    if (found !== undefined) return found.id === id ? 'created' : 'secret-taken';
    if ((await this.get(name)) !== undefined) return 'name-taken';
    const query = sql`select 1 from users where id = ${owner?.id ?? ''}`.compile(this.#build);
    return (await this.#run.all(query)).length > 0 ? 'quota' : 'owner-unknown';
  }

  async get(name: string): Promise<ListedToken | undefined> {
    if (!isStorable(name)) return undefined;
    const query = listedTokens(this.#build).where('tokens.name', '=', name).where('tokens.revoked_ms', 'is', null);
    const [row] = await this.#run.all(query.compile());
    return row && listedTokenOf(row);
  }

  async list(): Promise<readonly ListedToken[]> {
    const rows = await this.#run.all(listedTokens(this.#build).compile());
    return rows.map(listedTokenOf).sort(byTokenName);
  }

  async page({ limit, after, ownerId, search, revoked }: TokenQuery): Promise<TokenPage> {
    if (search !== undefined && !isStorable(search)) return { tokens: [] };
    const { dialect } = this.#run;
    const [name, id] = [inOctets(dialect, 'tokens.name'), inOctets(dialect, 'tokens.id')];
    let query = listedTokens(this.#build)
      .orderBy(name)
      .orderBy(id)
      .limit(limit + 1);
    if (after !== undefined) query = query.where(sql<boolean>`(${name}, ${id}) > (${after.name}, ${after.id})`);
    if (ownerId === null) query = query.where('tokens.owner_id', 'is', null);
    else if (ownerId !== undefined) query = query.where('tokens.owner_id', '=', ownerId);
    if (revoked === false) query = query.where('tokens.revoked_ms', 'is', null);
    if (search !== undefined)
      query = query.where(hasPart(dialect, sql<string>`lower(tokens.name)`, search.toLowerCase()));
    const rows = await this.#run.all(query.compile());
    const tokens = rows.slice(0, limit).map(listedTokenOf);
    const last = tokens.at(-1);
    return rows.length > limit && last !== undefined ? { tokens, next: { name: last.name, id: last.id } } : { tokens };
  }

  async countOwned(ownerId: string): Promise<number> {
    const query = this.#build
      .selectFrom('tokens')
      .select(({ fn }) => fn.countAll().as('tokens'))
      .where('owner_id', '=', ownerId)
      .where('revoked_ms', 'is', null);
    const [row] = await this.#run.all(query.compile());
    return Number(row?.tokens ?? 0);
  }

  async othersName(ownerName: DomainName, userId: string): Promise<boolean> {
    const name = hasPart(this.#run.dialect, sql<string>`lower(hosts)`, JSON.stringify(nameText(ownerName)));
    const query = this.#build
      .selectFrom('tokens')
      .select('id')
      .where('revoked_ms', 'is', null)
      .where(({ eb, or }) => or([eb('owner_id', 'is', null), eb('owner_id', '<>', userId)]))
      .where(name)
      .limit(1);
    return (await this.#run.all(query.compile())).length > 0;
  }

  async revoke(name: string, nowMs: number): Promise<'revoked' | 'unknown'> {
    const token = await this.get(name);
    if (token === undefined) return 'unknown';
    const update = this.#build
      .updateTable('tokens')
      .set({ revoked_ms: nowMs })
      .where('id', '=', token.id)
      .where('revoked_ms', 'is', null);
    await this.log.change([update.compile()], [token.sha256]);
    return 'revoked';
  }

  async rotate(name: string, sha256: string): Promise<HostToken | undefined> {
    const token = await this.get(name);
    if (token === undefined) return undefined;
    const update = this.#build
      .updateTable('tokens')
      .set({ sha256 })
      .where('id', '=', token.id)
      .where('revoked_ms', 'is', null);
    await this.log.change([update.compile()], [token.sha256, sha256]);
    const rotated = await this.#lookUp(sha256);
    return rotated?.revokedMs === undefined ? rotated : undefined;
  }

  async countNamed(prefix: string): Promise<number> {
    // LIKE ignores case in SQLite, and a range would depend on the collation of PostgreSQL.
    const beginning = sql<string>`substr(name, 1, ${sql.lit(prefix.length)})`;
    const query = this.#build
      .selectFrom('tokens')
      .select(({ fn }) => fn.countAll().as('tokens'))
      .where('revoked_ms', 'is', null)
      .where(beginning, '=', prefix);
    const [row] = await this.#run.all(query.compile());
    return Number(row?.tokens ?? 0);
  }

  async touchLastUsed(uses: readonly TokenUse[]): Promise<void> {
    const latest = new Map<string, number>();
    for (const { tokenId, lastUsedMs } of uses) {
      latest.set(tokenId, Math.max(lastUsedMs, latest.get(tokenId) ?? 0));
    }
    // Rows are locked in the same order by every process, so that they cannot deadlock.
    const sorted = [...latest].sort(([a], [b]) => compareTexts(a, b));
    const rows = sorted.map(([token_id, last_used_ms]) => ({ token_id, last_used_ms }));
    for (const query of this.#upsertUses.queries(rows)) await this.#run.transaction([query]);
  }

  async lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const uses = new Map<string, number>();
    for (const chunk of chunksOf(tokenIds)) {
      const query = this.#build.selectFrom('token_uses').selectAll().where('token_id', 'in', chunk);
      for (const row of await this.#run.all(query.compile())) uses.set(row.token_id, row.last_used_ms);
    }
    return uses;
  }

  async #lookUp(sha256: string): Promise<HostToken | undefined> {
    const query = { sql: this.#findSql, parameters: [sha256], name: 'token-by-sha256' };
    const [row] = await this.#run.all<OwnedTokenRow>(query);
    return row && tokenOf(row);
  }

  async #lookUpAll(secrets: readonly string[]): Promise<readonly HostToken[]> {
    if (secrets.length === 1) {
      const token = await this.#lookUp(secrets[0]!);
      return token === undefined ? [] : [token];
    }
    const query = ownedTokens(this.#build).where('tokens.sha256', 'in', secrets);
    return (await this.#run.all(query.compile())).map(tokenOf);
  }
}

/** Tokens with what each use of them needs of the owner. */
function ownedTokens(build: QueryBuilder) {
  return build
    .selectFrom('tokens')
    .leftJoin('users', 'users.id', 'tokens.owner_id')
    .selectAll('tokens')
    .select([
      'users.name as owner_name',
      'users.role as owner_role',
      'users.disabled_ms as owner_disabled_ms',
      'users.changes_per_minute as owner_changes',
    ]);
}

function listedTokens(build: QueryBuilder) {
  return ownedTokens(build)
    .leftJoin('token_uses', 'token_uses.token_id', 'tokens.id')
    .select('token_uses.last_used_ms');
}

function upsertUses(build: QueryBuilder, rows: readonly TokenUseRow[]) {
  const insert = build.insertInto('token_uses').values(rows);
  return insert
    .onConflict((conflict) =>
      conflict
        .column('token_id')
        .doUpdateSet(({ ref }) => ({ last_used_ms: ref('excluded.last_used_ms') }))
        .whereRef('token_uses.last_used_ms', '<', 'excluded.last_used_ms'),
    )
    .compile();
}

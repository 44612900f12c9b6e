/**
 * Tokens in a SQL database, behind a cache. Each change increments a counter and logs the affected secrets in the same
 * transaction, so that other processes can invalidate their caches in the order of the COMMITs.
 */
import { sql } from 'kysely';
import type { HostToken, ListedToken } from '../core/access/token.ts';
import type { TokenStore, TokenUse } from '../core/access/token-store.ts';
import { byTokenName, compareTexts, tokenOf, tokenRow } from './rows.ts';
import type { TokenChangeRow, TokenRow, TokenUseRow } from './schema.ts';
import {
  chunksOf,
  incrementCounter,
  type QueryBuilder,
  RowsStatement,
  type SqlQuery,
  type SqlRunner,
} from './sql-runner.ts';
import { TokenCache, type TokenChanges } from './token-cache.ts';

/** Changes that stay in the log. A process that missed more than these clears its cache. */
const LOGGED_CHANGES = 1_000;

export class SqlTokenStore implements TokenStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #cache: TokenCache;
  readonly #upsertUses: RowsStatement<TokenUseRow>;
  readonly #findSql: string;
  readonly #changesSql: string;

  /** @param isShared whether other processes change tokens */
  constructor(run: SqlRunner, build: QueryBuilder, isShared: boolean) {
    this.#run = run;
    this.#build = build;
    this.#findSql = build.selectFrom('tokens').selectAll().where('sha256', '=', '').compile().sql;
    this.#changesSql = build
      .selectFrom('token_changes')
      .selectAll()
      .where('version', '>=', 0)
      .orderBy('version')
      .compile().sql;
    this.#upsertUses = new RowsStatement('token-uses', (rows) => upsertUses(build, rows));
    const lookUp = (secrets: readonly string[]) => this.#lookUpAll(secrets);
    const changesSince = (version: number | undefined) => this.#changesSince(version);
    this.#cache = new TokenCache(isShared ? { lookUp, changesSince } : { lookUp });
  }

  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined> {
    return this.#cache.find(sha256);
  }

  findAllBySha256(
    secrets: readonly string[],
  ): readonly (HostToken | undefined)[] | Promise<readonly (HostToken | undefined)[]> {
    return this.#cache.findAll(secrets);
  }

  cachedBySha256(sha256: string): HostToken | undefined {
    return this.#cache.peek(sha256);
  }

  async create(token: HostToken): Promise<'created' | 'name-taken' | 'secret-taken'> {
    const row = tokenRow(token);
    const insert = this.#build
      .insertInto('tokens')
      .values(row)
      .onConflict((conflict) => conflict.doNothing());
    await this.#change([insert.compile()], [token.sha256]);
    const rows = await this.#run.all(
      this.#build.selectFrom('tokens').select('id').where('id', '=', token.id).compile(),
    );
    if (rows.length > 0) return 'created';
    return (await this.#lookUp(token.sha256)) === undefined ? 'name-taken' : 'secret-taken';
  }

  async list(): Promise<readonly ListedToken[]> {
    const query = this.#build
      .selectFrom('tokens')
      .leftJoin('token_uses', 'token_uses.token_id', 'tokens.id')
      .selectAll('tokens')
      .select('token_uses.last_used_ms');
    const rows = await this.#run.all(query.compile());
    const tokens = rows.map((row) => {
      const lastUsedMs = row.last_used_ms;
      return lastUsedMs === null ? tokenOf(row) : { ...tokenOf(row), lastUsedMs };
    });
    return tokens.sort(byTokenName);
  }

  async revoke(name: string, nowMs: number): Promise<'revoked' | 'unknown'> {
    const token = await this.#findByName(name);
    if (token === undefined) return 'unknown';
    const update = this.#build
      .updateTable('tokens')
      .set({ revoked_ms: nowMs })
      .where('id', '=', token.id)
      .where('revoked_ms', 'is', null);
    await this.#change([update.compile()], [token.sha256]);
    return 'revoked';
  }

  async rotate(name: string, sha256: string): Promise<HostToken | undefined> {
    const token = await this.#findByName(name);
    if (token === undefined) return undefined;
    const update = this.#build
      .updateTable('tokens')
      .set({ sha256 })
      .where('id', '=', token.id)
      .where('revoked_ms', 'is', null);
    await this.#change([update.compile()], [token.sha256, sha256]);
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

  async #findByName(name: string): Promise<HostToken | undefined> {
    const query = this.#build.selectFrom('tokens').selectAll().where('name', '=', name).where('revoked_ms', 'is', null);
    const [row] = await this.#run.all(query.compile());
    return row && tokenOf(row);
  }

  async #lookUp(sha256: string): Promise<HostToken | undefined> {
    const query = { sql: this.#findSql, parameters: [sha256], name: 'token-by-sha256' };
    const [row] = await this.#run.all<TokenRow>(query);
    return row && tokenOf(row);
  }

  async #lookUpAll(secrets: readonly string[]): Promise<readonly HostToken[]> {
    if (secrets.length === 1) {
      const token = await this.#lookUp(secrets[0]!);
      return token === undefined ? [] : [token];
    }
    const query = this.#build.selectFrom('tokens').selectAll().where('sha256', 'in', secrets);
    return (await this.#run.all(query.compile())).map(tokenOf);
  }

  /** Selects from `version` on, inclusive: if that row is still there, no later one was removed. */
  async #changesSince(version: number | undefined): Promise<TokenChanges> {
    if (version === undefined) {
      const query = this.#build.selectFrom('counters').select('value').where('name', '=', 'token-changes');
      const [counter] = await this.#run.all(query.compile());
      return { version: counter?.value ?? 0, changed: [] };
    }
    const query = { sql: this.#changesSql, parameters: [version], name: 'token-changes' };
    const changes = await this.#run.all<TokenChangeRow>(query);
    const newest = changes.at(-1)?.version ?? 0;
    if (version > 0 && changes[0]?.version !== version) {
      // The row was removed from the log, or the database was replaced.
      const { version: current } = await this.#changesSince(undefined);
      return { version: current, changed: 'all' };
    }
    const missed = changes.filter((change) => change.version > version);
    return { version: newest, changed: missed.map(({ sha256 }) => sha256) };
  }

  async #change(statements: readonly SqlQuery[], secrets: readonly string[]): Promise<void> {
    const build = this.#build;
    const version = build.selectFrom('counters').select('value').where('name', '=', 'token-changes');
    const logged = secrets.map((sha256) =>
      build
        .insertInto('token_changes')
        .values({ version, sha256 })
        .onConflict((conflict) => conflict.doNothing())
        .compile(),
    );
    const removeOld = build
      .deleteFrom('token_changes')
      .where(({ eb }) => eb(eb('version', '+', LOGGED_CHANGES), '<=', version));
    try {
      const counter = incrementCounter(build, 'token-changes');
      await this.#run.transaction([counter, ...statements, ...logged, removeOld.compile()]);
    } finally {
      // Also after an error: the change may have been committed.
      this.#cache.evict(secrets);
    }
  }
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

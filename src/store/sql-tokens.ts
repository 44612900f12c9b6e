// Tokens in a SQL database, behind the cache. Every change raises a counter and notes the secrets that it concerns, in the
// same transaction: that is how the caches of other processes learn of it, in the order of the COMMITs.

import { sql } from 'kysely';
import type { HostToken, ListedToken } from '../core/access/token.ts';
import type { TokenStore, TokenUse } from '../core/access/token-store.ts';
import { tokenOf, tokenRow } from './rows.ts';
import type { TokenChangeRow, TokenRow, TokenUseRow } from './schema.ts';
import {
  partsOf,
  type QueryBuilder,
  RowsStatement,
  raiseCounter,
  type SqlQuery,
  type SqlRunner,
} from './sql-runner.ts';
import { TokenCache, type TokenChanges } from './token-cache.ts';

/** Changes that are noted; who has missed more starts afresh. */
const NOTED_CHANGES = 1_000;

export class SqlTokenStore implements TokenStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #cache: TokenCache;
  readonly #noteUses: RowsStatement<TokenUseRow>;
  readonly #findSql: string;
  readonly #changesSql: string;

  /** @param isShared other processes change tokens too */
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
    this.#noteUses = new RowsStatement((rows) => noteUses(build, rows));
    const lookUp = (sha256: string) => this.#lookUp(sha256);
    const changesSince = (version: number | undefined) => this.#changesSince(version);
    this.#cache = new TokenCache(isShared ? { lookUp, changesSince } : { lookUp });
  }

  findBySha256(sha256: string): HostToken | undefined | Promise<HostToken | undefined> {
    return this.#cache.find(sha256);
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
      const used = row.last_used_ms;
      return used === null ? tokenOf(row) : { ...tokenOf(row), lastUsedMs: used };
    });
    return tokens.sort((a, b) => compareTexts(a.name, b.name) || a.createdMs - b.createdMs || compareTexts(a.id, b.id));
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
    // LIKE would be without case in SQLite, and a range would depend on the collation of PostgreSQL.
    const beginning = sql<string>`substr(name, 1, ${sql.lit(prefix.length)})`;
    const query = this.#build
      .selectFrom('tokens')
      .select(({ fn }) => fn.countAll().as('tokens'))
      .where('revoked_ms', 'is', null)
      .where(beginning, '=', prefix);
    const [row] = await this.#run.all(query.compile());
    return Number(row?.tokens ?? 0);
  }

  async touchLastUsed(used: readonly TokenUse[]): Promise<void> {
    const latest = new Map<string, number>();
    for (const { tokenId, lastUsedMs } of used) {
      latest.set(tokenId, Math.max(lastUsedMs, latest.get(tokenId) ?? 0));
    }
    // In one order everywhere: two processes that lock the same rows never wait for each other.
    const uses = [...latest].sort(([a], [b]) => compareTexts(a, b));
    const rows = uses.map(([token_id, last_used_ms]) => ({ token_id, last_used_ms }));
    for (const query of this.#noteUses.queries(rows)) await this.#run.transaction([query]);
  }

  async lastUses(tokenIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const uses = new Map<string, number>();
    for (const part of partsOf(tokenIds)) {
      const query = this.#build.selectFrom('token_uses').selectAll().where('token_id', 'in', part);
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

  /** The note with the version itself shows that none after it was removed. */
  async #changesSince(version: number | undefined): Promise<TokenChanges> {
    if (version === undefined) {
      const query = this.#build.selectFrom('counters').select('value').where('name', '=', 'token-changes');
      const [counter] = await this.#run.all(query.compile());
      return { version: counter?.value ?? 0, changed: [] };
    }
    const query = { sql: this.#changesSql, parameters: [version], name: 'token-changes' };
    const notes = await this.#run.all<TokenChangeRow>(query);
    const newest = notes.at(-1)?.version ?? 0;
    if (version > 0 && notes[0]?.version !== version) {
      // More was missed than is noted, or the database is another one now.
      const { version: current } = await this.#changesSince(undefined);
      return { version: current, changed: 'all' };
    }
    return { version: newest, changed: notes.filter((note) => note.version > version).map(({ sha256 }) => sha256) };
  }

  async #change(statements: readonly SqlQuery[], secrets: readonly string[]): Promise<void> {
    const build = this.#build;
    const version = build.selectFrom('counters').select('value').where('name', '=', 'token-changes');
    const notes = secrets.map((sha256) =>
      build
        .insertInto('token_changes')
        .values({ version, sha256 })
        .onConflict((conflict) => conflict.doNothing())
        .compile(),
    );
    const forgetOld = build
      .deleteFrom('token_changes')
      .where(({ eb }) => eb(eb('version', '+', NOTED_CHANGES), '<=', version));
    try {
      await this.#run.transaction([raiseCounter(build, 'token-changes'), ...statements, ...notes, forgetOld.compile()]);
    } finally {
      // Also when it is not known whether the change was made.
      this.#cache.forget(secrets);
    }
  }
}

function noteUses(build: QueryBuilder, rows: readonly TokenUseRow[]) {
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

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

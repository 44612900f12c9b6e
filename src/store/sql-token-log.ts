/**
 * The log of changed tokens, and the cache that it keeps true. Each change increments a counter and logs the affected secrets
 * in the same transaction, so that other processes can invalidate their caches in the order of the COMMITs.
 */
import { sql } from 'kysely';
import type { TokenChangeRow } from './schema.ts';
import { returning } from './sql-conditions.ts';
import { incrementCounter, type QueryBuilder, RowsStatement, type SqlQuery, type SqlRunner } from './sql-runner.ts';
import { TokenCache, type TokenChanges, type TokenSource } from './token-cache.ts';

/** Changes that stay in the log. A process that missed more than these clears its cache. */
const LOGGED_CHANGES = 1_000;

export class SqlTokenLog {
  readonly cache: TokenCache;
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #changesSql: string;
  readonly #insert: RowsStatement<{ readonly sha256: string }>;

  /** @param isShared whether other processes change tokens */
  constructor(run: SqlRunner, build: QueryBuilder, isShared: boolean, lookUp: TokenSource['lookUp']) {
    this.#run = run;
    this.#build = build;
    this.#changesSql = build
      .selectFrom('token_changes')
      .selectAll()
      .where('version', '>=', 0)
      .orderBy('version')
      .compile().sql;
    this.#insert = new RowsStatement('token-changes-insert', (rows) => {
      const version = sql<number>`(select value from counters where name = 'token-changes')`;
      return build
        .insertInto('token_changes')
        .values(rows.map(({ sha256 }) => ({ version, sha256 })))
        .onConflict((conflict) => conflict.doNothing())
        .compile();
    });
    const changesSince = (version: number | undefined) => this.#changesSince(version);
    this.cache = new TokenCache(isShared ? { lookUp, changesSince } : { lookUp });
  }

  /**
   * Runs statements that change the tokens of these secrets.
   * @param lock comes first: see sql-conditions.ts
   * @returns the rows of the statements
   */
  async change<Row>(
    statements: readonly SqlQuery[],
    secrets: readonly string[],
    lock: readonly SqlQuery[] = [],
  ): Promise<readonly Row[]> {
    const logged = this.#insert.queries(secrets.map((sha256) => ({ sha256 })));
    const counter = incrementCounter(this.#build, 'token-changes');
    try {
      return await this.#run.transaction<Row>([...lock, counter, ...statements, ...logged, this.#removeOld()]);
    } finally {
      // Also after an error: the change may have been committed.
      this.cache.evict(secrets);
    }
  }

  /** Runs statements that change a user, and so every token of the user. @returns the rows of the statements */
  async changeOwner<Row extends object>(
    userId: string,
    lock: SqlQuery,
    statements: readonly SqlQuery[],
  ): Promise<readonly Row[]> {
    const version = sql`(select value from counters where name = 'token-changes')`;
    const tokens = sql`
      insert into token_changes (version, sha256) select ${version}, sha256 from tokens where owner_id = ${userId}
      on conflict do nothing returning sha256`.compile(this.#build);
    // A version without a row would look like one whose rows were removed.
    const marker = this.#insert.queries([{ sha256: `user ${userId}` }]);
    const counter = incrementCounter(this.#build, 'token-changes');
    let secrets: readonly string[] | undefined;
    try {
      const all = [lock, counter, returning(tokens), ...marker, ...statements, this.#removeOld()];
      const rows = await this.#run.transaction<Row | { readonly sha256: string }>(all);
      const isSecret = (row: Row | { readonly sha256: string }): row is { readonly sha256: string } => 'sha256' in row;
      secrets = rows.filter(isSecret).map(({ sha256 }) => sha256);
      return rows.filter((row): row is Row => !isSecret(row));
    } finally {
      // After an error they are not known.
      if (secrets === undefined) this.cache.clear();
      else this.cache.evict(secrets);
    }
  }

  #removeOld(): SqlQuery {
    const version = this.#build.selectFrom('counters').select('value').where('name', '=', 'token-changes');
    return this.#build
      .deleteFrom('token_changes')
      .where(({ eb }) => eb(eb('version', '+', LOGGED_CHANGES), '<=', version))
      .compile();
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
}

/** The audit list in a SQL database. */
import { firstIdOf } from '../core/history/history.ts';
import type { AuditEntry, AuditFilter, AuditStore } from '../core/users/audit.ts';
import { auditOf, auditRow } from './rows-users.ts';
import type { AuditRow } from './schema.ts';
import { isStorable } from './sql-conditions.ts';
import { type QueryBuilder, RowsStatement, type SqlRunner } from './sql-runner.ts';

/** Rows that one statement deletes, so that no lock is held for long. */
const PRUNE_CHUNK = 5_000;

export class SqlAuditStore implements AuditStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #insert: RowsStatement<AuditRow>;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
    this.#insert = new RowsStatement('audit', (rows) => {
      const insert = build.insertInto('audit').values(rows);
      return insert.onConflict((conflict) => conflict.doNothing()).compile();
    });
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length > 0) await this.#run.transaction(this.#insert.queries(entries.map(auditRow)));
  }

  async read({ actor, operation, sinceMs }: AuditFilter, limit: number, before?: string): Promise<AuditEntry[]> {
    if (![actor, operation, before].every((text) => isStorable(text ?? ''))) return [];
    let query = this.#build.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    if (sinceMs !== undefined) query = query.where('id', '>=', firstIdOf(sinceMs));
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (operation !== undefined) query = query.where('operation', '=', operation);
    return (await this.#run.all(query.compile())).map(auditOf);
  }

  async prune(olderThanMs: number, maxEntries: number): Promise<number> {
    const beyond = this.#build.selectFrom('audit').select('id').orderBy('id', 'desc').offset(maxEntries).limit(1);
    const [newestBeyond] = await this.#run.all(beyond.compile());
    const oldest = this.#build
      .selectFrom('audit')
      .select('id')
      .where(({ or, eb }) => or([eb('id', '<', firstIdOf(olderThanMs)), eb('id', '<=', newestBeyond?.id ?? '')]))
      .orderBy('id')
      .limit(PRUNE_CHUNK);
    const query = this.#build.deleteFrom('audit').where('id', 'in', oldest).returning('id').compile();
    let pruned = 0;
    for (;;) {
      const { length } = await this.#run.all(query);
      pruned += length;
      if (length < PRUNE_CHUNK) return pruned;
    }
  }
}

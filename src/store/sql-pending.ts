/** Pending updates in a SQL database, in the table `wishes`. */

import type { ErrorCode } from '../core/errors.ts';
import type { PendingStore } from '../core/pending/pending-store.ts';
import type { NewPendingUpdate, PendingUpdate } from '../core/pending/pending-update.ts';
import type { Family } from '../core/zones/family.ts';
import type { DomainName } from '../dns/name.ts';
import { nameText, pendingOf, pendingRow } from './rows.ts';
import { incrementCounter, type QueryBuilder, type SqlRunner } from './sql-runner.ts';

export class SqlPendingStore implements PendingStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async put(...updates: readonly NewPendingUpdate[]): Promise<void> {
    const build = this.#build;
    const queries = updates.flatMap((update) => {
      const { name, family, ...rest } = pendingRow({ ...update, sequence: 0, attempts: 0 });
      const values = { ...rest, sequence: build.selectFrom('counters').select('value').where('name', '=', 'wishes') };
      const insert = build
        .insertInto('wishes')
        .values({ name, family, ...values })
        .onConflict((conflict) => conflict.columns(['name', 'family']).doUpdateSet(values));
      return [incrementCounter(build, 'wishes'), insert.compile()];
    });
    await this.#run.transaction(queries);
  }

  async get(ownerName: DomainName, family: Family): Promise<PendingUpdate | undefined> {
    const query = this.#build
      .selectFrom('wishes')
      .selectAll()
      .where('name', '=', nameText(ownerName))
      .where('family', '=', family);
    const [row] = await this.#run.all(query.compile());
    return row && pendingOf(row);
  }

  async list(): Promise<readonly PendingUpdate[]> {
    const rows = await this.#run.all(this.#build.selectFrom('wishes').selectAll().orderBy('sequence').compile());
    return rows.map(pendingOf);
  }

  async listSite(site: string): Promise<readonly PendingUpdate[]> {
    const query = this.#build.selectFrom('wishes').selectAll().where('site', '=', site).orderBy('sequence');
    return (await this.#run.all(query.compile())).map(pendingOf);
  }

  async count(): Promise<number> {
    const query = this.#build.selectFrom('wishes').select(({ fn }) => fn.countAll().as('updates'));
    const [row] = await this.#run.all(query.compile());
    return Number(row?.updates ?? 0);
  }

  async takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly PendingUpdate[]> {
    let due = this.#build
      .selectFrom('wishes')
      .select('sequence')
      .where('next_attempt_ms', '<=', nowMs)
      .orderBy('next_attempt_ms')
      .orderBy('sequence')
      .limit(limit);
    // Processes that call at the same time get different rows.
    if (this.#run.dialect === 'postgres') due = due.forUpdate().skipLocked();
    const query = this.#build
      .updateTable('wishes')
      .set({ next_attempt_ms: untilMs })
      .where('sequence', 'in', due)
      .returningAll();
    const rows = await this.#run.all(query.compile());
    return rows.map(pendingOf).sort((a, b) => a.sequence - b.sequence);
  }

  async postpone(
    { ownerName, family, sequence }: Pick<PendingUpdate, 'ownerName' | 'family' | 'sequence'>,
    nextAttemptMs: number,
    lastError: ErrorCode,
  ): Promise<void> {
    const update = this.#build
      .updateTable('wishes')
      .set(({ eb }) => ({ attempts: eb('attempts', '+', 1), next_attempt_ms: nextAttemptMs, last_error: lastError }))
      .where('name', '=', nameText(ownerName))
      .where('family', '=', family)
      .where('sequence', '=', sequence);
    await this.#run.transaction([update.compile()]);
  }

  async remove(ownerName: DomainName, family: Family, sequence?: number): Promise<'removed' | 'unknown'> {
    let query = this.#build
      .deleteFrom('wishes')
      .where('name', '=', nameText(ownerName))
      .where('family', '=', family)
      .returning('sequence');
    if (sequence !== undefined) query = query.where('sequence', '=', sequence);
    return (await this.#run.all(query.compile())).length > 0 ? 'removed' : 'unknown';
  }
}

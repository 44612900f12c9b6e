/** Turns of names in a SQL database, in the table `turns`. Each statement locks the rows of its names, in their order. */
import { sql } from 'kysely';
import type { Claim, TurnStore } from '../core/updates/turn-store.ts';
import type { DomainName } from '../dns/name.ts';
import { nameText } from './rows.ts';
import { databaseNow } from './sql-conditions.ts';
import { chunksOf, type QueryBuilder, type SqlRunner } from './sql-runner.ts';

export class SqlTurnStore implements TurnStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #now: ReturnType<typeof databaseNow>;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
    this.#now = databaseNow(run.dialect);
  }

  async announce(ownerNames: readonly DomainName[], limitMs: number): Promise<readonly string[]> {
    const now = this.#now;
    const names = [...new Set(ownerNames.map(nameText))].sort();
    const holders = new Set<string>();
    for (const chunk of chunksOf(names)) {
      const insert = this.#build
        .insertInto('turns')
        .values(chunk.map((name) => ({ name, announced_ms: now, holder: null, claimed_ms: 0 })))
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ announced_ms: now }))
        .returning(['holder', sql<number>`${now} - turns.claimed_ms`.as('claimed_for')]);
      for (const { holder, claimed_for } of await this.#run.all(insert.compile())) {
        if (holder !== null && Number(claimed_for) < limitMs) holders.add(holder);
      }
    }
    return [...holders];
  }

  async claim(
    ownerName: DomainName,
    { holder, quietMs, limitMs }: Claim,
  ): Promise<{ readonly announcedMs: number | undefined } | 'taken'> {
    const now = this.#now;
    const insert = this.#build
      .insertInto('turns')
      .values({ name: nameText(ownerName), announced_ms: 0, holder, claimed_ms: now })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet({ holder, claimed_ms: now })
          .where('turns.announced_ms', '<=', sql<number>`${now} - ${sql.lit(quietMs)}`)
          .where(({ eb, or }) =>
            or([
              eb('turns.holder', 'is', null),
              eb('turns.claimed_ms', '<=', sql<number>`${now} - ${sql.lit(limitMs)}`),
            ]),
          ),
      )
      .returning(['announced_ms', sql<number>`${now} - turns.announced_ms`.as('announced_for')]);
    const [row] = await this.#run.all(insert.compile());
    if (row === undefined) return 'taken';
    return { announcedMs: row.announced_ms === 0 ? undefined : Number(row.announced_for) };
  }

  async release(holder: string): Promise<void> {
    const update = this.#build.updateTable('turns').set({ holder: null }).where('holder', '=', holder);
    await this.#run.transaction([update.compile()]);
  }

  async forget(unusedMs: number): Promise<number> {
    const before = sql<number>`${this.#now} - ${sql.lit(unusedMs)}`;
    const query = this.#build
      .deleteFrom('turns')
      .where('announced_ms', '<', before)
      .where('claimed_ms', '<', before)
      .returning('name');
    return (await this.#run.all(query.compile())).length;
  }
}

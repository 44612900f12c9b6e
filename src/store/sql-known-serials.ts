/** The known serials of embedded zones, in a SQL database. */
import type { KnownSerial, KnownSerialStore } from '../core/zones/known-serials.ts';
import { nameOf, nameText } from './rows.ts';
import type { QueryBuilder, SqlRunner } from './sql-runner.ts';

export class SqlKnownSerialStore implements KnownSerialStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async all(): Promise<readonly KnownSerial[]> {
    const rows = await this.#run.all(this.#build.selectFrom('known_serials').selectAll().compile());
    return rows.map(({ zone, serial, created_ms: created }) => ({ apex: nameOf(zone), serial, created }));
  }

  async put(known: readonly KnownSerial[]): Promise<void> {
    const queries = known.map(({ apex, serial, created }) => {
      const row = { zone: nameText(apex), serial, created_ms: created };
      return this.#build
        .insertInto('known_serials')
        .values(row)
        .onConflict((conflict) => conflict.column('zone').doUpdateSet({ serial, created_ms: created }))
        .compile();
    });
    if (queries.length > 0) await this.#run.transaction(queries);
  }
}

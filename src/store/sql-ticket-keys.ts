/** The key of TLS session tickets in a SQL database: one row, of a fixed length, so that SQLite overwrites an old key in its place. */
import { sql } from 'kysely';
import type { TicketKey, TicketKeyStore } from '../core/ticket-keys.ts';
import { databaseNow } from './sql-conditions.ts';
import type { QueryBuilder, SqlRunner } from './sql-runner.ts';

const NAME = 'tls';

export class SqlTicketKeyStore implements TicketKeyStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async current(fresh: Buffer, maxAgeMs: number): Promise<TicketKey> {
    const stored = await this.#read();
    if (stored !== undefined && isInForce(stored, maxAgeMs)) return stored;
    const secret = fresh.toString('base64');
    const created_ms = databaseNow(this.#run.dialect);
    // Another server may have done it meanwhile.
    const insert = this.#build
      .insertInto('ticket_keys')
      .values({ name: NAME, secret, created_ms })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet({ secret, created_ms })
          .where('ticket_keys.secret', '=', stored?.secret.toString('base64') ?? ''),
      );
    await this.#run.transaction([insert.compile()]);
    return (await this.#read()) ?? { secret: fresh, ageMs: 0 };
  }

  async #read(): Promise<TicketKey | undefined> {
    const age = sql<number>`${databaseNow(this.#run.dialect)} - created_ms`.as('age_ms');
    const query = this.#build.selectFrom('ticket_keys').select(['secret', age]).where('name', '=', NAME);
    const [row] = await this.#run.all(query.compile());
    return row && { secret: Buffer.from(row.secret, 'base64'), ageMs: Number(row.age_ms) };
  }
}

/** A key of the future was made by a clock that was wrong. */
function isInForce({ ageMs }: TicketKey, maxAgeMs: number): boolean {
  return ageMs >= 0 && ageMs < maxAgeMs;
}

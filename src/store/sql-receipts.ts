/** Receipts of secondaries in a SQL database, and how they answer when a secondary served an event. */
import { sql } from 'kysely';
import type { EventReceipt, HistoryEvent } from '../core/history/history.ts';
import type { Receipt } from '../core/zones/secondaries.ts';
import { nameText } from './rows.ts';
import type { ReceiptRow } from './schema.ts';
import { type QueryBuilder, RowsStatement, type SqlRunner } from './sql-runner.ts';

const PRUNE_CHUNK = 5_000;
/** The clock of an event may be a little ahead of that of a receipt: they are read at different moments. */
const SLACK_MS = 1_000;

export class SqlReceipts {
  readonly #run: SqlRunner;
  readonly #events: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #insert: RowsStatement<ReceiptRow>;

  /** @param events runs what reads events */
  constructor(run: SqlRunner, events: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#events = events;
    this.#build = build;
    this.#insert = new RowsStatement('receipts', (rows) => build.insertInto('receipts').values(rows).compile());
  }

  async append(receipts: readonly Receipt[]): Promise<void> {
    if (receipts.length === 0) return;
    const rows = receipts.map(({ zone, secondary, timeMs, serial }) => ({
      zone: zone.toLowerCase(),
      secondary,
      time_ms: timeMs,
      serial: serial ?? null,
    }));
    await this.#run.transaction(this.#insert.queries(rows));
  }

  async read(events: readonly HistoryEvent[], zone: string, secondaries: readonly string[]): Promise<EventReceipt[]> {
    const withSerial = events.filter(({ serial }) => serial !== undefined);
    const [first] = withSerial;
    if (first === undefined) return [];
    const ids = withSerial.map(({ id }) => id).sort();
    const receipts: EventReceipt[] = [];
    for (const secondary of secondaries) {
      const query = this.#build
        .selectFrom('events as e')
        .select([
          'e.id',
          (builder) =>
            builder
              .selectFrom('receipts as r')
              .select('r.time_ms')
              .where('r.zone', '=', zone.toLowerCase())
              .where('r.secondary', '=', secondary)
              .whereRef('r.time_ms', '>=', sql<number>`e.time_ms - ${sql.lit(SLACK_MS)}`)
              .where(isAtOrAfter)
              .orderBy('r.time_ms')
              .limit(1)
              .as('served_ms'),
        ])
        .where('e.name', '=', nameText(first.ownerName))
        .where('e.id', '>=', ids[0]!)
        .where('e.id', '<=', ids.at(-1)!)
        .where('e.serial', 'is not', null)
        // Before its first receipt it was not asked, or what it answered is deleted.
        .where('e.time_ms', '>=', ({ selectFrom }) =>
          selectFrom('receipts as f')
            .select('f.time_ms')
            .where('f.zone', '=', zone.toLowerCase())
            .where('f.secondary', '=', secondary)
            .orderBy('f.time_ms')
            .limit(1),
        );
      for (const { id, served_ms } of await this.#events.all(query.compile())) {
        receipts.push({ eventId: id, secondary, timeMs: served_ms ?? undefined });
      }
    }
    return receipts;
  }

  async prune(olderThanMs: number, maxReceipts: number): Promise<number> {
    const beyond = this.#build
      .selectFrom('receipts')
      .select('time_ms')
      .orderBy('time_ms', 'desc')
      .offset(maxReceipts)
      .limit(1);
    const [newestBeyond] = await this.#run.all(beyond.compile());
    const limitMs = Math.max(olderThanMs, newestBeyond === undefined ? 0 : newestBeyond.time_ms + 1);
    let pruned = 0;
    for (;;) {
      const [last] = await this.#run.all(
        this.#build
          .selectFrom('receipts')
          .select('time_ms')
          .where('time_ms', '<', limitMs)
          .orderBy('time_ms')
          .offset(PRUNE_CHUNK)
          .limit(1)
          .compile(),
      );
      const untilMs = last?.time_ms ?? limitMs;
      const query = this.#build.deleteFrom('receipts').where('time_ms', '<', Math.min(untilMs + 1, limitMs));
      pruned += (await this.#run.all(query.returning('time_ms').compile())).length;
      if (last === undefined) return pruned;
    }
  }
}

/** RFC 1982 §3.2: the serial of the receipt is that of the event, or later. */
const isAtOrAfter = sql<boolean>`((r.serial - e.serial) & 4294967295) < 2147483648`;

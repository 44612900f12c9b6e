/** TXT values that this server wrote, in a SQL database. */
import type { StoredText, TextStore } from '../core/texts/text-store.ts';
import type { DomainName } from '../dns/name.ts';
import { nameText, textOf, textRow } from './rows.ts';
import { chunksOf, type QueryBuilder, type SqlRunner } from './sql-runner.ts';

export class SqlTextStore implements TextStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
  }

  async put(stored: StoredText): Promise<void> {
    const row = textRow(stored);
    const { added_ms, remove_at_ms } = row;
    const insert = this.#build
      .insertInto('texts')
      .values(row)
      .onConflict((conflict) => conflict.columns(['name', 'text']).doUpdateSet({ added_ms, remove_at_ms }));
    await this.#run.transaction([insert.compile()]);
  }

  async at(ownerName: DomainName): Promise<readonly StoredText[]> {
    const query = this.#build
      .selectFrom('texts')
      .selectAll()
      .where('name', '=', nameText(ownerName))
      .orderBy('added_ms');
    return (await this.#run.all(query.compile())).map(textOf);
  }

  async takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly StoredText[]> {
    let due = this.#build
      .selectFrom('texts')
      .select(['name', 'text'])
      .where('remove_at_ms', '<=', nowMs)
      .orderBy('remove_at_ms')
      .limit(limit);
    // Processes that call at the same time get different rows.
    if (this.#run.dialect === 'postgres') due = due.forUpdate().skipLocked();
    const query = this.#build
      .updateTable('texts')
      .set({ remove_at_ms: untilMs })
      .where(({ eb, refTuple }) => eb(refTuple('name', 'text'), 'in', due.$asTuple('name', 'text')))
      .returningAll();
    return (await this.#run.all(query.compile())).map(textOf);
  }

  async remove(ownerName: DomainName, texts: readonly string[]): Promise<void> {
    for (const chunk of chunksOf(texts)) {
      const query = this.#build
        .deleteFrom('texts')
        .where('name', '=', nameText(ownerName))
        .where('text', 'in', [...chunk]);
      await this.#run.transaction([query.compile()]);
    }
  }
}

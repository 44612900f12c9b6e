/** Settings of hosts in a SQL database. */

import type { HostSettings } from '../core/hosts/host.ts';
import type { HostStore } from '../core/hosts/host-store.ts';
import type { DomainName } from '../dns/name.ts';
import { byName, hostOf, hostRow, nameText } from './rows.ts';
import type { HostRow } from './schema.ts';
import { MAX_CHUNK, type QueryBuilder, RowsStatement, type SqlRunner } from './sql-runner.ts';

/** Queries in flight at the same time. */
const MAX_QUERIES = 2;

interface WaitingHost {
  readonly name: string;
  readonly resolve: (settings: HostSettings | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class SqlHostStore implements HostStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #waiting: WaitingHost[] = [];
  #queries = 0;
  readonly #select: RowsStatement<{ readonly name: string }>;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
    this.#select = new RowsStatement('hosts', (rows) => {
      const names = rows.map(({ name }) => name);
      return build.selectFrom('hosts').selectAll().where('name', 'in', names).compile();
    });
  }

  async put(host: HostSettings): Promise<void> {
    const row = hostRow(host);
    const insert = this.#build
      .insertInto('hosts')
      .values(row)
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ settings: row.settings, is_limited: row.is_limited }),
      );
    await this.#run.transaction([insert.compile()]);
  }

  /** Hosts that are asked for while queries are in flight share the next one. */
  get(ownerName: DomainName): Promise<HostSettings | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name: nameText(ownerName), resolve, reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#ask());
    });
  }

  #ask(): void {
    while (this.#waiting.length > 0 && this.#queries < MAX_QUERIES) {
      void this.#askFor(this.#waiting.splice(0, MAX_CHUNK));
    }
  }

  /** Never rejects. */
  async #askFor(waiting: readonly WaitingHost[]): Promise<void> {
    this.#queries += 1;
    try {
      const names = [...waiting];
      // A name may be there twice: one statement has a power of two.
      while (!Number.isInteger(Math.log2(names.length))) names.push(waiting[0]!);
      const [query] = this.#select.queries(names.map(({ name }) => ({ name })));
      const rows = await this.#run.all<HostRow>(query!);
      const found = new Map(rows.map((row) => [row.name, row]));
      for (const { name, resolve } of waiting) {
        const row = found.get(name);
        resolve(row && hostOf(row));
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    this.#queries -= 1;
    this.#ask();
  }

  async list(): Promise<readonly HostSettings[]> {
    const rows = await this.#run.all(this.#build.selectFrom('hosts').selectAll().compile());
    return rows.map(hostOf).sort(byName);
  }

  async listLimited(): Promise<readonly HostSettings[]> {
    const rows = await this.#run.all(this.#build.selectFrom('hosts').selectAll().where('is_limited', '=', 1).compile());
    return rows.map(hostOf).sort(byName);
  }

  async remove(ownerName: DomainName): Promise<'removed' | 'unknown'> {
    const query = this.#build.deleteFrom('hosts').where('name', '=', nameText(ownerName)).returning('name');
    return (await this.#run.all(query.compile())).length > 0 ? 'removed' : 'unknown';
  }
}

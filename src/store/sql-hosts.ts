/** Settings of hosts in a SQL database. */

import type { HostSettings } from '../core/hosts/host.ts';
import type { HostStore } from '../core/hosts/host-store.ts';
import type { DomainName } from '../dns/name.ts';
import { byName, hostOf, hostRow, nameText } from './rows.ts';
import type { QueryBuilder, SqlRunner } from './sql-runner.ts';

export class SqlHostStore implements HostStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;

  constructor(run: SqlRunner, build: QueryBuilder) {
    this.#run = run;
    this.#build = build;
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

  async get(ownerName: DomainName): Promise<HostSettings | undefined> {
    const query = this.#build.selectFrom('hosts').selectAll().where('name', '=', nameText(ownerName));
    const [row] = await this.#run.all(query.compile());
    return row && hostOf(row);
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

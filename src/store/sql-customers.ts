/**
 * Creates many users, hosts and tokens in one transaction. What is there is read first, with few statements; the transaction
 * fails as a whole if that changed meanwhile, and everything is read again.
 */
import { type CompiledQuery, sql } from 'kysely';
import type { CustomerBatch, CustomerOutcome, CustomerStore, GivenHost } from '../core/customers.ts';
import { findConflicts, isCreated, type StoredCustomers } from './customer-conflicts.ts';
import { accessRows, hostRow, nameText, tokenRow } from './rows.ts';
import { userRow } from './rows-users.ts';
import type { HostAccessRow, HostRow, TokenRow, UserRow } from './schema.ts';
import { lockUsersAt, usersVersion } from './sql-conditions.ts';
import { lockOverview } from './sql-overview.ts';
import { chunksOf, type QueryBuilder, RowsStatement, type SqlQuery, type SqlRunner } from './sql-runner.ts';
import type { SqlTokenLog } from './sql-token-log.ts';
import { ATTEMPTS, contended } from './sql-user-removal.ts';

export class SqlCustomerStore implements CustomerStore {
  readonly #run: SqlRunner;
  readonly #build: QueryBuilder;
  readonly #log: SqlTokenLog;
  readonly #insertUsers: RowsStatement<UserRow>;
  readonly #insertHosts: RowsStatement<HostRow>;
  readonly #insertAccess: RowsStatement<HostAccessRow>;
  readonly #insertTokens: RowsStatement<TokenRow>;

  constructor(run: SqlRunner, build: QueryBuilder, log: SqlTokenLog) {
    this.#run = run;
    this.#build = build;
    this.#log = log;
    this.#insertUsers = new RowsStatement('new-users', (rows) => build.insertInto('users').values(rows).compile());
    this.#insertHosts = new RowsStatement('new-hosts', (rows) => build.insertInto('hosts').values(rows).compile());
    this.#insertAccess = new RowsStatement('new-access', (rows) =>
      build.insertInto('host_access').values(rows).compile(),
    );
    this.#insertTokens = new RowsStatement('new-tokens', (rows) => build.insertInto('tokens').values(rows).compile());
  }

  async create(batch: CustomerBatch): Promise<CustomerOutcome> {
    const { users, hosts, given = [], tokens } = batch;
    if (users.length + hosts.length + given.length + tokens.length === 0) return { conflicts: [] };
    const access = [...hosts, ...given.map(({ after }) => after)].flatMap(accessRows);
    const changed = [...hosts, ...given.map(({ after }) => after)].map(({ ownerName }) => nameText(ownerName));
    const order = lockOverview(this.#build, changed);
    const inserts = [
      ...this.#insertUsers.queries(users.map(userRow)),
      ...this.#insertHosts.queries(hosts.map(hostRow)),
      ...this.#insertAccess.queries(access),
      ...this.#insertTokens.queries(tokens.map(tokenRow)),
    ];
    for (let attempt = 1; ; attempt += 1) {
      const [counter] = await this.#run.all(usersVersion(this.#build));
      const stored = await this.#stored(batch);
      const conflicts = findConflicts(batch, stored);
      if (conflicts.length > 0) return isCreated(batch, conflicts, stored) ? { conflicts: [] } : { conflicts };
      try {
        const lock = lockUsersAt(this.#build, counter?.value ?? 0);
        await this.#log.change(
          [...order, ...given.flatMap((each) => this.#give(each, stored)), ...inserts],
          tokens.map(({ sha256 }) => sha256),
          [lock],
        );
        return { conflicts: [] };
      } catch (error) {
        const [now] = await this.#run.all(usersVersion(this.#build));
        // A token of the operator has no part in this version.
        const isExplained = now?.value !== counter?.value || findConflicts(batch, await this.#stored(batch)).length > 0;
        if (!isExplained) throw error;
        if (attempt === ATTEMPTS) throw contended(error);
      }
    }
  }

  /** Fails, and with it the transaction, if the settings are not those any more. */
  #give({ after }: GivenHost, stored: StoredCustomers): SqlQuery[] {
    const { name, settings } = hostRow(after);
    const isSame = sql`settings = ${stored.hosts.get(name) ?? ''}`;
    return [
      sql`update hosts set settings = case when ${isSame} then ${settings} end where name = ${name}`,
      sql`delete from host_access where name = ${name}`,
    ].map((statement) => statement.compile(this.#build));
  }

  /** What the store has of what the batch names. */
  async #stored({ users, hosts: created, given = [], tokens, limits }: CustomerBatch): Promise<StoredCustomers> {
    const hosts = [...created, ...given.map(({ after }) => after)];
    const build = this.#build;
    const owners = [...hosts.map(({ ownerId }) => ownerId), ...tokens.map(({ owner }) => owner?.id)];
    const ownerIds = [...new Set(owners)].filter((id) => id !== undefined);
    const limitedIds = ownerIds.filter((id) => limits?.has(id));
    const select = async <Row>(
      texts: readonly string[],
      query: (chunk: string[]) => { compile(): CompiledQuery<Row> },
    ): Promise<Row[]> => {
      const rows: Row[] = [];
      for (const chunk of chunksOf(texts)) rows.push(...(await this.#run.all(query(chunk).compile())));
      return rows;
    };
    const userNames = await select(
      users.map(({ name }) => name),
      (chunk) => build.selectFrom('users').select(['name', 'id']).where('name', 'in', chunk),
    );
    const ids = await select(ownerIds, (chunk) => build.selectFrom('users').select('id').where('id', 'in', chunk));
    const hostNames = await select(
      hosts.map(({ ownerName }) => nameText(ownerName)),
      (chunk) => build.selectFrom('hosts').selectAll().where('name', 'in', chunk),
    );
    const tokenNames = await select(
      tokens.map(({ name }) => name),
      (chunk) =>
        build.selectFrom('tokens').select(['name', 'id']).where('name', 'in', chunk).where('revoked_ms', 'is', null),
    );
    const secrets = await select(
      tokens.map(({ sha256 }) => sha256),
      (chunk) => build.selectFrom('tokens').select(['sha256', 'id']).where('sha256', 'in', chunk),
    );
    const ownedHosts = await select(limitedIds, (chunk) =>
      build
        .selectFrom('host_access')
        .select(({ fn }) => ['user_id as id', fn.countAll().as('owned')])
        .where('user_id', 'in', chunk)
        .where('access', '=', 'own')
        .groupBy('user_id'),
    );
    const ownedTokens = await select(limitedIds, (chunk) =>
      build
        .selectFrom('tokens')
        .select(({ fn }) => ['owner_id as id', fn.countAll().as('owned')])
        .where('owner_id', 'in', chunk)
        .where('revoked_ms', 'is', null)
        .groupBy('owner_id'),
    );
    const counts = (rows: readonly { readonly id: string | null; readonly owned: number | string | bigint }[]) =>
      new Map(rows.map(({ id, owned }) => [id ?? '', Number(owned)]));
    return {
      users: new Map(userNames.map(({ name, id }) => [name, id])),
      userIds: new Set(ids.map(({ id }) => id)),
      hosts: new Map(hostNames.map(({ name, settings }) => [name, settings])),
      tokens: new Map(tokenNames.map(({ name, id }) => [name, id])),
      secrets: new Map(secrets.map(({ sha256, id }) => [sha256, id])),
      ownedHosts: counts(ownedHosts),
      ownedTokens: counts(ownedTokens),
    };
  }
}

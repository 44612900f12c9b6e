/**
 * The migrations that create and change the tables of schema.ts: one list for both databases, applied at start under a
 * lock. Never edit a released migration; append a new one.
 *
 * A migration only adds. Servers on one PostgreSQL are upgraded one by one, and those of the version before go on with its
 * statements: a new column is nullable or has a default, and nothing is dropped, renamed, or made unique.
 */
import { type Kysely, type Migration, Migrator, PostgresAdapter, sql } from 'kysely';
import { EVENT_BATCHES_IN_SQLITE } from './event-batches.ts';
import { COUNT_IN_POSTGRES, COUNT_IN_SQLITE } from './event-counts.ts';
import { OVERVIEW_IN_POSTGRES, OVERVIEW_IN_SQLITE } from './overview-schema.ts';

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': {
    async up(db) {
      const { schema } = db;
      await schema
        .createTable('tokens')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull().unique())
        .addColumn('hosts', 'text', (column) => column.notNull())
        .addColumn('types', 'text', (column) => column.notNull())
        .addColumn('addresses', 'text', (column) => column.notNull())
        .addColumn('expires', 'text')
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('revoked_ms', 'bigint')
        .execute();
      await schema
        .createIndex('tokens_valid_name')
        .on('tokens')
        .column('name')
        .unique()
        .where(sql.ref('revoked_ms'), 'is', null)
        .execute();
      await schema
        .createTable('token_changes')
        .addColumn('version', 'bigint', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('token_changes_key', ['version', 'sha256'])
        .execute();
      await schema
        .createTable('token_uses')
        .addColumn('token_id', 'text', (column) => column.primaryKey())
        .addColumn('last_used_ms', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('hosts')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('settings', 'text', (column) => column.notNull())
        .execute();
      await schema
        .createTable('events')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('time_ms', 'bigint', (column) => column.notNull())
        .addColumn('protocol', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('user_agent', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('a_before', 'text')
        .addColumn('a_after', 'text')
        .addColumn('aaaa_before', 'text')
        .addColumn('aaaa_after', 'text')
        .addColumn('code', 'text')
        .addColumn('detail', 'text')
        .execute();
      await schema.createIndex('events_by_name').on('events').columns(['name', 'id']).execute();
      await schema.createIndex('events_by_time').on('events').column('time_ms').execute();
      await schema
        .createTable('activity')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('repeats', 'bigint', (column) => column.notNull())
        .addColumn('last_seen_ms', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('wishes')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('family', 'text', (column) => column.notNull())
        .addColumn('sequence', 'bigint', (column) => column.notNull().unique())
        .addColumn('wanted', 'text')
        .addColumn('ttl', 'bigint', (column) => column.notNull())
        .addColumn('before', 'text')
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('attempts', 'bigint', (column) => column.notNull())
        .addColumn('next_attempt_ms', 'bigint', (column) => column.notNull())
        .addColumn('last_error', 'text')
        .addPrimaryKeyConstraint('wishes_key', ['name', 'family'])
        .execute();
      await schema.createIndex('wishes_by_attempt').on('wishes').column('next_attempt_ms').execute();
      await schema
        .createTable('counters')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'bigint', (column) => column.notNull())
        .execute();
      await sql`insert into counters (name, value) values ('token-changes', 0), ('wishes', 0)`.execute(db);
    },
  },
  '0002-sites': {
    async up({ schema }) {
      await schema.alterTable('wishes').addColumn('site', 'text').execute();
      await schema.createIndex('wishes_by_site').on('wishes').column('site').execute();
    },
  },
  '0003-challenges': {
    async up(db) {
      const { schema } = db;
      await schema.alterTable('tokens').addColumn('sources', 'text').execute();
      await schema
        .createTable('texts')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('added_ms', 'bigint', (column) => column.notNull())
        .addColumn('remove_at_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('texts_key', ['name', 'text'])
        .execute();
      await schema.createIndex('texts_by_end').on('texts').column('remove_at_ms').execute();
    },
  },
  '0004-silence': {
    async up({ schema }) {
      await schema
        .createTable('silences')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('step', 'text', (column) => column.notNull())
        .addColumn('last_seen_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('silences_key', ['name', 'step'])
        .execute();
      await schema
        .createTable('watch')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('since_ms', 'bigint', (column) => column.notNull())
        .addColumn('looked_ms', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .alterTable('hosts')
        .addColumn('is_limited', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await schema.createIndex('hosts_limited').on('hosts').column('is_limited').execute();
    },
  },
  '0005-history-size': {
    async up(db) {
      await db.schema
        .createTable('event_counts')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('events', 'bigint', (column) => column.notNull())
        .execute();
      // The triggers first: in PostgreSQL they lock the table until COMMIT, so that no event is missed.
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
      for (const statement of isPostgres ? COUNT_IN_POSTGRES : COUNT_IN_SQLITE) await sql.raw(statement).execute(db);
      await sql`insert into event_counts (name, events) select name, count(*) from events group by name`.execute(db);
    },
  },
  '0006-token-fields': {
    async up({ schema }) {
      await schema.alterTable('tokens').addColumn('register', 'bigint').execute();
      await schema.alterTable('tokens').addColumn('max_unused_days', 'bigint').execute();
    },
  },
  '0007-receipts': {
    async up({ schema }) {
      await schema.alterTable('events').addColumn('serial', 'bigint').execute();
      await schema
        .createTable('receipts')
        .addColumn('zone', 'text', (column) => column.notNull())
        .addColumn('secondary', 'text', (column) => column.notNull())
        .addColumn('time_ms', 'bigint', (column) => column.notNull())
        .addColumn('serial', 'bigint')
        .execute();
      await schema
        .createIndex('receipts_by_secondary')
        .on('receipts')
        .columns(['zone', 'secondary', 'time_ms'])
        .execute();
      await schema.createIndex('receipts_by_time').on('receipts').column('time_ms').execute();
    },
  },
  '0008-turns': {
    async up({ schema }) {
      await schema
        .createTable('turns')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('announced_ms', 'bigint', (column) => column.notNull())
        .addColumn('holder', 'text')
        .addColumn('claimed_ms', 'bigint', (column) => column.notNull())
        .execute();
      await schema.createIndex('turns_by_holder').on('turns').column('holder').execute();
    },
  },
  '0009-clock': {
    async up(db) {
      await sql`insert into counters (name, value) values ('clock', 0)`.execute(db);
    },
  },
  '0010-known-serials': {
    async up({ schema }) {
      await schema
        .createTable('known_serials')
        .addColumn('zone', 'text', (column) => column.primaryKey())
        .addColumn('serial', 'bigint', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
  '0011-releases': {
    async up({ schema }) {
      await schema
        .createTable('releases')
        .addColumn('migration', 'text', (column) => column.primaryKey())
        .addColumn('version', 'text', (column) => column.notNull())
        .execute();
    },
  },
  // Most events are changes: the index of the others is small, and costs a change nothing.
  '0012-events-not-changed': {
    async up(db) {
      await sql`create index events_not_changed on events (id) where outcome <> 'changed'`.execute(db);
    },
  },
  '0013-users': {
    async up(db) {
      const { schema } = db;
      await schema
        .createTable('users')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('max_hosts', 'bigint', (column) => column.notNull())
        .addColumn('max_tokens', 'bigint', (column) => column.notNull())
        .addColumn('changes_per_minute', 'bigint', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('disabled_ms', 'bigint')
        .execute();
      await schema
        .createTable('management_keys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull().unique())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('expires', 'text')
        .addColumn('max_unused_days', 'bigint')
        .addColumn('revoked_ms', 'bigint')
        .execute();
      await schema
        .createIndex('management_keys_valid_name')
        .on('management_keys')
        .columns(['user_id', 'name'])
        .unique()
        .where(sql.ref('revoked_ms'), 'is', null)
        .execute();
      await schema.createIndex('management_keys_by_user').on('management_keys').column('user_id').execute();
      await schema
        .createTable('audit')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('time_ms', 'bigint', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('key_name', 'text')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('operation', 'text', (column) => column.notNull())
        .addColumn('target', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .execute();
      await schema.createIndex('audit_by_actor').on('audit').columns(['actor', 'id']).execute();
      await schema.createIndex('audit_by_operation').on('audit').columns(['operation', 'id']).execute();
      await schema.alterTable('tokens').addColumn('owner_id', 'text').execute();
      await schema
        .createTable('host_access')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('access', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('host_access_key', ['name', 'user_id'])
        .execute();
      // Lists are read page by page, in the order of octets: a PostgreSQL may have another one by default.
      const text = (column: string) =>
        db.getExecutor().adapter instanceof PostgresAdapter ? sql`${sql.ref(column)} collate "C"` : sql.ref(column);
      await sql`create index host_access_by_user on host_access (user_id, ${text('name')})`.execute(db);
      await sql`create index hosts_in_order on hosts (${text('name')})`.execute(db);
      await sql`create index activity_in_order on activity (${text('name')})`.execute(db);
      await sql`create index users_in_order on users (${text('name')})`.execute(db);
      await sql`create index tokens_in_order on tokens (${text('name')}, ${text('id')})`.execute(db);
      await sql`create index tokens_by_owner on tokens (owner_id, ${text('name')}, ${text('id')})`.execute(db);
      await sql`insert into counters (name, value) values ('users', 0)`.execute(db);
    },
  },
  // Events that were stored before have no place in the order of streams, so that the index is empty at first.
  '0014-event-positions': {
    async up(db) {
      await db.schema.alterTable('events').addColumn('batch', 'bigint').execute();
      await sql`create index events_by_batch on events (batch, id) where batch is not null`.execute(db);
      await sql`insert into counters (name, value) values ('events', 0)`.execute(db);
    },
  },
  '0015-sign-in': {
    async up({ schema }) {
      await schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull().unique())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('ends_ms', 'bigint', (column) => column.notNull())
        .addColumn('method', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('user_agent', 'text', (column) => column.notNull())
        .execute();
      await schema.createIndex('sessions_by_user').on('sessions').columns(['user_id', 'created_ms']).execute();
      await schema
        .createTable('links')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull().unique())
        .addColumn('user_id', 'text')
        .addColumn('invitation', 'text')
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .addColumn('ends_ms', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('user_secrets')
        .addColumn('user_id', 'text', (column) => column.primaryKey())
        .addColumn('password', 'text')
        .addColumn('totp', 'text')
        .addColumn('pending_totp', 'text')
        .addColumn('totp_step', 'bigint')
        .execute();
      await schema
        .createTable('recovery_codes')
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('recovery_codes_key', ['user_id', 'sha256'])
        .execute();
      await schema
        .createTable('identities')
        .addColumn('issuer', 'text', (column) => column.notNull())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('identities_key', ['issuer', 'subject'])
        .execute();
    },
  },
  '0016-overview': {
    async up(db) {
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
      for (const statement of isPostgres ? OVERVIEW_IN_POSTGRES : OVERVIEW_IN_SQLITE) {
        await sql.raw(statement).execute(db);
      }
    },
  },
  '0017-event-batches': {
    async up(db) {
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
      if (!isPostgres) await sql.raw(EVENT_BATCHES_IN_SQLITE).execute(db);
    },
  },
  '0018-ticket-keys': {
    async up({ schema }) {
      await schema
        .createTable('ticket_keys')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('secret', 'text', (column) => column.notNull())
        .addColumn('created_ms', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
};

const TABLE = 'dyndns_migrations';

/** The database was migrated by another version of dyndns, usually a newer one. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/**
 * Applies the migrations that are missing, and records which version did. Safe to call from several processes at once: one
 * migrates, the others wait.
 * @param version of dyndns
 * @throws SchemaError
 */
export async function migrate(db: Kysely<unknown>, version: string): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) {
    throw new SchemaError(await schemaText(db, version), { cause: error });
  }
  if (error !== undefined) throw error;
  for (const { migrationName } of results)
    await sql`insert into releases (migration, version) values (${migrationName}, ${version}) on conflict (migration) do update set version = ${version}`.execute(
      db,
    );
}

/** Which version wrote the store, and what to do. */
async function schemaText(db: Kysely<unknown>, version: string): Promise<string> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(TABLE)} order by name desc`.execute(db);
  const unknown = rows.map(({ name }) => name).find((name) => !Object.hasOwn(MIGRATIONS, name));
  const writer = unknown === undefined ? undefined : await releaseOf(db, unknown).catch(() => undefined);
  return (
    `The store was written by another version of dyndns: ${writer ?? 'a newer one'} ` +
    `(${unknown === undefined ? 'its migrations are not those of this version' : `migration '${unknown}'`}), and this is ${version}. ` +
    `Install ${writer ?? 'the newer version'} again, or restore a backup that was made before the upgrade ('dyndns restore FILE', for PostgreSQL pg_restore).`
  );
}

/** Undefined: it was not recorded. The table is missing in a store of an older version, or was dropped. */
async function releaseOf(db: Kysely<unknown>, migration: string): Promise<string | undefined> {
  const { rows } = await sql<{ version: string }>`select version from releases where migration = ${migration}`.execute(
    db,
  );
  return rows[0]?.version;
}

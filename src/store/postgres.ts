/**
 * The store in a PostgreSQL database, which several processes may share. The pool is small and every wait has a
 * timeout. A connection that fails is closed and the next call opens a new one, so the store recovers by itself after
 * an outage.
 */

import type { EventEmitter } from 'node:events';
import { Kysely, PostgresDialect } from 'kysely';
import type pgTypes from 'pg';
import type { ClientConfig, Pool, PoolClient, PoolConfig } from 'pg';
import { AppError } from '../core/errors.ts';
import type { Store, StoreUser } from '../core/store.ts';
import { migrate, SchemaError } from './migrations.ts';
import { POOL_IS_BUSY, PostgresError, type PostgresTarget, postgresTarget } from './postgres-error.ts';
import { PostgresFeed } from './postgres-feed.ts';
import { PostgresOpening } from './postgres-opening.ts';
import type { SqlQuery, SqlRunner } from './sql-runner.ts';
import { sqlStore } from './sql-store.ts';
import { storeUnreachable } from './store-unreachable.ts';

const MAX_CONNECTIONS = 10;
/** As many as requests for hosts, tokens and the history use at the same time. */
const FIRST_CONNECTIONS = 4;
/** Timeout for opening a connection, or for waiting until one of the pool is free. */
const CONNECT_TIMEOUT_MS = 1_000;
/** Between two attempts of a query. */
const RETRY_MS = 50;
/** The database cancels a statement after this. */
const STATEMENT_TIMEOUT_MS = 2_000;
/** Longer, for a database that no longer cancels statements. */
const QUERY_TIMEOUT_MS = 2_500;
const MAX_WAITING = 10_000;
/** A migration may take long, and waits while another process migrates. */
const MIGRATION_TIMEOUT_MS = 600_000;

const INT8_OID = 20;

/**
 * Connects to the database and migrates its tables.
 * @param url `postgres://user@host/database`; without a password, pg reads PGPASSWORD or ~/.pgpass
 * @param version of dyndns, recorded at a migration
 * @param user without one, a database that does not answer is an error
 * @throws AppError store-unreachable, SchemaError
 */
export async function openPostgresStore(url: string, version: string, user?: StoreUser): Promise<Store> {
  const pg = await loadPg();
  const target = postgresTarget(url);
  const config: PoolConfig = {
    connectionString: url,
    Client: closingClient(pg.Client),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'dyndns',
    keepAlive: true,
    // pg returns an int8 as a string by default; ours are all below 2^53.
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  };
  const pool = new pg.Pool({
    ...config,
    max: MAX_CONNECTIONS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  });
  ignoreErrorEvents(pool);
  const opening = new PostgresOpening(
    async () => {
      await migratePostgres(new pg.Pool({ ...config, max: 2, query_timeout: MIGRATION_TIMEOUT_MS }), target, version);
      await openConnections(pool);
    },
    new PostgresRunner(pool, target, (error) => opening.answered(error)),
    user,
  );
  await opening.start();
  const feed = new PostgresFeed(() => new pg.Client({ ...config, query_timeout: QUERY_TIMEOUT_MS }));
  const store = sqlStore(opening.runner, true);
  const close = () => {
    opening.close();
    feed.close();
    return store.close();
  };
  return { ...store, problem: () => opening.problem, published: feed, close };
}

async function loadPg() {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    const advice = 'Install the packages again without omitting optional ones.';
    throw new Error(`The PostgreSQL driver pg is not installed. ${advice}`, { cause });
  }
}

/**
 * pg leaves the socket open when it finds an error itself while it logs in, like a password that is missing: that would hold the
 * process, and a connection of the database for a minute.
 */
function closingClient(Client: typeof pgTypes.Client): typeof pgTypes.Client {
  return class extends Client {
    constructor(config?: ClientConfig) {
      super(config);
      const { connection } = this as unknown as { connection: EventEmitter & { stream: { destroy(): void } } };
      connection.on('error', () => connection.stream.destroy());
    }
  };
}

/**
 * A broken connection emits 'error', which ends the process if there is no listener: on the pool while it is idle, on
 * the client while it is in use between two statements. The event needs no handling: the pool drops an idle connection,
 * and the next statement on a used one fails.
 */
function ignoreErrorEvents(pool: Pool): void {
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
}

/**
 * Opens the first connections. A server that has just started gets requests at once, and with TLS on a busy machine a connection may
 * take longer than a request waits for it. One that cannot be opened is opened when it is needed.
 */
async function openConnections(pool: Pool): Promise<void> {
  const opened = await Promise.allSettled(Array.from({ length: FIRST_CONNECTIONS }, () => pool.connect()));
  for (const result of opened) if (result.status === 'fulfilled') result.value.release();
}

async function migratePostgres(pool: Pool, target: PostgresTarget, version: string): Promise<void> {
  ignoreErrorEvents(pool);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, version);
  } catch (error) {
    throw error instanceof SchemaError ? error : storeError(error, target);
  } finally {
    await db.destroy();
  }
}

class PostgresRunner implements SqlRunner {
  readonly dialect = 'postgres';
  readonly #pool: Pool;
  readonly #target: PostgresTarget;
  readonly #onAnswer: (error: PostgresError | undefined) => void;

  /** @param onAnswer called after each call: why the database cannot be used, or undefined if it answered */
  constructor(pool: Pool, target: PostgresTarget, onAnswer: (error: PostgresError | undefined) => void) {
    this.#pool = pool;
    this.#target = target;
    this.#onAnswer = onAnswer;
  }

  /** A query that changes nothing is sent again if its connection broke, as by a restart of PostgreSQL, for as long as one may wait. */
  async all<Row>(query: SqlQuery): Promise<readonly Row[]> {
    this.#refuseWhereFull();
    const untilMs = performance.now() + CONNECT_TIMEOUT_MS;
    for (;;) {
      const attemptMs = performance.now();
      try {
        return await this.#with(async (client) => (await send(client, query)).rows as Row[]);
      } catch (error) {
        // On a busy machine an attempt takes long, too: the next one must end in time.
        const nowMs = performance.now();
        const isOver = nowMs + RETRY_MS + (nowMs - attemptMs) >= untilMs;
        if (isOver || !/^select /i.test(query.sql) || !isUnreachable(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async transaction<Row>(queries: readonly SqlQuery[]): Promise<readonly Row[]> {
    if (queries.length === 1) return this.all<Row>(queries[0] as SqlQuery);
    this.#refuseWhereFull();
    return this.#with(async (client) => {
      const returned: Row[][] = [];
      await client.query('BEGIN');
      for (const query of queries) {
        const { rows } = await send(client, query);
        if (query.returnsRows === true) returned.push(rows as Row[]);
      }
      await client.query('COMMIT');
      return returned.flat();
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #refuseWhereFull(): void {
    if (this.#pool.waitingCount >= MAX_WAITING)
      throw storeUnreachable(new Error('Too many calls wait for a connection.'));
  }

  /** Closes a connection on which something failed, which rolls back its transaction, if there is one. */
  async #with<Result>(action: (client: PoolClient) => Promise<Result>): Promise<Result> {
    let client: PoolClient | undefined;
    let failed = true;
    try {
      client = await this.#pool.connect();
      const result = await action(client);
      failed = false;
      this.#onAnswer(undefined);
      return result;
    } catch (cause) {
      const error = storeError(cause, this.#target);
      if (error.cause instanceof PostgresError && isOutage(cause)) this.#onAnswer(error.cause);
      throw error;
    } finally {
      client?.release(failed);
    }
  }
}

function send(client: PoolClient, { sql, parameters, name }: SqlQuery) {
  const query = { text: sql, values: [...parameters] };
  return client.query(name === undefined ? query : { ...query, name });
}

/** Classes of SQLSTATE that indicate a defect of ours: invalid values, violated constraints, wrong SQL; not a missing permission. */
const OUR_FAULT = /^(21|22|23|42(?!501))/;

function isUnreachable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store-unreachable';
}

function storeError(cause: unknown, target: PostgresTarget): AppError {
  const state = stateOf(cause);
  if (state !== undefined && OUR_FAULT.test(state))
    return new AppError('internal', 'The store refused a statement.', { cause });
  return storeUnreachable(new PostgresError(target, cause));
}

/** Classes of SQLSTATE of a database that cannot be used at all: connection, login, database, permission, resources, operator. */
const OUTAGE = /^(08|25006|28|3D|3F|42501|53|57P)/;
/** False if another statement may succeed. */
function isOutage(cause: unknown): boolean {
  const state = stateOf(cause);
  return state === undefined ? !(cause instanceof Error && cause.message === POOL_IS_BUSY) : OUTAGE.test(state);
}

/** SQLSTATE; undefined for an error of the driver or the system. */
function stateOf(cause: unknown): string | undefined {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  return /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Opens a PostgreSQL store: migrates its tables, then lets calls through. For a server, a database that is away at the start is
 * not an error: it is opened when it is there, and calls fail until then.
 */
import { AppError, errorText } from '../core/errors.ts';
import type { Store, StoreProblem, StoreUser } from '../core/store.ts';
import { SchemaError } from './migrations.ts';
import { PostgresError } from './postgres-error.ts';
import type { SqlQuery, SqlRunner } from './sql-runner.ts';
import { sqlStore } from './sql-store.ts';
import { StoreHealth } from './store-health.ts';
import { storeUnreachable } from './store-unreachable.ts';

/** A server waits this long for the store, then serves without it. A migration goes on meanwhile. */
const START_MS = 5_000;

const MIGRATING: StoreProblem = {
  text: 'PostgreSQL makes or changes the tables of the store, or waits for another server that does.',
  brief: 'being migrated',
};

export class PostgresOpening {
  /** Fails until the database is open. */
  readonly runner: SqlRunner;
  readonly #prepare: () => Promise<void>;
  /** The store in the open database; its calls also run while it is not open for others. */
  readonly #store: Store;
  readonly #user: StoreUser | undefined;
  readonly #health: StoreHealth | undefined;
  #isOpen = false;
  #attempt: Promise<void> | undefined;

  /**
   * @param prepare connects and migrates. @throws AppError, SchemaError
   * @param runner runs statements in the open database
   * @param user of a server
   */
  constructor(prepare: () => Promise<void>, runner: SqlRunner, user: StoreUser | undefined) {
    this.#prepare = prepare;
    this.#store = sqlStore(runner, true);
    this.#user = user;
    this.#health =
      user && new StoreHealth({ attempt: () => this.#try(), onChange: (problem) => user.onChange(problem) });
    this.runner = {
      dialect: runner.dialect,
      all: <Row>(query: SqlQuery) => (this.#isOpen ? runner.all<Row>(query) : Promise.reject(this.#notOpen())),
      transaction: <Row>(queries: readonly SqlQuery[]) =>
        this.#isOpen ? runner.transaction<Row>(queries) : Promise.reject(this.#notOpen()),
      close: () => runner.close(),
    };
  }

  get problem(): StoreProblem | undefined {
    return this.#health?.problem;
  }

  /** After a call. @param error undefined: the database answered */
  answered(error: PostgresError | undefined): void {
    if (error !== undefined) this.#health?.failed(error.problem);
    else if (this.#isOpen) this.#health?.works();
  }

  /** @throws SchemaError, and without a user AppError store-unreachable */
  async start(): Promise<void> {
    const opened = this.#open();
    if (this.#health === undefined) return opened;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, START_MS, 'late');
    });
    const outcome = await Promise.race([opened.catch((error: unknown) => error), timeout]);
    clearTimeout(timer);
    if (outcome instanceof SchemaError) throw outcome;
    if (outcome === 'late') this.#health.failed(MIGRATING);
    else if (outcome !== undefined) this.#failed(outcome);
  }

  close(): void {
    this.#health?.close();
  }

  #open(): Promise<void> {
    this.#attempt ??= this.#prepareForUse().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #prepareForUse(): Promise<void> {
    await this.#prepare();
    await this.#user?.beforeUse(this.#store);
    this.#isOpen = true;
    this.#health?.works();
  }

  async #try(): Promise<void> {
    if (this.#isOpen) await this.#store.ping();
    else await this.#open().catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const cause = error instanceof AppError ? error.cause : error;
    if (cause instanceof PostgresError) this.#health?.failed(cause.problem);
    else this.#health?.failed({ text: errorText(cause), brief: 'not usable' });
  }

  #notOpen(): AppError {
    return storeUnreachable(new Error(this.#health?.problem?.text ?? MIGRATING.text));
  }
}

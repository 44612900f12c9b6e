/**
 * A database with its own thread (worker-thread.ts): a slow disk never blocks the main thread, and concurrent callers share
 * a COMMIT. One batch is in flight at a time; calls that arrive meanwhile form the next one.
 */
import { Worker } from 'node:worker_threads';
import { copyDatabase } from './backup.ts';
import type { SqlRow, SqlStatement, SqlValue } from './database.ts';
import type { Mark } from './marker.ts';
import { SqliteError } from './sqlite-error.ts';
import {
  errorOf,
  exactOctets,
  firstReply,
  type ThreadJob,
  type ThreadNote,
  type ThreadReply,
  type ThreadStart,
  threadOptions,
  threadUrl,
} from './thread-messages.ts';

export type { SqlRow, SqlStatement, SqlValue } from './database.ts';

interface Call {
  readonly job: ThreadJob;
  readonly resolve: (rows: readonly SqlRow[]) => void;
  readonly reject: (error: SqliteError) => void;
}

export interface WorkerOptions {
  /** The file of a marker (marker.ts), for the marks of transactions. */
  readonly marker?: string;
  /** The thread died, and no call will succeed any more. */
  readonly onDeath?: (error: SqliteError) => void;
  /** The write-ahead log was moved into the database. */
  readonly onCheckpoint?: () => void;
  /** The marker could not be written. @param problem completes a sentence */
  readonly onMarkerProblem?: (problem: string) => void;
}

export class SqliteWorker {
  readonly file: string;
  readonly #options: WorkerOptions;
  readonly #thread: Worker;
  readonly #backups = new Set<Promise<void>>();
  #queue: Call[] = [];
  #inFlight: readonly Call[] = [];
  #scheduled = false;
  #commits = 0;
  /** Why new calls are rejected. */
  #endReason: SqliteError | undefined;
  #closing: Promise<void> | undefined;
  #closeError: SqliteError | undefined;
  #exited = false;
  #onIdle: (() => void) | undefined;

  private constructor(file: string, thread: Worker, options: WorkerOptions) {
    this.file = file;
    this.#options = options;
    this.#thread = thread;
    thread.on('message', (message: ThreadReply | ThreadNote) => {
      if (message === 'checkpoint') this.#options.onCheckpoint?.();
      else this.#receive(message);
    });
    thread.on('error', (cause) => this.#fail(`the thread of database ${file} died`, cause));
    thread.on('exit', () => {
      this.#exited = true;
      this.#fail(`the thread of database ${file} has ended`);
    });
    thread.unref();
  }

  /**
   * Opens a database, creating it with mode 0600 if necessary, and runs the schema in one transaction.
   * @param schema idempotent statements (CREATE TABLE IF NOT EXISTS)
   * @throws SqliteError
   */
  static async open(file: string, schema: readonly string[], options: WorkerOptions = {}): Promise<SqliteWorker> {
    const { marker } = options;
    const thread = new Worker(threadUrl('worker-thread'), threadOptions<ThreadStart>({ file, schema, marker }));
    await firstReply(thread, file);
    return new SqliteWorker(file, thread, options);
  }

  /** The number of COMMITs, without that of the schema; less than that of transactions if some shared one. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Runs statements atomically; they are on disk when this resolves (synchronous=FULL). Concurrent calls share a COMMIT: a
   * failed statement fails only its own call, a failed COMMIT all calls that share it. BLOBs must not be modified until
   * then.
   * @param marks written to the marker when the transaction is on disk, before this resolves
   * @returns the rows of all statements with `returnsRows`, in order
   * @throws SqliteError if nothing is stored, or if the thread died and this is unknown
   */
  async transaction(statements: readonly SqlStatement[], marks: readonly Mark[] = []): Promise<readonly SqlRow[]> {
    return statements.length + marks.length > 0 ? this.#call({ kind: 'transaction', statements, marks }) : [];
  }

  /** All rows of a query, which sees every transaction of earlier calls. @throws SqliteError */
  all(sql: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#call({ kind: 'all', sql, params });
  }

  /**
   * Copies the database to another file, as writeCopy does, without blocking transactions. The copy has every transaction
   * that was acknowledged before the call.
   * @throws SqliteError
   */
  async backup(toFile: string): Promise<void> {
    if (this.#endReason !== undefined) throw this.#endReason;
    const copying = copyDatabase(this.file, toFile);
    this.#backups.add(copying);
    try {
      await copying;
    } finally {
      this.#backups.delete(copying);
    }
  }

  /** Finishes all calls and backups, closes the database and ends the thread. @throws SqliteError if closing fails */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#endReason ??= new SqliteError('other', `database ${this.file} is closed`);
    if (this.#queue.length > 0 || this.#inFlight.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await Promise.allSettled(this.#backups);
    if (this.#exited) return;
    this.#thread.ref();
    const exited = new Promise((resolve) => this.#thread.once('exit', resolve));
    this.#thread.postMessage([]);
    await exited;
    if (this.#closeError !== undefined) throw this.#closeError;
  }

  #call(job: ThreadJob): Promise<readonly SqlRow[]> {
    return new Promise((resolve, reject) => {
      if (this.#endReason !== undefined) {
        reject(this.#endReason);
        return;
      }
      this.#queue.push({ job, resolve, reject });
      if (this.#scheduled || this.#inFlight.length > 0) return;
      // Calls of the same microtask turn share a batch.
      this.#scheduled = true;
      queueMicrotask(() => this.#send());
    });
  }

  #send(): void {
    this.#scheduled = false;
    const calls = this.#queue;
    this.#queue = [];
    if (calls.length === 0) {
      this.#thread.unref();
      this.#onIdle?.();
      return;
    }
    this.#inFlight = calls;
    this.#thread.ref();
    const { batch, owned } = exactOctets(calls.map(({ job }) => job));
    this.#thread.postMessage(batch, owned);
  }

  #receive({ outcomes, commits, failed, markerProblem }: ThreadReply): void {
    const calls = this.#inFlight;
    this.#inFlight = [];
    this.#commits += commits;
    if (failed !== undefined) this.#closeError = errorOf(failed);
    if (markerProblem !== undefined) this.#options.onMarkerProblem?.(markerProblem);
    if (calls.length > 0) this.#send();
    calls.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && 'rows' in outcome) resolve(outcome.rows);
      else if (outcome !== undefined) reject(errorOf(outcome.error));
    });
  }

  #fail(message: string, cause?: unknown): void {
    const isFirst = this.#endReason === undefined;
    this.#endReason ??= new SqliteError('other', message, { cause });
    const calls = [...this.#inFlight, ...this.#queue];
    this.#inFlight = [];
    this.#queue = [];
    for (const { reject } of calls) reject(new SqliteError('other', message, { cause }));
    this.#onIdle?.();
    if (isFirst) this.#options.onDeath?.(this.#endReason);
  }
}

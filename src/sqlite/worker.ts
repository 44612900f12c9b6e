// A database with a thread of its own: a slow disk never stops the main thread, and whoever waits shares one COMMIT.
// One batch is under way at a time; what comes meanwhile is the next batch. The thread is worker-thread.ts.
import { Worker } from 'node:worker_threads';
import { copyDatabase } from './backup.ts';
import type { SqlRow, SqlStatement, SqlValue } from './database.ts';
import { SqliteError } from './sqlite-error.ts';
import {
  errorOf,
  exactOctets,
  firstReply,
  type ThreadJob,
  type ThreadReply,
  type ThreadStart,
  threadUrl,
} from './thread-messages.ts';

export type { SqlRow, SqlStatement, SqlValue } from './database.ts';

interface Call {
  readonly job: ThreadJob;
  readonly resolve: (rows: readonly SqlRow[]) => void;
  readonly reject: (error: SqliteError) => void;
}

export class SqliteWorker {
  readonly file: string;
  readonly #thread: Worker;
  readonly #backups = new Set<Promise<void>>();
  #waiting: Call[] = [];
  #underWay: readonly Call[] = [];
  #scheduled = false;
  #commits = 0;
  /** Why no further call is taken. */
  #end: SqliteError | undefined;
  #closing: Promise<void> | undefined;
  #closeFailed: SqliteError | undefined;
  #exited = false;
  #idle: (() => void) | undefined;

  private constructor(file: string, thread: Worker) {
    this.file = file;
    this.#thread = thread;
    thread.on('message', (reply: ThreadReply) => this.#take(reply));
    thread.on('error', (cause) => this.#fail(`the thread of database ${file} died`, cause));
    thread.on('exit', () => {
      this.#exited = true;
      this.#fail(`the thread of database ${file} has ended`);
    });
    thread.unref();
  }

  /**
   * Opens a database, which is created with mode 0600 if it is not there, and runs the schema's statements in one
   * transaction; they must do nothing where their work is done already (CREATE TABLE IF NOT EXISTS).
   * @throws SqliteError
   */
  static async open(file: string, schema: readonly string[]): Promise<SqliteWorker> {
    const thread = new Worker(threadUrl('worker-thread'), {
      workerData: { file, schema } satisfies ThreadStart,
      execArgv: [],
    });
    await firstReply(thread, file);
    return new SqliteWorker(file, thread);
  }

  /** COMMITs so far, the schema's not counted. Fewer than the transactions where some shared one. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Runs statements: all land together or none, and they are on the disk when this resolves (synchronous=FULL).
   * Calls that wait meanwhile share the next COMMIT. A statement that fails fails its own call alone, a COMMIT that fails
   * fails all that share it. BLOBs must not change until then.
   * @throws SqliteError; nothing is stored then, except that this is not known when the thread died
   */
  async transaction(statements: readonly SqlStatement[]): Promise<void> {
    if (statements.length > 0) await this.#call({ kind: 'transaction', statements });
  }

  /** All rows of a query, which sees every transaction that was asked for before it. @throws SqliteError */
  all(sql: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#call({ kind: 'all', sql, params });
  }

  /**
   * Copies the database as it is now into another file of mode 0600, which is replaced whole or not at all. Transactions
   * go on meanwhile; every one that was acknowledged before the call is in the copy.
   * @throws SqliteError
   */
  async backup(toFile: string): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    const copying = copyDatabase(this.file, toFile);
    this.#backups.add(copying);
    try {
      await copying;
    } finally {
      this.#backups.delete(copying);
    }
  }

  /** Finishes what was asked for, closes the database and ends the thread. @throws SqliteError when it closes badly */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#end ??= new SqliteError('other', `database ${this.file} is closed`);
    if (this.#waiting.length > 0 || this.#underWay.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await Promise.allSettled(this.#backups);
    if (this.#exited) return;
    this.#thread.ref();
    const exited = new Promise((resolve) => this.#thread.once('exit', resolve));
    this.#thread.postMessage([]);
    await exited;
    if (this.#closeFailed !== undefined) throw this.#closeFailed;
  }

  #call(job: ThreadJob): Promise<readonly SqlRow[]> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      this.#waiting.push({ job, resolve, reject });
      if (this.#scheduled || this.#underWay.length > 0) return;
      // Calls that are made together go together.
      this.#scheduled = true;
      queueMicrotask(() => this.#send());
    });
  }

  #send(): void {
    this.#scheduled = false;
    const calls = this.#waiting;
    this.#waiting = [];
    if (calls.length === 0) {
      this.#thread.unref();
      this.#idle?.();
      return;
    }
    this.#underWay = calls;
    this.#thread.ref();
    const { batch, owned } = exactOctets(calls.map(({ job }) => job));
    this.#thread.postMessage(batch, owned);
  }

  #take({ outcomes, commits, failed }: ThreadReply): void {
    const calls = this.#underWay;
    this.#underWay = [];
    this.#commits += commits;
    if (failed !== undefined) this.#closeFailed = errorOf(failed);
    if (calls.length > 0) this.#send();
    calls.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && 'rows' in outcome) resolve(outcome.rows);
      else if (outcome !== undefined) reject(errorOf(outcome.error));
    });
  }

  #fail(message: string, cause?: unknown): void {
    this.#end ??= new SqliteError('other', message, { cause });
    const calls = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const { reject } of calls) reject(new SqliteError('other', message, { cause }));
    this.#idle?.();
  }
}

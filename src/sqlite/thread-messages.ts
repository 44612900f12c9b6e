/**
 * Messages between the main thread and the threads of a database (worker-thread.ts, backup-thread.ts), limited to values
 * that survive a structured clone: an error is sent as its parts. Also the URLs of the threads' code.
 */
import type { Worker, WorkerOptions } from 'node:worker_threads';
import type { SqlRow, SqlStatement, SqlValue } from './database.ts';
import type { SqlTransaction } from './group-commit.ts';
import type { Mark } from './marker.ts';
import { SqliteError, type SqliteErrorReason } from './sqlite-error.ts';

/** `workerData` of worker-thread.ts. */
export interface ThreadStart {
  readonly file: string;
  readonly schema: readonly string[];
  /** The file of the marker, if the database has one. */
  readonly marker: string | undefined;
}

/** `workerData` of backup-thread.ts. */
export interface BackupStart {
  readonly file: string;
  readonly toFile: string;
}

export type ThreadJob =
  /** `marks` are written to the marker after the COMMIT, and before the reply. */
  | { readonly kind: 'transaction'; readonly statements: SqlTransaction; readonly marks: readonly Mark[] }
  | { readonly kind: 'all'; readonly sql: string; readonly params: readonly SqlValue[] };

/** All queued jobs in order. An empty batch makes the thread close the database and exit. */
export type ThreadBatch = readonly ThreadJob[];

export interface ErrorParts {
  readonly reason: SqliteErrorReason;
  readonly message: string;
}

export type JobOutcome = { readonly rows: readonly SqlRow[] } | { readonly error: ErrorParts };

export interface ThreadReply {
  /** One per job of the batch, in order; a transaction has the rows of its statements with `returnsRows`. Empty in the replies to start and close. */
  readonly outcomes: readonly JobOutcome[];
  /** The number of COMMITs of this batch. */
  readonly commits: number;
  /** Opening or closing the database failed. */
  readonly failed?: ErrorParts;
  /** Why the marker could not be written. The COMMITs are on disk all the same. */
  readonly markerProblem?: string;
}

/** Sent without a request: the write-ahead log was moved into the database, and the marker synced. */
export type ThreadNote = 'checkpoint';

export function errorParts({ reason, message }: SqliteError): ErrorParts {
  return { reason, message };
}

export function errorOf({ reason, message }: ErrorParts): SqliteError {
  return new SqliteError(reason, message);
}

/**
 * The code of a thread, beside this file. No Node.js before 22.18 runs a `.ts` file: from `src`, as under vitest, it is
 * the built one, which is as new as the last `npm run build` (`npm test` builds first).
 */
export function threadUrl(name: 'worker-thread' | 'backup-thread'): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? `../../dist/sqlite/${name}.js` : `./${name}.js`, here);
}

/**
 * How a thread starts. Its outputs (warnings of Node.js) are not connected to those of the process: an output that fails
 * or stalls would end or block the server.
 */
export function threadOptions<T>(workerData: T): WorkerOptions {
  return { workerData, execArgv: [], stdout: true, stderr: true };
}

/** Waits for the first reply of a new thread: its database is open, or its backup done. @throws SqliteError */
export function firstReply(thread: Worker, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void =>
      reject(new SqliteError('other', `the thread of database ${file} cannot be started`, { cause }));
    thread.once('message', ({ failed }: ThreadReply) => {
      thread.off('error', fail);
      thread.off('exit', fail);
      if (failed === undefined) resolve();
      else reject(errorOf(failed));
    });
    thread.once('error', fail);
    thread.once('exit', fail);
  });
}

/**
 * Prepares a batch for postMessage. A structured clone of a view copies its whole ArrayBuffer (a small Buffer is a view of
 * 8 KiB), so views of a part are copied to buffers of their own, `owned`, which are transferred to the thread.
 */
export function exactOctets(jobs: readonly ThreadJob[]): { batch: ThreadBatch; owned: ArrayBuffer[] } {
  const owned: ArrayBuffer[] = [];
  const cutOut = (value: SqlValue): SqlValue => {
    if (!isPart(value)) return value;
    const octets = new Uint8Array(value);
    owned.push(octets.buffer);
    return octets;
  };
  const exact = <Item extends SqlStatement | Extract<ThreadJob, { kind: 'all' }>>(item: Item): Item =>
    item.params.some(isPart) ? { ...item, params: item.params.map(cutOut) } : item;
  const batch = jobs.map((job) =>
    job.kind === 'all' ? exact(job) : { ...job, statements: job.statements.map(exact) },
  );
  return { batch, owned };
}

function isPart(value: SqlValue): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength < value.buffer.byteLength;
}

// What the main thread and the thread of a database (worker-thread.ts) say to each other. Only things that a structured
// clone keeps; an error travels as its parts. And where the code of the thread is.
import type { Worker } from 'node:worker_threads';
import type { SqlRow, SqlStatement, SqlValue } from './database.ts';
import type { SqlTransaction } from './group-commit.ts';
import { SqliteError, type SqliteErrorReason } from './sqlite-error.ts';

/** `workerData` of worker-thread.ts. */
export interface ThreadStart {
  readonly file: string;
  readonly schema: readonly string[];
}

/** `workerData` of backup-thread.ts. */
export interface BackupStart {
  readonly file: string;
  readonly toFile: string;
}

export type ThreadJob =
  | { readonly kind: 'transaction'; readonly statements: SqlTransaction }
  | { readonly kind: 'all'; readonly sql: string; readonly params: readonly SqlValue[] };

/** Everything that waited, in its order; an empty batch asks the thread to close the database and to end. */
export type ThreadBatch = readonly ThreadJob[];

export interface ErrorParts {
  readonly reason: SqliteErrorReason;
  readonly message: string;
}

export type JobOutcome = { readonly rows: readonly SqlRow[] } | { readonly error: ErrorParts };

export interface ThreadReply {
  /** One for each job of the batch, in its order. A transaction has no rows. The first reply, to the start, has none. */
  readonly outcomes: readonly JobOutcome[];
  /** COMMITs that this batch took. */
  readonly commits: number;
  /** The database could not be opened, or not be closed well. */
  readonly failed?: ErrorParts;
}

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

/** Waits until a thread that was just started says that its database is open, or done. @throws SqliteError */
export function firstReply(thread: Worker, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void =>
      reject(new SqliteError('other', `the thread of database ${file} does not start`, { cause }));
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
 * A batch to send. A structured clone takes the whole ArrayBuffer of a view along (a small Buffer is a view of 8 KiB):
 * such BLOBs are cut out, and their new buffers are the thread's (`owned`).
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
    job.kind === 'all' ? exact(job) : { kind: job.kind, statements: job.statements.map(exact) },
  );
  return { batch, owned };
}

function isPart(value: SqlValue): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength < value.buffer.byteLength;
}

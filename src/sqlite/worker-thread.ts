/**
 * The thread that writes to a database: receives batches from worker.ts, commits, writes the marker and replies. A checkpoint,
 * which moves the write-ahead log into the database, runs after the reply, so that no caller waits for it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type Database, openDatabase, type SqlRow } from './database.ts';
import { commitTogether, type SqlTransaction } from './group-commit.ts';
import { MarkerWriter } from './marker.ts';
import { errorText, sqliteErrorFrom } from './sqlite-error.ts';
import {
  errorParts,
  type JobOutcome,
  type ThreadBatch,
  type ThreadJob,
  type ThreadNote,
  type ThreadReply,
  type ThreadStart,
} from './thread-messages.ts';

const NO_ROWS: JobOutcome = { rows: [] };

/** A checkpoint follows after this many statements or octets: it takes a few milliseconds, and the log stays small. */
const STATEMENTS_PER_CHECKPOINT = 1_000;
const OCTETS_PER_CHECKPOINT = 2 * 1024 * 1024;

/**
 * A checkpoint also follows when nothing was committed for this long: the log, which is the only copy of its commits, would
 * otherwise stay as it is for weeks.
 */
const IDLE_MS = 2_000;

const { file, schema, marker: markerPath } = workerData as ThreadStart;
const port = parentPort;
if (port === null) throw new Error('worker-thread.ts is started by worker.ts only');
const reply = (message: ThreadReply): void => port.postMessage(message);

const marker = markerPath === undefined ? undefined : new MarkerWriter(markerPath);
let statements = 0;
let octets = 0;
let idle: NodeJS.Timeout | undefined;

async function open(): Promise<Database | undefined> {
  try {
    const database = await openDatabase(file);
    const error = commitTogether(database, [schema.map((sql) => ({ sql, params: [] }))])[0];
    if (error !== undefined) {
      database.close();
      throw error;
    }
    reply({ outcomes: [], commits: 0 });
    return database;
  } catch (error) {
    reply({ outcomes: [], commits: 0, failed: errorParts(sqliteErrorFrom(error, file)) });
    return undefined;
  }
}

/** Consecutive transactions share a COMMIT. A query commits them first, so that it sees them. */
function runBatch(database: Database, batch: ThreadBatch): void {
  const outcomes: JobOutcome[] = [];
  let commits = 0;
  let markerProblem: string | undefined;
  let pending: Extract<ThreadJob, { kind: 'transaction' }>[] = [];
  const commit = (): void => {
    if (pending.length === 0) return;
    const returned = new Map<number, SqlRow[]>();
    const errors = commitTogether(
      database,
      pending.map((job) => job.statements),
      (index, rows) => void returned.set(index, [...(returned.get(index) ?? []), ...rows]),
    );
    if (errors.includes(undefined)) commits += 1;
    for (const [index, error] of errors.entries()) {
      const rows = returned.get(index);
      outcomes.push(error !== undefined ? { error: errorParts(error) } : rows === undefined ? NO_ROWS : { rows });
    }
    markerProblem = mark(pending.filter((_, index) => errors[index] === undefined)) ?? markerProblem;
    pending = [];
  };
  for (const job of batch) {
    if (job.kind === 'transaction') {
      pending.push(job);
      count(job.statements);
    } else {
      commit();
      outcomes.push(query(database, job));
    }
  }
  commit();
  reply(markerProblem === undefined ? { outcomes, commits } : { outcomes, commits, markerProblem });
  if (statements >= STATEMENTS_PER_CHECKPOINT || octets >= OCTETS_PER_CHECKPOINT) checkpoint(database);
  if (statements > 0) checkpointWhenIdle(database);
}

/** Writes the marks of transactions that are on disk. @returns why that failed */
function mark(transactions: readonly Extract<ThreadJob, { kind: 'transaction' }>[]): string | undefined {
  const marks = transactions.flatMap((job) => job.marks);
  if (marks.length === 0 || marker === undefined) return undefined;
  try {
    for (const each of marks) marker.set(each);
    marker.write();
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A timer that is set again at each batch: it runs out when there are none. */
function checkpointWhenIdle(database: Database): void {
  if (idle !== undefined) idle.refresh();
  else {
    idle = setTimeout(() => {
      idle = undefined;
      checkpoint(database);
      if (statements > 0) checkpointWhenIdle(database);
    }, IDLE_MS).unref();
  }
}

function count(transaction: SqlTransaction): void {
  statements += transaction.length;
  for (const { params } of transaction) {
    for (const value of params) {
      if (value instanceof Uint8Array) octets += value.byteLength;
      else if (typeof value === 'string') octets += value.length;
    }
  }
}

function query(database: Database, { sql, params }: Extract<ThreadJob, { kind: 'all' }>): JobOutcome {
  try {
    return { rows: database.all(sql, params) };
  } catch (error) {
    return { error: errorParts(sqliteErrorFrom(error, file)) };
  }
}

/**
 * A failed checkpoint (disk full, a long reader) loses nothing: the log stays, and the next checkpoint, at the latest the one
 * of an idle moment, continues.
 */
function checkpoint(database: Database): void {
  octets = 0;
  try {
    const [result] = database.all('PRAGMA wal_checkpoint(PASSIVE)');
    statements = result?.['log'] === result?.['checkpointed'] ? 0 : 1;
    marker?.sync();
    port?.postMessage('checkpoint' satisfies ThreadNote);
  } catch {
    // The next COMMIT reports a problem of the disk to its caller.
    statements = 1;
  }
}

const database = await open();
if (database === undefined) port.close();
else {
  port.on('message', (batch: ThreadBatch) => {
    if (batch.length > 0) return runBatch(database, batch);
    clearTimeout(idle);
    checkpoint(database);
    try {
      database.close();
      marker?.close();
      reply({ outcomes: [], commits: 0 });
    } catch (error) {
      reply({ outcomes: [], commits: 0, failed: errorParts(sqliteErrorFrom(error, file)) });
    }
    port.close();
  });
}

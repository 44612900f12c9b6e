/**
 * The thread that writes to a database: receives batches from worker.ts, commits and replies. A checkpoint, which moves the
 * write-ahead log into the database, runs after the reply, so that no caller waits for it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type Database, openDatabase } from './database.ts';
import { commitTogether, type SqlTransaction } from './group-commit.ts';
import { sqliteErrorFrom } from './sqlite-error.ts';
import {
  errorParts,
  type JobOutcome,
  type ThreadBatch,
  type ThreadJob,
  type ThreadReply,
  type ThreadStart,
} from './thread-messages.ts';

const NO_ROWS: JobOutcome = { rows: [] };

/** A checkpoint follows after this many statements or octets: it takes a few milliseconds, and the log stays small. */
const STATEMENTS_PER_CHECKPOINT = 1_000;
const OCTETS_PER_CHECKPOINT = 2 * 1024 * 1024;

const { file, schema } = workerData as ThreadStart;
const port = parentPort;
if (port === null) throw new Error('worker-thread.ts is started by worker.ts only');
const reply = (message: ThreadReply): void => port.postMessage(message);

let statements = 0;
let octets = 0;

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
  let pending: SqlTransaction[] = [];
  const commit = (): void => {
    if (pending.length === 0) return;
    const errors = commitTogether(database, pending);
    if (errors.includes(undefined)) commits += 1;
    for (const error of errors) outcomes.push(error === undefined ? NO_ROWS : { error: errorParts(error) });
    pending = [];
  };
  for (const job of batch) {
    if (job.kind === 'transaction') {
      pending.push(job.statements);
      count(job.statements);
    } else {
      commit();
      outcomes.push(query(database, job));
    }
  }
  commit();
  reply({ outcomes, commits });
  if (statements >= STATEMENTS_PER_CHECKPOINT || octets >= OCTETS_PER_CHECKPOINT) checkpoint(database);
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

/** A failed checkpoint (disk full, a long reader) loses nothing: the log stays, and the next checkpoint continues. */
function checkpoint(database: Database): void {
  statements = 0;
  octets = 0;
  try {
    database.all('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // The next COMMIT reports a problem of the disk to its caller.
  }
}

const database = await open();
if (database === undefined) port.close();
else {
  port.on('message', (batch: ThreadBatch) => {
    if (batch.length > 0) return runBatch(database, batch);
    checkpoint(database);
    try {
      database.close();
      reply({ outcomes: [], commits: 0 });
    } catch (error) {
      reply({ outcomes: [], commits: 0, failed: errorParts(sqliteErrorFrom(error, file)) });
    }
    port.close();
  });
}

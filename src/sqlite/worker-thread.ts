// The thread that writes to a database: takes batches from worker.ts, commits, replies. Runs nothing on the main thread.
// Moving the write-ahead log into the database (a checkpoint) comes after the reply, so that nobody waits for it.
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

/** A checkpoint follows after so many statements or octets. It takes some milliseconds then, and the log stays small. */
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
    const failed = commitTogether(database, [schema.map((sql) => ({ sql, params: [] }))])[0];
    if (failed !== undefined) {
      database.close();
      throw failed;
    }
    reply({ outcomes: [], commits: 0 });
    return database;
  } catch (error) {
    reply({ outcomes: [], commits: 0, failed: errorParts(sqliteErrorFrom(error, file)) });
    return undefined;
  }
}

/** Transactions that follow one another share a COMMIT. A query reads what was committed before it. */
function runBatch(database: Database, batch: ThreadBatch): void {
  const outcomes: JobOutcome[] = [];
  let commits = 0;
  let together: SqlTransaction[] = [];
  const commit = (): void => {
    if (together.length === 0) return;
    const failures = commitTogether(database, together);
    if (failures.includes(undefined)) commits += 1;
    for (const failed of failures) outcomes.push(failed === undefined ? NO_ROWS : { error: errorParts(failed) });
    together = [];
  };
  for (const job of batch) {
    if (job.kind === 'transaction') {
      together.push(job.statements);
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

/** A checkpoint that fails (disk full, a long reader) loses nothing: the log is kept, and the next one takes it. */
function checkpoint(database: Database): void {
  statements = 0;
  octets = 0;
  try {
    database.all('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // The next COMMIT tells its caller what is wrong with the disk.
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

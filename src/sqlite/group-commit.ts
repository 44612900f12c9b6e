/**
 * Group commit: runs transactions of several callers in one database transaction, so that they share one sync to disk. Each
 * has its own SAVEPOINT: a failed one does not affect the others.
 */
import type { Database, SqlRow, SqlStatement } from './database.ts';
import { type SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

/** The statements of one caller, applied atomically; without BEGIN, COMMIT, SAVEPOINT and the like. */
export type SqlTransaction = readonly SqlStatement[];

/**
 * Runs transactions in order under one COMMIT, and returns the error of each; undefined if it is on disk. If the COMMIT
 * fails, or SQLite rolls back by itself (disk full, I/O error), all fail. Afterwards no transaction is open.
 * @param onRows gets the rows of statements with `returnsRows`, and the index of their transaction
 */
export function commitTogether(
  database: Database,
  transactions: readonly SqlTransaction[],
  onRows: (index: number, rows: readonly SqlRow[]) => void = () => {},
): readonly (SqliteError | undefined)[] {
  const outcomes: (SqliteError | undefined)[] = [];
  try {
    database.run('BEGIN IMMEDIATE');
    for (const [index, transaction] of transactions.entries()) {
      const run = transactions.length === 1 ? runAll : runInSavepoint;
      outcomes.push(run(database, transaction, (rows) => onRows(index, rows)));
    }
    if (outcomes.includes(undefined)) database.run('COMMIT');
    else rollback(database);
    return outcomes;
  } catch (cause) {
    const error = sqliteErrorFrom(cause, database.file);
    rollback(database);
    return transactions.map((_, index) => outcomes[index] ?? error);
  }
}

type OnRows = (rows: readonly SqlRow[]) => void;

/** @throws SqliteError if SQLite rolled back the whole transaction */
function runInSavepoint(database: Database, transaction: SqlTransaction, onRows: OnRows): SqliteError | undefined {
  database.run('SAVEPOINT one');
  const error = runAll(database, transaction, onRows);
  if (error !== undefined) {
    if (!database.inTransaction) throw error;
    database.run('ROLLBACK TO one');
  }
  database.run('RELEASE one');
  return error;
}

function runAll(database: Database, transaction: SqlTransaction, onRows: OnRows): SqliteError | undefined {
  try {
    for (const { sql, params, returnsRows } of transaction) {
      if (returnsRows === true) onRows(database.all(sql, params));
      else database.run(sql, params);
    }
    return undefined;
  } catch (error) {
    return sqliteErrorFrom(error, database.file);
  }
}

function rollback(database: Database): void {
  if (database.inTransaction) database.run('ROLLBACK');
}

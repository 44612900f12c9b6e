// Runs transactions of several callers in one transaction of the database, so that they share one wait for the disk.
// Each stands in a SAVEPOINT of its own: one that fails takes nothing of its neighbours with it.
import type { Database, SqlStatement } from './database.ts';
import { type SqliteError, sqliteErrorFrom } from './sqlite-error.ts';

/** The statements of one caller, all or none; not BEGIN, COMMIT, SAVEPOINT and the like. */
export type SqlTransaction = readonly SqlStatement[];

/**
 * Runs transactions in their order under one COMMIT, and gives for each what went wrong; undefined: it is on the disk.
 * When the COMMIT fails, or SQLite ends the transaction by itself (disk full, I/O error), all fail.
 * The database is outside of a transaction afterwards.
 */
export function commitTogether(
  database: Database,
  transactions: readonly SqlTransaction[],
): readonly (SqliteError | undefined)[] {
  const outcomes: (SqliteError | undefined)[] = [];
  try {
    database.run('BEGIN IMMEDIATE');
    for (const transaction of transactions) {
      outcomes.push(transactions.length === 1 ? runAll(database, transaction) : runApart(database, transaction));
    }
    if (outcomes.some((failed) => failed === undefined)) database.run('COMMIT');
    else rollback(database);
    return outcomes;
  } catch (cause) {
    const error = sqliteErrorFrom(cause, database.file);
    rollback(database);
    return transactions.map((_, index) => outcomes[index] ?? error);
  }
}

/** @throws SqliteError when the transaction of all is gone */
function runApart(database: Database, transaction: SqlTransaction): SqliteError | undefined {
  database.run('SAVEPOINT one');
  const failed = runAll(database, transaction);
  if (failed !== undefined) {
    if (!database.inTransaction) throw failed;
    database.run('ROLLBACK TO one');
  }
  database.run('RELEASE one');
  return failed;
}

function runAll(database: Database, transaction: SqlTransaction): SqliteError | undefined {
  try {
    for (const { sql, params } of transaction) database.run(sql, params);
    return undefined;
  } catch (error) {
    return sqliteErrorFrom(error, database.file);
  }
}

function rollback(database: Database): void {
  if (database.inTransaction) database.run('ROLLBACK');
}

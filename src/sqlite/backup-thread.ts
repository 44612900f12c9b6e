/** The thread of one backup, started by backup.ts: copies the database, replies and exits. */
import { parentPort, workerData } from 'node:worker_threads';
import { writeCopy } from './backup.ts';
import { sqliteErrorFrom } from './sqlite-error.ts';
import { type BackupStart, errorParts, type ThreadReply } from './thread-messages.ts';

const { file, toFile } = workerData as BackupStart;

function reply(message: ThreadReply): void {
  parentPort?.postMessage(message);
}

try {
  await writeCopy(file, toFile);
  reply({ outcomes: [], commits: 0 });
} catch (error) {
  reply({ outcomes: [], commits: 0, failed: errorParts(sqliteErrorFrom(error, toFile)) });
}

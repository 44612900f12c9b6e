/** The thread of a database: shared COMMITs, full disks, backups during writes, and the content after kill -9. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requireBuiltSqlite, startWithSqlite } from '../../test/support/built-sqlite.ts';
import { waitUntil } from '../../test/support/process.ts';
import { describeWithMounts, mountReadOnly, mountSmallDisk, unmount } from '../../test/support/small-disk.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { openDatabase, type SqlStatement } from './database.ts';
import { SqliteError } from './sqlite-error.ts';
import { exactOctets } from './thread-messages.ts';
import { SqliteWorker } from './worker.ts';

beforeAll(requireBuiltSqlite);

const SCHEMA = ['CREATE TABLE IF NOT EXISTS t (i INTEGER PRIMARY KEY, b BLOB)'];
const opened: SqliteWorker[] = [];

async function open(file = join(testDirectory('worker'), 'data.sqlite')): Promise<SqliteWorker> {
  const worker = await SqliteWorker.open(file, SCHEMA);
  opened.push(worker);
  return worker;
}

afterEach(closeAll);

async function closeAll(): Promise<void> {
  for (const worker of opened.splice(0)) await worker.close();
}

const insert = (i: number, b: Uint8Array | null = null): SqlStatement => ({
  sql: 'INSERT INTO t VALUES (?, ?)',
  params: [i, b],
});

const stored = async (worker: SqliteWorker) => (await worker.all('SELECT i FROM t ORDER BY i')).map(({ i }) => i);

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

async function integrity(file: string): Promise<unknown> {
  const database = await openDatabase(file, { readOnly: true });
  try {
    return database.all('PRAGMA integrity_check')[0]?.['integrity_check'];
  } finally {
    database.close();
  }
}

describe('transactions', () => {
  it('that are started together share one COMMIT', async () => {
    const worker = await open();
    await Promise.all(numbers(50).map((i) => worker.transaction([insert(i)])));
    expect([worker.commits, await stored(worker)]).toEqual([1, numbers(50)]);
  });

  it('that are started while one is in flight share the next COMMIT', async () => {
    const worker = await open();
    const first = worker.transaction([insert(0)]);
    await Promise.resolve();
    const others = numbers(20).map((i) => worker.transaction([insert(i + 1)]));
    await first;
    expect(worker.commits).toBe(1);
    await Promise.all(others);
    expect([worker.commits, await stored(worker)]).toEqual([2, numbers(21)]);
  });

  it('a failed one is rolled back without its neighbours', async () => {
    const worker = await open();
    const results = await Promise.allSettled([
      worker.transaction([insert(1)]),
      worker.transaction([insert(2), insert(1)]),
      worker.transaction([insert(3)]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: expect.any(SqliteError) });
    expect([worker.commits, await stored(worker)]).toEqual([1, [1, 3]]);
  });

  it('are visible to later queries, and not to earlier ones', async () => {
    const worker = await open();
    const results = await Promise.all([stored(worker), worker.transaction([insert(1)]), stored(worker)]);
    expect([results[0], results[2]]).toEqual([[], [1]]);
  });

  it('an empty one resolves, and a query that is wrong fails alone', async () => {
    const worker = await open();
    const wrong = worker.all('SELECT * FROM none');
    await Promise.all([worker.transaction([]), expect(wrong).rejects.toMatchObject({ reason: 'other' })]);
    await worker.transaction([insert(1)]);
  });

  it('are durable: another connection sees them at once, and so does the next open', async () => {
    const worker = await open();
    await worker.transaction([insert(7, new Uint8Array([1, 2, 3]))]);
    const reader = await openDatabase(worker.file, { readOnly: true });
    expect([...reader.iterate('SELECT i, b FROM t')]).toEqual([[7, new Uint8Array([1, 2, 3])]]);
    reader.close();
    await worker.close();
    expect(await stored(await open(worker.file))).toEqual([7]);
  });

  it('send the octets of a BLOB, and not the rest of the memory that it is a part of', async () => {
    const part = Buffer.from('part of a pool');
    expect(part.buffer.byteLength).toBeGreaterThan(part.byteLength);
    const whole = new Uint8Array(100).fill(1);
    const statements = [insert(1, part), insert(2, whole)];
    const { batch, owned } = exactOctets([{ kind: 'transaction', statements, marks: [] }]);
    expect(owned.map(({ byteLength }) => byteLength)).toEqual([part.byteLength]);
    const sent = [insert(1, new Uint8Array(part)), insert(2, whole)];
    expect(batch).toEqual([{ kind: 'transaction', statements: sent, marks: [] }]);
    const worker = await open();
    await worker.transaction(statements);
    expect((await worker.all('SELECT b FROM t')).map(({ b }) => b)).toEqual([new Uint8Array(part), whole]);
    expect([part.toString(), whole.byteLength]).toEqual(['part of a pool', 100]);
  });

  it('that wait for a lock do not stop the main thread', async () => {
    const worker = await open();
    const other = await openDatabase(worker.file);
    other.run('BEGIN IMMEDIATE');
    let done = false;
    const waiting = worker.transaction([insert(1)]).then(() => {
      done = true;
    });
    for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    other.run('ROLLBACK');
    other.close();
    await waiting;
    expect(await stored(worker)).toEqual([1]);
  });

  it('keep the write-ahead log small', async () => {
    const worker = await open();
    for (const i of numbers(100)) await worker.transaction([insert(i, new Uint8Array(256 * 1024))]);
    expect(statSync(`${worker.file}-wal`).size).toBeLessThan(8 * 1024 * 1024);
  });
});

describe('an idle database', () => {
  it('has its write-ahead log moved into the database, so that a loss of the log loses nothing', async () => {
    let checkpoints = 0;
    const onCheckpoint = () => {
      checkpoints += 1;
    };
    const file = join(testDirectory('worker'), 'data.sqlite');
    const worker = await SqliteWorker.open(file, SCHEMA, { onCheckpoint });
    opened.push(worker);
    await worker.transaction([insert(1), insert(2)]);
    const copy = join(testDirectory('worker'), 'copy.sqlite');
    await waitUntil('a checkpoint', () => checkpoints > 0);
    copyFileSync(file, copy);
    const database = await openDatabase(copy, { readOnly: true });
    expect(database.all('SELECT i FROM t').map(({ i }) => i)).toEqual([1, 2]);
    database.close();
  });

  it('keeps the log while a reader needs it, and tries again', async () => {
    let checkpoints = 0;
    const file = join(testDirectory('worker'), 'data.sqlite');
    const worker = await SqliteWorker.open(file, SCHEMA, {
      onCheckpoint: () => {
        checkpoints += 1;
      },
    });
    opened.push(worker);
    await worker.transaction([insert(1)]);
    const reader = await openDatabase(file, { readOnly: true });
    const rows = reader.iterate('SELECT i FROM t UNION ALL SELECT i + 1 FROM t');
    rows.next();
    await worker.transaction([insert(2)]);
    await waitUntil('a checkpoint', () => checkpoints > 0);
    rows.return();
    reader.close();
    const before = checkpoints;
    await waitUntil('another one', () => checkpoints > before);
  });
});

describe('the end', () => {
  it('close finishes pending calls, is idempotent, and rejects later calls', async () => {
    const worker = await open();
    const asked = numbers(10).map((i) => worker.transaction([insert(i)]));
    await Promise.all([...asked, worker.close(), worker.close()]);
    const late = [worker.transaction([insert(99)]), worker.all('SELECT 1'), worker.backup(`${worker.file}.copy`)];
    for (const call of late) await expect(call).rejects.toThrow(SqliteError);
    expect(await stored(await open(worker.file))).toEqual(numbers(10));
  });

  it('every call fails when the thread dies, and the database can be opened again', async () => {
    const file = join(testDirectory('worker'), 'data.sqlite');
    // The thread is ended between two calls: one that ends within a call of the driver takes the process along. What is
    // sent to it last never arrives, so that it is under way.
    const child = await startWithSqlite(`
      import { Worker } from 'node:worker_threads';
      import { SqliteWorker } from 'sqlite/worker.js';
      const worker = await SqliteWorker.open(${JSON.stringify(file)}, ${JSON.stringify(SCHEMA)});
      const insert = (n) => worker.transaction([{ sql: 'INSERT INTO t VALUES (?, NULL)', params: [n] }]);
      await insert(1);
      let thread;
      Worker.prototype.postMessage = function () { thread = this; };
      const calls = [insert(2), insert(3), worker.all('SELECT 1')];
      const outcomes = Promise.allSettled(calls);
      await new Promise((resolve) => setImmediate(resolve));
      await thread.terminate();
      calls.push(insert(4));
      for (const { reason } of [...(await outcomes), ...(await Promise.allSettled(calls.slice(3)))])
        console.log(reason?.name, reason?.message.includes('has ended'));
      await worker.close();`);
    expect([await child.ended, child.output()]).toEqual([0, 'SqliteError true\n'.repeat(4)]);
    expect(await stored(await open(file))).toEqual([1]);
  });

  it('opening fails for an invalid schema, and for a file that is not a database', async () => {
    const file = join(testDirectory('worker'), 'data.sqlite');
    await expect(SqliteWorker.open(file, [...SCHEMA, 'CREATE NONSENSE'])).rejects.toMatchObject({ reason: 'other' });
    expect(await stored(await open(file))).toEqual([]);
    const garbage = join(dirname(file), 'garbage');
    writeFileSync(garbage, 'x'.repeat(4096));
    await expect(SqliteWorker.open(garbage, SCHEMA)).rejects.toMatchObject({ reason: 'corrupt' });
  });

  it('an idle thread holds no process, and one that works does', async () => {
    const file = join(testDirectory('worker'), 'data.sqlite');
    const child = await startWithSqlite(`
      import { SqliteWorker } from 'sqlite/worker.js';
      await SqliteWorker.open(${JSON.stringify(`${file}-unused`)}, []);
      const worker = await SqliteWorker.open(${JSON.stringify(file)}, ${JSON.stringify(SCHEMA)});
      await worker.transaction([{ sql: 'INSERT INTO t VALUES (1, NULL)', params: [] }]);
      worker.transaction([{ sql: 'INSERT INTO t VALUES (2, NULL)', params: [] }]).then(() => console.log('done'));`);
    expect([await child.ended, child.output()]).toEqual([0, 'done\n']);
    expect(await stored(await open(file))).toEqual([1, 2]);
  });
});

describe('a backup', () => {
  it('during transactions has a prefix of them, with all that were acknowledged before', async () => {
    const worker = await open();
    const directory = testDirectory('backup');
    let acknowledged = 0;
    let writing = true;
    const writer = (async () => {
      for (let i = 1; writing; i += 1) {
        await worker.transaction([insert(2 * i, new Uint8Array(2_000)), insert(2 * i + 1)]);
        acknowledged = i;
      }
    })();
    try {
      for (const round of numbers(5)) {
        const copy = join(directory, `it's-${round % 2}.sqlite`);
        const before = acknowledged;
        await worker.backup(copy);
        expect(await integrity(copy)).toBe('ok');
        const database = await openDatabase(copy, { readOnly: true });
        const [row] = database.all('SELECT count(*) AS count, ifnull(max(i), 1) AS last FROM t');
        database.close();
        expect(row!['count']).toBe(Number(row!['last']) - 1);
        expect(Number(row!['count'])).toBeGreaterThanOrEqual(2 * before);
        expect(Number(row!['count']) % 2).toBe(0);
        expect(statSync(copy).mode & 0o777).toBe(0o600);
      }
    } finally {
      writing = false;
      await writer;
    }
    expect(readdirSync(directory).sort()).toEqual(["it's-0.sqlite", "it's-1.sqlite"]);
  });

  it('never overwrites the database or a file of it, and leaves no file when it fails', async () => {
    const worker = await open();
    await worker.transaction([insert(1)]);
    for (const suffix of ['', '-wal', '-shm', '-lock']) {
      await expect(worker.backup(`${worker.file}${suffix}`)).rejects.toThrow('belongs to the database');
    }
    const directory = join(dirname(worker.file), 'directory');
    mkdirSync(directory);
    await expect(worker.backup(join(directory, 'none', 'copy'))).rejects.toMatchObject({ reason: 'io' });
    await expect(worker.backup(directory)).rejects.toBeInstanceOf(SqliteError);
    expect(readdirSync(dirname(directory)).filter((file) => file.includes('partial'))).toEqual([]);
    expect(await stored(worker)).toEqual([1]);
  });
});

describeWithMounts('a disk that does not take more', () => {
  it('full: the call fails with advice, reading still works, and with space so does writing', async () => {
    const disk = mountSmallDisk(1024);
    const filler = join(disk, 'filler');
    try {
      writeFileSync(filler, new Uint8Array(400_000));
      const worker = await open(join(disk, 'data.sqlite'));
      const acknowledged: number[] = [];
      let error: unknown;
      for (let i = 0; error === undefined; i += 1) {
        await worker.transaction([insert(i, new Uint8Array(20_000))]).then(
          () => acknowledged.push(i),
          (failed) => {
            error = failed;
          },
        );
      }
      expect(error).toMatchObject({ reason: 'full', message: expect.stringContaining('free some') });
      const together = [
        worker.transaction([insert(1000, new Uint8Array(200_000))]),
        worker.transaction([insert(1001, new Uint8Array(200_000))]),
      ];
      for (const outcome of await Promise.allSettled(together))
        expect(outcome).toMatchObject({ reason: { reason: 'full' } });
      await expect(worker.backup(join(disk, 'copy'))).rejects.toMatchObject({ reason: 'full' });
      expect(acknowledged.length).toBeGreaterThan(3);
      expect(await stored(worker)).toEqual(acknowledged);
      rmSync(filler);
      await worker.transaction([insert(1000, new Uint8Array(20_000))]);
      expect(await stored(worker)).toEqual([...acknowledged, 1000]);
      await worker.close();
      expect(await integrity(worker.file)).toBe('ok');
      expect(await stored(await open(worker.file))).toEqual([...acknowledged, 1000]);
      expect(readdirSync(disk).filter((file) => file.startsWith('copy'))).toEqual([]);
    } finally {
      await closeAll();
      unmount(disk);
    }
  });

  it('read-only: nothing is opened for writing, and no copy is written', async () => {
    const worker = await open();
    const view = mountReadOnly(testDirectory('worker'));
    try {
      await expect(SqliteWorker.open(join(view, 'data'), SCHEMA)).rejects.toMatchObject({ reason: 'read-only' });
      await expect(worker.backup(join(view, 'copy'))).rejects.toMatchObject({ reason: 'read-only' });
    } finally {
      unmount(view);
    }
  });
});

describe('kill -9', () => {
  it('20 times while eight callers commit: everything acknowledged is stored, nothing partially', async () => {
    const file = join(testDirectory('kill'), 'data.sqlite');
    const code = `
      import { writeSync } from 'node:fs';
      import { SqliteWorker } from 'sqlite/worker.js';
      const worker = await SqliteWorker.open(${JSON.stringify(file)}, ${JSON.stringify(SCHEMA)});
      const [{ last }] = await worker.all('SELECT ifnull(max(i), 0) AS last FROM t');
      let next = Math.ceil((last + 1) / 2);
      const sql = 'INSERT INTO t VALUES (?, ?)';
      for (let caller = 0; caller < 8; caller += 1) {
        (async () => {
          for (;;) {
            const i = next++;
            await worker.transaction([
              { sql, params: [2 * i, new Uint8Array(3000)] },
              { sql, params: [2 * i + 1, null] },
            ]);
            writeSync(1, i + '\\n');
          }
        })();
      }`;
    const acknowledged: number[] = [];
    for (const round of numbers(20)) {
      const lines = 1 + ((round * 37) % 101);
      const child = await startWithSqlite(code, (output) => output.split('\n').length > lines);
      await child.stop('SIGKILL');
      acknowledged.push(...child.output().split('\n').slice(0, -1).map(Number));
      const database = await openDatabase(file);
      const there = new Set(database.all('SELECT i FROM t').map(({ i }) => Number(i)));
      database.close();
      expect(acknowledged.filter((i) => !there.has(2 * i) || !there.has(2 * i + 1))).toEqual([]);
      expect([...there].filter((i) => !there.has(i ^ 1))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(500);
    expect(await integrity(file)).toBe('ok');
  });
});

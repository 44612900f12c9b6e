/** One process per database: real processes and real locks, released by SIGKILL. */
import { linkSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import { requireBuiltSqlite, startWithSqlite } from '../../test/support/built-sqlite.ts';
import { describeWithMounts, mountReadOnly, unmount } from '../../test/support/small-disk.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { openDatabase } from './database.ts';
import { DatabaseLockedError, lockDatabase } from './lock.ts';

beforeAll(requireBuiltSqlite);

const newFile = () => join(testDirectory('lock'), 'data.sqlite');

async function refusal(file: string): Promise<DatabaseLockedError> {
  try {
    (await lockDatabase(file)).release();
  } catch (error) {
    if (error instanceof DatabaseLockedError) return error;
    throw error;
  }
  throw new Error('the lock was free');
}

function startHolder(file: string) {
  const code = `
    import { lockDatabase } from 'sqlite/lock.js';
    await lockDatabase(${JSON.stringify(file)});
    for (let i = 0; i < 5; i += 1) new Array(1e6).fill(i);
    console.log('held');
    setInterval(() => {}, 1000);`;
  return startWithSqlite(code, (output) => output.includes('held'));
}

describe('the lock of a database', () => {
  it('is refused to a second process with the PID of the first, and is released when that one is killed', async () => {
    const file = newFile();
    const holder = await startHolder(file);
    try {
      const error = await refusal(file);
      expect([error.pid, error.reason]).toEqual([holder.pid, 'busy']);
      expect(error.message).toBe(
        `database ${file} is in use by process ${holder.pid}: only one process at a time can serve it`,
      );
    } finally {
      await holder.stop('SIGKILL');
    }
    (await lockDatabase(file)).release();
  });

  it('is refused to a second open in the same process and in another thread of it, until it is released', async () => {
    const file = newFile();
    const lock = await lockDatabase(file);
    expect((await refusal(file)).pid).toBe(process.pid);
    const inThread = () =>
      new Promise((resolve, reject) => {
        const lockModule = new URL('../../dist/sqlite/lock.js', import.meta.url).href;
        const code = `import(${JSON.stringify(lockModule)})
          .then(({ lockDatabase }) => lockDatabase(${JSON.stringify(file)}))
          .then((lock) => lock.release())
          .then(() => 'free', (error) => error.message)
          .then((result) => require('node:worker_threads').parentPort.postMessage(result));`;
        const thread = new Worker(code, { eval: true, execArgv: [] });
        thread.once('message', resolve);
        thread.once('error', reject);
      });
    expect(await inThread()).toContain('this process');
    expect((await refusal(file)).pid).toBe(process.pid);
    lock.release();
    expect(await inThread()).toBe('free');
  });

  it('survives other attempts in this process', async () => {
    const file = newFile();
    const lock = await lockDatabase(file);
    await refusal(file);
    const code = `
      import { lockDatabase } from 'sqlite/lock.js';
      await lockDatabase(${JSON.stringify(file)}).then(() => console.log('free'), (error) => console.log(error.pid));`;
    const other = await startWithSqlite(code);
    await other.ended;
    expect(other.output()).toBe(`${process.pid}\n`);
    lock.release();
  });

  it('is refused for a file with two names, until one of them is removed', async () => {
    const file = newFile();
    writeFileSync(file, '');
    linkSync(file, `${file}.other`);
    for (const name of [file, `${file}.other`]) {
      await expect(lockDatabase(name)).rejects.toThrow(/has 2 names \(hard links\).*remove the others.*-samefile/);
    }
    rmSync(`${file}.other`);
    (await lockDatabase(file)).release();
  });

  it('is the same by a symbolic link whose target does not exist yet, and names the target', async () => {
    const file = newFile();
    const link = `${file}.link`;
    symlinkSync(basename(file), link);
    const lock = await lockDatabase(link);
    expect(lock.file).toBe(join(realpathSync(dirname(file)), basename(file)));
    expect((await refusal(file)).pid).toBe(process.pid);
    (await openDatabase(lock.file)).close();
    expect((await refusal(link)).pid).toBe(process.pid);
    lock.release();
  });

  it('is the same by another path to the file or its directory', async () => {
    const directory = testDirectory('lock');
    const other = join(testDirectory('lock'), 'link');
    symlinkSync(directory, other);
    const lock = await lockDatabase(join(directory, 'data.sqlite'));
    expect((await refusal(join(other, 'data.sqlite'))).pid).toBe(process.pid);
    lock.release();
  });

  it('has files of mode 0600, and released twice does not take it from the next one', async () => {
    const file = newFile();
    const first = await lockDatabase(file);
    for (const path of [`${file}-lock`, `${file}-lock.pid`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    first.release();
    const second = await lockDatabase(file);
    first.release();
    expect(readFileSync(`${file}-lock.pid`, 'utf8')).toBe(`${process.pid}\n`);
    await refusal(file);
    second.release();
  });

  it('says io when the directory is not there', async () => {
    await expect(lockDatabase(join(testDirectory('lock'), 'none', 'data'))).rejects.toMatchObject({ reason: 'io' });
  });

  describeWithMounts('on a disk that is mounted read-only', () => {
    it('says so', async () => {
      const view = mountReadOnly(testDirectory('lock'));
      try {
        await expect(lockDatabase(join(view, 'data'))).rejects.toMatchObject({ reason: 'read-only' });
      } finally {
        unmount(view);
      }
    });
  });
});

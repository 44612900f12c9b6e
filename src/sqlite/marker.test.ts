/** The marker: what a later start reads after interrupted writes, damage and growth. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { requireBuiltSqlite } from '../../test/support/built-sqlite.ts';
import { testDirectory } from '../../test/support/test-directory.ts';
import { MarkerWriter, markerFile, readMarker } from './marker.ts';
import { SqliteWorker } from './worker.ts';

beforeAll(requireBuiltSqlite);

const newFile = () => join(testDirectory('marker'), 'zones.db-known');
const value = (text: string) => Buffer.from(text);

/** The values by name; the kind of a marker that has none. */
function valuesIn(file: string): unknown {
  const content = readMarker(file);
  if (content.kind !== 'read') return content.kind;
  return Object.fromEntries([...content.entries].map(([name, octets]) => [name, Buffer.from(octets).toString()]));
}

function write(writer: MarkerWriter, marks: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(marks)) writer.set({ name, value: value(text) });
  writer.write();
}

describe('the marker', () => {
  it('has the last value of each name, in this process and the next', () => {
    const file = newFile();
    expect(valuesIn(file)).toBe('missing');
    const writer = new MarkerWriter(file);
    write(writer, { a: '1', b: '1' });
    write(writer, { a: '2' });
    writer.close();
    const next = new MarkerWriter(file);
    write(next, { b: '2' });
    next.close();
    expect(valuesIn(file)).toEqual({ a: '2', b: '2' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('has the value before where the last write was interrupted, and says that it is not whole', () => {
    const file = newFile();
    const writer = new MarkerWriter(file);
    for (const text of ['1', '2', '3']) write(writer, { a: text });
    writer.close();
    const whole = readFileSync(file);
    for (const slot of [0, 1]) {
      const octets = Buffer.from(whole);
      octets[slot * 4096 + 12]! ^= 0x10;
      writeFileSync(file, octets);
      const content = readMarker(file);
      expect(content).toMatchObject({ kind: 'read', isWhole: false });
      expect(['2', '3']).toContain((valuesIn(file) as { a: string }).a);
    }
  });

  it('is damaged when neither slot is valid: octets changed, file cut or empty', () => {
    const file = newFile();
    const writer = new MarkerWriter(file);
    write(writer, { a: '1' });
    writer.close();
    const whole = readFileSync(file);
    const octets = Buffer.from(whole);
    for (const slot of [0, 1]) octets[slot * 4096 + 22]! ^= 1;
    writeFileSync(file, octets);
    expect(valuesIn(file)).toBe('damaged');
    for (const length of [0, 10]) {
      writeFileSync(file, whole);
      truncateSync(file, length);
      expect(valuesIn(file)).toBe('damaged');
    }
    expect(readMarker(join(file, 'below'))).toMatchObject({ kind: 'damaged' });
  });

  it('each flipped bit leaves a valid slot or is noticed', () => {
    const file = newFile();
    const writer = new MarkerWriter(file);
    write(writer, { a: '1' });
    write(writer, { a: '2' });
    writer.close();
    const whole = readFileSync(file);
    for (let at = 0; at < 40; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const octets = Buffer.from(whole);
        octets[at]! ^= 1 << bit;
        writeFileSync(file, octets);
        const content = readMarker(file);
        expect(content.kind).toBe('read');
        expect(['1', '2']).toContain((valuesIn(file) as { a: string }).a);
      }
    }
  });

  it('grows with its names', () => {
    const file = newFile();
    const writer = new MarkerWriter(file);
    const marks = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`zone${i}.example.com`, `${i}`]));
    write(writer, { a: '1' });
    write(writer, marks);
    write(writer, { a: '2' });
    writer.close();
    const next = new MarkerWriter(file);
    write(next, { a: '3' });
    next.close();
    expect(valuesIn(file)).toEqual({ ...marks, a: '3' });
  });
});

describe('the marker of a worker', () => {
  it('is written with each transaction that is on disk, and not with one that failed', async () => {
    const database = join(testDirectory('marker'), 'data.sqlite');
    const problems: string[] = [];
    const options = { marker: markerFile(database), onMarkerProblem: (problem: string) => void problems.push(problem) };
    const worker = await SqliteWorker.open(database, ['CREATE TABLE IF NOT EXISTS t (i INTEGER PRIMARY KEY)'], options);
    const insert = (i: number) => [{ sql: 'INSERT INTO t VALUES (?)', params: [i] }];
    await worker.transaction(insert(1), [{ name: 'a', value: value('1') }]);
    expect(valuesIn(options.marker)).toEqual({ a: '1' });
    const results = await Promise.allSettled([
      worker.transaction(insert(2), [{ name: 'b', value: value('2') }]),
      worker.transaction(insert(1), [{ name: 'a', value: value('wrong') }]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await worker.transaction([], [{ name: 'c', value: value('3') }]);
    await worker.close();
    expect(valuesIn(options.marker)).toEqual({ a: '1', b: '2', c: '3' });
    expect(problems).toEqual([]);
  });

  it('that cannot be written is reported, and the transaction is stored all the same', async () => {
    const database = join(testDirectory('marker'), 'data.sqlite');
    const problems: string[] = [];
    const marker = join(testDirectory('marker'), 'none', 'known');
    const onMarkerProblem = (problem: string) => void problems.push(problem);
    const worker = await SqliteWorker.open(database, ['CREATE TABLE t (i)'], { marker, onMarkerProblem });
    await worker.transaction([{ sql: 'INSERT INTO t VALUES (1)', params: [] }], [{ name: 'a', value: value('1') }]);
    expect(await worker.all('SELECT i FROM t')).toEqual([{ i: 1 }]);
    await worker.close();
    expect(problems.join()).toContain('ENOENT');
  });
});

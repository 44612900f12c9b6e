// The destination of the log on real pipes and files that take nothing: a reader that stalls, a full disk.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { waitUntil } from '../../test/support/process.ts';
import { LogOutput, MAX_WAITING } from './log-output.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function open(fd: number, flushMs = 0): { output: LogOutput; reports: number[] } {
  const reports: number[] = [];
  const output = new LogOutput({ fd, flushMs, reportDropped: (count) => reports.push(count) });
  cleanups.push(() => output.close());
  return { output, reports };
}

function openFile(): { file: string; fd: number } {
  const directory = mkdtempSync(join(tmpdir(), 'dyndns-log-'));
  const file = join(directory, 'log');
  const fd = openSync(file, 'w');
  cleanups.push(
    () => rmSync(directory, { recursive: true }),
    () => closeSync(fd),
  );
  return { file, fd };
}

const line = (number: number) => `${number} ${'ä'.repeat(500)}\n`;

it('writes lines in their order, together, and each once', async () => {
  const { file, fd } = openFile();
  const { output } = open(fd, 10);
  const lines = Array.from({ length: 1_000 }, (_, number) => line(number));
  for (const text of lines) output.write(text);
  await output.flush(10_000);
  expect(readFileSync(file, 'utf8')).toBe(lines.join(''));
  output.write('later\n');
  await waitUntil('the timer', () => readFileSync(file, 'utf8').endsWith('later\n'));
});

it('while a reader stalls the process goes on; lines above the limit are dropped, and reported when it reads', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dyndns-log-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const fifo = join(directory, 'fifo');
  const reader = spawn('sh', ['-c', `mkfifo ${fifo}; echo made; read go; cat ${fifo}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanups.push(() => reader.kill());
  let read = '';
  reader.stdout.setEncoding('utf8').on('data', (text: string) => {
    read += text;
  });
  await waitUntil('the pipe', () => read === 'made\n');
  read = '';
  // Opened for both directions, so that it opens without a reader.
  const fd = openSync(fifo, 'r+');
  cleanups.push(() => closeSync(fd));
  const { output, reports } = open(fd);
  const count = Math.ceil((3 * MAX_WAITING) / line(0).length);
  for (let number = 0; number < count; number++) output.write(line(number));
  expect(output.dropped).toBeGreaterThan(count / 2);
  await output.flush(50);
  expect(reports).toEqual([]);
  reader.stdin.write('\n');
  await waitUntil('the report', () => reports.length > 0);
  expect(reports).toEqual([output.dropped]);
  output.write('end\n');
  await waitUntil('the last line', () => read.endsWith('end\n'));
  const numbers = [...read.matchAll(/^\d+/gm)].map(Number);
  expect(numbers).toEqual(Array.from({ length: count - output.dropped }, (_, number) => number));
});

it('a full disk loses nothing up to the limit, and does not throw', async () => {
  const fd = openSync('/dev/full', 'w');
  cleanups.push(() => closeSync(fd));
  const { output, reports } = open(fd);
  for (let written = 0; written <= MAX_WAITING; written += line(0).length) output.write(line(0));
  expect(output.dropped).toBeGreaterThan(0);
  await output.flush(20);
  expect(reports).toEqual([]);
});

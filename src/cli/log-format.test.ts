import { closeSync, fstatSync, openSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { logFormat } from './log-format.ts';

const fd = openSync('/dev/null', 'w');
afterAll(() => closeSync(fd));
const { dev, ino } = fstatSync(fd, { bigint: true });

it.each([
  ['json', `${dev}:${ino}`, 'json'],
  ['auto', `${dev}:${ino}`, 'journal'],
  ['text', `${dev}:${ino}`, 'journal'],
  ['auto', '1:2', 'json'],
  ['auto', undefined, 'json'],
  ['text', undefined, 'text'],
] as const)('log_format: %s with JOURNAL_STREAM=%s is %s', (option, stream, expected) => {
  expect(logFormat(option, { JOURNAL_STREAM: stream }, fd)).toBe(expected);
});

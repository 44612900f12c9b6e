/** How a server writes its log: as `log_format` says, else as the reader of the standard output needs it. */
import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Environment } from '../config/environment.ts';
import type { LogFormat } from '../observe/log.ts';

/** @param fd of the output; tests have their own */
export function logFormat(option: 'auto' | 'text' | 'json', environment: Environment, fd = 1): LogFormat {
  if (option === 'json') return 'json';
  if (isJournal(environment, fd)) return 'journal';
  return option === 'text' || isatty(fd) ? 'text' : 'json';
}

/** systemd.exec(5): a program that is started by a service inherits the variable, but not always the output. */
function isJournal({ JOURNAL_STREAM: stream }: Environment, fd: number): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

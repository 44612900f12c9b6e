/**
 * A backup that the running server makes beside its database, the only folder that its sandbox surely lets it write to, and that
 * the command then copies to where it is wanted: with the rights of its own user, mode 0600, complete or not at all.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError } from './output.ts';

/** Where the server writes. @param database of the server, by an absolute path */
export function stagedFile(database: string): string {
  return `${database}.backup-${process.pid}`;
}

/**
 * Fails before anything is copied if a target cannot be written.
 * @param databases of the server: a target may not be one of them or a file that belongs to it
 * @throws CommandError
 */
export function checkTargets(targets: readonly string[], databases: readonly string[]): void {
  for (const target of targets) {
    try {
      const real = join(realpathSync(dirname(target)), basename(target));
      const own = databases.filter((file) => existsSync(file)).map((file) => realpathSync(file));
      if (own.some((file) => real === file || real.startsWith(`${file}-`))) {
        throw new CommandError(`The backup '${target}' belongs to the database: choose another file for the copy.`);
      }
      const partial = partialOf(target);
      closeSync(openSync(partial, 'w', 0o600));
      rmSync(partial);
    } catch (error) {
      throw notWritten(target, error);
    }
  }
}

/** Copies the file of the server and removes it. @throws CommandError */
export function takeCopy(staged: string, target: string): void {
  const partial = partialOf(target);
  try {
    copyFileSync(staged, partial, constants.COPYFILE_FICLONE);
    const descriptor = openSync(partial, 'r+');
    try {
      fchmodSync(descriptor, 0o600);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { force: true });
    throw notWritten(target, error);
  } finally {
    rmSync(staged, { force: true });
  }
}

const partialOf = (target: string) => `${target}.${process.pid}.partial`;

const REASONS: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory is a file',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not write there',
  EROFS: 'the file system is mounted read-only',
  ENOSPC: 'no space is left on the disk',
};

function notWritten(target: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CommandError(`The backup '${target}' could not be written: ${REASONS[code] ?? message}.`);
}

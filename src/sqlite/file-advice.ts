/**
 * Says why the files of a database cannot be used, and the command that changes it: a missing directory, another owner, a mode, a
 * file system that is mounted read-only. Asks the file system only, and never opens a file of a database (database.ts).
 */
import { accessSync, constants, existsSync, readFileSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';

/** The database of a file beside it: FILE of FILE-lock, FILE-lock.pid, FILE-wal and FILE-shm. */
export function databaseOf(file: string): string {
  return file.replace(/-(?:lock|lock\.pid|wal|shm)$/, '');
}

/** @param file the database. @returns a clause without a full stop; undefined if the files can be used */
export function fileAdvice(file: string): string | undefined {
  const directory = dirname(file);
  const folder = statOf(directory);
  if (folder === undefined) {
    if (codeOf(directory, constants.F_OK) === 'EACCES') return undefined;
    return `the directory ${directory} does not exist: create it with 'install -d -o ${ownName()} -m 700 ${directory}', as root`;
  }
  if (statOf(file)?.isDirectory()) return `${file} is a directory: name a file in it`;
  const files = ['', '-wal', '-shm', '-lock', '-lock.pid']
    .map((suffix) => file + suffix)
    .filter((name) => existsSync(name));
  const denied = files.filter((name) => isDenied(name, constants.R_OK | constants.W_OK));
  if (denied.length > 0) return deniedText(denied, statSync(denied[0]!), '600');
  if (isDenied(directory, constants.W_OK | constants.X_OK)) return deniedText([directory], folder, '700');
  if (codeOf(directory, constants.W_OK) === 'EROFS') {
    return (
      `${directory} is on a file system that is mounted read-only: run 'findmnt --target ${directory}' and mount it with 'rw', or ` +
      'name another directory (a systemd unit with ProtectSystem=strict writes only to its StateDirectory=, /var/lib/dyndns)'
    );
  }
  return undefined;
}

/**
 * Why a file or folder that exists cannot be used, and the command that changes it.
 * @param access constants of fs.access. @param mode that it should have, like `600`
 * @returns a clause without a full stop; undefined if it can be used
 */
export function deniedAdvice(path: string, access: number, mode: string): string | undefined {
  const status = statOf(path);
  return status !== undefined && isDenied(path, access) ? deniedText([path], status, mode) : undefined;
}

function deniedText(paths: readonly string[], { uid }: Stats, mode: string): string {
  const [first = ''] = paths;
  if (uid === process.getuid?.()) return `its mode denies access to ${first}: run 'chmod ${mode} ${paths.join(' ')}'`;
  return `${first} belongs to ${nameOf(uid)}, and this process runs as ${nameOf(process.getuid?.() ?? -1)}: run 'chown ${ownName()} ${paths.join(' ')}' as root`;
}

/** Does not throw. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The code of the error; undefined if the access is allowed. */
function codeOf(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const isDenied = (path: string, mode: number) => ['EACCES', 'EPERM'].includes(codeOf(path, mode) ?? '');

/** `root (uid 0)`, or `uid 61234` for a user without a name. */
function nameOf(uid: number): string {
  if (uid === process.getuid?.() && ownName() !== String(uid)) return `${ownName()} (uid ${uid})`;
  const name = passwd().find(([, , id]) => id === String(uid))?.[0];
  return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`;
}

/** For chown: the name, else the number. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}

function passwd(): readonly (readonly string[])[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

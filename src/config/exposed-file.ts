/** Warnings for files with secrets that other users of the machine can read or replace. */
import { type Stats, statSync } from 'node:fs';

const OTHERS_READ_OR_WRITE = 0o006;
const GROUP_READS_OR_WRITES = 0o060;
const ROOT = 0;

/**
 * Like the check of the configuration file itself.
 * @returns the warning; undefined where there is none, or the file does not exist
 */
export function exposedFileWarning(file: string, what: string): string | undefined {
  try {
    const status = statSync(file);
    if ((status.mode & OTHERS_READ_OR_WRITE) !== 0) {
      return `The file ${file} has ${what} and every user of this machine can read or replace it; run 'chmod o-rwx' on it; the server's user must still be able to read it.`;
    }
    if (isForForeignGroup(status)) {
      return `The file ${file} has ${what} and the group ${status.gid} can read or replace it; run 'chmod g-rwx' on it.`;
    }
  } catch {
    // Whoever uses the file reports why it cannot be read.
  }
  return undefined;
}

/**
 * A group of this process may be how it gets the secret (`root:dyndns`, mode 640). What groups are for is not known to root.
 */
function isForForeignGroup({ mode, gid }: Stats): boolean {
  if ((mode & GROUP_READS_OR_WRITES) === 0 || gid === ROOT || process.getuid?.() === ROOT) return false;
  return gid !== process.getgid?.() && !(process.getgroups?.() ?? []).includes(gid);
}

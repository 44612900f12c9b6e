/** Warnings for files with secrets that other users of the machine can read or replace. */
import { readFileSync, type Stats, statSync } from 'node:fs';

const OTHERS_READ_OR_WRITE = 0o006;
const GROUP_READS_OR_WRITES = 0o060;
const MAY_WRITE = 0o022;
const ROOT = 0;

/**
 * @param what is in the file: 'a secret'
 * @returns the warning; undefined where there is none, or the file does not exist
 */
export function exposedFileWarning(file: string, what: string): string | undefined {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const action = `read${(status.mode & MAY_WRITE) === 0 ? '' : ' or replace'}`;
  if ((status.mode & OTHERS_READ_OR_WRITE) !== 0) {
    return `The file ${file} has ${what} and every user of this machine can ${action} it. Close it: ${closingCommand(file, status)}`;
  }
  if (isForForeignGroup(status)) {
    return `The file ${file} has ${what} and the group ${groupName(status.gid)} can ${action} it. Close it: chmod g-rwx ${file}`;
  }
  return undefined;
}

/** The file stays readable for the service, which gets to a file of root by its group. */
function closingCommand(file: string, { uid }: Stats): string {
  if (uid !== ROOT && uid === process.getuid?.()) return `chmod 600 ${file}`;
  return `chown root:${serviceGroup()} ${file} && chmod 640 ${file}`;
}

/** `dyndns` of the packages, else the group of this process, else that of deploy/systemd/dyndns.service. */
function serviceGroup(): string {
  if (groups().has('dyndns')) return 'dyndns';
  const own = process.getgid?.() ?? ROOT;
  return own === ROOT ? 'www-data' : groupName(own);
}

function groupName(id: number): string {
  return [...groups()].find(([, gid]) => gid === id)?.[0] ?? String(id);
}

/** Ids of the groups in /etc/group, by name. */
function groups(): ReadonlyMap<string, number> {
  try {
    const lines = readFileSync('/etc/group', 'utf8').split('\n');
    return new Map(lines.map((line) => line.split(':')).map(([name = '', , gid]) => [name, Number(gid)]));
  } catch {
    return new Map();
  }
}

/**
 * A group of this process may be how it gets the secret (`root:dyndns`, mode 640). What groups are for is not known to root.
 */
function isForForeignGroup({ mode, gid }: Stats): boolean {
  if ((mode & GROUP_READS_OR_WRITES) === 0 || gid === ROOT || process.getuid?.() === ROOT) return false;
  return gid !== process.getgid?.() && !(process.getgroups?.() ?? []).includes(gid);
}

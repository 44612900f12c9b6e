/** Where `dyndns init` writes, and for whom: the file that the service of this machine reads, else one in this directory. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The user of the service of the packages. */
const SERVICE_USER = 'dyndns';
export const SERVICE_FILE = '/etc/dyndns.yml';

export interface InitTarget {
  /** As to be shown. */
  readonly file: string;
  /** The id of the group that may read the file, for a service; undefined: only this user may. */
  readonly group: number | undefined;
  /** The database that is proposed. */
  readonly store: string;
}

/**
 * The file of `--file`, of dyndns_CONFIG_FILE, /etc/dyndns.yml for root with an installed package, or ./.dyndns.yml.
 * @param isService the file is for a systemd unit
 */
export function initTarget(flag: string | undefined, isService: boolean): InitTarget {
  const group = process.getuid?.() === 0 ? serviceGroupId() : undefined;
  const variable = process.env['dyndns_CONFIG_FILE'] || undefined;
  const file = flag ?? variable ?? (group !== undefined || isService ? SERVICE_FILE : '.dyndns.yml');
  const inEtc = resolve(file).startsWith('/etc/');
  return {
    file,
    group: inEtc ? group : undefined,
    store: inEtc ? '/var/lib/dyndns/dyndns.db' : 'dyndns.db',
  };
}

/** Undefined if there is no such user, or no such group. */
function serviceGroupId(): number | undefined {
  const id = (file: string) => {
    try {
      const line = readFileSync(file, 'utf8').match(new RegExp(`^${SERVICE_USER}:[^:]*:(\\d+):`, 'm'));
      return line === null ? undefined : Number(line[1]);
    } catch {
      return undefined;
    }
  };
  return id('/etc/passwd') === undefined ? undefined : id('/etc/group');
}

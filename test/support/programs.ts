/** The real programs that tests, benchmarks and the laboratory start, and how to find and install them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** A program that a test needs. An absolute path in `command` is looked up as a file, not on the search path. */
export interface RequiredProgram {
  readonly command: string;
  readonly debianPackage: string;
}

export const BIND_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'named', debianPackage: 'bind9' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'nsupdate', debianPackage: 'bind9-dnsutils' },
];

export const KNOT_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'knotd', debianPackage: 'knot' },
  { command: 'knotc', debianPackage: 'knot' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'nsupdate', debianPackage: 'bind9-dnsutils' },
];

export const POWERDNS_SCHEMA = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';

export const POWERDNS_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'pdns_server', debianPackage: 'pdns-server' },
  { command: 'pdnsutil', debianPackage: 'pdns-server' },
  { command: POWERDNS_SCHEMA, debianPackage: 'pdns-backend-sqlite3' },
  { command: 'sqlite3', debianPackage: 'sqlite3' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'nsupdate', debianPackage: 'bind9-dnsutils' },
];

function isUsable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The full path of a program, or undefined. The sbin directories count even when PATH of the user lacks them. */
export function findProgram(command: string): string | undefined {
  if (isAbsolute(command)) return isUsable(command, constants.R_OK) ? command : undefined;
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, command))
    .find((path) => isUsable(path, constants.X_OK));
}

/** The one command that installs what is missing, or undefined when nothing is. */
export function missingProgramsAdvice(programs: readonly RequiredProgram[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program.command) === undefined);
  if (missing.length === 0) return undefined;
  const commands = [...new Set(missing.map((program) => program.command))].join(', ');
  const packages = [...new Set(missing.map((program) => program.debianPackage))].join(' ');
  return `${commands} not found: apt-get install -y ${packages}`;
}

/**
 * Tests against real programs (BIND, Knot, PowerDNS, nginx, …): without the program they are skipped, and fail if CI is
 * set.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { describe, it } from 'vitest';

/** A program that a test needs. `command` can also be the absolute path of a file. */
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

/** Finds the path of a program, also in the sbin directories. */
export function findProgram(command: string): string | undefined {
  if (isAbsolute(command)) return isUsable(command, constants.R_OK) ? command : undefined;
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, command))
    .find((path) => isUsable(path, constants.X_OK));
}

/** Names the missing programs and the command that installs them; undefined if none is missing. */
export function missingProgramsAdvice(programs: readonly RequiredProgram[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program.command) === undefined);
  if (missing.length === 0) return undefined;
  const commands = [...new Set(missing.map((program) => program.command))].join(', ');
  const packages = [...new Set(missing.map((program) => program.debianPackage))].join(' ');
  return `${commands} not found: apt-get install -y ${packages}`;
}

/** A vitest `describe` for tests that need real programs. */
export function describeWith(programs: readonly RequiredProgram[], title: string, fn: () => void): void {
  const advice = missingProgramsAdvice(programs);
  if (advice === undefined) {
    describe(title, fn);
  } else if (process.env['CI']) {
    describe(title, () => {
      it('has the programs it needs', () => {
        throw new Error(advice);
      });
    });
  } else {
    describe(title, () => {
      it.skip(advice, () => {});
    });
  }
}

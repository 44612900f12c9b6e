/**
 * Runs the installed ddclient once with a configuration file. Its cache and pid file are in the folder of that file. Debian 12
 * has 3.10 and Debian 13 has 3.11, whose files and messages differ: each test is for some versions.
 */
import { chmodSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'vitest';
import { type FinishedProgram, runProgram } from './process.ts';
import { findProgram, type RequiredProgram } from './programs.ts';
import { describeWith } from './require-server.ts';

export const DDCLIENT_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'ddclient', debianPackage: 'ddclient' },
  { command: '/usr/share/perl5/IO/Socket/SSL.pm', debianPackage: 'libio-socket-ssl-perl' },
];

export interface DdclientOptions {
  /** PEM file with the server's certificate authority. */
  readonly caFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Sends an update even if its cache says that nothing changed. */
  readonly force?: boolean;
}

/** Major and minor version of a ddclient program by its text: 3.10 is 310, 4.0 is 400. */
export function versionOf(program: string): number | undefined {
  const [, major, minor] = /\$VERSION = version->declare\('v?(\d+)\.(\d+)/.exec(program) ?? [];
  return major === undefined ? undefined : Number(major) * 100 + Number(minor);
}

function installedVersion(): number | undefined {
  const path = findProgram('ddclient');
  return path === undefined ? undefined : versionOf(readFileSync(path, 'utf8'));
}

/** The tests are for versions from `oldest` up to `newest`; another version is a reported skip. */
export function describeDdclient(
  [oldest, newest]: readonly [oldest: number, newest: number],
  programs: readonly RequiredProgram[],
  title: string,
  fn: () => void,
): void {
  const version = installedVersion();
  if (version === undefined || (version >= oldest && version <= newest)) {
    describeWith([...programs, ...DDCLIENT_PROGRAMS], title, fn);
  } else {
    describe(title, () => {
      it.skip(`is for versions ${oldest} to ${newest}, and ${version} is installed`, () => {});
    });
  }
}

/** It may exit with 0 although an update failed: check its output. */
export function runDdclient(file: string, { caFile, env, force = true }: DdclientOptions): Promise<FinishedProgram> {
  chmodSync(file, 0o600);
  const files = ['-file', file, '-pid', join(dirname(file), 'ddclient.pid'), '-ssl_ca_file', caFile];
  // Version 4 would take 0 for the shortest interval, and go to the background.
  const once = (installedVersion() ?? 0) < 400 ? ['-daemon=0'] : [];
  const args = [...once, '-noquiet', ...(force ? ['-force'] : []), ...files];
  return runProgram('ddclient', args, env === undefined ? {} : { env });
}

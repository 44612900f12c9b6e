/**
 * Runs the real ddclient 3.10 once with a configuration file. Its cache and pid file are in the folder of that file.
 */
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FinishedProgram, runProgram } from './process.ts';
import type { RequiredProgram } from './programs.ts';

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

/** It may exit with 0 although an update failed: check its output. */
export function runDdclient(file: string, { caFile, env, force = true }: DdclientOptions): Promise<FinishedProgram> {
  chmodSync(file, 0o600);
  const files = ['-file', file, '-pid', join(dirname(file), 'ddclient.pid'), '-ssl_ca_file', caFile];
  const args = ['-daemon=0', '-noquiet', ...(force ? ['-force'] : []), ...files];
  return runProgram('ddclient', args, env === undefined ? {} : { env });
}

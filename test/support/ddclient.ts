// The real ddclient 3.10: one run with one configuration file, as by hand. Its cache and process id stay in the file's folder.
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FinishedProgram, runProgram } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const DDCLIENT_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'ddclient', debianPackage: 'ddclient' },
  { command: '/usr/share/perl5/IO/Socket/SSL.pm', debianPackage: 'libio-socket-ssl-perl' },
];

export interface DdclientOptions {
  /** PEM file with the authority of the server. */
  readonly caFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Send though its cache says that nothing changed. */
  readonly force?: boolean;
}

/** Runs it once. It may end with 0 though an update failed: what it says counts. */
export function runDdclient(file: string, { caFile, env, force = true }: DdclientOptions): Promise<FinishedProgram> {
  chmodSync(file, 0o600);
  const files = ['-file', file, '-pid', join(dirname(file), 'ddclient.pid'), '-ssl_ca_file', caFile];
  const args = ['-daemon=0', '-noquiet', ...(force ? ['-force'] : []), ...files];
  return runProgram('ddclient', args, env === undefined ? {} : { env });
}

// The real inadyn 2.10: one round with one configuration file, in the foreground, its cache in the file's folder.
import { dirname } from 'node:path';
import { type FinishedProgram, runProgram } from './process.ts';
import type { RequiredProgram } from './require-server.ts';

export const INADYN_PROGRAMS: readonly RequiredProgram[] = [{ command: 'inadyn', debianPackage: 'inadyn' }];

/** @param more further arguments: `--force` sends though its cache says that nothing changed */
export function runInadyn(
  file: string,
  more: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<FinishedProgram> {
  const args = ['-1', '-n', '--no-pidfile', '-l', 'info', '--cache-dir', dirname(file), '-f', file, ...more];
  return runProgram('inadyn', args, { env });
}

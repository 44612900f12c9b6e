// The real inadyn 2.10: one round with one configuration file, in the foreground, its cache in the file's folder.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { type FinishedProgram, type RunningProcess, runProgram, startProcess } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const INADYN_PROGRAMS: readonly RequiredProgram[] = [{ command: 'inadyn', debianPackage: 'inadyn' }];

/** It looks its names up in DNS where it has no cache: no long wait for a resolver that is not there. */
const ENVIRONMENT = { ...process.env, RES_OPTIONS: 'timeout:1 attempts:1' };

function inadynArguments(file: string, more: readonly string[]): readonly string[] {
  return ['-1', '-n', '--no-pidfile', '-l', 'info', '--cache-dir', dirname(file), '-f', file, ...more];
}

/** Runs one round. @param more further arguments: `--force` sends though its cache says that nothing changed */
export function runInadyn(file: string, more: readonly string[] = []): Promise<FinishedProgram> {
  return runProgram('inadyn', inadynArguments(file, more), { env: ENVIRONMENT });
}

/** Starts a round that does not come to an end, and resolves when it has said these words. */
export function startInadyn(file: string, words: string): Promise<RunningProcess> {
  const ready = (output: string) => output.includes(words);
  return startProcess({ command: 'inadyn', args: inadynArguments(file, ['--force']), env: ENVIRONMENT, ready });
}

/** Whether this process may give a program a view of its own of the machine's files. */
export const CAN_OWN_HOSTS = spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;

/**
 * Runs one round in which names have other addresses: the built-in services cannot be given a server of one's own.
 * @param hosts a file that lies over /etc/hosts for this run only
 */
export function runInadynWithHosts(file: string, hosts: string): Promise<FinishedProgram> {
  const inadyn = ['inadyn', ...inadynArguments(file, ['--force'])];
  const env = { ...ENVIRONMENT, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  return runProgram('unshare', ['--mount', 'sh', '-c', script, 'sh', hosts, ...inadyn], { env });
}

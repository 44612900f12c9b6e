/**
 * Runs the real inadyn 2.10 once with a configuration file, in the foreground, with its cache in the folder of that
 * file.
 */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { type FinishedProgram, type RunningProcess, runProgram, startProcess } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const INADYN_PROGRAMS: readonly RequiredProgram[] = [{ command: 'inadyn', debianPackage: 'inadyn' }];

/** Without a cache, inadyn resolves its names: limits the wait for a resolver that does not exist. */
const ENVIRONMENT = { ...process.env, RES_OPTIONS: 'timeout:1 attempts:1' };

function inadynArguments(file: string, more: readonly string[]): readonly string[] {
  return ['-1', '-n', '--no-pidfile', '-l', 'info', '--cache-dir', dirname(file), '-f', file, ...more];
}

/** Runs it once. @param more additional arguments, like `--force` to send without regard to the cache */
export function runInadyn(file: string, more: readonly string[] = []): Promise<FinishedProgram> {
  return runProgram('inadyn', inadynArguments(file, more), { env: ENVIRONMENT });
}

/** Starts a run that does not end; resolves when the output contains `words`. */
export function startInadyn(file: string, words: string): Promise<RunningProcess> {
  const ready = (output: string) => output.includes(words);
  return startProcess({ command: 'inadyn', args: inadynArguments(file, ['--force']), env: ENVIRONMENT, ready });
}

/** Whether this process may create a mount namespace. */
export const CAN_OWN_HOSTS = spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;

/**
 * Runs it with another /etc/hosts, because the server of a built-in service cannot be configured.
 * @param hosts a file that is mounted over /etc/hosts for this run only
 */
export function runInadynWithHosts(file: string, hosts: string): Promise<FinishedProgram> {
  const inadyn = ['inadyn', ...inadynArguments(file, ['--force'])];
  const env = { ...ENVIRONMENT, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  return runProgram('unshare', ['--mount', 'sh', '-c', script, 'sh', hosts, ...inadyn], { env });
}

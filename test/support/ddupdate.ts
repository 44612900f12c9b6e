/** Runs the real ddupdate once, with its own home folder for plugins, configuration, passwords and cache. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeInto } from './primary-server.ts';
import { type FinishedProgram, runProgram } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const DDUPDATE_PROGRAMS: readonly RequiredProgram[] = [{ command: 'ddupdate', debianPackage: 'ddupdate' }];

export interface DdupdateHome {
  /** Text of ddupdate.conf. */
  readonly conf: string;
  readonly netrc: string;
  /** Python source of an additional service plugin. */
  readonly plugin?: string;
}

/** @param home an existing directory @param env additional environment variables */
export function runDdupdate(
  home: string,
  { conf, netrc, plugin }: DdupdateHome,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<FinishedProgram> {
  const plugins = join(home, '.local/share/ddupdate/plugins');
  mkdirSync(plugins, { recursive: true });
  mkdirSync(join(home, '.config'), { recursive: true });
  if (plugin !== undefined) writeInto(plugins, 'dyndns.py', plugin);
  writeInto(home, '.netrc', netrc);
  const file = writeInto(join(home, '.config'), 'ddupdate.conf', conf);
  const { PATH } = process.env;
  return runProgram('ddupdate', ['-c', file, ...args], {
    env: { PATH, HOME: home, PYTHONDONTWRITEBYTECODE: '1', ...env },
  });
}

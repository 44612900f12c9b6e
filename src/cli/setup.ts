/**
 * What most commands begin with: the configuration that `--config`, the environment and the search order give.
 */
import type { Command } from 'commander';
import { findConfigFile, type LoadedConfig, loadConfig } from '../config/load.ts';

/** @throws ConfigError */
export function loadFor(command: Command): LoadedConfig & { readonly file: string } {
  const { config: flag } = command.optsWithGlobals<{ config?: string }>();
  const file = findConfigFile({ flag, environment: process.env, cwd: process.cwd() });
  return { ...loadConfig(file, process.env), file };
}

/** For commands that talk to primaries and end: what would be logged goes to the error output. */
export const quietObserver = {
  batchPublished: () => undefined,
  requestAnswered: () => undefined,
  dnsUpdateAnswered: () => undefined,
  warn: (text: string) => void process.stderr.write(`WARNING: ${text}\n`),
};

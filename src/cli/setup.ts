/** Loads the configuration for a command: from `--config`, the environment, or the search path. */
import type { Command } from 'commander';
import { findConfigFile, type LoadedConfig, loadConfig } from '../config/load.ts';

/** @throws ConfigError */
export function loadFor(command: Command): LoadedConfig & { readonly file: string } {
  const { config: flag } = command.optsWithGlobals<{ config?: string }>();
  const file = findConfigFile({ flag, environment: process.env, cwd: process.cwd() });
  return { ...loadConfig(file, process.env), file };
}

/** For commands without a log: warnings go to the error output. */
export const quietObserver = {
  batchPublished: () => undefined,
  requestAnswered: () => undefined,
  dnsUpdateAnswered: () => undefined,
  warn: (text: string) => void process.stderr.write(`WARNING: ${text}\n`),
};

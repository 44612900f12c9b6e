/** Loads the configuration for a command: from `--config`, the environment, or the search path. */
import { accessSync, constants } from 'node:fs';
import type { Command } from 'commander';
import type { Environment } from '../config/environment.ts';
import { findConfigFile, type LoadedConfig, loadConfig } from '../config/load.ts';

/** RuntimeDirectory=dyndns of the systemd unit: the server has it in RUNTIME_DIRECTORY, the operator's shell does not. */
const SERVICE_DIRECTORY = '/run/dyndns';

/**
 * @param environment that of this process for a command that starts a server
 * @throws ConfigError
 */
export function loadFor(
  command: Command,
  environment: Environment = commandEnvironment(),
): LoadedConfig & { readonly file: string } {
  const { config: flag } = command.optsWithGlobals<{ config?: string }>();
  const file = findConfigFile({ flag, environment, cwd: process.cwd() });
  return { ...loadConfig(file, environment), file };
}

/** The environment of a command for a running server: RUNTIME_DIRECTORY is set if this user may use the service's socket. */
export function commandEnvironment(): Environment {
  if (process.env['RUNTIME_DIRECTORY'] !== undefined) return process.env;
  try {
    accessSync(`${SERVICE_DIRECTORY}/control.sock`, constants.W_OK);
    return { ...process.env, RUNTIME_DIRECTORY: SERVICE_DIRECTORY };
  } catch {
    return process.env; // There is no such service, or this user may not use its socket.
  }
}

/** For commands without a log: warnings go to the error output. */
export const quietObserver = {
  batchPublished: () => undefined,
  requestAnswered: () => undefined,
  dnsUpdateAnswered: () => undefined,
  warn: (text: string) => void process.stderr.write(`WARNING: ${text}\n`),
};

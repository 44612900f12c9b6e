/** Loads the configuration for a command: from `--config`, the environment, or the search path. */
import { accessSync, constants } from 'node:fs';
import type { Command } from 'commander';
import type { Environment } from '../config/environment.ts';
import { findConfigFile, hiddenConfigFile, type LoadedConfig, loadConfig } from '../config/load.ts';

/** RuntimeDirectory=dyndns of the systemd unit: the server has it in RUNTIME_DIRECTORY, the operator's shell does not. */
const SERVICE_DIRECTORY = '/run/dyndns';
/** The same for LoadCredential= and CREDENTIALS_DIRECTORY. */
const SERVICE_CREDENTIALS = '/run/credentials/dyndns.service';

type LoadedFile = LoadedConfig & { readonly file: string };

/**
 * For a command: secrets that only the service can read are left out, see `warnOfUnreadFiles`.
 * @throws ConfigError
 */
export function loadFor(command: Command): LoadedFile {
  const environment = commandEnvironment();
  const file = configFileFor(command, environment);
  return { ...loadConfig(file, environment, { secretsOptional: true }), file };
}

/** For a command that starts a server. @throws ConfigError */
export function loadForServer(command: Command): LoadedFile {
  const options = findOptions(command, process.env);
  const file = findConfigFile(options);
  const loaded = loadConfig(file, process.env);
  const hidden = hiddenConfigFile(options);
  if (hidden === undefined) return { ...loaded, file };
  const warnings = [hiddenFileWarning(file, hidden), ...loaded.config.warnings];
  return { ...loaded, config: { ...loaded.config, warnings }, file };
}

/** Warns if the file of the current directory is used instead of that of the service. @throws ConfigError */
export function configFileFor(command: Command, environment: Environment): string {
  const options = findOptions(command, environment);
  const file = findConfigFile(options);
  const hidden = hiddenConfigFile(options);
  if (hidden !== undefined) quietObserver.warn(hiddenFileWarning(file, hidden));
  return file;
}

export function findOptions(command: Command, environment: Environment) {
  const { config: flag } = command.optsWithGlobals<{ config?: string }>();
  return { flag, environment, cwd: process.cwd() };
}

function hiddenFileWarning(file: string, hidden: string): string {
  return `The configuration ${file} of this directory is used, and ${hidden} is not. For the other one: --config ${hidden}.`;
}

/** The environment of a command for a running server: the service's directories are set if this user may use them. */
export function commandEnvironment(): Environment {
  const { RUNTIME_DIRECTORY: runtime, CREDENTIALS_DIRECTORY: credentials } = process.env;
  return {
    ...process.env,
    ...(runtime === undefined &&
      isAccessible(`${SERVICE_DIRECTORY}/control.sock`, constants.W_OK) && { RUNTIME_DIRECTORY: SERVICE_DIRECTORY }),
    ...(credentials === undefined &&
      isAccessible(SERVICE_CREDENTIALS, constants.R_OK) && { CREDENTIALS_DIRECTORY: SERVICE_CREDENTIALS }),
  };
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** For commands without a log: warnings go to the error output. */
export const quietObserver = {
  batchPublished: () => undefined,
  requestAnswered: () => undefined,
  dnsUpdateAnswered: () => undefined,
  warn: (text: string) => void process.stderr.write(`WARNING: ${text}\n`),
};

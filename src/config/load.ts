/**
 * Finds and loads the configuration: file, environment, checks. Synchronous, since nothing can start without it.
 * The search order is the original's, except that a missing file is an error if it was set explicitly.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve as resolvePath } from 'node:path';
import type { Config } from './config.ts';
import { applyEnvironment, type Environment, expandCredentials, runtimeDirectory } from './environment.ts';
import { exposedFileWarning } from './exposed-file.ts';
import { ValueError } from './kinds/kind.ts';
import { ConfigError, formatProblem, NoConfigFileError, type Problem, sortProblems } from './problem.ts';
import { readSettings, type SecretFiles } from './read.ts';
import { resolveConfig } from './resolve/resolve.ts';
import type { Settings } from './settings.ts';
import { parseYaml } from './yaml-source.ts';

export interface FindOptions {
  /** The value of `--config`. */
  readonly flag?: string | undefined;
  readonly environment: Environment;
  readonly cwd: string;
  /** The directory to use as `/`; tests set their own. */
  readonly root?: string;
}

/**
 * The path of the configuration file, the first of: `--config`, `dyndns_CONFIG_FILE`, `./.dyndns.yml`, `/etc/dyndns.yml`.
 * @throws NoConfigFileError if none exists; ConfigError if one of the first two is set and does not exist
 */
export function findConfigFile({ flag, environment, cwd, root = '/' }: FindOptions): string {
  const variable = environment['dyndns_CONFIG_FILE'];
  const named = flag !== undefined ? [flag, '--config'] : variable ? [variable, 'dyndns_CONFIG_FILE'] : undefined;
  if (named !== undefined) {
    const path = resolvePath(cwd, named[0]!);
    if (named[0] !== '' && exists(path)) return path;
    const message = `The configuration file '${named[0]}' (set by ${named[1]}) does not exist.`;
    // A container has its configuration at one place, and begins without one.
    throw new ConfigError([
      variable && flag === undefined ? `${message} Create it: dyndns init --file ${path}` : message,
    ]);
  }
  const candidates = [join(cwd, '.dyndns.yml'), join(root, 'etc', 'dyndns.yml')];
  const found = candidates.find(exists);
  if (found !== undefined) return found;
  throw new NoConfigFileError([
    `No configuration file was found: neither ${candidates.join(' nor ')} exists. Set one with --config or dyndns_CONFIG_FILE.`,
  ]);
}

export interface LoadedConfig {
  readonly config: Config;
  /** Each value with its origin, for `renderConfig`. */
  readonly settings: Settings;
}

/**
 * Reads the file and the environment.
 * @throws ConfigError with all problems at once, each with file:line:column or the name of the variable
 */
export function loadConfig(file: string, environment: Environment): LoadedConfig {
  let text: string;
  let readableByOthers: boolean;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    readableByOthers = (statSync(file).mode & 0o004) !== 0;
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8' : systemReason(error);
    throw new ConfigError([`The configuration file '${file}' cannot be read: ${reason}.`]);
  }
  const loaded = parseConfig(text, file, environment);
  if (!readableByOthers || !loaded.settings.holdsSecrets) return loaded;
  const warning = `The file ${file} contains secrets and every user of this machine can read it; run 'chmod 640' on it.`;
  return { ...loaded, config: { ...loaded.config, warnings: [...loaded.config.warnings, warning] } };
}

/**
 * The same for a text.
 * @param file its name in error texts; relative paths start at its directory
 * @param nowMs milliseconds since 1970
 * @throws ConfigError
 */
export function parseConfig(
  text: string,
  file: string,
  environment: Environment,
  nowMs: number = Date.now(),
): LoadedConfig {
  const directory = dirname(resolvePath(file));
  const expandPath = (path: string) => expandCredentials(path, environment);
  const locate = (path: string) => resolvePath(directory, expandPath(path));
  const confidential = new Set<string>();
  const secretFiles: SecretFiles = {
    read: (path) => readSecretFile(locate(path)),
    markConfidential: (path) => confidential.add(locate(path)),
  };
  const yaml = parseYaml(text, file);
  const problems: Problem[] = [...yaml.problems];
  const warnings: string[] = [];
  const settings = readSettings(yaml, file, secretFiles, problems);
  applyEnvironment(environment, settings.root, secretFiles, problems, warnings);
  // If the YAML itself is invalid, options only seem to be missing.
  const config =
    yaml.problems.length > 0
      ? undefined
      : resolveConfig(settings, {
          directory,
          expandPath,
          runtimeDirectory: runtimeDirectory(environment),
          nowMs,
          problems,
          warnings,
        });
  if (config === undefined) throw new ConfigError(sortProblems(problems).map(formatProblem));
  const exposed = [...confidential].map((path) => exposedFileWarning(path, 'a secret'));
  if (config.http.tls !== undefined) exposed.push(exposedFileWarning(config.http.tls.key, 'the private key of HTTPS'));
  return {
    config: { ...config, warnings: [...config.warnings, ...exposed.filter((text) => text !== undefined)] },
    settings,
  };
}

/** The content without its last line break. @throws ValueError with the path, never the content */
function readSecretFile(absolute: string): string {
  let text: string;
  try {
    text = readFileSync(absolute, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new ValueError(`the file '${absolute}' cannot be read: ${systemReason(error)}.`);
  }
  if (text === '') throw new ValueError(`the file '${absolute}' is empty${emptyCredential(absolute)}.`);
  return text;
}

/** In the place of a file that does not exist, the units have an empty credential (SetCredential=). */
export function emptyCredential(absolute: string): string {
  const [, unit, name] = /^\/run\/credentials\/([^/]+)\/([^/]+)$/.exec(absolute) ?? [];
  if (unit === undefined) return '';
  return `: the file of LoadCredential=${name} in the unit is missing or empty. Create it ('systemctl cat ${unit}' shows its path), then run 'systemctl restart ${unit}'`;
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    // A file that exists but is not accessible must not be skipped: reading it reports the reason.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
  }
}

function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return code ?? 'unknown error';
  }
}

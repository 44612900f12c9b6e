/**
 * Finds the control socket of a configuration whose other options may be invalid: `dyndns reload` has to reach the server
 * that refuses such a file. Secrets are not read; the user of the command may not be allowed to.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { applyEnvironment, type Environment, expandCredentials, runtimeDirectory } from './environment.ts';
import { readSettings, type SecretFiles } from './read.ts';
import { resolveState, type StateConfig } from './resolve/state.ts';
import { parseYaml } from './yaml-source.ts';

/** @returns undefined where the file cannot be read; `control` is absent without a socket */
export function findControl(file: string, environment: Environment): StateConfig | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const unread: SecretFiles = { read: () => '', markConfidential: () => undefined, leavesOut: () => true };
  const settings = readSettings(parseYaml(text, file), file, unread, []);
  applyEnvironment(environment, settings.root, unread, [], []);
  return resolveState(settings, {
    directory: dirname(resolvePath(file)),
    expandPath: (path) => expandCredentials(path, environment),
    nowMs: Date.now(),
    runtimeDirectory: runtimeDirectory(environment),
    problems: [],
    warnings: [],
  });
}

/**
 * Finds the control socket of a configuration whose other options may be invalid: `dyndns reload` has to reach the server
 * that refuses such a file. Secrets are not read; the user of the command may not be allowed to.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { applyEnvironment, type Environment, expandCredentials } from './environment.ts';
import { readSettings } from './read.ts';
import { resolveState } from './resolve/embedded.ts';
import { parseYaml } from './yaml-source.ts';

/** @returns an absolute path; undefined where the configuration names no socket, or cannot be read so far */
export function findControl(file: string, environment: Environment): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const settings = readSettings(parseYaml(text, file), file, () => '', []);
  applyEnvironment(environment, settings.root, () => '', [], []);
  return resolveState(settings, {
    directory: dirname(resolvePath(file)),
    expandPath: (path) => expandCredentials(path, environment),
    nowMs: Date.now(),
    problems: [],
    warnings: [],
  }).control;
}

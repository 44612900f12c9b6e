/**
 * Finds the control socket and the listeners of a configuration whose other options may be invalid: `dyndns reload` has to
 * reach the server that refuses such a file. Secrets are not read; the user of the command may not be allowed to.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import type { ListenAddress } from './config.ts';
import { applyEnvironment, type Environment, expandCredentials, runtimeDirectory } from './environment.ts';
import { readSettings, type SecretFiles } from './read.ts';
import { resolveState, type StateConfig } from './resolve/state.ts';
import { parseYaml } from './yaml-source.ts';

export interface FoundServer extends StateConfig {
  /** Of HTTP, then that of metrics: each serves `/readyz`. */
  readonly listeners: readonly ListenAddress[];
}

/** @returns undefined where the file cannot be read; `control` is absent without a socket */
export function findControl(file: string, environment: Environment): FoundServer | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const unread: SecretFiles = { read: () => '', markConfidential: () => undefined, leavesOut: () => true };
  const settings = readSettings(parseYaml(text, file), file, unread, []);
  applyEnvironment(environment, settings.root, unread, [], []);
  const metrics = settings.root.get('metrics.listen');
  const listeners = [...settings.root.get('http.listen'), ...(metrics === undefined ? [] : [metrics])];
  const state = resolveState(settings, {
    directory: dirname(resolvePath(file)),
    expandPath: (path) => expandCredentials(path, environment),
    nowMs: Date.now(),
    runtimeDirectory: runtimeDirectory(environment),
    problems: [],
    warnings: [],
  });
  return { ...state, listeners };
}

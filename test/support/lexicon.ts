/** Runs the real lexicon with its provider powerdns. */
import { type FinishedProgram, runProgram } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const LEXICON_PROGRAMS: readonly RequiredProgram[] = [{ command: 'lexicon', debianPackage: 'lexicon' }];

export interface LexiconRecord {
  readonly type: string;
  readonly name: string;
  readonly ttl: number;
  readonly content: string;
  readonly id: string;
}

export interface Lexicon {
  /** What keeps it from its home directory and from the network. */
  readonly env: NodeJS.ProcessEnv;
  /** `lexicon powerdns ACTION ZONE TYPE …`, to its end. */
  run(action: 'create' | 'update' | 'delete', type: string, ...options: readonly string[]): Promise<FinishedProgram>;
  list(type: string, ...options: readonly string[]): Promise<readonly LexiconRecord[]>;
}

/** @param directory for its files */
export function lexicon(zone: string, server: string, token: string, directory: string): Lexicon {
  const env = {
    HOME: directory,
    // It downloads the list of public suffixes if it can: here from nowhere, so that it uses the one of its package.
    https_proxy: 'http://127.0.0.1:9',
    no_proxy: '127.0.0.1',
  };
  const run = (action: string, type: string, options: readonly string[]) => {
    // Without --delegated it takes the registered domain for the zone.
    const provider = ['--delegated', zone, 'powerdns', '--pdns-server', server, '--auth-token', token];
    const args = [...provider.slice(0, 3), action, zone, type, ...options, ...provider.slice(3), '--output', 'JSON'];
    return runProgram('lexicon', args, { cwd: directory, env: { ...process.env, ...env } });
  };
  return {
    env,
    run: (action, type, ...options) => run(action, type, options),
    async list(type, ...options) {
      const { code, stdout, stderr } = await run('list', type, options);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as LexiconRecord[];
    },
  };
}

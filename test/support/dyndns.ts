/**
 * Starts our server as an operator does: `node dist/cli/main.js --config FILE serve`. The configuration is written as
 * JSON, which is valid YAML. It listens on port 0, and the port is read from the log.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type AskOptions, ask } from './http-client.ts';
import { REPOSITORY } from './installation.ts';
import { freshDirectory } from './primary-server.ts';
import {
  type FinishedProgram,
  type RunningProcess,
  removeNow,
  runProgram,
  startProcess,
  waitUntil,
} from './process.ts';

export const MAIN = join(REPOSITORY, 'dist/cli/main.js');

/** The configuration file as an object or as text. */
export type DyndnsConfig = Readonly<Record<string, unknown>> | string;

/** One line of the log; `msg` is its text. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

export interface RunningDyndns {
  /** The addresses on which it listens, from the log. */
  readonly addresses: readonly string[];
  /** Port of the first TCP listener. */
  readonly port: number;
  readonly directory: string;
  readonly configFile: string;
  readonly process: RunningProcess;
  ask(target: string, options?: AskOptions): Promise<Answer>;
  log(): readonly LogLine[];
  /** Writes another configuration and sends SIGHUP. @returns the log lines of the reload, when it has ended */
  reload(config: DyndnsConfig): Promise<readonly LogLine[]>;
  stop(): Promise<void>;
}

export interface DyndnsOptions {
  /** Additional arguments after `serve`. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

function requireBuild(): void {
  if (!existsSync(MAIN)) throw new Error('dist is missing. Run npm run build.');
}

function writeConfig(file: string, config: DyndnsConfig): void {
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 });
}

export function parseLog(output: string): LogLine[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}

/** Starts the server; resolves when it listens. The default for `http.listen` is a free port of 127.0.0.1. */
export async function startDyndns(config: DyndnsConfig, options: DyndnsOptions = {}): Promise<RunningDyndns> {
  requireBuild();
  const directory = freshDirectory('server');
  const configFile = join(directory, 'dyndns.yml');
  const complete = (given: DyndnsConfig): DyndnsConfig => {
    if (typeof given === 'string') return given;
    return { ...given, http: { listen: ['127.0.0.1:0'], ...(given['http'] as object | undefined) } };
  };
  writeConfig(configFile, complete(config));
  const process_ = await startProcess({
    command: process.execPath,
    args: [MAIN, '--config', configFile, 'serve', ...(options.args ?? [])],
    cwd: directory,
    env: { ...process.env, ...options.env },
    ready: (output) => parseLog(output).some(({ msg }) => msg.startsWith('listening on ')),
  }).catch((error: unknown) => {
    removeNow(directory);
    throw error;
  });
  const log = () => parseLog(process_.output());
  const listening = log().filter(({ msg }) => msg.startsWith('listening on '));
  const addresses = listening.map(({ msg }) => msg.slice('listening on '.length));
  const port = Number(/:(\d+)$/.exec(addresses.find((address) => address.startsWith('http')) ?? '')?.[1] ?? 0);
  return {
    addresses,
    port,
    directory,
    configFile,
    process: process_,
    ask: (target, ask_ = {}) => ask({ port }, target, ask_),
    log,
    async reload(next) {
      const before = log().length;
      writeConfig(configFile, complete(next));
      process_.signal('SIGHUP');
      const news = () => log().slice(before);
      await waitUntil('the reload to be logged', () => {
        return news().some(({ msg }) => /^(Configuration reloaded\.|Reload failed: )/.test(msg));
      });
      return news();
    },
    async stop() {
      await process_.stop();
      removeNow(directory);
    },
  };
}

/** Runs a command to its end. */
export function runDyndns(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<FinishedProgram> {
  requireBuild();
  return runProgram(process.execPath, [MAIN, ...args], options);
}

/**
 * Starts child processes of tests, and makes sure that they end: by stop() in the test, by an 'exit' hook of this
 * process, or (on Linux, with setpriv) by a signal from the kernel if this process dies without running its hooks.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from './programs.ts';

const POLL_MS = 10;
const DEFAULT_READY_MS = 15_000;
const GRACE_MS = 5_000;

export interface ProcessOptions {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Polled with the output so far until it returns true. Absent: ready as soon as it is spawned. */
  readonly ready?: (output: string) => boolean | Promise<boolean>;
  /** The start fails if the process is not ready within this time. */
  readonly readyTimeoutMs?: number;
}

export interface RunningProcess {
  readonly pid: number;
  /** Standard output and standard error so far, interleaved. */
  output(): string;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code (null after a signal) once the process has ended. */
  readonly ended: Promise<number | null>;
  /** Sends `signal` (default: SIGTERM), and SIGKILL after five seconds. Resolves when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const living = new Set<ChildProcess>();
const leftovers = new Set<string>();

process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
  for (const directory of leftovers) rmSync(directory, { recursive: true, force: true });
});

/** Registers a directory for removal when this process exits, in case the test does not remove it. */
export function removeAtExit(directory: string): void {
  leftovers.add(directory);
}

/** Removes a directory now. */
export function removeNow(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  leftovers.delete(directory);
}

/** Polls a condition until it is true. @throws Error with `what` after the timeout */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = DEFAULT_READY_MS,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Timeout after ${timeoutMs} ms while waiting for: ${what}`);
    await delay(POLL_MS);
  }
}

function commandLine(options: ProcessOptions): { command: string; args: readonly string[] } {
  const command = findProgram(options.command);
  if (command === undefined) throw new Error(`${options.command} is not installed.`);
  const args = options.args ?? [];
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  return setpriv === undefined
    ? { command, args }
    : { command: setpriv, args: ['--pdeathsig', 'KILL', command, ...args] };
}

/** Starts a program; resolves when it is ready. @throws Error with its output, after stopping it, if it is not */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { command, args } = commandLine(options);
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  living.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  let running = true;
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`;
      running = false;
      living.delete(child);
      resolve(null);
    });
    child.once('close', (code) => {
      running = false;
      living.delete(child);
      resolve(code);
    });
  });

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!running) return;
    child.kill(signal);
    child.kill('SIGCONT');
    const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(kill);
  }

  const { ready } = options;
  if (ready !== undefined) {
    try {
      await waitUntil(
        `${options.command} to be ready`,
        async () => !running || (await ready(output)),
        options.readyTimeoutMs ?? DEFAULT_READY_MS,
      );
      if (!running) throw new Error(`${options.command} ended before it was ready.`);
    } catch (cause) {
      await stop();
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${output}`, { cause });
    }
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    isRunning: () => running,
    signal: (signal) => void child.kill(signal),
    ended,
    stop,
  };
}

export interface FinishedProgram {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with a timeout of 30 seconds by default. A non-zero exit code is not an error. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly timeoutMs?: number;
  } = {},
): Promise<FinishedProgram> {
  const path = findProgram(command);
  if (path === undefined) return Promise.reject(new Error(`${command} is not installed.`));
  const { input, timeoutMs = 30_000, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      path,
      args,
      { ...rest, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        living.delete(child);
        if (error === null) resolve({ code: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
        else reject(new Error(`${command} did not finish: ${error.message}\n${stderr}`, { cause: error }));
      },
    );
    living.add(child);
    // A program that does not read its input closes the pipe, which is not an error.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}

/** Runs a program that must succeed. @returns its standard output @throws Error with its output */
export async function runOrThrow(...parameters: Parameters<typeof runProgram>): Promise<string> {
  const { code, stdout, stderr } = await runProgram(...parameters);
  if (code !== 0) throw new Error(`${parameters[0]} ${parameters[1].join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

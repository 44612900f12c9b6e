/**
 * `dyndns reload`: has the running server read its configuration again, and waits for the outcome.
 * Exit codes: 0 reloaded, 2 the new configuration was refused, wrong usage, no control socket or no server; 1 any other failure.
 */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Environment } from '../../config/environment.ts';
import { findControl } from '../../config/find-control.ts';
import { loadConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { ControlError } from '../../control/control-error.ts';
import { findServer } from '../../control/socket-client.ts';
import { AppError } from '../../core/errors.ts';
import { UsageError } from '../output.ts';
import { findRemote } from '../remote.ts';
import { isServerOf } from '../session.ts';
import { commandEnvironment, configFileFor } from '../setup.ts';

export function reloadCommand(): Command {
  return new Command('reload')
    .description('make the running server read its configuration again; an invalid one is refused and changes nothing')
    .action(async (_options: object, command: Command) => {
      try {
        const { warnings } = await reloadServer(command);
        for (const warning of warnings) process.stderr.write(`WARNING: ${warning}\n`);
        process.stdout.write('Configuration reloaded.\n');
      } catch (error) {
        if (error instanceof ControlError) throw new UsageError(error.message);
        const problems = problemsOf(error);
        if (problems === undefined) throw error;
        for (const problem of problems) process.stderr.write(`ERROR: ${problem}\n`);
        process.stderr.write('Reload failed: the old configuration stays in force.\n');
        process.exitCode = 2;
      }
    });
}

async function reloadServer(command: Command): Promise<{ readonly warnings: readonly string[] }> {
  const remote = await findRemote(command);
  if (remote !== undefined) return remote.call('reload', {});
  const environment = commandEnvironment();
  return reload(configFileFor(command, environment), environment);
}

/** @throws AppError of the server; UsageError, ControlError where no server was reached; ConfigError */
async function reload(file: string, environment: Environment): Promise<{ readonly warnings: readonly string[] }> {
  // The file may be invalid otherwise: what the server says of it is the outcome.
  const state = findControl(file, environment);
  const control = state?.control;
  if (state === undefined || control === undefined) {
    loadConfig(file, environment);
    throw new UsageError(
      "The configuration has no control socket, through which commands reach the server: set 'control: unix:PATH' and restart the server.",
    );
  }
  const server = await findServer(control);
  if (server === undefined) throw new UsageError(`No dyndns is running: no server answers at '${control}'.`);
  if (!(await isServerOf({ ...state, file: resolve(file) }, server))) {
    throw new UsageError('No dyndns with this configuration is running.');
  }
  return server.call('reload', {});
}

/** One line for each problem of a configuration that was refused; undefined for any other error. */
function problemsOf(error: unknown): readonly string[] | undefined {
  if (error instanceof ConfigError) return error.lines;
  return error instanceof AppError && error.code === 'request-malformed' ? error.message.split('\n') : undefined;
}

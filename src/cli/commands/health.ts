/**
 * `dyndns health`: whether the running server is ready, for the health check of a container or a supervisor. Secrets of the
 * configuration are not read. Exit codes: 0 ready, 1 not ready or no answer within 5 seconds, 2 no configuration.
 */
import { Command } from 'commander';
import { type FoundServer, findControl } from '../../config/find-control.ts';
import { findConfigFile } from '../../config/load.ts';
import { askHealth, type ServerHealth, type ServerPlaces } from '../../doctor/server-health.ts';
import { CommandError } from '../output.ts';
import { commandEnvironment, findOptions } from '../setup.ts';

const TIMEOUT_MS = 5000;

export function healthCommand(): Command {
  return new Command('health')
    .description('exit with 0 if the running server is ready, else with 1 and one line that says why')
    .action(async (_options: object, command: Command) => {
      const environment = commandEnvironment();
      const file = findConfigFile(findOptions(command, environment));
      const found = findControl(file, environment);
      if (found === undefined) throw new CommandError(`The configuration file '${file}' cannot be read.`);
      const problem = problemOf(await askHealth(placesOf(found), AbortSignal.timeout(TIMEOUT_MS)));
      if (problem !== undefined) throw new CommandError(problem);
      process.stdout.write('ready\n');
    });
}

/** The default socket in the runtime directory may belong to a server with another configuration; one next to the data cannot. */
function placesOf({ control, controlIsDefault, store, dns, listeners }: FoundServer): ServerPlaces {
  const isOwn = !controlIsDefault || store?.kind === 'sqlite' || dns !== undefined;
  return { listeners, ...(isOwn && control !== undefined && { control }) };
}

const PARTS: Readonly<Partial<Record<string, string>>> = {
  server: 'it is starting or stopping',
  dns: 'no DNS listener is open',
  store: 'the store does not answer',
};

/** @param part like `store (connection refused)` */
function explain(part: string): string {
  return part.replace(/^\w+/, (name) => PARTS[name] ?? name);
}

/** One line; undefined if the server is ready. */
function problemOf(health: ServerHealth): string | undefined {
  switch (health.kind) {
    case 'ready':
      return undefined;
    case 'not ready':
      return `The server is not ready: ${health.parts.map(explain).join('; ')}.`;
    case 'no answer':
      return health.reasons.length === 0
        ? "The configuration has no control socket and no listener with a known port; set 'control: unix:PATH'."
        : `No dyndns answers at ${health.reasons.join(', nor at ')}.`;
  }
}

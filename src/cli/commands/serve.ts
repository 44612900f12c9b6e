/** `dyndns serve`: runs the server until SIGTERM or SIGINT. SIGHUP or `dyndns reload` reloads the configuration. */
import { Command, InvalidArgumentError } from 'commander';
import { withHttpPort } from '../../config/config.ts';
import { findConfigFile } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { findOptions, loadForServer } from '../setup.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server: the HTTP API and the embedded zones')
    .option('-p, --port <port>', 'replace the port of every TCP entry of http.listen', parsePort)
    .option('--setup', 'where there is no configuration, run the setup first (dyndns help setup)')
    .action(async ({ port, setup }: { port?: number; setup?: boolean }, command: Command) => {
      if (setup && isWithoutConfig(command)) {
        const { runSetup } = await import('../run-setup.ts');
        await runSetup({ file: findOptions(command, process.env).flag });
        return;
      }
      // Loaded here only: its packages would slow every other command.
      const { runServer } = await import('../run-server.ts');
      const { server, log } = await runServer(() => {
        const { config } = loadForServer(command);
        return port === undefined ? config : withHttpPort(config, port);
      });
      // The link is a secret: a log is read by others, a terminal is not.
      const invitation = process.stdout.isTTY ? await server.inviteFirst() : undefined;
      if (invitation !== undefined) {
        log.print(`There is no user yet. This link makes the first administrator, once:\n\n  ${invitation}\n`);
      }
    });
}

/** Containers start this way: their first run has no file. */
function isWithoutConfig(command: Command): boolean {
  try {
    findConfigFile(findOptions(command, process.env));
    return false;
  } catch (error) {
    if (error instanceof ConfigError) return true;
    throw error;
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port number, 0 to 65535.');
}

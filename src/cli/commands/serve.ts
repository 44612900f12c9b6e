/** `dyndns serve`: runs the server until SIGTERM or SIGINT. SIGHUP or `dyndns reload` reloads the configuration. */
import { Command, InvalidArgumentError } from 'commander';
import { withHttpPort } from '../../config/config.ts';
import { loadForServer } from '../setup.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('run the server: the HTTP API and the embedded zones')
    .option('-p, --port <port>', 'replace the port of every TCP entry of http.listen', parsePort)
    .action(async ({ port }: { port?: number }, command: Command) => {
      // Loaded here only: its packages would slow every other command.
      const { runServer } = await import('../run-server.ts');
      await runServer(() => {
        const { config } = loadForServer(command);
        return port === undefined ? config : withHttpPort(config, port);
      });
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port number, 0 to 65535.');
}

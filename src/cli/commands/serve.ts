/** `dyndns serve`: the server, until SIGTERM or SIGINT. SIGHUP reads the configuration again. */
import { Command, InvalidArgumentError } from 'commander';
import { withHttpPort } from '../../config/config.ts';
import { loadFor } from '../setup.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the HTTP API, and the zones that are embedded')
    .option('-p, --port <port>', 'replaces the port of every TCP entry of http.listen', parsePort)
    .action(async ({ port }: { port?: number }, command: Command) => {
      // Loaded only where there is a server: its packages would be most of the time that other commands take.
      const { runServer } = await import('../run-server.ts');
      await runServer(() => {
        const { config } = loadFor(command, process.env);
        return port === undefined ? config : withHttpPort(config, port);
      });
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port number, 0 to 65535.');
}

/** `dyndns serve`: the server, until SIGTERM or SIGINT. SIGHUP reads the configuration again. */
import { setFlagsFromString } from 'node:v8';
import { Command, InvalidArgumentError } from 'commander';
import { type Config, withHttpPort } from '../../config/config.ts';
import { ConfigError } from '../../config/problem.ts';
import { createLog, type Log } from '../../observe/log.ts';
import { DyndnsServer } from '../../server.ts';
import { VERSION } from '../../version.ts';
import { loadFor } from '../setup.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the HTTP API')
    .option('-p, --port <port>', 'replaces the port of every TCP entry of http.listen', parsePort)
    .action(serve);
}

async function serve({ port }: { port?: number }, command: Command): Promise<void> {
  // The old space may double between collections; V8 would let it grow to several times what lives in it
  // (docs/decisions/0006-memory.md). It reads this at each collection, so that it may be set while running.
  setFlagsFromString('--heap-growing-percent=100');
  const load = () => {
    const { config } = loadFor(command);
    return port === undefined ? config : withHttpPort(config, port);
  };
  const config = load();
  const log = createLog(config.logLevel, process.stdout.isTTY === true);
  for (const warning of config.warnings) log.warn(warning);
  const server = new DyndnsServer(config, log);
  await server.start();
  log.info(`dyndns ${VERSION} serves ${config.zones.map((zone) => zone.apex).join(', ')}`);
  for (const address of server.addresses) log.info(`listening on ${address}`);
  process.on('SIGHUP', () => reload(server, load, log));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: ending`);
      void server.close().then(() => process.exit(0));
    });
  }
}

/** An invalid new configuration leaves the old one in force and says why. */
function reload(server: DyndnsServer, load: () => Config, log: Log): void {
  try {
    const config = load();
    server.reload(config);
    log.setLevel(config.logLevel);
    for (const warning of config.warnings) log.warn(warning);
    log.info('SIGHUP: the configuration was read again');
  } catch (error) {
    const lines = error instanceof ConfigError ? error.lines : [error instanceof Error ? error.message : String(error)];
    for (const line of lines) log.error(`SIGHUP: ${line}`);
    log.error('SIGHUP: the configuration stays as it was');
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port number, 0 to 65535.');
}

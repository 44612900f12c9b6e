/**
 * Runs the server until SIGTERM or SIGINT; SIGHUP reloads the configuration. Shared by `serve` and `quickstart`.
 */
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { createLog, type Log } from '../observe/log.ts';
import { type RunningServer, startServer } from '../server/server.ts';
import { VERSION } from '../server/version.ts';
import { forgetHangups, onHangup } from './hangups.ts';
import { logFormat } from './log-format.ts';
import { ServiceManager } from './service-manager.ts';

/** A terminal sends Ctrl-C to `npm start` and to the server, which then gets the same signal twice. */
const SAME_SIGNAL_MS = 1000;
/** How long the end of the server waits for the last lines of the log to be written. */
const LAST_LINES_MS = 300;
/** How long a server of which a part died waits for its other parts to close. */
const END_MS = 3000;
const LARGE_HEAP_OCTETS = 256 * 1024 * 1024;

const NO_STORE =
  'no store: there is no history, failed updates are not retried, and only tokens of the configuration are valid';

/**
 * Resolves when the server listens; the process then lives until a signal.
 * @param load reads the configuration, now and for each reload. @throws ConfigError
 * @throws ConfigError, StartError, AppError store-unreachable
 */
export async function runServer(
  load: () => Config,
): Promise<{ readonly server: RunningServer; readonly config: Config; readonly log: Log }> {
  // The old space may double between collections; V8 would let it grow to several times its live size
  // (docs/decisions/0006-memory.md). V8 reads the flag at each collection, so it may be set at run time.
  setFlagsFromString('--heap-growing-percent=100');
  forgetHangups();
  const config = load();
  const log = createLog(config.logLevel, logFormat(config.logFormat, process.env));
  logWarningsOfNode(log);
  for (const warning of config.warnings) log.warn(warning);
  const manager = new ServiceManager(process.env, (text) => log.warn(text));
  const server = await startServer(config, log, load, (text) => manager.status(text));
  manager.ready();
  // With a large zone, doubling would take too much memory: each collection may leave less garbage.
  if (process.memoryUsage().heapUsed > LARGE_HEAP_OCTETS) setFlagsFromString('--heap-growing-percent=40');
  log.info(`dyndns ${VERSION} serves ${config.zones.map((zone) => zone.apex).join(', ')}`);
  if (config.store === undefined) log.info(NO_STORE);
  for (const address of server.dnsAddresses) log.info(`listening on dns://${address}`);
  if (server.metricsAddress !== undefined) log.info(`metrics on ${server.metricsAddress}`);
  for (const address of server.addresses) log.info(`listening on ${address}`);
  if (server.controlPath !== undefined) log.info(`admin commands at unix:${server.controlPath}`);
  // The log has the outcome.
  onHangup(() => void server.reload().catch(() => undefined));
  endOnSignal(server, log, manager);
  void server.died.then((text) => endAfterDeath(server, log, text));
  return { server, config, log };
}

/**
 * Node.js itself writes its warnings to the error output, where a reader that stalls would block the server. Nothing else
 * writes there; if a package does, a failure does not end the server.
 */
function logWarningsOfNode(log: Log): void {
  process.stderr.on('error', () => undefined);
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn(`Node.js: ${name}: ${message}`));
}

/** Requests in flight get their replies, if that takes no time; a supervisor sees the exit code and starts the server again. */
async function endAfterDeath(server: RunningServer, log: Log, text: string): Promise<never> {
  log.error(text);
  const timeout = new Promise((resolve) => setTimeout(resolve, END_MS));
  await Promise.race([server.close().catch(() => undefined), timeout]);
  await log.flush(LAST_LINES_MS);
  process.exit(1);
}

/** The first signal ends the server gracefully. A later one ends it at once, unless it is the same one sent twice. */
function endOnSignal(server: RunningServer, log: Log, manager: ServiceManager): void {
  let endingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (endingSince === undefined) {
        endingSince = performance.now();
        log.info(`${signal}: ending`);
        const announced = manager.stopping();
        void server
          .close()
          .then(() => announced)
          .then(() => log.flush(LAST_LINES_MS))
          .then(() => process.exit(0));
      } else if (performance.now() - endingSince > SAME_SIGNAL_MS) {
        process.exit(1);
      }
    });
  }
}

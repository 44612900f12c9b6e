/**
 * Runs the server until SIGTERM or SIGINT; SIGHUP reads the configuration again. What `serve` and `quickstart` have in
 * common.
 */
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/problem.ts';
import type { ReloadResult } from '../core/admin/server-operations.ts';
import { AppError } from '../core/errors.ts';
import { createLog, type Log } from '../observe/log.ts';
import { DyndnsServer } from '../server/server.ts';
import { describeStore } from '../server/state.ts';
import { VERSION } from '../server/version.ts';
import { isStartError } from './output.ts';

/** A terminal sends Ctrl-C to `npm start` and to the server, so that the same wish can arrive twice. */
const SAME_SIGNAL_MS = 1000;
const LARGE_HEAP_OCTETS = 256 * 1024 * 1024;

/**
 * Resolves when the server listens; the process then lives until a signal.
 * @param load reads the configuration, now and at each SIGHUP. @throws ConfigError
 */
export async function runServer(
  load: () => Config,
): Promise<{ readonly server: DyndnsServer; readonly config: Config }> {
  // The old space may double between collections; V8 would let it grow to several times what lives in it
  // (docs/decisions/0006-memory.md). It reads this at each collection, so that it may be set while running.
  setFlagsFromString('--heap-growing-percent=100');
  const config = load();
  const log = createLog(config.logLevel, process.stdout.isTTY === true);
  for (const warning of config.warnings) log.warn(warning);
  const server: DyndnsServer = new DyndnsServer(config, log, async () => {
    try {
      return await reload(server, load, log);
    } catch (error) {
      if (!(error instanceof ConfigError || isStartError(error))) throw error;
      throw new AppError('request-malformed', problemsOf(error).join('\n'), { cause: error });
    }
  });
  await server.start();
  // A large zone would double to more than it needs: there each collection may leave less garbage.
  if (process.memoryUsage().heapUsed > LARGE_HEAP_OCTETS) setFlagsFromString('--heap-growing-percent=40');
  log.info(`dyndns ${VERSION} serves ${config.zones.map((zone) => zone.apex).join(', ')}`);
  if (config.store === undefined) log.info(describeStore(config));
  for (const address of server.dnsAddresses) log.info(`listening on dns://${address}`);
  if (server.metricsAddress !== undefined) log.info(`metrics on ${server.metricsAddress}`);
  for (const address of server.addresses) log.info(`listening on ${address}`);
  if (server.controlPath !== undefined) log.info(`admin commands at unix:${server.controlPath}`);
  // The log has the outcome.
  process.on('SIGHUP', () => void reload(server, load, log).catch(() => undefined));
  endOnSignal(server, log);
  return { server, config };
}

/** Ends in good order; a second signal, later than the same one sent twice, ends at once. */
function endOnSignal(server: DyndnsServer, log: Log): void {
  let endingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (endingSince === undefined) {
        endingSince = performance.now();
        log.info(`${signal}: ending`);
        void server.close().then(() => process.exit(0));
      } else if (performance.now() - endingSince > SAME_SIGNAL_MS) {
        process.exit(1);
      }
    });
  }
}

/** Reports the outcome in the log, too. If the new configuration is not valid, the old one stays in force. */
async function reload(server: DyndnsServer, load: () => Config, log: Log): Promise<ReloadResult> {
  try {
    const config = load();
    const restartWarnings = await server.reload(config);
    log.setLevel(config.logLevel);
    for (const warning of config.warnings) log.warn(warning);
    log.info('SIGHUP: the configuration was read again');
    return { outcome: 'reloaded', warnings: [...config.warnings, ...restartWarnings] };
  } catch (error) {
    for (const line of problemsOf(error)) log.error(`SIGHUP: ${line}`);
    log.error('SIGHUP: the configuration stays as it was');
    throw error;
  }
}

function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.lines : [error instanceof Error ? error.message : String(error)];
}

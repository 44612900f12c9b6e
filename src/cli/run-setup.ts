/**
 * Runs the wizard of `dyndns setup` until the server has taken over: in this process, or as the service of an installed
 * package. Shared by `setup` and `serve --setup`.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Config, DnsEndpoint, TcpAddress } from '../config/config.ts';
import { tcpAddress } from '../config/kinds/endpoints.ts';
import { webOrigin } from '../config/kinds/urls.ts';
import { loadConfig, parseConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { AppError, operatorMessage } from '../core/errors.ts';
import { VERSION } from '../server/version.ts';
import { AnswerError, readAnswer } from '../setup/plan/answers.ts';
import type { RunningSetup } from '../setup/setup-server.ts';
import type { StartedServer, StartRequest } from '../setup/wizard.ts';
import { type InitTarget, initTarget } from './init/target.ts';
import { isStartError, programCall, UsageError } from './output.ts';
import { writeSecretFile } from './secret-file.ts';
import { commandEnvironment } from './setup.ts';
import { startService } from './setup-service.ts';

export interface SetupFlags {
  /** The configuration file to write. */
  readonly file?: string | undefined;
  /** `ADDRESS:PORT` of the wizard. */
  readonly listen?: readonly string[] | undefined;
  /** The origin that browsers use, behind a reverse proxy. */
  readonly url?: string | undefined;
  readonly resolver?: DnsEndpoint | undefined;
  readonly nameserverPort?: number | undefined;
}

const DEFAULT_LISTEN = '127.0.0.1:54321';

/** Resolves when the link is printed; the process then lives until a signal, as the wizard and as the server after it. */
export async function runSetup(flags: SetupFlags): Promise<void> {
  const target = initTarget(flags.file, false);
  const file = resolve(target.file);
  if (existsSync(file)) {
    throw new UsageError(
      `The file ${target.file} exists: dyndns is set up. Start the server with '${programCall()} --config ${target.file} serve', or name another file with --file.`,
    );
  }
  const { startSetup } = await import('../setup/setup-server.ts');
  const environment = process.env;
  const listen = listenAddresses(flags.listen, environment['DYNDNS_HTTP_LISTEN']);
  const url = flags.url === undefined ? undefined : readFlag('--url', () => readAnswer(flags.url!, webOrigin));
  const warn = (text: string) => void process.stderr.write(`WARNING: ${text}\n`);
  const cleanup = new Cleanup();
  let setup: RunningSetup | undefined;
  const stop = endOnSignal(() => {
    setup?.close();
    cleanup.run();
  });
  setup = await startSetup({
    listen,
    isDefaultListen: flags.listen === undefined,
    file,
    store: target.store,
    url,
    environment,
    resolver: flags.resolver,
    ...(flags.nameserverPort !== undefined && { nameserverPort: flags.nameserverPort }),
    warn,
    start: (request) => start(request, target, file, cleanup),
  });
  process.stdout.write(startText(setup, file));
  // From now on the server answers signals itself.
  void setup.finished.then(stop);
}

/** Writes the file and starts the server. @throws AppError conflict that says what to do; nothing is then left */
async function start(
  { text, administrator }: StartRequest,
  { group }: InitTarget,
  file: string,
  cleanup: Cleanup,
): Promise<StartedServer> {
  const temporary = `${file}.new`;
  cleanup.add(() => rmSync(temporary, { force: true }));
  try {
    writeSecretFile(temporary, text, group);
    if (group !== undefined) {
      return await startService(administrator, {
        install: () => renameSync(temporary, file),
        remove: () => rmSync(file, { force: true }),
        control: () => loadConfig(file, commandEnvironment()).config.control,
      });
    }
    const started = await startHere(text, administrator, file, cleanup);
    renameSync(temporary, file);
    cleanup.forget();
    return started;
  } catch (error) {
    cleanup.run();
    throw asConflict(error);
  }
}

async function startHere(
  text: string,
  administrator: StartRequest['administrator'],
  file: string,
  cleanup: Cleanup,
): Promise<StartedServer> {
  const { runServer } = await import('./run-server.ts');
  let isFirst = true;
  const load = () => {
    // The file gets its name when the server runs.
    const { config } = isFirst ? parseConfig(text, file, process.env) : loadConfig(file, process.env);
    if (isFirst) cleanup.add(newDataFiles(config));
    isFirst = false;
    return config;
  };
  const { server } = await runServer(load);
  try {
    const url = await server.createFirst(administrator);
    return { addresses: server.addresses, fragment: new URL(url).hash.slice(1) };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** What to undo if the start fails, or if a signal ends it. */
class Cleanup {
  #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  forget(): void {
    this.#steps = [];
  }

  run(): void {
    for (const step of this.#steps.splice(0).reverse()) step();
  }
}

/** @returns removes the files of the databases that are not there now */
function newDataFiles({ store, dns }: Config): () => void {
  const databases = [store?.kind === 'sqlite' ? store.path : undefined, dns?.database].filter(
    (path) => path !== undefined,
  );
  const before = new Set(databases.flatMap(filesOf));
  return () => {
    for (const path of databases.flatMap(filesOf)) if (!before.has(path)) rmSync(path, { force: true });
  };
}

/** A database and the files next to it whose names begin with its name. */
function filesOf(database: string): readonly string[] {
  const folder = dirname(database);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.startsWith(basename(database)));
  return names.map((name) => join(folder, name));
}

/** Errors that tell the operator what to do, for the page. */
function asConflict(error: unknown): unknown {
  if (error instanceof AppError) return new AppError('conflict', operatorMessage(error), { cause: error });
  const isExpected = error instanceof ConfigError || error instanceof UsageError || isStartError(error);
  return isExpected ? new AppError('conflict', error.message, { cause: error }) : error;
}

/** @param variable DYNDNS_HTTP_LISTEN, by which an image opens the port that it publishes */
function listenAddresses(flags: readonly string[] | undefined, variable: string | undefined): readonly TcpAddress[] {
  if (flags !== undefined) return flags.map((text) => readFlag('--listen', () => readAnswer(text, tcpAddress)));
  const texts = variable?.split(',').map((text) => text.trim()) ?? [];
  const fromVariable = texts.flatMap((text) => tcpAddress.parse(text) ?? []);
  return fromVariable.length > 0 ? fromVariable : [tcpAddress.parse(DEFAULT_LISTEN)!];
}

/** @throws UsageError */
function readFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AnswerError) throw new UsageError(`${flag}: ${error.message}`);
    throw error;
  }
}

function startText({ link, addresses }: RunningSetup, file: string): string {
  const { port } = addresses[0]!;
  const elsewhere = link.startsWith('http://127.')
    ? `From another machine, first run there: ssh -L ${port}:127.0.0.1:${port} USER@THIS-MACHINE\n`
    : '';
  return `dyndns ${VERSION}: open this link in a browser to set up the server. It can be used once.

  ${link}

${elsewhere}The last step writes ${file} and starts the server. Ctrl-C before that ends the setup and leaves nothing behind.
`;
}

const INTERRUPTED = 130;

/** @returns ends this: from then on signals are others' business */
function endOnSignal(undo: () => void): () => void {
  const handlers = { SIGINT: INTERRUPTED, SIGTERM: 0 } as const;
  const listeners = Object.entries(handlers).map(([signal, code]) => {
    const listener = () => {
      undo();
      process.exit(code);
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

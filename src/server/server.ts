/**
 * The composition root. `startServer` opens what outlives every reload (store, nameserver, listeners, workers) and builds
 * the first generation. A reload builds the next generation, swaps it in, and closes the old one after the grace time.
 */
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/problem.ts';
import { ControlSocket } from '../control/socket-server.ts';
import { GuessBudget } from '../core/access/guess-budget.ts';
import type { ReloadResult } from '../core/admin/server-operations.ts';
import { AppError, errorStack } from '../core/errors.ts';
import { NoticeMaker } from '../core/notices/notices.ts';
import type { Observer } from '../core/observer.ts';
import type { StoreProblem } from '../core/store.ts';
import { TicketKeys } from '../core/ticket-keys.ts';
import { applyUpdate, recordUpdates } from '../core/updates/dns-update.ts';
import { UpdateQueue } from '../core/updates/update-queue.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import { buildApp, makeRequestIds } from '../http/app/app.ts';
import { ListenError } from '../http/app/listen.ts';
import { HttpListeners } from '../http/app/listeners.ts';
import { MetricsListener } from '../http/app/metrics-listener.ts';
import { DnsListenError } from '../nameserver/sockets/listeners.ts';
import type { Log } from '../observe/log.ts';
import { combineObservers } from '../observe/observers.ts';
import { OwnCertificate, shownCertificate } from './certificate.ts';
import type { FirstAdministrator } from './control-calls.ts';
import { shareConnections, softDescriptorLimit } from './descriptors.ts';
import { buildGeneration, type EmbeddedServer, type Generation, type GenerationParts } from './generation.ts';
import { loadDoors } from './http-doors.ts';
import { loadOnce } from './load-once.ts';
import { type MonitoredParts, ServerMonitoring } from './monitoring.ts';
import { unreachableNames } from './reachable-names.ts';
import { ReloadQueue } from './reload-queue.ts';
import { keepUntilRestart } from './restart-options.ts';
import { refuseSigningChanges } from './signing-change.ts';
import { asStartError, StartError } from './start-error.ts';
import { openState } from './state.ts';
import { timers } from './system-timers.ts';
import { closeWebhooks, configureWebhooks } from './webhooks.ts';
import { makeWorkers } from './workers.ts';

export interface RunningServer {
  /** Where it serves HTTP. */
  readonly addresses: readonly string[];
  /** Where it serves metrics without a credential, if it does. */
  readonly metricsAddress: string | undefined;
  /** The path of the control socket; undefined if none is open. */
  readonly controlPath: string | undefined;
  /** Where it serves DNS; empty without an embedded zone. */
  readonly dnsAddresses: readonly string[];
  /**
   * Reads the configuration again and puts it in force; writes the outcome to the log. Reloads run one at a time, and the
   * outcome is that of a reload that began after this call.
   * @throws AppError request-malformed with a line for each problem, store-unreachable, internal; the old configuration
   *   is then still in force, unchanged
   */
  reload(): Promise<ReloadResult>;
  /**
   * The link by which the first user becomes an admin, new at each call. It is a secret: for a terminal, not for a log. Undefined: there
   * are users, or there is no dashboard. @throws AppError conflict, store-unreachable
   */
  inviteFirst(): Promise<string | undefined>;
  /**
   * Makes the first user, an admin, with a password. @returns a link that signs the user in, once
   * @throws AppError conflict, store-unreachable; InputError
   */
  createFirst(administrator: FirstAdministrator): Promise<string>;
  /** Resolves when a part died that the server cannot do without: why, as full sentences. The process must then end. */
  readonly died: Promise<string>;
  /** Answers requests in flight, then closes everything. */
  close(): Promise<void>;
}

/** Between the end of a reload and the start of the next one. */
const RELOAD_PAUSE_MS = 100;

/** Number of entries in the default of `dns.listen`. */
const USUAL_DNS_LISTENERS = 2;

/** Errors of the listeners that this file opens. */
const LISTEN_ERRORS = [
  [ListenError, 'listen'],
  [DnsListenError, 'listen'],
] as const;

/**
 * Resolves when HTTP and DNS are served. If it fails, everything is closed again.
 * @param load reads the configuration for a reload. @throws ConfigError
 * @param onStatus called with a sentence when it serves, and when that changes
 * @throws StartError, AppError store-unreachable
 */
export async function startServer(
  config: Config,
  log: Log,
  load: () => Config,
  onStatus: (text: string) => void = () => undefined,
): Promise<RunningServer> {
  const closers: Closers = [];
  try {
    return await openServer(config, log, load, onStatus, closers);
  } catch (error) {
    await closeAll(closers);
    throw asStartError(error, LISTEN_ERRORS);
  }
}

/** What closes the open parts; the last one opened is closed first. */
type Closers = (() => unknown)[];

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

async function openServer(
  config: Config,
  log: Log,
  load: () => Config,
  onStatus: (text: string) => void,
  closers: Closers,
): Promise<RunningServer> {
  const startedMs = performance.now();
  const warn = (text: string) => log.warn(text);
  const monitoring = new ServerMonitoring(config, log);
  const observer = combineObservers(log, monitoring.activity);
  const current = () => generations.current;
  const nextRequestId = makeRequestIds();
  const routing = {
    services: () => generations.current.services,
    trust: () => current().config.http,
    observer,
    nextRequestId,
  };
  const { doors, endStreams } = await loadDoors(config, {
    current,
    calls: () => operations,
    observer,
    nextRequestId,
    signInByOidc: async (...signIn) => (await controlCalls()).signInByOidc(...signIn),
    state: () => state,
  });
  const isSeparate = config.admin !== undefined && config.admin.listen.length > 0;
  const app = buildApp({ ...routing, doors: isSeparate ? [] : doors });
  closers.push(() => app.close());
  await app.ready();
  const adminApp = isSeparate ? buildApp({ ...routing, doors, hasProtocols: false }) : undefined;
  if (adminApp !== undefined) {
    closers.push(() => adminApp.close());
    await adminApp.ready();
  }
  // A reload may add embedded zones, but the listeners of DNS and HTTP are those of the start.
  const shares = shareConnections(softDescriptorLimit(), config.dns?.listen.length ?? USUAL_DNS_LISTENERS);
  const metrics = new MetricsListener(monitoring, warn, () => ({ total: shares.metrics, perSource: 0, exempt: [] }));
  closers.push(() => metrics.close(0));
  if (config.metrics !== undefined) {
    await monitoring.prepare();
    await metrics.open(config.metrics.listen, config.http);
  }

  let onDeath!: (error: Error) => void;
  const died = new Promise<string>((resolve) => {
    onDeath = ({ message }) => resolve(deathText(message));
  });
  let isServing = false;
  const reportStatus = () => {
    if (isServing) onStatus(statusText(current().config, state.store?.problem?.()));
  };
  const state = await openState(config, warn, {
    onDeath,
    onChange: (problem) => {
      if (problem === undefined) log.info('The store answers again.');
      else warn(`The store does not answer. ${problem.text}`);
      reportStatus();
    },
  });
  closers.push(() => state.close());
  const queue = new UpdateQueue(
    () => current().limits,
    () => performance.now(),
  );
  const noticeMaker = new NoticeMaker(() => current().notices);
  const workers = makeWorkers(
    { state, queue, noticeMaker, warn, activity: monitoring.activity, current },
    config.store,
  );
  const parts: GenerationParts = {
    observer,
    monitoring,
    state,
    queue,
    updates: workers.updates,
    textLog: workers.textLog,
    guesses: new GuessBudget(() => performance.now()),
    ended: async (edits) => workers.pending?.updated(edits),
    noticeMaker,
    onDeath,
    applyUpdate: recordUpdates(applyUpdate, () => {
      const { recorder, zones } = current();
      const { pending } = workers;
      return {
        record: recorder && ((event) => recorder.record(event)),
        updated: pending && ((edits) => pending.updated(edits)),
        recall: ({ zone }, ownerName) => zones.findByApex(zone.apex)?.publisher.recall(ownerName),
        now: Date.now,
      };
    }),
    onServed: (receipt) => {
      if (current().config.historyDays > 0) state.recorder?.served(receipt);
    },
  };

  const certificate = new OwnCertificate({
    config: () => current().config,
    zones: () => current().zones,
    observer,
    changed: () => listeners.prepareTls(current().config.http)(),
  });
  const listeners = new HttpListeners({
    ownPairs: () => certificate.served,
    limits: () => {
      const { limits, http } = current().config;
      return { total: shares.http, perSource: limits.connectionsPerSource, exempt: http.trustedProxies };
    },
    onFault: (error) => warn(`HTTP: ${errorStack(error)}`),
  });
  const ticketKeys = new TicketKeys({
    store: state.ticketKeys,
    use: (secret) => listeners.useTicketKey(secret),
    clock: () => performance.now(),
    timers,
  });
  const listenDns = (embedded: EmbeddedServer | undefined) => listenForDns(embedded, shares.dns);
  const generations = new Generations(
    { parts, certificate, listeners, log, load, listenDns },
    await buildGeneration(config, parts),
  );
  const reload = () => generations.reload().finally(reportStatus);
  const controlCalls = loadOnce(async () => {
    const { ControlCalls } = await import('./control-calls.ts');
    return new ControlCalls({ current, reload, state, listeners, certificate, startedMs, warn });
  });
  const operations: OperationCalls = {
    call: async (name, input, context) => (await controlCalls()).call(name, input, context),
  };
  const control = new ControlSocket({ operations, observer });
  const monitored: MonitoredParts = {
    store: state.store,
    nameserver: () => current().embedded?.nameserver,
    waitingUpdates: () => queue.waiting,
    certificateEnd: () => shownCertificate(listeners, certificate, current().config).certificate,
  };
  closers.push(() => closeWebhooks(current().webhooks));
  closers.push(() => current().embedded?.nameserver.close());
  closers.push(() => workers.close());
  closers.push(() => current().closeConnections());
  closers.push(() => generations.close());
  closers.push(() => {
    const graceMs = graceOf(current());
    return Promise.all([certificate.close(), listeners.close(graceMs), control.close(graceMs)]);
  });
  closers.push(() => ticketKeys.close());
  closers.push(() => endStreams());
  // Requests that wait for secondaries must not hold up the end.
  closers.push(() => current().embedded?.nameserver.stopWaiting());

  workers.start();
  const { tls, acme } = config.http;
  const hasTicketKey = tls === undefined && acme === undefined ? undefined : ticketKeys.start();
  await listenDns(current().embedded);
  const controlPath = await openControl(control, config, observer);
  certificate.adopt(await certificate.prepare(config));
  await hasTicketKey;
  await listeners.open(config.http, app.routing);
  if (adminApp !== undefined) {
    await listeners.open({ ...config.http, listen: config.admin!.listen }, adminApp.routing, 'admin.listen');
  }
  monitoring.enter({ kind: 'serving', parts: monitored });
  certificate.start();
  isServing = true;
  reportStatus();
  void warnOfUnreachableNames(config, current, warn);
  let closing: Promise<void> | undefined;
  return {
    addresses: listeners.addresses,
    metricsAddress: metrics.address,
    controlPath,
    get dnsAddresses() {
      return current().embedded?.nameserver.addresses ?? [];
    },
    reload,
    inviteFirst: async () => {
      if (current().config.admin === undefined) return undefined;
      return (await controlCalls()).inviteFirst();
    },
    createFirst: async (administrator) => (await controlCalls()).createFirst(administrator),
    died,
    close: () => {
      monitoring.enter({ kind: 'ending', parts: monitored });
      closing ??= closeAll(closers);
      return closing;
    },
  };
}

/** For the service manager. */
function statusText({ zones }: Config, problem: StoreProblem | undefined): string {
  const served = `Serves ${zones.length} ${zones.length === 1 ? 'zone' : 'zones'}`;
  return problem === undefined ? `${served}.` : `${served}, but the store does not answer. ${problem.text}`;
}

/** Not awaited by a start: the resolver may be slow. */
async function warnOfUnreachableNames(
  config: Config,
  current: () => Generation,
  warn: (text: string) => void,
): Promise<void> {
  try {
    const found = await unreachableNames(config, async (name, apex) => {
      const publisher = current().zones.findByApex(apex)?.publisher;
      const read = await publisher?.read(name, performance.now() + graceOf(current()));
      return read?.kind === 'addresses' ? [...read.published.A.addresses, ...read.published.AAAA.addresses] : undefined;
    });
    for (const text of found) warn(text);
  } catch {
    // A zone that is not served has been reported.
  }
}

/** @param what a clause */
function deathText(what: string): string {
  return (
    `${what[0]?.toUpperCase()}${what.slice(1)}. Changes in flight were answered as unknown, and no more can be stored: the server ends, so that its supervisor starts it again. ` +
    'If that happens again, check the memory of the machine and the disk of the database (system log), and report it.'
  );
}

/** How long requests in flight may take, in ms. */
function graceOf({ limits }: Generation): number {
  return limits.timeoutMs + 1000;
}

/**
 * A default control socket that cannot be opened is a warning: the operator did not set one.
 * @returns the path of the open socket
 * @throws ListenError
 */
async function openControl(
  socket: ControlSocket,
  { control, controlIsDefault }: Config,
  observer: Observer,
): Promise<string | undefined> {
  if (control === undefined) return undefined;
  try {
    await socket.open(control);
    return control;
  } catch (error) {
    if (!controlIsDefault || !(error instanceof ListenError)) throw error;
    observer.warn(`${error.message} The server runs without a control socket; 'control' sets another path.`);
    return undefined;
  }
}

/** @param connections the most of each entry of `dns.listen` over TCP @throws DnsListenError */
async function listenForDns(embedded: EmbeddedServer | undefined, connections: number): Promise<void> {
  if (embedded === undefined) return;
  const { listen, listenIsDefault, threads } = embedded.dns;
  await embedded.nameserver.listen(listen, listenIsDefault, { connections, threads });
}

interface ReloadParts {
  readonly parts: GenerationParts;
  readonly certificate: OwnCertificate;
  readonly listeners: HttpListeners;
  readonly log: Log;
  readonly load: () => Config;
  /** See listenForDns. */
  readonly listenDns: (embedded: EmbeddedServer | undefined) => Promise<void>;
}

/** The generation in force, and its replacement on reload. */
class Generations {
  readonly #parts: ReloadParts;
  readonly #queue = new ReloadQueue(
    () => this.#reload(),
    () => new Promise((resolve) => setTimeout(resolve, RELOAD_PAUSE_MS)),
  );
  #current: Generation;
  #isClosed = false;

  constructor(parts: ReloadParts, first: Generation) {
    this.#parts = parts;
    this.#current = first;
    if (first.webhooks !== undefined) configureWebhooks(first.webhooks, first.config.webhooks);
  }

  get current(): Generation {
    return this.#current;
  }

  /** See RunningServer. */
  reload(): Promise<ReloadResult> {
    return this.#queue.request();
  }

  /** No reload takes effect any more; resolves when none runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.idle();
  }

  async #reload(): Promise<ReloadResult> {
    const { log, load } = this.#parts;
    try {
      const { logLevel, warnings } = await this.#replace(load());
      log.setLevel(logLevel);
      for (const warning of warnings) log.warn(warning);
      log.info('Configuration reloaded.');
      return { outcome: 'reloaded', warnings };
    } catch (error) {
      const reloadError = asReloadError(error);
      const text = reloadError.code === 'internal' ? errorStack(error) : reloadError.message;
      for (const line of text.split('\n')) log.error(`Reload: ${line}`);
      log.error('Reload failed: the old configuration stays in force.');
      throw reloadError;
    }
  }

  /** Everything that can fail comes first; the swap itself is synchronous and cannot. */
  async #replace(file: Config): Promise<Pick<Config, 'logLevel' | 'warnings'>> {
    const { parts, certificate, listeners, listenDns } = this.#parts;
    this.#checkOpen();
    const old = this.#current;
    const running = { ...old.config, ...(old.embedded && { dns: old.embedded.dns }) };
    refuseSigningChanges(file, running, (apex) => old.embedded?.nameserver.algorithmsOf(apex));
    const { config, warnings } = keepUntilRestart(file, running);
    const ownCertificate = await certificate.prepare(config);
    const useTlsFiles = config.http.tls && listeners.prepareTls(config.http);
    const next = await buildGeneration(config, parts, old);
    try {
      if (next.embedded !== old.embedded) await listenDns(next.embedded);
      this.#checkOpen();
    } catch (error) {
      if (next.embedded !== old.embedded) await next.embedded?.nameserver.close();
      throw error;
    }

    this.#current = next;
    if (next.webhooks !== undefined) configureWebhooks(next.webhooks, config.webhooks);
    certificate.adopt(ownCertificate);
    useTlsFiles?.();
    if (config.http.acme !== undefined) listeners.prepareTls(config.http)();
    // Requests in flight use the old connections until their deadline.
    setTimeout(() => old.closeConnections(), Math.max(graceOf(old), graceOf(next))).unref();
    return { logLevel: config.logLevel, warnings: [...warnings, ...config.warnings] };
  }

  /** @throws AppError */
  #checkOpen(): void {
    if (this.#isClosed) throw new AppError('request-malformed', 'The server is shutting down.');
  }
}

/** Why a reload failed, for the operator. */
function asReloadError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const converted = asStartError(error, LISTEN_ERRORS);
  if (converted instanceof ConfigError || converted instanceof StartError) {
    return new AppError('request-malformed', converted.message, { cause: error });
  }
  return new AppError('internal', 'internal error', { cause: error });
}

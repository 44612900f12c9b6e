/**
 * The composition root: configuration -> adapters -> use-cases -> listeners, and the orderly way back.
 * A reload builds everything anew behind the open listeners; what is under way ends on the old parts.
 */

import { type Config, SWITCHED_PROTOCOLS } from '../config/config.ts';
import { operationsInProcess } from '../control/in-process.ts';
import { ControlSocket } from '../control/socket-server.ts';
import { Authenticator } from '../core/access/authenticate.ts';
import type { Administration } from '../core/admin/administration.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import type { ReloadResult, ServerStatus } from '../core/admin/server-operations.ts';
import type { ZoneAdmin } from '../core/admin/zone-admin.ts';
import type { Observer } from '../core/observer.ts';
import { recordUpdates } from '../core/updates/dns-update.ts';
import { UpdateAddresses } from '../core/updates/update-addresses.ts';
import { UpdateHost } from '../core/updates/update-host.ts';
import { type UpdateLimits, UpdateQueue } from '../core/updates/update-queue.ts';
import { UpdateRecord } from '../core/updates/update-record.ts';
import { UpdateTexts } from '../core/updates/update-texts.ts';
import { CheckZones } from '../core/zones/check-zones.ts';
import { ZoneTable } from '../core/zones/zone.ts';
import { buildApp } from '../http/app/app.ts';
import { ListenError } from '../http/app/listen.ts';
import { HttpListeners } from '../http/app/listeners.ts';
import { MetricsListener } from '../http/app/metrics-listener.ts';
import type { Services } from '../http/request/door.ts';
import { GuessLimiter } from '../http/request/guess-limiter.ts';
import { makeClientAdmin } from './admin.ts';
import { OpenCertificate } from './certificate.ts';
import { ServerMonitoring } from './monitoring.ts';
import {
  type ClientParts,
  type ClientServices,
  makeClientServices,
  type OpenClients,
  openClients,
  storeCopy,
  updateLimits,
} from './state.ts';
import { VERSION } from './version.ts';
import { type OpenZones, openZones } from './zones.ts';

export class DyndnsServer {
  readonly #observer: Observer;
  readonly #app: ReturnType<typeof buildApp>;
  readonly #certificate: OpenCertificate;
  readonly #listeners: HttpListeners;
  readonly #guesses = new GuessLimiter();
  readonly #queue: UpdateQueue;
  readonly #checks: CheckZones;
  readonly #control: ControlSocket;
  readonly #startedMs = performance.now();
  readonly #clientParts: ClientParts;
  readonly #monitoring: ServerMonitoring;
  readonly #metricsListener: MetricsListener;
  #isServing = false;
  #controlPath: string | undefined;
  #config: Config;
  #limits: UpdateLimits;
  #zones: OpenZones | undefined;
  #clients: OpenClients | undefined;
  #clientServices: ClientServices | undefined;
  #services: Services;

  /** @param reload reads the configuration and calls `reload`; for the operation of this name. @throws AppError */
  constructor(config: Config, log: Observer, reload: () => Promise<ReloadResult>) {
    this.#config = config;
    this.#limits = updateLimits(config);
    this.#monitoring = new ServerMonitoring(config, {
      isServing: () => this.#isServing,
      nameserver: () => this.#zones?.nameserver,
      store: () => this.#clients?.store,
      waitingUpdates: () => this.#queue.waiting,
      certificateEnd: () => this.#shownCertificate().certificate,
    });
    const observer = this.#monitoring.beside(log);
    this.#observer = observer;
    this.#certificate = new OpenCertificate({
      config: () => this.#config,
      zones: () => this.#services.zones,
      observer,
      changed: () => this.#listeners.reloadTls(this.#config.http),
    });
    this.#listeners = new HttpListeners(() => this.#certificate.served);
    this.#metricsListener = new MetricsListener(this.#monitoring, (text) => log.warn(text));
    const clock = () => performance.now();
    this.#queue = new UpdateQueue(() => this.#limits, clock);
    this.#checks = new CheckZones(() => this.#limits.timeoutMs, clock);
    this.#clientParts = {
      config: () => this.#config,
      zones: () => this.#services.zones,
      hosts: () => this.#clientServices?.hosts,
      queue: this.#queue,
      observer,
      onOutcome: (protocol, outcome) => this.#monitoring.activity.addressesUpdated(protocol, outcome),
      onDelivery: (webhook, outcome) => this.#monitoring.activity.webhookCalled(webhook, outcome),
    };
    this.#services = this.#makeServices();
    this.#app = buildApp({
      services: () => this.#services,
      trust: () => this.#config.http,
      observer,
    });
    this.#control = new ControlSocket({ operations: this.#operations(reload), observer });
  }

  /** Where it serves HTTP. */
  get addresses(): readonly string[] {
    return this.#listeners.addresses;
  }

  /** Where it serves metrics without a credential, if it does. */
  get metricsAddress(): string | undefined {
    return this.#metricsListener.address;
  }

  /** Where it serves DNS, if a zone is embedded. */
  get dnsAddresses(): readonly string[] {
    return this.#zones?.nameserver?.addresses ?? [];
  }

  /** The open control socket. */
  get controlPath(): string | undefined {
    return this.#controlPath;
  }

  /**
   * Opens the store, the zones, then DNS, the control socket and HTTP.
   * @throws ListenError, AcmeError, DnsListenError, DatabaseLockedError, SqliteError, SchemaError, StaticConflict, ZoneFileError;
   *   AppError store-unreachable
   */
  async start(): Promise<void> {
    try {
      await this.#app.ready();
      if (this.#config.metrics !== undefined) {
        await this.#monitoring.prepare();
        await this.#metricsListener.open(this.#config.metrics.listen, this.#config.http);
      }
      this.#clients = await openClients(this.#clientParts);
      this.#zones = await openZones(this.#config, this.#observer, undefined, this.#remember);
      this.#clientServices = await makeClientServices(this.#clients, this.#clientParts);
      this.#services = this.#makeServices();
      this.#clients.pending?.start();
      this.#clients.textKeeper.start();
      this.#clients.watch?.start();
      await this.#listenForDns(this.#zones);
      await this.#openControl();
      this.#certificate.adopt(await this.#certificate.prepare(this.#config));
      await this.#listeners.open(this.#config.http, this.#app.routing);
      this.#isServing = true;
      this.#certificate.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** A default control socket that cannot be opened is a warning: the operator did not ask for one. */
  async #openControl(): Promise<void> {
    const { control, controlIsDefault } = this.#config;
    if (control === undefined) return;
    try {
      await this.#control.open(control);
      this.#controlPath = control;
    } catch (error) {
      if (!controlIsDefault || !(error instanceof ListenError)) throw error;
      this.#observer.warn(`${error.message} The server runs without a control socket; 'control' sets another path.`);
    }
  }

  async #listenForDns({ nameserver }: OpenZones): Promise<void> {
    const { dns } = this.#config;
    if (nameserver !== undefined && dns !== undefined && nameserver.addresses.length === 0) {
      await nameserver.listen(dns.listen, dns.listenIsDefault);
    }
  }

  /**
   * Puts another configuration in force. Listen addresses stay as they are until the next start. Returns warnings about
   * options that need a restart.
   * @throws ListenError when the TLS files cannot be used, and what `start` throws for embedded zones; then the old one
   * stays
   */
  async reload(config: Config): Promise<readonly string[]> {
    const warnings: string[] = [];
    const warn = (text: string) => {
      warnings.push(text);
      this.#observer.warn(text);
    };
    // First what can fail: nothing else is in force then.
    const certificate = await this.#certificate.prepare(config);
    if (config.http.tls !== undefined) this.#listeners.reloadTls(config.http);
    if (JSON.stringify(config.http.listen) !== JSON.stringify(this.#config.http.listen)) {
      warn("A change of 'http.listen' takes effect at the next start.");
    }
    if (config.control !== this.#config.control) {
      warn("A change of 'control' takes effect at the next start.");
    }
    if (JSON.stringify(config.metrics) !== JSON.stringify(this.#config.metrics)) {
      warn("A change of 'metrics.listen' takes effect at the next start.");
    }
    const old = this.#zones;
    const zones = await openZones(config, this.#observer, old?.nameserver, this.#remember);
    this.#warnOfDns(config, warn);
    if (JSON.stringify(config.store) !== JSON.stringify(this.#config.store)) {
      warn("A change of 'store' takes effect at the next start.");
    }
    const graceMs = Math.max(updateLimits(this.#config).timeoutMs, updateLimits(config).timeoutMs) + 1000;
    this.#zones = zones;
    const { store } = this.#config;
    this.#config = {
      ...config,
      http: { ...config.http, listen: this.#config.http.listen },
      ...(store && { store }),
    };
    if (this.#clients !== undefined) {
      this.#clientServices = await makeClientServices(this.#clients, this.#clientParts);
    }
    this.#limits = updateLimits(config);
    this.#checks.forget();
    this.#services = this.#makeServices();
    this.#certificate.adopt(certificate);
    if (config.http.acme !== undefined) this.#listeners.reloadTls(config.http);
    // What is under way has its old connections until its deadline.
    setTimeout(() => old?.closeConnections(), graceMs).unref();
    await this.#listenForDns(zones);
    return warnings;
  }

  #warnOfDns({ dns }: Config, warn: (text: string) => void): void {
    const old = this.#config.dns;
    if (old === undefined || dns === undefined) return;
    for (const option of ['listen', 'database'] as const) {
      if (JSON.stringify(dns[option]) !== JSON.stringify(old[option])) {
        warn(`A change of 'dns.${option}' takes effect at the next start.`);
      }
    }
  }

  /** Answers what is under way, then ends all connections. */
  async close(): Promise<void> {
    this.#isServing = false;
    const certificateClosed = this.#certificate.close();
    const graceMs = updateLimits(this.#config).timeoutMs + 1000;
    await Promise.all([this.#listeners.close(graceMs), this.#control.close(graceMs)]);
    await certificateClosed;
    this.#zones?.closeConnections();
    await this.#clients?.close();
    await this.#zones?.nameserver?.close();
    await this.#metricsListener.close(0);
    await this.#app.close();
  }

  readonly #remember = (apply: Parameters<typeof recordUpdates>[0]) =>
    recordUpdates(apply, () => {
      const { events, pending } = this.#clients ?? {};
      const recorder = events?.();
      return {
        record: recorder && ((event) => recorder.record(event)),
        updated: pending && ((edits) => pending.updated(edits)),
        recall: ({ zone }, ownerName) => this.#services.zones.findByApex(zone.apex)?.publisher.recall(ownerName),
        now: Date.now,
      };
    });

  #operations(reload: () => Promise<ReloadResult>) {
    return operationsInProcess({
      services: () => this.#services,
      zoneAdmin: () => this.#zoneAdmin(),
      administration: () => this.#administration(),
      server: { status: () => this.#status(), reload },
    });
  }

  #zoneAdmin(): ZoneAdmin | undefined {
    const admin = this.#zones?.nameserver?.admin;
    return admin && withStoreBackup(admin, storeCopy(this.#config, this.#clients?.store));
  }

  #administration(): Administration {
    const { store, recorder, uses } = this.#clients ?? {};
    const directory = this.#clientServices?.hosts;
    return makeClientAdmin(this.#config, { store, recorder, uses, directory, zones: () => this.#services.zones });
  }

  async #status(): Promise<ServerStatus> {
    const remote = this.#config.zones.filter(({ primary }) => primary.kind === 'remote');
    return {
      version: VERSION,
      pid: process.pid,
      ...(this.#config.file !== undefined && { configFile: this.#config.file }),
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1000),
      http: this.addresses,
      dns: this.dnsAddresses,
      ...this.#shownCertificate(),
      embedded: (await this.#zones?.nameserver?.admin.zones()) ?? [],
      remote: remote.map(({ apex }) => apex.toString()),
      webhooks: this.#clients?.notices.states() ?? [],
      ...(await this.#administration().history.pendingStatus()),
    };
  }

  /** Without an end where it is one that clients do not trust yet. */
  #shownCertificate(): Pick<ServerStatus, 'certificate'> {
    const { certificate } = this.#listeners;
    if (certificate === undefined) return {};
    const { names, endMs } = certificate;
    const isTrusted = this.#config.http.acme === undefined || this.#certificate.isIssued;
    return { certificate: { names, ...(isTrusted && { ends: new Date(endMs).toISOString() }) } };
  }

  #makeServices(): Services {
    const record = this.#clientServices?.record ?? new UpdateRecord({ now: Date.now });
    const queue = this.#queue;
    return {
      version: VERSION,
      zones: this.#zones?.table ?? new ZoneTable([]),
      authenticator: this.#clientServices?.authenticator ?? new Authenticator({ now: Date.now }),
      guesses: this.#guesses,
      record,
      updates: this.#clientServices?.updates ?? new UpdateHost(new UpdateAddresses(queue), record),
      texts: this.#clientServices?.texts ?? new UpdateTexts({ queue, record, removeAfterSeconds: () => 60 }),
      acmeDns: this.#clientServices?.acmeDns,
      protocolsOff: new Set(SWITCHED_PROTOCOLS.filter((name) => !this.#config.protocols[name])),
      checks: this.#checks,
      unspecifiedFamily: this.#config.unspecifiedFamily,
      checkIsOpen: this.#config.check === 'open',
      monitoring: this.#monitoring,
    };
  }
}

/**
 * The composition root: configuration -> adapters -> use-cases -> listeners, and the orderly way back.
 * A reload builds everything anew behind the open listeners; what is under way ends on the old parts.
 */
import type { Config, RemotePrimary, ZoneConfig } from './config/config.ts';
import { Authenticator } from './core/authenticate.ts';
import { CheckZones } from './core/check-zones.ts';
import type { Observer, ZonePublisher } from './core/ports.ts';
import { UpdateAddresses, type UpdateLimits } from './core/update-addresses.ts';
import { type Zone, ZoneTable } from './core/zone.ts';
import { makeTsigKey } from './dns/tsig.ts';
import { buildApp } from './http/app.ts';
import type { Services } from './http/door.ts';
import { GuessLimiter } from './http/limits.ts';
import { HttpListeners } from './http/listeners.ts';
import { type Exchanger, formatEndpoint } from './net/exchange.ts';
import { TcpExchanger } from './net/tcp.ts';
import { TcpPool } from './net/tcp-pool.ts';
import { UdpExchanger } from './net/udp.ts';
import { PrimaryPublisher } from './primary/publisher.ts';
import { VERSION } from './version.ts';

/** Requests that may wait for a primary at the same time; beyond that clients are told to come back. */
const MAX_WAITING = 10_000;

/** The zones of a configuration with publishers that reach their primaries. */
export interface OpenZones {
  readonly table: ZoneTable;
  close(): void;
}

/** Connections are opened at the first use: a start does not need the primaries to be up. */
export function openZones(config: Config, observer: Observer): OpenZones {
  const exchangers = new Map<string, { reads: Exchanger; updates: Exchanger }>();
  const connect = (primary: RemotePrimary) => {
    const endpoint = { host: primary.host.text, port: primary.port };
    const id = `${primary.transport} ${formatEndpoint(endpoint)}`;
    const known = exchangers.get(id);
    if (known !== undefined) return { endpoint, ...known };
    const made =
      primary.transport === 'udp'
        ? { reads: new UdpExchanger(endpoint), updates: new UdpExchanger(endpoint) }
        : { reads: new TcpPool(endpoint), updates: new TcpExchanger(endpoint) };
    exchangers.set(id, made);
    return { endpoint, ...made };
  };
  const publisherOf = ({ apex, primary }: ZoneConfig): ZonePublisher => {
    if (primary.kind === 'embedded') throw new Error('not yet');
    const { tsigKey } = primary;
    return new PrimaryPublisher({
      zone: apex,
      key: makeTsigKey(tsigKey.name, tsigKey.algorithm, tsigKey.secret.reveal()),
      // Without a connection an answer could be forged by someone who guesses port and id.
      signedReads: primary.signedReads || primary.transport === 'udp',
      now: () => Math.floor(Date.now() / 1000),
      onBatch: (changes, outcome) => observer.batchPublished({ zone: apex, changes, outcome }),
      ...connect(primary),
    });
  };
  const zones = config.zones.map(
    (zone): Zone => ({
      apex: zone.apex,
      publisher: publisherOf(zone),
      ttl: zone.ttl,
      apexAllowed: zone.apexAllowed,
      wildcardAllowed: zone.wildcardAllowed,
      reserved: new Set(zone.reserved.map((name) => name.key)),
      addresses: zone.addresses,
      emptyValue: zone.emptyValue,
    }),
  );
  return {
    table: new ZoneTable(zones),
    close: () => {
      for (const { reads, updates } of exchangers.values()) {
        reads.close();
        updates.close();
      }
    },
  };
}

export function updateLimits(config: Config): UpdateLimits {
  return { timeoutMs: config.nameserverTimeoutSeconds * 1000, maxWaiting: MAX_WAITING };
}

export class DyndnsServer {
  readonly #observer: Observer;
  readonly #app: ReturnType<typeof buildApp>;
  readonly #listeners = new HttpListeners();
  readonly #guesses = new GuessLimiter();
  readonly #updates: UpdateAddresses;
  readonly #checks: CheckZones;
  #config: Config;
  #zones: OpenZones;
  #services: Services;

  constructor(config: Config, observer: Observer) {
    this.#config = config;
    this.#observer = observer;
    this.#updates = new UpdateAddresses(updateLimits(config));
    this.#checks = new CheckZones(updateLimits(config).timeoutMs);
    this.#zones = openZones(config, observer);
    this.#services = this.#makeServices();
    this.#app = buildApp({
      services: () => this.#services,
      trust: () => this.#config.http,
      observer,
    });
  }

  /** Where it listens. */
  get addresses(): readonly string[] {
    return this.#listeners.addresses;
  }

  /** @throws ListenError */
  async start(): Promise<void> {
    await this.#app.ready();
    await this.#listeners.open(this.#config.http, this.#app.routing);
  }

  /**
   * Puts another configuration in force. Listen addresses stay as they are until the next start.
   * @throws ListenError when the TLS files cannot be used; then the old one stays as a whole
   */
  reload(config: Config): void {
    // First what can fail: nothing else is in force then.
    if (config.http.tls !== undefined) this.#listeners.reloadTls(config.http);
    if (JSON.stringify(config.http.listen) !== JSON.stringify(this.#config.http.listen)) {
      this.#observer.warn("A change of 'http.listen' takes effect at the next start.");
    }
    const old = this.#zones;
    const graceMs = Math.max(updateLimits(this.#config).timeoutMs, updateLimits(config).timeoutMs) + 1000;
    this.#zones = openZones(config, this.#observer);
    this.#config = { ...config, http: { ...config.http, listen: this.#config.http.listen } };
    this.#updates.limits = updateLimits(config);
    this.#checks.timeoutMs = updateLimits(config).timeoutMs;
    this.#checks.forget();
    this.#services = this.#makeServices();
    // What is under way has its old connections until its deadline.
    setTimeout(() => old.close(), graceMs).unref();
  }

  /** Answers what is under way, then ends all connections. */
  async close(): Promise<void> {
    await this.#listeners.close(updateLimits(this.#config).timeoutMs + 1000);
    this.#zones.close();
    await this.#app.close();
  }

  #makeServices(): Services {
    return {
      version: VERSION,
      zones: this.#zones.table,
      authenticator: new Authenticator(this.#config.secret?.reveal()),
      guesses: this.#guesses,
      updates: this.#updates,
      checks: this.#checks,
      unspecifiedFamily: this.#config.unspecifiedFamily,
      checkIsOpen: this.#config.check === 'open',
    };
  }
}

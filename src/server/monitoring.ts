/** Metrics and readiness of the server: counts of events, and gauges that its parts report when they are scraped. */

import type { Config } from '../config/config.ts';
import type { Monitoring, NameserverStatistics } from '../core/monitoring.ts';
import type { Store } from '../core/store.ts';
import { Activity } from '../observe/activity.ts';
import type { Log } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import { inTime, Readiness } from '../observe/readiness.ts';
import { VERSION } from './version.ts';

/** The parts that gauges and readiness are read from. */
export interface MonitoredParts {
  readonly store: Pick<Store, 'ping' | 'pending' | 'problem'> | undefined;
  /** Undefined: no zone is embedded. */
  readonly nameserver: () => { readonly addresses: readonly string[]; statistics(): NameserverStatistics } | undefined;
  readonly waitingUpdates: () => number;
  /** End of the certificate that HTTPS serves: ISO 8601, absent while clients do not trust it. */
  readonly certificateEnd: () => { readonly ends?: string } | undefined;
}

/** The metrics listener opens before the parts and closes after them. */
export type ServerPhase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'serving' | 'ending'; readonly parts: MonitoredParts };

const STORE_TIMEOUT_MS = 1000;

export class ServerMonitoring implements Monitoring {
  readonly activity = new Activity();
  readonly isApart: boolean;
  readonly #metrics: Metrics;
  readonly #readiness: Readiness;
  #phase: ServerPhase = { kind: 'starting' };

  /** @param config of the start: its listeners and its store stay until the end */
  constructor(config: Config, log: Pick<Log, 'droppedLines'>) {
    this.isApart = config.metrics !== undefined;
    this.#readiness = new Readiness([
      { name: 'server', works: () => this.#phase.kind === 'serving' },
      { name: 'dns', works: () => this.#nameserverWorks(config) },
      {
        name: 'store',
        works: async () => config.store === undefined || (await this.#storeAnswers()) === true,
        reason: () => this.#parts?.store?.problem?.()?.brief,
      },
    ]);
    this.#metrics = new Metrics(this.activity, {
      version: VERSION,
      waitingUpdates: () => this.#parts?.waitingUpdates() ?? 0,
      nameserver: () => this.#nameserver?.statistics(),
      storeAnswers: () => this.#storeAnswers(),
      pendingUpdates: () => pendingUpdates(this.#parts?.store),
      certificateEndMs: () => {
        const certificate = this.#parts?.certificateEnd();
        return certificate && (certificate.ends === undefined ? 0 : Date.parse(certificate.ends));
      },
      droppedLogLines: () => log.droppedLines,
      nowMs: Date.now,
    });
  }

  enter(phase: ServerPhase): void {
    this.#phase = phase;
  }

  /** With a listener of its own it will be scraped: loads what that needs before requests come. */
  async prepare(): Promise<void> {
    if (this.isApart) await this.#metrics.prepare();
  }

  metrics(): ReturnType<Monitoring['metrics']> {
    return this.#metrics.scrape();
  }

  notReady(): Promise<readonly string[]> {
    return this.#readiness.notReady();
  }

  get #parts(): MonitoredParts | undefined {
    return this.#phase.kind === 'starting' ? undefined : this.#phase.parts;
  }

  get #nameserver(): ReturnType<MonitoredParts['nameserver']> {
    return this.#parts?.nameserver();
  }

  #nameserverWorks({ dns }: Config): boolean {
    const nameserver = this.#nameserver;
    return nameserver === undefined ? dns === undefined : nameserver.addresses.length > 0;
  }

  /** Undefined without a store. */
  async #storeAnswers(): Promise<boolean | undefined> {
    const store = this.#parts?.store;
    return store && inTime(() => store.ping().then(() => true), STORE_TIMEOUT_MS);
  }
}

/** Undefined if the store does not answer, or there is none. */
async function pendingUpdates(store: Pick<Store, 'pending'> | undefined): Promise<number | undefined> {
  if (store === undefined) return undefined;
  let count: number | undefined;
  const query = async () => {
    count = await store.pending.count();
    return true;
  };
  return (await inTime(query, STORE_TIMEOUT_MS)) ? count : undefined;
}

/**
 * What monitoring sees of a running server: counts of what happened, and what its parts say when they are asked. The part
 * of the composition root that knows metrics.
 */

import type { Config } from '../config/config.ts';
import type { Monitoring, NameserverStatistics } from '../core/monitoring.ts';
import type { Observer } from '../core/observer.ts';
import type { Store } from '../core/store.ts';
import { Activity } from '../observe/activity.ts';
import { Metrics } from '../observe/metrics.ts';
import { combineObservers } from '../observe/observers.ts';
import { inTime, Readiness } from '../observe/readiness.ts';
import { VERSION } from './version.ts';

export interface MonitoredParts {
  /** All listeners are open, and the end has not begun. */
  readonly isServing: () => boolean;
  readonly nameserver: () => { readonly addresses: readonly string[]; statistics(): NameserverStatistics } | undefined;
  readonly store: () => Pick<Store, 'ping' | 'pending'> | undefined;
  readonly waitingUpdates: () => number;
  /** Of the certificate that HTTPS serves: ISO 8601, absent while clients do not trust it. */
  readonly certificateEnd: () => { readonly ends?: string } | undefined;
}

const STORE_TIMEOUT_MS = 1000;

export class ServerMonitoring implements Monitoring {
  readonly activity = new Activity();
  readonly isApart: boolean;
  readonly #metrics: Metrics;
  readonly #readiness: Readiness;

  /** @param config the one of the start: listeners stay as they are until the next */
  constructor(config: Config, parts: MonitoredParts) {
    const { isServing, nameserver, store, waitingUpdates, certificateEnd } = parts;
    this.isApart = config.metrics !== undefined;
    const storeAnswers = async () => {
      const open = store();
      return open && inTime(() => open.ping().then(() => true), STORE_TIMEOUT_MS);
    };
    this.#readiness = new Readiness([
      { name: 'server', works: isServing },
      { name: 'dns', works: () => config.dns === undefined || (nameserver()?.addresses.length ?? 0) > 0 },
      { name: 'store', works: async () => config.store === undefined || (await storeAnswers()) === true },
    ]);
    this.#metrics = new Metrics(this.activity, {
      version: VERSION,
      waitingUpdates,
      nameserver: () => nameserver()?.statistics(),
      storeAnswers,
      pendingUpdates: () => pendingUpdates(store()),
      certificateEndMs: () => {
        const certificate = certificateEnd();
        return certificate && (certificate.ends === undefined ? 0 : Date.parse(certificate.ends));
      },
      nowMs: Date.now,
    });
  }

  /** An Observer that tells the log, and counts. */
  beside(log: Observer): Observer {
    return combineObservers(log, this.activity);
  }

  /** With a listener of its own somebody will scrape: what that needs is loaded before requests come. */
  async prepare(): Promise<void> {
    if (this.isApart) await this.#metrics.prepare();
  }

  metrics(): ReturnType<Monitoring['metrics']> {
    return this.#metrics.scrape();
  }

  notReady(): Promise<readonly string[]> {
    return this.#readiness.notReady();
  }
}

async function pendingUpdates(store: Pick<Store, 'pending'> | undefined): Promise<number | undefined> {
  if (store === undefined) return undefined;
  let count: number | undefined;
  const ask = async () => {
    count = await store.pending.count();
    return true;
  };
  return (await inTime(ask, STORE_TIMEOUT_MS)) ? count : undefined;
}

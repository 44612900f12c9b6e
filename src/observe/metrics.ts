/**
 * Serves METRICS and prom-client's metrics of the process and of Node.js in the text format of Prometheus. The only
 * file that uses prom-client, which is loaded at the first scrape: a server that is not scraped does not pay for it
 * (docs/decisions/0010-metrics.md).
 */
import type { Metric, Registry } from 'prom-client';
import type { Monitoring, NameserverStatistics } from '../core/monitoring.ts';
import type { Activity } from './activity.ts';
import type { Histogram } from './histogram.ts';
import { type Labels, METRICS, type MetricRow, type Snapshot } from './metrics-table.ts';

/** What each scrape reads, besides Activity. */
export interface MetricSources {
  readonly version: string;
  /** Updates that wait for a primary, or for an earlier one of their name. */
  readonly waitingUpdates: () => number;
  readonly nameserver: () => NameserverStatistics | undefined;
  /** Whether the store answers; undefined without a store. */
  readonly storeAnswers: () => Promise<boolean | undefined>;
  /** Undefined without a store, and when it does not answer. */
  readonly pendingUpdates: () => Promise<number | undefined>;
  /** Milliseconds since 1970; 0: the certificate is a self-signed placeholder. Undefined without TLS. */
  readonly certificateEndMs: () => number | undefined;
  /** Since the start of the process. */
  readonly droppedLogLines: () => number;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Runs one scrape at a time; requests that arrive meanwhile share its result. */
export class Metrics {
  readonly #activity: Activity;
  readonly #sources: MetricSources;
  #registry: Promise<Registry> | undefined;
  #snapshot: Snapshot | undefined;
  #scrape: ReturnType<Monitoring['metrics']> | undefined;

  constructor(activity: Activity, sources: MetricSources) {
    this.#activity = activity;
    this.#sources = sources;
  }

  /** Loads prom-client, which blocks for a tenth of a second: better at start than while serving. */
  async prepare(): Promise<void> {
    await this.#open();
  }

  scrape(): ReturnType<Monitoring['metrics']> {
    this.#scrape ??= this.#run().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #run(): ReturnType<Monitoring['metrics']> {
    const {
      version,
      waitingUpdates,
      nameserver,
      storeAnswers,
      pendingUpdates,
      certificateEndMs,
      droppedLogLines,
      nowMs,
    } = this.#sources;
    const [registry, answers, pending] = await Promise.all([this.#open(), storeAnswers(), pendingUpdates()]);
    if (answers === false) this.#activity.storeErrors += 1;
    this.#snapshot = {
      activity: this.#activity,
      version,
      waitingUpdates: waitingUpdates(),
      nameserver: nameserver(),
      storeAnswers: answers,
      pendingUpdates: pending,
      certificateEndMs: certificateEndMs(),
      droppedLogLines: droppedLogLines(),
      nowMs: nowMs(),
    };
    // Before its first tick the event loop lag is NaN, which prom-client misspells.
    const body = (await registry.metrics()).replaceAll(/ Nan$/gm, ' NaN');
    return { contentType: registry.contentType, body };
  }

  #open(): Promise<Registry> {
    this.#registry ??= import('prom-client').then(({ default: promClient }) => {
      const registry = new promClient.Registry();
      for (const row of METRICS) registry.registerMetric(asMetric(row, () => this.#snapshot!));
      promClient.collectDefaultMetrics({ register: registry });
      return registry;
    });
    return this.#registry;
  }
}

/** The part of prom-client's Metric that its registry uses: the name, and `get` at each scrape. */
function asMetric({ name, help, type, read }: MetricRow, snapshot: () => Snapshot): Metric {
  const get = async () => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: read(snapshot()).flatMap(([labels, value]) =>
      typeof value === 'number' ? [{ labels, value }] : histogramValues(name, labels, value),
    ),
  });
  return { name, get } as unknown as Metric;
}

function histogramValues(name: string, labels: Labels, histogram: Histogram) {
  const cumulative = histogram.cumulative();
  const { sum, count } = histogram;
  const bucket = (le: string, value: number) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value });
  return [
    ...histogram.bounds.map((bound, index) => bucket(String(bound), cumulative[index]!)),
    bucket('+Inf', count),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

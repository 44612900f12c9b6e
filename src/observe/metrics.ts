/**
 * Metrics in the text format of Prometheus, made when somebody asks. The only file that uses prom-client, which is loaded
 * at the first scrape: who scrapes nothing pays nothing (docs/decisions/0010-metrics.md).
 *
 * Every metric of ours is a row of METRICS; docs/operating/monitoring.md has the same rows. Metrics of the process and of
 * Node.js are prom-client's.
 */
import type { Metric, Registry } from 'prom-client';
import type { Monitoring, NameserverStatistics } from '../core/monitoring.ts';
import type { Activity } from './activity.ts';
import type { Histogram } from './histogram.ts';

/** What is asked for at each scrape. */
export interface MetricSources {
  readonly version: string;
  /** Updates that wait for a primary, or for an earlier one of their name. */
  readonly waitingUpdates: () => number;
  readonly nameserver: () => NameserverStatistics | undefined;
  /** Whether the store answers; undefined without one. */
  readonly storeAnswers: () => Promise<boolean | undefined>;
  /** Undefined without a store, and where it does not answer. */
  readonly pendingUpdates: () => Promise<number | undefined>;
  /** Milliseconds since 1970; 0: clients do not trust it. Undefined without TLS. */
  readonly certificateEndMs: () => number | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

interface Snapshot {
  readonly activity: Activity;
  readonly version: string;
  readonly waitingUpdates: number;
  readonly nameserver: NameserverStatistics | undefined;
  readonly storeAnswers: boolean | undefined;
  readonly pendingUpdates: number | undefined;
  readonly certificateEndMs: number | undefined;
  readonly nowMs: number;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | Histogram];

export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  readonly read: (snapshot: Snapshot) => readonly Sample[];
}

export const METRICS: readonly MetricRow[] = [
  {
    name: 'dyndns_build_info',
    type: 'gauge',
    labels: ['version'],
    help: 'Always 1; the version of the program is a label.',
    read: ({ version }) => [[{ version }, 1]],
  },
  {
    name: 'dyndns_updates_total',
    type: 'counter',
    labels: ['protocol', 'outcome'],
    help: 'Updates of one name, by door and by what came of them: changed, unchanged, or a code of docs/errors.md.',
    read: ({ activity }) =>
      [...activity.updates].flatMap(([protocol, outcomes]) => counts(outcomes, (outcome) => ({ protocol, outcome }))),
  },
  {
    name: 'dyndns_updates_waiting',
    type: 'gauge',
    labels: [],
    help: 'Updates that wait for a primary, or for an earlier one of their name.',
    read: ({ waitingUpdates }) => [[{}, waitingUpdates]],
  },
  {
    name: 'dyndns_wishes_pending',
    type: 'gauge',
    labels: [],
    help: 'Updates that were accepted, could not be published yet, and are tried again; absent without a store.',
    read: ({ pendingUpdates }) => optional(pendingUpdates),
  },
  {
    name: 'dyndns_webhook_deliveries_total',
    type: 'counter',
    labels: ['webhook', 'outcome'],
    help: 'Attempts to call a webhook, by its number in the file and its host: delivered, refused, retried; and dropped deliveries.',
    read: ({ activity }) =>
      [...activity.webhooks].flatMap(([webhook, outcomes]) => counts(outcomes, (outcome) => ({ webhook, outcome }))),
  },
  {
    name: 'dyndns_http_requests_total',
    type: 'counter',
    labels: ['route', 'method', 'status'],
    help: 'HTTP requests that were answered, by pattern of the route and class of the status.',
    read: ({ activity }) => httpRequests(activity),
  },
  {
    name: 'dyndns_http_request_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'From the routing of a request to its reply.',
    read: ({ activity }) => [[{}, activity.requestSeconds]],
  },
  {
    name: 'dyndns_http_errors_total',
    type: 'counter',
    labels: ['code'],
    help: 'Requests that failed, by code of docs/errors.md.',
    read: ({ activity }) => counts(activity.requestErrors, (code) => ({ code })),
  },
  {
    name: 'dyndns_publish_messages_total',
    type: 'counter',
    labels: ['zone', 'outcome'],
    help: 'UPDATE messages to the primary of a zone, or transactions of an embedded one, by what came of them.',
    read: ({ activity }) =>
      [...activity.zones].flatMap(([zone, { outcomes }]) => counts(outcomes, (outcome) => ({ zone, outcome }))),
  },
  {
    name: 'dyndns_publish_duration_seconds',
    type: 'histogram',
    labels: ['zone'],
    help: 'How long one such message or transaction took, waiting for the one before it not included.',
    read: ({ activity }) => [...activity.zones].map(([zone, { seconds }]) => [{ zone }, seconds]),
  },
  {
    name: 'dyndns_publish_batch_changes',
    type: 'histogram',
    labels: ['zone'],
    help: 'Changes that shared one such message or transaction.',
    read: ({ activity }) => [...activity.zones].map(([zone, { changes }]) => [{ zone }, changes]),
  },
  {
    name: 'dyndns_dns_responses_total',
    type: 'counter',
    labels: ['transport', 'rcode'],
    help: 'Replies of the embedded nameserver to queries and to UPDATE; transfers are counted apart.',
    read: ({ nameserver }) =>
      (nameserver?.replies ?? []).map(({ transport, rcode, count }) => [{ transport, rcode }, count]),
  },
  {
    name: 'dyndns_dns_rate_limited_total',
    type: 'counter',
    labels: ['action'],
    help: 'Replies over UDP beyond dns.rate_limit: dropped, or sent truncated.',
    read: ({ nameserver }) =>
      nameserver === undefined
        ? []
        : Object.entries(nameserver.rateLimited).map(([action, count]) => [{ action }, count]),
  },
  {
    name: 'dyndns_dns_updates_total',
    type: 'counter',
    labels: ['rcode'],
    help: 'DNS UPDATE messages to embedded zones, by RCODE.',
    read: ({ activity }) => counts(activity.dnsUpdates, (rcode) => ({ rcode })),
  },
  {
    name: 'dyndns_dns_transfers_total',
    type: 'counter',
    labels: ['type', 'outcome'],
    help: 'Zone transfers, by what was asked for (axfr, ixfr): refused, started, and of those served to the end.',
    read: ({ nameserver }) =>
      (nameserver?.transfers ?? []).map(({ type, outcome, count }) => [{ type, outcome }, count]),
  },
  {
    name: 'dyndns_dns_notifies_total',
    type: 'counter',
    labels: ['event'],
    help: 'NOTIFY messages to secondaries: sent, repeated ones too, and acknowledged.',
    read: ({ nameserver }) =>
      nameserver === undefined ? [] : Object.entries(nameserver.notifies).map(([event, count]) => [{ event }, count]),
  },
  {
    name: 'dyndns_zone_serial',
    type: 'gauge',
    labels: ['zone'],
    help: 'SOA serial of an embedded zone.',
    read: ({ nameserver }) => (nameserver?.zones ?? []).map(({ zone, serial }) => [{ zone }, serial]),
  },
  {
    name: 'dyndns_zone_commit_failures_total',
    type: 'counter',
    labels: [],
    help: 'Transactions of embedded zones that could not be written to the disk.',
    read: ({ nameserver }) => optional(nameserver?.failedCommits),
  },
  {
    name: 'dyndns_secondary_lag_seconds',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: 'Age of the oldest change that a secondary is not known to hold; 0: none. Absent until it was seen.',
    read: ({ nameserver, nowMs }) =>
      (nameserver?.secondaries ?? [])
        .filter(({ wasSeen }) => wasSeen)
        .map(({ zone, secondary, behindSinceMs }) => [
          { zone, secondary },
          behindSinceMs === undefined ? 0 : Math.max(0, nowMs - behindSinceMs) / 1000,
        ]),
  },
  {
    name: 'dyndns_secondary_seen',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: '1 if a secondary has asked for a transfer since the start, else 0.',
    read: ({ nameserver }) =>
      (nameserver?.secondaries ?? []).map(({ zone, secondary, wasSeen }) => [{ zone, secondary }, wasSeen ? 1 : 0]),
  },
  {
    name: 'dyndns_certificate_end_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the certificate of the https:// listeners ends; 0: the first of http.tls.acme is not there yet.',
    read: ({ certificateEndMs }) => optional(certificateEndMs === undefined ? undefined : certificateEndMs / 1000),
  },
  {
    name: 'dyndns_store_up',
    type: 'gauge',
    labels: [],
    help: '1 if the store of tokens, history and wishes answers, else 0; absent without a store.',
    read: ({ storeAnswers }) => optional(storeAnswers === undefined ? undefined : Number(storeAnswers)),
  },
  {
    name: 'dyndns_store_errors_total',
    type: 'counter',
    labels: [],
    help: 'Requests, and checks for these metrics, that failed because the store did not answer.',
    read: ({ activity }) => [[{}, activity.storeErrors]],
  },
];

/** Requests, at each moment at most one of them under way, share a scrape. */
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

  /** Loads what a scrape needs: it takes a tenth of a second, better at the start than between queries. */
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
    const { version, waitingUpdates, nameserver, storeAnswers, pendingUpdates, certificateEndMs, nowMs } =
      this.#sources;
    const [registry, answers, wishes] = await Promise.all([this.#open(), storeAnswers(), pendingUpdates()]);
    if (answers === false) this.#activity.storeErrors += 1;
    this.#snapshot = {
      activity: this.#activity,
      version,
      waitingUpdates: waitingUpdates(),
      nameserver: nameserver(),
      storeAnswers: answers,
      pendingUpdates: wishes,
      certificateEndMs: certificateEndMs(),
      nowMs: nowMs(),
    };
    // Before its first tick the lag of the event loop is not a number, which prom-client spells in a way of its own.
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

/** All that a registry asks of a metric: its name, and its values when it is scraped. */
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

function counts<K extends string>(numbers: ReadonlyMap<K, number>, label: (key: K) => Labels): Sample[] {
  return [...numbers].map(([key, count]) => [label(key), count]);
}

function optional(value: number | undefined): Sample[] {
  return value === undefined ? [] : [[{}, value]];
}

function httpRequests({ requests }: Activity): Sample[] {
  const samples: Sample[] = [];
  for (const [route, methods] of requests) {
    for (const [method, classes] of methods) {
      classes.forEach((count, index) => {
        if (count > 0) samples.push([{ route, method, status: `${index}xx` }, count]);
      });
    }
  }
  return samples;
}

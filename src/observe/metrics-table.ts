/**
 * The table of our own metrics; docs/operating/monitoring.md has the same rows. A released name is never changed or
 * reused.
 */
import type { NameserverStatistics, SecondaryLag, SigningFigures } from '../core/monitoring.ts';
import type { Activity } from './activity.ts';
import type { Histogram } from './histogram.ts';

/** What the rows read from: taken once per scrape. */
export interface Snapshot {
  readonly activity: Activity;
  readonly version: string;
  readonly waitingUpdates: number;
  readonly nameserver: NameserverStatistics | undefined;
  readonly storeAnswers: boolean | undefined;
  readonly pendingUpdates: number | undefined;
  readonly certificateEndMs: number | undefined;
  readonly droppedLogLines: number;
  readonly nowMs: number;
}

export type Labels = Readonly<Record<string, string>>;
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
    help: 'Updates of one name, by protocol and outcome: changed, unchanged, or an error code of docs/errors.md.',
    read: ({ activity }) =>
      [...activity.updates].flatMap(([protocol, outcomes]) => counts(outcomes, (outcome) => ({ protocol, outcome }))),
  },
  {
    name: 'dyndns_updates_waiting',
    type: 'gauge',
    labels: [],
    help: 'Updates in progress: they wait for a primary, or for an earlier update of the same name.',
    read: ({ waitingUpdates }) => [[{}, waitingUpdates]],
  },
  {
    name: 'dyndns_pending_updates',
    type: 'gauge',
    labels: [],
    help: 'Pending updates: accepted, not published yet, and retried. Absent without a store.',
    read: ({ pendingUpdates }) => optional(pendingUpdates),
  },
  {
    name: 'dyndns_wishes_pending',
    type: 'gauge',
    labels: [],
    help: 'Deprecated: use dyndns_pending_updates, which has the same value. This name is removed in 4.0.',
    read: ({ pendingUpdates }) => optional(pendingUpdates),
  },
  {
    name: 'dyndns_webhook_deliveries_total',
    type: 'counter',
    labels: ['webhook', 'outcome'],
    help: 'Webhook deliveries, by position in the configuration and host: delivered, refused, retried, dropped.',
    read: ({ activity }) =>
      [...activity.webhooks].flatMap(([webhook, outcomes]) => counts(outcomes, (outcome) => ({ webhook, outcome }))),
  },
  {
    name: 'dyndns_http_requests_total',
    type: 'counter',
    labels: ['route', 'method', 'status'],
    help: 'Answered HTTP requests, by route pattern, method and status class.',
    read: ({ activity }) => httpRequests(activity),
  },
  {
    name: 'dyndns_http_request_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from the routing of a request to its reply.',
    read: ({ activity }) => [[{}, activity.requestSeconds]],
  },
  {
    name: 'dyndns_http_errors_total',
    type: 'counter',
    labels: ['code'],
    help: 'Failed requests, by error code of docs/errors.md.',
    read: ({ activity }) => counts(activity.requestErrors, (code) => ({ code })),
  },
  {
    name: 'dyndns_publish_messages_total',
    type: 'counter',
    labels: ['zone', 'outcome'],
    help: 'UPDATE messages to the primary of a zone, or transactions of an embedded zone, by outcome.',
    read: ({ activity }) =>
      [...activity.zones].flatMap(([zone, { outcomes }]) => counts(outcomes, (outcome) => ({ zone, outcome }))),
  },
  {
    name: 'dyndns_publish_duration_seconds',
    type: 'histogram',
    labels: ['zone'],
    help: 'Duration of one such message or transaction, without the time in the queue.',
    read: ({ activity }) => [...activity.zones].map(([zone, { seconds }]) => [{ zone }, seconds]),
  },
  {
    name: 'dyndns_publish_batch_changes',
    type: 'histogram',
    labels: ['zone'],
    help: 'Changes in one such message or transaction.',
    read: ({ activity }) => [...activity.zones].map(([zone, { changes }]) => [{ zone }, changes]),
  },
  {
    name: 'dyndns_dns_responses_total',
    type: 'counter',
    labels: ['transport', 'rcode'],
    help: 'Replies of the embedded nameserver to queries and UPDATE messages, without zone transfers.',
    read: ({ nameserver }) =>
      (nameserver?.replies ?? []).map(({ transport, rcode, count }) => [{ transport, rcode }, count]),
  },
  {
    name: 'dyndns_dns_rate_limited_total',
    type: 'counter',
    labels: ['action'],
    help: 'UDP replies above dns.rate_limit: dropped or truncated.',
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
    help: 'Zone transfers, by requested type (axfr, ixfr): refused, started, and served to the end.',
    read: ({ nameserver }) =>
      (nameserver?.transfers ?? []).map(({ type, outcome, count }) => [{ type, outcome }, count]),
  },
  {
    name: 'dyndns_dns_notifies_total',
    type: 'counter',
    labels: ['event'],
    help: 'NOTIFY messages to secondaries: sent (with retries) and acknowledged.',
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
    help: 'Age of the oldest change that a secondary does not have; 0: none. Absent until it has named its serial.',
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
    help: '1 if a secondary has named its serial since the start, by an answer or a request for IXFR, else 0.',
    read: ({ nameserver }) =>
      (nameserver?.secondaries ?? []).map(({ zone, secondary, wasSeen }) => [{ zone, secondary }, wasSeen ? 1 : 0]),
  },
  {
    name: 'dyndns_secondary_serial',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: 'The SOA serial that a secondary named last. Absent until it has named one.',
    read: (snapshot) => ofSecondaries(snapshot, ({ serial }) => serial),
  },
  {
    name: 'dyndns_secondary_up',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: '1 if a secondary answers for the zone, 0 if it is silent or does not serve it. Absent if it is not asked.',
    read: (snapshot) => ofSecondaries(snapshot, ({ answers }) => (answers === undefined ? undefined : Number(answers))),
  },
  {
    name: 'dyndns_secondary_answer_age_seconds',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: 'Time since the last answer of a secondary to a query. Absent until it has answered.',
    read: (snapshot) =>
      ofSecondaries(snapshot, ({ answeredMs }) =>
        answeredMs === undefined ? undefined : Math.max(0, snapshot.nowMs - answeredMs) / 1000,
      ),
  },
  {
    name: 'dyndns_secondary_refused',
    type: 'gauge',
    labels: ['zone', 'secondary'],
    help: '1 if a secondary was sent a version of the zone and still has an older one, else 0.',
    read: (snapshot) => ofSecondaries(snapshot, ({ hasRefused }) => Number(hasRefused)),
  },
  {
    name: 'dyndns_dnssec_signatures',
    type: 'gauge',
    labels: ['zone'],
    help: 'Signatures of a signed zone, counted once an hour.',
    read: (snapshot) => ofSignings(snapshot, ({ signatures }) => signatures),
  },
  {
    name: 'dyndns_dnssec_signatures_expired',
    type: 'gauge',
    labels: ['zone'],
    help: 'Signatures of a signed zone that had expired when they were counted.',
    read: (snapshot) => ofSignings(snapshot, ({ expired }) => expired),
  },
  {
    name: 'dyndns_dnssec_first_expiration_timestamp_seconds',
    type: 'gauge',
    labels: ['zone'],
    help: 'When the first signature of a signed zone expires.',
    read: (snapshot) => ofSignings(snapshot, ({ firstExpiration }) => firstExpiration),
  },
  {
    name: 'dyndns_dnssec_signatures_made_total',
    type: 'counter',
    labels: ['zone'],
    help: 'Signatures that were made for a signed zone.',
    read: (snapshot) => ofSignings(snapshot, ({ made }) => made),
  },
  {
    name: 'dyndns_dnssec_renewal_failures_total',
    type: 'counter',
    labels: ['zone'],
    help: 'Renewals of the signatures of a zone that failed. There is one each hour.',
    read: (snapshot) => ofSignings(snapshot, ({ failedRenewals }) => failedRenewals),
  },
  {
    name: 'dyndns_dnssec_keys_missing',
    type: 'gauge',
    labels: ['zone'],
    help: '1 if a key that a zone is signed with is missing on the disk or not readable, else 0.',
    read: (snapshot) => ofSignings(snapshot, ({ isKeyMissing }) => Number(isKeyMissing)),
  },
  {
    name: 'dyndns_certificate_end_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the certificate of the https:// listeners expires; 0: http.tls.acme has not obtained the first one yet.',
    read: ({ certificateEndMs }) => optional(certificateEndMs === undefined ? undefined : certificateEndMs / 1000),
  },
  {
    name: 'dyndns_store_up',
    type: 'gauge',
    labels: [],
    help: '1 if the store of tokens, history and pending updates answers, else 0. Absent without a store.',
    read: ({ storeAnswers }) => optional(storeAnswers === undefined ? undefined : Number(storeAnswers)),
  },
  {
    name: 'dyndns_store_errors_total',
    type: 'counter',
    labels: [],
    help: 'Requests and scrapes that failed because the store did not answer.',
    read: ({ activity }) => [[{}, activity.storeErrors]],
  },
  {
    name: 'dyndns_history_events',
    type: 'gauge',
    labels: [],
    help: 'Events in the history, counted once a minute. Absent without a store.',
    read: ({ activity }) => optional(activity.storedEvents),
  },
  {
    name: 'dyndns_history_trimmed_total',
    type: 'counter',
    labels: [],
    help: 'Events that this process deleted because the history had more than history_max_events.',
    read: ({ activity }) => [[{}, activity.trimmedEvents]],
  },
  {
    name: 'dyndns_history_unrecorded_total',
    type: 'counter',
    labels: [],
    help: 'Refused and failed updates that are not in the history because one client caused too many.',
    read: ({ activity }) => [[{}, activity.unrecordedEvents]],
  },
  {
    name: 'dyndns_log_lines_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Lines of the log that were dropped because the standard output did not take them.',
    read: ({ droppedLogLines }) => [[{}, droppedLogLines]],
  },
];

function counts<K extends string>(numbers: ReadonlyMap<K, number>, label: (key: K) => Labels): Sample[] {
  return [...numbers].map(([key, count]) => [label(key), count]);
}

function ofSecondaries({ nameserver }: Snapshot, read: (lag: SecondaryLag) => number | undefined): Sample[] {
  return (nameserver?.secondaries ?? []).flatMap((lag): Sample[] => {
    const value = read(lag);
    return value === undefined ? [] : [[{ zone: lag.zone, secondary: lag.secondary }, value]];
  });
}

function ofSignings({ nameserver }: Snapshot, read: (figures: SigningFigures) => number | undefined): Sample[] {
  return (nameserver?.signings ?? []).flatMap((figures): Sample[] => {
    const value = read(figures);
    return value === undefined ? [] : [[{ zone: figures.zone }, value]];
  });
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

/**
 * An Observer that counts events; metrics-table.ts reads the counters at each scrape. Keys are bounded by the code and
 * the configuration: routes, methods, error codes, zones. They never contain a host name, a token, an address or a URL.
 */

import type { ErrorCode } from '../core/errors.ts';
import type { DnsUpdateEvent, Observer, RequestEvent } from '../core/observer.ts';
import { Histogram, SECONDS } from './histogram.ts';

/** The outcome of one update of one name, over any protocol. */
export type UpdateResult = 'changed' | 'unchanged' | ErrorCode;

/** UPDATE messages to the primary of one zone, or transactions of an embedded zone. */
export interface ZoneActivity {
  readonly outcomes: Map<string, number>;
  readonly seconds: Histogram;
  readonly changes: Histogram;
}

const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const;

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** More than there are: a guard against a caller that passes a path instead of a pattern. */
const MAX_ROUTES = 200;
export const OTHER = 'other';

export class Activity implements Observer {
  /** By protocol, then by outcome. */
  readonly updates = new Map<string, Map<UpdateResult, number>>();
  /** By route, then by method; the index is the status class, 1 to 5. */
  readonly requests = new Map<string, Map<string, Float64Array>>();
  readonly requestSeconds = new Histogram(SECONDS);
  readonly requestErrors = new Map<ErrorCode, number>();
  /** By apex. */
  readonly zones = new Map<string, ZoneActivity>();
  /** By RCODE. */
  readonly dnsUpdates = new Map<string, number>();
  /** By webhook, then by outcome of the attempt. */
  readonly webhooks = new Map<string, Map<string, number>>();
  /** Failures of the store that requests and scrapes have seen. */
  storeErrors = 0;
  /** Refused and failed updates that were not recorded because there were too many. */
  unrecordedEvents = 0;
  /** Events that were deleted because of `history_max_events`. */
  trimmedEvents = 0;
  /** Of the history, when they were last counted. */
  storedEvents: number | undefined;

  batchPublished({ zone, changes, outcome, durationMs }: Parameters<Observer['batchPublished']>[0]): void {
    const apex = zone.toString();
    let activity = this.zones.get(apex);
    if (activity === undefined) {
      activity = { outcomes: new Map(), seconds: new Histogram(SECONDS), changes: new Histogram(BATCH_SIZES) };
      this.zones.set(apex, activity);
    }
    increment(activity.outcomes, outcome.replace(', then ', '-then-'));
    activity.seconds.observe(durationMs / 1000);
    activity.changes.observe(changes);
  }

  requestAnswered({ route, method, status, durationMs, error }: RequestEvent): void {
    const key = this.requests.has(route) || this.requests.size < MAX_ROUTES ? route : OTHER;
    const counts = inner(
      inner(this.requests, key, newMap<string, Float64Array>),
      METHODS.has(method) ? method : OTHER,
      newCounts,
    );
    counts[Math.min(5, Math.max(1, Math.floor(status / 100)))]! += 1;
    this.requestSeconds.observe(durationMs / 1000);
    if (error === undefined) return;
    increment(this.requestErrors, error.code);
    if (error.code === 'store-unreachable') this.storeErrors += 1;
  }

  dnsUpdateAnswered({ rcode }: DnsUpdateEvent): void {
    increment(this.dnsUpdates, rcode);
  }

  warn(): void {}

  /** @param webhook its position in the configuration and its host */
  webhookCalled(webhook: string, outcome: string): void {
    increment(inner(this.webhooks, webhook, newMap<string, number>), outcome);
  }

  /** @param protocol as in RequestContext */
  addressesUpdated(protocol: string, outcome: UpdateResult): void {
    increment(inner(this.updates, protocol, newMap<UpdateResult, number>), outcome);
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function inner<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const newMap = <K, V>() => new Map<K, V>();
const newCounts = () => new Float64Array(6);

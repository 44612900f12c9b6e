/** The metrics: the text format, labels that stay bounded whatever clients send, and sources that fail. */
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../test/support/exposition.ts';
import { AppError } from '../core/errors.ts';
import type { NameserverStatistics } from '../core/monitoring.ts';
import type { RequestEvent } from '../core/observer.ts';
import { DomainName } from '../dns/name.ts';
import { Activity } from './activity.ts';
import { Histogram } from './histogram.ts';
import { type MetricSources, Metrics } from './metrics.ts';
import { METRICS } from './metrics-table.ts';
import { combineObservers } from './observers.ts';

const EVENT: RequestEvent = {
  requestId: 'id1',
  method: 'GET',
  route: '/update-by-path/:secret/:fqdn',
  source: '203.0.113.1',
  status: 200,
  durationMs: 3,
  outcome: 'updated',
  detail: 'UPDATED: home.example.com. A None -> 192.0.2.1',
};

const BEHIND = {
  behindSinceMs: 8_500,
  wasSeen: true,
  serial: 4_294_967_294,
  answeredMs: 9_900,
  answers: true,
  hasRefused: true,
};
const UP_TO_DATE = {
  ...BEHIND,
  behindSinceMs: undefined,
  serial: 4_294_967_295,
  answers: undefined,
  hasRefused: false,
};
const SILENT = {
  behindSinceMs: undefined,
  wasSeen: false,
  serial: undefined,
  answeredMs: undefined,
  answers: false,
  hasRefused: false,
};

const SIGNED = {
  zone: 'example.com.',
  signatures: 12,
  expired: 2,
  firstExpiration: 1_800_000_001,
  isKeyMissing: true,
  made: 14,
  failedRenewals: 3,
};

const NAMESERVER: NameserverStatistics = {
  replies: [{ transport: 'udp', rcode: 'NXDOMAIN', count: 7 }],
  rateLimited: { dropped: 2, truncated: 1 },
  transfers: [{ type: 'axfr', outcome: 'served', count: 3 }],
  notifies: { sent: 5, acknowledged: 4 },
  failedCommits: 1,
  zones: [{ zone: 'example.com.', serial: 4_294_967_295 }],
  secondaries: [
    { zone: 'example.com.', secondary: '192.0.2.53:53', ...BEHIND },
    { zone: 'example.com.', secondary: '[2001:db8::53]:53', ...UP_TO_DATE },
    { zone: 'example.com.', secondary: '192.0.2.54:53', ...SILENT },
  ],
  signings: [SIGNED, { ...SIGNED, zone: 'example.net.', firstExpiration: undefined, isKeyMissing: false }],
};

function setUp(more: Partial<MetricSources> = {}) {
  const activity = new Activity();
  const metrics = new Metrics(activity, {
    version: '1.2.3',
    waitingUpdates: () => 4,
    nameserver: () => NAMESERVER,
    storeAnswers: async () => true,
    pendingUpdates: async () => 9,
    certificateEndMs: () => 1_800_000_000_000,
    droppedLogLines: () => 5,
    nowMs: () => 10_000,
    ...more,
  });
  const scrape = async () => parseExposition((await metrics.scrape()).body);
  return { activity, metrics, scrape };
}

describe('the metrics', () => {
  it('are counted by protocol and outcome, by route and status class, by zone, and by RCODE', async () => {
    const { activity, scrape } = setUp();
    const observer = combineObservers(activity);
    activity.addressesUpdated('dyndns2', 'changed');
    activity.addressesUpdated('dyndns2', 'changed');
    activity.addressesUpdated('original', 'conflict');
    observer.requestAnswered(EVENT);
    const error = new AppError('store-unreachable', 'home.example.com');
    observer.requestAnswered({ ...EVENT, status: 503, error });
    const zone = DomainName.parse('example.com');
    observer.batchPublished({ zone, changes: 3, outcome: 'published', durationMs: 2 });
    observer.batchPublished({ zone, changes: 1, outcome: 'lost, then stale', durationMs: 20_000 });
    observer.dnsUpdateAnswered({ keyName: 'key', source: '203.0.113.1', rcode: 'REFUSED', detail: 'home' });
    const samples = await scrape();
    const route = 'route="/update-by-path/:secret/:fqdn",method="GET"';
    for (const [sample, value] of [
      ['dyndns_build_info{version="1.2.3"}', 1],
      ['dyndns_updates_total{protocol="dyndns2",outcome="changed"}', 2],
      ['dyndns_updates_total{protocol="original",outcome="conflict"}', 1],
      ['dyndns_updates_waiting', 4],
      ['dyndns_pending_updates', 9],
      ['dyndns_wishes_pending', 9],
      [`dyndns_http_requests_total{${route},status="2xx"}`, 1],
      [`dyndns_http_requests_total{${route},status="5xx"}`, 1],
      ['dyndns_http_request_duration_seconds_bucket{le="0.0025"}', 0],
      ['dyndns_http_request_duration_seconds_bucket{le="0.005"}', 2],
      ['dyndns_http_request_duration_seconds_count', 2],
      ['dyndns_http_errors_total{code="store-unreachable"}', 1],
      ['dyndns_store_errors_total', 1],
      ['dyndns_publish_messages_total{zone="example.com.",outcome="published"}', 1],
      ['dyndns_publish_messages_total{zone="example.com.",outcome="lost-then-stale"}', 1],
      ['dyndns_publish_duration_seconds_bucket{zone="example.com.",le="10"}', 1],
      ['dyndns_publish_duration_seconds_bucket{zone="example.com.",le="+Inf"}', 2],
      ['dyndns_publish_duration_seconds_sum{zone="example.com."}', 20.002],
      ['dyndns_publish_batch_changes_bucket{zone="example.com.",le="1"}', 1],
      ['dyndns_publish_batch_changes_bucket{zone="example.com.",le="5"}', 2],
      ['dyndns_dns_updates_total{rcode="REFUSED"}', 1],
      ['dyndns_dns_responses_total{transport="udp",rcode="NXDOMAIN"}', 7],
      ['dyndns_dns_rate_limited_total{action="dropped"}', 2],
      ['dyndns_dns_transfers_total{type="axfr",outcome="served"}', 3],
      ['dyndns_dns_notifies_total{event="acknowledged"}', 4],
      ['dyndns_zone_serial{zone="example.com."}', 4_294_967_295],
      ['dyndns_zone_commit_failures_total', 1],
      ['dyndns_secondary_lag_seconds{zone="example.com.",secondary="192.0.2.53:53"}', 1.5],
      ['dyndns_secondary_lag_seconds{zone="example.com.",secondary="[2001:db8::53]:53"}', 0],
      ['dyndns_secondary_lag_seconds{zone="example.com.",secondary="192.0.2.54:53"}', undefined],
      ['dyndns_secondary_seen{zone="example.com.",secondary="192.0.2.54:53"}', 0],
      ['dyndns_dnssec_signatures{zone="example.com."}', 12],
      ['dyndns_dnssec_signatures_expired{zone="example.com."}', 2],
      ['dyndns_dnssec_first_expiration_timestamp_seconds{zone="example.com."}', 1_800_000_001],
      ['dyndns_dnssec_first_expiration_timestamp_seconds{zone="example.net."}', undefined],
      ['dyndns_dnssec_signatures_made_total{zone="example.com."}', 14],
      ['dyndns_dnssec_renewal_failures_total{zone="example.com."}', 3],
      ['dyndns_dnssec_keys_missing{zone="example.com."}', 1],
      ['dyndns_dnssec_keys_missing{zone="example.net."}', 0],
      ['dyndns_certificate_end_timestamp_seconds', 1_800_000_000],
      ['dyndns_store_up', 1],
      ['dyndns_log_lines_dropped_total', 5],
    ] as const) {
      expect([sample, samples.get(sample)]).toEqual([sample, value]);
    }
    expect([...samples.keys()].some((sample) => sample.startsWith('process_resident_memory_bytes'))).toBe(true);
    expect([...samples.keys()].filter((sample) => /home|203\.0\.113/.test(sample))).toEqual([]);
  });

  it('are in a second scrape as well, and grow', async () => {
    const { activity, scrape } = setUp();
    activity.addressesUpdated('original', 'changed');
    await scrape();
    activity.addressesUpdated('original', 'changed');
    expect((await scrape()).get('dyndns_updates_total{protocol="original",outcome="changed"}')).toBe(2);
  });

  it('omit what is not configured, and report a store that does not answer', async () => {
    const none = {
      nameserver: () => undefined,
      storeAnswers: async () => undefined,
      pendingUpdates: async () => undefined,
    };
    const without = [...(await setUp(none).scrape()).keys()];
    expect(
      without.filter((sample) => /^dyndns_(zone|secondary|dns_[^u]|store_up|wishes|pending)/.test(sample)),
    ).toEqual([]);
    const samples = await setUp({ storeAnswers: async () => false, pendingUpdates: async () => undefined }).scrape();
    expect(samples.get('dyndns_store_up')).toBe(0);
    expect(samples.get('dyndns_store_errors_total')).toBe(1);
    expect(samples.has('dyndns_pending_updates')).toBe(false);
    expect(samples.has('dyndns_wishes_pending')).toBe(false);
  });

  it('are bounded in number, whatever methods and routes clients send', async () => {
    const { activity, scrape } = setUp();
    for (let i = 0; i < 5000; i++) {
      activity.requestAnswered({ ...EVENT, route: `/${i}`, method: `METHOD${i}`, status: 100 + (i % 900) });
    }
    const samples = [...(await scrape()).keys()].filter((sample) => sample.startsWith('dyndns_http_requests_total'));
    expect(samples.length).toBeLessThanOrEqual(201 * 5);
    expect(samples.some((sample) => sample.includes('METHOD'))).toBe(false);
  });

  it('share one scrape between concurrent requests', async () => {
    let storeChecks = 0;
    const { metrics } = setUp({
      storeAnswers: async () => {
        storeChecks += 1;
        return true;
      },
    });
    await Promise.all([metrics.scrape(), metrics.scrape(), metrics.scrape()]);
    expect(storeChecks).toBe(1);
  });

  it('are named by the conventions of Prometheus', () => {
    for (const { name, type, help, labels } of METRICS) {
      expect(name).toMatch(/^dyndns_[a-z_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(help).toMatch(/\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
  });
});

it('a histogram counts a value that is equal to a bound as at most that', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0, 1, 1.5, 2, 3]) histogram.observe(value);
  expect(histogram.cumulative()).toEqual([2, 4]);
  expect([histogram.count, histogram.sum]).toEqual([5, 7.5]);
});

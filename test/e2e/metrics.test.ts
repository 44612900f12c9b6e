/** Monitoring of the real server, in front of BIND and as the nameserver itself. No label repeats text of a request. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, type AskOptions, ask } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

const AUTHORIZED = { headers: { Authorization: `Bearer ${SECRET}` } };
const TOKEN = 'tokenOfOneRouter';
const UPDATES = 'dyndns_updates_total{protocol="original",outcome=';

function scraper(get: () => Promise<Answer>) {
  return async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    return { samples: parseExposition(body), body };
  };
}

describeWith(BIND_PROGRAMS, 'metrics on the HTTP listener, in front of BIND', () => {
  let lab: Lab;
  let server: RunningDyndns;

  beforeAll(async () => {
    lab = await openLab();
    const sha256 = createHash('sha256').update(TOKEN).digest('hex');
    const tokens = [{ name: 'router1', sha256, hosts: [`home.${ZONE}`] }];
    server = await lab.serve({ store: 'sqlite:store.db', nameserver_timeout_seconds: 1, tokens });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const scrape = () => scraper(() => server.ask('/metrics', AUTHORIZED))();

  it.each<[string, AskOptions, number]>([
    ['no credential', {}, 401],
    ['a wrong secret', { headers: { Authorization: 'Bearer wrong' } }, 401],
    ['the secret in the URL', {}, 401],
    ['a token', { headers: { Authorization: `Bearer ${TOKEN}` } }, 403],
    ['the secret', AUTHORIZED, 200],
    [
      'the secret as a password',
      { headers: { Authorization: `Basic ${Buffer.from(`x:${SECRET}`).toString('base64')}` } },
      200,
    ],
  ])('requested with %s', async (who, options, status) => {
    const target = who.includes('URL') ? `/metrics?secret=${SECRET}` : '/metrics';
    const answer = await server.ask(target, options);
    expect(answer.status).toBe(status);
    expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Basic realm="dyndns"' : undefined);
    expect(answer.body.includes('dyndns_')).toBe(status === 200);
  });

  it('count updates, requests and messages', async () => {
    const before = (await scrape()).samples;
    const update = (fqdn: string, ipv4: string) => server.ask(updateTarget({ fqdn, ipv4 }));
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.2']) await update(`m1.${ZONE}`, address);
    await update(`m2.${ZONE}`, '127.0.0.1');
    await server.ask(`/update-by-path/WrongSecret9/m3.${ZONE}/192.0.2.1`);
    await server.ask(`/nowhere/m4.${ZONE}`);
    const { samples, body } = await scrape();
    const increase = (name: string) => (samples.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(increase(`${UPDATES}"changed"}`)).toBe(2);
    expect(increase(`${UPDATES}"unchanged"}`)).toBe(1);
    expect(increase(`${UPDATES}"address-refused"}`)).toBe(1);
    expect(increase('dyndns_http_requests_total{route="/update-by-query",method="GET",status="2xx"}')).toBe(3);
    expect(increase('dyndns_http_requests_total{route="(none)",method="GET",status="4xx"}')).toBe(1);
    expect(increase('dyndns_http_errors_total{code="not-authenticated"}')).toBe(1);
    expect(increase(`dyndns_publish_messages_total{zone="${ZONE}.",outcome="published"}`)).toBe(3);
    expect(increase(`dyndns_publish_duration_seconds_count{zone="${ZONE}."}`)).toBeGreaterThanOrEqual(3);
    expect(samples.get('dyndns_store_up')).toBe(1);
    expect(samples.get('dyndns_updates_waiting')).toBe(0);
    expect(samples.get('dyndns_pending_updates')).toBe(0);
    expect(samples.get('dyndns_wishes_pending')).toBe(0);
    expect(body).not.toMatch(/m[1-4]\.dyn|127\.0\.0\.1|192\.0\.2|WrongSecret9|nowhere/);
    expect(body).not.toContain(SECRET);
  });

  it('count an update with a token for another host as not permitted; the reply has the id of the log line', async () => {
    const refused = async () => (await scrape()).samples.get('dyndns_http_errors_total{code="not-permitted"}') ?? 0;
    const before = await refused();
    const target = `/update-by-query?fqdn=m1.${ZONE}&ipv4=192.0.2.1`;
    const { status, headers } = await server.ask(target, { headers: { Authorization: `Bearer ${TOKEN}` } });
    const id = headers['x-request-id'];
    expect([status, id]).toEqual([453, expect.stringMatching(/^\w+-\w+$/)]);
    const line = () => server.log().find(({ request }) => request === id);
    await waitUntil('the line of that request', () => line() !== undefined);
    expect(line()).toMatchObject({ status: 453, code: 'not-permitted' });
    expect((await refused()) - before).toBe(1);
    expect((await server.ask('/myip')).headers['x-request-id']).toBeUndefined();
  });

  it('report a pending update, while the server stays ready without the primary', async () => {
    lab.primary.freeze();
    try {
      expect((await server.ask(updateTarget({ fqdn: `pending.${ZONE}`, ipv4: '192.0.2.9' }))).status).toBe(512);
      const { samples } = await scrape();
      expect(samples.get('dyndns_pending_updates')).toBe(1);
      expect(samples.get('dyndns_wishes_pending')).toBe(1);
      const failed = [...samples].filter(([sample]) =>
        /original",outcome="(publish-unknown|primary-unreach)/.test(sample),
      );
      expect(failed.map(([, value]) => value)).toEqual([1]);
      expect((await server.ask('/readyz')).body).toBe('ready\n');
    } finally {
      lab.primary.thaw();
    }
  });

  it('/healthz and /readyz need no credential and reveal nothing', async () => {
    for (const [target, text] of [
      ['/healthz', 'ok\n'],
      ['/readyz', 'ready\n'],
    ] as const) {
      const { status, headers, body } = await server.ask(target);
      expect([status, body, headers['cache-control']]).toEqual([200, text, 'no-store']);
      expect((await server.ask(target, { method: 'HEAD' })).status).toBe(200);
      expect((await server.ask(target, { method: 'POST' })).status).toBe(405);
    }
  });
});

describe('metrics on a separate listener, with the embedded nameserver', () => {
  const zone = 'dyn.example.com';
  let server: EmbeddedServer;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    const secondary = await freePort();
    server = await startEmbedded({
      zone,
      secondaries: [{ address: `127.0.0.1:${secondary}` }],
      config: { metrics: { listen: `127.0.0.1:${port}` } },
    });
  }, 30_000);

  afterAll(async () => {
    await server?.stop();
  });

  const get = (target: string, options: AskOptions = {}) => ask({ port }, target, options);
  const scrape = () => scraper(() => get('/metrics'))();
  const query = (name: string, ...more: string[]) => dig(server, [name, 'A', '+norecurse', ...more]);

  it('need no secret there, and are not served on other listeners', async () => {
    await scrape();
    const elsewhere = await server.dyndns.ask('/metrics', { headers: { Authorization: `Bearer ${server.secret}` } });
    expect(elsewhere.status).toBe(404);
    expect((await server.dyndns.ask('/readyz')).status).toBe(200);
  });

  it('share that listener with the health checks alone', async () => {
    expect((await get('/healthz')).body).toBe('ok\n');
    expect((await get('/readyz')).body).toBe('ready\n');
    for (const target of ['/', '/myip', `/update-by-path/${server.secret}/x.${zone}`, '/metrics/x', '/__proto__']) {
      expect([target, (await get(target)).status]).toEqual([target, 404]);
    }
    const refused = await get('/metrics', { method: 'POST', body: 'x' });
    expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD']);
    const head = await get('/metrics', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1000);
  });

  it('count queries, transfers, NOTIFY and commits', async () => {
    const before = (await scrape()).samples;
    const target = `/update-by-path/${server.secret}/home.${zone}/192.0.2.1`;
    expect((await server.dyndns.ask(target)).status).toBe(200);
    for (let i = 0; i < 3; i++) await query(`home.${zone}`);
    await query(`nothing.${zone}`, '+tcp');
    await query('elsewhere.example.net');
    await dig(server, [zone, 'AXFR']);
    const seen = 'dyndns_dns_notifies_total{event="sent"}';
    await waitUntil('a NOTIFY to have been sent', async () => ((await scrape()).samples.get(seen) ?? 0) > 0);
    const { samples, body } = await scrape();
    const increase = (name: string) => (samples.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(increase('dyndns_dns_responses_total{transport="udp",rcode="NOERROR"}')).toBe(3);
    expect(increase('dyndns_dns_responses_total{transport="udp",rcode="REFUSED"}')).toBe(1);
    expect(increase('dyndns_dns_responses_total{transport="tcp",rcode="NXDOMAIN"}')).toBe(1);
    // dig queries from the address of the configured secondary.
    expect(increase('dyndns_dns_transfers_total{type="axfr",outcome="started"}')).toBe(1);
    expect(increase('dyndns_dns_transfers_total{type="axfr",outcome="served"}')).toBe(1);
    expect(increase(`dyndns_zone_serial{zone="${zone}."}`)).toBe(1);
    expect(increase(`dyndns_publish_batch_changes_count{zone="${zone}."}`)).toBe(1);
    expect(samples.get('dyndns_zone_commit_failures_total')).toBe(0);
    // It was sent the zone, and did not say that it took it.
    expect(body).not.toContain('dyndns_secondary_lag_seconds{');
    const serial = samples.get(`dyndns_zone_serial{zone="${zone}."}`);
    await dig(server, [zone, `IXFR=${serial}`]);
    const lag = [...(await scrape()).samples].filter(([sample]) => sample.startsWith('dyndns_secondary_lag_seconds'));
    expect(lag.map(([, value]) => value)).toEqual([0]);
    expect(body).not.toMatch(/home|nothing|elsewhere|192\.0\.2\.1/);
    expect(body).not.toContain(server.secret);
    // A change that the secondary does not fetch.
    await server.dyndns.ask(`/update-by-path/${server.secret}/home.${zone}/192.0.2.2`);
    await waitUntil('the secondary to be behind', async () => {
      const current = [...(await scrape()).samples];
      return current.some(([sample, value]) => sample.startsWith('dyndns_secondary_lag_seconds') && value > 0);
    });
  });

  it('fail the start when the port is in use, with the name of the option', async () => {
    const other = startEmbedded({ zone, config: { metrics: { listen: `127.0.0.1:${port}` } } });
    await expect(other).rejects.toThrow(/option metrics\.listen/);
  });
});

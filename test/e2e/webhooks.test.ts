/**
 * The whole program with real receivers of webhooks: contents, signatures, retries, silent hosts, and the end of a
 * lease in an embedded zone. Runs the commands of docs/operating/webhooks.md that verify a signature.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { form } from '../support/http-client.ts';
import { REPOSITORY } from '../support/installation.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Received, startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const ZONE = 'dyn.example.com';
const REMOTE = 'remote.example.com';
const MASTER = 'masterSecretOfTests';
const SIGNING = 'signingSecretOfTests';
const PATH_SECRET = 'pathSecretOfTests';
const PROGRAMS = [
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'openssl', debianPackage: 'openssl' },
];

describeWith(PROGRAMS, 'webhooks', () => {
  const directory = freshDirectory('webhooks');
  let receiver: WebhookReceiver;
  let ntfyReceiver: WebhookReceiver;
  let dyndns: RunningDyndns;
  let port: number;
  let config: Record<string, unknown>;

  beforeAll(async () => {
    [receiver, ntfyReceiver, port] = [await startWebhookReceiver(), await startWebhookReceiver(), await freePort()];
    config = {
      secret: MASTER,
      log_level: 0,
      nameserver_timeout_seconds: 1,
      store: `sqlite:${join(directory, 'dyndns.db')}`,
      dns: { listen: [`127.0.0.1:${port}`], database: join(directory, 'zones.db') },
      zones: [
        { name: ZONE, nameserver: 'embedded', ns: ['ns1.example.net'] },
        { name: REMOTE, nameserver: '127.0.0.1', port: await freePort(), tsig_key: 'tPyvZA==' },
      ],
      hosts: [
        { name: `quiet.${ZONE}`, silent_after_seconds: 1 },
        { name: `later.${ZONE}`, silent_after_seconds: 1 },
        { name: `leased.${ZONE}`, lease_seconds: 1, fallback: ['192.0.2.99'], ttl: 5 },
        { name: `gone.${ZONE}`, lease_seconds: 1 },
      ],
      webhooks: [
        { url: `${receiver.url}/${PATH_SECRET}`, secret: SIGNING },
        { url: `${ntfyReceiver.url}/topic`, events: ['silent', 'failed'], format: 'ntfy' },
      ],
    };
    dyndns = await startDyndns(config);
  });
  afterAll(async () => {
    await dyndns?.stop();
    await receiver?.close();
    await ntfyReceiver?.close();
    removeNow(directory);
  });

  const headers = { Authorization: `Bearer ${MASTER}` };
  const update = async (fqdn: string, parameters: Readonly<Record<string, string>>) => {
    const request = form({ fqdn, ...parameters });
    const { body } = await dyndns.ask('/update-by-query', { ...request, headers: { ...request.headers, ...headers } });
    return body;
  };
  const published = async (host: string, type = 'A') =>
    (await dig({ host: '127.0.0.1', port }, [`${host}.${ZONE}`, type, '+norecurse'])).short;
  const eventOf = ({ body }: Received) => JSON.parse(body) as Record<string, unknown>;
  const delivered = (host: string, kind: string, zone = ZONE) =>
    receiver.received.filter((each) => {
      const { event, host: of } = eventOf(each);
      return event === kind && of === `${host}.${zone}`;
    });
  const waitFor = async (host: string, kind: string, count = 1, zone = ZONE) => {
    await waitUntil(`${kind} of ${host}`, () => delivered(host, kind, zone).length >= count, 15_000);
    return delivered(host, kind, zone);
  };

  it('get a change, retried until it is delivered, with the same id and a new signature each time', async () => {
    receiver.answer(500, 500);
    expect(await update(`home.${ZONE}`, { ipv4: '192.0.2.1' })).toMatch(/^UPDATED/);
    const tries = await waitFor('home', 'changed', 3);
    expect(tries).toHaveLength(3);
    expect(new Set(tries.map((each) => each.headers['x-dyndns-delivery'])).size).toBe(1);
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    expect(tries[2]).toMatchObject({
      method: 'POST',
      path: `/${PATH_SECRET}`,
      headers: { 'content-type': 'application/json', 'x-dyndns-event': 'changed' },
    });
    expect(tries[2]!.body).not.toContain('\n');
    expect(eventOf(tries[2]!)).toEqual({
      id: tries[2]!.headers['x-dyndns-delivery'],
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'changed',
      host: `home.${ZONE}`,
      protocol: 'original',
      actor: 'master',
      source: '127.0.0.1',
      A: { before: [], after: ['192.0.2.1'] },
      AAAA: { before: [], after: [] },
      subject: `home.${ZONE} is 192.0.2.1`,
      text: `home.${ZONE} changed: A none -> 192.0.2.1. By master (original from 127.0.0.1).`,
    });
  });

  it('can be verified with openssl as documented', async () => {
    const { headers, body } = delivered('home', 'changed')[0]!;
    const page = readFileSync(join(REPOSITORY, 'docs/operating/webhooks.md'), 'utf8');
    const script = /^```sh verify\n([\s\S]*?)^```$/m.exec(page)![1]!;
    const verify = (change: Readonly<Record<string, string>>) =>
      runProgram('sh', ['-e', '-u', '-c', script], {
        env: {
          PATH: process.env['PATH'],
          secret: SIGNING,
          timestamp: String(headers['x-dyndns-timestamp']),
          id: String(headers['x-dyndns-delivery']),
          signature: String(headers['x-dyndns-signature-2']),
          body,
          ...change,
        },
      });
    expect((await verify({})).stdout).toBe('genuine\n');
    for (const change of [
      { body: `${body} ` },
      { id: '019ac0de' },
      { secret: `${SIGNING}x` },
      { timestamp: String(Number(headers['x-dyndns-timestamp']) - 1) },
      { signature: 'sha256=00' },
    ]) {
      expect((await verify(change)).stdout).not.toContain('genuine');
    }
    // An old delivery is refused, although its signature is valid.
    const { createHmac } = await import('node:crypto');
    const old = String(Math.floor(Date.now() / 1000) - 3600);
    const signature = `sha256=${createHmac('sha256', SIGNING).update(`${old}.${headers['x-dyndns-delivery']}.${body}`).digest('hex')}`;
    expect((await verify({ timestamp: old, signature })).stdout).not.toContain('genuine');
  });

  it('get fifty concurrent changes on two connections', async () => {
    const hosts = Array.from({ length: 50 }, (_, index) => `many${index}`);
    await Promise.all(hosts.map((host) => update(`${host}.${ZONE}`, { ipv4: '192.0.2.50' })));
    for (const host of hosts) await waitFor(host, 'changed');
    expect(receiver.mostConnections).toBeLessThanOrEqual(2);
  });

  it('get a failure once, not at every attempt of the client', async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(await update(`home.${REMOTE}`, { ipv4: '192.0.2.1' })).toMatch(/^DNS_SERVER_ERROR/);
    }
    await update(`mark.${ZONE}`, { ipv4: '192.0.2.1' });
    await waitFor('mark', 'changed');
    const failures = await waitFor('home', 'failed', 1, REMOTE);
    expect(failures).toHaveLength(1);
    expect(eventOf(failures[0]!)).toMatchObject({ code: 'primary-unreachable', detail: expect.any(String) });
    await waitUntil('ntfy', () => ntfyReceiver.received.some((each) => each.headers['x-dyndns-event'] === 'failed'));
    expect(ntfyReceiver.received.find((each) => each.headers['x-dyndns-event'] === 'failed')).toMatchObject({
      path: '/topic',
      body: expect.stringContaining(`home.${REMOTE} could not be updated`),
      headers: {
        title: `home.${REMOTE} could not be updated: primary-unreachable`,
        tags: 'warning',
        priority: '4',
        'content-type': 'text/plain; charset=utf-8',
      },
    });
    expect(ntfyReceiver.received.some((each) => each.headers['x-dyndns-event'] === 'changed')).toBe(false);
  });

  it('get a silent host once, also after a restart of the server', async () => {
    await update(`quiet.${ZONE}`, { ipv4: '192.0.2.1' });
    const [silent] = await waitFor('quiet', 'silent');
    expect(eventOf(silent!)).toMatchObject({ protocol: 'watch', actor: 'server', lastSeen: expect.any(String) });
    await dyndns.process.stop();
    removeNow(dyndns.directory);
    dyndns = await startDyndns(config);
    // When this one is reported, the first has been checked again.
    await update(`later.${ZONE}`, { ipv4: '192.0.2.1' });
    await waitFor('later', 'silent');
    expect(delivered('quiet', 'silent')).toHaveLength(1);
    // The host returns with an unchanged address, and is silent again.
    expect(await update(`quiet.${ZONE}`, { ipv4: '192.0.2.1' })).toMatch(/^UNCHANGED/);
    await waitFor('quiet', 'silent', 2);
  });

  it('a lease ends: the fallback is published, and the next update restores the address', async () => {
    const ask = async () =>
      (await dyndns.ask(`/nic/update?hostname=leased.${ZONE}&myip=192.0.2.7,2001:db8::7`, { headers })).body.trim();
    expect(await ask()).toBe('good 192.0.2.7,2001:db8::7');
    const isLeased = (each: Received) => eventOf(each)['protocol'] === 'lease';
    await waitUntil('the lease', () => delivered('leased', 'changed').some(isLeased), 15_000);
    expect([await published('leased'), await published('leased', 'AAAA')]).toEqual([['192.0.2.99'], []]);
    expect(eventOf(delivered('leased', 'changed').find(isLeased)!)).toMatchObject({
      actor: 'server',
      source: '',
      A: { before: ['192.0.2.7'], after: ['192.0.2.99'] },
      AAAA: { before: ['2001:db8::7'], after: [] },
    });
    // Valid for a second only: then the next lease ends.
    expect(await ask()).toBe('good 192.0.2.7,2001:db8::7');
    const isRestored = (each: Received) => {
      const { protocol, A } = eventOf(each) as { protocol: string; A: { before: string[]; after: string[] } };
      return protocol === 'dyndns2' && A.before.join() === '192.0.2.99' && A.after.join() === '192.0.2.7';
    };
    await waitUntil('the change', () => delivered('leased', 'changed').some(isRestored));
  });

  it('a lease without a fallback removes the addresses, once: an address that is set manually afterwards stays', async () => {
    await update(`gone.${ZONE}`, { ipv4: '192.0.2.8' });
    await waitUntil('the lease', async () => (await published('gone')).length === 0, 15_000);
    const typed = await runDyndns(['--config', dyndns.configFile, 'update', `gone.${ZONE}`, '192.0.2.9']);
    expect(typed.stdout).toMatch(/^UPDATED/);
    // Meanwhile another host becomes silent.
    await update(`later.${ZONE}`, { ipv4: '192.0.2.2' });
    await waitFor('later', 'silent', 2);
    expect(await published('gone')).toEqual(['192.0.2.9']);
    const { stdout } = await runDyndns(['--config', dyndns.configFile, 'history', `gone.${ZONE}`]);
    expect(stdout).toMatch(/changed {2}A 192\.0\.2\.8 -> none {2}by server \(lease\)/);
  });

  it('can be tested by a command, which gives advice on failure', async () => {
    const test = (...args: string[]) => runDyndns(['--config', dyndns.configFile, 'webhook', 'test', ...args]);
    const good = await test();
    expect([good.code, good.stderr]).toEqual([0, '']);
    expect(good.stdout).toMatch(
      /^webhook 1 \(127\.0\.0\.1:\d+\): delivered, status 200 after \d+ ms\nwebhook 2 \(.*\): delivered, status 200 .*\n$/,
    );
    expect(receiver.received.at(-1)!.headers).toMatchObject({ 'x-dyndns-event': 'test' });
    ntfyReceiver.answer(404);
    const bad = await test('2', '--json');
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject([
      { outcome: 'failed', text: 'status 404', advice: 'The receiver does not know the path of the URL.' },
    ]);
    expect((await test(`${receiver.url}/${PATH_SECRET}`)).code).toBe(0);
    const unknown = await test('https://example.com/pathSecretOfTests');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/no such webhook.*1 is at 127\.0\.0\.1/)]);
    for (const { stdout, stderr } of [good, bad, unknown]) expect(stdout + stderr).not.toContain(PATH_SECRET);
  });

  it('leave no secret in the log, the status and the metrics', async () => {
    const status = await runDyndns(['--config', dyndns.configFile, 'status']);
    expect(status.stdout).toMatch(/^webhook 1 \(127\.0\.0\.1:\d+\) {2}\d+ waiting/m);
    receiver.answer(410);
    await update(`home.${ZONE}`, { ipv4: '192.0.2.3' });
    await waitUntil('the refusal', () =>
      dyndns.log().some(({ msg }) => msg.includes('refuses deliveries: status 410')),
    );
    const metrics = (await dyndns.ask('/metrics', { headers })).body;
    expect(metrics).toMatch(/^dyndns_webhook_deliveries_total\{webhook="1 \(.*\)",outcome="refused"\} 1$/m);
    const signatures = receiver.received.flatMap(({ headers: each }) =>
      ['x-dyndns-signature', 'x-dyndns-signature-2'].map((name) => String(each[name]).slice(7)),
    );
    const written = dyndns.process.output() + status.stdout + metrics;
    expect(signatures.length).toBeGreaterThan(50);
    for (const hidden of [SIGNING, PATH_SECRET, ...signatures]) expect(written).not.toContain(hidden);
  });

  it('get each waiting delivery once more at shutdown, and lost ones are logged', async () => {
    receiver.answer(...Array<number>(40).fill(503));
    await update(`home.${ZONE}`, { ipv4: '192.0.2.4' });
    await update(`other.${ZONE}`, { ipv4: '192.0.2.4' });
    await waitFor('home', 'changed');
    const before = receiver.received.length;
    await dyndns.process.stop();
    expect(receiver.received.length).toBeGreaterThan(before);
    expect(dyndns.log().map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/^Webhook 1 .*: Deliveries lost at shutdown or reload: \d\.$/),
    );
  });
});

describeWith(BIND_PROGRAMS, 'webhooks that a reload adds', () => {
  it('work without a store, and get changes by DNS UPDATE', async () => {
    const receiver = await startWebhookReceiver();
    const key = { name: 'updater', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') };
    const server = await startEmbedded({ zone: ZONE, keys: [key] });
    try {
      const config = JSON.parse(readFileSync(server.dyndns.configFile, 'utf8')) as Record<string, unknown>;
      await server.dyndns.reload({ ...config, webhooks: [{ url: receiver.url }] });
      const headers = { Authorization: `Bearer ${server.secret}` };
      await server.dyndns.ask(`/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.1`, { headers });
      await waitUntil('the change', () => receiver.received.length === 1);
      await nsupdate(server, key, ZONE, [`update add home.${ZONE} 60 A 192.0.2.2`, `update add home.${ZONE} 60 TXT x`]);
      await nsupdate(server, key, ZONE, [`update delete home.${ZONE} TXT`]);
      await waitUntil('the update', () => receiver.received.length === 2);
      expect(JSON.parse(receiver.received[1]!.body)).toMatchObject({
        protocol: 'update',
        actor: 'updater.',
        A: { before: ['192.0.2.1'], after: ['192.0.2.1', '192.0.2.2'] },
      });
      // The change of the TXT record alone caused no notice: after the next change there are three.
      await server.dyndns.ask(`/update-by-query?fqdn=home.${ZONE}&ipv4=192.0.2.3`, { headers });
      await waitUntil('the last', () => receiver.received.length === 3);
      const names = receiver.received.flatMap((each) => Object.keys(each.headers));
      expect(names.filter((name) => name.startsWith('x-dyndns-signature'))).toEqual([]);
    } finally {
      await server.stop();
      await receiver.close();
    }
  });
});

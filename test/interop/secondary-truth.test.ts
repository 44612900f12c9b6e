/**
 * What BIND, Knot and NSD serve as secondaries, as the program tells it: receipts of updates, and secondaries that refuse a
 * transfer, stop, or stay behind. A transfer that was sent proves nothing.
 */
import { afterEach, expect, it } from 'vitest';
import { commandsOf } from '../support/commands.ts';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import {
  SECONDARY_KINDS,
  SECONDARY_PROGRAMS,
  type SecondaryKind,
  type SecondaryOptions,
  type SecondaryServer,
  startSecondary,
} from '../support/secondary.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const ZONE = 'truth.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startPrimary(options: Partial<EmbeddedOptions>): Promise<EmbeddedServer> {
  const config = { store: 'sqlite:dyndns.db', ...options.config };
  const primary = await startEmbedded({ zone: ZONE, keys: [KEY], ...options, config });
  stops.push(() => primary.stop());
  return primary;
}

async function startFollower(
  kind: SecondaryKind,
  primary: EmbeddedServer,
  port: number,
  more: Partial<SecondaryOptions> = {},
): Promise<SecondaryServer> {
  const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary, port, ...more });
  stops.push(() => secondary.stop());
  return secondary;
}

const placeOf = (port: number) => `127.0.0.1:${port}`;
const update = ({ dyndns, secret }: EmbeddedServer, name: string, address: string, more = '') =>
  dyndns.ask(`/update-by-path/${secret}/${name}.${ZONE}/${address}${more}`);

/** The lines about secondaries of `dyndns status`, by place. */
async function statusOf({ dyndns }: EmbeddedServer, port: number): Promise<string> {
  const text = await commandsOf(dyndns.configFile).run('status');
  return new RegExp(`^ {2}secondary ${placeOf(port)} {2}(.*)$`, 'm').exec(text)?.[1] ?? text;
}

async function until(server: EmbeddedServer, port: number, wanted: RegExp, timeoutMs = 40_000): Promise<string> {
  let status = '';
  await waitUntil(
    `the status of ${port} to match ${wanted}`,
    async () => {
      status = await statusOf(server, port);
      return wanted.test(status);
    },
    timeoutMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is: ${status}`);
  });
  return status;
}

async function metric({ dyndns, secret }: EmbeddedServer, name: string, port: number): Promise<number | undefined> {
  const { body } = await dyndns.ask('/metrics', { headers: { authorization: `Bearer ${secret}` } });
  return parseExposition(body).get(`${name}{zone="${ZONE}.",secondary="${placeOf(port)}"}`);
}

describeWith([...BIND_PROGRAMS, ...SECONDARY_PROGRAMS], 'the truth about secondaries', () => {
  it('each update has a receipt of each secondary, in the reply that waits and in the history', {
    timeout: 120_000,
  }, async () => {
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const primary = await startPrimary({
      secondaries: ports.map((port) => ({ address: placeOf(port), key: KEY.name })),
    });
    const commands = commandsOf(primary.dyndns.configFile);
    for (const [index, kind] of SECONDARY_KINDS.entries()) await startFollower(kind, primary, ports[index]!);
    for (const port of ports) await until(primary, port, /^up to date$/);

    const plain = await update(primary, 'home', '192.0.2.1');
    expect(plain.headers['dyndns-secondaries']).toBeUndefined();
    const waited = await update(primary, 'home', '192.0.2.2', '?wait=secondaries');
    expect(waited).toMatchObject({ status: 200, headers: { 'dyndns-secondaries': '3/3' } });
    expect(waited.body).toBe(plain.body.replace('None -> 192.0.2.1', '192.0.2.1 -> 192.0.2.2'));
    for (const port of ports) {
      expect((await dig({ host: '127.0.0.1', port }, [`home.${ZONE}`, 'A'])).short).toEqual(['192.0.2.2']);
    }
    const again = await update(primary, 'home', '192.0.2.2', '?wait=secondaries');
    expect([again.headers['dyndns-secondaries'], again.body]).toEqual(['3/3', expect.stringContaining('192.0.2.2')]);
    expect(await commands.run('update', '--wait', `home.${ZONE}`, '192.0.2.3')).toMatch(
      /served by 3 of 3 secondaries\n$/,
    );
    expect((await update(primary, 'home', '192.0.2.4', '?wait=primary')).status).toBe(456);

    const { events } = await commands.json('history', `home.${ZONE}`);
    expect(events).toHaveLength(3);
    for (const event of events) {
      expect(event.secondaries.map(({ secondary }: { secondary: string }) => secondary).sort()).toEqual(
        ports.map(placeOf).sort(),
      );
      for (const { seconds } of event.secondaries) expect(seconds).toBeLessThan(8);
    }
    expect(await commands.run('history', `home.${ZONE}`)).toMatch(
      /^ {4}served by 3 of 3 secondaries: 127\.0\.0\.1:\d+ after \d+\.\d\d s, /m,
    );
    for (const port of ports) expect(await metric(primary, 'dyndns_secondary_serial', port)).toBe(events[0].serial);
  });

  it('one that is stopped is not answering; waiting ends after 8 s, holds up no one, and ends with the server', {
    timeout: 90_000,
  }, async () => {
    const [port, other] = [await freePort(), await freePort()];
    const primary = await startPrimary({
      secondaries: [port, other].map((each) => ({ address: placeOf(each), key: KEY.name })),
    });
    const knot = await startFollower('knot', primary, port);
    await startFollower('nsd', primary, other);
    await until(primary, port, /^up to date$/);
    await until(primary, other, /^up to date$/);
    knot.signal('SIGSTOP');

    const startMs = performance.now();
    const waiting = update(primary, 'home', '192.0.2.1', '?wait=secondaries');
    await waitUntil('the change', async () => (await dig(primary, [`home.${ZONE}`, 'A'])).short.includes('192.0.2.1'));
    expect((await update(primary, 'home', '192.0.2.2')).body).toContain('192.0.2.1 -> 192.0.2.2');
    expect(performance.now() - startMs).toBeLessThan(6000);
    await until(primary, port, /^not answering since \d+\.\d s, last seen with \d+, behind for \d+\.\d s/);
    expect(await metric(primary, 'dyndns_secondary_up', port)).toBe(0);
    expect(await metric(primary, 'dyndns_secondary_up', other)).toBe(1);
    expect((await primary.dyndns.ask('/readyz')).status).toBe(200);
    expect((await waiting).headers['dyndns-secondaries']).toBe('1/2');
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(7500);
    expect(tookMs).toBeLessThan(9500);
    const commands = commandsOf(primary.dyndns.configFile);
    expect(await commands.run('history', `home.${ZONE}`)).toMatch(
      new RegExp(`served by 1 of 2 secondaries: ${placeOf(other)} after .*; not yet by ${placeOf(port)}`),
    );

    knot.signal('SIGCONT');
    await until(primary, port, /^up to date$/);
    const { events } = await commands.json('history', `home.${ZONE}`);
    const receipt = events[0].secondaries.find(({ secondary }: { secondary: string }) => secondary === placeOf(port));
    expect(receipt.seconds).toBeGreaterThan(1);

    knot.signal('SIGSTOP');
    const last = update(primary, 'home', '192.0.2.3', '?wait=secondaries');
    await waitUntil('the change', async () => (await dig(primary, [`home.${ZONE}`, 'A'])).short.includes('192.0.2.3'));
    const stopMs = performance.now();
    const stopped = primary.stop();
    expect((await last).headers['dyndns-secondaries']).toMatch(/^[01]\/2$/);
    await stopped;
    expect(performance.now() - stopMs).toBeLessThan(4000);
  });

  it('BIND that refuses the data of a transfer is not up to date', { timeout: 120_000 }, async () => {
    const receiver = await startWebhookReceiver();
    stops.push(() => receiver.close());
    const port = await freePort();
    const primary = await startPrimary({
      secondaries: [{ address: placeOf(port), key: KEY.name }],
      config: { webhooks: [{ url: `${receiver.url}/hook` }] },
    });
    await startFollower('bind', primary, port, {
      configure: (text) => text.replace('type secondary;', 'type secondary; max-records 6;'),
    });
    await until(primary, port, /^up to date$/);
    for (const host of ['a', 'b', 'c', 'd', 'e']) await update(primary, host, '192.0.2.1');
    const serial = Number((await dig(primary, [ZONE, 'SOA'])).short[0]?.split(' ')[2]);
    const status = await until(primary, port, new RegExp(`^refused the transfer of serial ${serial}, has \\d+`));
    expect(status).toMatch(/, behind for \d+\.\d s/);
    const [zone] = await commandsOf(primary.dyndns.configFile).json('zone', 'list');
    expect(zone.secondaries[0]).toMatchObject({ state: 'refused', refusedSerial: serial });
    expect(zone.secondaries[0].serial).toBeLessThan(serial);
    expect(await metric(primary, 'dyndns_secondary_refused', port)).toBe(1);
    expect((await update(primary, 'f', '192.0.2.1', '?wait=secondaries')).headers['dyndns-secondaries']).toBe('0/1');

    await waitUntil('the webhook', () => receiver.received.some(({ body }) => body.includes('"secondary"')));
    const notice = receiver.received.map(({ body }) => JSON.parse(body)).find(({ event }) => event === 'secondary');
    expect(notice).toMatchObject({ zone: ZONE, secondary: placeOf(port), state: 'refused', host: ZONE });
    expect(notice.text).toMatch(/^The secondary .* refused the transfer of serial \d+: it still has \d+, since /);

    const doctor = await runDyndns([
      '-c',
      primary.dyndns.configFile,
      'doctor',
      ZONE,
      '--json',
      '--resolver',
      '127.0.0.1:1',
    ]);
    expect(JSON.parse(doctor.stdout)).toContainEqual({
      check: 'secondaries',
      status: 'problem',
      text: expect.stringMatching(
        /^The secondary 127\.0\.0\.1:\d+ refused the transfer of serial \d+: it still has \d+\.$/,
      ),
      advice: expect.stringContaining('its log'),
    });

    for (const host of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await primary.dyndns.ask(`/delete-by-path/${primary.secret}/${host}.${ZONE}`);
    }
    await until(primary, port, /^up to date$/);
    await waitUntil('the second webhook', () => receiver.received.some(({ body }) => body.includes('"up-to-date"')));
  });

  it('one with another secret, and one without the zone, are reported as such', { timeout: 120_000 }, async () => {
    const [mismatched, foreign] = [await freePort(), await freePort()];
    const primary = await startPrimary({
      secondaries: [{ address: placeOf(mismatched), key: KEY.name }, { address: placeOf(foreign) }],
    });
    await startFollower('bind', primary, mismatched, {
      key: { ...KEY, secret: 'YW5vdGhlciBzZWNyZXQsIGFsc28gbG9uZyBlbm91Z2g=' },
      serves: false,
    });
    await startFollower('nsd', primary, foreign, {
      zone: 'other.example.com',
      key: { ...KEY, name: 'other.example.com' },
      serves: false,
    });
    await until(primary, mismatched, /^rejects the signature of queries \(NOTAUTH, BADSIG\)/);
    await until(primary, foreign, /^does not serve the zone \(REFUSED\)/);
    expect(await metric(primary, 'dyndns_secondary_up', mismatched)).toBe(0);
    const { headers } = await update(primary, 'home', '192.0.2.1', '?wait=secondaries');
    expect(headers['dyndns-secondaries']).toBe('0/2');
  });

  it('one that is not notified is behind, by so many changes; another at its address that follows is not mistaken for it', {
    timeout: 120_000,
  }, async () => {
    const [slow, fast] = [await freePort(), await freePort()];
    const primary = await startPrimary({
      secondaries: [
        { address: placeOf(slow), key: KEY.name, notify: false },
        { address: placeOf(fast), key: KEY.name },
      ],
    });
    await startFollower('bind', primary, slow);
    await startFollower('knot', primary, fast);
    await until(primary, slow, /^up to date$/);
    await update(primary, 'home', '192.0.2.1');
    const { headers } = await update(primary, 'home', '192.0.2.2');
    expect(headers).toBeDefined();
    await until(primary, fast, /^up to date$/);
    expect(await until(primary, slow, /^behind/)).toMatch(/^behind by 2 since \d+\.\d s, has \d+$/);
    expect(await metric(primary, 'dyndns_secondary_lag_seconds', slow)).toBeGreaterThan(0);
    expect(await metric(primary, 'dyndns_secondary_lag_seconds', fast)).toBe(0);
  });

  it('a prefix permits transfers, and its addresses are neither notified nor asked', { timeout: 120_000 }, async () => {
    const port = await freePort();
    const primary = await startPrimary({ secondaries: ['127.0.0.0/8'] });
    const axfr = await dig(primary, [ZONE, 'AXFR']);
    expect(axfr.text).toContain(`${ZONE}.`);
    await startFollower('knot', primary, port);
    const [zone] = await commandsOf(primary.dyndns.configFile).json('zone', 'list');
    expect(zone.secondaries).toEqual([]);
    const { headers } = await update(primary, 'home', '192.0.2.1', '?wait=secondaries');
    expect(headers['dyndns-secondaries']).toBe('0/0');
    const keyed = await startPrimary({ secondaries: [{ address: '127.0.0.0/8', key: KEY.name }] });
    expect((await dig(keyed, [ZONE, 'AXFR'])).text).toMatch(/Transfer failed/);
    await startFollower('nsd', keyed, await freePort());
    const outside = await startPrimary({ secondaries: ['192.0.2.0/24'], keys: [] });
    expect((await dig(outside, [ZONE, 'AXFR'])).text).toMatch(/Transfer failed/);
  });
});

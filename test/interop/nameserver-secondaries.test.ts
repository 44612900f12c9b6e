/**
 * BIND, Knot and NSD as secondaries of our embedded nameserver, with the files of deploy/: NOTIFY, IXFR and AXFR with TSIG,
 * and the time from the acknowledgement of a change until a secondary serves it.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { serialIsLater } from '../../src/dns/serial.ts';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, type SecondaryServer, startSecondary } from '../support/secondary.ts';

const ZONE = 'hidden.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const UPDATES = 20;
const HOSTS = 300;
const RECORDS = Array.from({ length: HOSTS }, (_, index) => `static${index} 300 IN A 198.51.100.1\n`).join('');
/** The log line of each for an incremental transfer; NSD only logs that the transfer was signed. */
const INCREMENTAL = {
  bind: /Transfer completed: 1 messages, [4-9] records/,
  knot: /IXFR, incoming, .*finished/,
  nsd: /committed "received update to serial .* TSIG verified/,
} as const;

async function primarySerial(server: EmbeddedServer): Promise<number> {
  return Number((await dig(server, [ZONE, 'SOA'])).short[0]?.split(' ')[2]);
}

describeWith([...BIND_PROGRAMS, ...SECONDARY_PROGRAMS], 'the embedded nameserver as hidden primary', () => {
  const servers: (EmbeddedServer | SecondaryServer)[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.each(SECONDARY_KINDS)('%s serves each change within a second of its acknowledgement', async (kind) => {
    const port = await freePort();
    const primary = await startEmbedded({
      zone: ZONE,
      keys: [KEY],
      secondaries: [{ address: `127.0.0.1:${port}`, key: KEY.name }],
      records: RECORDS,
    });
    servers.push(primary);
    const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary, port });
    servers.push(secondary);
    expect((await dig(secondary, [`static${HOSTS - 1}.${ZONE}`, 'A'])).short).toEqual(['198.51.100.1']);

    const lags: number[] = [];
    for (let index = 0; index < UPDATES; index++) {
      const address = `192.0.2.${index + 1}`;
      const name = `home${index % 3}.${ZONE}`;
      const change = [`update delete ${name} A`, `update add ${name} 60 A ${address}`];
      expect(await nsupdate(primary, KEY, ZONE, change)).toMatchObject({ code: 0 });
      const acknowledged = performance.now();
      await waitUntil(`${kind} to serve ${address}`, async () => {
        return (await dig(secondary, [name, 'A'])).short.includes(address);
      });
      lags.push(performance.now() - acknowledged);
    }
    lags.sort((a, b) => a - b);
    const median = lags[UPDATES / 2]!;
    console.log(`${kind}: median ${Math.round(median)} ms, longest ${Math.round(lags.at(-1)!)} ms behind`);
    expect(median).toBeLessThan(1000);
    expect(await secondary.serial()).toBe(await primarySerial(primary));
    expect(secondary.log()).toMatch(INCREMENTAL[kind]);
  });

  it.each(SECONDARY_KINDS)('%s follows after a restart of the primary, and applies deletions', async (kind) => {
    const port = await freePort();
    const directory = freshDirectory('hidden-primary');
    const options = {
      zone: ZONE,
      keys: [KEY],
      secondaries: [{ address: `127.0.0.1:${port}`, key: KEY.name }],
      dns: { database: join(directory, 'zones.db') },
    };
    const first = await startEmbedded(options);
    servers.push(first);
    expect(await nsupdate(first, KEY, ZONE, [`update add early.${ZONE} 60 A 192.0.2.1`])).toMatchObject({ code: 0 });
    const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary: first, port });
    servers.push(secondary);
    expect((await dig(secondary, [`early.${ZONE}`, 'A'])).short).toEqual(['192.0.2.1']);

    await first.stop();
    const second = await startEmbedded({ ...options, port: first.port });
    servers.push(second);
    const change = [`update delete early.${ZONE}`, `update add late.${ZONE} 60 TXT "late"`];
    expect(await nsupdate(second, KEY, ZONE, change)).toMatchObject({ code: 0 });
    const serial = await primarySerial(second);
    await waitUntil(`${kind} to follow`, async () => (await secondary.serial()) === serial);
    expect((await dig(secondary, [`early.${ZONE}`, 'A'])).rcode).toBe('NXDOMAIN');
    expect((await dig(secondary, [`late.${ZONE}`, 'TXT'])).short).toEqual(['"late"']);
    removeNow(directory);
  });

  it.each(SECONDARY_KINDS)(
    '%s keeps its zone while a primary that lost changes does not serve it, and takes the recovered one',
    async (kind) => {
      const port = await freePort();
      const directory = freshDirectory('hidden-primary');
      const database = join(directory, 'zones.db');
      const options = {
        zone: ZONE,
        keys: [KEY],
        secondaries: [{ address: `127.0.0.1:${port}`, key: KEY.name }],
        dns: { database },
      };
      const first = await startEmbedded(options);
      servers.push(first);
      const older = join(directory, 'older.db');
      expect(await runDyndns(['-c', first.dyndns.configFile, 'backup', older])).toMatchObject({ code: 0 });
      expect(await nsupdate(first, KEY, ZONE, [`update add late.${ZONE} 60 A 192.0.2.1`])).toMatchObject({ code: 0 });
      const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary: first, port });
      servers.push(secondary);
      const held = await primarySerial(first);
      await waitUntil(`${kind} to follow`, async () => (await secondary.serial()) === held);
      await first.stop();
      for (const end of ['-wal', '-shm']) rmSync(database + end, { force: true });
      copyFileSync(older, database);

      const second = await startEmbedded({ ...options, port: first.port });
      servers.push(second);
      expect((await dig(second, [ZONE, 'SOA'])).rcode).toBe('SERVFAIL');
      expect((await dig(secondary, [`late.${ZONE}`, 'A'])).short).toEqual(['192.0.2.1']);
      expect(await runDyndns(['-c', second.dyndns.configFile, 'zone', 'recover', ZONE])).toMatchObject({ code: 0 });
      const serial = await primarySerial(second);
      expect(serialIsLater(serial, held)).toBe(true);
      await waitUntil(`${kind} to take the recovered zone`, async () => (await secondary.serial()) === serial);
      expect((await dig(secondary, [`late.${ZONE}`, 'A'])).rcode).toBe('NXDOMAIN');
      removeNow(directory);
    },
  );
});

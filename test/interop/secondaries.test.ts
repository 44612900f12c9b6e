/**
 * BIND, Knot and NSD as secondaries with the files of deploy/, verified with BIND as a known good primary.
 * nameserver-secondaries.test.ts tests them with our own nameserver.
 */
import { afterEach, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { freePort } from '../support/free-port.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { SECONDARY_KINDS, SECONDARY_PROGRAMS, startSecondary } from '../support/secondary.ts';

const ZONE = 'followed.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };

describeWith([...BIND_PROGRAMS, ...SECONDARY_PROGRAMS], 'the files for secondaries in deploy/', () => {
  const servers: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.each(SECONDARY_KINDS)('%s follows a primary by NOTIFY and signed transfers', async (kind) => {
    const port = await freePort();
    const primary = await startBind({
      zones: [{ name: ZONE }],
      keys: [KEY],
      configure: (config) =>
        config.replace(
          'notify no;',
          `notify explicit; notify-delay 0; also-notify { 127.0.0.1 port ${port} key "${KEY.name}"; };`,
        ),
    });
    servers.push(primary);
    const secondary = await startSecondary(kind, { zone: ZONE, key: KEY, primary, port });
    servers.push(secondary);
    const before = await secondary.serial();
    const update = await nsupdate(primary, KEY, ZONE, [`update add home.${ZONE} 60 A 192.0.2.7`]);
    expect(update).toMatchObject({ code: 0 });
    await waitUntil(`${kind} to follow`, async () => (await secondary.serial()) !== before);
    expect((await dig(secondary, [`home.${ZONE}`, 'A'])).short).toEqual(['192.0.2.7']);
  });
});

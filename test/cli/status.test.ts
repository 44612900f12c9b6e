// `dyndns status`: what a running server tells over its control socket, also one whose zones are all elsewhere.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { VERSION } from '../../src/server/version.ts';
import { runDyndns, startDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { waitUntil } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

it('tells version, process, listeners, zones and secondaries', async () => {
  const secondaryPort = await freePort();
  const server = await startEmbedded({ zone: ZONE, secondaries: [{ address: `127.0.0.1:${secondaryPort}` }] });
  stops.push(() => server.stop());
  const run = async (...args: readonly string[]) =>
    (await runDyndns(['-c', server.dyndns.configFile, 'status', ...args])).stdout;
  const status = JSON.parse(await run('--json'));
  expect(status).toMatchObject({
    version: VERSION,
    pid: server.dyndns.process.pid,
    http: [`http://127.0.0.1:${server.dyndns.port}`],
    dns: [`127.0.0.1:${server.port}`],
    remote: [],
    embedded: [{ zone: `${ZONE}.`, names: 2, secondaries: [{ endpoint: `127.0.0.1:${secondaryPort}` }] }],
  });
  expect(status.uptimeSeconds).toBeGreaterThanOrEqual(0);
  // Nothing listens there.
  await waitUntil('the secondary to be not answering', async () => (await run()).includes('not answering'));
  const text = await run();
  expect(text).toMatch(`dyndns ${VERSION}, process ${server.dyndns.process.pid}, running for 00:00:`);
  expect(text).toContain(`listening on dns://127.0.0.1:${server.port}\n`);
  expect(text).toMatch(
    new RegExp(
      `^${ZONE}\\.  serial \\d+  2 names\n  secondary 127\\.0\\.0\\.1:${secondaryPort}  not answering since \\d`,
      'm',
    ),
  );
});

const REMOTE = { name: ZONE, nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' };
const SECRET = 'masterSecretOfTests';

it('a server without embedded zones has one where `control` is set', async () => {
  const server = await startDyndns({ secret: SECRET, control: 'unix:c.sock', zones: [REMOTE] });
  stops.push(() => server.stop());
  const { stdout } = await runDyndns(['-c', server.configFile, 'status']);
  expect(stdout).toContain(`${ZONE}.  on another primary\n`);
  const list = await runDyndns(['-c', server.configFile, 'zone', 'list']);
  expect([list.code, list.stdout]).toEqual([0, `${ZONE}.  on another primary, 127.0.0.1:53\n`]);
  // It has no serial to tell.
  const serial = await runDyndns(['-c', server.configFile, 'zone', 'serial', ZONE]);
  expect([serial.code, serial.stderr]).toEqual([
    1,
    expect.stringMatching(/^DNS_NAME_ERROR: 'dyn\.example\.com\.' is not an embedded/),
  ]);
});

it('without `control` there is nobody to ask; without its directory, or with another server there, no start', async () => {
  const server = await startDyndns({ secret: SECRET, control: 'unix:c.sock', zones: [REMOTE] });
  stops.push(() => server.stop());
  const file = join(server.directory, 'other.yml');
  const config = (control: object) =>
    writeFileSync(
      file,
      JSON.stringify({ secret: SECRET, http: { listen: ['127.0.0.1:0'] }, zones: [REMOTE], ...control }),
      {
        mode: 0o600,
      },
    );
  config({});
  const none = await runDyndns(['-c', file, 'status']);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("Set 'control: unix:PATH'")]);
  config({ control: 'unix:c.sock' });
  const second = await runDyndns(['-c', file, 'serve']);
  expect([second.code, second.stderr]).toEqual([
    1,
    `ERROR: Cannot listen on the control socket '${join(server.directory, 'c.sock')}': another dyndns serves this control socket; stop it, or set another \`control\`.\n`,
  ]);
  config({ control: 'unix:missing/c.sock' });
  const missing = await runDyndns(['-c', file, 'serve']);
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringContaining(`the directory '${join(server.directory, 'missing')}' does not exist`),
  ]);
  // The first one was not disturbed.
  expect((await runDyndns(['-c', server.configFile, 'status'])).code).toBe(0);
});

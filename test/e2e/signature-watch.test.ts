/**
 * Signatures that are not renewed are seen before resolvers refuse the zone: in metrics, status, log and webhook of the real server,
 * once for each change of their state. The server stays ready.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { requireBuiltSqlite } from '../support/built-sqlite.ts';
import { MAIN, parseLog, runDyndns } from '../support/dyndns.ts';
import { parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { type RunningProcess, startProcess, waitUntil } from '../support/process.ts';
import { signDatabase } from '../support/signed-database.ts';
import { testDirectory } from '../support/test-directory.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const ZONE = 'dyn.example.com';
const DAY_MS = 86_400_000;

let directory: string;
let port: number;
let receiver: WebhookReceiver;
let server: RunningProcess | undefined;

beforeAll(requireBuiltSqlite);
beforeEach(async () => {
  directory = testDirectory('signature-watch');
  receiver = await startWebhookReceiver();
  port = await freePort();
  configure({ dnssec: true });
  expect((await run('zone', 'list')).code).toBe(0);
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await receiver.close();
});

function configure(zoneOptions: Readonly<Record<string, unknown>>): void {
  const config = {
    secret: 'masterSecretOfTests',
    log_level: 20,
    control: 'unix:control.sock',
    dns: { listen: ['127.0.0.1:0'], database: 'zones.db' },
    http: { listen: ['127.0.0.1:0'] },
    metrics: { listen: `127.0.0.1:${port}` },
    webhooks: [{ url: receiver.url }],
    zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 A 127.0.0.1\n', ...zoneOptions }],
  };
  writeFileSync(join(directory, 'dyndns.yml'), JSON.stringify(config), { mode: 0o600 });
}

const run = (...args: string[]) => runDyndns(['-c', 'dyndns.yml', ...args], { cwd: directory });

async function start(): Promise<void> {
  server = await startProcess({
    command: process.execPath,
    args: [MAIN, '-c', 'dyndns.yml', 'serve'],
    cwd: directory,
    ready: (output) => output.includes('admin commands at'),
  });
}

async function reload(): Promise<void> {
  const reloads = () => parseLog(server!.output()).filter(({ msg }) => msg === 'Configuration reloaded.').length;
  const before = reloads();
  server!.signal('SIGHUP');
  await waitUntil('the reload', () => reloads() > before);
}

const moveKeys = (from: string, to: string) => renameSync(join(directory, from), join(directory, to));
const warnings = () => parseLog(server!.output()).filter(({ level }) => level >= 30);

async function metric(name: string): Promise<number | undefined> {
  const { body } = await ask({ port }, '/metrics');
  return parseExposition(body).get(`dyndns_dnssec_${name}{zone="${ZONE}."}`);
}

async function delivered(count: number): Promise<readonly Record<string, unknown>[]> {
  await waitUntil(`${count} deliveries`, () => receiver.received.length >= count);
  return receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
}

it('a zone whose keys are all there has figures, and nothing to report', async () => {
  await start();
  expect(await metric('signatures')).toBeGreaterThan(5);
  expect(await metric('signatures_made_total')).toBe(0);
  const daysLeft = ((await metric('first_expiration_timestamp_seconds'))! - Date.now() / 1000) / 86_400;
  expect([daysLeft > 29, daysLeft < 30]).toEqual([true, true]);
  for (const name of ['signatures_expired', 'renewal_failures_total', 'keys_missing'])
    expect(await metric(name)).toBe(0);
  expect((await run('status')).stdout).not.toContain('SIGNATURES');
  expect([warnings(), receiver.received]).toEqual([[], []]);
});

it('a zone that lost its keys is reported at the start and once more when they are back; the server is ready', async () => {
  moveKeys('keys', 'elsewhere');
  await start();
  const [lost] = await delivered(1);
  expect(lost).toMatchObject({
    event: 'signatures',
    host: ZONE,
    zone: ZONE,
    state: 'keys-missing',
    firstExpiration: expect.stringMatching(/^20\d\d-/),
    subject: `${ZONE}: keys of the signed zone are missing`,
    text: expect.stringContaining('Put it back from a backup'),
  });
  expect(await metric('keys_missing')).toBe(1);
  expect((await run('status')).stdout).toMatch(
    /^ {2}SIGNATURES: The zone 'dyn\.example\.com\.' is signed with the key \d+, which is not in/m,
  );
  expect((await run('zone', 'list')).stdout).toContain('SIGNATURES: The zone');
  expect(warnings()).toHaveLength(1);
  expect((await ask({ port }, '/readyz')).body).toBe('ready\n');
  await reload();
  expect(receiver.received).toHaveLength(1);

  moveKeys('elsewhere', 'keys');
  await reload();
  const [, back] = await delivered(2);
  expect(back).toMatchObject({ event: 'signatures', state: 'ok', subject: `${ZONE}: signatures are renewed again` });
  expect(await metric('keys_missing')).toBe(0);
  expect((await run('status')).stdout).not.toContain('SIGNATURES');
});

it('signatures that expired without their keys are reported as expired', async () => {
  configure({});
  moveKeys('zones.db', 'signed.db');
  for (const file of readdirSync(directory)) if (file.startsWith('zones.db-')) moveKeys(file, `former-${file}`);
  moveKeys('keys', 'former-keys');
  expect((await run('zone', 'list')).code).toBe(0);
  await signDatabase(join(directory, 'zones.db'), ZONE, Date.now() - 40 * DAY_MS);
  moveKeys('keys', 'elsewhere');
  configure({ dnssec: true });
  await start();
  const [event] = await delivered(1);
  expect(event).toMatchObject({ state: 'expired', subject: `${ZONE}: signatures have expired` });
  expect(await metric('signatures_expired')).toBe(await metric('signatures'));
  expect((await run('status')).stdout).toMatch(/SIGNATURES: (\d+) of \1 signatures of the zone .* have expired/);
});

it('a zone that goes on being signed without its option is in the status', async () => {
  configure({});
  await start();
  expect((await run('status')).stdout).toContain("SIGNATURES: The zone 'dyn.example.com.' goes on being signed");
});

/**
 * A signed zone after `dyndns restore` of an old backup and after `dyndns zone recover` of a damaged database: BIND as a secondary follows
 * to it, and validators accept it from the first serial that is served.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { dig, type ServerAddress } from '../support/dig.ts';
import { type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runOrThrow, waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { startSecondary } from '../support/secondary.ts';
import { signDatabase } from '../support/signed-database.ts';

const ZONE = 'back.example.com';
const KEY = { name: ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const DIG_KEY = `${KEY.algorithm}:${KEY.name}:${KEY.secret}`;
const DAY_MS = 86_400_000;
const HOSTS = Array.from({ length: 40 }, (_, index) => `h${index}`);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A database and configuration that a server is started on again and again. */
async function makeLab() {
  const directory = freshDirectory('signed-restore');
  stops.push(() => removeNow(directory));
  const [port, secondaryPort] = [await freePort(), await freePort()];
  const settings = (dnssec: boolean, records = '') => ({
    secret: 'masterSecretOfTests',
    control: `unix:${join(directory, 'control.sock')}`,
    http: { listen: ['127.0.0.1:0'] },
    dns: { listen: [`127.0.0.1:${port}`], database: join(directory, 'zones.db') },
    zones: [
      {
        name: ZONE,
        nameserver: 'embedded',
        ns: [`ns1.${ZONE}`],
        records: `ns1 IN A 127.0.0.1\n${records}`,
        tsig_keys: [KEY],
        secondaries: [{ address: `127.0.0.1:${secondaryPort}`, key: KEY.name }],
        ...(dnssec && { dnssec }),
      },
    ],
  });
  const config = join(directory, 'own.yml');
  const configure = (dnssec: boolean, records?: string) =>
    writeFileSync(config, JSON.stringify(settings(dnssec, records)), { mode: 0o600 });
  configure(false);
  const primary: ServerAddress = { host: '127.0.0.1', port };
  return {
    directory,
    database: join(directory, 'zones.db'),
    primary,
    secondaryPort,
    configure,
    run: async (...args: string[]) => {
      const { code, stdout, stderr } = await runDyndns(['-c', config, ...args], { cwd: directory });
      expect(code, stdout + stderr).toBe(0);
      return stdout;
    },
    async start(records?: string): Promise<RunningDyndns> {
      const server = await startDyndns(settings(true, records));
      stops.push(() => server.stop());
      return server;
    },
    add: async (names: readonly string[], address: string) => {
      const lines = names.map((name) => `update add ${name}.${ZONE} 60 A ${address}`);
      expect(await nsupdate(primary, KEY, ZONE, lines)).toMatchObject({ code: 0 });
    },
  };
}

async function serialAt(server: ServerAddress): Promise<number> {
  return Number((await dig(server, [ZONE, 'SOA', '+norecurse'])).short[0]?.split(' ')[2]);
}

/** dnssec-verify accepts the zone that is transferred. @returns the earliest expiration of a signature, in milliseconds since 1970 */
async function verify(server: ServerAddress, directory: string): Promise<number> {
  const at = ['@127.0.0.1', '-p', `${server.port}`, '+noall', '+answer', '+onesoa', '-y', DIG_KEY];
  const text = await runOrThrow('dig', [...at, ZONE, 'AXFR']);
  const file = join(directory, 'transferred');
  writeFileSync(file, text.replace(/^.*\tTSIG\t.*$/gm, ''));
  await runOrThrow('dnssec-verify', ['-z', '-o', ZONE, file]);
  const times = [...text.matchAll(/\sRRSIG\s+\S+ \d+ \d+ \d+ (\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d) /g)];
  return Math.min(
    ...times.map(([, year, month, day, hour, minute, second]) =>
      Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    ),
  );
}

describeWith(
  [
    ...BIND_PROGRAMS,
    { command: 'dnssec-verify', debianPackage: 'bind9-utils' },
    { command: 'sqlite3', debianPackage: 'sqlite3' },
  ],
  'a signed zone that comes back',
  () => {
    it('from an old backup: its last signatures are renewed before it is served, and BIND follows to its later serial', {
      timeout: 90_000,
    }, async () => {
      const lab = await makeLab();
      await lab.run('zone', 'list');
      await signDatabase(lab.database, ZONE, Date.now() - 28 * DAY_MS);
      lab.configure(true);
      const backup = join(lab.directory, 'old.db');
      const signedOnly = await runOrThrow('sqlite3', [lab.database, 'SELECT count(*) FROM node']);
      expect(Number(signedOnly)).toBeGreaterThan(2);
      await lab.run('backup', backup);

      const server = await lab.start();
      const secondary = await startSecondary('bind', {
        zone: ZONE,
        key: KEY,
        primary: lab.primary,
        port: lab.secondaryPort,
        configure: (text) => text.replace('allow-transfer { none; }', `allow-transfer { key "${KEY.name}"; }`),
      });
      stops.push(() => secondary.stop());
      await lab.add(HOSTS, '192.0.2.1');
      const before = await serialAt(lab.primary);
      await waitUntil('the changes at BIND', async () => (await secondary.serial()) === before);
      await server.stop();

      const { zones } = JSON.parse(await lab.run('restore', backup, '--json'));
      expect(zones).toMatchObject([{ zone: `${ZONE}.`, known: before }]);
      expect(zones[0].serial).toBeGreaterThan(before);
      await lab.start();
      const served = await serialAt(lab.primary);
      expect(served).toBeGreaterThanOrEqual(zones[0].serial);
      expect((await verify(lab.primary, lab.directory)) - Date.now()).toBeGreaterThan(3 * DAY_MS);
      await waitUntil('the restored zone at BIND', async () => (await secondary.serial()) === served);
      await verify(secondary, lab.directory);
      expect((await dig(secondary, [`h1.${ZONE}`, 'A', '+norecurse'])).rcode).toBe('NXDOMAIN');
      await lab.add(['after'], '192.0.2.2');
      await verify(lab.primary, lab.directory);
    });

    it('from a damaged database: what is left of it has a whole chain and right signatures', {
      timeout: 90_000,
    }, async () => {
      const lab = await makeLab();
      const server = await lab.start();
      await lab.add(HOSTS, '192.0.2.1');
      const before = await serialAt(lab.primary);
      await server.stop();
      // Writes the rows of names, those with data and those with records of the chain.
      await signDatabase(lab.database, ZONE);
      const some = `SELECT key FROM node WHERE length(key) > (SELECT min(length(key)) FROM node) ORDER BY key LIMIT 30`;
      await runOrThrow('sqlite3', [lab.database, `UPDATE node SET crc = crc + 1 WHERE key IN (${some})`]);

      lab.configure(true, 'new IN TXT static\n');
      await lab.start('new IN TXT static\n');
      expect((await dig(lab.primary, [ZONE, 'SOA'])).rcode).toBe('SERVFAIL');
      const report = await lab.run('zone', 'recover', ZONE);
      const served = await serialAt(lab.primary);
      expect(served).toBeGreaterThan(before);
      expect(report).toContain(`${served}`);
      await verify(lab.primary, lab.directory);
      expect((await dig(lab.primary, [`new.${ZONE}`, 'TXT'])).short).toEqual(['"static"']);
      await lab.add(['after'], '192.0.2.2');
      await verify(lab.primary, lab.directory);
    });
  },
);

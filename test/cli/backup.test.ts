// `dyndns backup FILE` while changes go on: the copy is a database of its own, with every change that was acknowledged
// before. And the way back: put in place, serial raised.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { form } from '../support/http-client.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, startProcess } from '../support/process.ts';

const ZONE = 'dyn.example.com';

let directory: string;
/** The last test ends it. */
let server: EmbeddedServer;
beforeAll(async () => {
  server = await startEmbedded({ zone: ZONE });
});
afterAll(() => server?.stop());
beforeEach(() => {
  directory = freshDirectory('backup');
});
afterEach(() => removeNow(directory));

/** A configuration beside a copy of the database. */
function configOf(database: string): string {
  const zone = `{name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], records: "ns1 A 127.0.0.1\\n"}`;
  const listen = "['127.0.0.1:0']";
  const dns = `{listen: ${listen}, database: ${database}}`;
  return `secret: masterSecretOfTests\ndns: ${dns}\nhttp: {listen: ${listen}}\nzones: [${zone}]\n`;
}

it('has every change that was acknowledged before it began, restored under another configuration', async () => {
  const acknowledged: number[] = [];
  let on = true;
  const load = async (first: number) => {
    for (let i = first; on; i += 4) {
      const parameters = { secret: server.secret, fqdn: `h${i}.${ZONE}`, ip_1: '192.0.2.1' };
      const { status } = await server.dyndns.ask('/update-by-query', { ...form(parameters), method: 'POST' });
      if (status === 200) acknowledged.push(i);
      // The processors are left to the commands.
      await delay(5);
    }
  };
  const loads = [0, 1, 2, 3].map(load);
  try {
    for (let round = 0; round < 3; round++) {
      const before = [...acknowledged];
      const file = join(directory, 'copy.db');
      const { code, stdout, stderr } = await runDyndns(['-c', server.dyndns.configFile, 'backup', 'copy.db'], {
        cwd: directory,
      });
      expect([code, stderr]).toEqual([0, '']);
      const database = join(server.dyndns.directory, 'zones.db');
      expect(stdout).toBe(
        `1. zones and their journal: ${database} -> ${file}\nNot copied: the configuration file, its files with secrets, and a store in PostgreSQL (use pg_dump).\n`,
      );
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const config = writeInto(directory, 'restored.yml', configOf('restored.db'));
      for (const left of readdirSync(directory).filter((name) => name.startsWith('restored.db'))) {
        rmSync(join(directory, left));
      }
      copyFileSync(file, join(directory, 'restored.db'));
      const text = (await runDyndns(['-c', config, 'zone', 'export', ZONE])).stdout;
      const names = new Set([...text.matchAll(/^h(\d+) /gm)].map(([, number]) => Number(number)));
      expect(before.filter((number) => !names.has(number))).toEqual([]);
    }
  } finally {
    on = false;
    await Promise.all(loads);
  }
  expect(acknowledged.length).toBeGreaterThan(50);
});

it('works without a server, and tells what it wrote as JSON', async () => {
  const config = writeInto(directory, 'own.yml', configOf('own.db'));
  const file = join(directory, 'own-copy.db');
  const { stdout } = await runDyndns(['-c', config, 'backup', file, '--json']);
  expect(JSON.parse(stdout)).toEqual({
    copies: [{ what: 'zones and their journal', from: join(directory, 'own.db'), to: file }],
  });
  expect(existsSync(file)).toBe(true);
});

it('copies the store first, then the zones; the token of then counts in the copy', async () => {
  const config = writeInto(directory, 'both.yml', `${configOf('both.db')}store: sqlite:clients.db\n`);
  const run = (...args: readonly string[]) => runDyndns(['-c', config, ...args]);
  expect((await run('token', 'create', 'router1', '--host', `home.${ZONE}`)).code).toBe(0);
  const file = join(directory, 'both-copy.db');
  const { stdout } = await run('backup', file, '--json');
  expect(JSON.parse(stdout)).toEqual({
    copies: [
      { what: 'tokens, hosts, history and pending updates', from: join(directory, 'clients.db'), to: `${file}.store` },
      { what: 'zones and their journal', from: join(directory, 'both.db'), to: file },
    ],
  });
  expect((await run('token', 'revoke', 'router1')).code).toBe(0);
  copyFileSync(`${file}.store`, join(directory, 'clients.db'));
  for (const end of ['-wal', '-shm']) rmSync(join(directory, `clients.db${end}`), { force: true });
  expect((await run('token', 'list')).stdout).toMatch(/router1 .*valid/);
});

it('refuses a file that cannot be written, and the database itself', async () => {
  const backup = (file: string) => runDyndns(['-c', server.dyndns.configFile, 'backup', file]);
  const [missing, own] = await Promise.all([
    backup(join(directory, 'missing/copy.db')),
    backup(join(server.dyndns.directory, 'zones.db')),
  ]);
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringMatching(
      /^ERROR: The backup '\S+missing\/copy\.db' could not be written: its directory does not exist\.$/m,
    ),
  ]);
  expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('belongs to the database')]);
});

it.runIf(process.getuid?.() === 0)(
  'is written where the sandbox of the server is read-only, by the command, and leaves nothing else',
  async () => {
    const home = freshDirectory('sandbox');
    const config = writeInto(home, 'sandboxed.yml', `${configOf('state/zones.db')}store: sqlite:state/clients.db\n`);
    for (const folder of ['state', 'backups']) mkdirSync(join(home, folder));
    // As ProtectSystem=strict with StateDirectory=: everything is read-only but one folder.
    const script =
      'mount --make-rprivate /; mount --bind "$1" "$1"; mount --bind "$1/state" "$1/state"; mount -o remount,ro,bind "$1"; shift; exec "$@"';
    const sandboxed = await startProcess({
      command: 'unshare',
      args: ['--mount', 'sh', '-e', '-c', script, 'sh', home, process.execPath, MAIN, '-c', config, 'serve'],
      env: { ...process.env, DYNDNS_HTTP_LISTEN: '127.0.0.1:0', DYNDNS_DNS_LISTEN: '127.0.0.1:0' },
      ready: (output) => output.includes('admin commands at'),
    });
    try {
      const file = join(home, 'backups/copy.db');
      const { code, stdout, stderr } = await runDyndns(['-c', config, 'backup', file]);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain(`${join(home, 'state/zones.db')} -> ${file}`);
      expect(readdirSync(join(home, 'backups')).toSorted()).toEqual(['copy.db', 'copy.db.store']);
      for (const name of [file, `${file}.store`]) expect(statSync(name).mode & 0o777).toBe(0o600);
      expect(readdirSync(join(home, 'state')).filter((name) => name.includes('backup'))).toEqual([]);
    } finally {
      await sandboxed.stop();
      removeNow(home);
    }
  },
);

it('an older backup in the place of the database: `zone recover` brings the serial above that of the secondaries', async () => {
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runDyndns(['-c', server.dyndns.configFile, ...args]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  const copy = join(directory, 'older.db');
  await run('backup', copy);
  for (const number of [1, 2, 3]) await run('update', `older${number}.${ZONE}`, '192.0.2.1');
  const held = Number(await run('zone', 'serial', ZONE));
  await server.dyndns.process.stop();
  const database = join(server.dyndns.directory, 'zones.db');
  copyFileSync(copy, database);
  for (const end of ['-wal', '-shm']) rmSync(`${database}${end}`, { force: true });
  await expect(run('zone', 'serial', ZONE, String(held + 1))).rejects.toThrow('is not served');
  await expect(run('zone', 'recover', ZONE, '--serial', String(held))).rejects.toThrow('not later');
  await run('zone', 'recover', ZONE, '--serial', String(held + 1));
  expect(Number(await run('zone', 'serial', ZONE))).toBe(held + 1);
});

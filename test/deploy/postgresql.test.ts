/**
 * docs/operating/postgresql.md as it stands: a real PostgreSQL, the role and the database by the commands of the page, a server with
 * that store, a backup and its restoration. Only paths and the port are changed.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, PSQL, startPostgres } from '../support/postgres.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const PAGE = 'docs/operating/postgresql.md';
const ZONE = 'dyn.example.com';

let directory: string;
let installation: Installation;
let postgres: PostgresServer;

async function type(word: string): Promise<void> {
  const { code, stdout, stderr } = await installation.runBlocks(PAGE, word);
  expect(code, stdout + stderr).toBe(0);
}

describeWith([...POSTGRES_PROGRAMS, PSQL], 'one server with PostgreSQL, by its page', () => {
  beforeAll(async () => {
    directory = freshDirectory('page');
    postgres = await startPostgres(['fsync=off'], 'postgres');
    const env = { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGUSER: 'postgres' };
    installation = makeInstallation({
      directory,
      dnsPort: await freePort(),
      env,
      adaptCommands: (script) => script.replaceAll('@localhost/', `@127.0.0.1:${postgres.port}/`),
    });
    mkdirSync(installation.path('/var/backups'), { recursive: true });
    writeFileSync(installation.path('/shims/runuser'), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
    await type('database');
  });
  afterAll(async () => {
    await postgres?.stop();
    removeNow(directory);
  });

  it('the file with the password is for root alone, and the server has its tables in the schema of the role', async () => {
    const file = installation.path('/etc/dyndns/store');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const zones = [{ name: ZONE, nameserver: 'embedded', ns: ['ns1.example.net'] }];
    const dns = { listen: ['127.0.0.1:0'], database: 'zones.db' };
    const server = await startDyndns({ secret: 'masterSecretOfTests', store: { file }, dns, zones });
    try {
      expect((await server.ask('/readyz')).body).toBe('ready\n');
      const command = (...args: readonly string[]) => runDyndns(['-c', server.configFile, ...args]);
      expect((await command('token', 'create', 'before', '--host', `home.${ZONE}`)).code).toBe(0);
      await type('backup');
      expect((await command('token', 'create', 'after', '--host', `home.${ZONE}`)).code).toBe(0);
      await server.process.stop();
      await type('restore');
      const { code, stdout } = await command('token', 'list');
      expect([code, stdout]).toEqual([0, expect.stringMatching(/before .*valid/)]);
      expect(stdout).not.toContain('after');
    } finally {
      await server.stop();
    }
  });

  it('the table has every cause that the program knows', () => {
    const page = readFileSync(join(REPOSITORY, PAGE), 'utf8');
    const source = readFileSync(join(REPOSITORY, 'src/store/postgres-error.ts'), 'utf8');
    const explained = [...source.matchAll(/why: '([^']+)'/g)].map(([, why]) => why!);
    expect(explained.length).toBeGreaterThan(15);
    const common = ['refused', 'password', 'certificate', 'database', 'tables', 'connections', 'TLS', 'standby'];
    for (const word of common)
      expect(explained.some((why) => why.includes(word) && page.includes(`\`${why}\``))).toBe(true);
  });
});

/**
 * docs/operating/several-servers.md as it stands: a real PostgreSQL with TLS, a role and its database by the commands of the page,
 * a real BIND, real nginx, and two servers as the template unit starts them. Only paths, ports and the name of the database's
 * machine are changed. `systemctl restart` is done by the test.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatFailure } from '../../src/cli/output.ts';
import { openStore } from '../../src/store/open-store.ts';
import { type DeployedPrimary, startDeployedPrimary } from '../support/deployed-primary.ts';
import { dig } from '../support/dig.ts';
import { parseLog } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, ask, form } from '../support/http-client.ts';
import { REPOSITORY } from '../support/installation.ts';
import { adaptSite, NGINX_PROGRAMS, type NginxServer, nginxPorts, prepareNginx, startNginx } from '../support/nginx.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, PSQL, startPostgres } from '../support/postgres.ts';
import {
  type FinishedProgram,
  type RunningProcess,
  runOrThrow,
  runProgram,
  startProcess,
  waitUntil,
} from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const PAGE = 'docs/operating/several-servers.md';
const ZONE = 'dyndns.example.com';
const HBA = '/etc/postgresql/17/main/pg_hba.conf';
const INSTANCES = ['a', 'b'] as const;
type Instance = (typeof INSTANCES)[number];

let deployed: DeployedPrimary;
let postgres: PostgresServer;
let nginx: NginxServer;
let secret: string;
const services = new Map<Instance, RunningProcess>();
const environment: NodeJS.ProcessEnv = {};

const path = (absolute: string) => deployed.installation.path(absolute);
const storeUrl = () => readFileSync(path('/etc/dyndns/store'), 'utf8').trim();
const ready = (instance: Instance) => ask({ socketPath: path(`/run/dyndns-${instance}/http.sock`) }, '/readyz');
const throughNginx = (target: string, options = {}) => ask({ port: nginx.ports.http }, target, options);
const master = () => ({ Authorization: `Bearer ${secret}` });
const published = async (name: string) => (await dig(deployed.server, [name, 'A'])).short;

/** Runs the commands of the page that are marked with a word. */
async function type(word: string): Promise<string> {
  const { code, stdout, stderr } = await deployed.installation.runBlocks(PAGE, word);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

/** The command line of the unit for an instance, with this Node.js and the changed paths; copied files replace LoadCredential. */
function commandLine(instance: Instance, command = 'ExecStart') {
  const { installation } = deployed;
  const unit = readFileSync(join(REPOSITORY, 'deploy/systemd/dyndns@.service'), 'utf8').replaceAll('%i', instance);
  const credentials = path(`/run/credentials/dyndns@${instance}.service`);
  mkdirSync(credentials, { recursive: true });
  mkdirSync(path(`/run/${/^RuntimeDirectory=(.*)$/m.exec(unit)?.[1]}`), { recursive: true });
  for (const [, name = '', file = ''] of unit.matchAll(/^LoadCredential=(\w+):(\S+)$/gm)) {
    cpSync(installation.path(file), join(credentials, name));
  }
  const line = new RegExp(`^${command}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
  const [node, ...args] = installation.relocate(line).split(' ');
  expect(node).toBe('/usr/bin/node');
  return { command: process.execPath, args, cwd: deployed.server.directory };
}

async function startService(instance: Instance): Promise<void> {
  const started = await startProcess({
    ...commandLine(instance),
    ready: (output) => parseLog(output).some(({ msg }) => msg.startsWith('listening on ')),
  });
  services.set(instance, started);
}

/** Starts one more server, while PostgreSQL is down. */
function startThird(store: string): Promise<RunningProcess> {
  const { command, args } = commandLine('a');
  const sockets = { DYNDNS_HTTP_LISTEN: '127.0.0.1:0', DYNDNS_CONTROL: `unix:${path('/run/third.sock')}` };
  return startProcess({
    ...{ command, args, env: { ...process.env, ...sockets, DYNDNS_STORE: store } },
    ready: (output) => /The store does not answer.*ECONNREFUSED/.test(output) && output.includes('admin commands at'),
  });
}

/** One statement as the role of the page, at a database. @returns exit code 0 and what it prints, or the error */
function asRole(statement: string, database = 'dyndns'): Promise<FinishedProgram> {
  const url = storeUrl().replace('/dyndns?', `/${database}?`);
  return runProgram('psql', ['--no-psqlrc', '--tuples-only', '--no-align', '--command', statement, url]);
}

const asSuperuser = (statement: string, database = 'dyndns') =>
  runProgram('psql', ['--no-psqlrc', '--tuples-only', '--no-align', '--command', statement, database], {
    env: { ...process.env, ...environment },
  });

/** Sends requests through nginx, some at a time, each with an address of its own, until it is stopped. */
function startStream(clients: number, send: (host: string, address: string) => Promise<Answer>) {
  const failed: string[] = [];
  let answered = 0;
  let running = true;
  const client = async (number: number) => {
    const host = `stream${number}.${ZONE}`;
    for (let count = 1; running; count += 1) {
      const address = `10.${number}.${(count >> 8) & 255}.${count & 255}`;
      const { status, body } = await send(host, address).catch((error: Error) => ({ status: 0, body: error.message }));
      if (status === 200 && /^(good|nochg) /.test(body)) answered += 1;
      else failed.push(`${status} ${body}`);
    }
  };
  const done = Promise.all(Array.from({ length: clients }, (_, number) => client(number + 1)));
  return {
    answered: () => answered,
    async stop(): Promise<readonly string[]> {
      running = false;
      await done;
      return failed;
    },
  };
}

/** What nginx says of requests that it had sent already. The URLs of this test have no secret. */
const lostRequests = () =>
  readFileSync(path('/var/log/nginx/site.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.includes('connect() '))
    .join('\n');

const byGet = (host: string, address: string) =>
  throughNginx(`/nic/update?hostname=${host}&myip=${address}`, { headers: master() });
const byPost = (hostname: string, myip: string) => {
  const { headers, ...rest } = form({ hostname, myip });
  return throughNginx('/nic/update', { ...rest, headers: { ...headers, ...master() } });
};

describeWith(
  [...BIND_PROGRAMS, ...NGINX_PROGRAMS, ...POSTGRES_PROGRAMS, PSQL],
  'several servers on one PostgreSQL, by their page',
  () => {
    beforeAll(async () => {
      const ports = await nginxPorts();
      const adaptCommands = (script: string) =>
        script
          .replaceAll('@db.example.com/', `@localhost:${postgres?.port}/`)
          .replaceAll('db.example.com', 'localhost');
      deployed = await startDeployedPrimary(
        'bind',
        (file, text) => adaptSite(file, text, ports),
        environment,
        adaptCommands,
      );
      const { installation, server } = deployed;
      // PostgreSQL runs as another user.
      chmodSync(server.directory, 0o711);
      await deployed.run('secrets');
      installation.write('/etc/postgresql/17/main/conf.d/.keep', '');
      installation.write(HBA, 'host all all 127.0.0.1/32 trust\nhost all all ::1/128 trust\n');
      await type('tls');
      const settings = [
        ...readFileSync(path('/etc/postgresql/17/main/conf.d/dyndns.conf'), 'utf8').matchAll(
          /^(\w+) = '?([^'\n]*)'?$/gm,
        ),
      ].map(([, name, value]) => `${name}=${value}`);
      expect(settings).toHaveLength(6);
      postgres = await startPostgres(['fsync=off', ...settings, `hba_file=${path(HBA)}`], 'postgres');
      Object.assign(environment, { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGUSER: 'postgres' });
      writeFileSync(path('/shims/runuser'), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
      await type('database');
      await type('configure');
      for (const instance of INSTANCES) {
        const file = path(`/etc/dyndns/${instance}.yml`);
        writeFileSync(file, readFileSync(file, 'utf8').replace('port: 53', `port: ${server.port}`));
      }
      // As on a machine of its own: nginx comes to this server over TCP.
      const tcp = `127.0.0.1:${await freePort()}`;
      const b = path('/etc/dyndns/b.yml');
      writeFileSync(
        b,
        readFileSync(b, 'utf8').replace(
          /^ {2}listen: \['(.*)'\]$/m,
          (_, unix) => `  listen: ['${unix}', '${tcp}']\n  trusted_proxies: [127.0.0.1]`,
        ),
      );
      secret = readFileSync(path('/etc/dyndns/secret'), 'utf8').trim();
      await prepareNginx(installation);
      await type('site');
      const site = path('/etc/nginx/sites-available/dyndns.conf');
      const errors = `error_log ${path('/var/log/nginx/site.log')}`;
      writeFileSync(site, readFileSync(site, 'utf8').replaceAll('error_log /dev/null', errors));
      const upstream = path('/etc/nginx/sites-available/dyndns-upstream.conf');
      const servers = readFileSync(upstream, 'utf8');
      const ofB = servers.replace(/^( +server) unix:\S*\/run\/dyndns-b\/\S*/m, `$1 ${tcp}`);
      expect(ofB).not.toBe(servers);
      writeFileSync(upstream, ofB);
      await Promise.all(INSTANCES.map(startService));
      nginx = await startNginx(installation, ports);
    }, 60_000);

    afterAll(async () => {
      await nginx?.process.stop();
      for (const service of services.values()) await service.stop();
      await postgres?.stop();
      await deployed?.server.stop();
    });

    it('both serve, pass their check, and are ready', async () => {
      expect(await type('check')).toContain(`${ZONE}.`);
      expect(await type('ready')).toBe('ready\nready\n');
    });

    it('the role can do what the page says, and nothing else', async () => {
      const tables = await asRole(
        "select count(*) from pg_tables where schemaname = 'dyndns' and tableowner = 'dyndns'",
      );
      expect(Number(tables.stdout)).toBeGreaterThan(10);
      for (const statement of [
        'CREATE DATABASE other',
        'CREATE ROLE other',
        'CREATE SCHEMA other',
        'CREATE TABLE public.other ()',
        'CREATE TEMPORARY TABLE other ()',
        'SELECT rolpassword FROM pg_authid',
        "COPY dyndns.tokens TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
        'ALTER ROLE dyndns CONNECTION LIMIT 100',
      ]) {
        const { code, stderr } = await asRole(statement);
        expect([statement, code], stderr).toEqual([statement, 1]);
        expect(stderr).toMatch(/permission denied|must be superuser/);
      }
      const elsewhere = await asRole('SELECT 1', 'postgres');
      expect([elsewhere.code, elsewhere.stderr]).toEqual([
        2,
        expect.stringContaining('pg_hba.conf rejects connection'),
      ]);
    });

    it('no other role can open the database', async () => {
      expect((await asSuperuser('CREATE ROLE stranger LOGIN')).code).toBe(0);
      const { code, stderr } = await asSuperuser('SET ROLE stranger; SELECT count(*) FROM dyndns.tokens');
      expect([code, stderr]).toEqual([1, expect.stringContaining('permission denied for schema dyndns')]);
      const url = `postgres://stranger@127.0.0.1:${postgres.port}/dyndns`;
      const opened = await runProgram('psql', ['--no-psqlrc', '--command', 'SELECT 1', url]);
      expect([opened.code, opened.stderr]).toEqual([2, expect.stringContaining('permission denied for database')]);
    });

    it('the connection limit is eleven for each server and two, and every connection is encrypted', async () => {
      const { stdout } = await asSuperuser("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'dyndns'");
      expect(Number(stdout)).toBe(INSTANCES.length * 11 + 2);
      const stream = startStream(40, byGet);
      await waitUntil('some answers', () => stream.answered() > 200);
      const used = await asSuperuser(
        "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'dyndns'",
      );
      expect(await stream.stop()).toEqual([]);
      const [all = 0, encrypted = 0] = used.stdout.split('|').map(Number);
      expect(all).toBeGreaterThanOrEqual(INSTANCES.length * 2);
      expect(all).toBeLessThanOrEqual(INSTANCES.length * 11);
      expect(encrypted).toBe(all);
    });

    it('the files with secrets are for root alone', () => {
      for (const name of ['secret', 'tsig_key', 'store'])
        expect(statSync(path(`/etc/dyndns/${name}`)).mode & 0o777).toBe(0o600);
      expect(readFileSync(path('/etc/dyndns/a.yml'), 'utf8')).not.toContain(secret);
    });

    it('every server is told the address of the client', async () => {
      const loopback = ['--interface', '127.0.0.2', '--header', 'X-Forwarded-For: 192.0.2.66'];
      for (let count = 0; count < INSTANCES.length * 2; count += 1) {
        const url = `http://127.0.0.1:${nginx.ports.http}/myip`;
        expect(await runOrThrow('curl', ['--silent', ...loopback, url])).toMatch(/^127\.0\.0\.2\s*$/);
      }
    });

    it('a token that is created at one server works through nginx', async () => {
      const [node, ...args] = [process.execPath, ...commandLine('a').args.filter((arg) => arg !== 'serve')];
      const host = `token.${ZONE}`;
      const created = await runProgram(node!, [...args, 'token', 'create', 'router', '--host', host]);
      expect(created.code, created.stderr).toBe(0);
      const token = /[A-Za-z0-9_-]{20,}/.exec(created.stdout)?.[0];
      for (let number = 1; number <= 4; number += 1) {
        const target = `/nic/update?hostname=${host}&myip=192.0.2.${number}`;
        const { body } = await throughNginx(target, { headers: { Authorization: `Bearer ${token}` } });
        expect(body).toBe(`good 192.0.2.${number}\n`);
      }
      expect(await published(host)).toEqual(['192.0.2.4']);
    });

    it('the servers are restarted one by one, and no request fails', async () => {
      const request = path('/restart');
      const shim = `#!/bin/sh\necho "$2" > '${request}.new'; mv '${request}.new' '${request}'\nwhile [ -e '${request}' ]; do sleep 0.02; done\n`;
      writeFileSync(path('/shims/systemctl'), shim, { mode: 0o755 });
      const pids = INSTANCES.map((instance) => services.get(instance)!.pid);
      const [gets, posts] = [startStream(3, byGet), startStream(3, byPost)];
      let upgraded = false;
      const upgrade = type('upgrade').finally(() => {
        upgraded = true;
      });
      const restarted: string[] = [];
      let logs = '';
      while (!upgraded) {
        await waitUntil('a restart, or the end', () => upgraded || existsSync(request));
        if (!existsSync(request)) continue;
        const [, instance] = /^dyndns@(\w)$/m.exec(readFileSync(request, 'utf8')) ?? [];
        const service = services.get(instance as Instance)!;
        await service.stop();
        logs += service.output();
        const meanwhile = gets.answered() + posts.answered();
        await waitUntil('answers of the other server', () => gets.answered() + posts.answered() > meanwhile + 50);
        await startService(instance as Instance);
        restarted.push(instance!);
        rmSync(request);
      }
      await upgrade;
      const before = gets.answered() + posts.answered();
      await waitUntil('more answers', () => gets.answered() + posts.answered() > before + 100);
      const failed = [...(await gets.stop()), ...(await posts.stop())];
      expect(failed, `${lostRequests()}\n${logs}`).toEqual([]);
      expect(restarted).toEqual(INSTANCES);
      expect(INSTANCES.map((instance) => services.get(instance)!.pid)).not.toEqual(pids);
    }, 40_000);

    it('a command that cannot use PostgreSQL says why in words of the page', async () => {
      const folder = path('/etc/postgresql/tls');
      const other = `${folder}/other.pem`;
      await runOrThrow('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=PostgreSQL of dyndns', '-keyout', `${folder}/other.key`, '-out', other],
      ]);
      const url = storeUrl();
      const cases = [
        [url.replace(/sslrootcert=.*/, `sslrootcert=${other}`), 'unable to verify the first certificate'],
        [url.replace('@localhost:', '@127.0.0.1:'), "Hostname/IP does not match certificate's altnames"],
        [url.replace(/&sslrootcert=.*/, ''), 'unable to verify the first certificate'],
        [url.replace(/\?.*/, ''), 'pg_hba.conf rejects connection'],
        [url.replace(/:[0-9a-f]+@/, ':wrong@'), 'password authentication failed'],
        [url.replace(/:\d+\//, ':1/'), 'ECONNREFUSED'],
      ] as const;
      const page = readFileSync(join(REPOSITORY, PAGE), 'utf8');
      const password = /:([0-9a-f]+)@/.exec(url)![1]!;
      for (const [store, reason] of cases) {
        const error: Error = await openStore(store).then(
          () => expect.unreachable(reason),
          (error_) => error_,
        );
        const printed = formatFailure(error);
        expect(printed).toMatch(
          /^ERROR: The store does not answer\. PostgreSQL at (localhost|127\.0\.0\.1):\d+, .*\n$/,
        );
        expect(printed).toContain(reason);
        expect(printed).not.toContain(password);
        expect(page).toContain(`\`${reason}\``);
      }
    });

    it('the modes of TLS are those of the page: all that verify do so in the same way', async () => {
      const unverified = storeUrl().replace(/\?.*/, '');
      for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
        await expect(openStore(`${unverified}?sslmode=${mode}`)).rejects.toMatchObject({ code: 'store-unreachable' });
      await (await openStore(`${unverified}?sslmode=no-verify`)).close();
      await (await openStore(storeUrl())).close();
    });

    it('a version that does not know a migration does not start, while servers that run go on', async () => {
      const migration = "INSERT INTO dyndns_migrations (name, timestamp) VALUES ('9999-later', '')";
      expect((await asRole(migration)).code).toBe(0);
      try {
        await expect(openStore(storeUrl())).rejects.toThrow('The store was written by another version of dyndns');
        expect(await type('ready')).toBe('ready\nready\n');
        expect((await byGet(`later.${ZONE}`, '192.0.2.1')).body).toBe('good 192.0.2.1\n');
      } finally {
        expect((await asRole("DELETE FROM dyndns_migrations WHERE name = '9999-later'")).code).toBe(0);
      }
    });

    it('while PostgreSQL is down no server is ready, one can start, and what they can do goes on; then all is as before', async () => {
      const host = `outage.${ZONE}`;
      for (const instance of INSTANCES) {
        const target = `/nic/update?hostname=${host}&myip=192.0.2.1`;
        const socketPath = path(`/run/dyndns-${instance}/http.sock`);
        expect((await ask({ socketPath }, target, { headers: master() })).status).toBe(200);
      }
      const allAre = (status: number) => async () =>
        (await Promise.all(INSTANCES.map(ready))).every((answer) => answer.status === status);
      await postgres.halt();
      await waitUntil('all servers to be unready', allAre(503));
      await waitUntil('the reason', async () =>
        /^not ready: store \(connection refused\)$/m.test((await ready('a')).body),
      );
      expect((await byGet(host, '192.0.2.2')).body).toBe('good 192.0.2.2\n');
      const third = await startThird(storeUrl());
      await postgres.restart();
      await waitUntil('all servers to be ready', allAre(200));
      expect((await byGet(host, '192.0.2.3')).body).toBe('good 192.0.2.3\n');
      await waitUntil('the third server to use it', () => third.output().includes('The store answers again.'));
      await third.stop();
    });

    it('a server that dies loses no update by GET', async () => {
      const stream = startStream(3, byGet);
      await waitUntil('some answers', () => stream.answered() > 100);
      await services.get('a')!.stop('SIGKILL');
      const before = stream.answered();
      await waitUntil('more answers', () => stream.answered() > before + 200);
      expect(await stream.stop()).toEqual([]);
      await startService('a');
    });

    it('a server that ends the connection without a reply: GET goes to the next one, POST is not repeated', async () => {
      await services.get('a')!.stop();
      const seen: string[] = [];
      const dying: Server = createServer(({ method = '' }, { socket }) => {
        seen.push(method);
        socket?.destroy();
      });
      await new Promise<void>((resolve) => dying.listen(path('/run/dyndns-a/http.sock'), resolve));
      try {
        const replies = async (send: typeof byGet) => {
          const bodies = [];
          for (let number = 1; number <= 4; number += 1)
            bodies.push((await send(`dying.${ZONE}`, `192.0.2.${number}`)).body);
          return bodies;
        };
        expect(await replies(byGet)).toEqual([1, 2, 3, 4].map((number) => `good 192.0.2.${number}\n`));
        expect(seen).toContain('GET');
        const failed = (await replies(byPost)).filter((body) => body === '911\n');
        expect(failed.length).toBeGreaterThan(0);
        expect(seen.filter((method) => method === 'POST')).toHaveLength(failed.length);
      } finally {
        dying.closeAllConnections();
        await new Promise((resolve) => dying.close(resolve));
        await startService('a');
      }
    });

    it('the line of the file that routes by name keeps the requests of a name at one server', async () => {
      const file = path('/etc/nginx/sites-available/dyndns-upstream.conf');
      const before = readFileSync(file, 'utf8');
      const line = '    hash $dyndns_name consistent;';
      expect(before).toContain(`    # ${line.trim()}`);
      writeFileSync(file, before.replace(`    # ${line.trim()}`, line));
      await runOrThrow('nginx', ['-t', '-c', path('/etc/nginx/nginx.conf')]);
      nginx.process.signal('SIGHUP');
      const updates = () =>
        Promise.all(
          INSTANCES.map(async (instance) => {
            const socketPath = path(`/run/dyndns-${instance}/http.sock`);
            const { body } = await ask({ socketPath }, '/metrics', { headers: master() });
            const sample = /^dyndns_http_requests_total\{route="\/nic\/update",method="GET",status="2xx"\} (\d+)$/m;
            return Number(sample.exec(body)?.[1] ?? 0);
          }),
        );
      const host = `routed.${ZONE}`;
      const atOne = async () => {
        const start = await updates();
        for (let number = 1; number <= 6; number += 1) await byGet(host, `192.0.2.${number}`);
        return (await updates()).map((count, index) => count - start[index]!);
      };
      await waitUntil('the new workers of nginx', async () => (await atOne()).includes(0));
      const counts = await atOne();
      expect(counts.toSorted((one, other) => one - other)).toEqual([0, 6]);
    });
  },
);

/**
 * Typical mistakes with the store, each made for real: a PostgreSQL with passwords and TLS, files that belong to others, disks that
 * are full or read-only. What is said names the place, the cause and what to do, and never a password. Where the advice is a
 * statement of SQL or a chown, it is run, and the mistake is gone.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow, runOrThrow, runProgram, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { describeWithMounts, mountReadOnly, mountSmallDisk, unmount } from '../support/small-disk.ts';

const ZONE = 'dyn.example.com';
const PASSWORD = 'Xq7wSecretOfTheStore';
const EMBEDDED = `zones: [{name: ${ZONE}, nameserver: embedded, ns: [ns1.example.net]}]\n`;
const LISTEN = "http: {listen: ['127.0.0.1:0']}\n";

let directory: string;
beforeAll(() => {
  directory = freshDirectory('mistakes');
  chmodSync(directory, 0o755);
});
afterAll(() => removeNow(directory));

let configs = 0;
/** @returns the path of a configuration that every user may read */
function configOf(store: string, more = ''): string {
  configs += 1;
  const database = `dns: {listen: ['127.0.0.1:0'], database: ${join(directory, `zones${configs}.db`)}}\n`;
  const text = `secret: masterSecretOfTests\nstore: '${store}'\n${more.includes('dns:') ? '' : database}${LISTEN}${EMBEDDED}${more}`;
  const file = writeInto(directory, `${configs}.yml`, text);
  chmodSync(file, 0o644);
  return file;
}

const PROGRAMS = [...POSTGRES_PROGRAMS, { command: 'openssl', debianPackage: 'openssl' }];
const OPENSSL_CA = `[ca]
default_ca = own
[own]
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
new_certs_dir = .
unique_subject = no
[any]
commonName = supplied
`;

describeWith(PROGRAMS, 'PostgreSQL', () => {
  let postgres: PostgresServer;
  let tls: string;

  const url = (database: string, query = '', login = `dyndns:${PASSWORD}`, host = 'localhost') =>
    `postgres://${login}@${host}:${postgres.port}/${database}${query}`;
  const verified = (file: string) => `?sslmode=verify-full&sslrootcert=${join(tls, file)}`;

  /** @param database of the superuser's connection */
  async function asSuperuser(statements: string, database = 'postgres'): Promise<void> {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: `postgres://postgres@127.0.0.1:${postgres.port}/${database}` });
    await client.connect();
    try {
      for (const statement of statements.match(/[^;]+;/g) ?? []) await client.query(statement);
    } finally {
      await client.end();
    }
  }
  const set = (name: string, value: string) =>
    asSuperuser(`ALTER SYSTEM SET ${name} = '${value}'; SELECT pg_reload_conf();`);

  beforeAll(async () => {
    tls = join(directory, 'tls');
    mkdirSync(join(tls, 'pg'), { recursive: true });
    writeInto(tls, 'ca.cnf', OPENSSL_CA);
    writeInto(tls, 'index.txt', '');
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: tls, stdio: 'pipe' });
    for (const name of ['ca', 'other'])
      openssl(
        'req',
        '-x509',
        ...ec,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
      );
    openssl('req', ...ec, '-subj', '/CN=localhost', '-keyout', 'pg/server.key', '-out', 'server.csr');
    writeInto(tls, 'server.ext', 'subjectAltName = DNS:localhost\n');
    const ca = [
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      '-cert',
      'ca.pem',
      '-keyfile',
      'ca.key',
      '-in',
      'server.csr',
    ];
    openssl(...ca, '-extfile', 'server.ext', '-days', '2', '-out', 'pg/server.pem');
    openssl(
      ...ca,
      '-extfile',
      'server.ext',
      '-startdate',
      '20900101000000Z',
      '-enddate',
      '20910101000000Z',
      '-out',
      'pg/future.pem',
    );
    openssl(
      ...ca,
      '-extfile',
      'server.ext',
      '-startdate',
      '20000101000000Z',
      '-enddate',
      '20010101000000Z',
      '-out',
      'pg/past.pem',
    );
    const databases = 'dyndns,nowhere,locked,closed,still';
    const hba = writeInto(
      join(tls, 'pg'),
      'hba.conf',
      `host all postgres all trust\nhostssl tlsonly all all scram-sha-256\nhost ${databases} all all scram-sha-256\n`,
    );
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres:', join(tls, 'pg')]);
    const files = ['ssl_cert_file', 'ssl_key_file'].map(
      (name, at) => `${name}=${join(tls, 'pg', ['server.pem', 'server.key'][at]!)}`,
    );
    // Settings of the command line cannot be changed by ALTER SYSTEM.
    postgres = await startPostgres(['fsync=off', `hba_file=${hba}`], 'postgres');
    for (const setting of files) await set(...(setting.split('=') as [string, string]));
    await set('ssl', 'on');
    await asSuperuser(`CREATE ROLE dyndns LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE limited LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 0;
      CREATE DATABASE dyndns OWNER dyndns; CREATE DATABASE tlsonly OWNER dyndns; CREATE DATABASE secluded OWNER dyndns;
      CREATE DATABASE locked; CREATE DATABASE closed OWNER postgres; REVOKE ALL ON DATABASE closed FROM PUBLIC;
      CREATE DATABASE still OWNER dyndns; ALTER DATABASE still SET default_transaction_read_only = on;`);
  });
  afterAll(() => postgres?.stop());

  interface Mistake {
    readonly mistake: string;
    readonly store: () => string;
    /** What is said after the place. */
    readonly says: RegExp;
    /** Makes the mistake at the server, and undoes it. */
    readonly make?: () => Promise<void>;
    readonly undo?: () => Promise<void>;
    /** The database in which the advice is run as superuser. Absent: it is not SQL. */
    readonly adviceIn?: string;
  }

  const MISTAKES: readonly Mistake[] = [
    {
      mistake: 'the password is wrong',
      store: () => url('dyndns', '', `dyndns:${PASSWORD}9`),
      says: /the password is wrong, or the role does not exist \(password authentication failed for user "dyndns"\)\. .*ALTER ROLE "dyndns" LOGIN PASSWORD '…';/,
    },
    {
      mistake: 'the role does not exist',
      store: () => url('dyndns', '', `stranger:${PASSWORD}`),
      says: /user 'stranger': the password is wrong, or the role does not exist .*CREATE ROLE/,
    },
    {
      mistake: 'no password in the URL',
      store: () => url('dyndns', '', 'dyndns'),
      says: /it wants a password, and there is none .*postgres:\/\/dyndns:PASSWORD@/,
    },
    {
      mistake: 'no such database',
      store: () => url('nowhere'),
      says: /there is no such database \(database "nowhere" does not exist\)\. .*CREATE DATABASE "nowhere" OWNER "dyndns"/,
      adviceIn: 'postgres',
    },
    {
      mistake: 'nothing listens there',
      store: () => url('dyndns').replace(/:\d+\//, ':1/'),
      says: /^PostgreSQL at localhost:1, .*the connection was refused \(.*ECONNREFUSED.*systemctl status postgresql/,
    },
    {
      mistake: 'the name of the host is wrong',
      store: () => url('dyndns', '?sslmode=verify-full', undefined, 'db.invalid'),
      says: /PostgreSQL at db\.invalid:\d+, .*the name (has no address|could not be looked up) \(/,
    },
    {
      mistake: 'pg_hba.conf has no line for it',
      store: () => url('secluded'),
      says: /pg_hba\.conf does not permit this connection \(no pg_hba\.conf entry .*: host secluded dyndns (127\.0\.0\.1\/32|::1\/128) scram-sha-256\. .*pg_reload_conf/,
    },
    {
      mistake: 'no TLS, where pg_hba.conf wants it',
      store: () => url('tlsonly'),
      says: /pg_hba\.conf does not permit this connection .*add \?sslmode=verify-full to the URL/,
    },
    {
      mistake: 'the server does not speak TLS',
      make: () => set('ssl', 'off'),
      undo: () => set('ssl', 'on'),
      store: () => url('dyndns', verified('ca.pem')),
      says: /it does not speak TLS \(The server does not support SSL connections\)\. Set 'ssl = on'/,
    },
    {
      mistake: 'the certificate is from another authority',
      store: () => url('dyndns', verified('other.pem')),
      says: /its certificate is not trusted \(.*sslrootcert=/,
    },
    {
      mistake: 'the authority is not named',
      store: () => url('dyndns', '?sslmode=verify-full'),
      says: /its certificate is not trusted \(/,
    },
    {
      mistake: 'the file of the authority does not exist',
      store: () => url('dyndns', verified('missing.pem')),
      says: /the file '\S+missing\.pem' of the URL does not exist .*Correct sslrootcert/,
    },
    {
      mistake: 'the host is not in the certificate',
      store: () => url('dyndns', verified('ca.pem'), undefined, '127.0.0.1'),
      says: /its certificate is not for '127\.0\.0\.1' \(Hostname\/IP does not match/,
    },
    {
      mistake: 'the certificate is not yet valid, or the clock is wrong',
      make: () => set('ssl_cert_file', join(tls, 'pg/future.pem')),
      undo: () => set('ssl_cert_file', join(tls, 'pg/server.pem')),
      store: () => url('dyndns', verified('ca.pem')),
      says: /its certificate is not yet valid \(.*timedatectl/,
    },
    {
      mistake: 'the certificate has expired',
      make: () => set('ssl_cert_file', join(tls, 'pg/past.pem')),
      undo: () => set('ssl_cert_file', join(tls, 'pg/server.pem')),
      store: () => url('dyndns', verified('ca.pem')),
      says: /its certificate has expired \(/,
    },
    {
      mistake: 'the role may not create tables',
      store: () => url('locked'),
      says: /the (user may not create tables|user has no schema).*in the database "locked": CREATE SCHEMA AUTHORIZATION "dyndns";/,
      adviceIn: 'locked',
    },
    {
      mistake: 'the role may not open the database',
      store: () => url('closed'),
      says: /the user may not open the database \(permission denied for database "closed"\)\. .*GRANT CONNECT ON DATABASE "closed" TO "dyndns";/,
    },
    {
      mistake: 'too many connections of the role',
      store: () => url('dyndns', '', `limited:${PASSWORD}`),
      says: /there are too many connections \(too many connections for role "limited"\)\. .*ALTER ROLE "limited" CONNECTION LIMIT 24;/,
    },
    {
      mistake: 'it is a standby, or read-only',
      store: () => url('still'),
      says: /it is a standby, or read-only \(cannot execute CREATE .* in a read-only transaction\)/,
    },
  ];

  it.each(MISTAKES)('$mistake', async ({ store, says, make, undo, adviceIn }) => {
    await make?.();
    const config = configOf(store());
    const command = () => runDyndns(['-c', config, 'token', 'list']);
    const told = async () => (await command()).stderr.split('\n').find((line) => line.startsWith('ERROR: ')) ?? '';
    try {
      // A changed setting is in force a moment later.
      if (make !== undefined) await waitUntil('the mistake', async () => says.test((await told()).slice(33)));
      const { code, stderr } = await command();
      const line = stderr.split('\n').find((text) => text.startsWith('ERROR: ')) ?? '';
      expect(line).toMatch(/^ERROR: The store does not answer\. PostgreSQL at \S+:\d+, database '\w+', user '\w+': /);
      expect(line.slice('ERROR: The store does not answer. '.length)).toMatch(says);
      expect([code, stderr]).not.toContain(PASSWORD);
      expect(stderr).not.toContain(PASSWORD);
      expect(code).toBe(1);
      if (adviceIn !== undefined) {
        const advice = /: (CREATE [^;]*;)/.exec(line)?.[1] ?? '';
        await asSuperuser(advice, adviceIn);
        expect(await command()).toMatchObject({ code: 0 });
      }
    } finally {
      await undo?.();
    }
  });

  it('a server starts with each of them, says it in the log, /readyz and status, and goes on when it is mended', async () => {
    await asSuperuser(`CREATE ROLE late LOGIN PASSWORD 'another'; CREATE DATABASE nowhere2 OWNER late;`);
    await asSuperuser('ALTER DATABASE nowhere2 RENAME TO later;');
    const hba = join(tls, 'pg/hba.conf');
    writeFileSync(hba, `${readFileSync(hba, 'utf8')}host later all all scram-sha-256\n`);
    await asSuperuser('SELECT pg_reload_conf();');
    const store = url('later', '', `late:${PASSWORD}`);
    const dns = { listen: ['127.0.0.1:0'], database: 'late.db' };
    const zones = [{ name: ZONE, nameserver: 'embedded', ns: ['ns1.example.net'] }];
    const server = await startDyndns({ secret: 'masterSecretOfTests', store, dns, zones });
    try {
      expect((await server.ask('/readyz')).body).toBe('not ready: store (login refused)\n');
      const told = () => server.log().filter(({ msg }) => msg.startsWith('The store '));
      expect(told().map(({ msg }) => msg)).toEqual([
        expect.stringMatching(
          /^The store does not answer\. PostgreSQL at localhost:\d+, database 'later', user 'late': the password/,
        ),
      ]);
      const headers = { Authorization: 'Bearer unknownToken' };
      const refused = await server.ask(`/nic/update?hostname=home.${ZONE}&myip=192.0.2.1`, { headers });
      expect([refused.status, refused.body.trim()]).toEqual([503, '911']);
      expect(refused.headers['retry-after']).toBeDefined();
      const status = await runDyndns(['-c', server.configFile, 'status']);
      expect(status.stdout).toContain(
        'Pending updates are unknown: The store does not answer. PostgreSQL at localhost:',
      );
      await asSuperuser(`ALTER ROLE late PASSWORD '${PASSWORD}';`);
      await waitUntil('the store', async () => (await server.ask('/readyz')).status === 200);
      await waitUntil('the log', () => told().at(-1)?.msg === 'The store answers again.');
      expect(
        (await runDyndns(['-c', server.configFile, 'token', 'create', 'router', '--host', `home.${ZONE}`])).code,
      ).toBe(0);
      expect(server.process.output()).not.toContain(PASSWORD);
    } finally {
      await server.stop();
    }
  });

  it('a server that starts before PostgreSQL serves DNS, and uses it when it is there; the same after a stop', async () => {
    const store = url('dyndns');
    await postgres.halt();
    const dns = { listen: ['127.0.0.1:0'], database: 'away.db' };
    const zones = [{ name: ZONE, nameserver: 'embedded', ns: ['ns1.example.net'] }];
    const server = await startDyndns({ secret: 'masterSecretOfTests', store, dns, zones });
    const isReady = async () => (await server.ask('/readyz')).status === 200;
    try {
      expect(server.addresses.some((address) => address.startsWith('dns://'))).toBe(true);
      expect((await server.ask('/readyz')).body).toBe('not ready: store (connection refused)\n');
      await postgres.restart();
      await waitUntil('the store', isReady, 20_000);
      await postgres.halt();
      await waitUntil('its end', async () => !(await isReady()));
      await postgres.restart();
      await waitUntil('the store again', isReady, 20_000);
      const changes = () => server.log().filter(({ msg }) => /^The store (does not answer|answers again)\./.test(msg));
      // The log is written a moment later.
      await waitUntil('the log', () => changes().length >= 4);
      expect(changes().length).toBeLessThan(12);
    } finally {
      await server.stop();
    }
  });
});

const isRoot = process.getuid?.() === 0;

/** Runs a command as the user nobody. */
function asNobody(config: string, ...args: readonly string[]) {
  const user = ['--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'];
  return runProgram('setpriv', [...user, process.execPath, MAIN, '-c', config, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: directory },
  });
}

describe.runIf(isRoot)('SQLite, as the user nobody', () => {
  it('the directory does not exist, then belongs to root, then the database does: each has a command that mends it', async () => {
    const folder = join(directory, 'data');
    const config = configOf(`sqlite:${folder}/dyndns.db`);
    const mend = async (says: RegExp) => {
      const { code, stderr } = await asNobody(config, 'token', 'list');
      expect(stderr).toMatch(says);
      expect(code).toBe(1);
      const [, command = ''] = /'((?:install|chown) [^']*)'/.exec(stderr) ?? [];
      await runOrThrow('sh', ['-c', command]);
    };
    await mend(
      new RegExp(
        `^ERROR: database ${folder}/dyndns\\.db: the directory ${folder} does not exist: create it with 'install`,
        'm',
      ),
    );
    expect((await asNobody(config, 'token', 'list')).code).toBe(0);
    execFileSync('sh', ['-c', `chown root: ${folder}/*`]);
    await mend(
      /belongs to root \(uid 0\), and this process runs as nobody \(uid \d+\): run 'chown nobody \S+\/data\/dyndns\.db( \S+)*' as root/,
    );
    execFileSync('chown', ['root:', folder]);
    chmodSync(folder, 0o755);
    await mend(/\/data belongs to root \(uid 0\).*'chown nobody \S+\/data' as root/);
    expect((await asNobody(config, 'token', 'list')).code).toBe(0);
  });

  it('the zones belong to root: a server does not start, and says whose they are', async () => {
    const folder = join(directory, 'zones');
    mkdirSync(folder);
    const config = configOf(
      `sqlite:${folder}/dyndns.db`,
      `dns: {listen: ['127.0.0.1:0'], database: ${folder}/zones.db}\n`,
    );
    writeFileSync(join(folder, 'zones.db'), '', { mode: 0o600 });
    execFileSync('chown', ['nobody', folder]);
    const { code, stderr } = await asNobody(config, 'serve');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/zones\.db belongs to root \(uid 0\).*'chown nobody \S+zones\.db' as root/),
    ]);
  });
});

describe('SQLite', () => {
  it('the file is not a database', async () => {
    const file = writeInto(directory, 'text.db', 'This is not a database, but a text.\n'.repeat(100));
    const { code, stderr } = await runDyndns(['-c', configOf(`sqlite:${file}`), 'serve']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`database ${file}: it is not an SQLite database: name another file`),
    ]);
  });

  it('the store, or the zones, were written by a newer version: it is named, and what to do', async () => {
    const store = join(directory, 'newer.db');
    const zones = join(directory, 'newer-zones.db');
    const config = configOf(`sqlite:${store}`, `dns: {listen: ['127.0.0.1:0'], database: ${zones}}\n`);
    const command = (...args: readonly string[]) => runDyndns(['-c', config, ...args]);
    expect((await command('token', 'list')).code).toBe(0);
    expect((await command('zone', 'list')).code).toBe(0);
    const { openDatabase } = await import('../../src/sqlite/database.ts');
    const change = async (file: string, ...statements: readonly string[]) => {
      const database = await openDatabase(file);
      for (const statement of statements) database.exec(statement);
      database.close();
    };
    await change(zones, "INSERT INTO release VALUES (2, '3.9.0')", 'PRAGMA user_version = 2');
    const ofZones = await command('zone', 'list');
    expect([ofZones.code, ofZones.stderr]).toEqual([
      1,
      expect.stringMatching(
        /newer-zones\.db was written by another version of dyndns: 3\.9\.0 .*Install 3\.9\.0 again, or restore a backup/,
      ),
    ]);
    await change(zones, 'PRAGMA user_version = 1');
    await change(
      store,
      "INSERT INTO dyndns_migrations (name, timestamp) VALUES ('9999-later', '')",
      "INSERT INTO releases VALUES ('9999-later', '3.9.0')",
    );
    const ofStore = await command('serve');
    expect([ofStore.code, ofStore.stderr]).toEqual([
      1,
      expect.stringMatching(
        /The store was written by another version of dyndns: 3\.9\.0 \(migration '9999-later'\).*Install 3\.9\.0 again/,
      ),
    ]);
  });

  it('the HTTP port is taken: its program is named', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    try {
      const config = configOf(`sqlite:${join(directory, 'port.db')}`);
      const { code, stderr } = await runDyndns(['-c', config, 'serve', '--port', String(port)]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(
          new RegExp(`: \\S+ \\(process ${process.pid}\\) listens on 127\\.0\\.0\\.1:${port}; stop it`),
        ),
      ]);
    } finally {
      other.close();
    }
  });
});

describeWithMounts('SQLite on a disk', () => {
  it('that is mounted read-only', async () => {
    const source = join(directory, 'read-only');
    mkdirSync(source);
    const view = mountReadOnly(source);
    try {
      const { code, stderr } = await runDyndns(['-c', configOf(`sqlite:${view}/dyndns.db`), 'serve']);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          `${view} is on a file system that is mounted read-only: run 'findmnt --target ${view}'`,
        ),
      ]);
    } finally {
      unmount(view);
    }
  });

  it('that is full', async () => {
    const disk = mountSmallDisk(64);
    try {
      const { code, stderr } = await runDyndns(['-c', configOf(`sqlite:${disk}/dyndns.db`), 'serve']);
      expect([code, stderr]).toEqual([1, expect.stringContaining('no space is left on its disk: free some')]);
    } finally {
      unmount(disk);
    }
  });
});

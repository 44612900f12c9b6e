// A zone database that was damaged, emptied, replaced or removed: the real server does not serve such a zone, says what is
// there and what to do, and serves it again, under a later serial, after `dyndns zone recover` or `dyndns restore`.
import {
  copyFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { serialIsLater } from '../../src/dns/serial.ts';
import { encodeMessage, makeMessage, Rcode } from '../../src/dns/wire/message.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { UdpExchanger } from '../../src/net/udp.ts';
import { openDatabase } from '../../src/sqlite/database.ts';
import { type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { testDirectory } from '../support/test-directory.ts';

const ZONE = 'dyn.example.com';
const SECRET = 'masterSecretOfTests';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Lab {
  readonly zones: readonly string[];
  readonly directory: string;
  readonly database: string;
  readonly port: number;
  start(env?: NodeJS.ProcessEnv): Promise<RunningDyndns>;
  run(...args: string[]): ReturnType<typeof runDyndns>;
}

async function makeLab(
  options: Readonly<Record<string, unknown>> = {},
  zones: readonly string[] = [ZONE],
  directory = testDirectory('damage'),
): Promise<Lab> {
  const port = await freePort();
  const database = join(directory, 'zones.db');
  const settings = {
    secret: SECRET,
    log_level: 20,
    control: `unix:${join(directory, 'control.sock')}`,
    dns: { listen: [`127.0.0.1:${port}`], database },
    ...options,
    zones: zones.map((name) => ({
      name,
      nameserver: 'embedded',
      ns: [`ns1.${name}`],
      records: 'ns1 IN A 127.0.0.1',
      secondaries: ['127.0.0.1:9'],
    })),
  };
  const config = join(directory, 'dyndns.yml');
  writeFileSync(config, JSON.stringify({ http: { listen: ['127.0.0.1:0'] }, ...settings }), { mode: 0o600 });
  return {
    zones,
    directory,
    database,
    port,
    async start(env = {}) {
      const dyndns = await startDyndns(settings, { env });
      cleanups.push(() => dyndns.stop());
      return dyndns;
    },
    run: (...args) => runDyndns(['--config', config, ...args]),
  };
}

async function ask(port: number, name: string, type: number, over: 'udp' | 'tcp' = 'udp') {
  const endpoint = { host: '127.0.0.1', port };
  const exchanger = over === 'udp' ? new UdpExchanger(endpoint) : new TcpExchanger(endpoint);
  try {
    const questions = [{ qname: DomainName.parse(name), qtype: type, qclass: RRClass.IN }];
    const build = (id: number) => encodeMessage(makeMessage({ id, questions }));
    return (await exchanger.exchange(build, performance.now() + 10_000)).message;
  } finally {
    exchanger.close();
  }
}

async function serialOf(port: number, zone = ZONE): Promise<number> {
  const { answers } = await ask(port, zone, RRType.SOA);
  const rdata = answers[0]?.rdata;
  if (rdata?.kind !== 'SOA') throw new Error('no SOA');
  return rdata.serial;
}

async function addresses(port: number, name: string): Promise<string[]> {
  const { answers } = await ask(port, name, RRType.A);
  return answers.map(({ rdata }) => (rdata.kind === 'A' ? rdata.address : rdata.kind));
}

const update = (dyndns: RunningDyndns, label: string, address: string, zone = ZONE) =>
  dyndns.ask(`/update-by-path/${SECRET}/${label}.${zone}/${address}`);

async function fill(dyndns: RunningDyndns, count: number, zone = ZONE): Promise<void> {
  for (let i = 1; i <= count; i++) expect((await update(dyndns, `h${i}`, `192.0.2.${i}`, zone)).status).toBe(200);
}

/** The write-ahead log stays, as after a crash. */
async function kill(dyndns: RunningDyndns): Promise<void> {
  dyndns.process.signal('SIGKILL');
  await dyndns.process.ended;
}

const logOf = (dyndns: RunningDyndns) =>
  dyndns
    .log()
    .map(({ msg }) => msg)
    .join('\n');

/** What every zone that is not served must show. */
async function expectNotServed(lab: Lab, dyndns: RunningDyndns, message: RegExp): Promise<void> {
  expect((await ask(lab.port, ZONE, RRType.SOA)).rcode).toBe(Rcode.SERVFAIL);
  expect((await ask(lab.port, `h1.${ZONE}`, RRType.A, 'tcp')).rcode).toBe(Rcode.SERVFAIL);
  expect((await ask(lab.port, `none.${ZONE}`, RRType.A)).rcode).toBe(Rcode.SERVFAIL);
  expect((await ask(lab.port, ZONE, RRType.AXFR, 'tcp')).rcode).toBe(Rcode.SERVFAIL);
  const original = await update(dyndns, 'h1', '192.0.2.99');
  expect([original.status, original.body]).toEqual([512, expect.stringContaining('not served')]);
  const authorization = `Basic ${Buffer.from(`x:${SECRET}`).toString('base64')}`;
  const target = `/nic/update?hostname=h1.${ZONE}&myip=192.0.2.99`;
  expect((await dyndns.ask(target, { headers: { authorization } })).body).toContain('911');
  expect(logOf(dyndns)).toMatch(message);
  const { stdout } = await lab.run('status');
  expect(stdout).toMatch(message);
  expect(stdout).toContain('NOT SERVED');
  expect(stdout).toContain(`dyndns zone recover ${ZONE}.`);
}

async function expectDoctorToSay(lab: Lab, message: RegExp): Promise<void> {
  const { code, stdout } = await lab.run('doctor', '--json', '--resolver', `127.0.0.1:${lab.port}`, ZONE);
  expect(code).toBe(1);
  const findings = JSON.parse(stdout) as { check: string; status: string; advice: string }[];
  expect(findings.find(({ check }) => check === 'primary')).toMatchObject({
    status: 'problem',
    advice: expect.stringMatching(message),
  });
}

const HOSTS = 6;

interface KilledServer {
  readonly lab: Lab;
  /** A copy of the database from the middle of the changes. */
  readonly backup: string;
  readonly serial: number;
}

/** A server that acknowledged changes and was killed. */
async function killedServer(
  options: Readonly<Record<string, unknown>> = {},
  zones?: readonly string[],
  directory?: string,
): Promise<KilledServer> {
  const lab = await makeLab(options, zones, directory);
  const dyndns = await lab.start();
  const half = HOSTS / 2;
  await fill(dyndns, half);
  const backup = join(lab.directory, 'backup.db');
  expect((await lab.run('backup', backup)).code).toBe(0);
  await fill(dyndns, HOSTS);
  for (const zone of lab.zones.slice(1)) await fill(dyndns, HOSTS, zone);
  const serial = await serialOf(lab.port);
  await kill(dyndns);
  return { lab, backup, serial };
}

const template = freshDirectory('damage');
afterAll(() => removeNow(template));
let killed: Promise<KilledServer> | undefined;

/** What is left of one such server, copied: each test damages its own. */
async function killedServerWithZone(): Promise<KilledServer> {
  killed ??= killedServer({}, [ZONE], template);
  const { lab: original, serial } = await killed;
  const lab = await makeLab();
  for (const name of readdirSync(original.directory).filter((file) => /^(zones|backup)\.db/.test(file)))
    copyFileSync(join(original.directory, name), join(lab.directory, name));
  return { lab, backup: join(lab.directory, 'backup.db'), serial };
}

const DAMAGES: readonly {
  readonly title: string;
  readonly damage: (database: string, backup: string) => void;
  readonly message: RegExp;
  /** Hosts that are there after a recovery; undefined: any. */
  readonly hosts?: number;
}[] = [
  {
    title: 'a write-ahead log of random octets',
    damage: (database) => writeFileSync(`${database}-wal`, Buffer.alloc(readFileSync(`${database}-wal`).length, 0xa7)),
    message: /does not have the zone|newest changes are missing/,
  },
  {
    title: 'a write-ahead log that was cut',
    damage: (database) => truncateSync(`${database}-wal`, readFileSync(`${database}-wal`).length - 4_200),
    message: /newest changes are missing/,
  },
  {
    title: 'no write-ahead log',
    damage: (database) => rmSync(`${database}-wal`),
    message: /does not have the zone|newest changes are missing/,
  },
  {
    title: 'no database',
    damage: (database) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(database + suffix, { force: true });
    },
    message: /does not have the zone, which has had the serial \d+/,
    hosts: 0,
  },
  {
    title: 'an empty database',
    damage: (database) => {
      truncateSync(database);
      for (const suffix of ['-wal', '-shm']) rmSync(database + suffix, { force: true });
    },
    message: /does not have the zone, which has had the serial \d+/,
    hosts: 0,
  },
  {
    title: 'an older backup in its place',
    damage: (database, backup) => {
      for (const suffix of ['-wal', '-shm']) rmSync(database + suffix, { force: true });
      copyFileSync(backup, database);
    },
    message: /newest changes are missing/,
    hosts: HOSTS / 2,
  },
  {
    title: 'a marker of which neither slot is valid',
    damage: (database) => writeFileSync(`${database}-known`, Buffer.alloc(8192, 1)),
    message: /The marker '.*zones\.db-known' is damaged/,
    hosts: HOSTS,
  },
];

describe('a zone whose database lost changes', { timeout: 120_000 }, () => {
  for (const { title, damage, message, hosts } of DAMAGES) {
    it(`${title}: is not served, until it is recovered under a later serial`, async () => {
      const { lab, backup, serial } = await killedServerWithZone();
      damage(lab.database, backup);
      const dyndns = await lab.start();
      await expectNotServed(lab, dyndns, message);
      // Still so at the next start, by whatever end of this one.
      await dyndns.stop();
      const again = await lab.start();
      await expectNotServed(lab, again, message);
      if (!message.source.includes('marker')) {
        const early = await lab.run('zone', 'recover', ZONE, '--serial', String(serial));
        expect([early.code, early.stderr + early.stdout]).toEqual([1, expect.stringContaining('not later')]);
      }
      const recovered = await lab.run('zone', 'recover', ZONE);
      expect([recovered.code, recovered.stderr]).toEqual([0, '']);
      expect(serialIsLater(await serialOf(lab.port), serial)).toBe(true);
      if (hosts !== undefined) {
        const found = await Promise.all(
          Array.from({ length: HOSTS }, (_, i) => addresses(lab.port, `h${i + 1}.${ZONE}`)),
        );
        expect(found.flat()).toHaveLength(hosts);
      }
      expect(await addresses(lab.port, `ns1.${ZONE}`)).toEqual(['127.0.0.1']);
      expect((await update(again, 'h1', '192.0.2.200')).status).toBe(200);
      expect(await addresses(lab.port, `h1.${ZONE}`)).toEqual(['192.0.2.200']);
      const last = await serialOf(lab.port);
      await again.stop();
      await lab.start();
      expect(await serialOf(lab.port)).toBe(last);
      expect(await addresses(lab.port, `h1.${ZONE}`)).toEqual(['192.0.2.200']);
    });
  }

  it('without a server, `zone recover` and `zone export` work, and --serial chooses the serial', async () => {
    const { lab, serial } = await killedServerWithZone();
    rmSync(`${lab.database}-wal`);
    rmSync(`${lab.database}-known`);
    copyFileSync(join(lab.directory, 'backup.db'), lab.database);
    writeFileSync(`${lab.database}-known`, 'x');
    const exported = await lab.run('zone', 'export', ZONE);
    expect(exported.stdout).toMatch(/^; The zone 'dyn\.example\.com\.' is not served[\s\S]*\nh1.*192\.0\.2\.1\n/);
    const wanted = (serial + 77) >>> 0;
    const recovered = await lab.run('zone', 'recover', ZONE, '--serial', String(wanted), '--json');
    expect(JSON.parse(recovered.stdout)).toMatchObject({ serial: wanted, lost: [] });
    const again = await lab.run('zone', 'recover', ZONE);
    expect([again.code, again.stdout + again.stderr]).toEqual([1, expect.stringContaining('nothing to recover')]);
    await lab.start();
    expect(await serialOf(lab.port)).toBe(wanted);
  });

  it('without a marker, as after an upgrade or on a new disk, it is served and the marker written', async () => {
    const { lab, serial } = await killedServerWithZone();
    rmSync(`${lab.database}-known`);
    const dyndns = await lab.start();
    expect(await serialOf(lab.port)).toBe(serial);
    expect(logOf(dyndns)).toMatch(/marker '.*' is missing/);
    await kill(dyndns);
    rmSync(`${lab.database}-wal`);
    rmSync(lab.database);
    await lab.start();
    expect((await ask(lab.port, ZONE, RRType.SOA)).rcode).toBe(Rcode.SERVFAIL);
  });

  it('the other zones of the database are served', async () => {
    const other = 'other.example.org';
    const { lab } = await killedServer({}, [ZONE, other]);
    // Without a server, a command writes the rows of names before it ends.
    await lab.run('zone', 'list');
    const database = await openDatabase(lab.database);
    const key = Buffer.from(DomainName.parse(`h2.${ZONE}`).key, 'latin1');
    expect(database.run("UPDATE node SET content = content || x'00' WHERE key = ?", [key])).toBe(1);
    database.close();
    const damaged = await lab.start();
    await expectNotServed(lab, damaged, /The name 'h2\.dyn\.example\.com\.' is damaged/);
    await expectDoctorToSay(lab, /The name 'h2\.dyn\.example\.com\.' is damaged.*dyndns zone recover/);
    expect(await addresses(lab.port, `h2.${other}`)).toEqual(['192.0.2.2']);
    expect((await update(damaged, 'new', '192.0.2.50', other)).status).toBe(200);
    const { code, stdout } = await lab.run('zone', 'recover', ZONE);
    expect([code, stdout]).toEqual([0, expect.stringContaining("The name 'h2.dyn.example.com.' is damaged.")]);
    expect(await addresses(lab.port, `h2.${ZONE}`)).toEqual([]);
    expect(await addresses(lab.port, `h3.${ZONE}`)).toEqual(['192.0.2.3']);
    await damaged.stop();
    await lab.start();
    expect(await addresses(lab.port, `h3.${ZONE}`)).toEqual(['192.0.2.3']);
    expect(await addresses(lab.port, `new.${other}`)).toEqual(['192.0.2.50']);
  });
});

describe('`dyndns restore`', { timeout: 120_000 }, () => {
  it('puts a backup in place under a later serial, with the store, and keeps what it replaces', async () => {
    const directory = testDirectory('damage-store');
    const store = join(directory, 'dyndns.db');
    const { lab, backup, serial } = await killedServer({ store: `sqlite:${store}` });
    const token = ['token', 'create', 'later', '--host', `h1.${ZONE}`];
    expect((await lab.run(...token)).code).toBe(0);
    const running = await lab.start();
    const refused = await lab.run('restore', backup);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('Stop it first')]);
    await running.stop();

    const { code, stdout, stderr } = await lab.run('restore', backup);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`${backup}.store -> ${store} (the one before is kept as ${store}.replaced-`);
    expect(stdout).toContain(`the highest known one was ${serial}`);
    const kept = /kept as (\S*zones\.db\.replaced-\w+)/.exec(stdout)?.[1] ?? '';
    expect(statSync(kept).size).toBeGreaterThan(0);
    expect(readdirSync(lab.directory).filter((name) => /restor/.test(name))).toEqual([]);

    await lab.start();
    expect(serialIsLater(await serialOf(lab.port), serial)).toBe(true);
    const found = await Promise.all([1, HOSTS].map((i) => addresses(lab.port, `h${i}.${ZONE}`)));
    expect(found).toEqual([['192.0.2.1'], []]);
    expect((await lab.run('token', 'list')).stdout).not.toContain('later');
  });

  it('restores in place of a database that is lost, and of a damaged one', async () => {
    const { lab, backup, serial } = await killedServerWithZone();
    for (const damage of [
      () => rmSync(lab.database),
      () => writeFileSync(lab.database, 'no database'),
      () => writeFileSync(`${lab.database}-known`, 'no marker'),
    ]) {
      damage();
      const { code, stderr } = await lab.run('restore', backup);
      expect([code, stderr]).toEqual([0, '']);
      const dyndns = await lab.start();
      expect(serialIsLater(await serialOf(lab.port), serial)).toBe(true);
      expect(await addresses(lab.port, `h1.${ZONE}`)).toEqual(['192.0.2.1']);
      await dyndns.stop();
    }
  });

  it('replaces nothing by what is damaged, is another database or is missing', async () => {
    const { lab, backup, serial } = await killedServerWithZone();
    const damaged = join(lab.directory, 'damaged.db');
    copyFileSync(backup, damaged);
    const database = await openDatabase(damaged);
    database.run("UPDATE node SET content = content || x'00' WHERE instr(key, CAST('h2' AS BLOB)) > 0");
    database.run("UPDATE journal SET changes = changes || x'00'");
    database.close();
    const empty = join(lab.directory, 'other.db');
    (await openDatabase(empty)).close();
    const garbage = join(lab.directory, 'garbage.db');
    writeFileSync(garbage, Buffer.alloc(10_000, 7));
    for (const [file, message] of [
      [damaged, /is damaged: .*(The name 'h2|The commit from the serial)/],
      [empty, /no table 'zone'/],
      [garbage, /is not an SQLite database/],
      [join(lab.directory, 'none.db'), /does not exist/],
    ] as const) {
      const { code, stderr, stdout } = await lab.run('restore', file);
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(message)]);
    }
    await lab.start();
    expect(await serialOf(lab.port)).toBe(serial);
  });
});

describe('the known serial in the store', { timeout: 120_000 }, () => {
  it('shows that database and marker are lost together, when the store is elsewhere', async () => {
    const store = join(testDirectory('damage-store'), 'dyndns.db');
    const { lab, serial } = await killedServer({ store: `sqlite:${store}` });
    // A clean end copies the last serial.
    await (await lab.start()).stop();
    for (const suffix of ['', '-wal', '-shm', '-known']) rmSync(lab.database + suffix, { force: true });
    const dyndns = await lab.start();
    await expectNotServed(lab, dyndns, new RegExp(`does not have the zone, which has had the serial ${serial}`));
    await dyndns.stop();
    // A command without a server does not read the store, and makes the zone anew: that is noticed, too.
    for (const suffix of ['', '-wal', '-shm', '-known']) rmSync(lab.database + suffix, { force: true });
    expect((await lab.run('zone', 'list')).stdout).not.toContain('NOT SERVED');
    const again = await lab.start();
    await expectNotServed(lab, again, /is not the one that the store belongs to/);
    expect((await lab.run('zone', 'recover', ZONE)).code).toBe(0);
    expect(serialIsLater(await serialOf(lab.port), serial)).toBe(true);
    await again.stop();
    await lab.start();
    expect((await ask(lab.port, ZONE, RRType.SOA)).rcode).toBe(Rcode.NOERROR);
  });
});

describe('a database file with two names', { timeout: 120_000 }, () => {
  it('is refused at the start, that of the zones and that of the store, with what to do', async () => {
    const store = join(testDirectory('damage-store'), 'dyndns.db');
    const { lab } = await killedServer({ store: `sqlite:${store}` });
    for (const file of [lab.database, store]) {
      linkSync(file, `${file}.link`);
      const { code, stderr } = await lab.run('serve');
      expect([code, stderr]).toEqual([1, expect.stringMatching(/has 2 names \(hard links\).*cp --preserve/)]);
      rmSync(`${file}.link`);
    }
    await lab.start();
  });
});

describe('a thread that writes and dies', { timeout: 120_000 }, () => {
  // Loaded into the server before its own code: SIGUSR2 ends the threads, as a lack of memory would.
  const PRELOAD = `import { syncBuiltinESMExports } from 'node:module';
    import threads from 'node:worker_threads';
    const { Worker } = threads;
    const all = [];
    threads.Worker = class extends Worker {
      constructor(url, options) { super(url, options); if (String(url).includes('worker-thread')) all.push([options.workerData.file, this]); }
    };
    syncBuiltinESMExports();
    process.on('SIGUSR2', () => { for (const [file, thread] of all) if (file.endsWith(process.env.DYING)) void thread.terminate(); });`;

  for (const dying of ['zones.db', 'dyndns.db']) {
    it(`${dying}: the process ends with an exit code and a message, so that it is started again`, async () => {
      const store = join(testDirectory('damage-store'), 'dyndns.db');
      const lab = await makeLab({ store: `sqlite:${store}` });
      const preload = join(lab.directory, 'preload.mjs');
      writeFileSync(preload, PRELOAD);
      const dyndns = await lab.start({ NODE_OPTIONS: `--import=${preload}`, DYING: dying });
      await fill(dyndns, 2);
      dyndns.process.signal('SIGUSR2');
      expect(await dyndns.process.ended).toBe(1);
      expect(logOf(dyndns)).toMatch(new RegExp(`The thread of database .*${dying} has ended\\. .*starts it again`));
      await lab.start();
      expect(await addresses(lab.port, `h2.${ZONE}`)).toEqual(['192.0.2.2']);
    });
  }
});

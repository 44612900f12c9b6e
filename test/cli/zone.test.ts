// `dyndns zone`: export, import and serial of an embedded zone, with a running server and without one, against
// named-checkzone and named-compilezone. The program runs as an operator runs it.
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAIN, type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { type FinishedProgram, removeNow, runOrThrow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
/** The SOA's timers and the NS are those that our server gives the zone, so that whole zones can be compared. */
const head = (apex: string) => `$ORIGIN ${apex}.
$TTL 300
@ 60 IN SOA ns1 hostmaster 3000000000 3600 600 1209600 60
@ 3600 IN NS ns1
ns1 IN A 127.0.0.1
`;
const MANY = 10_000;

/** A zone as a BIND of some years has it, MANY names. */
function zoneOfBind(apex: string): string {
  let text = `${head(apex)}; comments, parentheses, units
@         1h   IN MX 10 mail
mail           IN A  192.0.2.25
               IN AAAA 2001:db8::25
@              IN TXT ( "v=spf1 mx"
                        " -all" ) ; over two lines
*.wild         IN A  192.0.2.80
www            IN CNAME web.example.net.
sub            IN NS ns.sub
ns.sub         IN A  192.0.2.53
_sip._tcp  2d  IN SRV 0 5 5060 mail
MixedCase      IN TXT "a \\"quoted\\" text; no comment"
unknown        IN TYPE65280 \\# 4 0A000001
`;
  for (let i = 0; i < MANY; i++) {
    text += `h${i} ${i % 3 === 0 ? '60 ' : ''}IN A 198.51.${Math.floor(i / 256)}.${i % 256}\n`;
    if (i % 4 === 0) text += `  IN AAAA 2001:db8::${i.toString(16)}\n`;
  }
  return text;
}

let directory: string;
beforeEach(() => {
  directory = freshDirectory('zone');
});
afterEach(() => removeNow(directory));

const fileOf = (name: string) => join(directory, name);

/** All records in canonical order, as BIND prints them, without the SOA: its serial goes on. */
async function compiled(apex: string, file: string): Promise<string[]> {
  const text = await runOrThrow('named-compilezone', ['-i', 'none', '-q', '-o', '-', apex, file]);
  return text.split('\n').filter((line) => !/\sSOA\s/.test(line));
}

const soaSerial = (text: string) => Number(/\sSOA\s+\S+ \S+ (\d+)/.exec(text)?.[1]);

describeWith([{ command: 'named-compilezone', debianPackage: 'bind9-utils' }], 'zone and a running server', () => {
  /** One for each test. */
  const zones = Array.from({ length: 32 }, (_, index) => `zone${index}.example.com`);
  let server: RunningDyndns;
  let port: number;
  let used = 0;
  let apex: string;
  beforeAll(async () => {
    const more = { nameserver: 'embedded', records: 'ns1 IN A 127.0.0.1\n' };
    port = await freePort();
    server = await startDyndns({
      secret: 'masterSecretOfTests',
      dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db' },
      zones: zones.map((name) => ({ name, ns: [`ns1.${name}`], ...more })),
    });
  });
  beforeEach(() => {
    apex = zones[used++]!;
  });
  afterAll(() => server?.stop());

  const run = (...args: readonly string[]): Promise<FinishedProgram> =>
    runDyndns(['-c', server.configFile, ...args], { cwd: directory });
  const zone = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('zone', ...args);
    if (code !== 0) throw new Error(`zone ${args.join(' ')}: ${code} ${stderr}`);
    return stdout;
  };

  it(`imports a zone of BIND with ${MANY} names, and exports what named-compilezone takes for the same`, async () => {
    const original = writeInto(directory, 'bind.zone', zoneOfBind(apex));
    const report = JSON.parse(await zone('import', apex, original, '--json'));
    expect(report).toMatchObject({ changed: 0, removed: 0, unchanged: 2, skippedCount: 0 });
    await zone('export', apex, fileOf('export.zone'));
    const checked = await runProgram('named-checkzone', [apex, fileOf('export.zone')]);
    expect([checked.code, checked.stdout.trimEnd().split('\n').at(-1)]).toEqual([0, 'OK']);
    expect(await compiled(apex, fileOf('export.zone'))).toEqual(await compiled(apex, original));
    expect(readFileSync(fileOf('export.zone'), 'utf8')).toContain('MixedCase');
    // The way back: BIND serves the export.
    const raw = await runProgram('named-compilezone', ['-F', 'raw', '-o', fileOf('raw'), apex, fileOf('export.zone')]);
    expect(raw.code).toBe(0);
    // The serial continues above BIND's, so that its secondaries come for the zone.
    const serial = Number(await zone('serial', apex));
    expect(serial).toBeGreaterThan(3_000_000_000);
    expect(serial).toBeLessThan(3_000_000_010);
  });

  it('an import of its own export changes nothing, not even the serial', async () => {
    await zone('import', apex, writeInto(directory, 'some.zone', `${head(apex)}a IN A 192.0.2.1\nb IN TXT "x"\n`));
    await zone('export', apex, fileOf('first.zone'));
    for (const mode of [[], ['--replace']]) {
      const report = JSON.parse(await zone('import', apex, fileOf('first.zone'), '--json', ...mode));
      expect(report).toMatchObject({ added: 0, changed: 0, removed: 0, skippedCount: 0, unchanged: 4 });
    }
    expect(await zone('export', apex)).toBe(readFileSync(fileOf('first.zone'), 'utf8'));
  });

  it('adds and changes what the file has; removes the rest only with --replace; one commit each', async () => {
    await zone('import', apex, writeInto(directory, '1.zone', '$TTL 60\na A 192.0.2.1\nb A 192.0.2.2\n'));
    const before = Number(await zone('serial', apex));
    const second = writeInto(directory, '2.zone', '$TTL 60\nb A 192.0.2.22\nc A 192.0.2.3\n');
    expect(await zone('import', apex, second)).toBe(
      `RRsets: 1 added, 1 changed, 0 removed, 0 unchanged, 0 left out.\nThe serial is ${before + 1}.\n`,
    );
    expect(await zone('import', apex, second, '--replace')).toBe(
      `RRsets: 0 added, 0 changed, 1 removed, 2 unchanged, 0 left out.\nThe serial is ${before + 2}.\n`,
    );
    const text = await zone('export', apex);
    expect(text).toMatch(/^b .*192\.0\.2\.22$/m);
    expect(text).not.toMatch(/^a /m);
    expect(text).toMatch(/^ns1 .*127\.0\.0\.1$/m);
  });

  it('--dry-run tells the same and changes nothing', async () => {
    const file = writeInto(directory, '1.zone', '$TTL 60\na A 192.0.2.1\nns1 A 192.0.2.9\n');
    const before = await zone('export', apex);
    expect(await zone('import', apex, file, '--dry-run', '--replace')).toBe(
      `RRsets: 1 would be added, 0 would be changed, 0 would be removed, 0 unchanged, 1 left out.
  left out: A of 'ns1.${apex}.': set by the configuration
The serial is ${soaSerial(before)}.
`,
    );
    expect(await zone('export', apex)).toBe(before);
  });

  it('leaves out what cannot be in the zone, and says so', async () => {
    const lines = ['a A 192.0.2.1', 'a CNAME b', 'c CNAME d', 'c CNAME e', '@ TYPE65534 \\# 5 0D00000000'];
    const report = JSON.parse(
      await zone('import', apex, writeInto(directory, 'x.zone', `$TTL 60\n${lines.join('\n')}\n`), '--json'),
    );
    expect(report.added).toBe(1);
    expect(report.skipped.sort()).toEqual([
      `CNAME of 'a.${apex}.': a CNAME and other data cannot be at the same name`,
      `CNAME of 'c.${apex}.': a name can have only one record of this type`,
      `TYPE65534 of '${apex}.': DNSSEC records are not imported: dyndns signs zones itself (option dnssec)`,
    ]);
  });

  it('takes the standard input, and files that a file includes, beside it', async () => {
    mkdirSync(fileOf('zones'));
    writeFileSync(fileOf('zones/part'), 'x A 192.0.2.5\n');
    writeFileSync(fileOf('zones/main'), '$TTL 60\n$INCLUDE part below\n');
    await zone('import', apex, 'zones/main');
    const piped = await runDyndns(['-c', server.configFile, 'zone', 'import', apex, '-'], {
      input: '$TTL 60\ny A 192.0.2.6\n',
    });
    expect(piped.code).toBe(0);
    const text = await zone('export', apex);
    expect(text).toMatch(/^x\.below .*192\.0\.2\.5$/m);
    expect(text).toMatch(/^y .*192\.0\.2\.6$/m);
  });

  it.each([
    ['$TTL 60\na A 192.0.2.1\nb A 192.0.2\n', 1, /^ERROR: x\.zone:3: .*'192\.0\.2'/],
    [
      '$TTL 60\na A 192.0.2.1\nc.example.net. A 192.0.2.1\n',
      1,
      /^PARAMETER_ERROR: line 2: 'c\.example\.net\.' is not in/,
    ],
    [
      '\0\0\0\x02\0\0\0\x01\0\0\0\0',
      2,
      /^dyndns: 'x\.zone' is in BIND's raw format\. .*named-compilezone -f raw -F text/,
    ],
  ])('a file that is wrong changes nothing and is told: %j', async (text, expected, message) => {
    writeFileSync(fileOf('x.zone'), text);
    const before = await zone('export', apex);
    const { code, stderr } = await run('zone', 'import', apex, 'x.zone');
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
    expect(await zone('export', apex)).toBe(before);
  });

  it('serial prints and raises it, and refuses an earlier one', async () => {
    const serial = Number(await zone('serial', apex));
    expect(await zone('serial', apex.toUpperCase(), String(serial + 1000))).toMatch(` ${serial} -> ${serial + 1000}\n`);
    const { code, stderr } = await run('zone', 'serial', apex, String(serial));
    expect([code, stderr]).toEqual([
      1,
      `PARAMETER_ERROR: The serial ${serial} is not later than ${serial + 1000}: choose one from ${serial + 1001} to ${(serial + 1000 + 0x7fffffff) >>> 0} (RFC 1982).\n`,
    ]);
    expect((await run('zone', 'serial', apex, 'x')).code).toBe(2);
  });

  it('update, delete and check act in the server, which goes on', async () => {
    expect((await run('update', `a.${apex}`, '192.0.2.1')).stdout).toMatch(`UPDATED: a.${apex}. A None -> 192.0.2.1\n`);
    expect((await run('update', `a.${apex}`, '192.0.2.1')).stdout).toMatch(/^UNCHANGED: .*\nUNCHANGED: .*\n$/);
    expect(await runOrThrow('dig', [`@127.0.0.1`, '-p', String(port), '+short', `a.${apex}`])).toBe('192.0.2.1\n');
    expect((await run('check')).stdout).toContain('INFO: The update check passed');
    expect((await run('delete', `a.${apex}`)).stdout).toMatch(/^UPDATED: /);
    const refused = await run('update', `a.${apex}`, 'x');
    expect([refused.code, refused.stderr]).toEqual([1, "IP_ADDRESS_ERROR: Invalid IP address 'x'.\n"]);
  });

  it('a zone that is not there is told with those that are; list names them', async () => {
    for (const args of [['export'], ['serial'], ['import']]) {
      const { code, stderr } = await run(
        'zone',
        ...args,
        'example.net',
        ...(args[0] === 'import' ? ['/dev/null'] : []),
      );
      expect([code, stderr]).toEqual([
        1,
        `DNS_NAME_ERROR: 'example.net.' is not an embedded zone of this server. Its embedded zones are: ${zones.join('., ')}.\n`,
      ]);
    }
    const serial = Number(await zone('serial', apex));
    expect((await zone('list')).split('\n')).toContain(`${apex}.  serial ${serial}  2 names`);
    const listed = JSON.parse(await zone('list', '--json'));
    expect(listed.map((each: { zone: string }) => each.zone)).toEqual(zones.map((name) => `${name}.`));
    expect(listed).toContainEqual({ zone: `${apex}.`, serial, names: 2, secondaries: [] });
  });

  it('a second server on the same database is refused with the process id of the first', async () => {
    const { code, stderr } = await run('serve');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^ERROR: database \\S+zones\\.db is in use by process ${server.process.pid}:`));
    expect(await zone('list')).toContain(apex);
  });

  it('the control socket is for its owner alone', async () => {
    const socket = join(server.directory, 'control.sock');
    expect(statSync(socket).isSocket()).toBe(true);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it('a user who may not open the socket is told whom to ask', async () => {
    chmodSync(directory, 0o755);
    const config = fileOf('readable.yml');
    const socket = join(server.directory, 'control.sock');
    writeFileSync(
      config,
      `secret: masterSecretOfTests
control: unix:${socket}
dns: {database: ${fileOf('other.db')}}
zones: [{name: ${apex}, nameserver: embedded, ns: [ns1.example.net]}]
`,
    );
    chmodSync(config, 0o644);
    const node = [process.execPath, MAIN, '-c', config, 'zone', 'list'];
    const [command, ...args] =
      process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...node] : node;
    if (process.getuid?.() !== 0) chmodSync(socket, 0);
    const { code, stderr } = await runProgram(command!, args, { cwd: directory });
    expect(code).toBe(1);
    expect(stderr).toContain(`ERROR: Only the server's own user may open the control socket '${socket}'.`);
    expect(stderr).toContain('sudo -u dyndns');
  });
});

describe('zone without a server', () => {
  let config: string;
  beforeEach(() => {
    config = writeInto(
      directory,
      'dyndns.yml',
      `secret: masterSecretOfTests
dns: {listen: ['127.0.0.1:0'], database: zones.db}
http: {listen: ['127.0.0.1:0']}
zones: [{name: ${ZONE}, nameserver: embedded, ns: [ns1.example.net]}]
`,
    );
  });
  const run = (...args: readonly string[]) => runDyndns(['-c', config, ...args], { cwd: directory });

  it('does the same in its own process, and gives the database free', async () => {
    const file = writeInto(directory, 'a.zone', '$TTL 60\na A 192.0.2.1\n');
    expect((await run('zone', 'import', ZONE, file)).stdout).toMatch(/^RRsets: 1 added/);
    expect((await run('update', `b.${ZONE}`, '192.0.2.2')).stdout).toMatch(/^UPDATED: /);
    const { stdout } = await run('zone', 'export', ZONE);
    expect(stdout).toMatch(/^a .*192\.0\.2\.1$/m);
    expect(stdout).toMatch(/^b .*192\.0\.2\.2$/m);
    const serial = soaSerial(stdout);
    expect((await run('zone', 'serial', ZONE, String(serial + 5))).stdout).toBe(
      `${ZONE}. ${serial} -> ${serial + 5}\n`,
    );
    expect((await run('zone', 'serial', ZONE)).stdout).toBe(`${serial + 5}\n`);
    expect((await run('check')).stdout).toContain('INFO: The update check passed');
  });

  it('says that no zone is embedded where there is none', async () => {
    writeFileSync(
      config,
      `secret: masterSecretOfTests
zones: [{name: ${ZONE}, nameserver: 127.0.0.1, tsig_key: dGVzdA==}]
`,
    );
    const { code, stderr } = await run('zone', 'list');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^DNS_NAME_ERROR: No zone of the configuration is embedded/);
  });

  it('a word that is no subcommand is a wrong command', async () => {
    const wrong = [['remove', ZONE], ['export'], ['export', 'a..b'], ['import', ZONE, 'missing.zone']];
    const ended = await Promise.all(wrong.map((args) => run('zone', ...args)));
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    expect(ended.at(-1)?.stderr).toBe("dyndns: The zone file 'missing.zone' cannot be read (ENOENT).\n");
  });
});

describe('the control socket of a server that was killed', () => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    server = await startEmbedded({ zone: ZONE });
  });
  afterAll(() => server.stop());

  it('is in nobody’s way: commands work without it, and the next server takes its place', async () => {
    await server.dyndns.process.stop('SIGKILL');
    const socket = join(server.dyndns.directory, 'control.sock');
    expect(statSync(socket).isSocket()).toBe(true);
    const args = ['-c', server.dyndns.configFile];
    expect((await runDyndns([...args, 'zone', 'list'], { cwd: server.dyndns.directory })).stdout).toContain(ZONE);
    expect((await runDyndns([...args, 'status'])).stderr).toBe(
      `ERROR: No dyndns is running: no server answers at '${socket}'. Start it: 'systemctl start dyndns', or 'dyndns serve'.\n`,
    );
  });
});

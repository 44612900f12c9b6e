// Typical mistakes at the command line: each row is done for real with the built program. A row says what the operator
// did, what the program must say about it, and its exit code.
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type FinishedProgram, removeNow, runProgram } from '../support/process.ts';

let directory: string;
beforeEach(() => {
  directory = freshDirectory('mistakes');
});
afterEach(() => removeNow(directory));

const SECRET = "secret: 'masterSecretOfTests'\n";
const REMOTE = 'zones: [{name: dyn.example.com, nameserver: 127.0.0.1, tsig_key: dGVzdA==}]\n';
const EMBEDDED = `store: sqlite:d.db
dns: {listen: ['127.0.0.1:0']}
http: {listen: ['127.0.0.1:0']}
`;
/** An embedded zone with these records, one a line. */
const zoneWith = (...records: readonly string[]) =>
  `zones:\n  - name: dyn.example.com\n    ns: [ns1.example.net]\n    records: |\n${records.map((line) => `      ${line}\n`).join('')}`;
const CREDENTIAL = '/run/credentials/dyndns.service/tsig_key';

interface Mistake {
  readonly mistake: string;
  /** Of dyndns.yml; none without it. */
  readonly config?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** In the error output, each of them. */
  readonly said: readonly (string | RegExp)[];
  readonly code: number;
}

function write(name: string, text: string, mode = 0o600): string {
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return file;
}

function run(
  { config, files = {}, args, env, input }: Omit<Mistake, 'mistake' | 'said' | 'code'>,
  user?: number,
): Promise<FinishedProgram> {
  for (const [name, text] of Object.entries(files)) write(name, text);
  const flags = config === undefined ? [] : ['-c', write('dyndns.yml', config)];
  const options = {
    cwd: directory,
    env: { ...process.env, dyndns_CONFIG_FILE: undefined, ...env },
    ...(input !== undefined && { input }),
  };
  if (user === undefined) return runDyndns([...flags, ...args], options);
  const as = ['--reuid', String(user), '--regid', String(user), '--clear-groups', process.execPath, MAIN];
  return runProgram('setpriv', [...as, ...flags, ...args], options);
}

function expectSaid({ code, stdout, stderr }: FinishedProgram, said: Mistake['said'], expectedCode: number): void {
  for (const text of said) expect(stderr).toMatch(text);
  expect([code, stdout, stderr]).toEqual([expectedCode, stdout, stderr]);
}

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'serve, with a credential of the service that is stopped',
    config: `${SECRET}${REMOTE.replace('dGVzdA==', `{file: ${CREDENTIAL}}`)}`,
    args: ['serve'],
    said: [`zones[0].tsig_key: the file '${CREDENTIAL}' cannot be read: it does not exist; systemd makes it`],
    code: 2,
  },
  {
    mistake: 'status of a configuration without a control socket',
    config: SECRET + REMOTE,
    args: ['status'],
    said: [
      /Whether dyndns runs is unknown: the configuration \S+\/dyndns\.yml names no control socket\. Set 'control:/,
    ],
    code: 1,
  },
  ...['config --check', 'serve'].map((command) => ({
    mistake: `${command}, with a wrong address in records`,
    config: SECRET + EMBEDDED + zoneWith('@ IN A 192.0.2.300'),
    args: command.split(' '),
    said: [/dyndns\.yml:9: A: '192\.0\.2\.300' is not an IPv4 address\n$/],
    code: 2,
  })),
  {
    mistake: 'records that contradict each other',
    config: SECRET + EMBEDDED + zoneWith('www IN CNAME home', 'www IN A 192.0.2.1'),
    args: ['config', '--check'],
    said: [/dyndns\.yml:10: www\.dyn\.example\.com\. has CNAME and A, which cannot coexist: remove one of them\n$/],
    code: 2,
  },
  {
    mistake: 'a nameserver in the zone without an address',
    config: SECRET + EMBEDDED + zoneWith('www IN A 192.0.2.1').replace('ns1.example.net', 'ns1.dyn.example.com'),
    args: ['config', '--check'],
    said: ["WARNING: The nameserver 'ns1.dyn.example.com.' has no address in the zone 'dyn.example.com.'"],
    code: 0,
  },
  {
    mistake: 'a certificate that is none',
    config: `${SECRET}http: {listen: ['https://127.0.0.1:0'], tls: {certificate: c.pem, key: k.pem}}\n${REMOTE}`,
    files: { 'c.pem': 'hello', 'k.pem': 'hello' },
    args: ['config', '--check'],
    said: [/http\.tls: '\S+c\.pem' and '\S+k\.pem' are not a PEM certificate and its private key/],
    code: 2,
  },
  {
    mistake: 'a certificate whose file is missing',
    config: `${SECRET}http: {listen: ['https://127.0.0.1:0'], tls: {certificate: c.pem, key: k.pem}}\n${REMOTE}`,
    args: ['config', '--check'],
    said: [/http\.tls\.certificate: the file '\S+c\.pem' cannot be read/],
    code: 2,
  },
  {
    mistake: 'a secret in a file that does not exist',
    config: `secret: {file: nothing}\n${REMOTE}`,
    args: ['token', 'list'],
    said: [/dyndns\.yml:1:1: secret: the file '\S+\/nothing' cannot be read: it does not exist\.\n$/],
    code: 2,
  },
];

describe('a mistake is explained', () => {
  it.each(MISTAKES)('$mistake', async ({ said, code, ...command }) => {
    expectSaid(await run(command), said, code);
  });
});

it('config --check of a valid file prints one line', async () => {
  const config = SECRET + EMBEDDED + zoneWith('ns1 IN A 192.0.2.1').replace('ns1.example.net', 'ns1.dyn.example.com');
  const { code, stdout, stderr } = await run({ config, args: ['config', '--check'] });
  expect([code, stdout, stderr]).toEqual([0, `The configuration ${directory}/dyndns.yml is valid: 1 zone.\n`, '']);
});

describe('while the service is stopped, and its credentials do not exist', () => {
  const config = `secret: {file: /run/credentials/dyndns.service/secret}
${EMBEDDED}zones:
  - {name: dyn.example.com, ns: [ns1.example.net], tsig_key: {file: ${CREDENTIAL}}, nameserver: embedded}
  - {name: remote.example.com, nameserver: 127.0.0.1, port: 1, tsig_key: {file: ${CREDENTIAL}}}
`;
  const warning = `WARNING: This command could not read secret (/run/credentials/dyndns.service/secret: it does not exist`;

  it.each([
    { args: ['status'], prints: 'remote.example.com.  on another primary\n', code: 1 },
    { args: ['doctor', '--resolver', '127.0.0.1:1'], prints: '\nremote.example.com.\n\nThe primary\n', code: 1 },
    { args: ['check'], prints: "could be updated on the zone 'dyn.example.com.'", code: 1 },
    { args: ['token', 'list'], prints: 'There are no tokens.', code: 0 },
    { args: ['host', 'list'], prints: 'No host has settings', code: 0 },
    { args: ['zone', 'list'], prints: 'dyn.example.com.  serial ', code: 0 },
    { args: ['zone', 'export', 'dyn.example.com'], prints: '$ORIGIN dyn.example.com.', code: 0 },
    { args: ['history', 'h.dyn.example.com'], prints: 'There are no events', code: 0 },
    { args: ['config'], prints: "secret: '[secret]'", code: 0 },
  ])('$args does what can be done', async ({ args, prints, code }) => {
    const finished = await run({ config, args });
    expect(finished.stdout).toContain(prints);
    expectSaid(finished, [warning, "'systemctl start dyndns'"], code);
    expect(finished.stderr.split('This command could not read')).toHaveLength(2);
  });

  it('check says of which zone the key is missing', async () => {
    const { stdout } = await run({ config, args: ['check'] });
    const reason = `zones[1].tsig_key: the file '${CREDENTIAL}' cannot be read: it does not exist`;
    expect(stdout).toContain(`'remote.example.com.': This command has no TSIG key for the zone: ${reason}`);
  });
});

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  const NOBODY = 65_534;
  const config = `${SECRET}${EMBEDDED.replace('d.db', 'data/d.db')}${zoneWith('@ IN A 192.0.2.1')}`;

  it('a user who may not read the configuration learns how', async () => {
    chmodSync(directory, 0o755);
    const finished = await run({ config, args: ['status'] }, NOBODY);
    expectSaid(finished, ["dyndns.yml' cannot be read: permission denied. Run the command as a user that may read"], 2);
  });

  it('a command opens the databases of the stopped service as their owner', async () => {
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, 'data'));
    chownSync(join(directory, 'data'), NOBODY, NOBODY);
    const made = await run({ config, args: ['token', 'create', 'router', '--host', 'h.dyn.example.com'] });
    expect([made.code, made.stderr]).toEqual([0, '']);
    const listed = await run({ config, args: ['zone', 'list'] });
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    const owners = readdirSync(join(directory, 'data')).map((name) => statSync(join(directory, 'data', name)).uid);
    expect(new Set(owners)).toEqual(new Set([NOBODY]));
    expect(owners.length).toBeGreaterThan(3);
  });
});

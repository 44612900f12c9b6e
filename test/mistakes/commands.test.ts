// Typical mistakes at the command line: each row is done for real with the built program. A row says what the operator
// did, what the program must say about it, and its exit code.
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

/** Of commands that are for a server of another machine, for users, devices and many tokens. */
const KEY = { key: `dyn_${'a'.repeat(32)}\n` };
const AT_LOOPBACK = ['--remote', 'http://127.0.0.1:1', '--key-file', 'key'];
const STORED = `${SECRET}store: sqlite:d.db\n${REMOTE}`;

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'a key in place of a key file',
    args: ['--remote', 'https://dyndns.example.com', '--key-file', `dyn_${'a'.repeat(32)}`, 'status'],
    said: [/^dyndns: The key file .* cannot be read \(ENOENT\)\.\n$/],
    code: 2,
  },
  {
    mistake: 'the secret of a host as a management key',
    files: { key: 'abcdefghijklmnopqrstuvwxyz234567\n' },
    args: [...AT_LOOPBACK, 'status'],
    said: [
      /^dyndns: The file 'key' does not have a management key\. A management key is dyn_ and 32 letters and digits; /,
    ],
    code: 2,
  },
  {
    mistake: 'a key over HTTP without TLS',
    files: KEY,
    args: ['--remote', 'http://dyndns.example.com', '--key-file', 'key', 'status'],
    said: [
      'dyndns: --remote: everyone on the path to dyndns.example.com could read the key. Use https://, or add --insecure-http',
    ],
    code: 2,
  },
  {
    mistake: 'a server that does not run',
    files: KEY,
    args: [...AT_LOOPBACK, 'token', 'list'],
    said: [/^ERROR: No server answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)\. Nothing was changed\.\n$/],
    code: 1,
  },
  {
    mistake: 'a backup of another machine',
    files: KEY,
    args: [...AT_LOOPBACK, 'backup', 'x.db'],
    said: ["dyndns: 'dyndns backup' works on the machine of the server. Leave out --remote, and run it there."],
    code: 2,
  },
  {
    mistake: 'serve with DYNDNS_REMOTE in the environment',
    args: ['serve'],
    env: { DYNDNS_REMOTE: 'https://dyndns.example.com' },
    said: ["dyndns: 'dyndns serve' works on the machine of the server. Unset DYNDNS_REMOTE, and run it there."],
    code: 2,
  },
  {
    mistake: '--remote without a key',
    args: ['--remote', 'https://dyndns.example.com', 'status'],
    said: ['dyndns: --remote needs --key-file FILE with a management key; `dyndns user key` on the server makes one.'],
    code: 2,
  },
  {
    mistake: 'a misspelt device',
    config: STORED,
    args: ['token', 'create', 'x', '--host', 'home.dyn.example.com', '--for', 'microtik'],
    said: [/^dyndns: --for: there is no device 'microtik'; the nearest one is mikrotik\. The devices are fritzbox, /],
    code: 2,
  },
  {
    mistake: 'a user without a store',
    config: SECRET + REMOTE,
    args: ['user', 'create', 'bob'],
    said: ["set 'store: sqlite:"],
    code: 1,
  },
  {
    mistake: 'a user who does not exist',
    config: STORED,
    args: ['user', 'disable', 'bob'],
    said: ["no user 'bob'"],
    code: 1,
  },
  {
    mistake: 'a host for a user who does not exist',
    config: STORED,
    args: ['host', 'give', 'home.dyn.example.com', 'bob'],
    said: ["no user 'bob'"],
    code: 2,
  },
  {
    mistake: 'user remove in a script',
    config: STORED,
    args: ['user', 'remove', 'bob'],
    input: '',
    said: [/^dyndns: --hosts is missing, and there is no terminal to ask for it\.\n$/],
    code: 2,
  },
  {
    mistake: 'a batch with a misspelt column',
    config: STORED,
    files: { 'b.csv': 'name,hots\nc1,c1.dyn.example.com\n' },
    args: ['token', 'create', '--batch', 'b.csv'],
    said: [
      /^dyndns: b\.csv, line 1: there is no column 'hots'; the nearest one is host\. The columns are name, host, owner, /,
    ],
    code: 2,
  },
  {
    mistake: 'a batch with one wrong row',
    config: STORED,
    files: { 'b.csv': 'name,host\nc1,c1.dyn.example.com\nc2,c2..example.com\n' },
    args: ['token', 'create', '--batch', 'b.csv'],
    said: [/^dyndns: Nothing was created\.\nb\.csv, line 3, column host: /],
    code: 2,
  },
  {
    mistake: 'a spreadsheet as a batch',
    config: STORED,
    files: { 'b.xlsx': 'PK' },
    args: ['token', 'create', '--batch', 'b.xlsx'],
    said: ['dyndns: --format csv or --format json says what the file is'],
    code: 2,
  },
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

/** What `config` says of a file: "LINE:COLUMN: text". */
const FILES: readonly (readonly [mistake: string, config: string, said: string])[] = [
  [
    'a misspelt option',
    `${SECRET}log_levle: 20\n${REMOTE}`,
    "2:1: unknown key 'log_levle'; the nearest known key is 'log_level'.",
  ],
  ['a tab', `${SECRET}http:\n\tlisten: ['127.0.0.1:0']\n${REMOTE}`, '3:1: indent with spaces, not with tabs.'],
  ['no zone', SECRET, '1:1: zones: must be a list with at least one zone.'],
  ['an empty file', '', '1:1: the file must be a map of options, not empty.'],
  [
    'two zones with one name',
    `${REMOTE.trimEnd().slice(0, -1)}, {name: DYN.example.com, nameserver: 127.0.0.1, tsig_key: dGVzdA==}]`,
    "zones[1].name: the zone 'DYN.example.com.' is already zones[0]; remove one of the two.",
  ],
  [
    'a wildcard as a zone',
    REMOTE.replace('dyn', "'*'").replace("'*'.example.com", "'*.example.com'"),
    'zones[0].name: a zone cannot be a wildcard.',
  ],
  [
    'a bad address',
    REMOTE.replace('127.0.0.1', '127.0.0.300'),
    "zones[0].nameserver: must be an IPv4 or IPv6 address, or embedded, not '127.0.0.300'.",
  ],
  [
    'a zone without a primary',
    REMOTE.replace('nameserver: 127.0.0.1, ', ''),
    "no primary is set for 'dyn.example.com.'. Set its IPv4 or IPv6 address here",
  ],
  [
    'a zone without a key',
    REMOTE.replace(', tsig_key: dGVzdA==', ''),
    'zones[0].tsig_key: is required: the base64 secret that tsig-keygen prints',
  ],
  [
    'a key that is not base64',
    REMOTE.replace('dGVzdA==', 'dGVzdA'),
    'zones[0].tsig_key: must be a base64 text that is not empty, as tsig-keygen prints it.',
  ],
  [
    'an unknown algorithm',
    REMOTE.replace('dGVzdA==', '{algorithm: hmac-sha3, secret: dGVzdA==}'),
    'zones[0].tsig_key.algorithm: must be one of hmac-md5',
  ],
  [
    'a secret that is too short',
    `secret: 'short'\n${REMOTE}`,
    '1:9: secret: must be at least 8 characters, only A-Z, a-z and 0-9.',
  ],
  ['a port out of range', `port: 70000\n${REMOTE}`, "1:7: port: must be an integer from 0 to 65535, not '70000'."],
  ['an unknown log format', `log_format: xml\n${REMOTE}`, "log_format: must be one of auto, text, json, not 'xml'."],
  [
    'an embedded zone without a file for its data',
    'zones: [{name: dyn.example.com, nameserver: embedded, ns: [ns1.example.net]}]',
    'an embedded zone needs a file for its data: set `store: sqlite:PATH`',
  ],
  [
    'HTTPS without a certificate',
    `http: {listen: ['https://[::]:443']}\n${REMOTE}`,
    'http.listen: an https:// entry needs http.tls with certificate and key, or with acme.',
  ],
  [
    'a listener twice',
    `http: {listen: ['127.0.0.1:80', '127.0.0.1:80']}\n${REMOTE}`,
    "http.listen: '127.0.0.1:80' is listed twice; remove one of the two.",
  ],
  [
    'a token in place of its hash',
    `tokens: [{name: a, sha256: my-token, hosts: [x.dyn.example.com]}]\n${REMOTE}`,
    'tokens[0].sha256: must be the SHA-256 of the token in 64 hexadecimal digits',
  ],
  [
    'a host in no zone',
    `hosts: [{name: x.example.net}]\n${REMOTE}`,
    "hosts[0].name: 'x.example.net.' is not in a zone of the file; it has 'dyn.example.com.'.",
  ],
  ['an unknown store', `store: mysql://x/y\n${REMOTE}`, 'store: must be sqlite:PATH or postgres://USER@HOST/DATABASE.'],
  [
    'a control socket without unix:',
    `control: /run/x.sock\n${REMOTE}`,
    "control: must be unix:PATH, not '/run/x.sock'.",
  ],
];

const STORE = `${SECRET}store: sqlite:d.db\n${REMOTE}`;

/** Commands without a server. */
const COMMANDS: readonly (readonly [
  mistake: string,
  config: string,
  args: readonly string[],
  said: string,
  code: number,
])[] = [
  ['an unknown command', STORE, ['statsu'], "unknown command 'statsu'\n(Did you mean status?)", 2],
  ['an unknown option', STORE, ['serve', '--prot', '1'], "unknown option '--prot'\n(Did you mean --port?)", 2],
  [
    'a token for a name in no zone',
    STORE,
    ['token', 'create', 'r', '--host', 'x.example.net'],
    "'x.example.net.' is in no zone of the configuration; it has 'dyn.example.com.'.",
    1,
  ],
  [
    'a token that does not exist',
    STORE,
    ['token', 'revoke', 'router'],
    "There is no token 'router'; `dyndns token list` shows all tokens.",
    1,
  ],
  [
    'history purge in a script',
    STORE,
    ['history', 'purge', 'h.dyn.example.com'],
    'there is no terminal to ask: add --yes.',
    2,
  ],
  [
    'history of no host',
    STORE,
    ['history'],
    "The name of a host is missing; '--all' shows the events of all hosts.",
    2,
  ],
  ['a time in words', STORE, ['history', '--all', '--since', 'yesterday'], "--since: 'yesterday' is not a time.", 2],
  [
    'history without a store',
    SECRET + REMOTE,
    ['history', 'h.dyn.example.com'],
    'The configuration names no store: set',
    1,
  ],
  [
    'a store in a folder that does not exist',
    STORE.replace('d.db', 'missing/d.db'),
    ['token', 'list'],
    "missing does not exist: create it with 'install -d ",
    1,
  ],
  [
    'an update to no address',
    SECRET + REMOTE,
    ['update', 'h.dyn.example.com', '192.0.2.300'],
    "Invalid IP address '192.0.2.300'.",
    1,
  ],
  [
    'zone list without an embedded zone',
    SECRET + REMOTE,
    ['zone', 'list'],
    "No zone of the configuration is embedded ('nameserver: embedded').",
    1,
  ],
  [
    'reload without a control socket',
    SECRET + REMOTE,
    ['reload'],
    "set 'control: unix:PATH' and restart the server.",
    2,
  ],
  [
    'doctor of another zone',
    SECRET + REMOTE,
    ['doctor', 'other.example'],
    "'other.example.' is not a zone of the configuration; it has: dyn.example.com.",
    2,
  ],
];

describe('a mistake is explained', () => {
  it.each(FILES)('in the file: %s', async (_, config, said) => {
    expectSaid(await run({ config, args: ['config'] }), [said], 2);
  });

  it.each(COMMANDS)('of a command: %s', async (_, config, args, said, code) => {
    expectSaid(await run({ config, args }), [said], code);
  });

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

  it('a file in this directory that hides /etc/dyndns.yml is named', async () => {
    write('etc/dyndns.yml', SECRET + REMOTE);
    for (const name of ['passwd', 'group']) write(`etc/${name}`, readFileSync(`/etc/${name}`, 'utf8'));
    const own = write('.dyndns.yml', SECRET + REMOTE);
    const script = 'mount --bind etc /etc && exec "$@"';
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined, dyndns_CONFIG_FILE: undefined };
    const command = ['--mount', 'sh', '-c', script, 'sh', process.execPath, MAIN, 'config', '--check'];
    const { code, stdout, stderr } = await runProgram('unshare', command, { cwd: directory, env });
    expect([code, stdout, stderr]).toEqual([
      0,
      `The configuration ${own} is valid: 1 zone.\n`,
      `WARNING: The configuration ${own} of this directory is used, and /etc/dyndns.yml is not. For the other one: --config /etc/dyndns.yml.\n`,
    ]);
  });

  it('a configuration that every user can read: the proposed command does not stop the service', async () => {
    const file = write('dyndns.yml', SECRET + REMOTE);
    chmodSync(file, 0o644);
    const { stderr } = await runDyndns(['-c', file, 'config', '--check'], { cwd: directory });
    const [, command = ''] = /Close it: (chown root:(?:dyndns|www-data) \S+ && chmod 640 \S+)\n$/.exec(stderr) ?? [];
    expect((await runProgram('sh', ['-c', command])).code).toBe(0);
    const { mode, gid } = statSync(file);
    expect([mode & 0o777, gid > 0]).toEqual([0o640, true]);
    expect((await runDyndns(['-c', file, 'config', '--check'], { cwd: directory })).stderr).toBe('');
  });

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

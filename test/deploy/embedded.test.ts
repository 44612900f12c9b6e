/**
 * Runs docs/operating/embedded.md: `dyndns init`, the changes for the systemd unit, the first update, static records, and
 * keys for nsupdate, certbot and lego, with pebble as the CA. Only paths, ports and the directories of certbot and lego
 * are changed; the test performs the steps of systemd.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { CERTBOT_PROGRAMS } from '../support/certbot.ts';
import { dig } from '../support/dig.ts';
import { MAIN } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { LEGO_PROGRAMS } from '../support/lego.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { freshDirectory } from '../support/primary-server.ts';
import {
  type FinishedProgram,
  type RunningProcess,
  removeNow,
  runProgram,
  startProcess,
  waitUntil,
} from '../support/process.ts';
import { describeWith, findProgram } from '../support/require-server.ts';

const PAGE = 'docs/operating/embedded.md';
const ZONE = 'dyndns.example.com';
const TEXT = readFileSync(`${REPOSITORY}/${PAGE}`, 'utf8');
const PROGRAMS = [
  { command: 'curl', debianPackage: 'curl' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
  { command: 'nsupdate', debianPackage: 'bind9-dnsutils' },
  { command: 'openssl', debianPackage: 'openssl' },
];

/** The YAML block of the page that is marked with `word`. */
function yaml(word: string): string {
  const [, block] = new RegExp(`^\`\`\`yaml ${word}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(TEXT) ?? [];
  if (block === undefined) throw new Error(`no block "yaml ${word}"`);
  return block;
}

describeWith(PROGRAMS, 'the page of the embedded nameserver', () => {
  const directory = freshDirectory('embedded-page');
  let installation: Installation;
  let server: RunningProcess;
  let address: { host: string; port: number };
  let initPrinted: string;

  async function run(word: string): Promise<string> {
    const { code, stdout, stderr } = await installation.runBlocks(PAGE, word);
    if (code !== 0) throw new Error(`"${word}" of ${PAGE}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** The steps of systemd at a start: the credentials of the unit and its drop-ins, the directories, the program. */
  async function start(): Promise<void> {
    const dropIns = installation.path('/etc/systemd/system/dyndns.service.d');
    const credentials = installation.path('/run/credentials/dyndns.service');
    mkdirSync(credentials, { recursive: true });
    const unit = installation.path('/etc/systemd/system/dyndns.service');
    for (const file of [unit, ...readdirSync(dropIns).map((name) => `${dropIns}/${name}`)]) {
      const text = installation.relocate(readFileSync(file, 'utf8'));
      const replaced = new Set([...text.matchAll(/^SetCredential=(\w+):\\n$/gm)].map(([, id]) => id));
      for (const [, id, path] of text.matchAll(/^LoadCredential=(\w+):(.*)$/gm)) {
        if (replaced.has(id) && !existsSync(path!)) writeFileSync(`${credentials}/${id}`, '\n');
        else copyFileSync(path!, `${credentials}/${id}`);
      }
    }
    for (const made of ['/var/lib/dyndns', '/run/dyndns']) mkdirSync(installation.path(made), { recursive: true });
    server = await startProcess({
      command: process.execPath,
      args: [MAIN, '--config', installation.path('/etc/dyndns.yml'), 'serve'],
      cwd: directory,
      env: { ...process.env, DYNDNS_DNS_LISTEN: `127.0.0.1:${address.port}` },
      ready: (output) => output.includes('listening on unix:'),
    });
  }

  /** Replaces the match in the zone of /etc/dyndns.yml. */
  function edit(pattern: RegExp, text: string): void {
    const before = readFileSync(installation.path('/etc/dyndns.yml'), 'utf8');
    expect(before).toMatch(pattern);
    installation.write('/etc/dyndns.yml', before.replace(pattern, text));
  }

  beforeAll(async () => {
    address = { host: '127.0.0.1', port: await freePort() };
    installation = makeInstallation({ directory, dnsPort: address.port });
    initPrinted = await run('configure');
    await run('install');
    await start();
  });
  afterAll(async () => {
    await server?.stop();
    removeNow(directory);
  });

  it('init prints the records for the parent that the page shows', () => {
    const records = initPrinted.split('\n').filter((line) => line.includes(' IN '));
    expect(records).toHaveLength(3);
    for (const record of records) expect(TEXT).toContain(`\n${record.trim()}\n`);
  });

  it('the world-readable file contains no secret, and the log has no warning', () => {
    const file = readFileSync(installation.path('/etc/dyndns.yml'), 'utf8');
    const secret = readFileSync(installation.path('/etc/dyndns/secret'), 'utf8').trim();
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(file).not.toContain(secret);
    expect(statSync(installation.path('/etc/dyndns/secret')).mode & 0o777).toBe(0o600);
    expect(server.output()).not.toContain('"level":30');
  });

  it('the addresses for dns.listen are accepted', () => {
    const [, block] = /^```yaml\n(dns:\n[\s\S]*?)^```$/m.exec(TEXT)!;
    const file = readFileSync(installation.path('/etc/dyndns.yml'), 'utf8');
    const { config } = parseConfig(`${file}${block}`, installation.path('/etc/dyndns.yml'), {});
    expect(config.dns?.listen).toEqual([
      { host: '192.0.2.10', port: 53 },
      { host: '2001:db8::10', port: 53 },
    ]);
  });

  it('the first update prints what the page shows', async () => {
    const printed = await run('use');
    expect(printed).toContain('UPDATED: ');
    expect(TEXT).toContain(`\`\`\`\n${printed}\`\`\`\n`);
  });

  it('the files are those of the table and have mode 0600', () => {
    const files = readdirSync(installation.path('/var/lib/dyndns'));
    expect(files).toContain('zones.db');
    for (const file of files) {
      expect([file, statSync(installation.path(`/var/lib/dyndns/${file}`)).mode & 0o777]).toEqual([file, 0o600]);
      const inTable = /^(zones|dyndns)\.db-lock/.test(file) || TEXT.includes(`\`${file}\``);
      expect([file, inTable]).toEqual([file, true]);
    }
  });

  it('the commands reach the running server through its socket', async () => {
    const printed = await run('admin');
    expect(printed).toContain('INFO: The update check passed: ');
    expect(printed).toContain(`listening on dns://127.0.0.1:${address.port}\n`);
    expect(printed).toMatch(/^home +IN A +203\.0\.113\.7$/m);
  });

  /** `systemctl reload`: what the unit has for it. */
  function systemctlReload(): Promise<FinishedProgram> {
    const unit = installation.relocate(readFileSync(`${REPOSITORY}/deploy/systemd/dyndns.service`, 'utf8'));
    const [, args = ''] = /^ExecReload=\/usr\/bin\/node (.*)$/m.exec(unit) ?? [];
    return runProgram(process.execPath, args.split(' '));
  }

  it('static records come with a reload, which fails where they are invalid', async () => {
    const before = readFileSync(installation.path('/etc/dyndns.yml'), 'utf8');
    edit(/^ {4}records: \|\n(?: {6}.*\n)*/m, '    records: |\n      www IN CNAME\n');
    const refused = await systemctlReload();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^ERROR: .*dyndns\.yml:\d+.*\nReload failed: /);
    installation.write('/etc/dyndns.yml', before);
    edit(/^ {4}records: \|\n(?: {6}.*\n)*/m, yaml('records'));
    expect(await systemctlReload()).toMatchObject({ code: 0, stdout: 'Configuration reloaded.\n' });
    await waitUntil('the reload', () => server.output().includes('Configuration reloaded.'));
    expect((await dig(address, [`www.${ZONE}`, 'A'])).short).toEqual([`${ZONE}.`, '192.0.2.10']);
    expect((await dig(address, [`home.${ZONE}`, 'A'])).short).toEqual(['203.0.113.7']);
  });

  it('a restart applies keys, data is preserved, and nsupdate has the permissions of its key', async () => {
    await run('keys');
    edit(/^(?= {4}records: \|$)/m, yaml('keys'));
    await server.stop();
    await start();
    await run('nsupdate');
    expect((await dig(address, [`printer.lab.${ZONE}`, 'A'])).short).toEqual(['192.0.2.77']);
    expect((await dig(address, [`home.${ZONE}`, 'A'])).short).toEqual(['203.0.113.7']);
  });

  describeWith([...PEBBLE_PROGRAMS, ...CERTBOT_PROGRAMS, ...LEGO_PROGRAMS], 'certificates', () => {
    let pebble: Pebble;
    beforeAll(async () => {
      pebble = await startPebble(address);
    });
    afterAll(() => pebble?.stop());

    /** A wrapper of this program that adds options for the test. */
    function shim(name: string, script: string): void {
      const file = installation.write(`/shims/${name}`, `#!/bin/sh -e\n${script}`);
      chmodSync(file, 0o755);
    }

    it('certbot gets one as the page shows it', { timeout: 60_000 }, async () => {
      const folders = ['config', 'work', 'logs'].map(
        (each) => `--${each}-dir ${installation.path('/var')}/certbot-${each}`,
      );
      shim(
        'certbot',
        `sed -i 's/^dns_rfc2136_port = 53$/dns_rfc2136_port = ${address.port}/' '${installation.path('/etc/dyndns/certbot.ini')}'
REQUESTS_CA_BUNDLE='${pebble.caFile}' exec ${findProgram('certbot')} "$@" --server ${pebble.directoryUrl} ${folders.join(' ')} \\
  --non-interactive --agree-tos --register-unsafely-without-email
`,
      );
      await run('certbot');
      expect(readdirSync(installation.path('/var/certbot-config/live'))).toContain(`home.${ZONE}`);
    });

    it('lego gets one as the page shows it', { timeout: 60_000 }, async () => {
      shim(
        'lego',
        `RFC2136_NAMESERVER=$(echo "$RFC2136_NAMESERVER" | sed 's/:53$/:${address.port}/')
export RFC2136_NAMESERVER LEGO_CA_CERTIFICATES='${pebble.caFile}' RFC2136_POLLING_INTERVAL=1 RFC2136_SEQUENCE_INTERVAL=1
exec ${findProgram('lego')} --server ${pebble.directoryUrl} --dns.resolvers 127.0.0.1:${address.port} --dns.disable-cp "$@"
`,
      );
      await run('lego');
      expect(readdirSync(installation.path('/var/lib/lego/certificates'))).toContain(`home.${ZONE}.crt`);
    });
  });
});

describeWith([{ command: 'nft', debianPackage: 'nftables' }], 'the page of the embedded nameserver', () => {
  it.skipIf(process.getuid?.() !== 0)('checks the redirect as it is installed', async () => {
    const directory = freshDirectory('embedded-redirect');
    try {
      expect(await makeInstallation({ directory, dnsPort: 53 }).runBlocks(PAGE, 'redirect')).toMatchObject({ code: 0 });
    } finally {
      removeNow(directory);
    }
  });
});

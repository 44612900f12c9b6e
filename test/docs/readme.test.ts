/**
 * README.md and docs/operating/remote-primary.md are typed as they are: `npm start` and what it prints, a domain of one's own, and a
 * real BIND with what `dyndns init` printed. Only paths below /var, ports and the owner of files are changed, and `dyndns` is the
 * program of this checkout.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasLockFile, namedCommand } from '../support/bind.ts';
import { runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory, type PrimaryServer, startPrimary, writeInto } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const REMOTE_PRIMARY = readFileSync(join(REPOSITORY, 'docs/operating/remote-primary.md'), 'utf8');
const ZONE = 'dyn.example.com';
const PROGRAM = 'node dist/cli/main.js ';

/** The output of the commands: the block without an info string that follows the block `sh WORD`. */
function printedAfter(word: string, page = README): string {
  const match = new RegExp(`^\`\`\`sh ${word}\\n[\\s\\S]*?^\`\`\`\\n\\n\`\`\`\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page);
  if (match === null) throw new Error(`The page shows no output of "${word}"`);
  return match[1]!;
}

/** The text that `init` printed for named.conf: the indented lines up to the next sentence. */
function namedSnippet(printed: string): string {
  const match = /^ {2}key [\s\S]*?^ {2}\};\n(?=\n)/m.exec(printed);
  if (match === null) throw new Error(`init printed nothing for named.conf:\n${printed}`);
  return match[0];
}

const CLIENTS = [
  { command: 'curl', debianPackage: 'curl' },
  { command: 'dig', debianPackage: 'bind9-dnsutils' },
];

describeWith(CLIENTS, 'README: ten seconds', () => {
  // npm runs a script in the folder of package.json, and so .dyndns is created there.
  const checkout = freshDirectory('readme-start');
  let server: RunningProcess | undefined;
  let env: NodeJS.ProcessEnv;
  let adapt: (text: string) => string;

  const start = async () => {
    server = await startProcess({
      command: 'npm',
      args: ['start'],
      cwd: checkout,
      env,
      readyTimeoutMs: 60_000,
      ready: (output) => output.includes('Ctrl-C ends the server'),
    });
    return server;
  };
  const type = (command: string) => runOrThrow('sh', ['-e', '-u', '-c', command], { cwd: checkout });

  beforeAll(async () => {
    const [httpPort, dnsPort] = [await freePort(), await freePort()];
    env = {
      ...process.env,
      DYNDNS_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
      DYNDNS_DNS_LISTEN: `127.0.0.1:${dnsPort}`,
    };
    adapt = (text) => text.replaceAll(':54321', `:${httpPort}`).replaceAll('-p 5354', `-p ${dnsPort}`);
    copyFileSync(join(REPOSITORY, 'package.json'), join(checkout, 'package.json'));
    symlinkSync(join(REPOSITORY, 'scripts'), join(checkout, 'scripts'));
  });
  afterAll(async () => {
    await server?.stop();
    removeNow(checkout);
  });

  it('npm start prints the commands that the README has, and they print what it shows', {
    timeout: 90_000,
  }, async () => {
    const { output } = await start();
    const commands = adapt(fencedBlocks(README, 'try').join('\n'));
    for (const command of commands.trim().split('\n')) expect(output()).toContain(`\n${command}\n`);
    expect(await type(commands)).toBe(printedAfter('try'));
  });

  it('Ctrl-C ends it, and after the next start the address is still there', { timeout: 90_000 }, async () => {
    server!.signal('SIGINT');
    expect(await server!.ended).toBe(0);
    await start();
    const [, query = ''] = adapt(fencedBlocks(README, 'try').join('\n')).split('\n');
    expect(query).toMatch(/^dig /);
    expect(await type(query)).toBe('192.0.2.1\n');
  });
});

describeWith(CLIENTS, 'README: a domain of your own', () => {
  const checkout = freshDirectory('readme-own');
  let server: RunningProcess | undefined;
  let ports: { http: number; dns: number };

  const type = (word: string) => {
    const script = fencedBlocks(README, word)
      .join('\n')
      .replaceAll(/^dyndns /gm, PROGRAM)
      .replaceAll('127.0.0.1:54321', `127.0.0.1:${ports.http}`)
      .replaceAll('dig @127.0.0.1', `dig -p ${ports.dns} @127.0.0.1`);
    return runOrThrow('sh', ['-e', '-u', '-c', script], { cwd: checkout });
  };

  beforeAll(async () => {
    ports = { http: await freePort(), dns: await freePort() };
    symlinkSync(join(REPOSITORY, 'dist'), join(checkout, 'dist'));
  });
  afterAll(async () => {
    await server?.stop();
    removeNow(checkout);
  });

  it('init prints two records for the parent, and the first update prints what the README shows', async () => {
    const printed = await type('own');
    expect(printed.split('\n').filter((line) => line.includes(' IN '))).toEqual([
      `  ${ZONE}. IN NS ns1.${ZONE}.`,
      `  ns1.${ZONE}. IN A 192.0.2.10`,
    ]);
    expect(printed).toContain('\n  node dist/cli/main.js --config .dyndns.yml serve\n');
    server = await startProcess({
      command: process.execPath,
      args: ['dist/cli/main.js', 'serve'],
      cwd: checkout,
      env: {
        ...process.env,
        DYNDNS_HTTP_LISTEN: `127.0.0.1:${ports.http}`,
        DYNDNS_DNS_LISTEN: `127.0.0.1:${ports.dns}`,
      },
      ready: (output) => output.includes('listening on http'),
    });
    expect(await type('use')).toBe(printedAfter('use'));
  });
});

describeWith([...BIND_PROGRAMS, { command: 'curl', debianPackage: 'curl' }], 'a remote primary: BIND', () => {
  let primary: PrimaryServer;
  let server: RunningProcess | undefined;
  let checkout: string;
  let httpPort: number;
  let initPrinted = '';

  const env = (dnsPort: number) => {
    return { ...process.env, DYNDNS_PORT: String(dnsPort), DYNDNS_HTTP_LISTEN: `127.0.0.1:${httpPort}` };
  };

  function type(word: string, dnsPort: number, page = REMOTE_PRIMARY): Promise<string> {
    const script = fencedBlocks(page, word)
      .join('\n')
      .replaceAll(/^dyndns /gm, PROGRAM)
      .replaceAll('/var/lib/bind/', `${checkout}/var/`)
      .replaceAll(/^chown .*$/gm, '')
      .replaceAll('127.0.0.1:54321', `127.0.0.1:${httpPort}`)
      .replaceAll('dig @127.0.0.1', `dig -p ${dnsPort} @127.0.0.1`);
    return runOrThrow('sh', ['-e', '-u', '-c', script], { cwd: checkout, env: env(dnsPort) });
  }

  beforeAll(async () => {
    httpPort = await freePort();
    primary = await startPrimary(
      {
        kind: 'bind',
        command: namedCommand,
        prepare: async (directory, port) => {
          checkout = directory;
          symlinkSync(join(REPOSITORY, 'dist'), join(directory, 'dist'));
          mkdirSync(join(directory, 'var'));
          initPrinted = await type('init', port);
          await type('zone', port);
          const lockFile = (await hasLockFile()) ? 'lock-file none;' : '';
          const options = `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; }; pid-file none; session-keyfile none; ${lockFile} recursion no; empty-zones-enable no;
  dnssec-validation no; notify no; };
controls { };
`;
          const snippet = namedSnippet(initPrinted).replaceAll('/var/lib/bind/', `${directory}/var/`);
          return ['-g', '-c', writeInto(directory, 'named.conf', options + snippet)];
        },
      },
      { zones: [{ name: ZONE }], keys: [] },
    );
  });
  afterAll(async () => {
    await server?.stop();
    await primary?.stop();
  });

  it('init says how to go on with commands that exist', () => {
    for (const command of ['check', 'serve']) {
      expect(initPrinted).toContain(`  node dist/cli/main.js --config .dyndns.yml ${command}\n`);
    }
  });

  it('the check passes and prints what the page shows', async () => {
    const printed = await type('check', primary.port);
    const blanked = printed
      .replace(checkout, '…')
      .replace(/-[0-9a-f]{12}\./, '-….')
      .replace(/'[0-9a-f]{8}'/, "'…'");
    expect(blanked).toBe(printedAfter('check', REMOTE_PRIMARY));
  });

  it('the first update prints what the README shows', async () => {
    server = await startProcess({
      command: process.execPath,
      args: ['dist/cli/main.js', 'serve'],
      cwd: checkout,
      env: env(primary.port),
      ready: (output) => output.includes('listening on '),
    });
    expect(await type('use', primary.port, README)).toBe(printedAfter('use'));
  });
});

it.skipIf(existsSync('/etc/dyndns.yml'))('serve without a configuration names commands that exist', async () => {
  const empty = freshDirectory('empty');
  try {
    const env = { ...process.env, dyndns_CONFIG_FILE: '' };
    const { code, stdout, stderr } = await runDyndns(['serve'], { cwd: empty, env });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^CONFIGURATION_ERROR: No configuration file was found: /);
    const commands = [...stderr.matchAll(/^ {2}(\S.*)$/gm)].map((match) => match[1]!);
    expect(commands.map((command) => command.split(' ').at(-1))).toEqual([
      'quickstart',
      'setup',
      'init',
      'check',
      'serve',
    ]);
    for (const command of commands) {
      await runOrThrow('sh', ['-c', `${command} --help`], { cwd: empty });
    }
  } finally {
    removeNow(empty);
  }
});

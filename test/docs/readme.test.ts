// README.md: its "five minutes" are typed as they stand, in a folder that holds dist/, with a real BIND that has what
// `dyndns init` printed. Only paths below /var, ports and the owner of files are changed.
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
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
const ZONE = 'dyn.example.com';

/** The block without a word behind its fence that follows a block `sh WORD`: what the commands print. */
function printedAfter(word: string): string {
  const match = new RegExp(`^\`\`\`sh ${word}\\n[\\s\\S]*?^\`\`\`\\n\\n\`\`\`\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(
    README,
  );
  if (match === null) throw new Error(`README.md shows no output of "${word}"`);
  return match[1]!;
}

/** What `init` printed for named.conf: the lines that are indented, up to the next sentence. */
function namedSnippet(printed: string): string {
  const match = /^ {2}key [\s\S]*?^ {2}\};\n(?=\n)/m.exec(printed);
  if (match === null) throw new Error(`init printed nothing for named.conf:\n${printed}`);
  return match[0];
}

describeWith([...BIND_PROGRAMS, { command: 'curl', debianPackage: 'curl' }], 'the five minutes of the README', () => {
  let primary: PrimaryServer;
  let server: RunningProcess | undefined;
  let checkout: string;
  let httpPort: number;
  let initPrinted = '';

  const env = (dnsPort: number) => {
    return { ...process.env, DYNDNS_PORT: String(dnsPort), DYNDNS_HTTP_LISTEN: `127.0.0.1:${httpPort}` };
  };

  function type(word: string, dnsPort: number): Promise<string> {
    const script = fencedBlocks(README, word)
      .join('\n')
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

  it('the check passes and prints what the README shows', async () => {
    const printed = await type('check', primary.port);
    const blanked = printed
      .replace(checkout, '…')
      .replace(/-[0-9a-f]{12}\./, '-….')
      .replace(/'[0-9a-f]{8}'/, "'…'");
    expect(blanked).toBe(printedAfter('check'));
  });

  it('the first update prints what the README shows', async () => {
    server = await startProcess({
      command: process.execPath,
      args: ['dist/cli/main.js', 'serve'],
      cwd: checkout,
      env: env(primary.port),
      ready: (output) => output.includes('listening on '),
    });
    expect(await type('use', primary.port)).toBe(printedAfter('use'));
  });
});

it.skipIf(existsSync('/etc/dyndns.yml'))('serve without a configuration names commands that exist', async () => {
  const empty = freshDirectory('empty');
  try {
    const env = { ...process.env, dyndns_CONFIG_FILE: '' };
    const { code, stdout, stderr } = await runDyndns(['serve'], { cwd: empty, env });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^CONFIGURATION_ERROR: No configuration file: /);
    const commands = [...stderr.matchAll(/^ {2}(\S.*)$/gm)].map((match) => match[1]!);
    expect(commands.map((command) => command.split(' ').at(-1))).toEqual(['quickstart', 'init', 'check', 'serve']);
    for (const command of commands) {
      await runOrThrow('sh', ['-c', `${command} --help`], { cwd: empty });
    }
  } finally {
    removeNow(empty);
  }
});

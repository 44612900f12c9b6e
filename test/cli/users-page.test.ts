/** docs/operating/users.md: its commands as they are, with a server, and over HTTP where the page has `--remote`. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { parseCsv } from '../../src/cli/csv.ts';
import { parseConfig } from '../../src/config/load.ts';
import { MAIN } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/operating/users.md'), 'utf8');
const ZONE = 'dyndns.example.com';
const block = (words: string) => new RegExp(`^\`\`\`${words}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1] ?? '';

async function open({ onTestFinished }: TestContext) {
  const server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', admin: { enabled: true } } });
  onTestFinished(() => server.stop());
  const directory = freshDirectory('users-page');
  onTestFinished(() => removeNow(directory));
  const script = (name: string, text: string) => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  // With --remote no configuration file is there.
  const program = `'${process.execPath}' '${MAIN}'`;
  script(
    'dyndns',
    `case "$*" in --remote*) exec ${program} "$@" ;; *) exec ${program} -c '${server.dyndns.configFile}' "$@" ;; esac`,
  );
  script('pass', `cat '${directory}/.dyndns-key'`);
  const url = `http://127.0.0.1:${server.dyndns.port}`;
  async function run(word: string): Promise<string> {
    const input = fencedBlocks(PAGE, word).join('\n').replaceAll('https://dyndns.example.com', url);
    const env = { ...process.env, HOME: directory, PATH: `${directory}:${process.env['PATH']}` };
    const { code, stdout, stderr } = await runProgram('sh', ['-e', '-u'], { input, env, cwd: directory });
    if (code !== 0) throw new Error(`"${word}": exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }
  return { run, directory, server };
}

it('the page works as it is written', { timeout: 180_000 }, async (context) => {
  const { run, directory, server } = await open(context);
  const users = await run('users');
  expect(users).toMatch(/^alice +admin +enabled/m);
  expect(users).toMatch(/^ {2}hosts {6}0 of 5$/m);
  expect(users).toMatch(/^ {2}hosts {6}0 of 10$/m);
  const signIn = await run('sign-in');
  expect(signIn).toMatch(new RegExp(`^http://127.0.0.1:${server.dyndns.port}/ui/#link=[\\w-]{43}$`, 'm'));
  expect(signIn).toMatch(/\/ui\/#invitation=[\w-]{43}$/m);
  expect(signIn).toMatch(/^[0-9a-f]{24} +member +carol +operator +/m);
  expect(signIn).toContain('The user is not signed in anywhere.');
  const keys = await run('keys');
  const [first = ''] = /^dyn_[a-z2-7]{32}$/m.exec(keys) ?? [];
  expect(keys).toMatch(/^laptop +valid .* after 90 days unused +never$/m);
  writeFileSync(join(directory, '.dyndns-key'), `${first}\n`, { mode: 0o600 });
  const owners = await run('owners');
  expect(owners).toMatch(new RegExp(`^home\\.${ZONE}\\. .* bob$`, 'm'));
  expect(owners).toMatch(/^bob-router .* bob$/m);
  const remote = await run('remote');
  expect(remote).toMatch(new RegExp(`^home\\.${ZONE}\\. .* bob$`, 'm'));
  expect(remote).toMatch(/^alice\n {2}role {7}admin$/m);
  expect(remote).toMatch(/^bob-router .* bob$/m);
  writeFileSync(join(directory, 'customers.csv'), block('csv customers'));
  expect(await run('batch')).toMatch(/^2 tokens were created\. The secrets are in secrets\.csv/);
  const secrets = readFileSync(join(directory, 'secrets.csv'), 'utf8');
  const withoutSecrets = parseCsv(secrets).map(({ cells }) => `${cells.slice(0, -1).join()}\n`);
  expect(withoutSecrets.join('')).toBe(block('csv customers'));
  expect(statSync(join(directory, 'secrets.csv')).mode & 0o777).toBe(0o600);
  expect(await run('leave')).toContain("The user 'bob' and the keys of the user were removed.");
  expect(server.dyndns.process.output()).not.toContain(first);
});

it.each(['yaml admin', 'yaml oidc', 'yaml proxy', 'yaml claim'])('the block "%s" is valid', (words) => {
  const zones = 'zones: [{name: example.com, tsig_key: dGVzdA==, nameserver: 127.0.0.1}]\n';
  const store = 'store: sqlite:x.db\ndns: {listen: ["127.0.0.1:0"]}\n';
  const text = words === 'yaml claim' ? `${store}admin: {enabled: true}\n${block(words)}` : `${zones}${block(words)}`;
  const { config } = parseConfig(text, 'x.yml', {});
  expect(config.zones).toHaveLength(1);
});

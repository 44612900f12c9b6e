// `dyndns quickstart` as a newcomer uses it: started in an empty folder, its printed commands pasted into a shell, stopped
// and started again. Only the ports are not those of the file: others may be using them.
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

let directory: string;
let env: NodeJS.ProcessEnv;
let running: RunningProcess | undefined;
beforeEach(async () => {
  directory = freshDirectory('quickstart');
  env = {
    PATH: process.env['PATH'],
    DYNDNS_HTTP_LISTEN: `127.0.0.1:${await freePort()}`,
    DYNDNS_DNS_LISTEN: `127.0.0.1:${await freePort()}`,
  };
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  removeNow(directory);
});

const fileOf = (name: string) => join(directory, '.dyndns', name);
const mode = (file: string) => statSync(file).mode & 0o777;
const secretOf = (text: string) => /^secret: '([0-9a-f]{32})'$/m.exec(text)?.[1] ?? 'no secret';

async function start(...args: readonly string[]): Promise<RunningProcess> {
  running = await startProcess({
    command: process.execPath,
    args: [MAIN, 'quickstart', ...args],
    cwd: directory,
    env,
    ready: (output) => output.includes('Ctrl-C ends the server'),
  });
  return running;
}

/** The lines that a newcomer pastes, by their first word. */
function printedCommands({ output }: RunningProcess): { curl: string; dig: string; config: string } {
  const lines = output().split('\n');
  const find = (pattern: RegExp) => lines.find((line) => pattern.test(line)) ?? `nothing printed: ${pattern}`;
  return { curl: find(/^curl -s /), dig: find(/^dig /), config: find(/^(node \S*main\.js|dyndns) config /) };
}

const paste = (command: string) => runOrThrow('sh', ['-c', command], { cwd: directory, env });

describeWith(
  [
    { command: 'curl', debianPackage: 'curl' },
    { command: 'dig', debianPackage: 'bind9-dnsutils' },
  ],
  'quickstart',
  () => {
    it('in an empty folder prints commands that publish an address, show it by DNS, and show the configuration', async () => {
      const commands = printedCommands(await start());
      expect(await paste(commands.curl)).toBe(
        'UPDATED: home.dyn.home.arpa. A None -> 192.0.2.1\nUNCHANGED: home.dyn.home.arpa. AAAA None\n',
      );
      expect(await paste(commands.dig)).toBe('192.0.2.1\n');
      const config = await paste(commands.config);
      expect(config).toContain('name: dyn.home.arpa.');
      expect(config).toContain('nameserver: embedded');
    });

    it('run again goes on with what is there', async () => {
      const first = await start();
      await paste(printedCommands(first).curl);
      const written = readFileSync(fileOf('dyndns.yml'), 'utf8');
      await first.stop();
      const { curl, dig } = printedCommands(await start());
      expect(await paste(dig)).toBe('192.0.2.1\n');
      expect(await paste(curl)).toMatch(/^UNCHANGED: .*\nUNCHANGED: .*\n$/);
      expect(readFileSync(fileOf('dyndns.yml'), 'utf8')).toBe(written);
    });

    it('prints commands without colours, and the secret neither in them nor elsewhere', async () => {
      const { output } = await start();
      const secret = secretOf(readFileSync(fileOf('dyndns.yml'), 'utf8'));
      expect(secret).toMatch(/^[0-9a-f]{32}$/);
      expect(output()).not.toContain(secret);
      expect(output()).not.toContain('\u001b');
    });

    it('in a folder whose name needs quotes prints commands that work', async () => {
      const { curl, config } = printedCommands(await start('--dir', "it's mine"));
      expect(await paste(curl)).toMatch(/^UPDATED: /);
      expect(await paste(config)).toContain('dyn.home.arpa.');
    });

    it('takes a secret that was changed in the file', async () => {
      await (await start()).stop();
      const text = readFileSync(fileOf('dyndns.yml'), 'utf8');
      writeFileSync(fileOf('dyndns.yml'), text.replace(secretOf(text), 'another0secret'));
      expect(await paste(printedCommands(await start()).curl)).toMatch(/^UPDATED: /);
    });
  },
);

describe('the dashboard of quickstart', () => {
  const linkOf = ({ output }: RunningProcess) => /http:\S+\/ui\/#invitation=(\S+)/.exec(output())?.[1];
  const port = () => Number(env['DYNDNS_HTTP_LISTEN']!.split(':')[1]);
  const headers = () => ({ Origin: `http://127.0.0.1:${port()}`, 'Sec-Fetch-Site': 'same-origin' });
  const accept = (link: string | undefined) =>
    ask({ port: port() }, '/v1/invitations:accept', {
      method: 'POST',
      headers: headers(),
      body: JSON.stringify({ link, name: 'alice', password: 'a password for tests' }),
    });

  it('until there is a user, each start prints another link of the first administrator', async () => {
    const first = linkOf(await start());
    expect(first).toMatch(/^[\w-]{43}$/);
    await running?.stop();
    const second = linkOf(await start());
    expect(second).not.toBe(first);
    expect((await accept(first)).status).toBe(401);
    const accepted = await accept(second);
    expect([accepted.status, JSON.parse(accepted.body)]).toMatchObject([
      200,
      { user: { name: 'alice', role: 'admin' } },
    ]);
    await running?.stop();
    expect(linkOf(await start())).toBeUndefined();
  });

  it('a folder of an earlier quickstart, without it, works as before and is not changed', async () => {
    await (await start()).stop();
    const text = readFileSync(fileOf('dyndns.yml'), 'utf8').replace('admin:\n  enabled: true\n', '');
    expect(text).not.toContain('admin');
    writeFileSync(fileOf('dyndns.yml'), text);
    const again = await start();
    expect(linkOf(again)).toBeUndefined();
    expect((await ask({ port: port() }, '/ui/')).status).toBe(404);
    expect(again.output()).toContain('/update-by-query');
    expect(readFileSync(fileOf('dyndns.yml'), 'utf8')).toBe(text);
  });
});

describe('quickstart', () => {
  it('makes a folder that only its owner can enter, with the ports of the documents', async () => {
    await start();
    expect(mode(join(directory, '.dyndns'))).toBe(0o700);
    for (const name of readdirSync(join(directory, '.dyndns')))
      expect([name, mode(fileOf(name)) & 0o077]).toEqual([name, 0]);
    const { config } = parseConfig(readFileSync(fileOf('dyndns.yml'), 'utf8'), fileOf('dyndns.yml'), {});
    expect(config.warnings).toEqual([]);
    expect(config.http.listen).toMatchObject([{ host: '127.0.0.1', port: 54321 }]);
    expect(config.dns?.listen).toEqual([{ host: '127.0.0.1', port: 5354 }]);
    expect(config.check).toBe('authenticated');
    expect(config.dns?.database).toBe(fileOf('zones.db'));
  });

  it('ends with 0 within half a second of SIGTERM when nothing is under way', async () => {
    const server = await start();
    const begun = performance.now();
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(performance.now() - begun).toBeLessThan(500);
  });

  it('ends with 0 when the same signal arrives twice, as Ctrl-C does below npm', async () => {
    const server = await start();
    server.signal('SIGINT');
    server.signal('SIGINT');
    expect(await server.ended).toBe(0);
  });

  it.each([
    ['DYNDNS_HTTP_LISTEN', 'http.listen'],
    ['DYNDNS_DNS_LISTEN', 'dns.listen'],
  ])('on a port that is taken (%s) names the port, the option and the file', async (variable, option) => {
    const port = await freePort();
    const taken = await listen(port);
    try {
      const { code, stderr } = await runDyndns(['quickstart'], {
        cwd: directory,
        env: { ...env, [variable]: `127.0.0.1:${port}` },
      });
      expect(code).toBe(1);
      expect(stderr).toContain(String(port));
      expect(stderr).toContain(option);
      expect(stderr).toContain('.dyndns/dyndns.yml');
      expect(stderr).not.toContain('    at ');
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  it('refuses --config, and a folder that cannot be created, with 2 and a reason', async () => {
    const withConfig = await runDyndns(['-c', 'x.yml', 'quickstart'], { cwd: directory, env });
    expect([withConfig.code, withConfig.stderr]).toEqual([
      2,
      'dyndns: quickstart writes its own configuration. Use `serve` with --config.\n',
    ]);
    writeFileSync(join(directory, 'file'), '');
    const blocked = await runDyndns(['quickstart', '--dir', 'file/below'], { cwd: directory, env });
    expect(blocked.code).toBe(2);
    expect(blocked.stderr).toMatch(/^dyndns: The folder \S+file\/below cannot be created \(ENOTDIR\)\. .*--dir/);
    expect(existsSync(join(directory, '.dyndns'))).toBe(false);
  });

  it('with a file that is wrong says what is wrong in it, and leaves it', async () => {
    await (await start()).stop();
    writeFileSync(fileOf('dyndns.yml'), 'zoness: []\n');
    chmodSync(fileOf('dyndns.yml'), 0o600);
    const { code, stderr } = await runDyndns(['quickstart'], { cwd: directory, env });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^CONFIGURATION_ERROR: .*dyndns\.yml:1:1: unknown key 'zoness'; the nearest known key is 'zones'/,
    );
    expect(readFileSync(fileOf('dyndns.yml'), 'utf8')).toBe('zoness: []\n');
  });
});

it('npm start is the same, and ends it with 0 on SIGTERM to npm alone', async () => {
  running = await startProcess({
    command: 'npm',
    args: ['start', '--', 'quickstart', '--dir', join(directory, '.dyndns')],
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    ready: (output) => output.includes('Ctrl-C ends the server'),
  });
  const [, port] = /^dig @127\.0\.0\.1 -p (\d+)/m.exec(running.output()) ?? [];
  running.signal('SIGTERM');
  expect(await running.ended).toBe(0);
  // Nobody is left behind that holds the port.
  const free = await listen(Number(port));
  await new Promise((resolve) => free.close(resolve));
});

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

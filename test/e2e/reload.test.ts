// Reload as an operator does it: `dyndns reload` and SIGHUP on real processes. Secrets that only one file has, and dig, show
// which configuration is in force.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type RunningDyndns, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const FAILED = 'Reload failed: the old configuration stays in force.\n';
const ZONES = ['one.example.com', 'two.example.com'] as const;

describeWith([{ command: 'dig', debianPackage: 'bind9-dnsutils' }], 'dyndns reload', () => {
  const servers: RunningDyndns[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  /** A configuration with two embedded zones, each with one static record. */
  const configuration = (dnsPort: number, secret: string, statics: readonly string[] = ['w A 192.0.2.1', '']) => ({
    secret,
    log_level: 0,
    limits: { refused_per_minute_per_source: 0 },
    store: 'sqlite:dyndns.db',
    dns: { listen: [`127.0.0.1:${dnsPort}`] },
    zones: ZONES.map((name, index) => ({
      name,
      nameserver: 'embedded',
      ns: [`ns1.${name}`],
      records: `ns1 A 127.0.0.1\n${statics[index]}`,
    })),
  });

  async function start() {
    const dnsPort = await freePort();
    const config = (secret: string, statics?: readonly string[]) => configuration(dnsPort, secret, statics);
    const server = await startDyndns(config('FirstSecret1'));
    servers.push(server);
    const http = { listen: ['127.0.0.1:0'] };
    return {
      server,
      config,
      /** In one step: no reload may read half of it. */
      write: (content: object | string) => {
        const next = `${server.configFile}.next`;
        writeFileSync(next, typeof content === 'string' ? content : JSON.stringify({ http, ...content }));
        renameSync(next, server.configFile);
      },
      reload: () => runDyndns(['--config', server.configFile, 'reload'], { cwd: server.directory }),
      status: async (secret: string) =>
        (await server.ask(`/update-by-path/${secret}/host.${ZONES[0]}/192.0.2.1`)).status,
      addresses: async (name: string) => (await dig({ host: '127.0.0.1', port: dnsPort }, [name, 'A'])).short,
    };
  }

  it('has the new file in force when it ends, and says so once in the log', async () => {
    const { server, config, write, reload, status, addresses } = await start();
    write(config('SecondSecret2', ['w A 192.0.2.2', 'w A 192.0.2.3']));
    expect(await reload()).toEqual({ code: 0, stdout: 'Configuration reloaded.\n', stderr: expect.any(String) });
    expect(await status('FirstSecret1')).toBe(456);
    expect(await status('SecondSecret2')).toBe(200);
    expect([await addresses(`w.${ZONES[0]}`), await addresses(`w.${ZONES[1]}`)]).toEqual([
      ['192.0.2.2'],
      ['192.0.2.3'],
    ]);
    await waitUntil('the log', () => server.log().some(({ msg }) => msg === 'Configuration reloaded.'));
    expect(server.log().filter(({ msg }) => msg === 'Configuration reloaded.')).toHaveLength(1);
  });

  it('warns of each option whose change needs a restart, until the file has the old value again', async () => {
    const { config, write, reload, status } = await start();
    const changed = {
      ...config('SecondSecret2'),
      http: { listen: ['127.0.0.1:1'], lenient: true, socket_mode: '600' },
      metrics: { listen: '127.0.0.1:2' },
      control: 'unix:control.sock',
      dns: { listen: ['127.0.0.1:3'], database: 'other.db' },
    };
    write({ ...changed, control: 'unix:other.sock' });
    const needsRestart = (option: string) =>
      `WARNING: Changing '${option}' needs a restart. Until then the old value stays in force.\n`;
    // The command finds no server at the new socket.
    expect(await reload()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('other.sock') });
    write(changed);
    for (let time = 1; time <= 2; time++) {
      const { code, stderr } = await reload();
      expect(code, stderr).toBe(0);
      for (const option of [
        'http.listen',
        'http.lenient',
        'http.socket_mode',
        'metrics.listen',
        'dns.listen',
        'dns.database',
      ])
        expect(stderr).toContain(needsRestart(option));
      expect(stderr).not.toContain(needsRestart('store'));
      expect(await status('SecondSecret2')).toBe(200);
    }
    write(config('SecondSecret2'));
    expect((await reload()).stderr).not.toContain('needs a restart');
  });

  it.each([
    ['an unknown option', 'sekret: x\n', /dyndns\.yml:2:1: unknown key 'sekret'/],
    ['a value that is not allowed', 'unspecified_family: sometimes\n', /dyndns\.yml:2:21: unspecified_family: /],
  ])('refuses a file with %s: exit code 2, its line, and the old one in force', async (_what, line, problem) => {
    const { server, config, write, reload, status } = await start();
    const options = Object.entries(config('SecondSecret2')).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    write(`---\n${line}${options.join('')}`);
    const { code, stdout, stderr } = await reload();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(problem);
    expect(stderr.endsWith(FAILED)).toBe(true);
    expect(await status('SecondSecret2')).toBe(456);
    expect(await status('FirstSecret1')).toBe(200);
    await waitUntil('the log', () => server.log().some(({ msg }) => msg === FAILED.trimEnd()));
    expect(server.log().map(({ msg }) => msg)).not.toContain('Configuration reloaded.');
  });

  it('refuses a file that is not valid YAML; without its control socket the server is not contacted', async () => {
    const { write, reload, status } = await start();
    write('zones: [');
    const { code, stderr } = await reload();
    expect(code).toBe(2);
    expect(stderr).toMatch(/dyndns\.yml:\d+:\d+/);
    expect(stderr.endsWith(FAILED)).toBe(true);
    expect(await status('FirstSecret1')).toBe(200);
  });

  it('leaves every zone as it was where the static records of one cannot be applied', async () => {
    const { server, config, write, reload, status, addresses } = await start();
    await server.ask(`/update-by-path/FirstSecret1/host.${ZONES[1]}/192.0.2.9`);
    write(config('SecondSecret2', ['w A 192.0.2.77', 'host A 192.0.2.78']));
    const { code, stderr } = await reload();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^ERROR: The static A RRset of 'host\.two\.example\.com\.' conflicts with dynamic data/);
    expect(await status('SecondSecret2')).toBe(456);
    expect([await addresses(`w.${ZONES[0]}`), await addresses(`host.${ZONES[1]}`)]).toEqual([
      ['192.0.2.1'],
      ['192.0.2.9'],
    ]);
  });

  it('several at the same time: each ends with the outcome of a reload that began after it', async () => {
    const { config, write, reload, status } = await start();
    const running: ReturnType<typeof reload>[] = [];
    for (let number = 1; number <= 6; number++) {
      write(config(`SecretNumber${number}`, [`w A 192.0.2.${number}`, '']));
      running.push(reload());
    }
    for (const { code, stdout, stderr } of await Promise.all(running)) {
      expect([code, stdout], stderr).toEqual([0, 'Configuration reloaded.\n']);
    }
    expect(await status('SecretNumber6')).toBe(200);
    expect(await status('SecretNumber5')).toBe(456);
  });

  it('without a running server or a control socket ends with 2 and says what to set', async () => {
    const directory = freshDirectory('reload');
    const file = join(directory, 'dyndns.yml');
    const zones = [{ name: 'dyn.example.com', nameserver: '127.0.0.1', tsig_key: 'tPyvZA==' }];
    try {
      writeFileSync(file, JSON.stringify({ secret: 'SomeSecret1', control: 'unix:control.sock', zones }));
      const alone = await runDyndns(['--config', file, 'reload']);
      expect(alone).toMatchObject({ code: 2, stdout: '' });
      expect(alone.stderr).toBe(
        `dyndns: No dyndns is running: no server answers at '${join(directory, 'control.sock')}'.\n`,
      );
      expect(await runDyndns(['--config', file, 'reload', 'now'])).toMatchObject({ code: 2, stdout: '' });
      writeFileSync(file, JSON.stringify({ secret: 'SomeSecret1', zones }));
      const unnamed = await runDyndns(['--config', file, 'reload'], { env: { ...process.env, RUNTIME_DIRECTORY: '' } });
      expect(unnamed).toMatchObject({ code: 2, stdout: '' });
      expect(unnamed.stderr).toMatch(/control/);
    } finally {
      removeNow(directory);
    }
  });
});

describe.runIf(process.platform === 'linux')('SIGHUP', () => {
  it('ends any other command as usual', async () => {
    const node = JSON.stringify(process.execPath);
    const script = `${node} dist/cli/main.js token list & sleep 0.15; kill -HUP $!; wait $!; echo $?`;
    const { stdout } = await runProgram('sh', ['-c', script], { cwd: REPOSITORY });
    expect(stdout.trim().split('\n').at(-1)).toBe('129');
  });
});

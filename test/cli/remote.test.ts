/**
 * `dyndns --remote URL --key-file FILE`: the built program against the HTTP API of a real server, over TLS with a certificate
 * that is verified, and over plain HTTP on loopback. No configuration file is there.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands/all.ts';
import { type Commands, commandsOf } from '../support/commands.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { makeCertificateOf } from '../support/own-certificate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;

describe('--remote', { timeout: 120_000 }, () => {
  let server: EmbeddedServer;
  let local: Commands;
  let directory: string;
  let url: string;
  let env: NodeJS.ProcessEnv;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    directory = freshDirectory('remote');
    const { key, chain } = await makeCertificateOf(['localhost'], 1, 30);
    writeFileSync(join(directory, 'chain.pem'), chain);
    writeFileSync(join(directory, 'key.pem'), key, { mode: 0o600 });
    const tls = { certificate: join(directory, 'chain.pem'), key: join(directory, 'key.pem') };
    const http = { listen: ['https://127.0.0.1:0'], tls };
    server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', admin: { enabled: true }, http } });
    local = commandsOf(server.dyndns.configFile);
    url = `https://localhost:${server.dyndns.port}`;
    env = { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: join(directory, 'chain.pem') };
    for (const [name, ...more] of [['alice', '--admin'], ['bob']] as const) {
      await local.run('user', 'create', name, ...more);
      const { secret } = await local.json('user', 'key', name, '--name', 'laptop');
      keys[name] = secret;
      writeFileSync(join(directory, name), `${secret}\n`, { mode: 0o600 });
    }
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    removeNow(directory);
  });

  interface Run {
    readonly who?: string;
    readonly at?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly input?: string;
  }
  const start = (args: readonly string[], { who = 'alice', at = url, ...more }: Run = {}) =>
    runDyndns(['--remote', at, '--key-file', who === '-' ? '-' : join(directory, who), ...args], {
      cwd: directory,
      ...(more.input !== undefined && { input: more.input }),
      env: { ...env, ...more.env },
    });
  async function run(args: readonly string[], options?: Run): Promise<string> {
    const { code, stdout, stderr } = await start(args, options);
    expect([args, code, stderr]).toEqual([args, 0, '']);
    return stdout;
  }
  async function fail(args: readonly string[], options?: Run): Promise<readonly [number, string]> {
    const { code, stdout, stderr } = await start(args, options);
    expect(`${stdout}${stderr}`).not.toMatch(/dyn_[a-z2-7]/);
    return [code, stderr];
  }

  it('what an admin does there is what the operator sees here', async () => {
    expect(await run(['status'])).toContain(`${ZONE}.  serial `);
    expect(await run(['host', 'add', HOME, '--ttl', '60', '--owner', 'bob'])).toContain('were stored');
    const text = await run(['token', 'create', 'router', '--host', HOME, '--owner', 'bob', '--for', 'fritzbox']);
    expect(text).toContain(`  Update URL   ${url}/nic/update?hostname=<domain>`);
    expect(await run(['update', HOME, '192.0.2.1'])).toContain(`UPDATED: ${HOME}. A None -> 192.0.2.1`);
    expect(await run(['history', HOME])).toMatch(/A none -> 192\.0\.2\.1 {2}by alice/);
    expect(await run(['history', '--all', '--outcome', 'changed'])).toContain('by alice');
    expect(JSON.parse(await run(['host', 'show', HOME, '--json']))).toMatchObject({ owner: 'bob', ttl: 60 });
    expect(await local.run('host', 'show', HOME)).toMatch(/^ {2}owner {6}bob$/m);
    expect(await local.run('token', 'list', '--owner', 'bob')).toMatch(/^router .* bob$/m);
    expect(await run(['zone', 'list'])).toContain(ZONE);
    expect(await run(['zone', 'export', ZONE])).toMatch(/^home +(?:60 +)?IN +A +192\.0\.2\.1$/m);
    expect(await run(['check'])).toContain('INFO: The update check passed');
    expect(await run(['reload'])).toBe('Configuration reloaded.\n');
    expect(await run(['token', 'revoke', 'router'])).toContain('was revoked');
    expect(await run(['delete', HOME])).toContain('were deleted');
  });

  it('a zone file goes there, and comes back', async () => {
    writeFileSync(join(directory, 'zone.txt'), 'www 300 IN A 192.0.2.80\n');
    expect(await run(['zone', 'import', ZONE, 'zone.txt'])).toContain('1 added');
    expect(await run(['zone', 'export', ZONE])).toMatch(/^www +(?:300 +)?IN +A +192\.0\.2\.80$/m);
    writeFileSync(join(directory, 'wrong.txt'), 'www 300 IN A 192.0.2.800\n');
    expect(await fail(['zone', 'import', ZONE, 'wrong.txt'])).toEqual([1, expect.stringContaining('wrong.txt:1')]);
  });

  it('a member sees and does what a member may, and manages own keys', async () => {
    const who = 'bob';
    expect(await run(['host', 'list'], { who })).toMatch(new RegExp(`^${HOME}\\. .* bob$`, 'm'));
    expect(await run(['user', 'show'], { who })).toMatch(/^bob\n {2}role {7}member$/m);
    expect(await run(['update', HOME, '192.0.2.2'], { who })).toContain('UPDATED');
    expect(await run(['user', 'key', '--name', 'phone'], { who })).toMatch(/^dyn_[a-z2-7]{32}$/m);
    expect(await run(['user', 'keys'], { who })).toMatch(/^laptop +valid .*\nphone +valid /m);
    expect(await run(['user', 'revoke-key', '--name', 'phone'], { who })).toBe("The key 'phone' was revoked.\n");
    for (const args of [['status'], ['user', 'list'], ['zone', 'list'], ['reload'], ['check']]) {
      const [code, text] = await fail(args, { who });
      expect([args, code !== 0, text]).toEqual([args, true, expect.stringMatching(/admin/)]);
    }
    const unknown = await fail(['host', 'show', `other.${ZONE}`], { who });
    expect(unknown).toEqual([1, expect.stringContaining(`other.${ZONE}`)]);
    await local.run('host', 'add', `secret.${ZONE}`);
    const foreign = await fail(['host', 'show', `secret.${ZONE}`], { who });
    expect(foreign).toEqual([1, unknown[1].replaceAll('other', 'secret')]);
  });

  it('the last admin stays one: only the operator may end that', async () => {
    expect(await fail(['user', 'change', 'alice', '--member'])).toEqual([1, expect.stringMatching(/admin/)]);
    expect(await fail(['user', 'disable', 'alice'])).toEqual([1, expect.stringMatching(/admin/)]);
    expect(await run(['user', 'show'])).toMatch(/^alice\n {2}role {7}admin\n {2}state {6}enabled$/m);
  });

  it('errors are those of the control socket', async () => {
    for (const args of [
      ['token', 'revoke', 'nobody'],
      ['host', 'add', 'home.example.org'],
      ['token', 'create', 'x', '--host', HOME, '--type', 'NS'],
      ['token', 'create', 'x', '--host', HOME, '--expires', '2026-02-30'],
      ['history', 'not_a..name'],
      ['user', 'show', 'nobody'],
      ['update', 'home.example.org', '192.0.2.1'],
      ['update', HOME, 'nonsense'],
      ['zone', 'export', 'example.org'],
    ]) {
      expect([args, await fail(args)]).toEqual([args, await local.fail(...args)]);
    }
  });

  it('the environment names server and key; an option takes precedence', async () => {
    const named = { ...env, DYNDNS_REMOTE: url, DYNDNS_KEY_FILE: join(directory, 'alice') };
    const options = { cwd: directory, env: named };
    expect((await runDyndns(['status'], options)).stdout).toContain(`${ZONE}.  serial `);
    const other = await runDyndns(['--key-file', join(directory, 'bob'), 'status'], options);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('admin')]);
    const here = await runDyndns(['-c', server.dyndns.configFile, 'status'], options);
    expect([here.code, here.stderr]).toEqual([0, '']);
    const served = await runDyndns(['config', '--check'], options);
    expect([served.code, served.stderr]).toEqual([2, expect.stringContaining('Unset DYNDNS_REMOTE')]);
  });

  it('the key may come from the standard input, and is in no list of processes', async () => {
    expect(await run(['user', 'show'], { who: '-', input: `${keys['alice']}\n` })).toMatch(/^alice$/m);
    const both = await fail(['token', 'create', '--batch', '-', '--format', 'csv'], { who: '-', input: 'x' });
    expect(both).toEqual([2, expect.stringContaining('cannot both read the standard input')]);
    const zone = await fail(['zone', 'import', ZONE, '-'], { who: '-', input: 'x' });
    expect(zone).toEqual([2, expect.stringContaining('cannot both come from the standard input')]);
    const list = run(['check']);
    const seen = new Set<string>();
    for (let settled = false; !settled; ) {
      for (const line of commandLines()) seen.add(line);
      settled = await Promise.race([list.then(() => true), new Promise<false>((done) => setImmediate(done, false))]);
    }
    expect([...seen].some((line) => line.includes('--key-file'))).toBe(true);
    expect([...seen].join('\n')).not.toContain(keys['alice']);
  });

  it('a key file that others can read is a warning', async () => {
    chmodSync(join(directory, 'alice'), 0o644);
    const { code, stderr } = await start(['user', 'show']);
    chmodSync(join(directory, 'alice'), 0o600);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^WARNING: The file \S+ has a management key and every user/),
    ]);
  });

  it('a wrong, a revoked and an unreadable key', async () => {
    writeFileSync(join(directory, 'wrong'), `dyn_${'z'.repeat(32)}`, { mode: 0o600 });
    writeFileSync(join(directory, 'token'), 'abcdefghijklmnopqrstuvwxyz234567', { mode: 0o600 });
    writeFileSync(join(directory, 'long'), 'x'.repeat(100_000), { mode: 0o600 });
    expect(await fail(['status'], { who: 'wrong' })).toEqual([
      1,
      expect.stringMatching(/^ERROR: The management key is wrong/),
    ]);
    for (const who of ['token', 'long']) {
      const [code, text] = await fail(['status'], { who });
      expect([code, text]).toEqual([2, expect.stringContaining('does not have a management key')]);
      expect(text).not.toMatch(/abcdef|xxx/);
    }
    expect(await fail(['status'], { who: 'none' })).toEqual([2, expect.stringContaining('cannot be read (ENOENT)')]);
    expect(await fail(['status'], { who: '.' })).toEqual([2, expect.stringContaining('cannot be read (EISDIR)')]);
    const { secret } = await local.json('user', 'key', 'alice', '--name', 'gone');
    writeFileSync(join(directory, 'gone'), secret, { mode: 0o600 });
    await run(['user', 'show'], { who: 'gone' });
    await local.run('user', 'revoke-key', 'alice', '--name', 'gone');
    expect(await fail(['status'], { who: 'gone' })).toEqual([1, expect.stringContaining('key is wrong')]);
  });

  it('the certificate is verified, also where Node.js is set not to', async () => {
    const untrusting = { NODE_EXTRA_CA_CERTS: undefined };
    const untrusted = await fail(['status'], { env: untrusting });
    expect(untrusted).toEqual([
      1,
      expect.stringMatching(/certificate of .* is not valid \(\w+\).*NODE_EXTRA_CA_CERTS/),
    ]);
    const { code, stderr } = await start(['status'], { env: { ...untrusting, NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not valid')]);
    const byAddress = await fail(['status'], { at: `https://127.0.0.1:${server.dyndns.port}` });
    expect(byAddress).toEqual([1, expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID')]);
  });

  it('a key does not go to another machine in clear text', async () => {
    for (const at of ['http://192.0.2.1:8080', 'http://dyndns.example.com', 'http://[2001:db8::1]']) {
      expect(await fail(['status'], { at })).toEqual([2, expect.stringContaining('--insecure-http')]);
    }
    const allowed = await fail(['--insecure-http', 'status'], { at: 'http://nowhere.invalid' });
    expect(allowed).toEqual([
      1,
      expect.stringMatching(/^ERROR: The name of http:\/\/nowhere\.invalid cannot be resolved/),
    ]);
    expect(await fail(['status'], { at: `http://localhost:${server.dyndns.port}` })).toEqual([1, expect.any(String)]);
  });

  it.each(['serve', 'init', 'setup', 'quickstart', 'backup', 'restore', 'config', 'health'])(
    '%s is for this machine',
    async (name) => {
      const file = name === 'backup' || name === 'restore' ? ['x.db'] : [];
      const [code, text] = await fail([name, ...file]);
      expect([code, text]).toEqual([
        2,
        `dyndns: 'dyndns ${name}' works on the machine of the server. Leave out --remote, and run it there.\n`,
      ]);
      expect(COMMAND_NAMES).toContain(name);
    },
  );

  it.each([
    [['--remote', 'dyndns.example.com', '--key-file', 'alice', 'status'], '--remote: the URL must be like https://'],
    [['--remote', 'https://a:b@example.com', '--key-file', 'alice', 'status'], '--remote: the URL must be like'],
    [['--remote', 'https://example.com', 'status'], '--remote needs --key-file FILE'],
    [['--key-file', 'alice', 'status'], '--key-file is for --remote'],
    [['--insecure-http', 'status'], '--insecure-http is for --remote'],
    [['-c', 'x.yml', '--remote', 'https://example.com', '--key-file', 'alice', 'status'], 'exclude each other'],
    [['user', 'key', '--name', 'x'], 'The name of the user is missing'],
    [['user', 'show'], 'The name of the user is missing'],
  ])('%j is wrong usage', async (args, text) => {
    const { code, stderr } = await runDyndns(args, { cwd: directory, env });
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it('the log has no key', () => {
    expect(server.dyndns.process.output()).not.toMatch(/dyn_[a-z2-7]{8}/);
  });
});

/** The command lines of all processes. */
function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((id) => {
    if (!/^\d+$/.test(id)) return [];
    try {
      return [readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ')];
    } catch {
      return []; // It has ended.
    }
  });
}

// `dyndns token` with the built program: with a running server, whose answers over HTTP show that a token counts at once;
// without one; and on a PostgreSQL that a server uses meanwhile.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Commands, commandsOf } from '../support/commands.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { expectEndWithinOneSecond } from '../support/timing.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;
const FILED = {
  name: 'filed',
  sha256: createHash('sha256').update('filed-secret').digest('hex'),
  hosts: [`*.${ZONE}`],
};

async function update(server: RunningDyndns, secret: string, host = HOME): Promise<number> {
  const { status } = await server.ask(`/update-by-query?fqdn=${host}&ipv4=192.0.2.1`, {
    headers: { Authorization: `Bearer ${secret}` },
  });
  return status;
}

describe('token and a running server', () => {
  let server: EmbeddedServer;
  let commands: Commands;
  beforeAll(async () => {
    server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', tokens: [FILED] } });
    commands = commandsOf(server.dyndns.configFile);
  });
  afterAll(() => server?.stop());

  it('a new one works at once for its names, a rotated one with its new secret, a revoked one no more', async () => {
    const { secret, sha256, token } = await commands.json('token', 'create', 'router1', '--host', HOME);
    expect(sha256).toBe(createHash('sha256').update(secret).digest('hex'));
    expect(token).toMatchObject({ name: 'router1', hosts: [`${HOME}.`], types: ['A', 'AAAA'], addresses: 'any' });
    expect(await update(server.dyndns, secret)).toBe(200);
    expect(await update(server.dyndns, secret, `other.${ZONE}`)).toBe(453);
    const rotated = await commands.json('token', 'rotate', 'router1');
    expect([await update(server.dyndns, secret), await update(server.dyndns, rotated.secret)]).toEqual([456, 200]);
    expect(await commands.run('token', 'revoke', 'router1')).toBe("The token 'router1' was revoked.\n");
    expect(await update(server.dyndns, rotated.secret)).toBe(456);
  });

  it('one for a user of FreeDNS is known by the hash of both, and its password alone opens nothing', async () => {
    const own = `freedns.${ZONE}`;
    const args = ['token', 'create', 'old-router', '--host', own, '--freedns'] as const;
    const { secret, freednsUser } = await commands.json(...args, 'alice');
    expect(freednsUser).toBe('alice');
    const sha = createHash('sha1').update(`alice|${secret}`).digest('hex');
    const { status, body } = await server.dyndns.ask(`/api/?action=getdyndns&v=2&sha=${sha}`);
    expect([status, body]).toEqual([200, expect.stringMatching(`^${own}\\|NULL\\|https://.*\\?${sha}\n`)]);
    expect(await update(server.dyndns, secret)).toBe(456);
    expect(server.dyndns.process.output()).not.toMatch(RegExp(`${secret}|${sha}`));
    expect(await commands.fail(...args, 'Alice')).toEqual([2, expect.stringContaining('lower-case')]);
    const rotate = ['token', 'rotate', 'old-router', '--freedns'] as const;
    const rotated = await commands.json(...rotate, 'alice');
    expect(rotated.freednsUser).toBe('alice');
    const now = createHash('sha1').update(`alice|${rotated.secret}`).digest('hex');
    const statuses = [sha, now].map(async (key) => {
      return (await server.dyndns.ask(`/api/?action=getdyndns&v=2&sha=${key}`)).status;
    });
    expect([await Promise.all(statuses), await update(server.dyndns, rotated.secret)]).toEqual([[401, 200], 456]);
    expect(await commands.fail(...rotate, 'Alice')).toEqual([2, expect.stringContaining('lower-case')]);
  });

  it('one that may register and ends when it is unused has both fields everywhere', async () => {
    const more = ['--register', '--max-unused-days', '90'] as const;
    const { token } = await commands.json('token', 'create', 'limited', '--host', HOME, ...more);
    expect(token).toMatchObject({ register: true, maxUnusedDays: 90, state: 'valid' });
    const { token: plain } = await commands.json('token', 'create', 'plain', '--host', HOME);
    expect(plain).not.toHaveProperty('register');
    expect(plain).not.toHaveProperty('maxUnusedDays');
    expect(await commands.run('token', 'list')).toMatch(/^limited .* A,? AAAA,? register .* after 90 days unused /m);
    const wrong = ['token', 'create', 'x', '--host', HOME, '--max-unused-days'] as const;
    for (const days of ['0', '36501', 'x', '1.5']) {
      expect(await commands.fail(...wrong, days)).toEqual([2, expect.stringContaining('an integer from 1 to 36500')]);
    }
  });

  it('is refused before it is made', async () => {
    expect(await update(server.dyndns, 'abcdefghijklmnopqrstuvwxyz234567')).toBe(456);
  });

  it('what is printed can be pasted, and the secret is in no log', async () => {
    const text = await commands.run('token', 'create', 'pasted', '--host', HOME);
    const [, secret] = /shown this once:\n\n([a-z2-7]{32})\n/.exec(text) ?? [];
    const base = `127.0.0.1:${server.dyndns.port}`;
    expect(text).toContain(`\nhttp://${HOME}:${secret}@${base}/nic/update?hostname=${HOME}\n`);
    expect(text).toContain(`\nserver=${base}\nlogin=${HOME}\npassword='${secret}'\n${HOME}\n`);
    expect(text).toContain('\nssl=no\n');
    const lines = text.split('\n');
    const at = lines.findIndex((line) => line.startsWith('curl -s'));
    const directory = freshDirectory('paste');
    try {
      const pasted = await runProgram('sh', ['-e'], { input: `${lines[at - 1]}\n${lines[at]}\n`, cwd: directory });
      expect(pasted).toMatchObject({ code: 0, stderr: '' });
      expect(pasted.stdout).not.toMatch(/badauth/);
      expect(statSync(join(directory, 'pasted.header')).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(directory, 'pasted.header'), 'utf8')).toBe(`Authorization: Bearer ${secret}\n`);
    } finally {
      removeNow(directory);
    }
    expect(server.dyndns.process.output()).not.toContain(secret);
  });

  it('--for prints the settings of a device with the new secret, also when it is rotated', async () => {
    const url = ['--server', 'https://dyndns.example.com'] as const;
    const text = await commands.run('token', 'create', 'box', '--host', HOME, '--for', 'FRITZ!Box', ...url);
    const [, secret] = /^ {2}Password {5}([a-z2-7]{32})$/m.exec(text) ?? [];
    expect(text).toContain(`shown this once:\n\n${secret}\n\nSettings for FRITZ!Box. `);
    expect(text).toContain(
      '  Update URL   https://dyndns.example.com/nic/update?hostname=<domain>&myip=<ipaddr>,<ip6addr>\n',
    );
    expect(text).not.toMatch(/ddclient|curl/);
    expect(await update(server.dyndns, secret!)).toBe(200);
    const rotated = await commands.json('token', 'rotate', 'box', '--for', 'inadyn');
    expect(rotated.instructions).toMatchObject({
      client: 'inadyn',
      host: HOME,
      token: 'box',
      page: 'docs/clients/inadyn.md',
    });
    expect(rotated.instructions.server).toBe(`http://127.0.0.1:${server.dyndns.port}`);
    expect(rotated.instructions.sections[0].text).toContain(`password = ${rotated.secret}\n`);
    expect([await update(server.dyndns, secret!), await update(server.dyndns, rotated.secret)]).toEqual([456, 200]);
    await commands.run('token', 'revoke', 'box');
    expect(server.dyndns.process.output()).not.toMatch(RegExp(`${secret}|${rotated.secret}`));
  });

  it('--for mistakes leave everything as it is', async () => {
    const create = ['token', 'create', 'never', '--host', HOME] as const;
    for (const [args, message] of [
      [
        ['--for', 'fritbox'],
        "--for: there is no device 'fritbox'; the nearest one is fritzbox. The devices are fritzbox, openwrt,",
      ],
      [['--for', ''], "--for: there is no device ''"],
      [['--for', 'curl', '--freedns', 'alice'], '--for is for clients of dyndns2'],
      [['--for', 'curl', '--type', 'TXT'], '--for needs a token for addresses'],
      [['--for', 'curl', '--server', "https://a'b"], '--server'],
    ] as const) {
      expect(await commands.fail(...create, ...args)).toEqual([2, expect.stringContaining(message)]);
    }
    const rotate = ['token', 'rotate', 'router1', '--for', 'fritbox'] as const;
    expect(await commands.fail(...rotate)).toEqual([2, expect.stringContaining('the nearest one is fritzbox')]);
    expect(await commands.run('token', 'list', '--all')).not.toMatch(/^never /m);
  });

  it('list shows both kinds with origin, scope, state and last use; revoked ones when they are asked for', async () => {
    const create = (name: string, ...more: readonly string[]) =>
      commands.json('token', 'create', name, '--host', HOME, ...more);
    const [{ secret }] = await Promise.all([
      create('a', `*.lab.${ZONE}`, '--type', 'TXT', 'A'),
      create('b', '--addresses', '192.0.2.0/24,2001:db8::/32'),
      create('c', '--addresses', 'own', '--expires', '2020-01-01'),
    ]);
    const list = async (...options: readonly string[]) => {
      const tokens: readonly { name: string; lastUsed?: string }[] = await commands.json('token', 'list', ...options);
      return tokens.filter(({ name }) => ['filed', 'a', 'b', 'c'].includes(name));
    };
    expect((await list()).map(({ name, lastUsed }) => [name, lastUsed])).toEqual([
      ['filed', undefined],
      ['a', undefined],
      ['b', undefined],
      ['c', undefined],
    ]);
    await commands.run('token', 'revoke', 'b');
    const beforeMs = Date.now();
    expect([await update(server.dyndns, secret), await update(server.dyndns, 'filed-secret')]).toEqual([200, 200]);
    const [valid, all, text] = await Promise.all([list(), list('--all'), commands.run('token', 'list')]);
    expect(all).toMatchObject([
      { name: 'filed', origin: 'configuration', hosts: [`*.${ZONE}.`], state: 'valid' },
      { name: 'a', origin: 'store', hosts: [`${HOME}.`, `*.lab.${ZONE}.`], types: ['TXT', 'A'], state: 'valid' },
      { name: 'b', addresses: ['192.0.2.0/24', '2001:db8::/32'], state: 'revoked' },
      { name: 'c', addresses: 'own', expires: '2020-01-01', state: 'expired' },
    ]);
    expect(valid).toEqual(all.filter(({ name }) => name !== 'b'));
    for (const { lastUsed = '' } of all.slice(0, 2)) expect(Date.parse(lastUsed)).toBeGreaterThanOrEqual(beforeMs);
    expect(text).toMatch(/^NAME +ORIGIN +STATE +HOSTS +TYPES +ADDRESSES +FROM +EXPIRES +LAST USED\n/);
    expect(text).toMatch(/^filed +configuration +valid .* - +20\d\d-/m);
    expect(text).toMatch(/^c +store +expired .* own +anywhere +2020-01-01 +never$/m);
    expect(text).not.toMatch(/^b /m);
    expect(text).not.toContain(secret);
  });

  it.each([
    [['create', 'x', '--host', 'home.example.org'], 1, `it has '${ZONE}.'`],
    [['create', 'filed', '--host', HOME], 1, 'is in the configuration file. Choose another name'],
    [['revoke', 'filed'], 1, 'is in the configuration file. Remove it there'],
    [['rotate', 'filed'], 1, 'is in the configuration file'],
    [['revoke', 'nobody'], 1, "There is no token 'nobody'"],
    [['create', 'Master', '--host', HOME], 2, 'other than master'],
    [['create', 'x', '--host', HOME, '--type', 'NS'], 2, 'one of A, AAAA, TXT'],
    [['create', 'x', '--host', HOME, '--addresses', '192.0.2.1/24'], 2, 'any, own, or a list'],
    [['create', 'x', '--host', HOME, '--expires', '2026-02-30'], 2, 'a day, like 2099-12-31'],
    [['create', 'x', '--host', '-'.repeat(64)], 2, '--host must be'],
    [['create', 'x', '--host', HOME, '--server', 'https://me:x@example.com'], 2, '--server'],
    [['create', 'x'], 2, "'--host <names...>' not specified"],
  ])('%j is refused', async (args, code, text) => {
    expect(await commands.fail('token', ...args)).toEqual([code, expect.stringContaining(text)]);
  });

  it('nothing came of what was refused', async () => {
    const names = (await commands.json('token', 'list', '--all')).map(({ name }: { name: string }) => name);
    expect(new Set(names)).toEqual(
      new Set(['filed', 'router1', 'old-router', 'limited', 'plain', 'pasted', 'box', 'a', 'b', 'c']),
    );
  });

  it('a name that is taken is refused, with what to do', async () => {
    await commands.run('token', 'create', 'taken', '--host', HOME);
    expect(await commands.fail('token', 'create', 'taken', '--host', HOME)).toEqual([
      1,
      expect.stringMatching(/^ERROR: There is a token 'taken' already\..*rotate.*revoke/),
    ]);
  });
});

describe('token without a server', () => {
  let directory: string;
  const configured = (config: object) => {
    const file = join(directory, 'dyndns.yml');
    const zones = [{ name: ZONE, nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' }];
    const http = { listen: ['127.0.0.1:18080'] };
    writeFileSync(file, JSON.stringify({ secret: 'masterSecretOfTests', http, zones, ...config }), { mode: 0o600 });
    return commandsOf(file);
  };
  beforeEach(() => {
    directory = freshDirectory('token');
  });
  afterEach(() => removeNow(directory));

  it('acts on the store, and a server that starts later takes the token', { timeout: 90_000 }, async () => {
    const commands = configured({ store: 'sqlite:dyndns.db' });
    const text = await commands.run('token', 'create', 'router1', '--host', HOME);
    expect(text).toContain(`@127.0.0.1:18080/nic/update?hostname=${HOME}\n`);
    const { secret } = await commands.json('token', 'rotate', 'router1');
    const config = { store: `sqlite:${join(directory, 'dyndns.db')}` };
    const server = await startEmbedded({ zone: ZONE, config });
    try {
      expect(await update(server.dyndns, secret)).toBe(200);
    } finally {
      await server.stop();
    }
    // What is written once a second, and was not yet, is written at the end.
    expect(await commands.json('token', 'list')).toMatchObject([{ state: 'valid', lastUsed: expect.any(String) }]);
    await commands.run('token', 'revoke', 'router1');
    expect(await commands.json('token', 'list', '--all')).toMatchObject([{ name: 'router1', state: 'revoked' }]);
  });

  it('without a store the server remembers the last use of tokens of the configuration', async () => {
    const server = await startEmbedded({ zone: ZONE, config: { tokens: [FILED] } });
    const { run, json } = commandsOf(server.dyndns.configFile);
    try {
      expect(await update(server.dyndns, 'filed-secret')).toBe(200);
      expect(await json('token', 'list')).toMatchObject([{ name: 'filed', lastUsed: expect.any(String) }]);
      await server.dyndns.process.stop();
      expect(await run('token', 'list')).toMatch(/^filed .* -$/m);
    } finally {
      await server.stop();
    }
  });

  it('without a store it says what to set; --print-only needs none', async () => {
    const commands = configured({});
    expect(await commands.fail('token', 'create', 'x', '--host', HOME)).toEqual([
      1,
      expect.stringContaining("set 'store: sqlite:"),
    ]);
    const text = await commands.run('token', 'create', 'x', '--host', HOME, '--print-only');
    const { 1: secret } = /shown this once:\n\n(\w+)\n/.exec(text) ?? [];
    const sha256 = createHash('sha256').update(secret!).digest('hex');
    expect(text).toContain(`tokens:\n  - name: x\n    sha256: '${sha256}'\n    hosts: [${HOME}]\n`);
    expect(await commands.run('token', 'list')).toMatch(/^There are no tokens/);
  });

  it('a server that has the store and no control socket is named', async () => {
    mkdirSync(join(directory, 'deep'.repeat(30)));
    const store = `sqlite:${join(directory, 'deep'.repeat(30), 'dyndns.db')}`;
    const server = await startEmbedded({ zone: ZONE, config: { store } });
    try {
      const [code, text] = await configured({ store }).fail('token', 'list');
      expect([code, text]).toEqual([1, expect.stringContaining(`in use by process ${server.dyndns.process.pid}`)]);
      expect(text).toContain("set 'control: unix:PATH'");
    } finally {
      await server.stop();
    }
  });
});

describeWith(POSTGRES_PROGRAMS, 'token and PostgreSQL', () => {
  let postgres: PostgresServer;
  let server: RunningDyndns;
  beforeAll(async () => {
    postgres = await startPostgres();
    const zones = [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1\n' }];
    const dns = { listen: ['127.0.0.1:0'], database: 'zones.db' };
    server = await startDyndns({ secret: 'masterSecretOfTests', store: postgres.url, dns, zones });
  });
  afterAll(async () => {
    await server?.stop();
    await postgres?.stop();
  });

  it('commands need no server, and the server knows of it within one second', async () => {
    const directory = freshDirectory('elsewhere');
    try {
      const file = join(directory, 'dyndns.yml');
      const zones = [{ name: ZONE, nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' }];
      writeFileSync(file, JSON.stringify({ store: postgres.url, zones }), { mode: 0o600 });
      const commands = commandsOf(file);
      const { secret } = await commands.json('token', 'create', 'router1', '--host', HOME);
      // Once the server has looked at what others do, it remembers the token.
      for (const _ of [1, 2, 3]) expect(await update(server, secret)).toBe(200);
      await commands.run('token', 'revoke', 'router1');
      await expectEndWithinOneSecond(async () => (await update(server, secret)) === 200);
      // The server writes events once a second.
      await waitUntil('the event to be written', async () => {
        const { events } = await commands.json('history', HOME);
        return events[0]?.actor === 'router1';
      });
    } finally {
      removeNow(directory);
    }
  });
});

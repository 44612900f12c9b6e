/** `dyndns user`, `host give|share|unshare` and `token create --owner` with the built program, with a server and without one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Commands, commandsOf } from '../support/commands.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;

async function update(server: EmbeddedServer, secret: string, host = HOME): Promise<number> {
  const target = `/update-by-query?fqdn=${host}&ipv4=192.0.2.1`;
  return (await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${secret}` } })).status;
}

async function me(server: EmbeddedServer, key: string): Promise<number> {
  return (await server.dyndns.ask('/v1/me', { headers: { Authorization: `Bearer ${key}` } })).status;
}

describe('user and a running server', { timeout: 120_000 }, () => {
  let server: EmbeddedServer;
  let commands: Commands;
  beforeAll(async () => {
    server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', admin: { enabled: true } } });
    commands = commandsOf(server.dyndns.configFile);
  });
  afterAll(() => server?.stop());

  it('without users there is a hint', async () => {
    expect(await commands.run('user', 'list')).toBe('There are no users. `dyndns user create` creates one.\n');
    expect(await commands.json('user', 'list')).toEqual([]);
  });

  it('users are created, listed, shown and changed', async () => {
    expect(await commands.run('user', 'create', 'alice', '--admin')).toMatch(/^The admin 'alice' was created\. /);
    const quotas = ['--max-hosts', '3', '--max-tokens', '0'] as const;
    expect(await commands.json('user', 'create', 'bob', ...quotas)).toMatchObject({
      name: 'bob',
      role: 'member',
      enabled: true,
      quotas: { hosts: 3, tokens: 0, changesPerMinute: 60 },
    });
    const list = await commands.run('user', 'list');
    expect(list).toMatch(/^NAME +ROLE +STATE +MAX HOSTS +MAX TOKENS +MAX CHANGES\/MIN +CREATED\n/);
    expect(list).toMatch(/^alice +admin +enabled +- +- +- +20/m);
    expect(list).toMatch(/^bob +member +enabled +3 +- +60 +20/m);
    expect(await commands.run('user', 'list', '--search', 'ali')).not.toMatch(/^bob/m);
    expect(await commands.run('user', 'show', 'bob')).toMatch(
      /^bob\n {2}role {7}member\n {2}state {6}enabled\n {2}hosts {6}0 of 3\n {2}tokens {5}0\n {2}changes {4}60 a minute\n/,
    );
    await commands.run('user', 'change', 'bob', '--max-changes', '5', '--admin');
    await commands.run('user', 'change', 'bob', '--member');
    expect(await commands.json('user', 'show', 'bob')).toMatchObject({
      role: 'member',
      quotas: { hosts: 3, changesPerMinute: 5 },
    });
    await commands.run('user', 'change', 'bob', '--max-changes', '0');
  });

  it('a management key is printed once, works at once, and is refused when it is revoked', async () => {
    const text = await commands.run('user', 'key', 'bob', '--name', 'laptop', '--max-unused-days', '90');
    const [secret = ''] = /^dyn_[a-z2-7]{32}$/m.exec(text) ?? [];
    expect(await me(server, secret)).toBe(200);
    expect(await commands.run('user', 'keys', 'bob')).toMatch(/^laptop +valid +\S+ \S+ +after 90 days unused +20/m);
    expect(await commands.run('user', 'keys', 'bob')).not.toContain(secret);
    expect(await commands.run('user', 'revoke-key', 'bob', '--name', 'laptop')).toBe("The key 'laptop' was revoked.\n");
    expect(await me(server, secret)).toBe(401);
    expect(await commands.run('user', 'keys', 'bob')).toMatch(/^There are no keys/);
    expect(await commands.run('user', 'keys', 'bob', '--all')).toMatch(/^laptop +revoked 20/m);
    expect(server.dyndns.process.output()).not.toContain(secret);
  });

  it('a host is given, shared and taken back; a token of the user follows', async () => {
    await commands.run('host', 'add', HOME);
    expect(await commands.run('host', 'list')).not.toContain('OWNER');
    expect(await commands.fail('token', 'create', 'bob1', '--host', HOME, '--owner', 'bob')).toEqual([
      2,
      expect.stringContaining('give or share the host first'),
    ]);
    expect(await commands.run('host', 'give', HOME, 'bob')).toBe(`'${HOME}.' belongs to 'bob'.\n`);
    const { secret } = await commands.json('token', 'create', 'bob1', '--host', HOME, '--owner', 'bob');
    expect(await update(server, secret)).toBe(200);
    expect(await commands.run('host', 'list', '--owner', 'bob')).toMatch(new RegExp(`^${HOME}\\. .* bob$`, 'm'));
    expect(await commands.run('token', 'list', '--owner', 'bob')).toMatch(/^bob1 .* bob$/m);
    expect(await commands.json('token', 'list', '--owner', 'alice')).toEqual([]);
    await commands.run('user', 'create', 'carol');
    expect(await commands.run('host', 'share', HOME, 'carol')).toBe(`'carol' may see '${HOME}.'.\n`);
    expect(await commands.run('host', 'show', HOME)).toMatch(
      /^ {2}owner {6}bob\n {2}shared {5}with carol, who may see it$/m,
    );
    await commands.run('host', 'share', HOME, 'carol', '--access', 'change');
    expect(await commands.json('host', 'show', HOME)).toMatchObject({ shares: [{ user: 'carol', access: 'change' }] });
    expect(await commands.run('host', 'unshare', HOME, 'carol')).toBe(`'${HOME}.' is no longer shared with 'carol'.\n`);
    expect(await commands.run('host', 'give', HOME, '--operator')).toBe(`'${HOME}.' belongs to the operator.\n`);
    expect(await update(server, secret)).toBe(453);
    await commands.run('host', 'give', HOME, 'bob');
    expect(await update(server, secret)).toBe(200);
  });

  it("a disabled user's keys and tokens are refused until the user is enabled", async () => {
    const { secret: key } = await commands.json('user', 'key', 'bob', '--name', 'phone');
    const { secret } = await commands.json('token', 'rotate', 'bob1');
    expect(await commands.run('user', 'disable', 'bob')).toContain("Keys and tokens of 'bob' are refused.");
    expect(await me(server, key)).toBe(401);
    await expect.poll(() => update(server, secret), { timeout: 10_000 }).toBe(456);
    expect(await commands.run('user', 'list')).toMatch(/^bob +member +disabled/m);
    await commands.run('user', 'enable', 'bob');
    expect(await me(server, key)).toBe(200);
    await expect.poll(() => update(server, secret), { timeout: 10_000 }).toBe(200);
  });

  it('a user is removed with what the flags say; without a terminal each of them is needed', async () => {
    const flags = ['--hosts', 'operator', '--tokens', 'revoke', '--history', 'purge'];
    for (const [index, flag] of ['--hosts', '--tokens', '--history'].entries()) {
      expect(await commands.fail('user', 'remove', 'bob', ...flags.slice(0, 2 * index))).toEqual([
        2,
        `dyndns: ${flag} is missing, and there is no terminal to ask for it.\n`,
      ]);
    }
    expect(await commands.fail('user', 'remove', 'bob', ...flags.with(5, 'delete'))).toEqual([
      2,
      'dyndns: --history must be keep or purge.\n',
    ]);
    expect(await commands.run('user', 'remove', 'bob', ...flags)).toBe(
      "The user 'bob' and the keys of the user were removed.\n",
    );
    expect(await commands.json('host', 'show', HOME)).not.toHaveProperty('owner');
    expect(await commands.run('token', 'list', '--all')).toMatch(/^bob1 +store +revoked/m);
    expect(await commands.run('history', HOME)).toMatch(/^There are no events/);
    expect(await commands.fail('user', 'show', 'bob')).toEqual([1, expect.stringContaining("no user 'bob'")]);
  });

  it.each([
    [['create', 'alice'], 1, "There is a user 'alice' already"],
    [['create', 'Alice'], 2, 'lower-case letters'],
    [['create', '.x'], 2, 'begins with a letter or digit'],
    [['create', 'operator'], 2, 'choose another name'],
    [['create', 'x', '--max-hosts', 'many'], 2, '--max-hosts'],
    [['create', 'x', '--max-changes', '-1'], 2, '--max-changes'],
    [['change', 'alice'], 2, 'Nothing to change'],
    [['change', 'alice', '--admin', '--member'], 2, 'exclude each other'],
    [['disable', 'nobody'], 1, "no user 'nobody'"],
    [['key', 'nobody', '--name', 'x'], 1, "no user 'nobody'"],
    [['key', 'alice'], 2, "'--name <label>' not specified"],
    [['key', 'alice', '--name', 'x', '--expires', 'soon'], 2, '--expires'],
    [['revoke-key', 'alice', '--name', 'nothing'], 1, 'nothing'],
    [['remove', 'nobody', '--hosts', 'operator', '--tokens', 'revoke', '--history', 'keep'], 1, "no user 'nobody'"],
  ])('user %j is refused', async (args, code, text) => {
    expect(await commands.fail('user', ...args)).toEqual([code, expect.stringContaining(text)]);
  });

  it.each([
    [['give', HOME], 'Give either the name of a user, or --operator.'],
    [['give', HOME, 'alice', '--operator'], 'Give either'],
    [['give', HOME, 'nobody'], "no user 'nobody'"],
    [['share', HOME, 'nobody'], "no user 'nobody'"],
    [['share', HOME, 'alice', '--access', 'own'], 'Allowed choices are view, change'],
    [['add', `new.${ZONE}`, '--owner', 'nobody'], "no user 'nobody'"],
  ])('host %j is refused', async (args, text) => {
    const [code, stderr] = await commands.fail('host', ...args);
    expect([args, code > 0, stderr]).toEqual([args, true, expect.stringContaining(text)]);
  });

  it('without a server the commands act on the store', async () => {
    await server.dyndns.process.stop();
    await commands.run('user', 'create', 'dave');
    expect(await commands.run('user', 'key', 'dave', '--name', 'x')).toMatch(/^dyn_[a-z2-7]{32}$/m);
    await commands.run('host', 'give', HOME, 'dave');
    expect(await commands.run('host', 'show', HOME)).toMatch(/^ {2}owner {6}dave$/m);
    expect(await commands.run('user', 'list')).toMatch(/^dave +member/m);
  });
});

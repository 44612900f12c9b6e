// `dyndns host` with the built program: what it sets counts for the next update, with and without a running server; and
// `dyndns status` with updates that wait for a primary.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Commands, commandsOf } from '../support/commands.ts';
import { startDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const HOME = `home.${ZONE}`;
const MASTER = 'masterSecretOfTests';

describe('host and a running server', () => {
  let server: EmbeddedServer;
  let commands: Commands;
  let used = 0;
  /** A host of this test alone. */
  let home: string;
  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      config: { store: 'sqlite:dyndns.db', hosts: [{ name: `set.${ZONE}`, ttl: 9 }] },
    });
    commands = commandsOf(server.dyndns.configFile);
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    used += 1;
    home = `home${used}.${ZONE}`;
  });

  async function update(address: string, secret = MASTER): Promise<string> {
    const headers = { Authorization: `Bearer ${secret}` };
    return (await server.dyndns.ask(`/update-by-query?fqdn=${home}&ipv4=${address}`, { headers })).body;
  }

  it('settings count for the next update; disabled, enabled and removed, too', async () => {
    await commands.run('host', 'add', home, '--ttl', '77', '--deny', '198.51.100.0/24');
    expect(await update('198.51.100.1')).toMatch(/^IP_ADDRESS_ERROR: /);
    expect(await update('192.0.2.1')).toMatch(/^UPDATED/);
    expect(await commands.run('zone', 'export', ZONE)).toMatch(new RegExp(`^home${used} +77 .*192\\.0\\.2\\.1$`, 'm'));
    expect(await commands.run('host', 'disable', home)).toContain(`dyndns delete ${home}.`);
    expect(await update('192.0.2.2')).toBe(`ERROR: Updates of '${home}.' are switched off.\n`);
    await commands.run('host', 'enable', home);
    expect(await update('192.0.2.2')).toMatch(/^UPDATED/);
    expect(await commands.run('host', 'remove', home)).toContain('What stays: its records');
    expect(await update('198.51.100.1')).toMatch(/^UPDATED/);
  });

  it('add stores what the host has in an IPv6 prefix, and that its members follow it', async () => {
    await commands.run('host', 'add', home, '--interface-id', '::0:1', '--prefix-length', '56');
    await commands.run('host', 'member', 'add', home, `nas.${home}`, '--interface-id', '::10', '--subnet', '3');
    expect(await commands.json('host', 'show', home)).toMatchObject({ interfaceId: '::1', prefixLength: 56 });
    const shown = await commands.run('host', 'show', home);
    expect(shown).toMatch(
      /^ {2}own id {5}::1 below a prefix\n {2}prefix {5}\/56 around its IPv6 address moves the members$/m,
    );
    const headers = { Authorization: `Bearer ${MASTER}` };
    await server.dyndns.ask(`/nic/update?hostname=${home}&myip=2001:db8:0:a234::9`, { headers });
    const zone = await commands.run('zone', 'export', ZONE);
    expect(zone).toMatch(new RegExp(`^nas\\.home${used} .*AAAA +2001:db8:0:a203::10$`, 'm'));
  });

  it('add makes a token in the same step, and show tells all there is', async () => {
    const text = await commands.run('host', 'add', home, '--create-token', 'router1');
    const [, secret = ''] = /shown this once:\n\n(\w+)\n/.exec(text) ?? [];
    await update('192.0.2.1', secret);
    await update('192.0.2.1', secret);
    expect(await commands.json('host', 'show', home)).toMatchObject({
      host: `${home}.`,
      origin: 'store',
      enabled: true,
      published: { A: ['192.0.2.1'], AAAA: [] },
      repeats: 1,
      pending: [],
      tokens: [{ name: 'router1', origin: 'store', types: ['A', 'AAAA'] }],
    });
    const shown = await commands.run('host', 'show', home);
    expect(shown).toMatch(/^ {2}published {2}A 192\.0\.2\.1\n {13}AAAA none$/m);
    expect(shown).toMatch(/^ {2}token {6}router1 \(A, AAAA; store\)$/m);
    const [code, why] = await commands.fail('host', 'add', `b.${ZONE}`, '--create-token', 'router1');
    expect([code, why]).toEqual([1, expect.stringMatching(/already/)]);
  });

  it('list has those of the configuration, of the store, and others that were updated', async () => {
    await commands.run('host', 'add', `added.${ZONE}`, '--allow', '192.0.2.0/24', '2001:db8::/32');
    await update('192.0.2.1');
    const names = [`added.${ZONE}.`, `${home}.`, `set.${ZONE}.`];
    const hosts: readonly { host: string }[] = await commands.json('host', 'list');
    expect(hosts.filter(({ host }) => names.includes(host))).toMatchObject([
      { host: `added.${ZONE}.`, origin: 'store', allow: ['192.0.2.0/24', '2001:db8::/32'] },
      { host: `${home}.`, origin: 'none', repeats: 0 },
      { host: `set.${ZONE}.`, origin: 'configuration', ttl: 9 },
    ]);
    expect(await commands.run('host', 'list')).toMatch(/^set\.\S+ +configuration +enabled +9 +- +- +0$/m);
  });

  it('refuses what cannot be, and says what can', async () => {
    for (const [args, code, text] of [
      [['add', 'home.example.org'], 1, `it has '${ZONE}.'`],
      [['add', `set.${ZONE}`], 1, 'are in the configuration file'],
      [['disable', `set.${ZONE}`], 1, 'are in the configuration file'],
      [['remove', home], 1, 'has no settings of its own'],
      [['add', home, '--ttl', '-1'], 2, '--ttl must be an integer'],
      [['add', home, '--allow', '192.0.2.1/24'], 2, '--allow must be an IP address or a prefix'],
      [['add', home, '--allow', '192.0.2.0/24', '--deny', '192.0.2.0/24'], 2, 'allowed and denied at once'],
      [['show', 'a..b'], 2, "'host' must be a full name"],
    ] as const) {
      expect(await commands.fail('host', ...args)).toEqual([code, expect.stringContaining(text)]);
    }
    await commands.run('host', 'add', home);
    expect(await commands.fail('host', 'add', home)).toEqual([1, expect.stringContaining('--replace')]);
    await commands.run('host', 'add', home, '--ttl', '5', '--replace');
  });
});

describe('a primary that is away', () => {
  it('host show and status tell what waits and why, also when no server runs', async () => {
    const port = await freePort();
    const zones = [{ name: ZONE, nameserver: '127.0.0.1', port, tsig_key: 'dGVzdA==' }];
    const config = { secret: MASTER, store: 'sqlite:dyndns.db', zones, nameserver_timeout_seconds: 1 };
    const server = await startDyndns(config);
    const commands = commandsOf(server.configFile);
    try {
      expect(await commands.run('status')).not.toMatch(/wait/);
      const target = `/update-by-query?fqdn=${HOME}&ipv4=192.0.2.1`;
      const { status } = await server.ask(target, { headers: { Authorization: `Bearer ${MASTER}` } });
      expect(status).toBe(512);
      const waiting = { host: `${HOME}.`, family: 'A', wanted: '192.0.2.1', lastError: 'primary-unreachable' };
      expect(await commands.json('status')).toMatchObject({ pending: { count: 1, oldest: [waiting] } });
      const line = new RegExp(
        `^1 update waits for a primary:\n  ${HOME}\\.  A 192\\.0\\.2\\.1 since .*: primary-unreachable;`,
        'm',
      );
      expect(await commands.run('status')).toMatch(line);
      const shown = await commands.json('host', 'show', HOME);
      expect(shown).toMatchObject({ pending: [waiting], publishedProblem: expect.stringMatching(/./) });
      await server.process.stop();
      expect(await commands.json('host', 'show', HOME)).toMatchObject({ pending: [waiting] });
      expect(await commands.fail('status')).toEqual([1, expect.stringContaining('No dyndns is running')]);
    } finally {
      await server.stop();
    }
  });
});

describe('host without a server', () => {
  it('a server that starts later has the settings', async () => {
    const directory = freshDirectory('host');
    const store = `sqlite:${join(directory, 'dyndns.db')}`;
    const file = join(directory, 'dyndns.yml');
    const zones = [{ name: ZONE, nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' }];
    writeFileSync(file, JSON.stringify({ store, zones }), { mode: 0o600 });
    try {
      await commandsOf(file).run('host', 'disable', HOME);
      const server = await startEmbedded({ zone: ZONE, config: { store } });
      try {
        const target = `/update-by-query?fqdn=${HOME}&ipv4=192.0.2.1`;
        const { status } = await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${MASTER}` } });
        expect(status).toBe(452);
      } finally {
        await server.stop();
      }
    } finally {
      removeNow(directory);
    }
  });
});

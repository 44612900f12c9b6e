// The command line as a person types it: what each command prints, where, and with which exit code (0 done, 1 failed, 2 the
// command or the configuration is wrong). A real BIND is behind; the program runs as a process of its own.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands/all.ts';
import { DomainName } from '../../src/dns/name.ts';
import { makeTsigKey } from '../../src/dns/tsig-key.ts';
import { VERSION } from '../../src/server/version.ts';
import { type Lab, makeKey, openLab, SECRET, ZONE } from '../e2e/lab.ts';
import { MAIN, runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { startScriptedPrimary } from '../support/scripted-primary.ts';

let directory: string;
beforeEach(() => {
  directory = freshDirectory('commands');
});
afterEach(() => removeNow(directory));

/** Runs in a directory of its own, without the variables of whoever runs the tests. */
function run(...args: readonly string[]) {
  return runDyndns(args, { cwd: directory, env: { PATH: process.env['PATH'] } });
}

function write(config: object | string, name = '.dyndns.yml'): string {
  const file = join(directory, name);
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 });
  return file;
}

describe('help and mistakes', () => {
  it('--version prints the version', async () => {
    for (const told of await Promise.all([run('--version'), run('-v')])) {
      expect(told).toMatchObject({ code: 0, stderr: '' });
      // The commit is there if the build found git.
      expect(told.stdout).toMatch(/^\S+( \([0-9a-f]{12}\))?\n$/);
      expect(told.stdout.split(/\s/)[0]).toBe(VERSION);
    }
  });

  it('--help names every command on one screen', async () => {
    const { code, stdout, stderr } = await run('--help');
    expect([code, stderr]).toEqual([0, '']);
    const named = [...stdout.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual([...COMMAND_NAMES].sort());
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(45);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect((await run('help')).stdout).toBe(stdout);
  });

  it('help config names every option of the file; each command has its help', async () => {
    const { stdout } = await run('help', 'config');
    for (const word of ['--check', 'nameserver_timeout_seconds', 'http.listen', 'zones[].tsig_key']) {
      expect(stdout).toContain(word);
    }
    const helps = await Promise.all(COMMAND_NAMES.map((command) => run(command, '--help')));
    for (const [index, help] of helps.entries()) {
      expect([help.code, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toMatch(new RegExp(`^Usage: dyndns ${COMMAND_NAMES[index]}`));
    }
  });

  it.each([
    { args: [], text: /Usage: dyndns/ },
    { args: ['--nonsense'], text: /unknown option '--nonsense'/ },
    { args: ['serv'], text: /unknown command 'serv'.*\(Did you mean serve\?\)/s },
    { args: ['serve', '--prot', '1'], text: /unknown option '--prot'/ },
    { args: ['serve', '-p', '65536'], text: /It must be a port number, 0 to 65535\./ },
    { args: ['serve', '-p', 'x'], text: /It must be a port number/ },
    { args: ['delete'], text: /missing required argument 'fqdn'/ },
    { args: ['update'], text: /missing required argument 'fqdn'/ },
    { args: ['init', '--primary', 'nsd'], text: /Allowed choices are bind, knot, powerdns/ },
  ])('$args ends with 2 and says what is wrong on the error output', async ({ args, text }) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(text);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('the configuration file', () => {
  it.each(['serve', 'check', 'config', 'delete home.example.com', 'update home.example.com 192.0.2.1'])(
    '%s without one says where it was looked for and what names one',
    async (line) => {
      const { code, stdout, stderr } = await run(...line.split(' '));
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr.split('\n')[0]).toBe(
        `CONFIGURATION_ERROR: No configuration file was found: neither ${join(directory, '.dyndns.yml')} nor /etc/dyndns.yml exists. Set one with --config or dyndns_CONFIG_FILE.`,
      );
      expect(stderr).toMatch(/^ {2}\S.* init$/m);
    },
  );

  it('that was named and is missing is an error', async () => {
    write({});
    const { code, stderr } = await run('-c', 'missing.yml', 'config');
    expect([code, stderr]).toEqual([
      2,
      "CONFIGURATION_ERROR: The configuration file 'missing.yml' (set by --config) does not exist.\n",
    ]);
    const named = await runDyndns(['config'], { cwd: directory, env: { dyndns_CONFIG_FILE: 'missing.yml' } });
    expect([named.code, named.stderr]).toEqual([
      2,
      `CONFIGURATION_ERROR: The configuration file 'missing.yml' (set by dyndns_CONFIG_FILE) does not exist. Create it in a browser: dyndns setup. Or here: dyndns init --file ${join(directory, 'missing.yml')}\n`,
    ]);
  });

  it('that is invalid gives one line for each problem with file, line, column and the nearest known key', async () => {
    const file = write("secret: 'short'\nnameservr: 127.0.0.1\nzones:\n  - name: dyn.example.com\n    tsig_key: '!'\n");
    const { code, stdout, stderr } = await run('config');
    expect([code, stdout]).toEqual([2, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.every((line) => line.startsWith(`CONFIGURATION_ERROR: ${file}:`))).toBe(true);
    expect(stderr).toMatch(/:1:\d+: .*at least 8 characters/);
    expect(stderr).toMatch(/:2:1: .*nameservr.*nameserver/);
    expect(stderr).toMatch(/:5:\d+: .*base64/);
    expect(stderr).not.toContain('short');
  });

  it('is printed by config with the origin of each value', async () => {
    const file = write({ secret: SECRET, nameserver: '127.0.0.1', zones: [{ name: ZONE, tsig_key: 'tPyvZA==' }] });
    const { code, stdout, stderr } = await runDyndns(['--config', file, 'config'], { env: { DYNDNS_LOG_LEVEL: '10' } });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^secret: '\[secret\]' +# .*dyndns\.yml:1:\d+$/m);
    expect(stdout).toMatch(/^log_level: 10 +# .*DYNDNS_LOG_LEVEL$/m);
    expect(stdout).toMatch(/^port: 53 +# default$/m);
    expect(stdout).not.toContain('tPyvZA');
  });
});

describeWith(BIND_PROGRAMS, 'commands on a real primary', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await openLab({ zones: [{ name: 'closed.example.net', keys: [] }] });
  });
  afterAll(async () => {
    await lab?.stop();
  });

  it('update publishes, tells what is unchanged, and takes a TTL', async () => {
    write(lab.config());
    const fqdn = `cli.${ZONE}`;
    expect(await run('update', fqdn, '192.0.2.1', '2001:DB8::1')).toEqual({
      code: 0,
      stdout: `UPDATED: ${fqdn}. A None -> 192.0.2.1\nUPDATED: ${fqdn}. AAAA None -> 2001:db8::1\n`,
      stderr: '',
    });
    const again = await run('update', '--ttl', '60', fqdn, '192.0.2.1');
    expect(again.stdout).toBe(`UPDATED: ${fqdn}. A 192.0.2.1 -> 192.0.2.1\nUNCHANGED: ${fqdn}. AAAA 2001:db8::1\n`);
    expect(await lab.ttl(fqdn, 'A')).toBe(60);
    expect((await run('update', fqdn, '192.0.2.1')).stdout).toMatch(/^UNCHANGED: .*\nUNCHANGED: /);
  });

  it("update of an address of a carrier's NAT publishes it, and warns on the error output", async () => {
    write(lab.config());
    const { code, stdout, stderr } = await run('update', `nat.${ZONE}`, '100.64.1.1');
    expect([code, stdout]).toEqual([
      0,
      `UPDATED: nat.${ZONE}. A None -> 100.64.1.1\nUNCHANGED: nat.${ZONE}. AAAA None\n`,
    ]);
    expect(stderr).toMatch(/^WARNING: nat\..* has the address 100\.64\.1\.1 of a carrier's NAT/);
  });

  it('delete deletes, and tells where there was nothing', async () => {
    write(lab.config());
    const fqdn = `gone.${ZONE}`;
    await run('update', fqdn, '192.0.2.1');
    expect(await run('delete', fqdn)).toEqual({
      code: 0,
      stdout: `UPDATED: The A and AAAA records of the domain name '${fqdn}.' were deleted.\n`,
      stderr: '',
    });
    expect((await run('delete', fqdn)).stdout).toMatch(/^UNCHANGED: .* no A or AAAA records\.\n$/);
  });

  it.each([
    { args: ['update', 'home.nowhere.example', '192.0.2.1'], text: /^DNS_NAME_ERROR: .* could not be split/ },
    { args: ['update', `home.${ZONE}`, '1.2.3'], text: /^IP_ADDRESS_ERROR: Invalid IP address '1\.2\.3'\.$/m },
    { args: ['update', `home.${ZONE}`, '127.0.0.1'], text: /^IP_ADDRESS_ERROR: .*loopback/ },
    { args: ['update', `home.${ZONE}`, '192.0.2.1', '192.0.2.2'], text: /already set/ },
    { args: ['update', '-t', 'x', `home.${ZONE}`, '192.0.2.1'], text: /^PARAMETER_ERROR: int_parsing/ },
    { args: ['delete', 'home.nowhere.example'], text: /^DNS_NAME_ERROR: .* could not be split/ },
  ])('$args ends with 1 and the line that the HTTP API gives', async ({ args, text }) => {
    write(lab.config());
    const serial = await lab.serial();
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(text);
    expect([code, stdout]).toEqual([1, '']);
    expect(await lab.serial()).toBe(serial);
  });

  describe('check', () => {
    it('tells that each zone can be changed, and leaves nothing behind', async () => {
      const file = write(lab.config());
      const { code, stdout, stderr } = await run('check');
      expect(stdout).toMatch(
        /^INFO: The configuration file .+ is valid\.\nINFO: The update check passed: A TXT record '(\S+)' with the content '[0-9a-f]{8}' could be updated on the zone 'dyn\.example\.com\.'\.\n$/,
      );
      expect(stdout).toContain(file);
      expect([code, stderr]).toEqual([0, '']);
      const name = /record '(\S+)'/.exec(stdout)?.[1] ?? '';
      expect(await lab.look(name, 'TXT')).toEqual([]);
    });

    const faults: readonly { what: string; zone: () => object; text: RegExp }[] = [
      {
        what: 'the wrong key name',
        zone: () => ({ tsig_key: { name: 'unknown.example', secret: lab.key.secret } }),
        text: /does not know the key 'unknown\.example\.' .*BADKEY/,
      },
      {
        what: 'the wrong secret',
        zone: () => ({ tsig_key: makeKey(ZONE).secret }),
        text: /has a different secret for the key 'dyn\.example\.com\.' \(BADSIG\)/,
      },
      {
        what: 'allow-update, where it does not name the key',
        zone: () => ({ name: 'closed.example.net', tsig_key: { name: ZONE, secret: lab.key.secret } }),
        text: /REFUSED: let the key .*allow-update/,
      },
      {
        what: 'a zone that is not there',
        zone: () => ({ name: 'absent.example.net', tsig_key: { name: ZONE, secret: lab.key.secret } }),
        text: /zone 'absent\.example\.net\.'.*(not loaded there|is not there)/,
      },
      {
        what: 'a closed port',
        zone: () => ({ tsig_key: lab.key.secret, port: closedPort }),
        text: /cannot connect to 127\.0\.0\.1:\d+ \(ECONNREFUSED\); is the primary of .* running there/,
      },
    ];
    let closedPort = 0;
    beforeAll(async () => {
      closedPort = await freePort();
    });

    it.each(faults)('names $what, and ends with 1', async ({ zone, text }) => {
      write(lab.config({ zones: [{ name: ZONE, ...zone() }] }));
      const { code, stdout } = await run('check');
      expect(stdout).toMatch(text);
      expect(stdout).toMatch(/\nDNS_SERVER_ERROR: The update check failed for the zone '/);
      expect(stdout).not.toContain(lab.key.secret);
      expect(code).toBe(1);
    });

    it('names the difference of the clocks in seconds', async () => {
      const key = makeTsigKey(DomainName.parse(ZONE), 'hmac-sha512', Buffer.from(lab.key.secret, 'base64'));
      const scripted = await startScriptedPrimary(key);
      try {
        scripted.script = { kind: 'clock', offsetSeconds: -4000 };
        write(lab.config({ port: scripted.port }));
        const { code, stdout } = await run('check');
        expect(stdout).toMatch(
          /clocks differ too much \(BADTIME\): ours is (3999|4000|4001) s ahead of its; set both by NTP/,
        );
        expect(code).toBe(1);
      } finally {
        await scripted.close();
      }
    });

    it('names a zone that is configured and not loaded', async () => {
      const broken = await openLab({
        configure: (text) =>
          `${text}zone "broken.example.net" { type primary; file "missing.db"; allow-update { key "${ZONE}"; }; };\n`,
      });
      try {
        const key = { name: ZONE, secret: broken.key.secret };
        write(broken.config({ zones: [{ name: 'broken.example.net', tsig_key: key }] }));
        const { code, stdout } = await run('check');
        expect(stdout).toMatch(/SERVFAIL|NOTAUTH: .* or the zone is not loaded there/);
        expect(stdout).toMatch(/not loaded|see the primary's log/);
        expect(code).toBe(1);
      } finally {
        await broken.stop();
      }
    });

    it('names a journal that is not writable', async () => {
      const broken = await openLab();
      try {
        mkdirSync(join(broken.primary.directory, 'zone0.db.jnl'));
        write(broken.config());
        const { code, stdout } = await run('check');
        expect(stdout).toMatch(
          /SERVFAIL: see the primary's log: often its journal or the zone's directory is not writable/,
        );
        expect(code).toBe(1);
      } finally {
        await broken.stop();
      }
    });

    it('tells of every zone, also after one that failed', async () => {
      const closed = { name: 'closed.example.net', tsig_key: { name: ZONE, secret: lab.key.secret } };
      write(lab.config({ zones: [closed, { name: ZONE, tsig_key: lab.key.secret }] }));
      const { code, stdout } = await run('check');
      expect(stdout.split('\n').map((line) => line.split(':')[0])).toEqual(['INFO', 'DNS_SERVER_ERROR', 'INFO', '']);
      expect(code).toBe(1);
    });
  });

  describe('serve', () => {
    it('-p replaces the port of http.listen', async () => {
      const port = await freePort();
      const server = await startDyndns(lab.config({ http: { listen: ['127.0.0.1:1', '[::1]:1'] } }), {
        args: ['-p', String(port)],
      });
      expect(server.addresses).toEqual([`http://127.0.0.1:${port}`, `http://[::1]:${port}`]);
      expect((await server.ask('/')).body).toBe(`dyndns v${VERSION}\n`);
      await server.stop();
    });

    it('ends with 1 and names the port and the option where the port is taken', async () => {
      const first = await startDyndns(lab.config());
      write(lab.config());
      const { code, stderr } = await run('serve', '-p', String(first.port));
      expect(stderr.replace(/process \d+/, 'process PID')).toBe(
        `ERROR: Cannot listen on '127.0.0.1:${first.port}': node (process PID) listens on 127.0.0.1:${first.port}; stop it, or choose another port (option http.listen, or serve --port).\n`,
      );
      expect(code).toBe(1);
      await first.stop();
    });

    it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
      const server = await startDyndns(lab.config());
      server.process.signal(signal);
      expect(await server.process.ended).toBe(0);
      await server.stop();
    });

    it('warns of a file with secrets that everybody can read', async () => {
      const file = write(lab.config({ http: { listen: ['127.0.0.1:0'] } }));
      chmodSync(file, 0o644);
      const server = await startProcess({
        command: process.execPath,
        args: [MAIN, '-c', file, 'serve'],
        ready: (output) => output.includes('listening on'),
      });
      expect(server.output()).toContain('every user of this machine can read it');
      await server.stop();
    });
  });
});

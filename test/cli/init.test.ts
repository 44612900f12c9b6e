// `dyndns init`: what it writes and what it prints for BIND, for the parent zone and for the shell work together as they
// are, and it destroys nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory, zoneFileText } from '../support/primary-server.ts';
import { removeNow, runProgram, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

let directory: string;
beforeEach(() => {
  directory = freshDirectory('init');
});
afterEach(() => removeNow(directory));

const run = (...args: readonly string[]) => runDyndns(args, { cwd: directory });
const FLAGS = ['--zone', 'dyn.example.com', '--nameserver', '127.0.0.1', '--primary', 'bind'];
const fileOf = (name = '.dyndns.yml') => join(directory, name);
const mode = (file: string) => statSync(file).mode & 0o777;

describe('init', () => {
  it('with flags writes a file of mode 0600 with new secrets, and prints none of them but the key', async () => {
    const first = await run('init', ...FLAGS);
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(mode(fileOf())).toBe(0o600);
    const text = readFileSync(fileOf(), 'utf8');
    const secret = /^secret: '([0-9a-f]{32})'$/m.exec(text)?.[1] ?? '';
    const key = /tsig_key: '([^']+)'/.exec(text)?.[1] ?? '';
    expect(text).toContain('check: authenticated\n');
    expect(Buffer.from(key, 'base64')).toHaveLength(64);
    expect(first.stdout).not.toContain(secret);
    expect(first.stdout).toContain(`secret "${key}";`);
    await run('init', ...FLAGS, '--file', 'second.yml');
    const second = readFileSync(fileOf('second.yml'), 'utf8');
    expect(second).not.toContain(secret);
    expect(second).not.toContain(key);
  });

  it('with --admin also enables the dashboard, on a listener of its own, with a store for its users', async () => {
    expect((await run('init', ...FLAGS, '--admin')).code).toBe(0);
    const text = readFileSync(fileOf(), 'utf8');
    expect(text).toContain("store: 'sqlite:dyndns.db'\nadmin:\n  enabled: true\n  listen: ['127.0.0.1:54322']\n");
    const { code, stderr } = await run('config');
    expect([code, stderr]).toEqual([0, '']);
  });

  it('writes a file that `config` takes without a warning, for zones whose names look like other YAML too', async () => {
    for (const [index, zone] of [
      'dyn.example.com',
      'bücher.example',
      'null.example',
      '0x1f.example',
      'true.example',
      '1e3.example',
    ].entries()) {
      const file = `zone${index}.yml`;
      expect((await run('init', '-z', zone, '-n', '2001:db8::53', '--primary', 'knot', '-f', file)).code).toBe(0);
      const { code, stdout, stderr } = await run('-c', file, 'config');
      expect([code, stderr], zone).toEqual([0, '']);
      expect(stdout).toContain("nameserver: '2001:db8::53'");
    }
  });

  it('refuses to replace a file; --force replaces it and closes it to others', async () => {
    writeFileSync(fileOf(), 'kept', { mode: 0o644 });
    chmodSync(fileOf(), 0o644);
    const { code, stdout, stderr } = await run('init', ...FLAGS);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      'dyndns: The file .dyndns.yml exists. Use --force to replace it, or --file to write another one.\n',
    );
    expect(readFileSync(fileOf(), 'utf8')).toBe('kept');
    expect((await run('init', ...FLAGS, '--force')).code).toBe(0);
    expect(readFileSync(fileOf(), 'utf8')).toContain('tsig_key');
    expect(mode(fileOf())).toBe(0o600);
  });

  it('without a terminal says which flag is missing, and writes nothing', async () => {
    const { code, stdout, stderr } = await run('init', '--nameserver', '127.0.0.1');
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      'dyndns: --zone is missing, and there is no terminal to ask for it.\n',
    ]);
    expect(existsSync(fileOf())).toBe(false);
  });

  it.each([
    [['--zone', 'a..b'], /'a\.\.b' is not a zone name/],
    [['--zone', '*.example.com'], /zone/],
    [['--zone', 'home'], /'home' has a single label: write the full name of the zone/],
    [['--zone', 'dyn.example.com', '--ns', 'ns1'], /'ns1\.' has a single label, and a nameserver needs its full name/],
    [['--zone', 'dyn.example.com', '--nameserver', 'ns1.example.com'], /'ns1\.example\.com' is not an IP address/],
    [
      ['--zone', 'dyn.example.com', '--nameserver', '127.0.0.1', '--file', 'missing/dyndns.yml'],
      /missing\/dyndns\.yml/,
    ],
  ])('%j is refused with 2 and a reason', async (flags, text) => {
    const { code, stdout, stderr } = await run('init', ...flags);
    expect(stderr).toMatch(text);
    expect(stderr).not.toContain('    at ');
    expect([code, stdout]).toEqual([2, '']);
    expect(existsSync(fileOf())).toBe(false);
  });
});

/** Runs init on a terminal (script) and types the answers, each when a prompt for it has come. */
async function onTerminal(args: string, answers: readonly (readonly [prompt: string, answer: string])[]) {
  const answered = [...answers];
  const child = spawn('script', ['-qec', `${process.execPath} ${MAIN} init ${args}`, '/dev/null'], { cwd: directory });
  let output = '';
  let seen = 0;
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    const [prompt, answer] = answered[0] ?? [];
    if (prompt === undefined || !output.slice(seen).includes(prompt)) return;
    answered.shift();
    seen = output.length;
    child.stdin.write(answer);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('init on a terminal', () => {
  it('asks again after a bad answer, and keeps the others', async () => {
    const { code, output } = await onTerminal('--ns ns1.example.net --store d.db', [
      ['Zone', 'a..b\r'],
      ['Zone', 'dyn.example.com\r'],
      ['Mail address', 'me\r'],
      ['Mail address', 'me@example.com\r'],
      ['Enable the dashboard and HTTP API?', 'maybe\r'],
      ['Enable the dashboard and HTTP API?', '\r'],
    ]);
    expect(code, output).toBe(0);
    expect(output).toContain("'a..b' is not a zone name");
    expect(output).toContain("--contact: 'me' is not a mail address");
    expect(output).toContain("'maybe' is neither yes nor no.");
    expect(readFileSync(fileOf(), 'utf8')).toContain("contact: 'me@example.com'\n");
    expect(readFileSync(fileOf(), 'utf8')).not.toContain('admin');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s ends it with 130 and a new line, and nothing is written', async (_, key) => {
    const { code, output } = await onTerminal('', [['Zone', key]]);
    expect(code, output).toBe(130);
    expect(output).toContain('Zone (like dyn.example.com): ');
    expect(output.endsWith('\r\n')).toBe(true);
    expect(existsSync(fileOf())).toBe(false);
  });
});

describe.skipIf(process.getuid?.() !== 0 || MAIN.startsWith('/home/'))('init as root', () => {
  /** Runs init with another /etc, in a mount namespace of its own. */
  async function withEtc(more: { passwd?: string; group?: string }, ...args: readonly string[]) {
    mkdirSync(fileOf('etc/systemd/system'), { recursive: true });
    for (const name of ['passwd', 'group'] as const) {
      const others = readFileSync(`/etc/${name}`, 'utf8').replace(/^dyndns:.*\n/m, '');
      writeFileSync(fileOf(`etc/${name}`), others + (more[name] ?? ''));
    }
    const script = 'mount --bind "$1" /etc && shift && exec "$@"';
    const command = ['sh', fileOf('etc'), process.execPath, MAIN, 'init', ...args];
    return runProgram('unshare', ['--mount', 'sh', '-c', script, ...command], {
      cwd: directory,
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, dyndns_CONFIG_FILE: undefined },
    });
  }
  const embedded = ['-z', 'dyn.example.com', '-n', 'embedded', '--address', '192.0.2.1'];
  const etc = (name: string) => readFileSync(fileOf(`etc/${name}`), 'utf8');

  it('with the user of the package, writes /etc/dyndns.yml for its group, with the data in /var/lib', async () => {
    const service = { passwd: 'dyndns:x:990:991::/:/bin/false\n', group: 'dyndns:x:991:\n' };
    const { code, stdout, stderr } = await withEtc(service, ...embedded);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Wrote /etc/dyndns.yml (mode 640).\n');
    expect(stdout).toContain('\n  systemctl enable --now dyndns\n');
    expect(etc('dyndns.yml')).toContain("store: 'sqlite:/var/lib/dyndns/dyndns.db'\n");
    const { uid, gid } = statSync(fileOf('etc/dyndns.yml'));
    expect([uid, gid, mode(fileOf('etc/dyndns.yml'))]).toEqual([0, 991, 0o640]);
  });

  it('--https --service writes secrets, unit and drop-in of this installation', async () => {
    const https = ['--https', 'ns1.dyn.example.com', '--contact', 'me@example.com', '--service'];
    const { code, stdout, stderr } = await withEtc({}, ...embedded, ...https);
    expect(code, stderr).toBe(0);
    const written = [...stdout.matchAll(/^Wrote (\S+?)\.?(?: |$)/gm)].map(([, file]) => file);
    const unit = '/etc/systemd/system/dyndns.service';
    expect(written).toEqual(['/etc/dyndns.yml', '/etc/dyndns/secret', unit, `${unit}.d/10-init.conf`]);
    expect(stdout).toContain('\n  systemctl daemon-reload && systemctl enable --now dyndns\n');
    const secret = etc('dyndns/secret').trim();
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(etc('dyndns.yml') + stdout).not.toContain(secret);
    expect([mode(fileOf('etc/dyndns/secret')), mode(fileOf('etc/dyndns.yml'))]).toEqual([0o600, 0o644]);
    expect(etc('dyndns.yml')).toContain("      email: 'me@example.com'\n");
    expect(etc('systemd/system/dyndns.service')).toContain(`${MAIN} --config /etc/dyndns.yml serve\n`);
    expect(etc('systemd/system/dyndns.service')).toMatch(new RegExp(`^ExecStart=${process.execPath} `, 'm'));
    expect(etc('systemd/system/dyndns.service.d/10-init.conf')).toContain(
      'LoadCredential=\nLoadCredential=secret:/etc/dyndns/secret\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n',
    );
    const again = await withEtc({}, ...embedded, ...https, '--file', 'other.yml');
    expect([again.code, again.stderr]).toEqual([2, `dyndns: The unit ${unit} exists. Use --force to replace it.\n`]);
  });
});

it('writes the file that dyndns_CONFIG_FILE names', async () => {
  const env = { ...process.env, dyndns_CONFIG_FILE: fileOf('named.yml') };
  const { code, stdout } = await runDyndns(['init', ...FLAGS], { cwd: directory, env });
  expect([code, stdout.split('\n')[0]]).toEqual([0, `Wrote ${fileOf('named.yml')} (mode 600).`]);
});

describeWith([...BIND_PROGRAMS, { command: 'named-checkconf', debianPackage: 'bind9-utils' }], 'init and BIND', () => {
  it('the printed part of named.conf is valid, and the written configuration changes the zone with it', async () => {
    const { stdout } = await run('init', ...FLAGS);
    const [, snippet = ''] = /\n( {2}key "[\s\S]*?\n {2}\};\n {2}zone "[\s\S]*?\n {2}\};\n)/.exec(stdout) ?? [];
    const zoneFile = '/var/lib/bind/dyn.example.com.zone';
    expect(snippet).toContain(zoneFile);
    mkdirSync(fileOf('zones'));
    writeFileSync(fileOf('zones/zone'), zoneFileText({ name: 'dyn.example.com' }));
    const mapped = snippet.replace(zoneFile, fileOf('zones/zone'));
    writeFileSync(fileOf('named.conf.local'), mapped);
    const checked = await runProgram('named-checkconf', [fileOf('named.conf.local')]);
    expect([checked.code, checked.stdout, checked.stderr]).toEqual([0, '', '']);
    const primary = await startBind({
      keys: [],
      zones: [{ name: 'dyn.example.com' }],
      configure: (text) => text.slice(0, text.indexOf('zone "')) + mapped,
    });
    try {
      const env = { ...process.env, DYNDNS_PORT: String(primary.port) };
      const checkedZone = await runDyndns(['check'], { cwd: directory, env });
      expect(checkedZone.stdout).toContain('INFO: The update check passed');
      const updated = await runDyndns(['update', 'home.dyn.example.com', '192.0.2.1'], { cwd: directory, env });
      expect([updated.code, updated.stderr]).toEqual([0, '']);
      expect((await dig(primary, ['home.dyn.example.com', 'A'])).short).toEqual(['192.0.2.1']);
    } finally {
      await primary.stop();
    }
  });
});

const EMBEDDED = ['--zone', 'dyn.example.com', '--nameserver', 'embedded', '--address', '192.0.2.10,2001:db8::10'];

/** What init printed for the parent: the lines that are indented, up to the next sentence. */
const parentLines = (printed: string) => /\n\n((?: {2}\S+ IN .*\n)+)/.exec(printed)?.[1] ?? 'nothing';

describe('init of an embedded zone', () => {
  it('writes a file that `config` takes without a warning, with the presets for what no flag says', async () => {
    const { code, stderr, stdout } = await run('init', ...EMBEDDED);
    expect([code, stderr]).toEqual([0, '']);
    expect(mode(fileOf())).toBe(0o600);
    const config = await run('config');
    expect([config.code, config.stderr]).toEqual([0, '']);
    const values = config.stdout.split('\n').map((line) => line.replace(/ +# .*/, '').trim());
    expect(values).toEqual(
      expect.arrayContaining([
        "secret: '[secret]'",
        'check: authenticated',
        "store: 'sqlite:dyndns.db'",
        'nameserver: embedded',
        'ns: [ns1.dyn.example.com.]',
        "contact: 'hostmaster@dyn.example.com'",
        String.raw`records: "ns1.dyn.example.com. IN A 192.0.2.10\nns1.dyn.example.com. IN AAAA 2001:db8::10\n"`,
      ]),
    );
    const secret = /^secret: '([0-9a-f]{32})'$/m.exec(readFileSync(fileOf(), 'utf8'))?.[1] ?? '';
    expect(secret).not.toBe('');
    expect(stdout).not.toContain(secret);
  });

  it('prints the NS record and the glue for the parent, and what to know about port 53', async () => {
    const { stdout } = await run('init', ...EMBEDDED, '--ns', 'ns1.dyn.example.com', 'ns2.example.net');
    expect(stdout).toContain("Add to the zone 'example.com.', at its primary:\n");
    expect(parentLines(stdout)).toBe(`  dyn.example.com. IN NS ns1.dyn.example.com.
  dyn.example.com. IN NS ns2.example.net.
  ns1.dyn.example.com. IN A 192.0.2.10
  ns1.dyn.example.com. IN AAAA 2001:db8::10
`);
    for (const word of ['CAP_NET_BIND_SERVICE', 'systemd-resolved', 'serve\n']) expect(stdout).toContain(word);
    const top = await run('init', ...EMBEDDED, '--zone', 'example.com', '--force');
    expect(top.stdout).toContain('Enter the nameservers and their addresses (glue) at your registrar:\n');
  });

  it('needs no address where its nameserver lies elsewhere', async () => {
    const { code, stdout } = await run('init', '-z', 'dyn.example.com', '--ns', 'ns1.example.net');
    expect(code).toBe(0);
    expect(parentLines(stdout)).toBe('  dyn.example.com. IN NS ns1.example.net.\n');
    expect(readFileSync(fileOf(), 'utf8')).not.toContain('records');
    expect((await run('config')).stderr).toBe('');
  });

  it.each([
    [
      ['--zone', 'dyn.example.com', '--nameserver', 'embedded'],
      '--address is missing, and there is no terminal to ask for it.',
    ],
    [[...EMBEDDED, '--primary', 'bind'], '--primary is for a remote primary, and the zone is embedded.'],
    [[...FLAGS, '--ns', 'ns1.example.net'], '--ns is for embedded zones, and the primary is 127.0.0.1.'],
    [
      [...EMBEDDED, '--ns', 'ns1.example.net'],
      "--address: 'ns1.example.net.' is not in the zone, which cannot have its address.",
    ],
    [
      [...EMBEDDED, '--ns', 'ns1.dyn.example.com,ns2.dyn.example.com'],
      "--ns: 'ns2.dyn.example.com.' is in the zone, and only the address of the first nameserver is asked for here. Leave it out, then add it to `ns` and its address to `records` in the file.",
    ],
    [[...EMBEDDED, '--ns', ' '], '--ns: a zone needs at least one nameserver.'],
    [
      [...EMBEDDED, '--contact', 'hostmaster'],
      "--contact: 'hostmaster' is not a mail address, like hostmaster@example.com.",
    ],
    [['-z', 'dyn.example.com', '--address', 'ns1'], "--address: 'ns1' is not an IPv4 or IPv6 address."],
  ])('%j is refused with 2 and a reason, and nothing is written', async (flags, text) => {
    const { code, stdout, stderr } = await run('init', ...flags);
    expect([code, stdout, stderr]).toEqual([2, '', `dyndns: ${text}\n`]);
    expect(existsSync(fileOf())).toBe(false);
  });
});

describeWith(
  [...BIND_PROGRAMS, { command: 'named-checkzone', debianPackage: 'bind9-utils' }],
  'init of an embedded zone and the world',
  () => {
    it('the printed lines are right in the file of the parent zone, with its glue', async () => {
      const { stdout } = await run('init', ...EMBEDDED);
      const lines = parentLines(stdout).replace(/^ +/gm, '');
      writeFileSync(fileOf('parent.zone'), zoneFileText({ name: 'example.com' }) + lines);
      const { code, stdout: checked } = await runProgram('named-checkzone', [
        ...['-i', 'full-sibling', '-D'],
        ...['example.com', fileOf('parent.zone')],
      ]);
      expect(code, checked).toBe(0);
      expect(checked).toMatch(/^dyn\.example\.com\.\s+\d+\s+IN\s+NS\s+ns1\.dyn\.example\.com\.$/m);
    });

    it('the written configuration serves the zone', async () => {
      expect((await run('init', ...EMBEDDED, '--ns', 'ns1.dyn.example.com,ns2.example.net')).code).toBe(0);
      const port = await freePort();
      const env = {
        ...process.env,
        DYNDNS_DNS_LISTEN: `127.0.0.1:${port}`,
        DYNDNS_HTTP_LISTEN: '127.0.0.1:0',
      };
      const server = await startProcess({
        command: process.execPath,
        args: [MAIN, 'serve'],
        cwd: directory,
        env,
        ready: (output) => output.includes('listening on http'),
      });
      try {
        const asked = async (...question: string[]) => [...(await dig({ host: '127.0.0.1', port }, question)).short];
        expect((await asked('dyn.example.com', 'NS')).sort()).toEqual(['ns1.dyn.example.com.', 'ns2.example.net.']);
        expect(await asked('ns1.dyn.example.com', 'A')).toEqual(['192.0.2.10']);
        expect(await asked('ns1.dyn.example.com', 'AAAA')).toEqual(['2001:db8::10']);
        expect((await asked('dyn.example.com', 'SOA'))[0]).toMatch(
          /^ns1\.dyn\.example\.com\. hostmaster\.dyn\.example\.com\. \d+ 3600 600 1209600 60$/,
        );
      } finally {
        await server.stop();
      }
    });
  },
);

// `dyndns init`: what it writes and what it prints for BIND work together as they are, and it destroys nothing.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { freshDirectory, zoneFileText } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
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

  it('writes a file that `config` takes without a warning, for zones whose names look like other YAML too', async () => {
    for (const [index, zone] of [
      'dyn.example.com',
      'bücher.example',
      'null',
      '0x1f',
      'true',
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
      'dyndns: The file .dyndns.yml exists. Use --force to replace it, or --file to name another one.\n',
    );
    expect(readFileSync(fileOf(), 'utf8')).toBe('kept');
    expect((await run('init', ...FLAGS, '--force')).code).toBe(0);
    expect(readFileSync(fileOf(), 'utf8')).toContain('tsig_key');
    expect(mode(fileOf())).toBe(0o600);
  });

  it('without a terminal says which flag is missing, and writes nothing', async () => {
    const { code, stdout, stderr } = await run('init', '--nameserver', '127.0.0.1');
    expect([code, stdout, stderr]).toEqual([2, '', 'dyndns: --zone is missing, and there is nobody to ask.\n']);
    expect(existsSync(fileOf())).toBe(false);
  });

  it.each([
    [['--zone', 'a..b'], /'a\.\.b' is no zone name/],
    [['--zone', '*.example.com'], /zone/],
    [['--zone', 'dyn.example.com', '--nameserver', 'ns1.example.com'], /'ns1\.example\.com' is no IP address/],
    [['--zone', 'dyn.example.com', '--file', 'missing/dyndns.yml'], /missing\/dyndns\.yml/],
  ])('%j is refused with 2 and a reason', async (flags, text) => {
    const { code, stdout, stderr } = await run('init', ...flags);
    expect(stderr).toMatch(text);
    expect(stderr).not.toContain('    at ');
    expect([code, stdout]).toEqual([2, '']);
    expect(existsSync(fileOf())).toBe(false);
  });
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

/** The .ipk, unpacked as opkg does: tar and gzip. The installed script runs and names what its configuration misses. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runOrThrow } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { makeRouter, ROUTER_PROGRAMS } from './router.ts';

const folder = mkdtempSync(join(tmpdir(), 'dyndns-ipk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILES = [
  './etc/config/dyndns',
  './usr/bin/dyndns-update-script.sh',
  './usr/share/ddns/custom/dyndns-prefix.json',
  './usr/share/ddns/custom/dyndns.json',
];

describeWith(ROUTER_PROGRAMS, 'npm run package ipk', () => {
  it('makes the same package twice, with the files of openwrt/', async () => {
    const make = async () => {
      const stdout = await runOrThrow('npm', ['run', '--silent', 'package', 'ipk'], { cwd: REPOSITORY });
      const file = join(REPOSITORY, /^(packages\/dyndns-update-script_.*_all\.ipk) /m.exec(stdout)![1]!);
      return { file, octets: readFileSync(file) };
    };
    const { file, octets } = await make();
    expect((await make()).octets.equals(octets)).toBe(true);
    const tar = (...args: readonly string[]) => runOrThrow('tar', args, { cwd: folder });
    expect((await tar('-xvzf', file)).split('\n')).toEqual(
      expect.arrayContaining(['./debian-binary', './control.tar.gz', './data.tar.gz']),
    );
    await tar('-xzf', 'control.tar.gz');
    expect(readFileSync(join(folder, 'control'), 'utf8')).toMatch(
      /^Package: dyndns-update-script\nVersion: \S+-1\nArch/,
    );
    expect(readFileSync(join(folder, 'conffiles'), 'utf8')).toBe('/etc/config/dyndns\n');
    const listed = (await tar('-xvzf', 'data.tar.gz')).trimEnd().split('\n');
    expect(listed.filter((path) => !path.endsWith('/'))).toEqual(FILES);
    expect(statSync(join(folder, 'etc/config/dyndns')).mode & 0o777).toBe(0o600);
  });

  it('the installed script reads the installed configuration', async () => {
    const router = makeRouter({ shell: 'busybox ash', transports: ['curl'] });
    try {
      const script = join(folder, 'usr/bin/dyndns-update-script.sh');
      const environment = { DYNDNS_UCI_DIR: join(folder, 'etc/config') };
      const empty = await router.run(['-4', 'home'], environment, script);
      expect([empty.code, empty.stderr]).toEqual([8, expect.stringContaining('SERVER')]);
    } finally {
      router.remove();
    }
  });
});

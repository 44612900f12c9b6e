/**
 * `npm run package` in a copy of the checkout without dist and node_modules: the tarball installs and serves, the Debian package has the
 * files and the control data that it should, and all are the same octets when made again. Whole systems: scripts/package-tests.mjs.
 */

import { Resolver } from 'node:dns/promises';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyCheckout } from '../support/checkout.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runOrThrow, runProgram, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { testDirectory } from '../support/test-directory.ts';

const WAIT_MS = 240_000;
const VERSION = (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }).version;
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:VITEST|npm_|TEST$|NODE_ENV$)/.test(name))),
  SOURCE_DATE_EPOCH: '1700000000',
};

let checkout: string;
const made = (name: string) => join(checkout, 'packages', name);

/** Makes packages in the copy. */
async function makePackages(command: string): Promise<void> {
  await runOrThrow('sh', ['-c', command], { cwd: checkout, env: ENV, timeoutMs: WAIT_MS });
}

beforeAll(async () => {
  checkout = freshDirectory('package');
  copyCheckout(checkout);
  rmSync(join(checkout, 'node_modules'), { recursive: true });
  await makePackages('npm run --silent package tgz sbom');
}, WAIT_MS);

afterAll(() => removeNow(checkout));

describe('npm run package', { timeout: WAIT_MS }, () => {
  it('leaves no dist behind, and names the checksums of its files', async () => {
    expect(existsSync(join(checkout, 'dist'))).toBe(false);
    const files = readdirSync(join(checkout, 'packages')).sort();
    expect(files).toEqual(['SHA256SUMS', `dyndns-${VERSION}.cdx.json`, `dyndns-${VERSION}.tgz`]);
    const { code } = await runProgram('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(checkout, 'packages') });
    expect(code).toBe(0);
  });

  it('makes the same octets again, with another umask', async () => {
    const before = readFileSync(made('SHA256SUMS'), 'utf8');
    await makePackages('umask 077; npm run --silent package tgz sbom');
    expect(readFileSync(made('SHA256SUMS'), 'utf8')).toBe(before);
  });

  it('refuses a kind that it does not know', async () => {
    const { code, stderr } = await runProgram('npm', ['run', '--silent', 'package', 'rpm'], {
      cwd: checkout,
      env: ENV,
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^\[tgz.*\] must be one of tgz, .*, not 'rpm'\.\nUsage:/),
    ]);
  });

  it('sbom: lists every package of a production installation', () => {
    const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; version: string }>;
    };
    const locked = Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== '' && !dev)
      .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
    const sbom = JSON.parse(readFileSync(made(`dyndns-${VERSION}.cdx.json`), 'utf8')) as {
      components: { name: string; version: string }[];
    };
    const listed = sbom.components.map(({ name, version }) => `${name}@${version}`);
    expect([...new Set(listed)].sort()).toEqual([...new Set(locked)].sort());
  });

  it('tgz: a global installation serves an update and a query', async () => {
    const prefix = testDirectory('global');
    const flags = ['--global', '--ignore-scripts', '--prefer-offline', '--no-audit', `--prefix=${prefix}`];
    await runOrThrow('npm', ['install', ...flags, made(`dyndns-${VERSION}.tgz`)], { env: ENV, timeoutMs: WAIT_MS });
    const directory = join(prefix, 'state');
    mkdirSync(directory);
    const [httpPort, dnsPort] = [await freePort(), await freePort()];
    const config = {
      secret: 'secret12',
      http: { listen: [`127.0.0.1:${httpPort}`] },
      dns: { listen: [`127.0.0.1:${dnsPort}`] },
      store: 'sqlite:dyndns.db',
      zones: [{ name: 'example.com', nameserver: 'embedded', ns: ['ns.example.net'] }],
    };
    writeFileSync(join(directory, 'dyndns.yml'), JSON.stringify(config), { mode: 0o600 });
    const server = await startProcess({
      command: join(prefix, 'bin/dyndns'),
      args: ['--config', join(directory, 'dyndns.yml'), 'serve'],
      cwd: directory,
      env: ENV,
      ready: (output) => output.includes('listening on http'),
    });
    try {
      const answer = await ask(
        { port: httpPort },
        '/update-by-query?secret=secret12&fqdn=a.example.com&ip_1=192.0.2.7',
      );
      expect(answer.body).toContain('UPDATED');
      const resolver = new Resolver();
      resolver.setServers([`127.0.0.1:${dnsPort}`]);
      expect(await resolver.resolve4('a.example.com')).toEqual(['192.0.2.7']);
    } finally {
      await server.stop();
    }
  });
});

describe('bin/dyndns.js', () => {
  const bin = join(REPOSITORY, 'bin/dyndns.js');
  const withVersion = (version: string) => {
    const script = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); import(${JSON.stringify(bin)})`;
    return runProgram(process.execPath, ['-e', script, 'x', '--version']);
  };

  it('says in one line which Node.js is needed, before it loads anything', async () => {
    for (const old of ['12.22.12', '18.20.8', '20.18.3']) {
      const { code, stdout, stderr } = await withVersion(old);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^dyndns needs Node\.js 20\.19 or newer, and this is \S+: .* https:\/\/nodejs\.org\/.*\n$/,
      );
      expect(stderr).toContain(old);
    }
  });

  it('loads the program on the versions that package.json names', async () => {
    const { engines } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).toBe('>=20.19 <27');
    for (const version of ['20.19.0', '22.0.0', '26.1.0']) {
      const { stderr } = await withVersion(version);
      expect(stderr).not.toContain('needs Node.js');
    }
  });
});

describeWith([{ command: 'dpkg-deb', debianPackage: 'dpkg' }], 'the Debian package', () => {
  let root: string;
  let file: string;

  beforeAll(async () => {
    const script = "import('./packaging/deb.mjs').then(({ make }) => make([['dyndns', 'amd64']]))";
    await makePackages(`mkdir -p packages && node -e "${script}"`);
    file = made(`dyndns_${VERSION.replace('-', '~')}_amd64.deb`);
    root = freshDirectory('debian');
    await runOrThrow('dpkg-deb', ['-x', file, root]);
  }, WAIT_MS);

  afterAll(() => removeNow(root));

  const text = (path: string) => readFileSync(join(root, path), 'utf8');

  it('its version sorts before the release, and it replaces the one with its own Node.js', async () => {
    const control = await runOrThrow('dpkg-deb', ['--field', file]);
    expect(control).toContain(`Version: ${VERSION.replace('-', '~')}\n`);
    expect(control).toMatch(/^Depends: nodejs \(>= 20\.19\), /m);
    expect(control).toMatch(/^Conflicts: dyndns-bundled$/m);
    expect(control).toMatch(/^Replaces: dyndns-bundled$/m);
  });

  it('all files belong to root and have the time of the release', async () => {
    const lines = (await runOrThrow('dpkg-deb', ['--contents', file])).trim().split('\n');
    expect(lines.filter((line) => !/^\S+ root\/root +\d+ 2023-11-14 /.test(line))).toEqual([]);
  });

  it('has the program, units, manual, completions and documents', () => {
    expect(readlinkSync(join(root, 'usr/bin/dyndns'))).toBe('../lib/dyndns/bin/dyndns.js');
    for (const path of [
      'usr/lib/dyndns/dist/cli/main.js',
      'usr/lib/systemd/system/dyndns@.service',
      'usr/lib/sysusers.d/dyndns.conf',
      'usr/share/man/man1/dyndns.1.gz',
      'usr/share/man/man5/dyndns.yml.5.gz',
      'usr/share/bash-completion/completions/dyndns',
      'usr/share/zsh/vendor-completions/_dyndns',
      'usr/share/doc/dyndns/copyright',
      'usr/share/doc/dyndns/docs/configuration.md',
      'usr/share/doc/dyndns/deploy/nginx/dyndns.conf',
    ])
      expect(existsSync(join(root, path)), path).toBe(true);
    const prebuilt = readdirSync(join(root, 'usr/lib/dyndns/node_modules/@photostructure/sqlite/prebuilds'));
    expect(prebuilt).toEqual(['linux-x64']);
  });

  it('its unit runs the packaged program as the user dyndns, may open port 53, and needs no credentials', () => {
    const unit = text('usr/lib/systemd/system/dyndns.service');
    expect(unit).toMatch(
      /^ExecStart=\/usr\/bin\/node .*\/usr\/lib\/dyndns\/dist\/cli\/main\.js --config \/etc\/dyndns\.yml serve$/m,
    );
    expect(unit).toMatch(/^User=dyndns$/m);
    expect(unit).toMatch(/^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
    expect(unit).not.toMatch(/^(?:DynamicUser|PrivateUsers|LoadCredential|SetCredential)=|\/usr\/local/m);
  });

  it('the program runs from the folder where it was unpacked', async () => {
    const { stdout } = await runProgram(process.execPath, [join(root, 'usr/bin/dyndns'), '--version']);
    expect(stdout).toContain(VERSION);
  });

  it('bash completes commands, their options, and files', async () => {
    const script = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dyndns; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const complete = async (...words: readonly string[]) => {
      const source = join(root, 'usr/share/bash-completion/completions/dyndns');
      return (await runOrThrow('bash', ['-c', script, 'bash', source, 'dyndns', ...words])).trim().split('\n');
    };
    expect(await complete('tok')).toEqual(['token']);
    expect(await complete('-c', '/etc/x.yml', 'token', 'cr')).toEqual(['create']);
    expect(await complete('token', 'create', '--ho')).toEqual(['--host']);
    expect(await complete('backup', '/etc/hostn')).toEqual(['/etc/hostname']);
  });

  it('the manual names every command and every option of the configuration', async () => {
    const manual = async (path: string) => await runOrThrow('gzip', ['-dc', join(root, path)]);
    const commands = await manual('usr/share/man/man1/dyndns.1.gz');
    for (const command of ['serve', 'token create', 'zone import', 'history purge'])
      expect(commands).toContain(`.SS "dyndns ${command}`);
    expect(await manual('usr/share/man/man5/dyndns.yml.5.gz')).toContain('\\fBhttp.listen\\fR');
  });

  it('its scripts are valid', async () => {
    for (const script of ['postinst', 'prerm', 'postrm']) {
      await runOrThrow('sh', ['-n', join(REPOSITORY, 'packaging/debian', script)]);
    }
  });
});

/**
 * The shared libraries that Node.js needs, from the packages of this machine's Debian release, for any architecture. apt checks
 * their signatures. It works in a folder of its own and leaves the package lists of the machine as they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFolder } from '../release.mjs';
import { readTar } from './tar.mjs';

/**
 * What `readelf -d` names for Node.js and for SQLite's native file. Node.js has its own certificates and time zones. The packages
 * of the compiler's libraries have their licence in a further one, gcc-VERSION-base.
 */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6'];

/** Character sets and debuggers' files are not used. */
const UNUSED = /\/(?:gconv|audit)(?:\/|$)|\.py$/;

/**
 * @param architecture `amd64` or `arm64`
 * @returns entries for an archive, and the packages as `NAME=VERSION`
 */
export function debianLibraries(architecture) {
  return withFolder((folder) => {
    download(architecture, folder);
    const entries = [];
    const versions = [];
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.deb'))
      .sort()) {
      const path = join(folder, file);
      const control = execute('dpkg-deb', ['--info', path, 'control'], folder);
      const [name, version] = ['Package', 'Version'].map(
        (field) => new RegExp(`^${field}: (.*)$`, 'm').exec(control)[1],
      );
      versions.push(`${name}=${version}`);
      entries.push(...usedFiles(readTar(execute('dpkg-deb', ['--fsys-tarfile', path], folder, 'buffer'))));
      // Scanners for vulnerable packages read this.
      entries.push({ path: `var/lib/dpkg/status.d/${name}`, kind: 'file', content: Buffer.from(control) });
    }
    entries.push({ path: 'etc/os-release', kind: 'file', content: readFileSync('/usr/lib/os-release') });
    return { entries, versions };
  });
}

function download(architecture, folder) {
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, part), { recursive: true });
  const status = join(folder, 'state', 'status');
  writeFileSync(status, '');
  const settings = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State=${join(folder, 'state')}`,
    `Dir::State::status=${status}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'APT::Sandbox::User=root',
    'APT::Update::Post-Invoke=',
  ].flatMap((setting) => ['-o', setting]);
  const apt = (...args) => execute('apt-get', [...settings, '-qq', ...args], folder);
  apt('update');
  apt('download', ...PACKAGES);
  const compiler = readdirSync(folder).find((name) => name.startsWith('libgcc-s1_'));
  const depends = execute('dpkg-deb', ['--field', join(folder, compiler), 'Depends'], folder);
  apt('download', /gcc-\d+-base/.exec(depends)[0]);
}

/** Libraries below usr/lib, where /lib and /lib64 lead to, and licences. */
function usedFiles(entries) {
  return entries
    .filter(({ path, kind }) => kind !== 'folder' && !UNUSED.test(path))
    .filter(
      ({ path }) => /^(?:usr\/)?lib(?:32|64)?\//.test(path) || /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/.test(path),
    )
    .map(({ path, kind, mode, content, target }) => {
      const place = path.replace(/^lib/, 'usr/lib');
      return { path: place, kind, mode, content: Buffer.from(content), target };
    });
}

function execute(command, args, cwd, encoding = 'utf8') {
  const result = spawnSync(command, args, { cwd, encoding, maxBuffer: 1e9 });
  if (result.status === 0) return result.stdout;
  const reason = result.error?.message ?? String(result.stderr);
  throw new Error(`The image needs Debian's apt-get and dpkg-deb: ${command} ${args.at(-1)} failed: ${reason}`);
}

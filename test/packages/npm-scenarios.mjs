/**
 * The npm tarball as a global installation, on each Node.js that the program supports and on one that is too old. npm's own packages of
 * Node.js bring the versions.
 */
import { strict as assert } from 'node:assert';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch, env } from 'node:process';
import { productionPackages } from '../../packaging/program.mjs';
import { OUTPUT, VERSION } from '../../packaging/release.mjs';
import { make } from '../../packaging/tgz.mjs';
import { execute } from './machine.mjs';

const SUPPORTED = ['20', '24', '26'];
const TOO_OLD = '18';

export function npmScenarios() {
  return [{ name: 'npm install --global', run: npmInstallations }];
}

function must({ code, output }) {
  assert.equal(code, 0, output);
  return output;
}

/** Downloads and unpacks a version of Node.js. @returns its folder of programs */
function nodeOf(major, folder) {
  const place = join(folder, `node-${major}`);
  mkdirSync(place);
  const archive = must(execute('npm', ['pack', '--silent', `node-linux-${arch}@${major}`], { cwd: place }))
    .trim()
    .split('\n')
    .at(-1);
  must(execute('tar', ['-xzf', archive, '--strip-components=1', 'package/bin/node'], { cwd: place }));
  return join(place, 'bin');
}

/** npm of this computer, run by another Node.js. */
function npm(bin, ...args) {
  const cli = env.npm_execpath ?? join(must(execute('npm', ['root', '--global'])).trim(), 'npm/bin/npm-cli.js');
  return execute(join(bin, 'node'), [cli, ...args], withPath(bin));
}

function withPath(bin) {
  return { env: { ...env, PATH: `${bin}:${env.PATH}` } };
}

/** Every installed package: path -> version. */
function installedTree(modules, before = 'node_modules') {
  return readdirSync(modules).flatMap((name) => {
    if (name.startsWith('.')) return [];
    const path = join(modules, name);
    if (name.startsWith('@')) return installedTree(path, `${before}/${name}`);
    const { version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const below = readdirSync(path).includes('node_modules')
      ? installedTree(join(path, 'node_modules'), `${before}/${name}/node_modules`)
      : [];
    return [[`${before}/${name}`, version], ...below];
  });
}

function lockedTree() {
  return productionPackages().map(([path, { version }]) => [path, version]);
}

const sorted = (tree) => tree.map((entry) => entry.join(' ')).sort();

function checkInstallation(bin, prefix, flags) {
  const tarball = join(OUTPUT, `dyndns-${VERSION}.tgz`);
  must(npm(bin, 'install', '--global', '--no-audit', '--no-fund', `--prefix=${prefix}`, ...flags, tarball));
  const modules = join(prefix, 'lib/node_modules/dyndns/node_modules');
  assert.deepEqual(sorted(installedTree(modules)), sorted(lockedTree()));
  // A compiler would write there.
  assert.ok(!readdirSync(join(modules, '@photostructure/sqlite')).includes('build'));
  assert.equal(must(execute(join(prefix, 'bin/dyndns'), ['--version'], withPath(bin))).split(/[ \n]/)[0], VERSION);
  return `${lockedTree().length} packages`;
}

async function npmInstallations(step, folder) {
  const safe = join(folder, 'global');
  await step('the tarball is made', () => make());
  for (const major of SUPPORTED) {
    let bin;
    await step(`Node.js ${major}: npm install --global --ignore-scripts: the tree is that of the lock file`, () => {
      bin = nodeOf(major, folder);
      return checkInstallation(bin, safe, ['--ignore-scripts']);
    });
    // The slower half; the same script runs on every version.
    if (major !== SUPPORTED[0]) continue;
    await step(`Node.js ${major}: without --ignore-scripts nothing is compiled`, () =>
      checkInstallation(bin, join(folder, `scripts-${major}`), ['--ignore-scripts=false']),
    );
  }
  await step(`Node.js ${TOO_OLD}: one line says which version is needed`, () => {
    const { code, output } = execute(join(nodeOf(TOO_OLD, folder), 'node'), [join(safe, 'bin/dyndns')]);
    assert.equal(code, 1);
    assert.match(output, /^dyndns needs Node\.js 20\.19 or newer, and this is 18\.\S+: .*https:\/\/nodejs\.org\/.*\n$/);
  });
}

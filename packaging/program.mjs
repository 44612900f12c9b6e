/**
 * Stages the program as it is installed: `stageProgram` writes the files of the npm package (with a build of its own, whatever
 * state dist/ is in), `stageModules` the production packages of the lock file without what a run does not need.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { root, run } from '../scripts/prepare.mjs';
import { EPOCH, MANIFEST } from './release.mjs';

/** Writes the files that package.json lists, and package.json without what only a checkout uses. */
export function stageProgram(folder) {
  const { devDependencies, scripts, overrides, imports, ...manifest } = MANIFEST;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const name of MANIFEST.files) {
    if (existsSync(join(root, name)) && name !== 'dist')
      cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')]);
  run(execPath, [join('scripts', 'web.mjs'), join(folder, 'dist')]);
  run(execPath, [join('scripts', 'commit.mjs'), join(folder, 'dist')]);
  rmSync(join(folder, 'dist', 'docs'), { recursive: true });
}

/** The packages of the lock file that a production installation has: path below the project -> entry. */
export function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.dev);
}

/** The lock file without development packages. */
export function productionLock() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { devDependencies, bin, ...project } = lock.packages[''];
  // Development packages want some of these too, which is of no interest here.
  const packages = productionPackages().map(([path, { devOptional, ...entry }]) => [path, entry]);
  return { ...lock, packages: { '': project, ...Object.fromEntries(packages) } };
}

/** What a package may have beside code and licence, at its top. */
const UNUSED_FOLDERS =
  /^(?:\.github|\.vscode|\.nyc_output|benchmarks?|docs?|examples?|integration|scripts|tools|src|tests?|types|typings)$/;
const UNUSED_FILES = /(?:\.(?:map|d\.[cm]?ts|ts|md|markdown|html|flow|gyp|gypi|ya?ml|tsbuildinfo)|^\.[a-z].*)$/i;
/** Prebuilt files for Alpine Linux, beside those for every other distribution. */
const OTHER_LIBC = /\.musl\.node$/;
const LICENCE = /^(?:licen[cs]e|copying|notice)/i;

export const ALL_PLATFORMS = 'all';

/**
 * Copies the production packages into FOLDER/node_modules.
 * @param platform the one folder of SQLite's prebuilt files to include, for glibc; or ALL_PLATFORMS, with the commands of the
 * packages, which npm links
 */
export function stageModules(folder, platform = 'linux-x64') {
  for (const [path, entry] of productionPackages()) {
    const source = join(root, path);
    const { version, main, exports } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    if (version !== entry.version)
      throw new Error(`${path} has version ${version}; package-lock.json has ${entry.version}.`);
    // A package may load its code from src.
    const entries = JSON.stringify([main ?? '', exports ?? '']);
    copyUsed(
      source,
      join(folder, path),
      (name) => UNUSED_FOLDERS.test(name) && !entries.includes(`${name}/`),
      platform,
    );
  }
}

function copyUsed(source, target, isUnusedFolder, platform) {
  mkdirSync(target, { recursive: true });
  for (const item of readdirSync(source, { withFileTypes: true })) {
    const from = join(source, item.name);
    const to = join(target, item.name);
    if (item.isDirectory()) {
      if (item.name === 'node_modules' || item.name.startsWith('.') || isUnusedFolder(item.name)) continue;
      if (source.endsWith('prebuilds') && ![item.name, ALL_PLATFORMS].includes(platform)) continue;
      copyUsed(from, to, () => false, platform);
    } else if (isUsed(from, item.name, platform)) cpSync(from, to);
  }
}

function isUsed(path, name, platform) {
  if (LICENCE.test(name)) return true;
  if (UNUSED_FILES.test(name)) return false;
  return platform === ALL_PLATFORMS || !(OTHER_LIBC.test(name) || isScript(path));
}

/** A command of an npm package, which nothing imports. */
function isScript(path) {
  return readFileSync(path).subarray(0, 2).toString() === '#!';
}

/** Gives every file below `folder` the time of the release, and a mode that does not depend on the umask: scripts are executable. */
export function normalize(folder) {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) normalize(path);
    else if (item.isSymbolicLink()) lutimesSync(path, EPOCH, EPOCH);
    else setFile(path, isExecutable(path, item.name) ? 0o755 : 0o644);
  }
  setFile(folder, 0o755);
}

function isExecutable(path, name) {
  return name === 'node' || isScript(path);
}

function setFile(path, mode) {
  chmodSync(path, mode);
  utimesSync(path, EPOCH, EPOCH);
}

/** What all artefacts of a release share: the version, the time of their files, and where they are written. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { root } from '../scripts/prepare.mjs';

export const OUTPUT = join(root, 'packages');

/** The path of an artefact, in a folder that exists. */
export function outputFile(name) {
  mkdirSync(OUTPUT, { recursive: true });
  return join(OUTPUT, name);
}

/** package.json of the checkout. */
export const MANIFEST = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export const VERSION = MANIFEST.version;

/** In Debian `3.0.0~alpha.1` sorts before `3.0.0`; `3.0.0-alpha.1` would sort after it. */
export const DEBIAN_VERSION = VERSION.replace('-', '~');

/**
 * The time of every file in an artefact, in seconds since 1970: SOURCE_DATE_EPOCH, or else the time of the last commit; in a
 * checkout without git, the time of package.json. Two runs on one commit give the same octets.
 */
export const EPOCH = Number(
  env.SOURCE_DATE_EPOCH ?? commitTime() ?? Math.floor(statSync(join(root, 'package.json')).mtimeMs / 1000),
);

function commitTime() {
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Runs `work` with an empty folder that is deleted afterwards. */
export async function withFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'dyndns-package-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

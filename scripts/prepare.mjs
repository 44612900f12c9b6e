/**
 * Prepares a checkout: installs the packages of package-lock.json and builds dist, each only when something changed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exit, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command in the checkout; ends this process with its status if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: platform === 'win32', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) exit(result.status ?? 1);
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : modified(path));
  }
  return latest;
}

export function install() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (modified(marker) >= modified(join(root, 'package-lock.json'))) return;
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

export function build() {
  const built = Math.min(
    modified(join(root, 'dist', 'cli', 'main.js')),
    modified(join(root, 'dist', 'web', 'index.html')),
  );
  const sources = Math.max(newest(join(root, 'src')), newest(join(root, 'web')), modified(join(root, 'tsconfig.json')));
  if (built > sources) return;
  run('npm', ['run', '--silent', 'build']);
}

/**
 * `npm run dev [-- ARGUMENTS…]`: builds and runs `dyndns ARGUMENTS` (without any: `dyndns quickstart`), and does both again
 * whenever a file below src or web changes. While a build fails, the last server that could be built keeps running.
 */
import { spawn, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { execPath, exit, stdout } from 'node:process';
import { readArguments } from '../bench/usage.mjs';
import { install, root } from './prepare.mjs';

/** An editor writes several files at once. */
const QUIET_MS = 200;

const { values: args } = readArguments({
  command: 'npm run dev --',
  passesOn: 'ARGUMENTS',
  about:
    "Builds and runs 'dyndns ARGUMENTS' (without any: 'dyndns quickstart'), and does both again whenever a file below src or web changes.",
});
install();
let server;
let timer;
let isBuilding = false;
let isStale = false;

function start() {
  const child = spawn(execPath, [join(root, 'scripts', 'start.mjs'), ...args], { stdio: 'inherit' });
  child.on('exit', (code) => {
    if (server === child) stdout.write(`dev: the server ended with code ${code}; waiting for a change\n`);
  });
  return child;
}

async function stop(child) {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function rebuild() {
  if (isBuilding) {
    isStale = true;
    return;
  }
  isBuilding = true;
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status === 0) {
    const old = server;
    server = undefined;
    await stop(old);
    server = start();
    stdout.write('dev: built and started\n');
  } else stdout.write('dev: the build failed; waiting for a change\n');
  isBuilding = false;
  if (!isStale) return;
  isStale = false;
  await rebuild();
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    const old = server;
    server = undefined;
    void stop(old).then(() => exit(0));
  });
}
// Before the first build, so that no change is missed.
for (const folder of ['src', 'web']) {
  watch(join(root, folder), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void rebuild(), QUIET_MS);
  });
}
await rebuild();

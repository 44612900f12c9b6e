/**
 * `npm run fuzz`: builds, then runs bench/fuzz-codec.mjs, bench/fuzz-nameserver.mjs and bench/fuzz-growth.mjs.
 * `npm run fuzz -- codec [PACKETS] [SEED]`, `npm run fuzz -- nameserver [REQUESTS] [SEED]` and `npm run fuzz -- growth [PART]` run one of
 * them; numbers without a name are for the codec. `npm run fuzz -- updates [COUNT] [SEED]` compares UPDATEs with BIND (bench/fuzz-updates.mjs),
 * `npm run fuzz -- signed [CHANGES] [SEED]` changes a signed zone that BIND, Knot and NSD follow (bench/fuzz-signed.mjs).
 * `npm run fuzz -- requests` sends malformed HTTP requests, five thousand to each route, and measures DNS meanwhile. A packet that is processed for ever would stop the progress lines: after five minutes without
 * one the run is ended and counts as failed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, env, execPath, exit, stdout } from 'node:process';
import { build, install, root } from './prepare.mjs';

const SILENCE_MS = 5 * 60_000;

/** Resolves with the exit status. */
function fuzz(name, numbers) {
  const child = spawn(execPath, ['--expose-gc', `bench/fuzz-${name}.mjs`, ...numbers], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const giveUp = () => {
    console.error(`no progress for ${SILENCE_MS / 60_000} minutes: a packet does not come to an end`);
    child.kill('SIGKILL');
  };
  let watchdog = setTimeout(giveUp, SILENCE_MS);
  child.stdout.on('data', (chunk) => {
    stdout.write(chunk);
    clearTimeout(watchdog);
    watchdog = setTimeout(giveUp, SILENCE_MS);
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(watchdog);
      resolve(code ?? 1);
    });
  });
}

install();
build();
const [name, ...numbers] = argv.slice(2);
if (name === 'requests') {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(
    execPath,
    [vitest, 'run', ...['malformed', 'api-malformed', 'powerdns-malformed'].map((file) => `test/e2e/${file}.test.ts`)],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...env, MALFORMED_REQUESTS: 'all' },
    },
  );
  exit(status ?? 1);
}
const NAMES = ['codec', 'nameserver', 'growth'];
/** Minutes with other nameservers, so only when it is named. */
const BESIDE = ['updates', 'signed'];
const one = [...NAMES, ...BESIDE].includes(name) ? [name, ...numbers] : ['codec', name, ...numbers];
const runs = name === undefined ? NAMES.map((each) => [each]) : [one];
for (const [what, ...rest] of runs) {
  const status = await fuzz(what, rest);
  if (status !== 0) exit(status);
}

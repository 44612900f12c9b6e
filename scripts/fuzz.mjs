/**
 * `npm run fuzz [-- NAME ARGUMENTS…]`: builds, and runs fuzzers of bench/commands.mjs. A packet that is processed for ever would
 * stop the progress lines: after five minutes without one the run is ended and counts as failed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, env, execPath, exit, stdout } from 'node:process';
import { FUZZ_COMMANDS, FUZZERS } from '../bench/commands.mjs';
import { readCommand } from '../bench/usage.mjs';
import { build, install, root } from './prepare.mjs';

const SILENCE_MS = 5 * 60_000;

/** Resolves with the exit status. */
function fuzz({ file }, rest) {
  const child = spawn(execPath, ['--expose-gc', join('bench', file), ...rest], {
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

const { name, rest } = readCommand(FUZZ_COMMANDS, argv.length > 2 ? 'codec' : 'all');
install();
build();
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
/** The others take minutes with other nameservers, so only when they are named. */
const programs = name === 'all' ? [FUZZERS.codec, FUZZERS.nameserver, FUZZERS.growth] : [FUZZERS[name]];
for (const program of programs) {
  const status = await fuzz(program, rest);
  if (status !== 0) exit(status);
}

// `npm run fuzz -- [packets] [seed]`: builds src, then runs bench/fuzz-codec.mjs. A packet that never comes to an end would
// stop the progress lines: after five minutes without one the run is ended and counts as failed.
import { spawn } from 'node:child_process';
import { argv, execPath, exit, stdout } from 'node:process';
import { build, install, root } from './prepare.mjs';

const SILENCE_MS = 5 * 60_000;

install();
build();
const child = spawn(execPath, ['--expose-gc', 'bench/fuzz-codec.mjs', ...argv.slice(2)], {
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
child.on('close', (code) => {
  clearTimeout(watchdog);
  exit(code ?? 1);
});

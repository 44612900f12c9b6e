// `npm start [-- OPTIONS]`: installs and builds what is missing, then serves.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { build, install, root } from './prepare.mjs';

install();
build();
// As the systemd unit starts it.
const flags = ['--v8-pool-size=1', '--max-semi-space-size=2'];
const child = spawn(execPath, [...flags, join(root, 'dist', 'cli', 'main.js'), ...argv.slice(2), 'serve'], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => exit(signal === null ? (code ?? 1) : 1));

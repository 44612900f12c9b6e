// `npm start`: installs and builds what is missing, then runs `dyndns quickstart`; with arguments `dyndns ARGUMENTS`, for
// example `npm start -- --config FILE serve`. package.json calls it with `exec`: the shell that npm starts would die of a
// signal without passing it on.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { execPath, exit } from 'node:process';
import { readArguments } from '../bench/usage.mjs';
import { build, install, root } from './prepare.mjs';

const { values: args } = readArguments({
  command: 'npm start --',
  passesOn: 'ARGUMENTS',
  about:
    "Installs and builds what is missing, then runs 'dyndns ARGUMENTS' (without any: 'dyndns quickstart'). 'npm start -- help' lists the commands of dyndns.",
});
install();
build();
// As the systemd unit starts it.
const flags = ['--v8-pool-size=1', '--max-semi-space-size=2'];
const command = args.length > 0 ? args : ['quickstart'];
const child = spawn(execPath, [...flags, join(root, 'dist', 'cli', 'main.js'), ...command], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => exit(signal === null ? (code ?? 1) : 1));

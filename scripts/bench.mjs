/** `npm run bench [-- NAME ARGUMENTS…] [--smoke]`: builds, installs the peers where it can, and runs all benchmarks, or one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { execPath, exit, stderr } from 'node:process';
import { BENCH_COMMANDS, BENCHMARKS } from '../bench/commands.mjs';
import { readCommand } from '../bench/usage.mjs';
import { build, install, root } from './prepare.mjs';
import { BENCH_SERVERS, installMissing } from './servers.mjs';

const { name, rest } = readCommand(BENCH_COMMANDS, 'all');
install();
build();
const missing = installMissing(BENCH_SERVERS);
if (missing.length > 0) {
  stderr.write(`The benchmarks need: apt-get install -y ${missing.join(' ')}\n`);
  exit(1);
}
// The other build has to be named.
const { compare: _, ...withoutOther } = BENCHMARKS;
const programs = name === 'all' ? Object.values(withoutOther) : [BENCHMARKS[name]];
const statuses = programs.map(({ file }) => {
  const { status } = spawnSync(execPath, [join(root, 'bench', file), ...rest], { cwd: root, stdio: 'inherit' });
  return status ?? 1;
});
exit(Math.max(...statuses));

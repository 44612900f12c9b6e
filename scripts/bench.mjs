// `npm run bench [-- NAME ARGUMENTS…]`: builds, installs the peers where it can, and runs the benchmarks, or the named one:
// updates (BIND as the primary), nameserver (the embedded one beside BIND, Knot, PowerDNS), tokens (clients with
// credentials of their own), site (many hosts behind one prefix).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { build, install, root } from './prepare.mjs';
import { BENCH_SERVERS, installMissing } from './servers.mjs';

const BENCHMARKS = { updates: 'update-rate.mjs', nameserver: 'nameserver.mjs', tokens: 'tokens.mjs', site: 'site.mjs' };

const [name, ...rest] = argv.slice(2);
if (name !== undefined && !(name in BENCHMARKS)) {
  stderr.write(`There is no benchmark '${name}', only ${Object.keys(BENCHMARKS).join(', ')}.\n`);
  exit(2);
}
install();
build();
const missing = installMissing(BENCH_SERVERS);
if (missing.length > 0) {
  stderr.write(`The benchmarks need: apt-get install -y ${missing.join(' ')}\n`);
  exit(1);
}
const files = name === undefined ? Object.values(BENCHMARKS) : [BENCHMARKS[name]];
const statuses = files.map((file) => {
  const { status } = spawnSync(execPath, [join(root, 'bench', file), ...rest], { cwd: root, stdio: 'inherit' });
  return status ?? 1;
});
exit(Math.max(...statuses));

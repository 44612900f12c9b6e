// `npm run bench [-- ROUNDS SECONDS]`: builds, installs dnsperf, wrk and BIND where it can, and runs the update benchmark.
import { join } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { build, install, root, run } from './prepare.mjs';
import { BENCH_SERVERS, installMissing } from './servers.mjs';

install();
build();
const missing = installMissing(BENCH_SERVERS);
if (missing.length > 0) {
  stderr.write(`The benchmark needs: apt-get install -y ${missing.join(' ')}\n`);
  exit(1);
}
run(execPath, [join(root, 'bench', 'update-rate.mjs'), ...argv.slice(2)]);

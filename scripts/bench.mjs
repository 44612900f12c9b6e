/**
 * `npm run bench [-- NAME ARGUMENTS…] [--smoke]`: builds, installs the peers where it can, and runs all benchmarks, or one:
 * updates (BIND as the primary), nameserver (the embedded one beside BIND, Knot and PowerDNS), tokens (a credential for each
 * client), site (many hosts behind one prefix), sizes (large RRsets, messages and imports), receipts (the time until
 * secondaries serve a change), powerdns (its API on a zone of a million names), stream (readers of event streams), page (the
 * dashboard in a browser), waits (DNS answers while something else is done), queries (with more and more threads that answer,
 * beside BIND), signed (a zone with and without DNSSEC), reconnect (50,000 routers, each with a new TLS connection), growth (several servers that share a PostgreSQL),
 * codec (the wire codec beside dns-packet), and, only by name, compare (this build beside another one). `--smoke` only shows
 * that a benchmark runs.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { argv, execPath, exit, stderr } from 'node:process';
import { build, install, root } from './prepare.mjs';
import { BENCH_SERVERS, installMissing } from './servers.mjs';

const BENCHMARKS = {
  updates: 'update-rate.mjs',
  nameserver: 'nameserver.mjs',
  tokens: 'tokens.mjs',
  site: 'site.mjs',
  sizes: 'sizes.mjs',
  receipts: 'receipts.mjs',
  powerdns: 'powerdns.mjs',
  stream: 'stream.mjs',
  page: 'page.mjs',
  waits: 'waits.mjs',
  queries: 'queries.mjs',
  signed: 'signed.mjs',
  reconnect: 'reconnect.mjs',
  growth: 'growth.mjs',
  codec: 'codec.mjs',
  compare: 'compare.mjs',
};

const [first, ...others] = argv.slice(2);
const name = first?.startsWith('--') ? undefined : first;
const rest = name === undefined ? argv.slice(2) : others;
if (name !== undefined && !Object.hasOwn(BENCHMARKS, name)) {
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
// The other build has to be named.
const files =
  name === undefined ? Object.values(BENCHMARKS).filter((file) => file !== 'compare.mjs') : [BENCHMARKS[name]];
const statuses = files.map((file) => {
  const { status } = spawnSync(execPath, [join(root, 'bench', file), ...rest], { cwd: root, stdio: 'inherit' });
  return status ?? 1;
});
exit(Math.max(...statuses));

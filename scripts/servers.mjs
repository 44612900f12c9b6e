/**
 * The servers and tools that the tests run, with the Debian package of each. `node scripts/servers.mjs` prints what is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { argv, env, exit, getuid, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../bench/usage.mjs';

/** Program -> Debian package. */
export const SERVERS = {
  named: 'bind9',
  nsec3hash: 'bind9',
  'named-checkconf': 'bind9-utils',
  'dnssec-dsfromkey': 'bind9-utils',
  'dnssec-keygen': 'bind9-utils',
  'dnssec-settime': 'bind9-utils',
  'dnssec-signzone': 'bind9-utils',
  'dnssec-verify': 'bind9-utils',
  dig: 'bind9-dnsutils',
  nsupdate: 'bind9-dnsutils',
  delv: 'bind9-dnsutils',
  knotd: 'knot',
  kdig: 'knot-dnsutils',
  knsupdate: 'knot-dnsutils',
  kzonecheck: 'knot-dnssecutils',
  'ldns-verify-zone': 'ldnsutils',
  unbound: 'unbound',
  nsd: 'nsd',
  pdns_server: 'pdns-server',
  pdnsutil: 'pdns-server',
  sqlite3: 'sqlite3',
  initdb: 'postgresql',
  pebble: 'pebble',
  certbot: 'certbot',
  lego: 'lego',
  lexicon: 'lexicon',
  nginx: 'nginx-light',
  'systemd-analyze': 'systemd',
  dash: 'dash',
  busybox: 'busybox',
  shellcheck: 'shellcheck',
  curl: 'curl',
  wget: 'wget',
  ddclient: 'ddclient',
  inadyn: 'inadyn',
  ddupdate: 'ddupdate',
  openssl: 'openssl',
  promtool: 'prometheus',
  jq: 'jq',
  ip: 'iproute2',
  nft: 'nftables',
  dnsperf: 'dnsperf',
  wrk: 'wrk',
  'chromium-headless-shell': 'chromium-headless-shell',
};

/** Packages that are recognised by a file instead of a program. */
const FILES = {
  '/usr/lib/x86_64-linux-gnu/pdns/libgsqlite3backend.so': 'pdns-backend-sqlite3',
  '/usr/lib/x86_64-linux-gnu/pdns/libgpgsqlbackend.so': 'pdns-backend-pgsql',
  '/usr/lib/python3/dist-packages/certbot_dns_rfc2136': 'python3-certbot-dns-rfc2136',
  '/usr/lib/python3/dist-packages/requests': 'python3-requests',
  '/usr/share/perl5/IO/Socket/SSL.pm': 'libio-socket-ssl-perl',
};

/** Those of them that the benchmarks need. */
export const BENCH_SERVERS = Object.fromEntries(
  [
    'named',
    'dig',
    'knotd',
    'nsd',
    'pdns_server',
    'pdnsutil',
    'sqlite3',
    'initdb',
    'dnsperf',
    'wrk',
    'openssl',
    'chromium-headless-shell',
  ].map((program) => [program, SERVERS[program]]),
);

/** What `npm run test:packages` needs. */
export const PACKAGE_TEST_PROGRAMS = {
  'dpkg-deb': 'dpkg',
  debootstrap: 'debootstrap',
  lintian: 'lintian',
  unshare: 'util-linux',
  dig: 'bind9-dnsutils',
  curl: 'curl',
};

/** Debian has a folder for each version of PostgreSQL, outside of the search path. */
const POSTGRES = '/usr/lib/postgresql';

function isInstalled(program) {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  if (existsSync(POSTGRES)) folders.push(...readdirSync(POSTGRES).map((version) => join(POSTGRES, version, 'bin')));
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** @returns {string[]} the packages of programs that are missing */
export function missingPackages(programs = SERVERS) {
  const missing = Object.entries(programs).filter(([program]) => !isInstalled(program));
  const packages = missing.map(([, name]) => name);
  if (programs === SERVERS && existsSync('/usr/lib/x86_64-linux-gnu') && isInstalled('pdns_server')) {
    for (const [file, name] of Object.entries(FILES)) if (!existsSync(file)) packages.push(name);
  } else if (packages.includes('pdns-server')) packages.push(...Object.values(FILES));
  return [...new Set(packages)];
}

/** Debian's package scripts run this before they start a service; exit code 101 forbids it. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Debian's postgresql reads this at its installation: no database cluster, which would start with the machine. */
const CLUSTER_FOLDER = '/etc/postgresql-common/createcluster.d';
const NO_CLUSTER = join(CLUSTER_FOLDER, 'none-for-tests.conf');

/** Installs what is missing, without starting any of the packaged services. Returns what is still missing. */
export function installMissing(programs = SERVERS) {
  const packages = missingPackages(programs);
  if (packages.length === 0 || getuid?.() !== 0 || !isInstalled('apt-get')) return packages;
  stdout.write(`Installing ${packages.join(' ')}\n`);
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const withPostgres = packages.includes('postgresql');
  if (withPostgres) {
    mkdirSync(CLUSTER_FOLDER, { recursive: true });
    writeFileSync(NO_CLUSTER, 'create_main_cluster = false\n');
  }
  try {
    spawnSync('apt-get', ['-qq', 'update'], options);
    spawnSync('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', ...packages], options);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
    if (withPostgres) rmSync(NO_CLUSTER, { force: true });
  }
  return missingPackages(programs);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { options } = readArguments({
    command: 'node scripts/servers.mjs',
    options: { '--install': 'Runs it, as root on Debian or Ubuntu.' },
    about: 'Prints the command that installs the servers and tools that the tests use and that are missing.',
  });
  const missing = options['--install'] === undefined ? missingPackages() : installMissing();
  if (missing.length > 0) {
    stderr.write(`Missing: apt-get install -y ${missing.join(' ')}\n`);
    exit(1);
  }
}

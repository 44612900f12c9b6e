// @ts-check
/**
 * The nameservers that the embedded one is compared with, and itself, all with the same zone and key, and the loads.
 * Each is configured as its documentation says; features that would only cost it time are off.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, KEY, MAIN, makeDirectory, SECRET, startBind, startChild, until, ZONE } from './lab.mjs';
import { startPostgres } from './postgres.mjs';

/** @typedef {{title: string, directory: string, port: number, child: import('node:child_process').ChildProcess, url?: string, startMs: number,
 *   others?: import('node:child_process').ChildProcess[]}} Peer others: processes that it needs */

/** @param {number} names */
export function zoneText(names) {
  const hosts = Array.from({ length: names }, (_, i) => `h${i} 300 IN A 10.255.${(i >> 8) & 255}.${i & 255}`).join(
    '\n',
  );
  return `$ORIGIN ${ZONE}.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 1000 3600000 300\n@ IN NS ns1\nns1 IN A 127.0.0.1\n${hosts}\n`;
}

/** @param {number} port */
function answers(port) {
  const args = ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=1', `h0.${ZONE}`, 'A'];
  return /^[\d.]+$/.test(spawnSync('dig', args).stdout.toString().trim());
}

/** @param {number} names @returns {Promise<Peer>} */
export async function bindPeer(names) {
  const directory = makeDirectory();
  const begin = performance.now();
  const { port, child } = await startBind(directory, names);
  return { title: 'BIND', directory, port, child, startMs: performance.now() - begin };
}

/** @param {number} names @returns {Promise<Peer>} */
export async function knotPeer(names) {
  const directory = makeDirectory();
  const port = await freePort();
  mkdirSync(join(directory, 'databases'));
  writeFileSync(join(directory, 'zone.db'), zoneText(names));
  writeFileSync(
    join(directory, 'knot.conf'),
    `server:\n    rundir: ${directory}\n    listen: 127.0.0.1@${port}\nlog:\n  - target: stderr\n    any: error
database:\n    storage: ${directory}/databases
key:\n  - id: ${ZONE}\n    algorithm: hmac-sha512\n    secret: ${KEY}
acl:\n  - id: acl0\n    key: ${ZONE}\n    action: [update, transfer]
template:\n  - id: default\n    storage: ${directory}\nzone:\n  - domain: ${ZONE}\n    file: zone.db\n    acl: acl0\n`,
  );
  const begin = performance.now();
  const child = startChild('knotd', ['-c', join(directory, 'knot.conf')]);
  await until(() => answers(port), 'Knot');
  return { title: 'Knot', directory, port, child, startMs: performance.now() - begin };
}

/** With SQLite. @param {number} names @param {string} settings more lines of pdns.conf @returns {Promise<Peer>} */
export function powerdnsPeer(names, settings = '') {
  const directory = makeDirectory();
  const database = join(directory, 'pdns.sqlite3');
  const schema = readFileSync('/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql', 'utf8');
  spawnSync('sqlite3', [database], { input: schema });
  return startPowerdns(directory, names, `launch=gsqlite3\ngsqlite3-database=${database}\n${settings}`);
}

/** With a PostgreSQL of its own. @param {number} names @returns {Promise<Peer>} */
export async function powerdnsPostgresPeer(names) {
  const postgres = await startPostgres(['fsync=on']);
  spawnSync('psql', [postgres.url, '-q', '-f', '/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql']);
  const place = `gpgsql-host=127.0.0.1\ngpgsql-port=${postgres.port}\ngpgsql-user=dyndns\ngpgsql-dbname=postgres\n`;
  const peer = await startPowerdns(makeDirectory(), names, `launch=gpgsql\n${place}`);
  return { ...peer, title: 'PowerDNS with PostgreSQL', others: [postgres.child] };
}

/** @param {string} directory @param {number} names @param {string} settings of the backend @returns {Promise<Peer>} */
async function startPowerdns(directory, names, settings) {
  const port = await freePort();
  writeFileSync(
    join(directory, 'pdns.conf'),
    `${settings}local-address=127.0.0.1\nlocal-port=${port}\nsocket-dir=${directory}
daemon=no\nguardian=no\nwrite-pid=no\ndisable-syslog=yes\nloglevel=0\nsecurity-poll-suffix=\ndnsupdate=yes\nallow-dnsupdate-from=127.0.0.0/8\n`,
  );
  writeFileSync(join(directory, 'zone.db'), zoneText(names));
  const pdnsutil = (/** @type {string[]} */ ...args) => spawnSync('pdnsutil', [`--config-dir=${directory}`, ...args]);
  pdnsutil('import-tsig-key', ZONE, 'hmac-sha512', KEY);
  pdnsutil('load-zone', ZONE, join(directory, 'zone.db'));
  pdnsutil('set-meta', ZONE, 'TSIG-ALLOW-DNSUPDATE', ZONE);
  const begin = performance.now();
  const child = startChild('pdns_server', [`--config-dir=${directory}`]);
  await until(() => answers(port), 'PowerDNS');
  return { title: 'PowerDNS', directory, port, child, startMs: performance.now() - begin };
}

/** @param {string} directory @param {number} dnsPort @param {number} httpPort @param {number} threads @param {boolean} isSigned */
function writeConfig(directory, dnsPort, httpPort, threads, isSigned) {
  const file = join(directory, 'dyndns.yml');
  writeFileSync(
    file,
    `secret: '${SECRET}'\nlog_level: 20\nhttp: {listen: ['127.0.0.1:${httpPort}']}
dns: {listen: ['127.0.0.1:${dnsPort}'], database: zones.db${threads > 0 ? `, threads: ${threads}` : ''}}
zones:\n  - {name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], tsig_key: '${KEY}', records: 'ns1 IN A 127.0.0.1'${isSigned ? ', dnssec: true' : ''}}\n`,
    { mode: 0o600 },
  );
  return file;
}

/**
 * Our server, with the zone imported by `dyndns zone import`.
 * @param {number} names @param {string[]} flags of node @param {string} main the program
 * @param {number} threads that answer queries @param {boolean} isSigned the zone has DNSSEC @returns {Promise<Peer & {url: string}>}
 */
export async function ownPeer(names, flags, main = MAIN, threads = 0, isSigned = false) {
  const directory = makeDirectory();
  writeFileSync(join(directory, 'zone.db'), zoneText(names).replace('ns1 IN A 127.0.0.1\n', ''));
  const file = writeConfig(directory, await freePort(), await freePort(), threads, isSigned);
  const run = spawnSync(process.execPath, [main, '--config', file, 'zone', 'import', ZONE, join(directory, 'zone.db')]);
  if (run.status !== 0) throw new Error(`zone import: ${run.stderr}${run.stdout}`);
  return startOwn(directory, flags, main, threads, isSigned);
}

/**
 * Our server again, on an existing database.
 * @param {string} directory @param {string[]} flags @param {string} main the program @param {number} threads that answer queries
 * @param {boolean} isSigned the zone has DNSSEC
 */
export async function startOwn(directory, flags, main = MAIN, threads = 0, isSigned = false) {
  const port = await freePort();
  const httpPort = await freePort();
  const file = writeConfig(directory, port, httpPort, threads, isSigned);
  const begin = performance.now();
  const child = startChild(process.execPath, [...flags, main, '--config', file, 'serve']);
  await until(() => answers(port), 'dyndns', 2);
  const url = `http://127.0.0.1:${httpPort}`;
  return { title: 'dyndns', directory, port, child, url, startMs: performance.now() - begin };
}

/**
 * Queries for the A records of the zone's names, in scattered order.
 * @param {Peer} peer @param {number} names @param {number} seconds @param {number} clients sockets that the queries come from
 * @param {{dnssecOk?: boolean, isMissing?: boolean}} kind with DO; of names that are not there @returns queries a second
 */
export function measureQueries({ directory, port }, names, seconds, clients = 8, { dnssecOk, isMissing } = {}) {
  const file = join(directory, 'queries.txt');
  const count = Math.min(names, 200_000);
  // A step that has no factor in common with the number of names visits all of them.
  const queries = Array.from({ length: count }, (_, i) => `${isMissing ? 'x' : 'h'}${(i * 7919) % names}.${ZONE} A`);
  writeFileSync(file, `${queries.join('\n')}\n`);
  const args = [
    '-s',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-d',
    file,
    '-l',
    `${seconds}`,
    '-c',
    `${clients}`,
    '-q',
    '200',
    dnssecOk ? '-D' : '-e',
  ];
  const { stdout, stderr } = spawnSync('dnsperf', args, { encoding: 'utf8' });
  const rate = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  const codes = /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? '';
  const expected = isMissing ? /^NXDOMAIN \d+ \(100/ : /^NOERROR \d+ \(100/;
  if (!(rate > 0) || !expected.test(codes)) throw new Error(`dnsperf: ${stdout}${stderr}`);
  return rate;
}

let updateRun = 0;

/**
 * Signed UPDATEs of one name each, 50 in flight; each changes the address.
 * @param {Peer} peer @param {number} names @param {number} seconds
 */
export function measureUpdates({ directory, port }, names, seconds) {
  const file = join(directory, 'updates.txt');
  updateRun += 1;
  const blocks = Array.from({ length: 60_000 }, (_, i) => {
    const name = `h${(i * 7919) % names}`;
    return `${ZONE}\ndelete ${name} A\nadd ${name} 300 A 10.${updateRun & 127}.${(i >> 8) & 255}.${i & 255}\nsend`;
  });
  writeFileSync(file, `${blocks.join('\n')}\n`);
  const args = ['-u', '-s', '127.0.0.1', '-p', `${port}`, '-d', file, '-q', '50', '-l', `${seconds}`, '-n', '100'];
  const { stdout, stderr } = spawnSync('dnsperf', [...args, '-y', `hmac-sha512:${ZONE}:${KEY}`], { encoding: 'utf8' });
  const rate = Number(/Updates per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  const codes = /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? '';
  if (!(rate > 0) || !/^NOERROR \d+ \(100/.test(codes)) throw new Error(`dnsperf -u: ${stdout}${stderr}`);
  return rate;
}

// @ts-check
/**
 * Opens connections of every kind that a client can leave behind, on plain, TLS, PROXY and metrics listeners: without a request,
 * with a half one, without a TLS handshake, idle after a reply, without reading the reply, and without ever closing. The server may
 * open few descriptors. Meanwhile DNS over UDP and TCP, the control socket and a backup must work, and 60 seconds later the server
 * must have all its descriptors back. Exit code 1 otherwise.
 */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FAULTS } from './commands.mjs';
import {
  freePort,
  MAIN,
  makeCertificate,
  makeDirectory,
  numbersFor,
  SECRET,
  say,
  stop,
  UNIT_FLAGS,
  until,
  ZONE,
} from './lab.mjs';

const [CONNECTIONS = 0, DESCRIPTORS = 0] = numbersFor(FAULTS.connections, [
  [1000, 120],
  [1024, 512],
]);

/** All descriptors must be back by then. */
const BACK_MS = 60_000;
/** How often the services are tried while the connections are open. */
const TRIES = 5;

const directory = makeDirectory();
const [plain, tls, proxied, metrics, dns] = [
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
];
const { certificate, key } = makeCertificate(directory);
const file = join(directory, 'dyndns.yml');
writeFileSync(
  file,
  `secret: '${SECRET}'
http:
  listen: ['127.0.0.1:${plain}', 'https://127.0.0.1:${tls}', {address: '127.0.0.1:${proxied}', proxy_protocol: true}]
  trusted_proxies: ['127.0.0.2']
  tls: {certificate: '${certificate}', key: '${key}'}
metrics: {listen: '127.0.0.1:${metrics}'}
dns: {listen: ['127.0.0.1:${dns}']}
store: sqlite:${join(directory, 'dyndns.db')}
zones: [{name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], records: 'ns1 IN A 127.0.0.1'}]
`,
  { mode: 0o600 },
);
const limited = `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`;
const server = spawn('sh', ['-c', limited, process.execPath, ...UNIT_FLAGS, MAIN, '--config', file, 'serve'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.on('exit', () => server.kill('SIGKILL'));
const isServed = async () => {
  const reply = await fetch(`http://127.0.0.1:${plain}/healthz`, { headers: { Connection: 'close' } }).catch(
    () => undefined,
  );
  return reply?.ok === true;
};
await until(isServed, 'dyndns');

const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;

/** Runs a program to its end without holding up the connections. @param {string} command @param {readonly string[]} args
 * @returns {Promise<{ code: number | null, output: string }>} */
function program(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('close', (code) => resolve({ code, output }));
  });
}

let faults = 0;
/** @param {string} what @param {boolean} isGood @param {string} output */
function check(what, isGood, output) {
  if (isGood) return;
  faults += 1;
  say(`  FAILED: ${what}: ${output.trim()}`);
}

let backups = 0;
/** @param {string} when */
async function tryServices(when) {
  const dig = (/** @type {string[]} */ ...more) =>
    program('dig', ['@127.0.0.1', '-p', `${dns}`, '+short', '+tries=1', '+time=3', ZONE, 'SOA', ...more]);
  const dyndns = (/** @type {string[]} */ ...args) => program(process.execPath, [MAIN, '--config', file, ...args]);
  const udp = await dig('+notcp');
  check(`DNS over UDP ${when}`, udp.output.startsWith('ns1.'), udp.output);
  const tcp = await dig('+tcp');
  check(`DNS over TCP ${when}`, tcp.output.startsWith('ns1.'), tcp.output);
  const status = await dyndns('status');
  check(`dyndns status ${when}`, status.code === 0, status.output);
  backups += 1;
  const copy = join(directory, `copy-${backups}`);
  const backup = await dyndns('backup', copy);
  check(
    `dyndns backup ${when}`,
    backup.code === 0 && readdirSync(directory).some((name) => name.startsWith(`copy-${backups}`)),
    backup.output,
  );
}

await tryServices('before');
await delay(500);
const before = descriptors();

/** The beginning of a ClientHello. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 0, 0xa5, 1, 0, 0]);
/** What a client sends, to which port, and whether it ends its side at once. */
const KINDS = /** @type {const} */ ([
  ['no request', plain, '', false],
  ['half a request', plain, 'GET /nic/update HTTP/1.1\r\nHost:', false],
  ['half a body', plain, 'POST /nic/update HTTP/1.1\r\nContent-Length: 99\r\n\r\nabc', false],
  ['idle after a reply', plain, 'GET / HTTP/1.1\r\n\r\n', false],
  ['no close after the last reply', plain, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', false],
  ['no close after 400', plain, 'GET\r\n\r\n', false],
  ['line noise behind a request', plain, 'GET / HTTP/1.1\r\n\r\n\0\0\0', false],
  ['no handshake', tls, '', false],
  ['half a handshake', tls, HALF_HELLO, false],
  ['half a handshake, then FIN', tls, HALF_HELLO, true],
  ['HTTP on the TLS port', tls, 'GET / HTTP/1.1\r\n\r\n', false],
  ['no trusted proxy', proxied, 'PROXY TCP4', false],
  ['metrics, no request', metrics, '', false],
  ['metrics, no close', metrics, 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', false],
]);
/** @type {import('node:net').Socket[]} */
const clients = [];
for (let number = 0; number < CONNECTIONS; number++) {
  const [, port, octets, ends] = KINDS[number % KINDS.length] ?? KINDS[0];
  const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  client.on('error', () => undefined);
  client.resume();
  if (octets.length > 0) client.write(octets);
  if (ends) client.end();
  clients.push(client);
  if (number % 50 === 49) await delay(5);
}
const openedMs = performance.now();
let most = 0;
for (let number = 0; number < TRIES; number++) {
  most = Math.max(most, descriptors());
  await tryServices(`${((performance.now() - openedMs) / 1000).toFixed(0)} s after ${CONNECTIONS} connections`);
}
while (descriptors() > before && performance.now() - openedMs < BACK_MS) await delay(100);
const [left, backMs] = [descriptors() - before, performance.now() - openedMs];
const open = clients.filter(({ destroyed }) => !destroyed).length;
await tryServices('afterwards');
if (!(await isServed())) check('HTTP afterwards', false, 'no reply');
check('descriptors', left <= 0, `${left} more than before`);
say(
  `connections: ${CONNECTIONS} of ${KINDS.length} kinds, ${DESCRIPTORS} descriptors: ${before} open before, at most ${most}, ` +
    `${Math.max(0, left)} left after ${(backMs / 1000).toFixed(1)} s (${open} clients still hold their side)`,
);
say(`DNS over UDP and TCP, status and backup: ${faults === 0 ? 'no fault' : `${faults} faults`}`);
for (const client of clients) client.destroy();
await stop(server);
process.exitCode = faults === 0 ? 0 : 1;

// @ts-check
/**
 * What the benchmarks are built on: a real BIND as the primary, our server as a child process, dnsperf and wrk as load, medians.
 * Everything listens on free ports of 127.0.0.1 and is ended by its process id.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './usage.mjs';

export const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
export const ZONE = 'bench.example.com';
export const SECRET = 'benchsecret12345';
export const KEY = Buffer.from('a key that only this benchmark has, 64 octets or so, long enough').toString('base64');

/** The flags of node in the systemd unit: the benchmarks measure what is deployed. */
export const UNIT_FLAGS =
  /^ExecStart=\S*node((?: --\S+)*) \//m
    .exec(readFileSync(new URL('../deploy/systemd/dyndns.service', import.meta.url), 'utf8'))?.[1]
    ?.trim()
    .split(' ')
    .filter((flag) => !flag.startsWith('--config')) ?? [];

/** True for a run that only shows that a benchmark works: numbers of a few seconds, and targets that decide nothing. */
export const IS_SMOKE_RUN = process.argv.includes('--smoke');

/**
 * The numbers of the command line, else the defaults, else (with `--smoke`) the least that runs.
 * @param {import('./usage.mjs').Usage} usage @param {readonly [normal: number, smoke: number][]} defaults in the order of the arguments
 */
export function numbersFor(usage, defaults) {
  const { values } = readArguments(usage);
  return defaults.map(([normal, smoke], index) => Number(values[index] ?? (IS_SMOKE_RUN ? smoke : normal)));
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Samples of several rounds by name, and targets that set the exit code. */
export class Report {
  /** @type {Map<string, number[]>} */
  #samples = new Map();
  #missed = 0;

  /** @param {string} name @param {number} value @returns {number} the value */
  note(name, value) {
    const samples = this.#samples.get(name);
    if (samples === undefined) this.#samples.set(name, [value]);
    else samples.push(value);
    return value;
  }

  /** The median of all samples of a name. @param {string} name */
  middle(name) {
    return median(this.#samples.get(name) ?? []);
  }

  /** Prints a target and whether it was met. @param {string} what @param {number} value @param {number} bound */
  atLeast(what, value, bound) {
    this.#target(what, value, `at least ${bound}`, value >= bound);
  }

  /** @param {string} what @param {number} value @param {number} bound */
  atMost(what, value, bound) {
    this.#target(what, value, `at most ${bound}`, value <= bound);
  }

  /** @param {string} what @param {number} value @param {string} bound @param {boolean} met */
  #target(what, value, bound, met) {
    if (!met) this.#missed += 1;
    say(`${met ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)} (${bound})`);
    process.exitCode = this.#missed > 0 && !IS_SMOKE_RUN ? 1 : 0;
  }
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** @param {number} port */
function isFreeForTcp(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** @param {number} port */
function isFreeForUdp(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** @type {Set<number>} */
const handedOut = new Set();

/**
 * A port of 127.0.0.1 that is free for UDP and TCP, none twice. Below those that the system gives to clients: a server that is started
 * again finds it free.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
// Without a handler the process would end without `exit`, and leave its servers running.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1));

/** @param {string} command @param {string[]} args */
export function startChild(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/** @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} signal */
export function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null) return Promise.resolve();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return ended;
}

/** Polls until the condition holds. @param {() => boolean | Promise<boolean>} condition @param {string} what @param {number} everyMs */
export async function until(condition, what, everyMs = 5) {
  const limit = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`gave up waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** @type {string[]} */
const directories = [];
process.on('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

export function makeDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'dyndns-bench-'));
  directories.push(directory);
  return directory;
}

/** Median of 50 fsyncs of a small append, in ms: the cost of each message for a primary. @param {string} directory */
export function measureFsync(directory) {
  const fd = openSync(join(directory, 'fsync'), 'a');
  const times = [];
  for (let i = 0; i < 50; i++) {
    writeSync(fd, Buffer.alloc(512));
    const begin = process.hrtime.bigint();
    fsyncSync(fd);
    times.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  closeSync(fd);
  return median(times);
}

/** A BIND that serves one zone with `names` names h0, h1, … @param {string} directory @param {number} names */
export async function startBind(directory, names) {
  const port = await freePort();
  const hosts = Array.from({ length: names }, (_, i) => `h${i} 300 IN A 10.255.${i >> 8}.${i & 255}`).join('\n');
  writeFileSync(
    join(directory, 'zone.db'),
    `$ORIGIN ${ZONE}.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 1000 3600000 300\n@ IN NS ns1\nns1 IN A 127.0.0.1\n${hosts}\n`,
  );
  writeFileSync(
    join(directory, 'named.conf'),
    `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
  session-keyfile none; recursion no; empty-zones-enable no; dnssec-validation no; notify no; };
controls { };
logging { category default { null; }; category update { null; }; category update-security { null; }; };
key "${ZONE}" { algorithm hmac-sha512; secret "${KEY}"; };
zone "${ZONE}" { type primary; file "zone.db"; allow-update { key "${ZONE}"; }; allow-transfer { key "${ZONE}"; }; };
`,
  );
  const child = startChild('named', ['-f', '-c', join(directory, 'named.conf')]);
  await until(() => serial(port) > 0, 'BIND');
  return { port, child };
}

/** The zone's serial, 0 while nothing answers. @param {number} port */
export function serial(port) {
  const result = spawnSync('dig', ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=1', ZONE, 'SOA']);
  return Number(result.stdout.toString().split(' ')[2] ?? 0);
}

/** BIND's own rate: dnsperf sends signed UPDATEs of one name each. @returns updates a second
 * @param {string} directory @param {number} port @param {number} names @param {number} outstanding @param {number} seconds */
export function measureBind(directory, port, names, outstanding, seconds) {
  const file = join(directory, 'updates.txt');
  const blocks = Array.from({ length: names * 8 }, (_, i) => {
    const name = `h${i % names}`;
    return `${ZONE}\ndelete ${name} A\nadd ${name} 300 A 10.${(i >> 16) & 127}.${(i >> 8) & 255}.${i & 255}\nsend`;
  });
  writeFileSync(file, `${blocks.join('\n')}\n`);
  const args = ['-u', '-s', '127.0.0.1', '-p', `${port}`, '-d', file, '-q', `${outstanding}`, '-l', `${seconds}`];
  const result = spawnSync('dnsperf', [...args, '-y', `hmac-sha512:${ZONE}:${KEY}`], { encoding: 'utf8' });
  const rate = /Updates per second:\s+([\d.]+)/.exec(result.stdout)?.[1];
  const codes = /Response codes:\s+(.*)/.exec(result.stdout)?.[1] ?? '';
  if (rate === undefined || !/^NOERROR \d+ \(100/.test(codes))
    throw new Error(`dnsperf: ${result.stdout}${result.stderr}`);
  return Number(rate);
}

/**
 * Our server with these options, besides its secret and its port.
 * @param {{http?: {listen: readonly string[], tls?: object}, [option: string]: unknown}} options of the configuration file; `http.listen`: more listeners
 * @param {{directory?: string, flags?: string[], main?: string}} how `flags` of node, `main` the program
 */
export async function serve(options, { directory = makeDirectory(), flags = UNIT_FLAGS, main = MAIN } = {}) {
  const port = await freePort();
  const file = join(directory, 'dyndns.yml');
  const http = { ...options.http, listen: [`127.0.0.1:${port}`, ...(options.http?.listen ?? [])] };
  writeFileSync(file, JSON.stringify({ secret: SECRET, ...options, http }), { mode: 0o600 });
  const begin = process.hrtime.bigint();
  const child = startChild(process.execPath, [...flags, main, '--config', file, 'serve']);
  const url = `http://127.0.0.1:${port}`;
  await untilServed(url);
  return { directory, file, port, url, child, startMs: Number(process.hrtime.bigint() - begin) / 1e6 };
}

/**
 * The same in front of a primary.
 * @param {string} directory @param {number} primaryPort @param {string[]} flags of node @param {string} main the program
 */
export function startServer(directory, primaryPort, flags, main = MAIN) {
  const options = { nameserver: '127.0.0.1', port: primaryPort, zones: [{ name: ZONE, tsig_key: KEY }] };
  return serve(options, { directory, flags, main });
}

/** Polls until HTTP is served. @param {string} url */
function untilServed(url) {
  return until(async () => {
    try {
      return (await fetch(url)).ok;
    } catch {
      return false;
    }
  }, 'dyndns');
}

/** Processor times of a process in µs, from ticks of 10 ms: all of its threads, and the children that it has waited for. @param {number | undefined} pid */
function timesOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const sum = (/** @type {number[]} */ ...indexes) =>
    indexes.reduce((total, index) => total + Number(fields[index]), 0) * 10_000;
  return { own: sum(11, 12), ofEndedChildren: sum(13, 14) };
}

/** Processor time that a process has used so far, all threads, in µs. @param {import('node:child_process').ChildProcess} child */
export function processorTime({ pid }) {
  return timesOf(pid).own;
}

/** The same with its children, and theirs. @param {number | undefined} pid @returns {number} */
export function processorTimeOfTree(pid) {
  try {
    const { own, ofEndedChildren } = timesOf(pid);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? [];
    return children.reduce((total, child) => total + processorTimeOfTree(Number(child)), own + ofEndedChildren);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** @param {import('node:child_process').ChildProcess} child @returns resident and peak memory in MiB */
export function memory(child) {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const mib = (/** @type {string} */ field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { residentMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}

/** More clients than this would be updated less than once in a run, and only cost wrk memory. */
const MAX_CLIENTS = 100_000;

/** Clients of the original API with the master secret, spread over the names h0, h1, … @param {number} names */
export function originalClients(names) {
  // A step that has no factor in common with the number of names reaches all parts of the zone.
  return Array.from({ length: Math.min(names, MAX_CLIENTS) }, (_, n) => ({
    path: `/update-by-path/${SECRET}/h${(n * 7919) % names}.${ZONE}/`,
  }));
}

/**
 * Runs wrk as clients of any protocol, in turn.
 *
 * `changed`: each request has an address that its name never had. `unchanged`: all names keep one address.
 * The constant parts of a client's requests are built beforehand: wrk shares the processors with the server, so that every request
 * must cost wrk the same, whatever is in it.
 * `verify` checks the first word of each reply, which slows wrk down: such a run is not for its rate.
 * @param {{directory: string, url: string, clients: readonly {path: string, header?: string}[], kind: 'changed' | 'unchanged', connections: number, seconds: number, rate?: number, verify?: boolean}} options
 *   `path`: of the request, up to the address; `rate`: requests a second, about and at most
 */
export function measureHttp({ directory, url, clients, kind, connections, seconds, rate: most, verify = false }) {
  const script = join(directory, 'load.lua');
  const parts = join(directory, 'clients.txt');
  writeFileSync(parts, clients.map(({ path, header = '' }) => `${path}\n${header}\n`).join(''));
  // The base makes the addresses of one run differ from those of all others.
  const base = Math.floor(Date.now() / 250) % 0x400000;
  const address =
    kind === 'changed'
      ? `local k = (${base} + count) % 0x7fffff
  local a = "10" .. octets[floor(k / 65536)] .. octets[floor(k / 256) % 256] .. octets[k % 256]`
      : 'local a = "10.200.0.1"';
  writeFileSync(
    script,
    `local count, other = 0, 0
local floor = math.floor
local fronts, backs, octets = {}, {}, {}
local lines = io.lines("${parts}")
for n = 0, ${clients.length - 1} do
  fronts[n] = "GET " .. lines()
  local header = lines()
  backs[n] = " HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n" .. header .. (header == "" and "" or "\\r\\n") .. "\\r\\n"
end
for n = 0, 255 do octets[n] = "." .. n end
request = function()
  count = count + 1
  ${address}
  local n = count % ${clients.length}
  return fronts[n] .. a .. backs[n]
end
${most === undefined ? '' : `delay = function() return math.random(0, ${Math.round((2_000 * connections) / most)}) end`}
${
  verify
    ? `local threads = {}
setup = function(thread) table.insert(threads, thread) end
response = function(status, headers, body)
  if string.sub(body, 1, ${kind.length === 7 ? 7 : 9}) ~= "${kind === 'changed' ? 'UPDATED' : 'UNCHANGED'}" then other = other + 1 end
  wrong = other
end
done = function(summary, latency, requests)
  for _, thread in ipairs(threads) do io.write("Wrong replies: " .. (thread:get("wrong") or 0) .. "\\n") end
end`
    : ''
}
`,
  );
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, url];
  // Where the rate is given, a slow reply is no failure.
  if (most !== undefined) args.unshift('--timeout', '30s');
  const { stdout, stderr } = spawnSync('wrk', args, { encoding: 'utf8' });
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  if (Number.isNaN(rate)) throw new Error(`wrk: ${stdout}${stderr}`);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed: ${stdout}`);
  const percentile = (/** @type {number} */ p) => {
    const [, value, unit] = new RegExp(`^\\s+${p}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(stdout) ?? [];
    return Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit ?? 'ms'] ?? 1);
  };
  return {
    rate,
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1]),
    p50: percentile(50),
    p99: percentile(99),
    wrong: Number(/Wrong replies: (\d+)/.exec(stdout)?.[1] ?? -1),
  };
}

/** Makes a self-signed certificate for localhost. @param {string} directory @returns its files */
export function makeCertificate(directory) {
  const [certificate, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { certificate, key };
}

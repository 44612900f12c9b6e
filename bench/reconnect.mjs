// @ts-check
/**
 * Routers as they come: each with a new TLS connection and a token of its own, all within a minute. Each name of an embedded zone is
 * updated once, from many source addresses; some clients resume a session that began before the server was restarted. Then `/myip` over a
 * new connection for each request, beside a bare server of Node.js, in alternating rounds, medians.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { connect, createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BENCHMARKS } from './commands.mjs';
import { percentile, queryDns } from './dns-waits.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  MAIN,
  makeCertificate,
  makeDirectory,
  numbersFor,
  processorTime,
  Report,
  SECRET,
  say,
  serve,
  startChild,
  stop,
  UNIT_FLAGS,
  until,
  ZONE,
} from './lab.mjs';
import { zoneText } from './peers.mjs';
import { fillTokens, secretOf } from './store-tokens.mjs';

/** How many sessions the clients share: a ticket may be used many times. */
const SESSIONS = 100;
/** One of so many clients comes from ::1, which is the only IPv6 address of loopback. */
const IPV6_EVERY = 8;
/** The clients share the processors with the server: with more at once they would measure their own queue. Who waits comes later. */
const MAX_OPEN = 64;
const CONNECTIONS = 16;
const ROUND_SECONDS = IS_SMOKE_RUN ? 1 : 3;
const HOST = 'localhost';

/** @typedef {{tlsPort: number, ca: string}} Place */
/** @typedef {Place & {names: number, seconds: number, share: number, sessions: readonly Uint8Array[]}} Storm */
/** @typedef {{good: number, refused: number, failures: string[], tickets: number, resumed: number, ms: number[], seconds: number}} Outcome */

if (process.argv[2] === '--bare') serveBare();
else if (isMainThread) await measure();
else parentPort?.postMessage(await updateAll(workerData));

async function measure() {
  const [NAMES = 0, SECONDS = 0, SHARE = 0, ROUNDS = 0] = numbersFor(BENCHMARKS.reconnect, [
    [50_000, 300],
    [60, 2],
    [0.5, 0.5],
    [7, 1],
  ]);
  say(`${NAMES} names within ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);
  const report = new Report();
  const directory = makeDirectory();
  const tls = makeCertificate(directory);
  const ca = readFileSync(tls.certificate, 'utf8');
  const options = {
    log_level: 20,
    store: `sqlite:${join(directory, 'dyndns.db')}`,
    dns: { listen: [`127.0.0.1:${await freePort()}`], database: join(directory, 'zones.db') },
    zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 IN A 127.0.0.1' }],
  };
  const dnsPort = Number(options.dns.listen[0]?.split(':')[1]);
  await fillTokens(options.store, NAMES);
  importZone(directory, options, NAMES);

  const start = async () => {
    const tlsPort = await freePort();
    const listen = [`https://127.0.0.1:${tlsPort}`, `https://[::1]:${tlsPort}`];
    return { ...(await serve({ ...options, http: { listen, tls } }, { directory })), tlsPort, ca };
  };
  const first = await start();
  const sessions = await Promise.all(Array.from({ length: Math.ceil(SESSIONS * SHARE) }, () => ticketOf(first)));
  await stop(first.child);
  const server = await start();
  const queries = queryDns(dnsPort);
  const before = processorTime(server.child);
  const { tlsPort } = server;
  const storm = await inWorker({ tlsPort, ca, names: NAMES, seconds: SECONDS, share: SHARE, sessions });
  const perUpdate = (processorTime(server.child) - before) / NAMES;
  const dns = queries.end();
  const { good, refused, failures, tickets, resumed, ms, seconds } = storm;
  const p99 = percentile(ms, 99);
  say(
    `${good} acknowledged, ${refused} refused, ${failures.length} failed${failures.length > 0 ? `: ${failures[0]}` : ''}`,
  );
  say(
    `sessions resumed: ${resumed} of ${tickets}; processor time of the server: ${perUpdate.toFixed(0)} us for an update`,
  );
  say(
    `from connect to reply: ${percentile(ms, 50).toFixed(1)} ms (p50), ${p99.toFixed(1)} ms (p99); all came within ${seconds.toFixed(1)} s`,
  );
  say(`DNS meanwhile: ${percentile(dns, 50).toFixed(2)} ms (p50), ${percentile(dns, 99).toFixed(2)} ms (p99)`);

  const bare = await startBare(tls);
  const places = {
    'http dyndns': { url: server.url, child: server.child },
    'http bare': { url: `http://127.0.0.1:${bare.port}`, child: bare.child },
    'https dyndns': { url: `https://127.0.0.1:${tlsPort}`, child: server.child },
    'https bare': { url: `https://127.0.0.1:${bare.tlsPort}`, child: bare.child },
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const entries = Object.entries(places);
    for (const [name, place] of round % 2 === 0 ? entries : entries.reverse()) measureEcho(report, name, place);
  }
  for (const name of Object.keys(places)) {
    const [rate, cost] = [report.middle(name), report.middle(`${name} us`)];
    say(`/myip, a connection each, ${name}: ${rate.toFixed(0)}/s, ${cost.toFixed(0)} us of processor time`);
  }
  await stop(bare.child);
  await stop(server.child);

  report.atLeast('updates acknowledged, of all', good / NAMES, 1);
  report.atMost('updates refused by a limit', refused, 0);
  report.atMost('seconds until all have come', seconds, SECONDS + 1);
  report.atLeast('sessions resumed after a restart, of those with a ticket', resumed / tickets, 1);
  report.atMost('ms from connect to reply (p99)', p99, 250);
  report.atMost('ms that a DNS query waits meanwhile (p99)', percentile(dns, 99), 5);
  for (const scheme of ['http', 'https']) {
    const ratio = report.middle(`${scheme} dyndns`) / report.middle(`${scheme} bare`);
    report.atLeast(`/myip over ${scheme}, a connection each, beside bare Node.js`, ratio, 0.85);
  }
}

/** @param {string} directory @param {object} options @param {number} names */
function importZone(directory, options, names) {
  const [file, config] = [join(directory, 'zone.db'), join(directory, 'import.yml')];
  writeFileSync(file, zoneText(names).replace('ns1 IN A 127.0.0.1\n', ''));
  writeFileSync(config, JSON.stringify({ secret: SECRET, ...options }), { mode: 0o600 });
  const run = spawnSync(process.execPath, [MAIN, '--config', config, 'zone', 'import', ZONE, file]);
  if (run.status !== 0) throw new Error(`zone import: ${run.stderr}${run.stdout}`);
}

/** @param {Storm} storm @returns {Promise<Outcome>} */
function inWorker(storm) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: storm });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/**
 * One request over a new TLS connection, and its reply to the end of the connection.
 * @param {import('node:tls').ConnectionOptions & {localAddress?: string}} where @param {string} request
 * @returns {Promise<{reply: string, isResumed: boolean, session: Uint8Array | undefined}>}
 */
function exchange(where, request) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, servername: HOST });
    let reply = '';
    let isResumed = false;
    /** @type {Uint8Array | undefined} */
    let session;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('data', (octets) => {
      reply += octets.toString('latin1');
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      isResumed = socket.isSessionReused();
    });
    socket.once('close', () => resolve({ reply, isResumed, session }));
    socket.write(request);
  });
}

/** @param {Place} place @returns {Promise<Uint8Array>} */
async function ticketOf({ tlsPort, ca }) {
  const secureContext = createSecureContext({ ca });
  const request = `GET /myip HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
  const { session } = await exchange({ host: '127.0.0.1', port: tlsPort, secureContext }, request);
  if (session === undefined) throw new Error('the server gave no ticket');
  return session;
}

/** Each name once, at random times. @param {Storm} storm @returns {Promise<Outcome>} */
async function updateAll({ tlsPort, ca, names, seconds, share, sessions }) {
  const secureContext = createSecureContext({ ca });
  const times = Array.from({ length: names }, () => Math.random() * seconds * 1_000).sort((a, b) => a - b);
  /** @type {Outcome} */
  const outcome = { good: 0, refused: 0, failures: [], tickets: 0, resumed: 0, ms: [], seconds: 0 };
  const update = async (/** @type {number} */ n) => {
    const isIpv6 = n % IPV6_EVERY === 0;
    const host = isIpv6 ? '::1' : '127.0.0.1';
    const localAddress = isIpv6 ? '::1' : `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${1 + (n & 127)}`;
    const hasTicket = n % 100 < share * 100;
    const session = hasTicket ? Buffer.from(sessions[n % sessions.length] ?? []) : undefined;
    const credential = Buffer.from(`router:${secretOf(n)}`).toString('base64');
    const address = `10.${(n >> 16) & 127}.${(n >> 8) & 255}.${n & 255}`;
    const request = `GET /nic/update?hostname=h${n}.${ZONE}&myip=${address} HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Basic ${credential}\r\nConnection: close\r\n\r\n`;
    const begin = performance.now();
    try {
      const { reply, isResumed } = await exchange(
        { host, port: tlsPort, localAddress, secureContext, session },
        request,
      );
      outcome.ms.push(performance.now() - begin);
      outcome.tickets += hasTicket ? 1 : 0;
      outcome.resumed += hasTicket && isResumed ? 1 : 0;
      if (/^HTTP\/1\.1 200 [\s\S]*\r\n\r\ngood /.test(reply)) outcome.good += 1;
      else if (/^HTTP\/1\.1 (429|503)|\r\n\r\n(abuse|911)/.test(reply)) outcome.refused += 1;
      else outcome.failures.push(reply.slice(0, 500));
    } catch (error) {
      outcome.failures.push(String(error));
    }
  };
  let [started, open] = [0, 0];
  const begin = performance.now();
  while (started < names || open > 0) {
    const nowMs = performance.now() - begin;
    while (open < MAX_OPEN && started < names && (times[started] ?? 0) <= nowMs) {
      open += 1;
      void update(started++).finally(() => {
        open -= 1;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  outcome.seconds = (performance.now() - begin) / 1_000;
  return outcome;
}

/** @param {Report} report @param {string} name @param {{url: string, child: import('node:child_process').ChildProcess}} place */
function measureEcho(report, name, { url, child }) {
  const before = processorTime(child);
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${ROUND_SECONDS}s`, '-H', 'Connection: close', `${url}/myip`];
  const { stdout, stderr } = spawnSync('wrk', args, { encoding: 'utf8' });
  const [, requests, seconds] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
  if (!(Number(requests) > 0) || /Non-2xx|connect [1-9]|timeout [1-9]/.test(stdout))
    throw new Error(`wrk: ${stdout}${stderr}`);
  report.note(name, Number(requests) / Number(seconds));
  report.note(`${name} us`, (processorTime(child) - before) / Number(requests));
}

/** @param {{certificate: string, key: string}} tls */
async function startBare({ certificate, key }) {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const file = fileURLToPath(import.meta.url);
  const args = [...UNIT_FLAGS, file, '--bare', `${port}`, `${tlsPort}`, certificate, key];
  const child = startChild(process.execPath, args);
  await until(
    () =>
      fetch(`http://127.0.0.1:${port}`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the bare server',
  );
  return { child, port, tlsPort };
}

/** What Node.js itself takes: a reply of the same octets as that of `/myip`. */
function serveBare() {
  const [port, tlsPort, certificate = '', key = ''] = process.argv.slice(3);
  /** @type {import('node:http').RequestListener} */
  const answer = (_request, response) => {
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', 'Content-Length': 10 };
    response.writeHead(200, headers).end('127.0.0.1\n');
  };
  createServer({ noDelay: true }, answer).listen(Number(port), '127.0.0.1');
  const tls = { cert: readFileSync(certificate), key: readFileSync(key), noDelay: true };
  createTlsServer(tls, answer).listen(Number(tlsPort), '127.0.0.1');
}

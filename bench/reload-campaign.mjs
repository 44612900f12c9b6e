// @ts-check
/**
 * Sends bursts of SIGHUP at random gaps while the configuration file changes between two kinds of content: the last file must be in
 * force afterwards, every time. The probe is a token that no other version of the file has. Then sends SIGHUP every 10 ms during
 * starts: the process must survive, and must catch the signal at most 20 ms later than an empty script. Exit code 1 otherwise.
 * With `--smoke` the 20 ms decide nothing.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FAULTS } from './commands.mjs';
import { seeded } from './damage.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  MAIN,
  makeDirectory,
  numbersFor,
  SECRET,
  say,
  stop,
  UNIT_FLAGS,
  until,
  ZONE,
} from './lab.mjs';

const [ROUNDS = 0, SEED = 0] = numbersFor(FAULTS.reload, [
  [200, 4],
  [Date.now() % 2 ** 32, 1],
]);

const MAX_GAP_MS = 50;
const MAX_BURST = 5;
/** A file that is not in force after this time never will be. */
const SETTLE_MS = 10_000;
const START_SIGNAL_MS = 10;
const MORE_ZONES = 12;
/** How much later than an empty script the server may catch SIGHUP. */
const MAX_LATER_MS = 20;
const MORE_STARTS = 30;

const { below } = seeded(SEED);
const directory = makeDirectory();
const file = join(directory, 'dyndns.yml');
const [httpPort, dnsPort] = [await freePort(), await freePort()];

/** Of the file: each version has a token of its own, and other static records, so that a reload has to write them. */
let version = 0;
/** @param {number} of */
const tokenOf = (of) => `token-of-version-${of}`;

/** The first kind takes longer to put in force than the second: it has more zones. @param {number} which */
function writeConfig(which) {
  version += 1;
  const names = which === 0 ? [ZONE, ...Array.from({ length: MORE_ZONES }, (_, i) => `zone${i}.example.net`)] : [ZONE];
  const zones = names.map(
    (name) =>
      `  - {name: ${name}, nameserver: embedded, ns: [ns1.${name}], records: 'ns1 IN A 127.0.0.${(version % 250) + 1}'}\n`,
  );
  writeFileSync(
    `${file}.next`,
    `secret: '${SECRET}'
http: {listen: ['127.0.0.1:${httpPort}'], trusted_proxies: ['127.0.0.1']}
dns: {listen: ['127.0.0.1:${dnsPort}']}
store: sqlite:dyndns.db
limits: {refused_per_minute_per_source: 0}
tokens: [{name: only, sha256: ${createHash('sha256').update(tokenOf(version)).digest('hex')}, hosts: [host.${ZONE}]}]
zones:
${zones.join('')}`,
    { mode: 0o600 },
  );
  // In one step: no reload may read half of it.
  renameSync(`${file}.next`, file);
}

let clients = 0;

/** The status of an update with a token; 0 without an answer. Each request has a source of its own: wrong tokens are delayed.
 * @param {number} of the version of the file @returns {Promise<number>} */
function probe(of) {
  clients += 1;
  const headers = {
    Authorization: `Bearer ${tokenOf(of)}`,
    'X-Forwarded-For': `10.${clients >> 16}.${(clients >> 8) & 255}.${clients & 255}`,
  };
  const path = `/update-by-query?fqdn=host.${ZONE}&ip_1=192.0.2.1`;
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port: httpPort, path, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).on('error', () => resolve(0));
  });
}

/** The statuses of the last probes, for the report. */
let statuses = '';

/** Is the last file in force, and not the one before it? */
async function isInForce() {
  const [last, before] = [await probe(version), await probe(version - 1)];
  statuses = `${last} for its token, ${before} for the one before`;
  return last === 200 && before !== 200;
}

const logFile = join(directory, 'log');
const log = openSync(logFile, 'a');
const empty = join(directory, 'empty.mjs');
writeFileSync(empty, "process.on('SIGHUP', () => undefined);\nsetTimeout(() => undefined, 60_000);\n");

/** @param {readonly string[]} args */
function startNode(args) {
  return spawn(process.execPath, [...UNIT_FLAGS, ...args], { stdio: ['ignore', log, 'inherit'] });
}

const start = () => startNode([MAIN, '--config', file, 'serve']);

/** Does the process catch SIGHUP? /proc/PID/status, SigCgt: bit 0 is signal 1. @param {number | undefined} pid */
function catchesHangup(pid) {
  try {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(mask.slice(-1), 16) & 1) === 1;
  } catch {
    return false;
  }
}

let stale = 0;
let ended = 0;
writeConfig(0);
/** @type {import('node:child_process').ChildProcess} */
let child = start();
await until(isInForce, 'the server');
for (let round = 1; round <= ROUNDS; round++) {
  const burst = 2 + below(MAX_BURST - 1);
  let which = below(2);
  for (let signal = 1; signal <= burst; signal++) {
    which = 1 - which;
    writeConfig(which);
    child.kill('SIGHUP');
    if (signal < burst) await delay(below(MAX_GAP_MS + 1));
  }
  const limitMs = performance.now() + SETTLE_MS;
  while (!(await isInForce()) && performance.now() < limitMs) await delay(10);
  // Once more: no reload of an older file may come after it.
  await delay(MAX_GAP_MS);
  if (await isInForce()) continue;
  stale += 1;
  say(`  round ${round}: after ${burst} signals an older file is in force: ${statuses}`);
  say(readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n'));
}
say(`reload: the last file is in force in ${ROUNDS - stale} of ${ROUNDS} bursts of SIGHUP (seed ${SEED})`);
await stop(child);

/** Milliseconds from the start of the process until it catches SIGHUP. @param {() => import('node:child_process').ChildProcess} start */
async function startsToCatch(start) {
  const startMs = performance.now();
  child = start();
  await until(() => child.exitCode !== null || catchesHangup(child.pid), 'the handler of SIGHUP', 1);
  return performance.now() - startMs;
}

const starts = Math.max(5, Math.round(ROUNDS / 20));
/** @type {{ empty: number[], server: number[] }} */
const times = { empty: [], server: [] };
for (let number = 1; number <= starts; number++) {
  times.empty.push(await startsToCatch(() => startNode([empty])));
  child.kill('SIGKILL');
  const which = number % 2;
  writeConfig(1 - which);
  times.server.push(await startsToCatch(start));
  let signals = 0;
  const timer = setInterval(() => {
    // The last of them are for another file than the one of the start.
    if (signals === 3) writeConfig(which);
    signals += 1;
    child.kill('SIGHUP');
  }, START_SIGNAL_MS);
  await until(async () => child.signalCode !== null || (await isInForce()), 'the server under signals');
  clearInterval(timer);
  if (child.signalCode !== null || child.exitCode !== null) {
    ended += 1;
    say(`  start ${number}: ended by the ${signals}th signal`);
  } else await stop(child);
}
// The fastest of each counts: a loaded machine delays single starts, and gets more of them.
const laterMs = () => Math.min(...times.server) - Math.min(...times.empty);
for (let more = 0; more < MORE_STARTS && laterMs() > MAX_LATER_MS; more++) {
  times.empty.push(await startsToCatch(() => startNode([empty])));
  child.kill('SIGKILL');
  times.server.push(await startsToCatch(start));
  child.kill('SIGKILL');
}
say(
  `start: ${starts - ended} of ${starts} survived a SIGHUP every ${START_SIGNAL_MS} ms from the moment that it is caught,`,
);
say(`  ${laterMs().toFixed(0)} ms later than an empty script catches it (${Math.min(...times.empty).toFixed(0)} ms)`);
process.exitCode = stale + ended === 0 && (laterMs() <= MAX_LATER_MS || IS_SMOKE_RUN) ? 0 : 1;

// @ts-check
/**
 * How long a DNS query waits for its answer while nothing else is done, under 64 connections of changed updates, while a zone of many
 * names is transferred, and while it is imported: of this build, without and with a thread that answers queries, and of another
 * build, in alternating rounds.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BENCHMARKS } from './commands.mjs';
import { percentile, queryDns } from './dns-waits.mjs';
import {
  IS_SMOKE_RUN,
  KEY,
  MAIN,
  measureHttp,
  memory,
  originalClients,
  Report,
  say,
  stop,
  UNIT_FLAGS,
  ZONE,
} from './lab.mjs';
import { ownPeer, zoneText } from './peers.mjs';
import { readArguments } from './usage.mjs';

/** @typedef {Awaited<ReturnType<typeof ownPeer>> & {main: string}} Server */

if (isMainThread) await measure();
else parentPort?.postMessage(measureHttp(workerData));

async function measure() {
  const [other, ...numbers] = readArguments(BENCHMARKS.waits).values;
  const defaults = IS_SMOKE_RUN ? [1, 1, 1_000] : [5, 4, 1_000_000];
  const [ROUNDS = 0, SECONDS = 0, NAMES = 0] = defaults.map((number, at) => Number(numbers[at] ?? number));
  const report = new Report();
  say(`${NAMES} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);
  /** @type {readonly (readonly [string, string, number])[]} */
  const builds = [
    ['this', MAIN, 0],
    ['with a thread', MAIN, 1],
    ...(other === undefined ? [] : [/** @type {const} */ (['other', resolve(other), 0])]),
  ];
  /** @type {Map<string, Server>} */
  const servers = new Map();
  for (const [build, main, threads] of builds)
    servers.set(build, { ...(await ownPeer(NAMES, UNIT_FLAGS, main, threads)), main });
  /** @type {readonly [string, number, (server: Server) => Promise<unknown>][]} */
  const loads = [
    ['alone', ROUNDS, () => new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000))],
    ['64 connections of updates', ROUNDS, (server) => update(server, NAMES, SECONDS)],
    ['a transfer of the zone', Math.ceil(ROUNDS / 2), transfer],
    ['an import of the zone', 1, (server) => importZone(server, NAMES)],
  ];
  for (const [what, rounds, load] of loads) {
    for (let round = 1; round <= rounds; round++) {
      for (const [build, server] of round % 2 === 0 ? [...servers].reverse() : servers) {
        const queries = queryDns(server.port);
        const begin = performance.now();
        await load(server);
        const seconds = (performance.now() - begin) / 1_000;
        const times = queries.end();
        for (const percent of [50, 99, 100]) report.note(`${what} ${build} ${percent}`, percentile(times, percent));
        report.note(`${what} ${build} seconds`, seconds);
      }
    }
    for (const build of servers.keys()) {
      const [p50, p99, most, seconds] = ['50', '99', '100', 'seconds'].map((each) =>
        report.middle(`${what} ${build} ${each}`),
      );
      say(
        `${what}, ${build}: ${seconds?.toFixed(1)} s, answers after ${p50?.toFixed(2)} ms (p50), ${p99?.toFixed(2)} ms (p99), ${most?.toFixed(1)} ms (longest)`,
      );
    }
  }
  for (const [build, { child }] of servers) say(`memory, ${build}: ${memory(child).residentMiB.toFixed(0)} MiB`);
  for (const { child } of servers.values()) await stop(child);
  report.atMost(
    'ms that a query waits under 64 connections of updates (p99)',
    report.middle('64 connections of updates with a thread 99'),
    3,
  );
}

/** @param {Server} server @param {number} names @param {number} seconds */
function update({ directory, url }, names, seconds) {
  const load = { directory, url, clients: originalClients(names), kind: 'changed', connections: 64, seconds };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: load });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @param {Server} server */
function transfer({ port }) {
  return ended('dig', ['+tcp', '@127.0.0.1', '-p', `${port}`, '-y', `hmac-sha512:${ZONE}:${KEY}`, ZONE, 'AXFR']);
}

/** Each name gets another address. @param {Server} server @param {number} names */
function importZone({ directory, main }, names) {
  const file = join(directory, 'changed.db');
  writeFileSync(file, zoneText(names).replace('ns1 IN A 127.0.0.1\n', '').replaceAll(' A 10.', ' A 11.'));
  const config = join(directory, 'dyndns.yml');
  return ended(process.execPath, [main, '--config', config, 'zone', 'import', ZONE, file, '--replace']);
}

/** @param {string} command @param {string[]} args @returns {Promise<void>} */
function ended(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

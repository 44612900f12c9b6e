// @ts-check
/**
 * Compares this build with another one, in alternating rounds of one run: processor time per request (changed and unchanged
 * updates with BIND as the primary and on the embedded nameserver, DNS queries, signed UPDATEs), memory, and the time from the
 * start to the first reply. New processes are started every few rounds. Prints medians, and the median of the ratios of neighbouring loads; the exit code is 1 when a ratio of
 * processor time is above 1.02.
 */
import { resolve } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import {
  IS_SMOKE_RUN,
  MAIN,
  makeDirectory,
  measureHttp,
  memory,
  originalClients,
  processorTime,
  Report,
  say,
  startBind,
  startServer,
  stop,
  UNIT_FLAGS,
} from './lab.mjs';
import { measureQueries, measureUpdates, ownPeer } from './peers.mjs';
import { readArguments } from './usage.mjs';

const [main, rounds, seconds] = readArguments(BENCHMARKS.compare).values;
const other = resolve(main ?? MAIN);
const ROUNDS = Number(rounds ?? (IS_SMOKE_RUN ? 1 : 15));
const SECONDS = Number(seconds ?? (IS_SMOKE_RUN ? 1 : 2));
/** Two processes of one build differ by up to a tenth for as long as they run: each ratio is of several pairs. */
const ROUNDS_A_PROCESS = 3;
const STARTS = IS_SMOKE_RUN ? 1 : 11;
const NAMES = 500;
const MAX_RATIO = 1.02;

const BUILDS = /** @type {const} */ (['this', 'other']);

const report = new Report();
const builds = { this: MAIN, other };
/** One for each: with a primary in common, each would find the changes of the other, and first read them. */
const binds = { this: await startBind(makeDirectory(), NAMES), other: await startBind(makeDirectory(), NAMES) };

/** @param {'this' | 'other'} build @returns its servers: in front of BIND, and with the embedded nameserver */
async function startServers(build) {
  const directory = makeDirectory();
  const front = { ...(await startServer(directory, binds[build].port, UNIT_FLAGS, builds[build])), directory };
  return { front, own: await ownPeer(NAMES, UNIT_FLAGS, builds[build]) };
}

/** @param {{directory: string, url: string}} server @param {'changed' | 'unchanged'} kind @returns the number of requests */
function updates({ directory, url }, kind) {
  const clients = originalClients(NAMES);
  return measureHttp({ directory, url, clients, kind, connections: 64, seconds: SECONDS }).requests;
}

/**
 * Runs a load on a server of each build and records the processor time per request, in µs.
 * @template {{child: import('node:child_process').ChildProcess}} Server
 * @param {string} what @param {Record<'this' | 'other', Server>} servers
 * @param {boolean} swap which build goes first @param {(server: Server) => number} load returns the number of requests
 */
function measure(what, servers, swap, load) {
  const times = { this: Number.NaN, other: Number.NaN };
  for (const build of swap ? BUILDS.toReversed() : BUILDS) {
    const { child } = servers[build];
    const before = processorTime(child);
    const requests = load(servers[build]);
    times[build] = report.note(`${what} ${build}`, (processorTime(child) - before) / requests);
  }
  // Of neighbours in time: a machine that gets slower or faster within the run changes both.
  report.note(`${what} ratio`, times.this / times.other);
}

/** @typedef {Awaited<ReturnType<typeof startServers>>} Servers */

/** @param {Record<'this' | 'other', Servers>} servers @param {boolean} swap */
function measureRound(servers, swap) {
  const front = { this: servers.this.front, other: servers.other.front };
  const own = { this: servers.this.own, other: servers.other.own };
  for (const kind of /** @type {const} */ (['changed', 'unchanged'])) {
    if (kind === 'unchanged')
      for (const pair of [front, own]) for (const server of Object.values(pair)) updates(server, kind);
    measure(`${kind}, BIND`, front, swap, (server) => updates(server, kind));
    measure(`${kind}, embedded`, own, swap, (server) => updates(server, kind));
  }
  measure('query', own, swap, (server) => measureQueries(server, NAMES, SECONDS) * SECONDS);
  measure('UPDATE', own, swap, (server) => measureUpdates(server, NAMES, SECONDS) * SECONDS);
}

say(`${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}; other: ${other}`);

for (let round = 0; round < ROUNDS; round += ROUNDS_A_PROCESS) {
  const servers = { this: await startServers('this'), other: await startServers('other') };
  for (const { front, own } of Object.values(servers)) {
    for (const server of [front, own]) updates(server, 'changed');
    measureQueries(own, NAMES, SECONDS);
  }
  for (let next = round; next < Math.min(round + ROUNDS_A_PROCESS, ROUNDS); next++) {
    measureRound(servers, next % 2 === 1);
    say(`  round ${next + 1}/${ROUNDS} done`);
  }
  for (const [build, { front, own }] of Object.entries(servers)) {
    report.note(`memory, BIND ${build}`, memory(front.child).residentMiB);
    report.note(`memory, embedded ${build}`, memory(own.child).residentMiB);
    await stop(front.child);
    await stop(own.child);
  }
}
for (let i = 0; i < STARTS; i++) {
  for (const build of i % 2 === 0 ? BUILDS : BUILDS.toReversed()) {
    const server = await startServer(makeDirectory(), binds[build].port, UNIT_FLAGS, builds[build]);
    report.note(`start ${build}`, server.startMs);
    report.note(`memory after the start ${build}`, memory(server.child).residentMiB);
    await stop(server.child);
  }
}
for (const { child } of Object.values(binds)) await stop(child);

say('');
for (const what of [
  'changed, BIND',
  'changed, embedded',
  'unchanged, BIND',
  'unchanged, embedded',
  'query',
  'UPDATE',
]) {
  const [ours, theirs] = [report.middle(`${what} this`), report.middle(`${what} other`)];
  report.atMost(
    `${what}: processor time ${ours.toFixed(1)} µs, other ${theirs.toFixed(1)} µs, ratio`,
    report.middle(`${what} ratio`),
    MAX_RATIO,
  );
}
for (const what of ['memory, BIND', 'memory, embedded', 'memory after the start']) {
  say(
    `${what}: ${report.middle(`${what} this`).toFixed(1)} MiB, other ${report.middle(`${what} other`).toFixed(1)} MiB`,
  );
}
say(`start: ${report.middle('start this').toFixed(0)} ms, other ${report.middle('start other').toFixed(0)} ms`);

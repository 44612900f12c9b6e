// @ts-check
/**
 * Compares this build with another one, in alternating rounds of one run: processor time per request (changed and unchanged
 * updates with BIND as the primary and on the embedded nameserver, DNS queries, signed UPDATEs), memory, and the time from the
 * start to the first reply. Prints medians, and the median of the ratios of neighbouring loads; the exit code is 1 when a ratio of
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
const ROUNDS = Number(rounds ?? (IS_SMOKE_RUN ? 1 : 7));
const SECONDS = Number(seconds ?? (IS_SMOKE_RUN ? 1 : 4));
const STARTS = IS_SMOKE_RUN ? 1 : 11;
const NAMES = 500;
const MAX_RATIO = 1.02;

const report = new Report();
const builds = /** @type {const} */ ([
  ['this', MAIN],
  ['other', other],
]);

/**
 * Runs a load on the server of each build and records the processor time per request, in µs.
 * @param {string} what @param {Record<'this' | 'other', import('node:child_process').ChildProcess>} children
 * @param {boolean} swap which build goes first @param {(build: 'this' | 'other') => number} load returns the number of requests
 */
function measure(what, children, swap, load) {
  const times = { this: Number.NaN, other: Number.NaN };
  for (const build of swap ? /** @type {const} */ (['other', 'this']) : /** @type {const} */ (['this', 'other'])) {
    const before = processorTime(children[build]);
    const requests = load(build);
    times[build] = report.note(`${what} ${build}`, (processorTime(children[build]) - before) / requests);
  }
  // Of neighbours in time: a machine that gets slower or faster within the run changes both.
  report.note(`${what} ratio`, times.this / times.other);
}

say(`${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}; other: ${other}`);
const bind = await startBind(makeDirectory(), NAMES);
/** @type {Partial<Record<'this' | 'other', Awaited<ReturnType<typeof startServer>> & {directory: string}>>} */
const fronts = {};
/** @type {Partial<Record<'this' | 'other', Awaited<ReturnType<typeof ownPeer>>>>} */
const owns = {};
for (const [build, main] of builds) {
  const directory = makeDirectory();
  fronts[build] = { ...(await startServer(directory, bind.port, UNIT_FLAGS, main)), directory };
  owns[build] = await ownPeer(NAMES, UNIT_FLAGS, main);
}
const front = /** @type {Required<typeof fronts>} */ (fronts);
const own = /** @type {Required<typeof owns>} */ (owns);
const frontChildren = { this: front.this.child, other: front.other.child };
const ownChildren = { this: own.this.child, other: own.other.child };

for (let round = 0; round < ROUNDS; round++) {
  const swap = round % 2 === 1;
  for (const kind of /** @type {const} */ (['changed', 'unchanged'])) {
    const load = (/** @type {{directory: string, url: string}} */ { directory, url }) =>
      measureHttp({ directory, url, clients: originalClients(NAMES), kind, connections: 64, seconds: SECONDS })
        .requests;
    if (kind === 'unchanged')
      for (const [build] of builds) for (const server of [front[build], own[build]]) load(server);
    measure(`${kind}, BIND`, frontChildren, swap, (build) => load(front[build]));
    measure(`${kind}, embedded`, ownChildren, swap, (build) => load(own[build]));
  }
  measure('query', ownChildren, swap, (build) => measureQueries(own[build], NAMES, SECONDS) * SECONDS);
  measure('UPDATE', ownChildren, swap, (build) => measureUpdates(own[build], NAMES, SECONDS) * SECONDS);
  say(`  round ${round + 1}/${ROUNDS} done`);
}
for (const [build] of builds) {
  report.note(`memory, BIND ${build}`, memory(front[build].child).residentMiB);
  report.note(`memory, embedded ${build}`, memory(own[build].child).residentMiB);
  await stop(front[build].child);
  await stop(own[build].child);
}
for (let i = 0; i < STARTS; i++) {
  for (const [build, main] of i % 2 === 0 ? builds : builds.toReversed()) {
    const server = await startServer(makeDirectory(), bind.port, UNIT_FLAGS, main);
    report.note(`start ${build}`, server.startMs);
    report.note(`memory after the start ${build}`, memory(server.child).residentMiB);
    await stop(server.child);
  }
}
await stop(bind.child);

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

// @ts-check
/**
 * Queries a second over UDP that the embedded nameserver answers alone and with 1, 2, … threads, and BIND with as many threads as it
 * has by default, in alternating rounds; and the processor time of a query. The same of a signed zone without and with DO, for names
 * that are there and others.
 */
import { readdirSync } from 'node:fs';
import { hasReusePort } from '#dist/config/resolve/state.js';
import { BENCHMARKS } from './commands.mjs';
import { memory, numbersFor, processorTime, processorTimeOfTree, Report, say, stop, UNIT_FLAGS } from './lab.mjs';
import { bindPeer, measureQueries, ownPeer } from './peers.mjs';

const NAMES = 1_000;
/** The system chooses the thread of a query by the port of its client: few clients may all meet one thread. */
const CLIENTS = 64;

const [ROUNDS = 0, SECONDS = 0, THREADS = 0] = numbersFor(BENCHMARKS.queries, [
  [5, 1],
  [4, 1],
  [2, 2],
]);
const most = hasReusePort(process.versions.node) ? THREADS : 1;
if (most < THREADS) say(`More than one thread needs Node.js 22.12 or later: ${THREADS} threads are not measured.`);

const report = new Report();
say(
  `${NAMES} names, ${CLIENTS} clients, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`,
);
const bind = await bindPeer(NAMES);
const own = [];
for (let threads = 0; threads <= most; threads++) {
  own.push({ ...(await ownPeer(NAMES, UNIT_FLAGS, undefined, threads)), title: `${threads} threads` });
}
const peers = [bind, ...own];
for (let round = 1; round <= ROUNDS; round++) {
  const rates = (round % 2 === 0 ? peers.toReversed() : peers).map((peer) => {
    const [allBegin, begin] = [processorTimeOfTree(process.pid), processorTime(peer.child)];
    const rate = report.note(`rate ${peer.title}`, measureQueries(peer, NAMES, SECONDS, CLIENTS));
    const used = processorTime(peer.child) - begin;
    report.note(`used ${peer.title}`, used / (rate * SECONDS));
    report.note(`load ${peer.title}`, (processorTimeOfTree(process.pid) - allBegin - used) / (rate * SECONDS));
    return `${peer.title} ${rate.toFixed(0)}`;
  });
  say(`  round ${round}/${ROUNDS}, queries/s: ${rates.join(', ')}`);
}
say('');
const middle = (/** @type {string} */ what, /** @type {{title: string}} */ { title }) =>
  report.middle(`${what} ${title}`);
for (const peer of peers) {
  const rate = middle('rate', peer);
  const title = peer === bind ? `BIND, ${threadsOf(bind.child.pid)} threads` : peer.title;
  const ratio = peer === bind ? '' : ` = ${(rate / middle('rate', bind)).toFixed(2)} BIND`;
  say(
    `${title}: ${Math.round(rate).toLocaleString('en')} queries/s${ratio}, ${middle('used', peer).toFixed(1)} µs of processor time a query (and ${middle('load', peer).toFixed(1)} of the load), ${memory(peer.child).residentMiB.toFixed(0)} MiB`,
  );
}
for (const { child } of peers) await stop(child);
const ratio = middle('rate', /** @type {{title: string}} */ (own.at(-1))) / middle('rate', bind);
say('');
for (let threads = 0; threads <= Math.min(most, 1); threads++) await measureSigned(threads);
report.atLeast(`queries with ${most} threads / BIND`, ratio, 0.85);

/** @param {number} threads that answer queries */
async function measureSigned(threads) {
  const peer = await ownPeer(NAMES, UNIT_FLAGS, undefined, threads, true);
  const kinds = [
    { title: 'names', dnssecOk: false },
    { title: 'names, DO', dnssecOk: true },
    { title: 'no names', dnssecOk: false, isMissing: true },
    { title: 'no names, DO', dnssecOk: true, isMissing: true },
  ];
  for (let round = 1; round <= ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? kinds.toReversed() : kinds) {
      const begin = processorTime(peer.child);
      const rate = report.note(`signed ${threads} ${kind.title}`, measureQueries(peer, NAMES, SECONDS, CLIENTS, kind));
      report.note(`signed used ${threads} ${kind.title}`, (processorTime(peer.child) - begin) / (rate * SECONDS));
    }
  }
  await stop(peer.child);
  for (const { title } of kinds) {
    const rate = Math.round(report.middle(`signed ${threads} ${title}`)).toLocaleString('en');
    const used = report.middle(`signed used ${threads} ${title}`).toFixed(1);
    say(`signed zone, ${threads} threads, ${title}: ${rate} queries/s, ${used} µs of processor time a query`);
  }
  for (const title of ['names', 'no names']) {
    const withDo = report.middle(`signed ${threads} ${title}, DO`) / report.middle(`signed ${threads} ${title}`);
    report.atLeast(`signed zone, ${threads} threads, ${title}, DO / without`, withDo, 0.85);
  }
}

/** All threads of the process: BIND has one for the network for each processor, and a few more. @param {number | undefined} pid */
function threadsOf(pid) {
  return readdirSync(`/proc/${pid}/task`).length;
}

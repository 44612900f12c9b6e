// @ts-check
// The embedded nameserver beside BIND, Knot and PowerDNS in the same run: queries a second, signed UPDATEs a second,
// durable updates over HTTP beside the same with BIND as the primary, and what a million names cost. Alternating rounds,
// medians; the targets are ratios. `node bench/nameserver.mjs [ROUNDS] [SECONDS] [NAMES]`
import { measureFsync, measureHttp, median, memory, startServer, stop, UNIT_FLAGS } from './lab.mjs';
import { bindPeer, knotPeer, measureQueries, measureUpdates, ownPeer, powerdnsPeer, startOwn } from './peers.mjs';

const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = Number(process.argv[3] ?? 5);
const MANY = Number(process.argv[4] ?? 1_000_000);
const FEW = 1000;

/** @type {Map<string, number[]>} */
const samples = new Map();
const note = (/** @type {string} */ name, /** @type {number} */ value) => {
  samples.set(name, [...(samples.get(name) ?? []), value]);
  return value;
};
const middle = (/** @type {string} */ name) => median(samples.get(name) ?? []);
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

say(`${FEW} and ${MANY} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);

const own = await ownPeer(FEW, UNIT_FLAGS);
const bind = await bindPeer(FEW);
const peers = [own, bind, await knotPeer(FEW), await powerdnsPeer(FEW)];
const fronted = await startServer(bind.directory, bind.port, UNIT_FLAGS);
for (let round = 1; round <= ROUNDS; round++) {
  note('fsync', measureFsync(own.directory));
  const queries = peers.map((peer) => note(`queries ${peer.title}`, measureQueries(peer, FEW, SECONDS)));
  const updates = peers.map((peer) => note(`updates ${peer.title}`, measureUpdates(peer, FEW, SECONDS)));
  const http = [own, { ...bind, url: fronted.url }].map(({ title, directory, url }) => {
    const { rate, p50, p99 } = measureHttp({
      directory,
      url,
      names: FEW,
      kind: 'changed',
      connections: 64,
      seconds: SECONDS,
    });
    note(`http p50 ${title}`, p50);
    note(`http p99 ${title}`, p99);
    return note(`http ${title}`, rate);
  });
  const list = (/** @type {number[]} */ rates) => rates.map((rate) => rate.toFixed(0)).join(', ');
  say(
    `  round ${round}/${ROUNDS} (dyndns, BIND, Knot, PowerDNS): queries ${list(queries)}/s; updates ${list(updates)}/s; HTTP, own and with BIND behind: ${list(http)}/s`,
  );
}
const few = memory(own.child);
await stop(fronted.child);
for (const peer of peers) await stop(peer.child);

const filled = await ownPeer(MANY, UNIT_FLAGS);
await stop(filled.child);
const large = await startOwn(filled.directory, UNIT_FLAGS);
const small = await startOwn(own.directory, UNIT_FLAGS);
const atStart = memory(large.child);
for (let round = 1; round <= ROUNDS; round++) {
  const rates = [
    { peer: small, names: FEW },
    { peer: large, names: MANY },
  ].map(({ peer, names }) => [
    note(`queries ${names}`, measureQueries(peer, names, SECONDS)),
    note(`updates ${names}`, measureUpdates(peer, names, SECONDS)),
    note(`http ${names}`, measureHttp({ ...peer, names, kind: 'changed', connections: 64, seconds: SECONDS }).rate),
  ]);
  const list = rates.map((each) => each.map((rate) => rate.toFixed(0)).join(', ')).join(' | ');
  say(`  round ${round}/${ROUNDS} (${FEW} | ${MANY} names: queries, updates, HTTP): ${list}`);
}
const after = memory(large.child);
await stop(large.child);
await stop(small.child);

say('');
say(`fsync: ${middle('fsync').toFixed(2)} ms`);
for (const { title } of peers) {
  say(
    `${title}: ${middle(`queries ${title}`).toFixed(0)} queries/s, ${middle(`updates ${title}`).toFixed(0)} signed updates/s`,
  );
}
for (const title of ['dyndns', 'BIND']) {
  say(
    `HTTP, changed, 64 connections, primary ${title}: ${middle(`http ${title}`).toFixed(0)}/s, p50 ${middle(`http p50 ${title}`).toFixed(1)} ms, p99 ${middle(`http p99 ${title}`).toFixed(1)} ms`,
  );
}
for (const names of [FEW, MANY]) {
  say(
    `${names} names: ${middle(`queries ${names}`).toFixed(0)} queries/s, ${middle(`updates ${names}`).toFixed(0)} updates/s, ${middle(`http ${names}`).toFixed(0)} HTTP updates/s`,
  );
}
say(`memory with ${FEW} names after all loads: ${few.residentMiB.toFixed(0)} MiB, peak ${few.peakMiB.toFixed(0)} MiB`);
say(
  `memory with ${MANY} names: ${atStart.residentMiB.toFixed(0)} MiB after the start, ${after.residentMiB.toFixed(0)} MiB after all loads, peak ${after.peakMiB.toFixed(0)} MiB`,
);
say(`start with ${MANY} names until the first answer: ${(large.startMs / 1000).toFixed(1)} s`);
say('');

let missed = 0;
/** @param {string} what @param {number} value @param {number} bound @param {boolean} atLeast */
function target(what, value, bound, atLeast) {
  const met = atLeast ? value >= bound : value <= bound;
  if (!met) missed += 1;
  say(`${met ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)} (${atLeast ? 'at least' : 'at most'} ${bound})`);
}
target('queries / BIND', middle('queries dyndns') / middle('queries BIND'), 0.5, true);
target('signed updates / Knot', middle('updates dyndns') / middle('updates Knot'), 2, true);
target('HTTP updates / the same with BIND as the primary', middle('http dyndns') / middle('http BIND'), 1, true);
target(`queries, ${MANY} / ${FEW} names`, middle(`queries ${MANY}`) / middle(`queries ${FEW}`), 0.8, true);
target(`updates, ${MANY} / ${FEW} names`, middle(`updates ${MANY}`) / middle(`updates ${FEW}`), 0.8, true);
target(`HTTP updates, ${MANY} / ${FEW} names`, middle(`http ${MANY}`) / middle(`http ${FEW}`), 0.8, true);
target(`memory with ${MANY} names, GiB`, after.residentMiB / 1024, 1.2, false);
target(`start with ${MANY} names, s`, large.startMs / 1000, 12, false);
process.exitCode = missed > 0 ? 1 : 0;

// @ts-check
/**
 * The embedded nameserver, BIND, Knot and PowerDNS in one run: queries a second, signed UPDATEs a second, durable updates over HTTP (also with
 * BIND as the primary), and the cost of a million names. Alternating rounds, medians; the targets are ratios.
 */
import { BENCHMARKS } from './commands.mjs';
import {
  measureFsync,
  measureHttp,
  memory,
  numbersFor,
  originalClients,
  Report,
  say,
  startServer,
  stop,
  UNIT_FLAGS,
} from './lab.mjs';
import { bindPeer, knotPeer, measureQueries, measureUpdates, ownPeer, powerdnsPeer, startOwn } from './peers.mjs';

const [ROUNDS = 0, SECONDS = 0, MANY = 0] = numbersFor(BENCHMARKS.nameserver, [
  [3, 1],
  [5, 1],
  [1_000_000, 2000],
]);
const FEW = 1000;

const report = new Report();

say(`${FEW} and ${MANY} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);

const own = await ownPeer(FEW, UNIT_FLAGS);
const bind = await bindPeer(FEW);
const peers = [own, bind, await knotPeer(FEW), await powerdnsPeer(FEW)];
const fronted = await startServer(bind.directory, bind.port, UNIT_FLAGS);
for (let round = 1; round <= ROUNDS; round++) {
  report.note('fsync', measureFsync(own.directory));
  const queries = peers.map((peer) => report.note(`queries ${peer.title}`, measureQueries(peer, FEW, SECONDS)));
  const updates = peers.map((peer) => report.note(`updates ${peer.title}`, measureUpdates(peer, FEW, SECONDS)));
  const http = [own, { ...bind, url: fronted.url }].map(({ title, directory, url }) => {
    const { rate, p50, p99 } = measureHttp({
      directory,
      url,
      clients: originalClients(FEW),
      kind: 'changed',
      connections: 64,
      seconds: SECONDS,
    });
    report.note(`http p50 ${title}`, p50);
    report.note(`http p99 ${title}`, p99);
    return report.note(`http ${title}`, rate);
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
    report.note(`queries ${names}`, measureQueries(peer, names, SECONDS)),
    report.note(`updates ${names}`, measureUpdates(peer, names, SECONDS)),
    report.note(
      `http ${names}`,
      measureHttp({ ...peer, clients: originalClients(names), kind: 'changed', connections: 64, seconds: SECONDS })
        .rate,
    ),
  ]);
  const list = rates.map((each) => each.map((rate) => rate.toFixed(0)).join(', ')).join(' | ');
  say(`  round ${round}/${ROUNDS} (${FEW} | ${MANY} names: queries, updates, HTTP): ${list}`);
}
const after = memory(large.child);
await stop(large.child);
await stop(small.child);

say('');
say(`fsync: ${report.middle('fsync').toFixed(2)} ms`);
for (const { title } of peers) {
  say(
    `${title}: ${report.middle(`queries ${title}`).toFixed(0)} queries/s, ${report.middle(`updates ${title}`).toFixed(0)} signed updates/s`,
  );
}
for (const title of ['dyndns', 'BIND']) {
  say(
    `HTTP, changed, 64 connections, primary ${title}: ${report.middle(`http ${title}`).toFixed(0)}/s, p50 ${report.middle(`http p50 ${title}`).toFixed(1)} ms, p99 ${report.middle(`http p99 ${title}`).toFixed(1)} ms`,
  );
}
for (const names of [FEW, MANY]) {
  say(
    `${names} names: ${report.middle(`queries ${names}`).toFixed(0)} queries/s, ${report.middle(`updates ${names}`).toFixed(0)} updates/s, ${report.middle(`http ${names}`).toFixed(0)} HTTP updates/s`,
  );
}
say(`memory with ${FEW} names after all loads: ${few.residentMiB.toFixed(0)} MiB, peak ${few.peakMiB.toFixed(0)} MiB`);
say(
  `memory with ${MANY} names: ${atStart.residentMiB.toFixed(0)} MiB after the start, ${after.residentMiB.toFixed(0)} MiB after all loads, peak ${after.peakMiB.toFixed(0)} MiB`,
);
say(`start with ${MANY} names until the first answer: ${(large.startMs / 1000).toFixed(1)} s`);
say('');

report.atLeast('queries / BIND', report.middle('queries dyndns') / report.middle('queries BIND'), 0.7);
report.atLeast('signed updates / Knot', report.middle('updates dyndns') / report.middle('updates Knot'), 2);
report.atLeast(
  'HTTP updates / the same with BIND as the primary',
  report.middle('http dyndns') / report.middle('http BIND'),
  1,
);
report.atLeast(
  `queries, ${MANY} / ${FEW} names`,
  report.middle(`queries ${MANY}`) / report.middle(`queries ${FEW}`),
  0.9,
);
report.atLeast(
  `updates, ${MANY} / ${FEW} names`,
  report.middle(`updates ${MANY}`) / report.middle(`updates ${FEW}`),
  0.9,
);
report.atLeast(
  `HTTP updates, ${MANY} / ${FEW} names`,
  report.middle(`http ${MANY}`) / report.middle(`http ${FEW}`),
  0.9,
);
report.atMost(`memory with ${MANY} names, GiB`, after.residentMiB / 1024, 0.7);
report.atMost(`start with ${MANY} names, s`, large.startMs / 1000, 5);

// @ts-check
/**
 * Updates a second over HTTP with BIND as the primary, compared with the rate of that BIND for messages of one name, in one run:
 * alternating rounds, medians. The targets (in the exit code) are ratios, because machines differ.
 */
import { BENCHMARKS } from './commands.mjs';
import {
  IS_SMOKE_RUN,
  makeDirectory,
  measureBind,
  measureFsync,
  measureHttp,
  memory,
  numbersFor,
  originalClients,
  Report,
  say,
  serial,
  startBind,
  startServer,
  stop,
  UNIT_FLAGS,
} from './lab.mjs';

const [ROUNDS = 0, SECONDS = 0] = numbersFor(BENCHMARKS.updates, [
  [3, 1],
  [5, 1],
]);
const NAMES = 500;
const CONNECTIONS = IS_SMOKE_RUN ? [64] : [16, 64, 256];
const STARTS = IS_SMOKE_RUN ? 1 : 5;

const directory = makeDirectory();
const bind = await startBind(directory, NAMES);

const report = new Report();

/** One server, all loads. @param {string[]} flags @param {string} label @param {boolean} peers */
async function campaign(flags, label, peers) {
  const server = await startServer(directory, bind.port, flags);
  report.note(`start ${label}`, server.startMs);
  const http = { directory, url: server.url, clients: originalClients(NAMES), seconds: SECONDS };
  for (let round = 1; round <= ROUNDS; round++) {
    report.note('fsync', measureFsync(directory));
    const own = peers ? report.note('bind', measureBind(directory, bind.port, NAMES, 64, SECONDS)) : Number.NaN;
    const rates = CONNECTIONS.map((connections) => {
      const { rate, p50, p99 } = measureHttp({ ...http, kind: 'changed', connections });
      report.note(`changed ${connections} ${label} p50`, p50);
      report.note(`changed ${connections} ${label} p99`, p99);
      return report.note(`changed ${connections} ${label}`, rate);
    });
    const first = measureHttp({ ...http, kind: 'unchanged', connections: 64, seconds: 1 });
    const before = serial(bind.port);
    const unchanged = measureHttp({ ...http, kind: 'unchanged', connections: 64 });
    if (serial(bind.port) !== before) throw new Error('unchanged updates raised the serial');
    report.note(`unchanged ${label}`, unchanged.rate);
    report.note(`unchanged ${label} p99`, unchanged.p99);
    say(
      `  ${label}, round ${round}/${ROUNDS}: BIND ${own.toFixed(0)}/s; changed ${rates.map((rate) => rate.toFixed(0)).join(', ')}/s; unchanged ${unchanged.rate.toFixed(0)}/s${first.rate > 0 ? '' : '!'}`,
    );
  }
  const { residentMiB, peakMiB } = memory(server.child);
  report.note(`resident ${label}`, residentMiB);
  report.note(`peak ${label}`, peakMiB);
  for (const kind of /** @type {const} */ (['changed', 'unchanged'])) {
    measureHttp({ ...http, kind, connections: 64, seconds: 1 });
    const { wrong } = measureHttp({ ...http, kind, connections: 64, seconds: Math.min(2, SECONDS), verify: true });
    if (wrong !== 0) throw new Error(`${wrong} replies of the ${kind} load did not say so`);
  }
  await stop(server.child);
}

say(`${NAMES} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version}`);
await campaign([], 'plain', true);
await campaign(UNIT_FLAGS, 'unit', true);
for (let i = 0; i < STARTS; i++) {
  const server = await startServer(directory, bind.port, []);
  report.note('start plain', server.startMs);
  await stop(server.child);
}
await stop(bind.child);

const own = report.middle('bind');
say('');
say(`fsync: ${report.middle('fsync').toFixed(2)} ms`);
say(`BIND alone, one name a message, 64 outstanding: ${own.toFixed(0)}/s`);
for (const label of ['plain', 'unit']) {
  say(`node ${label === 'plain' ? 'without flags' : UNIT_FLAGS.join(' ')}:`);
  for (const connections of CONNECTIONS) {
    const name = `changed ${connections} ${label}`;
    say(
      `  changed, ${connections} connections: ${report.middle(name).toFixed(0)}/s, ${(report.middle(name) / own).toFixed(1)} x BIND, p50 ${report.middle(`${name} p50`).toFixed(1)} ms, p99 ${report.middle(`${name} p99`).toFixed(1)} ms`,
    );
  }
  const name = `unchanged ${label}`;
  say(
    `  unchanged, 64 connections: ${report.middle(name).toFixed(0)}/s, ${(report.middle(name) / own).toFixed(1)} x BIND, p99 ${report.middle(`${name} p99`).toFixed(1)} ms`,
  );
  say(
    `  memory after the run: ${report.middle(`resident ${label}`).toFixed(0)} MiB resident, ${report.middle(`peak ${label}`).toFixed(0)} MiB peak`,
  );
}
say(`start-up until the first reply: ${report.middle('start plain').toFixed(0)} ms`);
say('');

for (const label of ['plain', 'unit']) {
  const flags = label === 'plain' ? 'plain node' : 'flags of the unit';
  report.atLeast(`changed at 64 connections / BIND, ${flags}`, report.middle(`changed 64 ${label}`) / own, 6);
  report.atLeast(`unchanged at 64 connections / BIND, ${flags}`, report.middle(`unchanged ${label}`) / own, 9);
  report.atMost(`p99 of changed at 64 connections, ${flags}, ms`, report.middle(`changed 64 ${label} p99`), 10);
}
report.atMost('resident memory, plain node, MiB', report.middle('resident plain'), 120);
report.atMost('resident memory, flags of the unit, MiB', report.middle('resident unit'), 100);
report.atMost('start-up, ms', report.middle('start plain'), 500);

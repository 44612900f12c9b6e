// @ts-check
// Updates a second over HTTP with BIND as the primary, beside what that BIND does itself with one name a message, in
// the same run: alternating rounds, medians. Targets (in the exit code) are ratios, because machines differ.
// `node bench/update-rate.mjs [ROUNDS] [SECONDS]`
import {
  makeDirectory,
  measureBind,
  measureFsync,
  measureHttp,
  median,
  memory,
  originalClients,
  serial,
  startBind,
  startServer,
  stop,
  UNIT_FLAGS,
} from './lab.mjs';

const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = Number(process.argv[3] ?? 5);
const NAMES = 500;
const CONNECTIONS = [16, 64, 256];

const directory = makeDirectory();
const bind = await startBind(directory, NAMES);

/** @type {Map<string, number[]>} */
const samples = new Map();
const note = (/** @type {string} */ name, /** @type {number} */ value) => {
  samples.set(name, [...(samples.get(name) ?? []), value]);
  return value;
};
const middle = (/** @type {string} */ name) => median(samples.get(name) ?? []);
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

/** One server, all loads. @param {string[]} flags @param {string} label @param {boolean} peers */
async function campaign(flags, label, peers) {
  const server = await startServer(directory, bind.port, flags);
  note(`start ${label}`, server.startMs);
  const http = { directory, url: server.url, clients: originalClients(NAMES), seconds: SECONDS };
  for (let round = 1; round <= ROUNDS; round++) {
    note('fsync', measureFsync(directory));
    const own = peers ? note('bind', measureBind(directory, bind.port, NAMES, 64, SECONDS)) : Number.NaN;
    const rates = CONNECTIONS.map((connections) => {
      const { rate, p50, p99 } = measureHttp({ ...http, kind: 'changed', connections });
      note(`changed ${connections} ${label} p50`, p50);
      note(`changed ${connections} ${label} p99`, p99);
      return note(`changed ${connections} ${label}`, rate);
    });
    const first = measureHttp({ ...http, kind: 'unchanged', connections: 64, seconds: 1 });
    const before = serial(bind.port);
    const unchanged = measureHttp({ ...http, kind: 'unchanged', connections: 64 });
    if (serial(bind.port) !== before) throw new Error('unchanged updates raised the serial');
    note(`unchanged ${label}`, unchanged.rate);
    note(`unchanged ${label} p99`, unchanged.p99);
    say(
      `  ${label}, round ${round}/${ROUNDS}: BIND ${own.toFixed(0)}/s; changed ${rates.map((rate) => rate.toFixed(0)).join(', ')}/s; unchanged ${unchanged.rate.toFixed(0)}/s${first.rate > 0 ? '' : '!'}`,
    );
  }
  const { residentMiB, peakMiB } = memory(server.child);
  note(`resident ${label}`, residentMiB);
  note(`peak ${label}`, peakMiB);
  for (const kind of /** @type {const} */ (['changed', 'unchanged'])) {
    measureHttp({ ...http, kind, connections: 64, seconds: 1 });
    const { wrong } = measureHttp({ ...http, kind, connections: 64, seconds: 2, verify: true });
    if (wrong !== 0) throw new Error(`${wrong} replies of the ${kind} load did not say so`);
  }
  await stop(server.child);
}

say(`${NAMES} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version}`);
await campaign([], 'plain', true);
await campaign(UNIT_FLAGS, 'unit', true);
for (let i = 0; i < 5; i++) {
  const server = await startServer(directory, bind.port, []);
  note('start plain', server.startMs);
  await stop(server.child);
}
await stop(bind.child);

const own = middle('bind');
say('');
say(`fsync: ${middle('fsync').toFixed(2)} ms`);
say(`BIND alone, one name a message, 64 outstanding: ${own.toFixed(0)}/s`);
for (const label of ['plain', 'unit']) {
  say(`node ${label === 'plain' ? 'without flags' : UNIT_FLAGS.join(' ')}:`);
  for (const connections of CONNECTIONS) {
    const name = `changed ${connections} ${label}`;
    say(
      `  changed, ${connections} connections: ${middle(name).toFixed(0)}/s, ${(middle(name) / own).toFixed(1)} x BIND, p50 ${middle(`${name} p50`).toFixed(1)} ms, p99 ${middle(`${name} p99`).toFixed(1)} ms`,
    );
  }
  const name = `unchanged ${label}`;
  say(
    `  unchanged, 64 connections: ${middle(name).toFixed(0)}/s, ${(middle(name) / own).toFixed(1)} x BIND, p99 ${middle(`${name} p99`).toFixed(1)} ms`,
  );
  say(
    `  memory after the run: ${middle(`resident ${label}`).toFixed(0)} MiB resident, ${middle(`peak ${label}`).toFixed(0)} MiB peak`,
  );
}
say(`start-up until the first reply: ${middle('start plain').toFixed(0)} ms`);
say('');

let missed = 0;
/** @param {string} what @param {number} value @param {number} bound @param {boolean} atLeast */
function target(what, value, bound, atLeast) {
  const met = atLeast ? value >= bound : value <= bound;
  if (!met) missed += 1;
  say(`${met ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(1)} (${atLeast ? 'at least' : 'at most'} ${bound})`);
}
for (const label of ['plain', 'unit']) {
  const flags = label === 'plain' ? 'plain node' : 'flags of the unit';
  target(`changed at 64 connections / BIND, ${flags}`, middle(`changed 64 ${label}`) / own, 6, true);
  target(`unchanged at 64 connections / BIND, ${flags}`, middle(`unchanged ${label}`) / own, 9, true);
  target(`p99 of changed at 64 connections, ${flags}, ms`, middle(`changed 64 ${label} p99`), 10, false);
}
target('resident memory, plain node, MiB', middle('resident plain'), 120, false);
target('resident memory, flags of the unit, MiB', middle('resident unit'), 100, false);
target('start-up, ms', middle('start plain'), 500, false);
process.exitCode = missed > 0 ? 1 : 0;

// @ts-check
/**
 * A zone with DNSSEC compared with one without, in one run: changed updates a second with few and many names, over DNS and HTTP; the first
 * signing of the large zone while it is served and updated, with the longest wait of a query; then its memory and its start.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BENCHMARKS } from './commands.mjs';
import { percentile, queryDnsApart } from './dns-waits.mjs';
import { measureHttp, memory, numbersFor, originalClients, Report, say, stop, UNIT_FLAGS, ZONE } from './lab.mjs';
import { measureQueries, measureUpdates, ownPeer, startOwn } from './peers.mjs';

/** @typedef {Awaited<ReturnType<typeof ownPeer>>} Server */

const FEW = 1_000;
/** Of a first signing. */
const LIMIT_MS = 900_000;

if (isMainThread) await measure();
else parentPort?.postMessage(measureHttp(workerData));

async function measure() {
  const [ROUNDS = 0, SECONDS = 0, MANY = 0] = numbersFor(BENCHMARKS.signed, [
    [5, 1],
    [4, 1],
    [1_000_000, 40_000],
  ]);
  const report = new Report();
  say(`${FEW} and ${MANY} names, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);
  for (const names of [FEW, MANY]) {
    const plain = await ownPeer(names, UNIT_FLAGS);
    const signed = await signWhileServed(report, names);
    for (let round = 1; round <= ROUNDS; round++) {
      const servers = [
        { kind: 'unsigned', server: plain, dnssecOk: false },
        { kind: 'signed', server: signed, dnssecOk: true },
      ];
      for (const { kind, server, dnssecOk } of round % 2 === 0 ? servers.reverse() : servers) {
        report.note(`${names} DNS ${kind}`, measureUpdates(server, names, SECONDS));
        report.note(`${names} HTTP ${kind}`, measureHttp({ ...httpLoad(server, names), seconds: SECONDS }).rate);
        report.note(`${names} queries ${kind}`, measureQueries(server, names, SECONDS, 64, { dnssecOk }));
      }
    }
    const [plainMemory, signedMemory] = [plain, signed].map(({ child }) => memory(child).residentMiB);
    say(
      `${names} names, memory after all loads: ${plainMemory?.toFixed(0)} MiB, signed ${signedMemory?.toFixed(0)} MiB`,
    );
    await stop(plain.child);
    await stop(signed.child);
    for (const [what, bound] of /** @type {const} */ ([
      ['DNS', 0.6],
      ['HTTP', 0.6],
      ['queries', 0.85],
    ])) {
      const [without, withSignatures] = ['unsigned', 'signed'].map((kind) => report.middle(`${names} ${what} ${kind}`));
      say(`${names} names, ${what}: ${without?.toFixed(0)}/s, signed ${withSignatures?.toFixed(0)}/s`);
      report.atLeast(`${names} names, ${what}, signed / unsigned`, Number(withSignatures) / Number(without), bound);
    }
  }
  report.atMost('ms that a query waits during the first signing (longest)', report.middle('longest'), 100);
}

/** A zone that is served unsigned, then with DNSSEC, then started again. @param {Report} report @param {number} names */
async function signWhileServed(report, names) {
  const unsigned = await ownPeer(names, UNIT_FLAGS);
  await stop(unsigned.child);
  const { directory } = unsigned;
  const begin = performance.now();
  const first = await startOwn(directory, UNIT_FLAGS, undefined, 0, true);
  const queries = queryDnsApart(first.port);
  const rates = [];
  while (!(await isSigned(first.port))) {
    if (performance.now() - begin > LIMIT_MS) throw new Error('the zone is not signed');
    rates.push((await updateInThread(httpLoad(first, names))).rate);
  }
  const seconds = (performance.now() - begin) / 1_000;
  const times = await queries.end();
  report.note('longest', percentile(times, 100));
  const [p50, p99, most] = [50, 99, 100].map((percent) => percentile(times, percent).toFixed(1));
  const rate = rates.reduce((sum, each) => sum + each, 0) / rates.length;
  say(
    `${names} names, first signing: served after ${(first.startMs / 1_000).toFixed(1)} s, signed after ${seconds.toFixed(1)} s; meanwhile ${rate.toFixed(0)} HTTP updates/s, answers after ${p50} ms (p50), ${p99} ms (p99), ${most} ms (longest); ${memory(first.child).peakMiB.toFixed(0)} MiB (peak)`,
  );
  await stop(first.child);
  const again = await startOwn(directory, UNIT_FLAGS, undefined, 0, true);
  const { residentMiB } = memory(again.child);
  say(
    `${names} names, signed: start ${(again.startMs / 1_000).toFixed(1)} s, ${residentMiB.toFixed(0)} MiB; unsigned ${(unsigned.startMs / 1_000).toFixed(1)} s`,
  );
  return again;
}

/** @param {Server} server @param {number} names */
function httpLoad({ directory, url }, names) {
  const clients = originalClients(names);
  return { directory, url, clients, kind: /** @type {const} */ ('changed'), connections: 64, seconds: 1 };
}

/** @param {ReturnType<typeof httpLoad>} load @returns {Promise<{rate: number}>} */
function updateInThread(load) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: load });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @param {number} port */
async function isSigned(port) {
  const args = ['@127.0.0.1', '-p', `${port}`, '+short', '+dnssec', '+time=1', ZONE, 'SOA'];
  const { stdout } = await promisify(execFile)('dig', args);
  return stdout.trim().split('\n').length > 1;
}

// @ts-check
/**
 * Random changes of a signed zone (bench/signed-changes.mjs), once with NSEC3 and once with NSEC, that BIND, Knot and NSD follow by NOTIFY
 * and IXFR. After each hundredth the three hold the same zone as we do, dnssec-verify, ldns-verify-zone and kzonecheck accept what one of them
 * transfers, and IXFR from a hundred changes before gives the same. Exit code 1 otherwise.
 */
import { formatRcode } from '#dist/dns/wire/message.js';
import { ExchangeError } from '#dist/net/exchange.js';
import { TcpExchanger } from '#dist/net/tcp.js';
import { FUZZERS } from './commands.mjs';
import { seeded } from './damage.mjs';
import { applyIxfr, copyOf, differenceOf, transfer, update } from './dns-client.mjs';
import { freePort, makeDirectory } from './lab.mjs';
import { missingIn, rawTransfer } from './raw-transfer.mjs';
import { makeChanges } from './signed-changes.mjs';
import { apex, ZONE } from './update-corpus.mjs';
import { key, keyOption, ownPrimary, SECONDARY_KINDS, secondary } from './update-peers.mjs';
import { readArguments } from './usage.mjs';
import { refusalsOf } from './zone-validators.mjs';

/** @typedef {Awaited<ReturnType<typeof secondary>>} Server */

const [changes, seed, onlyChain] = readArguments(FUZZERS.signed).values;
const CHANGES = Number(changes ?? 10_000);
const SEED = Number(seed ?? Date.now() % 2 ** 32) >>> 0;

const ROUND = 100;
const FOLLOW_MS = 20_000;
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const number = (/** @type {number} */ value) => value.toLocaleString('en');

let faults = 0;
/** @param {string} text */
function fault(text) {
  faults += 1;
  say(`  FAULT ${text}`);
}

/** @param {Server} server @param {number} serial */
async function follows(server, serial) {
  const end = performance.now() + FOLLOW_MS;
  while (performance.now() < end) {
    if ((await server.serial()) === serial) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

/** The RCODE; on a busy machine a reply may take too long, and the serial tells whether there was a change. @param {TcpExchanger} exchanger @param {import('#dist/dns/zone-change.js').ZoneEdit[]} edits */
async function outcomeOf(exchanger, edits) {
  try {
    return formatRcode(await update(exchanger, key, apex, edits));
  } catch (error) {
    if (error instanceof ExchangeError) return 'no reply';
    throw error;
  }
}

/** How often a secondary was sent differences, and how often the whole zone, as Knot's log has it. @param {string} log */
const transfersIn = (log) => ({
  ixfr: [...log.matchAll(/ IXFR, incoming,.* finished/g)].length,
  axfr: [...log.matchAll(/ AXFR, incoming,.* finished/g)].length,
});

/** @param {'nsec3' | 'nsec'} chain */
async function campaign(chain) {
  const ports = await Promise.all(SECONDARY_KINDS.map(freePort));
  const ownPort = await freePort();
  const ours = await ownPrimary(makeDirectory(), ownPort, ports, { dnssec: { nsec3: chain === 'nsec3' } });
  const secondaries = await Promise.all(
    SECONDARY_KINDS.map((kind, index) => secondary(kind, makeDirectory(), ports[index] ?? 0, ownPort)),
  );
  const endpoint = { host: '127.0.0.1', port: ownPort };
  const changes = makeChanges(apex, seeded(SEED));
  const verifying = makeDirectory();
  const began = performance.now();
  /** @type {Map<string, number>} */
  const rcodes = new Map();
  let changed = 0;
  const first = new TcpExchanger(endpoint);
  await update(first, key, apex, changes.background());
  first.close();
  let copy = copyOf(await transfer(ownPort, key, apex));
  for (const server of secondaries) await follows(server, copy.serial);
  const logAt = new Map(secondaries.map((server) => [server, server.logEnd()]));
  const seen = { ixfr: 0, axfr: 0 };
  let serial = copy.serial;

  /** Sends changes until so many of them made a new serial. @param {number} wanted */
  async function change(wanted) {
    // The server closes a connection that is silent while validators run.
    const exchanger = new TcpExchanger(endpoint);
    while (changed < wanted) {
      const rcode = await outcomeOf(exchanger, changes.next());
      rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
      const now = (await ours.serial()) ?? serial;
      if (now !== serial) changed += 1;
      serial = now;
    }
    exchanger.close();
  }

  /** @param {number} round */
  async function check(round) {
    const mine = await rawTransfer(ownPort, key, apex);
    for (const server of secondaries) {
      if (!(await follows(server, serial))) {
        fault(`${server.title} does not follow to ${serial}: ${server.logSince(0).slice(-1500)}`);
        continue;
      }
      const theirs = await rawTransfer(server.port, key, apex);
      const different = [...missingIn(mine, theirs), ...missingIn(theirs, mine)];
      if (different.length > 0) fault(`${server.title}: ${JSON.stringify(different.slice(0, 5))}`);
      if (server.title === 'Knot') {
        const { ixfr, axfr } = transfersIn(server.logSince(logAt.get(server) ?? 0));
        seen.ixfr += ixfr;
        seen.axfr += axfr;
        logAt.set(server, server.logEnd());
      }
    }
    const { copy: made, form } = applyIxfr(copy, await transfer(ownPort, key, apex, copy.serial));
    if (form !== 'ixfr') fault(`the whole zone in place of the differences since ${copy.serial}`);
    copy = copyOf(await transfer(ownPort, key, apex));
    const difference = differenceOf(made, copy);
    if (difference !== undefined) fault(`IXFR and AXFR differ: ${difference}`);
    const verified = secondaries[round % secondaries.length] ?? ours;
    for (const refusal of refusalsOf(verified.port, ZONE, keyOption, verifying)) fault(`${verified.title}: ${refusal}`);
    return mine.length;
  }

  for (let round = 0; changed < CHANGES; round++) {
    await change(Math.min(CHANGES, changed + ROUND));
    const records = await check(round);
    if (round % 10 !== 9 && changed < CHANGES) continue;
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    say(`  ${chain}: ${number(changed)} changes in ${seconds} s, ${number(records)} records, ${faults} faults`);
  }
  const counts = [...rcodes].map(([rcode, times]) => `${rcode} ${number(times)}`).join(', ');
  say(`${chain}: ${number(changed)} changes at BIND, Knot and NSD; replies: ${counts}`);
  say(`  Knot: ${number(seen.ixfr)} IXFR, ${seen.axfr} AXFR`);
  if (seen.axfr > 0) fault(`Knot was sent the whole zone ${seen.axfr} times`);
  await Promise.all([ours, ...secondaries].map((server) => server.stop()));
}

say(`${number(CHANGES)} changes for each chain, seed ${SEED}, Node ${process.version}`);
for (const chain of /** @type {const} */ (['nsec3', 'nsec'])) {
  if ((onlyChain ?? chain) === chain) await campaign(chain);
}
say(`signed zone at secondaries: ${faults} faults`);
process.exit(faults > 0 ? 1 : 0);

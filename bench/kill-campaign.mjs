// @ts-check
/**
 * Ends the embedded nameserver with SIGKILL at random moments under load, many times, and queries DNS afterwards: every
 * acknowledged change must be there, none may be half applied, the serial must not go back, and IXFR, AXFR and single queries must
 * agree. Exit code 1 otherwise. With `--signed` the zone is signed: no signature may be made again, and validators must accept the
 * zone.
 */
import { statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { errorText } from '#dist/core/errors.js';
import { DomainName } from '#dist/dns/name.js';
import { RRType } from '#dist/dns/rdata.js';
import { formatRcode } from '#dist/dns/wire/message.js';
import { ExchangeError } from '#dist/net/exchange.js';
import { TcpExchanger } from '#dist/net/tcp.js';
import { UdpExchanger } from '#dist/net/udp.js';
import { FAULTS } from './commands.mjs';
import { seeded } from './damage.mjs';
import {
  applyIxfr,
  askSerial,
  copyOf,
  differenceOf,
  keyOf,
  query,
  recordsAt,
  recordsIn,
  transfer,
  update,
} from './dns-client.mjs';
import { compareSignatures } from './kept-signatures.mjs';
import { freePort, KEY, MAIN, makeDirectory, SECRET, startChild, until, ZONE } from './lab.mjs';
import { readArguments } from './usage.mjs';
import { refusalsOf } from './zone-validators.mjs';

const {
  values: [rounds, seed],
  options,
} = readArguments(FAULTS.kill);
const IS_SIGNED = options['--signed'] !== undefined;
const ROUNDS = Number(rounds ?? 200);
const SEED = Number(seed ?? Date.now() % 2 ** 32) >>> 0;

const WRITERS_OF_EACH_KIND = 16;
/** Every so many rounds: a burst of large changes, a quiet moment, and the kill while rows of names are written (a fold). */
const BURST_EVERY = 5;
const BURST_BLOCKS = 30;
const NAMES_IN_BLOCK = 100;
/** Every so many rounds the validators check the signed zone. */
const VALIDATE_EVERY = 5;

const { below } = seeded(SEED);
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const apex = DomainName.parse(ZONE);
const key = keyOf(ZONE, KEY);
const directory = makeDirectory();
const dnsPort = await freePort();
const httpPort = await freePort();
const config = join(directory, 'dyndns.yml');
writeFileSync(
  config,
  `secret: '${SECRET}'\nlog_level: 30\nhttp: {listen: ['127.0.0.1:${httpPort}']}
dns: {listen: ['127.0.0.1:${dnsPort}'], database: zones.db}
zones:\n  - {name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], tsig_key: '${KEY}', records: 'ns1 IN A 127.0.0.1', dnssec: ${IS_SIGNED}}\n`,
  { mode: 0o600 },
);
const endpoint = { host: '127.0.0.1', port: dnsPort };

const count = {
  acknowledged: 0,
  lost: 0,
  half: 0,
  serialBack: 0,
  transfer: 0,
  zone: 0,
  ixfr: 0,
  axfr: 0,
  refused: 0,
  signatures: 0,
};
/** RRsets whose signatures were compared after a crash, and checks by validators. */
const checked = { unchanged: 0, validations: 0 };
/** @param {'lost' | 'half' | 'serialBack' | 'transfer' | 'zone' | 'refused' | 'signatures'} kind @param {string} text */
function fault(kind, text) {
  count[kind] += 1;
  say(`  ${kind}: ${text}`);
}

/**
 * A client with names of its own that writes increasing counters and waits for each acknowledgement.
 * @typedef {{title: string, acknowledged: number, sent: number, send: (counter: number) => Promise<'done' | 'lost' | string>,
 *   read: (ask: Ask) => Promise<(number | undefined)[]>}} Writer
 */
/** @typedef {import('./dns-client.mjs').Exchanger} Exchanger */
/** Reads the records at a name. @typedef {(name: DomainName, type: number) => Promise<string[]>} Ask */

const ipv4 = (/** @type {number} */ n) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
const ipv6 = (/** @type {number} */ n) => `2001:db8::${((n >> 16) & 255).toString(16)}:${(n & 65535).toString(16)}`;
/** The counter in an address, 0 without one. @param {string[]} records */
function counterOf(records) {
  if (records.length === 0) return 0;
  const text = records[0]?.split(' ').pop() ?? '';
  if (records.length > 1) return undefined;
  if (text.startsWith('10.'))
    return text.split('.').reduce((value, part) => value * 256 + Number(part), 0) - 10 * 2 ** 24;
  const [high, low] = text.replace('2001:db8::', '').split(':');
  return low === undefined
    ? Number.parseInt(high ?? '', 16)
    : Number.parseInt(high ?? '', 16) * 65536 + Number.parseInt(low, 16);
}

const agent = new Agent({ keepAlive: true });

/** A and AAAA of one name in one HTTP request. @param {number} index @returns {Writer} */
function httpWriter(index) {
  const name = `h${index}.${ZONE}`;
  const owner = DomainName.parse(name);
  return {
    title: name,
    acknowledged: 0,
    sent: 0,
    send: (counter) => {
      const path = `/update-by-path/${SECRET}/${name}/${ipv4(counter)}/${ipv6(counter)}`;
      return new Promise((resolve) => {
        const request = get({ host: '127.0.0.1', port: httpPort, path, agent, timeout: 20_000 }, (response) => {
          response.on('error', () => resolve('lost')).resume();
          response.on('end', () => resolve(response.statusCode === 200 ? 'done' : `status ${response.statusCode}`));
        });
        request.on('error', () => resolve('lost')).on('timeout', () => request.destroy());
      });
    },
    read: async (ask) => [counterOf(await ask(owner, RRType.A)), counterOf(await ask(owner, RRType.AAAA))],
  };
}

/** @param {DomainName} ownerName @param {string} address @returns {import('./dns-client.mjs').ZoneEdit} */
function replaceAddress(ownerName, address) {
  const kind = address.includes(':') ? 'AAAA' : 'A';
  return { kind: 'replace-rrset', rrset: { ownerName, type: RRType[kind], ttl: 60, rdatas: [{ kind, address }] } };
}

/**
 * In one UPDATE: A and AAAA of a name; its TXT, one string added and the one before deleted; and a second name that is
 * there for even counters only.
 * @param {number} index @returns {Writer}
 */
function updateWriter(index) {
  const owner = DomainName.parse(`u${index}.${ZONE}`);
  const second = DomainName.parse(`second.u${index}.${ZONE}`);
  const type = RRType.TXT;
  const text = (/** @type {number} */ counter) => ({
    kind: /** @type {const} */ ('TXT'),
    strings: [Buffer.from(`${counter}`)],
  });
  const exchanger = wayTo(index % 2 === 0);
  return {
    title: `u${index}.${ZONE}`,
    acknowledged: 0,
    sent: 0,
    send: async (counter) => {
      const before = [counter - 2, counter - 1].filter((value) => value > 0).map(text);
      return outcomeOf(exchanger, [
        replaceAddress(owner, ipv4(counter)),
        replaceAddress(owner, ipv6(counter)),
        { kind: 'add-to-rrset', rrset: { ownerName: owner, type, ttl: 60, rdatas: [text(counter)] } },
        { kind: 'delete-from-rrset', ownerName: owner, type, rdatas: before },
        counter % 2 === 0 ? replaceAddress(second, ipv4(counter)) : { kind: 'delete-name', ownerName: second },
      ]);
    },
    read: async (ask) => {
      const a = counterOf(await ask(owner, RRType.A));
      const texts = (await ask(owner, type)).map((record) => Number(/"(\d+)"$/.exec(record)?.[1]));
      const there = counterOf(await ask(second, RRType.A));
      // A missing second name only means that the counter is odd.
      const fits = there === 0 && a !== undefined && (a % 2 === 1 || a === 0);
      const text = texts.length < 2 ? (texts[0] ?? 0) : undefined;
      return [a, counterOf(await ask(owner, RRType.AAAA)), text, fits ? a : there];
    },
  };
}

/** All names of a block in one UPDATE. @param {number} index @returns {Writer} */
function blockWriter(index) {
  const owners = Array.from({ length: NAMES_IN_BLOCK }, (_, i) => DomainName.parse(`n${i}.block${index}.${ZONE}`));
  const exchanger = wayTo(true);
  return {
    title: `block${index}.${ZONE}`,
    acknowledged: 0,
    sent: 0,
    send: (counter) =>
      outcomeOf(
        exchanger,
        owners.map((owner) => replaceAddress(owner, ipv4(counter))),
      ),
    read: async (ask) => {
      const values = [];
      for (const owner of owners) values.push(counterOf(await ask(owner, RRType.A)));
      return values;
    },
  };
}

/** Connections on which a reply may never come. @type {Set<Exchanger>} */
const ways = new Set();

/** @param {boolean} overTcp @returns {Exchanger} */
function wayTo(overTcp) {
  const way = overTcp ? new TcpExchanger(endpoint) : new UdpExchanger(endpoint);
  ways.add(way);
  return way;
}

/** @param {Exchanger} exchanger @param {import('./dns-client.mjs').ZoneEdit[]} edits */
async function outcomeOf(exchanger, edits) {
  try {
    const rcode = await update(exchanger, key, apex, edits);
    return rcode === 0 ? 'done' : formatRcode(rcode);
  } catch (error) {
    if (error instanceof ExchangeError) return 'lost';
    throw error;
  }
}

let seenSerial = 0;
const see = (/** @type {number} */ serial) => {
  seenSerial = Math.max(seenSerial, serial);
};

async function start() {
  const child = startChild(process.execPath, [MAIN, '--config', config, 'serve']);
  const asking = new UdpExchanger(endpoint);
  const listening = () =>
    new Promise((resolve) => {
      get({ host: '127.0.0.1', port: httpPort, path: '/', agent: false }, (response) =>
        resolve(response.resume() && true),
      ).on('error', () => resolve(false));
    });
  await until(async () => {
    if (child.exitCode !== null) throw new Error('the server does not start any more');
    return (
      (await listening()) &&
      (await askSerial(asking, apex).then(
        () => true,
        () => false,
      ))
    );
  }, 'the server');
  return child;
}

const writers = Array.from({ length: WRITERS_OF_EACH_KIND }, (_, i) => [httpWriter(i), updateWriter(i)]).flat();
const blocks = Array.from({ length: BURST_BLOCKS }, (_, i) => blockWriter(i));
/** Earlier copies, from which IXFR is requested later. @type {import('./dns-client.mjs').ZoneCopy[]} */
const copies = [];

/** Sends one request after the other until the server is gone. @param {Writer} writer @param {() => boolean} goOn */
async function write(writer, goOn) {
  while (goOn()) {
    writer.sent += 1;
    const outcome = await writer.send(writer.sent);
    if (outcome === 'lost') return;
    if (outcome === 'done') {
      writer.acknowledged = writer.sent;
      count.acknowledged += 1;
    } else {
      fault('refused', `${writer.title}: ${outcome}`);
      return;
    }
  }
}

/** @param {number} round */
async function loadAndKill(round) {
  const child = await start();
  let running = true;
  const goOn = () => running;
  const isBurst = round % BURST_EVERY === 1;
  const reader = (async () => {
    const exchanger = wayTo(false);
    while (running) {
      await askSerial(exchanger, apex).then(see, () => {});
      await new Promise(setImmediate);
    }
    ways.delete(exchanger);
  })();
  const load = isBurst ? blocks.map((writer) => write(writer, once())) : writers.map((writer) => write(writer, goOn));
  // A copy in the middle of the changes: it must not contain half of one.
  const lifeMs = 50 + below(950);
  const copying = isBurst
    ? undefined
    : delay(below(2) === 0 ? below(lifeMs) : Math.max(0, lifeMs - 20 - below(100)))
        .then(takeCopy)
        .catch(() => undefined);
  if (isBurst) {
    await Promise.all(load);
    await foldToBegin();
    await delay(below(40));
  } else {
    await delay(lifeMs);
  }
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  running = false;
  // Replies that were sent before the end are read; nothing waits for more.
  await delay(50);
  for (const way of ways) way.close();
  await Promise.all([reader, ...load]);
  const copy = await copying;
  if (copy !== undefined) await checkWriters(copy, false);
}

/** After a quiet second or two the server writes the rows of names, which shows in its write-ahead log. */
async function foldToBegin() {
  const written = () => statSync(join(directory, 'zones.db-wal')).mtimeMs;
  const before = written();
  await until(() => written() !== before, 'a fold', 1);
}

function once() {
  let first = true;
  return () => {
    const isFirst = first;
    first = false;
    return isFirst;
  };
}

const delay = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function takeCopy() {
  const copy = copyOf(await transfer(dnsPort, key, apex));
  see(copy.serial);
  copies.push(copy);
  if (copies.length > 8) copies.splice(below(4), 1);
  return copy;
}

/** @param {import('./dns-client.mjs').ZoneCopy} copy @param {boolean} isLast whether all acknowledged changes must be there */
async function checkWriters(copy, isLast) {
  const ask = async (/** @type {DomainName} */ name, /** @type {number} */ type) => recordsAt(copy, name, type);
  for (const writer of [...writers, ...blocks]) {
    const [value, ...others] = await writer.read(ask);
    if (value === undefined || others.some((other) => other !== value)) {
      fault('half', `${writer.title}: ${[value, ...others].join(', ')}`);
    }
    if (!isLast || value === undefined) continue;
    if (value < writer.acknowledged || value > writer.sent) {
      fault('lost', `${writer.title} has ${value}; acknowledged ${writer.acknowledged}, sent ${writer.sent}`);
    }
    // Requests without a reply are settled now.
    writer.acknowledged = writer.sent = value;
  }
}

/** @param {number} round */
async function checkAfterRestart(round) {
  const child = await start();
  const exchanger = new TcpExchanger(endpoint);
  const datagrams = new UdpExchanger(endpoint);
  const serial = await askSerial(datagrams, apex);
  if (serial < seenSerial) fault('serialBack', `${seenSerial} was seen, it is ${serial}`);
  const earlier = [copies.at(-1), copies.at(-1 - below(Math.max(1, copies.length)))];
  const copy = await takeCopy();
  if (copy.serial !== serial) fault('serialBack', `the SOA says ${serial}, the AXFR ${copy.serial}`);
  await checkWriters(copy, true);
  // AXFR and queries agree, on records and on their absence.
  const names = [...writers.map(({ title }) => title), ...writers.map(({ title }) => `second.${title}`)];
  const inBlocks = Array.from({ length: 50 }, () => `n${below(NAMES_IN_BLOCK)}.block${below(BURST_BLOCKS)}.${ZONE}`);
  const questions = [ZONE, `ns1.${ZONE}`, ...names, ...inBlocks].flatMap((name) =>
    [RRType.A, RRType.AAAA, RRType.TXT].map((type) => ({ owner: DomainName.parse(name), type })),
  );
  await Promise.all(
    questions.map(async ({ owner, type }, index) => {
      const message = await query(index % 8 === 0 ? datagrams : exchanger, owner, type);
      const [answered, transferred] = [recordsIn(message, type), recordsAt(copy, owner, type)];
      if (answered.join() !== transferred.join()) {
        fault('zone', `${owner} ${type}: ${answered.join()} and by AXFR ${transferred.join()}`);
      }
    }),
  );
  for (const before of earlier) if (before !== undefined) await checkIxfr(before, copy);
  if (IS_SIGNED) checkSignatures(earlier, copy, round);
  // And from the state after the crash, over later changes.
  await Promise.all(writers.map((writer) => write(writer, once())));
  await checkIxfr(copy, await takeCopy());
  exchanger.close();
  datagrams.close();
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // As abruptly as before, but without load.
  child.kill('SIGKILL');
  await gone;
}

/** @param {(import('./dns-client.mjs').ZoneCopy | undefined)[]} earlier @param {import('./dns-client.mjs').ZoneCopy} copy @param {number} round */
function checkSignatures(earlier, copy, round) {
  for (const before of earlier) {
    if (before === undefined) continue;
    const { unchanged, others } = compareSignatures(before, copy);
    checked.unchanged += unchanged;
    for (const id of others) fault('signatures', `made again since ${before.serial}: ${id}`);
  }
  if (round % VALIDATE_EVERY !== 0 && round !== ROUNDS) return;
  checked.validations += 1;
  for (const refusal of refusalsOf(dnsPort, ZONE, `hmac-sha512:${ZONE}:${KEY}`, directory))
    fault('signatures', refusal);
}

/** @param {import('./dns-client.mjs').ZoneCopy} earlier @param {import('./dns-client.mjs').ZoneCopy} copy */
async function checkIxfr(earlier, copy) {
  try {
    const { copy: made, form } = applyIxfr(earlier, await transfer(dnsPort, key, apex, earlier.serial));
    if (form === 'axfr') count.axfr += 1;
    else count.ixfr += 1;
    const difference = differenceOf(made, copy);
    if (difference !== undefined) fault('transfer', `IXFR from ${earlier.serial} and AXFR differ: ${difference}`);
  } catch (error) {
    fault('transfer', `IXFR from ${earlier.serial}: ${errorText(error)}`);
  }
}

say(`${ROUNDS} rounds, seed ${SEED}, ${writers.length} writers, Node ${process.version}`);
const started = performance.now();
for (let round = 1; round <= ROUNDS; round++) {
  await loadAndKill(round);
  await checkAfterRestart(round);
  if (round % 10 === 0 || round === ROUNDS) {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    say(`  round ${round}: ${count.acknowledged.toLocaleString('en')} changes acknowledged, ${seconds} s`);
  }
}
const { acknowledged, lost, half, serialBack, zone, refused } = count;
say(
  `${ROUNDS} rounds, ${acknowledged} acknowledged changes checked: lost ${lost}, half applied ${half}, serial back ${serialBack}`,
);
say(
  `AXFR against queries: ${zone} differences; IXFR ${count.ixfr} times, AXFR in its place ${count.axfr} times: ${count.transfer} faults; refused ${refused}`,
);
if (IS_SIGNED) {
  const { unchanged, validations } = checked;
  say(
    `signatures of ${unchanged.toLocaleString('en')} unchanged RRsets compared, ${validations} times three validators: ${count.signatures} faults`,
  );
}
process.exit(lost + half + serialBack + zone + refused + count.transfer + count.signatures > 0 ? 1 : 0);

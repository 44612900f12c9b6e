// @ts-check
/**
 * Threads answer queries from the octets of a zone while the main thread changes it: names get other data of other sizes, come and
 * go, and the table grows. Each answer must be an RRset that the name had, whole; at the end each name has its last one. In runs
 * of ten minutes or more, the memory must not grow by more than a tenth after the first quarter. Exit code 1 otherwise.
 */
import { isMainThread, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';
import { DomainName } from '#dist/dns/name.js';
import { DirectAnswers } from '#dist/nameserver/answer/direct-answer.js';
import { OctetsReader } from '#dist/nameserver/zone/packed-octets.js';
import { readTurns, TurnCounter } from '#dist/nameserver/zone/read-turns.js';
import { ZoneNodes } from '#dist/nameserver/zone/zone-nodes.js';
import { FAULTS } from './commands.mjs';
import { seeded } from './damage.mjs';
import { numbersFor, say } from './lab.mjs';

/** @typedef {import('#dist/nameserver/answer/answerable.js').AnswerableVersion} AnswerableVersion */
/** @typedef {import('#dist/nameserver/zone/zone-node.js').ZoneNode} ZoneNode */
/** @typedef {import('#dist/nameserver/zone/packed-octets.js').SharedOctets} SharedOctets */
/** @typedef {{turns: SharedArrayBuffer, publications: SharedArrayBuffer, names: number, seed: number}} ReaderStart */
/** @typedef {{kind: 'octets', octets: SharedOctets} | {kind: 'check', versions: readonly number[]}} ToReader */
/** @typedef {{answers: number, others: number, faults: readonly string[]}} FromReader */

const TXT = 16;
const APEX = Buffer.from('\x03dyn\x07example\x00', 'latin1');
/** A name that has no records. */
const NONE = -1;
const ROUND = 500;
/** Half of all changes and queries are of these, so that they meet. */
const BUSY_NAMES = 20;
const QUARTERS = 4;
const MAX_GROWTH = 1.1;
/** In shorter runs the heap still grows to its usual size. */
const LONG_SECONDS = 600;

/** @param {(limit: number) => number} below @param {number} names */
const anyName = (below, names) => below(below(2) === 0 ? BUSY_NAMES : names);

/** @param {number} n */
const keyOf = (n) => {
  const label = `h${n.toString(36)}`;
  return `${String.fromCharCode(label.length)}${label}${APEX.toString('latin1')}`;
};

/** The RDATA of a version of a name: their number and size depend on both. @param {number} n @param {number} version */
function rdatasOf(n, version) {
  const count = 1 + (version % 2);
  return Array.from({ length: count }, (_, member) => {
    // Few sizes, so that a block is used again soon.
    const octets = Buffer.alloc(8 + 24 * ((n + version) % 2));
    for (let i = 0; i < octets.length; i++) octets[i] = n * 31 + version * 17 + member * 5 + i;
    octets.writeUInt32BE(version, 0);
    octets[4] = member;
    return octets.toString('latin1');
  });
}

/** @param {number} n @param {number} version @returns {ZoneNode} */
function nodeOf(n, version) {
  const key = keyOf(n);
  return { key, wireText: key, rrsets: [{ type: TXT, ttl: version, rdatas: rdatasOf(n, version) }], children: 0 };
}

if (isMainThread) await write();
else read(/** @type {ReaderStart} */ (workerData));

/**
 * The zone that is changed. No async function may have a version of it in a variable: where it waits, V8 would keep a version that it
 * no longer uses, and with it the way back from each later one.
 * @param {number} names @param {(limit: number) => number} below
 */
function makeZone(names, below) {
  /** The version of each name. @type {number[]} */
  const versions = Array.from({ length: names }, () => NONE);
  let nodes = ZoneNodes.of([]);
  return {
    versions,
    get table() {
      const { packed } = nodes;
      if (packed === undefined) throw new Error('the zone is not packed');
      return packed;
    },
    /** @param {number} commit its number, which is the version of the names that it changes @returns how many it changed */
    change(commit) {
      let next = nodes.layer();
      // Now and then many names come or go at once: the table grows, and its blocks are used again.
      const size = below(100) === 0 ? names / 2 : 1 + below(100);
      const isRemoval = below(4) === 0;
      for (let i = 0; i < size; i++) {
        const n = anyName(below, names);
        versions[n] = isRemoval ? NONE : commit;
        next = isRemoval ? next.delete(keyOf(n)) : next.set(nodeOf(n, commit));
      }
      next.pack();
      nodes = next;
      return size;
    },
  };
}

async function write() {
  const [SECONDS = 0, READERS = 0, NAMES = 0, SEED = 0] = numbersFor(FAULTS.readers, [
    [600, 3],
    [1, 2],
    [20_000, 2_000],
    [Date.now() % 2 ** 32, 1],
  ]);
  const { below } = seeded(SEED);
  say(`${SECONDS} s, ${READERS} readers, ${NAMES} names, seed ${SEED}, node ${process.version}`);
  const zone = makeZone(NAMES, below);
  const readers = Array.from({ length: READERS }, (_, reader) => {
    /** @type {ReaderStart} */
    const start = {
      turns: readTurns.addThread(),
      publications: readTurns.publications,
      names: NAMES,
      seed: SEED + reader + 1,
    };
    const worker = new Worker(new URL(import.meta.url), { workerData: start });
    /** @type {Promise<FromReader>} */
    const result = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    return { worker, result };
  });
  /** @param {ToReader} message */
  const tell = (message) => {
    for (const { worker } of readers) worker.postMessage(message);
  };
  let [changes, shares, shape] = [0, 0, -1];
  let highest = 0;
  /** In MiB, at the end of each quarter of the time. @type {number[]} */
  const resident = [];
  const beginMs = performance.now();
  const endMs = beginMs + SECONDS * 1_000;
  const noteMemory = () => {
    resident.push(process.memoryUsage.rss() / 2 ** 20);
    say(
      `  ${resident.length}/${QUARTERS} of the time: ${changes} changes, ${resident.at(-1)?.toFixed(0)} MiB, the table has ${((highest * 8) / 1024).toFixed(0)} KiB`,
    );
  };
  for (let commit = 1; performance.now() < endMs; commit++) {
    changes += zone.change(commit);
    const { table } = zone;
    if (table.shape !== shape) {
      shape = table.shape;
      shares += 1;
      tell({ kind: 'octets', octets: table.share() });
    }
    highest = Math.max(highest, table.end);
    if (commit % 20 === 0) await new Promise(setImmediate);
    if (performance.now() >= beginMs + ((resident.length + 1) * SECONDS * 1_000) / QUARTERS) noteMemory();
  }
  if (resident.length < QUARTERS) noteMemory();
  tell({ kind: 'check', versions: zone.versions });
  let [answers, others] = [0, 0];
  /** @type {string[]} */
  const faults = [];
  for (const { result } of readers) {
    const { answers: found, others: left, faults: seen } = await result;
    answers += found;
    others += left;
    faults.push(...seen);
  }
  say(`${changes} changes, ${shares} times other memory, the table has ${(highest * 8) / 1024} KiB`);
  const growth = (resident.at(-1) ?? 0) / (resident[0] ?? 0);
  say(`memory after the last quarter / after the first: ${growth.toFixed(2)}`);
  say(`${answers} answers, ${others} times none, ${faults.length} faults`);
  for (const fault of faults.slice(0, 10)) say(fault);
  if (faults.length > 0 || answers === 0 || (SECONDS >= LONG_SECONDS && growth > MAX_GROWTH)) process.exitCode = 1;
}

/** @param {ReaderStart} start */
function read({ turns, publications, names, seed }) {
  const port = /** @type {NonNullable<typeof parentPort>} */ (parentPort);
  const { below } = seeded(seed);
  const counter = new TurnCounter(turns, publications);
  /** @type {OctetsReader | undefined} */
  let reader;
  const apex = DomainName.ofWire(APEX);
  const published = /** @type {AnswerableVersion} */ ({
    get octets() {
      return reader?.isCurrent ? reader : undefined;
    },
  });
  const direct = new DirectAnswers([{ apex, published }]);
  let [answers, others] = [0, 0];
  /** @type {string[]} */
  const faults = [];
  /** @param {number} n @returns {number} the version; NONE without an answer */
  const ask = (n) => {
    const query = Buffer.concat([
      Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      Buffer.from(keyOf(n), 'latin1'),
      Buffer.from([0, TXT, 0, 1]),
    ]);
    counter.begin();
    const size = direct.find(query, true);
    // Now and then long enough for many changes.
    if (size > 0 && below(200) === 0) {
      const untilMs = performance.now() + 0.2;
      while (performance.now() < untilMs);
    }
    const reply = size > 0 ? direct.reply(query, size) : undefined;
    counter.end();
    if (reply === undefined) {
      others += 1;
      return NONE;
    }
    answers += 1;
    const version = reply.readUInt32BE(query.length + 6);
    const rdatas = rdatasOf(n, version);
    let at = query.length;
    const isWhole =
      reply.readUInt16BE(6) === rdatas.length &&
      rdatas.every((rdata) => {
        const end = at + 12 + rdata.length;
        const isSame = reply.readUInt32BE(at + 6) === version && reply.toString('latin1', at + 12, end) === rdata;
        at = end;
        return isSame;
      }) &&
      at === reply.length;
    if (!isWhole) faults.push(`h${n}: ${reply.toString('hex')}`);
    return version;
  };
  for (;;) {
    for (let i = 0; i < ROUND; i++) ask(anyName(below, names));
    /** @type {{message: ToReader} | undefined} */
    const received = receiveMessageOnPort(port);
    if (received?.message.kind === 'octets') reader = new OctetsReader(received.message.octets);
    if (received?.message.kind !== 'check') continue;
    for (const [n, version] of received.message.versions.entries()) {
      const found = ask(n);
      if (found !== version) faults.push(`h${n} has version ${found} instead of ${version}`);
    }
    port.postMessage(/** @type {FromReader} */ ({ answers, others, faults: faults.slice(0, 1_000) }));
    break;
  }
}

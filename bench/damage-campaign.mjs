// @ts-check
/**
 * Damages databases of the embedded nameserver at random, many times, and starts the real server on each: bits, octets, pages,
 * cut, missing and older files, in database, write-ahead log, its index and the marker. Afterwards either every acknowledged
 * change is there, or the log says what is wrong and what to do, and the zone is not served or the start ends. A zone that is not
 * served is recovered: its serial must be later than every acknowledged one, and it must take changes.
 * Exit code 1 otherwise.
 */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorText } from '#dist/core/errors.js';
import { DomainName } from '#dist/dns/name.js';
import { RRType } from '#dist/dns/rdata.js';
import { serialIsLater } from '#dist/dns/serial.js';
import { UdpExchanger } from '#dist/net/udp.js';
import { FAULTS } from './commands.mjs';
import { seeded } from './damage.mjs';
import { copyOf, keyOf, query, recordsAt, recordsIn, transfer } from './dns-client.mjs';
import { freePort, KEY, MAIN, makeDirectory, numbersFor, SECRET, say, ZONE } from './lab.mjs';

const [CASES = 0, SEED = 0, FIRST = 1] = numbersFor(FAULTS.damage, [
  [1000, 12],
  [Date.now() % 2 ** 32, 1],
  [1, 1],
]);

/** States of a database that damage starts from. */
const SNAPSHOTS = 10;
const NAMES = 60;
const IN_PARALLEL = 3;
const PAGE = 4096;
/** How long a line of the log may take, and a start. */
const LOG_MS = 10_000;
const START_MS = 300_000;
const FILES = /** @type {const} */ (['', '-wal', '-shm', '-known']);
/** Every message about damage names one of these. */
const ADVICE = /dyndns restore|dyndns zone recover|restore a backup|hard links|give the server's user/;

const apex = DomainName.parse(ZONE);
const key = keyOf(ZONE, KEY);
const directory = makeDirectory();
const hostName = (/** @type {number} */ index) => DomainName.parse(`h${index}.${ZONE}`);

/** @typedef {{directory: string, serial: number, addresses: Map<number, string>}} Snapshot */
/** @typedef {(typeof FILES)[number]} FileOf */

/** A server in a directory of its own. */
class Server {
  /** @param {string} place @param {number} dnsPort */
  constructor(place, dnsPort) {
    this.place = place;
    this.title = place.replace(/^.*\D/, '');
    this.dnsPort = dnsPort;
    this.log = '';
    writeFileSync(
      join(place, 'dyndns.yml'),
      `secret: '${SECRET}'\nlog_level: 30\nhttp: {listen: ['unix:${place}/http.sock']}\ncontrol: unix:${place}/control.sock
dns: {listen: ['127.0.0.1:${dnsPort}'], database: zones.db}
zones:\n  - {name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}], tsig_key: '${KEY}', records: 'ns1 IN A 127.0.0.1'}\n`,
      { mode: 0o600 },
    );
  }

  /** @returns {Promise<'serving' | 'ended'>} */
  async start() {
    for (const socket of ['http.sock', 'control.sock']) rmSync(join(this.place, socket), { force: true });
    const child = spawn(process.execPath, [MAIN, '--config', join(this.place, 'dyndns.yml'), 'serve']);
    children.add(child);
    this.child = child;
    this.ended = new Promise((resolve) =>
      child.once('close', () => {
        children.delete(child);
        resolve(undefined);
      }),
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.log += text;
      });
    }
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    // Not `until`: on a machine that does much else a start takes longer than its limit.
    for (const end = Date.now() + START_MS; !hasEnded() && !(await this.ready()); await delay(10)) {
      if (Date.now() > end) throw new Error('gave up waiting for a start');
    }
    if (child.signalCode !== null) this.log += `ended by ${child.signalCode}\n`;
    return hasEnded() ? 'ended' : 'serving';
  }

  ready() {
    return new Promise((resolve) => {
      const socket = connect(join(this.place, 'http.sock'));
      socket.once('connect', () => resolve(socket.destroy() !== undefined)).once('error', () => resolve(false));
    });
  }

  /** Whether the log has such a line. It is written with a delay. @param {RegExp} line */
  async logs(line) {
    for (let ms = 0; ms < LOG_MS && !line.test(this.log); ms += 10) await delay(10);
    return line.test(this.log);
  }

  async kill() {
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  /** @param {string} socket @param {string} path @param {string} [method] @returns {Promise<{status: number, body: string}>} */
  call(socket, path, method = 'GET') {
    return new Promise((resolve, reject) => {
      const headers = method === 'POST' ? { 'content-type': 'application/json', 'content-length': '2' } : {};
      const sent = request(
        { socketPath: join(this.place, socket), path, method, headers, timeout: 120_000 },
        (reply) => {
          let body = '';
          reply.setEncoding('utf8').on('data', (text) => {
            body += text;
          });
          reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }));
        },
      );
      sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no reply')));
      sent.end(method === 'POST' ? '{}' : undefined);
    });
  }

  /** @param {number} index @param {string} address */
  update(index, address) {
    return this.call('http.sock', `/update-by-path/${SECRET}/h${index}.${ZONE}/${address}`);
  }

  /** The RCODE and the serial of the zone. */
  async soa() {
    const exchanger = new UdpExchanger({ host: '127.0.0.1', port: this.dnsPort });
    try {
      const message = await query(exchanger, apex, RRType.SOA);
      const [text = ''] = recordsIn(message, RRType.SOA);
      const rdata = message.answers[0]?.rdata;
      return { rcode: message.rcode, serial: rdata?.kind === 'SOA' ? rdata.serial : 0, text };
    } finally {
      exchanger.close();
    }
  }

  /** The addresses of all hosts, by index. @returns {Promise<Map<number, string>>} */
  async addresses() {
    const copy = copyOf(await transfer(this.dnsPort, key, apex));
    const found = new Map();
    for (let i = 0; i < NAMES; i++) {
      const records = recordsAt(copy, hostName(i), RRType.A);
      if (records.length > 0) found.set(i, records.map((record) => record.split(' ').pop()).join());
    }
    return found;
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Every address that was ever published. @type {Set<string>} */
const everGiven = new Set();

/** States after more and more acknowledged changes: some killed under load, others after a quiet time. */
async function makeSnapshots() {
  const place = join(directory, 'origin');
  mkdirSync(place);
  const server = new Server(place, await freePort());
  const { below } = seeded(SEED);
  /** @type {Map<number, string>} */
  const addresses = new Map();
  /** @type {Snapshot[]} */
  const snapshots = [];
  for (let number = 0; number < SNAPSHOTS; number++) {
    if ((await server.start()) === 'ended') throw new Error(server.log);
    const changes = 10 + below(60);
    for (let i = 0; i < changes; i++) {
      const index = below(NAMES);
      const address = `10.${number}.${i}.${below(256)}`;
      const { status, body } = await server.update(index, address);
      if (status !== 200) throw new Error(body);
      addresses.set(index, address);
      everGiven.add(address);
    }
    const { serial } = await server.soa();
    // Every third one has its rows of names written, and its log moved into the database.
    if (number % 3 === 2) await delay(4_500);
    await server.kill();
    const copy = join(directory, `snapshot${number}`);
    cpSync(place, copy, { recursive: true, filter: (file) => !file.endsWith('.sock') });
    snapshots.push({ directory: copy, serial, addresses: new Map(addresses) });
  }
  return snapshots;
}

/**
 * Damages one file, at random.
 * @param {string} place @param {Snapshot[]} older @param {(limit: number) => number} below @returns {string} what was done
 */
function damage(place, older, below) {
  const suffix = FILES[[0, 0, 0, 1, 1, 1, 2, 3, 3][below(9)] ?? 0] ?? '';
  const file = join(place, `zones.db${suffix}`);
  const what = (/** @type {string} */ done) => `zones.db${suffix} ${done}`;
  const size = existsSync(file) ? statSync(file).size : 0;
  const kind = below(9);
  if (kind === 0 || size === 0) {
    rmSync(file, { force: true });
    return what('removed');
  }
  // A marker of an earlier time knows as little as an earlier database: with both nothing is left to tell.
  if (kind === 1 && older.length > 0 && suffix !== '-known') {
    const from = join(older[below(older.length)]?.directory ?? '', `zones.db${suffix}`);
    if (!existsSync(from)) return what('kept');
    copyFileSync(from, file);
    return what('of an earlier time');
  }
  if (kind === 2) {
    const length = below(4) === 0 ? 0 : below(size);
    truncateSync(file, length);
    return what(`cut from ${size} to ${length} octets`);
  }
  const octets = readFileSync(file);
  const pages = Math.max(1, Math.floor(size / PAGE));
  let done = '';
  if (kind === 3) {
    const at = below(pages) * PAGE;
    octets.fill(0, at, at + PAGE);
    done = `a page of zeros at ${at}`;
  } else if (kind === 4) {
    const at = below(pages) * PAGE;
    for (let i = at; i < Math.min(size, at + PAGE); i++) octets[i] = below(256);
    done = `a random page at ${at}`;
  } else if (kind === 5) {
    const at = below(pages) * PAGE;
    octets.copy(octets, at, below(pages) * PAGE, below(pages) * PAGE + PAGE);
    done = `a page copied to ${at}`;
  } else if (kind === 6) {
    for (let i = 0; i < size; i++) octets[i] = below(256);
    done = 'all random';
  } else {
    const bits = 1 + below(8);
    for (let i = 0; i < bits; i++) {
      const at = below(size);
      octets[at] = (octets[at] ?? 0) ^ (1 << below(8));
    }
    done = `${bits} bits`;
  }
  writeFileSync(file, octets);
  return what(done);
}

/** A whole database of an earlier time, as a restored copy, beside the newest marker. @param {string} place @param {Snapshot} older */
function putOlder(place, older) {
  for (const suffix of ['', '-wal', '-shm']) {
    const from = join(older.directory, `zones.db${suffix}`);
    const to = join(place, `zones.db${suffix}`);
    rmSync(to, { force: true });
    if (existsSync(from)) copyFileSync(from, to);
  }
  return 'a whole database of an earlier time';
}

const count = { whole: 0, notServed: 0, ended: 0, warned: 0, recovered: 0, lost: 0, mute: 0, back: 0, stuck: 0 };

/** @param {'lost' | 'mute' | 'back' | 'stuck'} kind @param {string} text @param {string[]} damages @param {Server} server */
function fault(kind, text, damages, server) {
  count[kind] += 1;
  say(`  ${kind}, case ${server.title}: ${text} [${damages.join('; ')}]\n${server.log.replace(/^/gm, '    ')}`);
}

/** @param {Map<number, string>} a @param {Map<number, string>} b */
function differenceOf(a, b) {
  for (let i = 0; i < NAMES; i++) {
    if (a.get(i) !== b.get(i)) return `h${i} has ${a.get(i) ?? 'none'} instead of ${b.get(i) ?? 'none'}`;
  }
  return undefined;
}

/** @param {number} number @param {Snapshot[]} snapshots */
async function runCase(number, snapshots) {
  // Of its own, so that a case can be repeated alone.
  const { below } = seeded(SEED + number);
  const from = below(snapshots.length);
  const snapshot = snapshots[from];
  if (snapshot === undefined) throw new Error('no snapshot');
  const older = snapshots.slice(0, from);
  const place = join(directory, `case${number}`);
  cpSync(snapshot.directory, place, { recursive: true });
  const last = older[below(older.length || 1)];
  const damages =
    last !== undefined && below(12) === 0
      ? [putOlder(place, last)]
      : Array.from({ length: 1 + (below(3) === 0 ? 1 + below(2) : 0) }, () => damage(place, older, below));
  const server = new Server(place, await freePort());
  try {
    if ((await server.start()) === 'ended') {
      await server.ended;
      count.ended += 1;
      if (!ADVICE.test(server.log))
        fault('mute', 'the start ended without a message that says what to do', damages, server);
      return;
    }
    const { rcode, serial } = await server.soa();
    if (rcode === 0) await judgeServed(server, serial, snapshot, damages);
    else await judgeWithheld(server, snapshot, damages, number);
  } catch (error) {
    fault('stuck', errorText(error), damages, server);
  } finally {
    await server.kill();
    rmSync(place, { recursive: true, force: true });
  }
}

/** @param {Server} server @param {number} serial @param {Snapshot} snapshot @param {string[]} damages */
async function judgeServed(server, serial, snapshot, damages) {
  const difference = differenceOf(await server.addresses(), snapshot.addresses);
  const isBack = serial !== snapshot.serial && !serialIsLater(serial, snapshot.serial);
  // With the marker gone as well, nothing is left that knows better; the log says that it is gone.
  if (difference === undefined && !isBack) count.whole += 1;
  else if (await server.logs(/The marker '.*' (is missing|has a damaged slot)/)) count.warned += 1;
  else if (isBack) fault('back', `the serial went from ${snapshot.serial} to ${serial}`, damages, server);
  else fault('lost', difference ?? '', damages, server);
  const { status, body } = await server.update(0, '10.99.0.1');
  if (status !== 200 && !/restore a backup|unknown|not known/i.test(body))
    fault('stuck', `${status} ${body}`, damages, server);
}

/** @param {Server} server @param {Snapshot} snapshot @param {string[]} damages @param {number} number */
async function judgeWithheld(server, snapshot, damages, number) {
  count.notServed += 1;
  if (!(await server.logs(/is not served/)) || !ADVICE.test(server.log)) {
    fault('mute', 'the zone is not served, and the log does not say what to do', damages, server);
  }
  const { status, body } = await server.call('control.sock', `/v1/zones/${ZONE}/recover`, 'POST');
  if (status !== 200) {
    if (!ADVICE.test(body)) fault('mute', `the recovery failed without advice: ${status} ${body}`, damages, server);
    return;
  }
  count.recovered += 1;
  const { rcode, serial } = await server.soa();
  const knewSerial = !/marker '.*' is damaged|is missing|has a damaged slot/.test(server.log);
  if (rcode !== 0) fault('stuck', `after a recovery the RCODE is ${rcode}`, damages, server);
  else if (knewSerial && !serialIsLater(serial, snapshot.serial)) {
    fault('back', `the serial went from ${snapshot.serial} to ${serial} by a recovery`, damages, server);
  }
  for (const address of (await server.addresses()).values()) {
    if (!everGiven.has(address)) fault('lost', `${address} was never published`, damages, server);
  }
  const updated = await server.update(0, '10.99.0.1');
  if (updated.status !== 200) fault('stuck', `after a recovery: ${updated.status} ${updated.body}`, damages, server);
  if (number % 4 > 0) return;
  // And the next start agrees.
  await server.kill();
  server.log = '';
  const again = await server.start();
  const after = again === 'ended' ? { rcode: -1, serial: 0 } : await server.soa();
  if (after.rcode !== 0 || !serialIsLater(after.serial, serial)) {
    fault(
      'stuck',
      `the start after a recovery: ${again}, RCODE ${after.rcode}, serial ${after.serial}`,
      damages,
      server,
    );
  }
}

say(`${CASES} cases, seed ${SEED}, Node ${process.version}`);
const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
const snapshots = await makeSnapshots();
say(`  ${SNAPSHOTS} databases made, ${seconds()} s`);
let next = FIRST;
await Promise.all(
  Array.from({ length: IN_PARALLEL }, async () => {
    while (next < FIRST + CASES) {
      const number = next++;
      await runCase(number, snapshots);
      if (number % 100 === 0) say(`  case ${number}, ${seconds()} s`);
    }
  }),
);
const { whole, notServed, ended, warned, recovered, lost, mute, back, stuck } = count;
say(
  `${CASES} cases: ${whole} whole, ${notServed} not served (${recovered} recovered), ${ended} starts ended with advice, ` +
    `${warned} losses where the marker was gone, too, and the log said so`,
);
say(`silent losses ${lost}, ends without advice ${mute}, serials back ${back}, stuck ${stuck}; ${seconds()} s`);
process.exit(lost + mute + back + stuck > 0 ? 1 : 0);

// @ts-check
/**
 * Sends random and mutated requests (bench/nameserver-corpus.mjs) to the embedded nameserver: first to its service in this process,
 * where none is dropped and each reply is checked; then as datagrams to a server in a process of its own; then TCP streams cut at every
 * octet (bench/tcp-cuts.mjs). Compares the zone before and after a restart, and measures how much larger answers are than queries.
 * Exit code 1 on a crash, a hang, an invalid reply, or growing memory.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorStack } from '#dist/core/errors.js';
import { applyUpdate } from '#dist/core/updates/dns-update.js';
import { DomainName } from '#dist/dns/name.js';
import { RRType } from '#dist/dns/rdata.js';
import { decodeMessage, encodeMessage, formatRcode, makeMessage } from '#dist/dns/wire/message.js';
import { parseZoneFile } from '#dist/dns/zone-file/zone-file.js';
import { Nameserver } from '#dist/nameserver/nameserver.js';
import { DnsListeners } from '#dist/nameserver/sockets/listeners.js';
import { FUZZERS } from './commands.mjs';
import { seeded } from './damage.mjs';
import { copyOf, differenceOf, keyOf, transfer } from './dns-client.mjs';
import { freePort, MAIN, makeDirectory, until } from './lab.mjs';
import { makeCorpus, NAMESERVERS, RECORDS, ZONE } from './nameserver-corpus.mjs';
import { cutStreams } from './tcp-cuts.mjs';
import { readArguments } from './usage.mjs';

const [requests, seed] = readArguments(FUZZERS.nameserver).values;
const COUNT = Number(requests ?? 1_000_000);
const SEED = Number(seed ?? Date.now() % 2 ** 32) >>> 0;

/** Growth between a tenth of the run and its end that counts as noise: garbage, names that UPDATEs added, the journal. */
const GROWTH_LIMIT_MIB = 48;
/** A larger datagram might be fragmented on the way (RFC 9715). */
const MAX_DATAGRAM = 1232;
/** Datagrams between two that are certainly answered, so that none is lost in a socket buffer. */
const IN_A_ROW = 100;
const HANG_MS = 1_000;
/** Shorter in a run that only shows that the campaign works. */
const AMPLIFICATION_SECONDS = COUNT < 100_000 ? 1 : 5;

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const number = (/** @type {number} */ value) => value.toLocaleString('en');
const SOA = { nsTtl: 3600, soa: { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 60, ttl: 60 } };
const apex = DomainName.parse(ZONE);
const secrets = { own: randomBytes(64).toString('base64'), strange: randomBytes(64).toString('base64') };
const key = keyOf(`key.${ZONE}`, secrets.own);
const strange = keyOf('key.example.net', secrets.strange);
let faults = 0;
/** @param {string} what @param {Uint8Array} [request] */
function fault(what, request) {
  faults += 1;
  if (faults <= 20) say(`  fault: ${what}${request ? `: ${Buffer.from(request).toString('hex')}` : ''}`);
}

const isReply = (/** @type {Uint8Array} */ octets) => octets.length > 2 && ((octets[2] ?? 0) & 0x80) !== 0;

/** @param {Uint8Array} request @param {Uint8Array} reply @param {number} limit */
function checkReply(request, reply, limit) {
  if (isReply(request)) fault('a reply to a reply', request);
  if (reply.length > limit) fault(`a reply of ${reply.length} octets`, request);
  if (reply[0] !== request[0] || reply[1] !== request[1] || !isReply(reply)) fault('not a reply to it', request);
  try {
    return decodeMessage(reply).rcode;
  } catch (error) {
    fault(`a reply that is no message (${error})`, request);
    return -1;
  }
}

/** Opens a nameserver with database, journal and committer. Returns the service that its sockets would call. */
async function openService() {
  /** @type {import('#dist/nameserver/answer/dns-service.js').DnsService | undefined} */
  let service;
  const open = DnsListeners.prototype.open;
  DnsListeners.prototype.open = async (given) => {
    service = given;
  };
  const records = parseZoneFile(RECORDS, { origin: apex, defaultTtl: 300 });
  const ns = NAMESERVERS.map((name) => DomainName.parse(name));
  const nameserver = await Nameserver.open({
    database: join(makeDirectory(), 'zones.db'),
    settings: {
      zones: [
        {
          content: { apex, ns, contact: DomainName.parse('hostmaster', apex), ...SOA, records },
          keys: [{ keyName: key.keyName, tsig: key, mayUpdate: true, mayTransfer: true }],
          secondaries: [],
          rules: { apex, addresses: { allow: [], deny: [] }, ttl: {} },
        },
      ],
      limits: { recordsPerRRset: 65_535, typesPerName: 255 },
      limiter: undefined,
      nsid: 'fuzz',
      chaosVersion: 'fuzz',
      timeoutMs: 5_000,
    },
    cookieKey: randomBytes(16),
    applyUpdate,
    onBatch: () => {},
    onUpdate: () => {},
    onWarning: (text) => fault(text),
  });
  await nameserver.listen([], false);
  DnsListeners.prototype.open = open;
  if (service === undefined) throw new Error('no service');
  return { nameserver, service };
}

/**
 * Fails when memory grew by more than noise after the warm-up.
 * @param {string} where @param {number} start @param {number} warm @param {number} end @param {string} when `warm` was measured
 */
function judgeMemory(where, start, warm, end, when = 'at 10 %') {
  const text = [start, warm, end].map((value) => value.toFixed(0));
  say(`  ${where}: resident ${text[0]} MiB at the start, ${text[1]} ${when}, ${text[2]} at the end`);
  if (end - warm > GROWTH_LIMIT_MIB) fault(`memory of ${where} grew by more than ${GROWTH_LIMIT_MIB} MiB`);
}

function ownMemory() {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}

async function inProcess() {
  const { nameserver, service } = await openService();
  const corpus = makeCorpus(seeded(SEED), key, strange);
  const peer = { address: '192.0.2.1', port: 53_535 };
  /** @type {Map<number, number>} */
  const rcodes = new Map();
  const count = (/** @type {number} */ rcode) => rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1);
  const sizes = { asked: 0, answered: 0, largestRatio: 0 };
  /** @type {Promise<void>[]} */
  let waiting = [];
  let silent = 0;
  let slowest = 0;
  const start = ownMemory();
  let tenth = start;
  const began = performance.now();
  for (let index = 1; index <= COUNT; index++) {
    const request = corpus.next();
    if (request.length < 12) continue;
    const overTcp = index % 8 === 0;
    try {
      const before = performance.now();
      const reply = overTcp ? service.answerStream(request, peer) : service.answerDatagram(request, peer);
      slowest = Math.max(slowest, performance.now() - before);
      const take = (/** @type {Uint8Array | undefined} */ octets) => {
        if (octets === undefined) {
          silent += 1;
          if (!isReply(request)) fault('no reply', request);
          return;
        }
        count(checkReply(request, octets, overTcp ? 65_535 : MAX_DATAGRAM));
        if (overTcp) return;
        sizes.asked += request.length;
        sizes.answered += octets.length;
        sizes.largestRatio = Math.max(sizes.largestRatio, octets.length / request.length);
      };
      if (reply === undefined || reply instanceof Uint8Array) take(reply);
      else if (reply instanceof Promise) waiting.push(reply.then(take));
      else {
        waiting.push(
          (async () => {
            for await (const part of reply) take(part);
          })(),
        );
      }
    } catch (error) {
      fault(`thrown: ${errorStack(error)}`, request);
    }
    if (waiting.length >= 256 || index === COUNT) {
      const timer = setTimeout(() => {
        fault('a reply does not come');
        process.exit(1);
      }, 30_000);
      const settled = await Promise.allSettled(waiting);
      clearTimeout(timer);
      for (const result of settled) if (result.status === 'rejected') fault(`thrown later: ${result.reason?.stack}`);
      waiting = [];
    }
    if (index === Math.ceil(COUNT / 10)) tenth = ownMemory();
    if (index % Math.ceil(COUNT / 10) === 0) say(`  ${number(index)} requests`);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const list = [...rcodes]
    .sort((a, b) => b[1] - a[1])
    .map(([rcode, times]) => `${formatRcode(rcode)} ${number(times)}`);
  say(`  ${number(COUNT)} requests in ${seconds} s, replies: ${list.join(', ')}; none to ${number(silent)} replies`);
  say(
    `  longest turn ${slowest.toFixed(1)} ms; without a rate limit octets out for octets in: ${(sizes.answered / sizes.asked).toFixed(2)}, at most ${sizes.largestRatio.toFixed(1)}`,
  );
  judgeMemory('the service', start, tenth, ownMemory());
  await nameserver.close();
}

/** Our server with the zone of the corpus. @param {Record<string, unknown>} dns more options of `dns` @param {string} directory */
async function startServer(dns, directory = makeDirectory()) {
  const port = await freePort();
  const file = join(directory, 'dyndns.yml');
  const zone = { name: ZONE, nameserver: 'embedded', ns: NAMESERVERS, records: RECORDS };
  const keys = [{ name: `key.${ZONE}`, algorithm: 'hmac-sha512', secret: secrets.own, allow: ['update', 'transfer'] }];
  const config = {
    secret: 'ofTheFuzzer12345',
    log_level: 30,
    http: { listen: ['127.0.0.1:0'] },
    dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db', ...dns },
    zones: [{ ...zone, tsig_keys: keys }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const child = spawn(process.execPath, [MAIN, '--config', file, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  let log = '';
  child.stdout.on('data', (chunk) => {
    log += chunk;
  });
  const asker = makeAsker(port);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the server did not start: ${log}`);
    return (await asker.probe(200)) >= 0;
  }, 'the server');
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  return {
    port,
    asker,
    child,
    rss,
    /** Stops it; it must still be running and must have logged no fault. */
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) fault('the server has ended');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      asker.close();
      // Refused UPDATEs are logged as well; only faults of the server itself matter here.
      for (const line of log.split('\n')) {
        if (
          line.includes('The nameserver:') ||
          line.includes("zones' database") ||
          line.includes('"code":"internal"')
        ) {
          fault(line);
        }
      }
    },
  };
}

/** Sends a query that is always answered. @param {number} port */
function makeAsker(port) {
  const socket = createSocket('udp4');
  /** @type {Map<number, (ms: number) => void>} */
  const pending = new Map();
  socket.on('error', () => {});
  socket.on('message', (octets) => pending.get(octets.readUInt16BE(0))?.(0));
  let id = 0;
  return {
    close: () => socket.close(),
    /** Milliseconds until the answer, -1 if there was none. @param {number} [limitMs] @returns {Promise<number>} */
    probe(limitMs = HANG_MS) {
      id = (id + 1) & 0xffff;
      const own = id;
      const questions = [{ qname: apex, qtype: RRType.SOA, qclass: 1 }];
      const began = performance.now();
      return new Promise((resolve) => {
        const done = (/** @type {number} */ ms) => {
          clearTimeout(timer);
          pending.delete(own);
          resolve(ms);
        };
        const timer = setTimeout(() => done(-1), limitMs);
        pending.set(own, () => done(performance.now() - began));
        socket.send(encodeMessage(makeMessage({ id: own, questions })), port, '127.0.0.1');
      });
    },
  };
}

async function overUdp() {
  const directory = makeDirectory();
  const server = await startServer({}, directory);
  const atFirst = copyOf(await transfer(server.port, key, apex));
  const corpus = makeCorpus(seeded(SEED + 1), key, strange);
  const socket = createSocket('udp4');
  // Ids of the last 65,536 messages that were replies themselves.
  const repliesSent = new Uint8Array(0x10000);
  let received = 0;
  let largest = 0;
  socket.on('message', (octets) => {
    received += 1;
    largest = Math.max(largest, octets.length);
    if (octets.length > MAX_DATAGRAM) fault(`a datagram of ${octets.length} octets`);
    if (!isReply(octets)) fault('a datagram that is no reply');
    if (repliesSent[octets.readUInt16BE(0)] === 1) fault('a reply to a reply');
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(undefined)));
  socket.setRecvBufferSize(4 * 2 ** 20);
  const start = server.rss();
  let tenth = start;
  let slowest = 0;
  let wanted = 0;
  const began = performance.now();
  for (let index = 1; index <= COUNT; index++) {
    const request = corpus.next();
    if (request.length >= 12) {
      request.writeUInt16BE(index & 0xffff, 0);
      repliesSent[index & 0xffff] = isReply(request) ? 1 : 0;
      if (!isReply(request)) wanted += 1;
    }
    socket.send(request, server.port, '127.0.0.1');
    if (index % IN_A_ROW === 0) {
      const ms = await server.asker.probe();
      if (ms < 0) {
        fault(`no answer within ${HANG_MS} ms after datagram ${index}`);
        if ((await server.asker.probe(10_000)) < 0) break;
      }
      slowest = Math.max(slowest, ms);
    }
    if (index === Math.ceil(COUNT / 10)) tenth = server.rss();
    if (index % Math.ceil(COUNT / 10) === 0) say(`  ${number(index)} datagrams`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  say(
    `  ${number(COUNT)} datagrams in ${seconds} s; ${number(received)} replies to ${number(wanted)} that can have one, the largest of ${largest} octets; slowest probe ${slowest.toFixed(0)} ms`,
  );
  if (received < wanted * 0.98) fault('too few replies: datagrams were lost, or not answered');
  judgeMemory('the server', start, tenth, server.rss());
  socket.close();

  say('TCP streams, cut at every octet');
  const messages = [corpus.query, corpus.query, corpus.query, corpus.update, corpus.transfer, corpus.oddMessage];
  const streamMessages = messages.flatMap((make) => [make(), make(), make()]);
  const beforeStreams = server.rss();
  // The first pass fills the heap and the pools of a server that has had few connections; only what the second adds would be a leak.
  await cutStreams(server.port, streamMessages, fault);
  const afterFirst = server.rss();
  const streams = await cutStreams(server.port, streamMessages, fault);
  if ((await server.asker.probe()) < 0) fault('no answer after the streams');
  say(
    `  twice ${number(streams.connections)} connections, ${number(streams.replies)} messages came back; longest ${streams.slowestMs.toFixed(0)} ms`,
  );
  judgeMemory('the server', beforeStreams, afterFirst, server.rss(), 'after the first pass');
  const zone = copyOf(await transfer(server.port, key, apex));
  await server.stop();
  const again = await startServer({}, directory);
  const difference = differenceOf(zone, copyOf(await transfer(again.port, key, apex)));
  if (difference !== undefined) fault(`the zone is another one after a restart: ${difference}`);
  say(
    `  the zone made ${number(zone.serial - atFirst.serial)} steps to ${number(zone.records.size)} records, and is the same after a restart`,
  );
  await again.stop();
}

/** Octets that one source without cookies gets back when it sends as fast as it can, under the default rate limit. */
async function amplification() {
  const server = await startServer({ rate_limit: { exempt: [] } });
  const corpus = makeCorpus(seeded(SEED + 2), key, strange);
  const names = makeCorpus(seeded(SEED + 3), key, strange);
  const one = encodeMessage(makeMessage({ questions: [{ qname: apex, qtype: RRType.NS, qclass: 1 }] }));
  for (const [what, next] of /** @type {const} */ ([
    ['one query again and again', () => Buffer.from(one)],
    ['queries for all names and types', () => names.query()],
    ['the corpus of the fuzzer', () => corpus.next()],
  ])) {
    const socket = createSocket('udp4');
    const octets = { in: 0, out: 0, sent: 0, received: 0 };
    socket.on('message', (reply) => {
      octets.out += reply.length;
      octets.received += 1;
    });
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', () => resolve(undefined)));
    const end = performance.now() + AMPLIFICATION_SECONDS * 1000;
    while (performance.now() < end) {
      for (let i = 0; i < 50; i++) {
        const request = next();
        octets.in += request.length;
        octets.sent += 1;
        socket.send(request, server.port, '127.0.0.1');
      }
      await new Promise(setImmediate);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const rate = number(Math.round(octets.sent / AMPLIFICATION_SECONDS));
    say(
      `  ${what}: ${rate} datagrams/s, ${number(octets.received)} of ${number(octets.sent)} answered; octets out for octets in: ${(octets.out / octets.in).toFixed(3)}`,
    );
    socket.close();
  }
  await server.stop();
}

say(`${number(COUNT)} requests twice, seed ${SEED}, Node ${process.version}`);
say('The service, in this process');
await inProcess();
say('A server, over UDP');
await overUdp();
say('Amplification, with the rate limit as it is by default and no source exempt');
await amplification();
say(faults === 0 ? 'no fault' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);

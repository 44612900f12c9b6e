// @ts-check
/**
 * The cost of event streams: updates of an embedded zone as fast as they are accepted, without readers and with 50, of which five never
 * read and come back when they are disconnected. Alternating rounds, medians; then one longer run for the memory of the server. An admin
 * and four members read, each of whom owns a part of the hosts, and every event is checked. The targets are ratios.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { BENCHMARKS } from './commands.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  makeDirectory,
  measureHttp,
  median,
  numbersFor,
  originalClients,
  processorTime,
  Report,
  say,
  serve,
  stop,
  UNIT_FLAGS,
  ZONE,
} from './lab.mjs';

const HOSTS = 500;
const MEMBERS = 4;
/** Of each user; the first reader of each does not read. */
const READERS_OF_USER = 10;
/** The rest of the hosts belongs to no member. */
const OWNED_HOSTS = 400;
const SAMPLE_MS = 250;

/** The member who owns a host; undefined: none. @param {number} host */
const ownerOf = (host) => (host < OWNED_HOSTS ? host % MEMBERS : undefined);
const nameOf = (/** @type {number} */ host) => `h${host}.${ZONE}`;

if (isMainThread) await measure();
else readAsUsers();

async function measure() {
  const [ROUNDS = 0, SECONDS = 0, MEMORY_SECONDS = 0] = numbersFor(BENCHMARKS.stream, [
    [7, 1],
    [5, 1],
    [60, 3],
  ]);
  const { openStore } = await import('#dist/store/open-store.js');
  const { DomainName } = await import('#dist/dns/name.js');
  const directory = makeDirectory();
  const url = `sqlite:${join(directory, 'dyndns.db')}`;
  const store = await openStore(url);
  const keyOf = (/** @type {string} */ user) => `dyn_${user.padEnd(32, 'x')}`;
  const users = ['admin', ...Array.from({ length: MEMBERS }, (_, n) => `member${n}`)];
  for (const name of users) {
    const role = name === 'admin' ? /** @type {const} */ ('admin') : /** @type {const} */ ('member');
    const quotas = { hosts: 0, tokens: 0, changesPerMinute: 0 };
    await store.users.create({ id: name, name, role, quotas, createdMs: 1 });
    const sha256 = createHash('sha256').update(keyOf(name)).digest('hex');
    await store.users.createKey({ id: `key-${name}`, userId: name, name: 'bench', sha256, createdMs: 1 });
  }
  for (let host = 0; host < OWNED_HOSTS; host++) {
    const none = { enabled: true, addresses: { allow: [], deny: [] }, fallback: [], members: [] };
    await store.hosts.put({ ownerName: DomainName.parse(nameOf(host)), ownerId: `member${ownerOf(host)}`, ...none });
  }
  await store.close();
  const port = await freePort();
  const path = join(directory, 'admin.sock');
  const server = await serve(
    {
      admin: { enabled: true, listen: [`127.0.0.1:${port}`, `unix:${path}`] },
      store: url,
      dns: { listen: [`127.0.0.1:${await freePort()}`], database: join(directory, 'zones.db') },
      zones: [{ name: ZONE, nameserver: 'embedded', ns: ['ns.example.net'] }],
    },
    { directory },
  );

  const readers = new Worker(new URL(import.meta.url), {
    workerData: { port, path, pid: server.child.pid, keys: users.map(keyOf) },
  });
  const ask = (/** @type {string} */ what) =>
    new Promise((resolve) => {
      readers.once('message', resolve);
      readers.postMessage(what);
    });
  const load = { directory, url: server.url, clients: originalClients(HOSTS), kind: /** @type {const} */ ('changed') };
  /** With the processor time of the server for each update, in µs: other programs disturb it less than the rate. @param {number} seconds */
  const update = (seconds) => {
    const beforeUs = processorTime(server.child);
    const { rate, requests } = measureHttp({ ...load, connections: 64, seconds });
    return { rate, requests, costUs: (processorTime(server.child) - beforeUs) / requests };
  };

  const report = new Report();
  say(`${HOSTS} hosts, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`);
  update(IS_SMOKE_RUN ? 1 : 10);
  for (let round = 1; round <= ROUNDS; round++) {
    // The order alternates: other programs may slow the machine down for a while.
    let without = round % 2 === 1 ? update(SECONDS) : undefined;
    await ask('open');
    const withReaders = update(SECONDS);
    const seen = await ask('close');
    check(seen);
    without ??= update(SECONDS);
    for (const [name, { rate, costUs }] of /** @type {const} */ ([
      ['without', without],
      ['with', withReaders],
    ])) {
      report.note(name, rate);
      report.note(`${name} cost`, costUs);
    }
    report.note('ratio', withReaders.rate / without.rate);
    const shown = [without, withReaders].map(({ rate, costUs }) => `${rate.toFixed(0)}/s (${costUs.toFixed(0)} µs)`);
    say(`  round ${round}/${ROUNDS}: ${shown[0]} without readers, ${shown[1]} with; ${told(seen)}`);
  }
  await ask('open');
  update(Math.ceil(MEMORY_SECONDS / 4));
  await quiet();
  await ask('sample');
  const { requests } = update(MEMORY_SECONDS);
  await quiet();
  const seen = await ask('close');
  check(seen);
  if (seen.events === 0 || seen.rates === 0) throw new Error('the readers got nothing');
  const part = seen.samples.length >> 2;
  const [early, late] = [median(seen.samples.slice(0, part)), median(seen.samples.slice(-part))];
  say(`  ${MEMORY_SECONDS} s with readers: ${requests} updates, ${told(seen)}`);
  say(`  memory: ${early.toFixed(0)} MiB in the first quarter, ${late.toFixed(0)} MiB in the last one`);
  say('');
  await readers.terminate();
  await stop(server.child);
  report.atLeast('updates a second with 50 readers / without', report.middle('with') / report.middle('without'), 0.95);
  report.atLeast('the same in each round', report.middle('ratio'), 0.95);
  report.atMost(
    'processor time of an update with readers / without',
    report.middle('with cost') / report.middle('without cost'),
    1.05,
  );
  report.atMost('memory in the last quarter / in the first', late / early, 1.1);
  report.atMost('events that their reader may not see', seen.foreign, 0);
  // wrk ends while the last requests are in flight.
  report.atLeast('changes that an admin was told of / updates', seen.counted / requests, 0.98);
}

/** Until the readers have everything. */
function quiet() {
  return new Promise((resolve) => setTimeout(resolve, 2_500));
}

/** @param {Seen} seen */
function told({ events, rates, disconnected }) {
  return `${events} events, ${rates} counts, ${disconnected} readers disconnected`;
}

/** @param {Seen} seen */
function check({ foreign }) {
  if (foreign > 0) throw new Error(`${foreign} events of hosts that their reader may not see`);
}

/** @typedef {{foreign: number, events: number, rates: number, disconnected: number, counted: number, samples: number[]}} Seen */

/** In a thread, because measureHttp blocks. */
function readAsUsers() {
  /** @type {{port: number, path: string, pid: number, keys: string[]}} */
  const { port, path, pid, keys } = workerData;
  /** @type {(() => void)[]} */
  let closers = [];
  /** @type {Seen} */
  let seen;
  /** @type {NodeJS.Timeout | undefined} */
  let sampling;

  const pathOf = (/** @type {number} */ user, /** @type {number} */ reader) => {
    // Hosts of the user, and some of others.
    const watched = reader === 0 ? 20 : 2;
    const hosts = Array.from({ length: watched }, (_, n) => `host=${nameOf((reader * 31 + user + n * 9) % HOSTS)}`);
    return `/v1/stream?${hosts.join('&')}`;
  };

  /** @param {number} user @param {number} reader @returns {Promise<void>} */
  const read = (user, reader) =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${keys[user]}`, Host: 'localhost' };
      const sent = request({ host: '127.0.0.1', port, path: pathOf(user, reader), headers, agent: false });
      sent.on('error', reject).end();
      sent.on('response', (reply) => {
        if (reply.statusCode !== 200) reject(new Error(`status ${reply.statusCode}`));
        closers.push(() => reply.destroy());
        let rest = '';
        reply.setEncoding('utf8').on('error', () => {});
        reply.on('data', (/** @type {string} */ text) => {
          const blocks = (rest + text).split('\n\n');
          rest = blocks.pop() ?? '';
          for (const block of blocks) note(user, reader, block);
          resolve();
        });
      });
    });

  /** @param {number} user @param {number} reader @param {string} block */
  const note = (user, reader, block) => {
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined) return;
    const message = JSON.parse(data);
    if (message.host !== undefined) {
      const owner = ownerOf(Number(/^h(\d+)\./.exec(message.host)?.[1]));
      if (user > 0 && owner !== user - 1) seen.foreign += 1;
      seen.events += 1;
    } else if (message.changed !== undefined) {
      seen.rates += 1;
      if (user === 0 && reader === 1) seen.counted += message.changed;
    }
  };

  /** Never reads, on a unix socket, which holds little; comes back when it is disconnected. @param {number} user */
  const stall = (user) => {
    let isOver = false;
    const socket = connect({ path }).pause();
    socket.write(`GET ${pathOf(user, 0)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keys[user]}\r\n\r\n`);
    // A paused socket is not told of its end: writing shows it.
    const probe = setInterval(() => socket.write('\r\n'), 500);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(probe);
      if (isOver) return;
      seen.disconnected += 1;
      stall(user);
    });
    closers.push(() => {
      isOver = true;
      socket.destroy();
    });
  };

  const residentMiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

  parentPort?.on('message', async (what) => {
    if (what === 'open') {
      seen = { foreign: 0, events: 0, rates: 0, disconnected: 0, counted: 0, samples: [] };
      const opened = [];
      for (let user = 0; user < keys.length; user++) {
        stall(user);
        for (let reader = 1; reader < READERS_OF_USER; reader++) opened.push(read(user, reader));
      }
      await Promise.all(opened);
      parentPort?.postMessage('opened');
    } else if (what === 'sample') {
      Object.assign(seen, { counted: 0, samples: [] });
      sampling = setInterval(() => seen.samples.push(residentMiB()), SAMPLE_MS);
      parentPort?.postMessage('sampling');
    } else {
      clearInterval(sampling);
      for (const close of closers) close();
      closers = [];
      parentPort?.postMessage(seen);
    }
  });
}

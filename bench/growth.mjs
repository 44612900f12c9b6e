// @ts-check
/**
 * Several servers that share a PostgreSQL, in front of one primary: updates a second, the time that they take, messages to the primary,
 * and the processor time of each part for one update. Each client changes its own name, in each request to another address.
 * `stay`: a client sends all of its requests to one server; `move`: each to the next one.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import {
  IS_SMOKE_RUN,
  KEY,
  makeDirectory,
  numbersFor,
  processorTimeOfTree,
  Report,
  SECRET,
  say,
  serve,
  stop,
  ZONE,
} from './lab.mjs';
import { bindPeer, knotPeer, powerdnsPeer, powerdnsPostgresPeer } from './peers.mjs';
import { startPostgres } from './postgres.mjs';
import { readArguments } from './usage.mjs';

const PEERS = { bind: bindPeer, knot: knotPeer, powerdns: powerdnsPeer, 'powerdns-pg': powerdnsPostgresPeer };
const [ROUNDS = 0, SECONDS = 0, SERVERS = 0] = numbersFor(BENCHMARKS.growth, [
  [3, 1],
  [6, 1],
  [3, 2],
]);
const kinds = readArguments(BENCHMARKS.growth).values[3]?.split(',') ?? Object.keys(PEERS);
const CLIENTS = 40;

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/** @param {number} primaryPort @param {string} store its URL */
function startServer(primaryPort, store) {
  const directory = makeDirectory();
  const options = {
    nameserver: '127.0.0.1',
    port: primaryPort,
    log_level: 40,
    control: `unix:${join(directory, 'control.sock')}`,
    store,
    zones: [{ name: ZONE, tsig_key: KEY }],
  };
  return serve(options, { directory });
}

/** A persistent connection with one request at a time. @param {number} port */
function openConnection(port) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  /** @type {(reply: string) => void} */
  let reply = () => undefined;
  let received = '';
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    received += chunk;
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (received.length < end + 4 + length) return;
    const whole = received;
    received = '';
    reply(whole);
  });
  return {
    /** @param {string} path @returns {Promise<string>} status line, headers and body */
    get(path) {
      return new Promise((resolve) => {
        reply = resolve;
        socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      });
    },
    close: () => socket.destroy(),
  };
}

/** Counters of all servers, summed. @param {readonly Server[]} servers */
async function counters(servers) {
  let messages = 0;
  let refused = 0;
  for (const { url } of servers) {
    const reply = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${SECRET}` } });
    for (const line of (await reply.text()).split('\n')) {
      if (!line.startsWith('dyndns_publish_messages_total')) continue;
      const value = Number(line.split(' ').at(-1));
      messages += value;
      if (/stale/.test(line)) refused += value;
    }
  }
  return { messages, refused };
}

let run = 0;

/**
 * @param {readonly Server[]} servers @param {'stay' | 'move'} kind @param {number} seconds
 * @param {Readonly<Record<string, () => number>>} parts processor time of each part, in µs
 */
async function measure(servers, kind, seconds, parts) {
  run += 1;
  const before = await counters(servers);
  const times = new Map(Object.entries(parts).map(([part, time]) => [part, time()]));
  const begin = performance.now();
  const end = begin + seconds * 1000;
  /** @type {number[]} */
  const latencies = [];
  let failed = 0;
  const client = async (/** @type {number} */ number) => {
    const connections = servers.map(({ port }) => openConnection(port));
    for (let count = 0; performance.now() < end; count++) {
      const connection = connections[(number + (kind === 'move' ? count : 0)) % connections.length];
      const address = `10.${run & 127}.${count >> 8}.${count & 255}`;
      const sent = performance.now();
      const reply = await connection?.get(`/update-by-path/${SECRET}/h${number}.${ZONE}/${address}`);
      latencies.push(performance.now() - sent);
      if (!reply?.includes(`-> ${address}`)) failed += 1;
    }
    for (const connection of connections) connection.close();
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  const elapsed = (performance.now() - begin) / 1000;
  const after = await counters(servers);
  const updates = latencies.length;
  latencies.sort((a, b) => a - b);
  const spent = Object.entries(parts).map(([part, time]) => {
    return /** @type {const} */ ([part, (time() - (times.get(part) ?? 0)) / updates]);
  });
  const messages = after.messages - before.messages;
  const refused = after.refused - before.refused;
  return {
    rate: updates / elapsed,
    failed,
    p50: latencies[updates >> 1] ?? Number.NaN,
    p99: latencies[Math.floor(updates * 0.99)] ?? Number.NaN,
    batch: updates / messages,
    /** Messages for each that was needed. */
    perBatch: messages / (messages - refused),
    stale: refused / messages,
    spent,
    processor: spent.reduce((sum, [, time]) => sum + time, 0),
  };
}

const report = new Report();

/** @param {string} kind of the primary */
async function campaign(kind) {
  const primary = await PEERS[/** @type {keyof typeof PEERS} */ (kind)](CLIENTS);
  const postgres = await startPostgres(['fsync=on']);
  /** @type {Server[]} */
  const servers = [];
  for (let count = 0; count < SERVERS; count++) servers.push(await startServer(primary.port, postgres.url));
  say(`${primary.title}, PostgreSQL, ${CLIENTS} clients, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version}`);
  const primaryProcesses = [primary.child, ...(primary.others ?? [])];
  const parts = {
    servers: () => servers.reduce((sum, { child }) => sum + processorTimeOfTree(child.pid), 0),
    primary: () => primaryProcesses.reduce((sum, { pid }) => sum + processorTimeOfTree(pid), 0),
    PostgreSQL: () => processorTimeOfTree(postgres.child.pid),
  };
  /** @type {{count: number, which: 'stay' | 'move'}[]} */
  const cases = [{ count: 1, which: 'stay' }];
  for (let count = 2; count <= SERVERS; count++) cases.push({ count, which: 'stay' }, { count, which: 'move' });
  let failed = 0;
  // The first round is not counted: code that runs for the first time is slow, and slower in several processes.
  for (let round = IS_SMOKE_RUN ? 1 : 0; round <= ROUNDS; round++) {
    for (const { count, which } of cases) {
      const result = await measure(servers.slice(0, count), which, round === 0 ? 2 : SECONDS, parts);
      failed += result.failed;
      if (round === 0) continue;
      const name = `${kind} ${count} ${which}`;
      for (const [what, value] of Object.entries(result)) {
        if (typeof value === 'number') report.note(`${name} ${what}`, value);
      }
      for (const [part, time] of result.spent) report.note(`${name} ${part}`, time);
      const times = result.spent.map(([part, time]) => `${part} ${time.toFixed(0)}`).join(', ');
      say(
        `  ${count} ${which}: ${result.rate.toFixed(0)}/s, p50 ${result.p50.toFixed(0)} ms, p99 ${result.p99.toFixed(0)} ms; ${result.batch.toFixed(1)} updates a message, ${result.perBatch.toFixed(2)} messages a batch, refused ${(100 * result.stale).toFixed(0)} %; µs an update: ${times}${result.failed > 0 ? `; ${result.failed} FAILED` : ''}`,
      );
    }
  }
  for (const server of servers) await stop(server.child);
  for (const child of primaryProcesses) await stop(child);
  await stop(postgres.child);
  const middle = (/** @type {string} */ name) => report.middle(`${kind} ${name}`);
  say('  medians:');
  for (const { count, which } of cases) {
    const of = (/** @type {string} */ what, digits = 0) => middle(`${count} ${which} ${what}`).toFixed(digits);
    const spent = Object.keys(parts).map((part) => `${part} ${of(part)}`);
    say(
      `  ${count} ${which}: ${of('rate')}/s, p50 ${of('p50')} ms, p99 ${of('p99')} ms; ${of('batch', 1)} updates a message; µs an update: ${of('processor')} (${spent.join(', ')})`,
    );
  }
  const [most, one] = [`${SERVERS} move`, '1 stay'];
  report.atLeast(
    `${primary.title}: names that move, ${SERVERS} servers / 1`,
    middle(`${most} rate`) / middle(`${one} rate`),
    0.9,
  );
  report.atMost(`${primary.title}: the same, p99`, middle(`${most} p99`) / middle(`${one} p99`), 2);
  report.atLeast(`${primary.title}: names that stay`, middle(`${SERVERS} stay rate`) / middle(`${one} rate`), 1);
  report.atMost(`${primary.title}: messages for each batch`, middle(`${most} perBatch`), 1.3);
  report.atMost(`${primary.title}: messages refused`, middle(`${most} stale`), 0.05);
  report.atMost(
    `${primary.title}: processor time of an update, ${SERVERS} servers / 1`,
    middle(`${most} processor`) / middle(`${one} processor`),
    1.25,
  );
  report.atMost(`${primary.title}: failed requests`, failed, 0);
}

for (const kind of kinds) await campaign(kind);

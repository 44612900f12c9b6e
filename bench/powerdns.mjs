// @ts-check
/**
 * The PowerDNS-compatible API on a large zone: GET and PATCH with a key for one name, PATCH of 200 RRsets, which is one step of the
 * serial, and GET with a key for a pattern that covers the whole zone, while DNS is queried. Medians.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import { freePort, MAIN, makeDirectory, median, numbersFor, Report, say, serial, serve, stop, ZONE } from './lab.mjs';

const [NAMES = 0, ROUNDS = 0] = numbersFor(BENCHMARKS.powerdns, [
  [1_000_000, 2000],
  [200, 5],
]);
const RRSETS = 200;
/** Milliseconds. */
const MOST = { get: 10, patch: 20, dns: 50 };
const PATH = `/api/v1/servers/localhost/zones/${ZONE}.`;

const report = new Report();
const directory = makeDirectory();
const dnsPort = await freePort();
const token = (/** @type {string} */ name, /** @type {string[]} */ hosts) => ({
  name,
  sha256: createHash('sha256').update(name).digest('hex'),
  hosts,
  types: ['A', 'TXT'],
});
const options = {
  control: `unix:${join(directory, 'control.sock')}`,
  store: `sqlite:${join(directory, 'dyndns.db')}`,
  dns: { listen: [`127.0.0.1:${dnsPort}`], database: join(directory, 'zones.db') },
  admin: { enabled: true, powerdns_api: true },
  limits: { changes_per_minute_per_token: 0 },
  zones: [{ name: ZONE, nameserver: 'embedded', ns: [`ns1.${ZONE}`], records: 'ns1 A 127.0.0.1\n' }],
  tokens: [token('one', [`h1.${ZONE}`]), token('many', [`*.${ZONE}`])],
};

/** Imports a zone file of so many hosts into the running server. @param {string} file of the configuration */
async function importNames(file) {
  const zoneFile = join(directory, 'names.zone');
  const open = openSync(zoneFile, 'w');
  let text = '';
  for (let index = 0; index < NAMES; index++) {
    text += `h${index} 60 IN A 10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}\n`;
    if (text.length < 1 << 20 && index < NAMES - 1) continue;
    writeSync(open, text);
    text = '';
  }
  closeSync(open);
  const child = spawn(process.execPath, [MAIN, '--config', file, 'zone', 'import', ZONE, zoneFile], {
    stdio: 'inherit',
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error('zone import failed');
}

const server = await serve(options, { directory });
await importNames(server.file);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/**
 * Milliseconds of a request, up to the end of its reply.
 * @param {string} key @param {string} method @param {unknown} [body] @returns {Promise<{ms: number, octets: number, text: string}>}
 */
function timeOf(key, method, body) {
  const beginMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'X-API-Key': key };
    const sent = request({ port: server.port, host: '127.0.0.1', path: PATH, method, headers, agent }, (reply) => {
      let octets = 0;
      let text = '';
      reply.setEncoding('latin1').on('data', (chunk) => {
        octets += chunk.length;
        if (text.length < 1 << 16) text += chunk;
      });
      reply.on('end', () => {
        const ms = performance.now() - beginMs;
        if (reply.statusCode === (method === 'GET' ? 200 : 204)) resolve({ ms, octets, text });
        else reject(new Error(`${method}: ${reply.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** @param {string} label @param {number} round */
const rrset = (label, round) => ({
  name: `${label}.${ZONE}.`,
  type: 'A',
  ttl: 60,
  changetype: 'REPLACE',
  records: [{ content: `192.0.2.${round % 250}`, disabled: false }],
});

for (let round = 1; round <= ROUNDS; round++) {
  const { ms, text } = await timeOf('one', 'GET');
  if (JSON.parse(text).rrsets.length !== 1) throw new Error(`not one RRset: ${text}`);
  report.note('get', ms);
  report.note('patch', (await timeOf('one', 'PATCH', { rrsets: [rrset('h1', round)] })).ms);
}
/** @type {number[]} */
const steps = [];
for (let round = 1; round <= Math.min(ROUNDS, 20); round++) {
  const before = serial(dnsPort);
  const rrsets = Array.from({ length: RRSETS }, (_, index) => rrset(`h${index + 10}`, round));
  report.note('many', (await timeOf('many', 'PATCH', { rrsets })).ms);
  steps.push(serial(dnsPort) - before);
}

/** Queries DNS until the work is done. @param {Promise<unknown>} work @returns {Promise<number[]>} milliseconds of each query */
async function queryDuring(work) {
  const socket = createSocket('udp4');
  const labels = ['h5', ...ZONE.split('.'), ''];
  const question = Buffer.concat(labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])));
  const query = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), question, Buffer.from([0, 1, 0, 1])]);
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  /** @type {number[]} */
  const times = [];
  while (!isDone) {
    const beginMs = performance.now();
    const answered = new Promise((resolve) => socket.once('message', resolve));
    socket.send(query, dnsPort, '127.0.0.1');
    await answered;
    times.push(performance.now() - beginMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.close();
  return times;
}

const whole = timeOf('many', 'GET');
const queries = await queryDuring(whole);
const { ms: wholeMs, octets } = await whole;
await stop(server.child);

const [get, patch, many] = ['get', 'patch', 'many'].map((name) => report.middle(name));
queries.sort((a, b) => a - b);
const p99 = queries[Math.floor(queries.length * 0.99)] ?? 0;
say(`a zone of ${NAMES} names, a key for one of them: GET ${get?.toFixed(2)} ms, PATCH ${patch?.toFixed(2)} ms`);
say(`a PATCH of ${RRSETS} RRsets: ${many?.toFixed(2)} ms; steps of the serial: ${[...new Set(steps)].join(', ')}`);
say(
  `GET of the whole zone: ${(wholeMs / 1000).toFixed(2)} s, ${(octets / 1e6).toFixed(1)} MB; ${queries.length} queries meanwhile: ` +
    `median ${median(queries).toFixed(2)} ms, 99 % ${p99.toFixed(2)} ms`,
);
report.atMost('GET with a key for one name, in ms', get ?? 0, MOST.get);
report.atMost('PATCH with a key for one name, in ms', patch ?? 0, MOST.patch);
report.atMost(`steps of the serial for ${RRSETS} RRsets`, Math.max(...steps), 1);
report.atMost('99 % of the queries while the whole zone is read, in ms', p99, MOST.dns);

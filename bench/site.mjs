import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import {
  freePort,
  KEY,
  makeDirectory,
  median,
  numbersFor,
  Report,
  SECRET,
  say,
  serve,
  startBind,
  stop,
  UNIT_FLAGS,
  ZONE,
} from './lab.mjs';

const [ROUNDS = 0, MEMBERS = 0] = numbersFor(BENCHMARKS.site, [
  [400, 30],
  [10, 10],
]);
const MOST = 1.5;

const report = new Report();

/** @param {object} zone @param {object} more */
function startServer(zone, more) {
  const directory = makeDirectory();
  const members = Array.from({ length: MEMBERS }, (_, n) => ({
    name: `m${n}.${ZONE}`,
    interface_id: `::${(n + 16).toString(16)}`,
    subnet: n % 4,
  }));
  const hosts = [{ name: `site.${ZONE}`, members }];
  return serve({ store: `sqlite:${join(directory, 'dyndns.db')}`, zones: [zone], hosts, ...more }, { directory });
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds of one request, whose reply must begin with `good`. @param {number} port @param {string} query */
function timeOf(port, query) {
  const beginMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${SECRET}` };
    const sent = request({ port, host: '127.0.0.1', path: `/nic/update?${query}`, headers, agent }, (reply) => {
      let body = '';
      reply.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      reply.on('end', () => {
        if (body.startsWith('good')) resolve(performance.now() - beginMs);
        else reject(new Error(`${query}: ${reply.statusCode} ${body}`));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** @param {string} label @param {number} port */
async function measure(label, port) {
  /** @type {Record<'single' | 'site', number[]>} */
  const times = { single: [], site: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const prefix = `2001:db8:${(round + 1).toString(16)}`;
    const single = await timeOf(port, `hostname=single.${ZONE}&myip=10.0.${round >> 8}.${round & 255},${prefix}::7`);
    const site = await timeOf(
      port,
      `hostname=site.${ZONE}&myip=10.1.${round >> 8}.${round & 255},${prefix}::7&ipv6prefix=${prefix}::/56`,
    );
    // The first rounds only warm up.
    if (round < ROUNDS / 10) continue;
    times.single.push(single);
    times.site.push(site);
  }
  const [single, site] = [median(times.single), median(times.site)];
  say(`${label}: a site of ${MEMBERS} members ${site.toFixed(3)} ms, a single host ${single.toFixed(3)} ms`);
  report.atMost(`${label}: a site / a single host`, site / single, MOST);
}

say(`${ROUNDS} rounds, one connection, node ${process.version} ${UNIT_FLAGS.join(' ')}`);
const bind = await startBind(makeDirectory(), 1);
const remote = { name: ZONE, tsig_key: KEY, nameserver: '127.0.0.1', port: bind.port };
const behind = await startServer(remote, {});
await measure('BIND as the primary', behind.port);
await stop(behind.child);
await stop(bind.child);
const directory = makeDirectory();
const dns = { listen: [`127.0.0.1:${await freePort()}`], database: join(directory, 'zones.db') };
const embedded = await startServer({ name: ZONE, nameserver: 'embedded', ns: ['ns.example.net'] }, { dns });
await measure('the embedded nameserver', embedded.port);
await stop(embedded.child);
agent.destroy();

// @ts-check
/**
 * How long a change takes from its acknowledgement until each secondary serves it: BIND, Knot and NSD behind the embedded nameserver,
 * first with single updates, then with updates without a pause. All figures are those of `dyndns history`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  KEY,
  MAIN,
  makeDirectory,
  numbersFor,
  Report,
  SECRET,
  say,
  serial,
  serve,
  startChild,
  stop,
  until,
  ZONE,
} from './lab.mjs';

const [SINGLE = 0, CONTINUOUS = 0] = numbersFor(BENCHMARKS.receipts, [
  [200, 5],
  [2000, 20],
]);
/** Between two single updates: longer than the pace of NOTIFY. */
const PAUSE_MS = IS_SMOKE_RUN ? 50 : 250;
/** NSD takes up to a second to reload. */
const MOST_SECONDS = 2;

const directory = makeDirectory();
const dnsPort = await freePort();

/** Programs that serve the zone as secondaries, each with a configuration of its own. @type {Record<string, (port: number) => string[]>} */
const SECONDARIES = {
  named: (port) => [
    '-f',
    '-c',
    write(
      'named.conf',
      `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
  session-keyfile none; recursion no; empty-zones-enable no; dnssec-validation no; notify no; };
controls { };
logging { category default { null; }; };
key "${ZONE}" { algorithm hmac-sha512; secret "${KEY}"; };
zone "${ZONE}" { type secondary; file "bind.zone"; primaries { 127.0.0.1 port ${dnsPort} key "${ZONE}"; }; };
`,
    ),
  ],
  knotd: (port) => {
    mkdirSync(join(directory, 'knot'));
    return [
      '-c',
      write(
        'knot.conf',
        `server:\n    rundir: ${directory}/knot\n    listen: 127.0.0.1@${port}\nlog:\n  - target: stderr\n    any: error
database:\n    storage: ${directory}/knot
key:\n  - id: ${ZONE}\n    algorithm: hmac-sha512\n    secret: ${KEY}
remote:\n  - id: primary\n    address: 127.0.0.1@${dnsPort}\n    key: ${ZONE}
acl:\n  - id: notify\n    address: 127.0.0.1\n    key: ${ZONE}\n    action: notify
zone:\n  - domain: ${ZONE}\n    storage: ${directory}/knot\n    master: primary\n    acl: notify\n`,
      ),
    ];
  },
  nsd: (port) => {
    mkdirSync(join(directory, 'nsd'));
    return [
      '-d',
      '-c',
      write(
        'nsd.conf',
        `server:\n    ip-address: 127.0.0.1@${port}\n    username: ""\n    chroot: ""\n    zonesdir: "${directory}/nsd"
    zonelistfile: "${directory}/nsd/zone.list"\n    database: ""\n    pidfile: "${directory}/nsd/pid"
    xfrdfile: "${directory}/nsd/xfrd.state"\n    xfrdir: "${directory}/nsd"\n    server-count: 1\n    verbosity: 0
    logfile: "${directory}/nsd/log"
remote-control:\n    control-enable: no
key:\n    name: "${ZONE}"\n    algorithm: hmac-sha512\n    secret: "${KEY}"
zone:\n    name: "${ZONE}"\n    zonefile: "zone"\n    allow-notify: 127.0.0.1 ${ZONE}\n    request-xfr: 127.0.0.1@${dnsPort} ${ZONE}\n`,
      ),
    ];
  },
};

/** @param {string} name @param {string} text */
function write(name, text) {
  const file = join(directory, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** @param {readonly {name: string, port: number}[]} secondaries */
function startPrimary(secondaries) {
  const options = {
    store: `sqlite:${join(directory, 'dyndns.db')}`,
    dns: { listen: [`127.0.0.1:${dnsPort}`], database: join(directory, 'zones.db') },
    zones: [
      {
        name: ZONE,
        nameserver: 'embedded',
        ns: ['ns.example.net'],
        tsig_keys: [{ name: ZONE, algorithm: 'hmac-sha512', secret: KEY }],
        secondaries: secondaries.map((each) => ({ address: `127.0.0.1:${each.port}`, key: ZONE })),
      },
    ],
  };
  return serve(options, { directory });
}

/** @param {string} url @param {string} host @param {number} count @param {number} pauseMs */
async function update(url, host, count, pauseMs) {
  for (let n = 0; n < count; n += 1) {
    const reply = await fetch(`${url}/update-by-path/${SECRET}/${host}.${ZONE}/10.0.${n >> 8}.${n & 255}`);
    const text = await reply.text();
    if (!text.startsWith('UPDATED')) throw new Error(text);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The seconds of all receipts of a host by the place of the secondary, from the history. @param {string} file @param {string} host */
function receipts(file, host) {
  const args = [MAIN, '--config', file, 'history', `${host}.${ZONE}`, '--limit', '10000', '--json'];
  const { events } = JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout);
  /** @type {Map<string, (number | undefined)[]>} */
  const seconds = new Map();
  for (const event of events) {
    for (const each of event.secondaries ?? []) {
      const list = seconds.get(each.secondary) ?? [];
      seconds.set(each.secondary, list);
      list.push(each.seconds);
    }
  }
  return seconds;
}

/** @param {readonly number[]} sorted @param {number} part */
function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const report = new Report();
/** @type {{name: string, port: number}[]} */
const secondaries = [];
for (const name of Object.keys(SECONDARIES)) secondaries.push({ name, port: await freePort() });
const primary = await startPrimary(secondaries);
const children = [];
for (const { name, port } of secondaries) children.push(startChild(name, SECONDARIES[name]?.(port) ?? []));
await until(() => secondaries.every(({ port }) => serial(port) === serial(dnsPort)), 'the secondaries', 100);

say(`from the acknowledgement to the first answer of each secondary that has the change; node ${process.version}`);
for (const { kind, count, pauseMs } of [
  { kind: 'single', count: SINGLE, pauseMs: PAUSE_MS },
  { kind: 'continuous', count: CONTINUOUS, pauseMs: 0 },
]) {
  const beginMs = performance.now();
  await update(primary.url, kind, count, pauseMs);
  const rate = (count / (performance.now() - beginMs)) * 1000;
  /** @type {Map<string, (number | undefined)[]>} */
  let found = new Map();
  const isComplete = () => {
    found = receipts(primary.file, kind);
    const lists = [...found.values()];
    return (
      lists.length === secondaries.length && lists.every((list) => list.length === count && !list.includes(undefined))
    );
  };
  await until(isComplete, 'all receipts', 500);
  say(`${kind}: ${count} updates, ${rate.toFixed(0)} a second`);
  for (const { name, port } of secondaries) {
    const sorted = /** @type {number[]} */ (found.get(`127.0.0.1:${port}`) ?? []).sort((a, b) => a - b);
    const [middle, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
    say(`  ${name}: median ${(middle * 1000).toFixed(0)} ms, 99 % ${(p99 * 1000).toFixed(0)} ms`);
    report.atMost(`${kind} updates, ${name}: seconds until 99 % are served`, p99, MOST_SECONDS);
  }
}
for (const child of [...children, primary.child]) await stop(child);

// @ts-check
// What credentials of single clients cost: dyndns2 with a token for each host, in SQLite and in PostgreSQL, beside the
// original API with the master secret, history on, in the same run; then the same with 100,000 tokens and hosts more.
// The zone is embedded. Alternating rounds, medians; targets are ratios. `node bench/tokens.mjs [ROUNDS] [SECONDS] [MORE]`
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  freePort,
  MAIN,
  makeDirectory,
  measureHttp,
  median,
  SECRET,
  startChild,
  stop,
  UNIT_FLAGS,
  until,
  ZONE,
} from './lab.mjs';

const { DomainName } = await import('../dist/dns/name.js');
const { openStore } = await import('../dist/store/open-store.js');

const ROUNDS = Number(process.argv[2] ?? 3);
const SECONDS = Number(process.argv[3] ?? 5);
const MORE = Number(process.argv[4] ?? 100_000);
const HOSTS = 500;

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const secretOf = (/** @type {number} */ n) => `token-of-host-${n}-0123456789abcdef`;

/** @param {string} url of a store @param {number} from @param {number} to */
async function fillStore(url, from, to) {
  const store = await openStore(url);
  for (let at = from; at < to; at += 1000) {
    const numbers = Array.from({ length: Math.min(1000, to - at) }, (_, i) => at + i);
    await Promise.all(
      numbers.flatMap((n) => {
        const ownerName = DomainName.parse(`h${n}.${ZONE}`);
        const sha256 = createHash('sha256').update(secretOf(n)).digest('hex');
        const token = {
          id: `t${n}`,
          name: `t${n}`,
          sha256,
          hosts: [ownerName],
          types: [1, 28],
          addresses: /** @type {const} */ ('any'),
          createdMs: 1,
        };
        const settings = { ownerName, enabled: true, addresses: { allow: [], deny: [] }, fallback: [], members: [] };
        return [store.tokens.create(token), store.hosts.put(settings)];
      }),
    );
  }
  await store.close();
}

/** A PostgreSQL of our own on a port of 127.0.0.1. It does not run as root. */
async function startPostgres() {
  const directory = makeDirectory();
  const programs = readdirSync('/usr/lib/postgresql')
    .sort()
    .map((version) => `/usr/lib/postgresql/${version}/bin`);
  const bin = programs[programs.length - 1] ?? '';
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ['runuser', '-u', 'postgres', '--'] : [];
  if (isRoot) {
    const id = (/** @type {string} */ flag) => Number(spawnSync('id', [flag, 'postgres']).stdout.toString());
    chownSync(directory, id('-u'), id('-g'));
  }
  const command = (/** @type {string} */ program, /** @type {string[]} */ args) => [...as, join(bin, program), ...args];
  const [first = '', ...initArgs] = command('initdb', ['-D', join(directory, 'data'), '-A', 'trust', '-U', 'dyndns']);
  const made = spawnSync(first, initArgs, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const place = ['-c', 'listen_addresses=127.0.0.1', '-c', `port=${port}`, '-c', 'log_min_messages=fatal'];
  const [program = '', ...args] = command('postgres', ['-D', join(directory, 'data'), '-k', directory, ...place]);
  const child = startChild(program, args);
  const url = `postgres://dyndns@127.0.0.1:${port}/postgres`;
  const [ready = '', ...readyArgs] = command('pg_isready', [
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-U',
    'dyndns',
    '-d',
    'postgres',
  ]);
  await until(() => spawnSync(ready, readyArgs).status === 0, 'PostgreSQL', 50);
  return { url, child };
}

/** @param {string} store its URL; relative files are in the server's directory */
async function startServer(store) {
  const directory = makeDirectory();
  const port = await freePort();
  const dnsPort = await freePort();
  const url = store.startsWith('sqlite:') ? `sqlite:${join(directory, 'dyndns.db')}` : store;
  await fillStore(url, 0, HOSTS);
  const file = join(directory, 'dyndns.yml');
  const options = {
    secret: SECRET,
    http: { listen: [`127.0.0.1:${port}`] },
    dns: { listen: [`127.0.0.1:${dnsPort}`], database: join(directory, 'zones.db') },
    store: url,
    zones: [{ name: ZONE, nameserver: 'embedded', ns: ['ns.example.net'] }],
  };
  writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
  const run = async () => {
    const child = startChild(process.execPath, [...UNIT_FLAGS, MAIN, '--config', file, 'serve']);
    await until(async () => {
      try {
        return (await fetch(`http://127.0.0.1:${port}`)).ok;
      } catch {
        return false;
      }
    }, 'dyndns');
    return child;
  };
  return { directory, storeUrl: url, url: `http://127.0.0.1:${port}`, run, child: await run() };
}

/**
 * wrk as dyndns2 clients, each host with its token.
 * @param {{directory: string, url: string, kind: 'good' | 'nochg'}} options
 */
function measureDyndns2({ directory, url, kind }) {
  const credentials = Array.from({ length: HOSTS }, (_, n) => Buffer.from(`user:${secretOf(n)}`).toString('base64'));
  writeFileSync(join(directory, 'credentials.txt'), `${credentials.join('\n')}\n`);
  const base = Math.floor(Date.now() / 250) % 0x400000;
  const address =
    kind === 'good'
      ? `local k = (${base} + count) % 0x7fffff; local a = string.format("10.%d.%d.%d", math.floor(k / 65536), math.floor(k / 256) % 256, k % 256)`
      : 'local a = "10.200.0.1"';
  const script = join(directory, 'dyndns2.lua');
  writeFileSync(
    script,
    `local count = 0
local credentials = {}
for line in io.lines("${join(directory, 'credentials.txt')}") do table.insert(credentials, line) end
request = function()
  count = count + 1
  local n = count % ${HOSTS}
  ${address}
  return wrk.format("GET", string.format("/nic/update?hostname=h%d.${ZONE}&myip=%s", n, a), {["Authorization"] = "Basic " .. credentials[n + 1]})
end
`,
  );
  const args = ['-t1', '-c64', `-d${SECONDS}s`, '-s', script, url];
  const { stdout, stderr } = spawnSync('wrk', args, { encoding: 'utf8' });
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  if (Number.isNaN(rate) || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk: ${stdout}${stderr}`);
  return rate;
}

/** @type {Map<string, number[]>} */
const samples = new Map();
const note = (/** @type {string} */ name, /** @type {number} */ value) => {
  samples.set(name, [...(samples.get(name) ?? []), value]);
  return value.toFixed(0);
};
const middle = (/** @type {string} */ name) => median(samples.get(name) ?? []);

/** @param {{directory: string, url: string}} server @param {string} label */
function round(server, label) {
  const http = { ...server, names: HOSTS, connections: 64, seconds: SECONDS };
  const changed = note(`changed ${label}`, measureHttp({ ...http, kind: 'changed' }).rate);
  const good = note(`good ${label}`, measureDyndns2({ ...server, kind: 'good' }));
  measureHttp({ ...http, kind: 'unchanged', seconds: 1 });
  const unchanged = note(`unchanged ${label}`, measureHttp({ ...http, kind: 'unchanged' }).rate);
  const nochg = note(`nochg ${label}`, measureDyndns2({ ...server, kind: 'nochg' }));
  say(
    `  ${label}: original changed ${changed}, dyndns2 good ${good}; original unchanged ${unchanged}, dyndns2 nochg ${nochg} /s`,
  );
}

say(
  `${HOSTS} hosts with a token each, ${ROUNDS} rounds of ${SECONDS} s, node ${process.version} ${UNIT_FLAGS.join(' ')}`,
);
const postgres = await startPostgres();
const inSqlite = await startServer('sqlite:');
const inPostgres = await startServer(postgres.url);
for (let i = 0; i < ROUNDS; i++) {
  round(inSqlite, 'SQLite');
  round(inPostgres, 'PostgreSQL');
}
await stop(inPostgres.child);
const few = await startServer('sqlite:');
await stop(inSqlite.child);
await fillStore(inSqlite.storeUrl, HOSTS, HOSTS + MORE);
const many = { ...inSqlite, child: await inSqlite.run() };
for (let i = 0; i < ROUNDS; i++) {
  round(few, 'few');
  round(many, 'many');
}
await stop(few.child);
await stop(many.child);
await stop(postgres.child);

say('');
let missed = 0;
/** @param {string} what @param {number} value @param {number} bound */
function target(what, value, bound) {
  const met = value >= bound;
  if (!met) missed += 1;
  say(`${met ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)} (at least ${bound})`);
}
for (const [label, bound] of /** @type {const} */ ([
  ['SQLite', 0.9],
  ['PostgreSQL', 0.6],
])) {
  target(
    `good with tokens in ${label} / changed with the master secret`,
    middle(`good ${label}`) / middle(`changed SQLite`),
    bound,
  );
  target(
    `nochg with tokens in ${label} / unchanged with the master secret`,
    middle(`nochg ${label}`) / middle(`unchanged SQLite`),
    bound,
  );
}
for (const kind of ['good', 'nochg']) {
  target(`${kind} with ${MORE} tokens and hosts more / without`, middle(`${kind} many`) / middle(`${kind} few`), 0.9);
}
process.exitCode = missed > 0 ? 1 : 0;

// @ts-check
/**
 * The cost of tokens: dyndns2 with a token for each host, in SQLite and in PostgreSQL, and the original API with the master secret, with
 * history, in one run; then the same with 100,000 more tokens and hosts. The zone is embedded. Alternating rounds, medians; the targets are
 * ratios.
 */
import { join } from 'node:path';
import { BENCHMARKS } from './commands.mjs';
import {
  freePort,
  makeDirectory,
  measureHttp,
  numbersFor,
  originalClients,
  Report,
  say,
  serve,
  stop,
  UNIT_FLAGS,
  ZONE,
} from './lab.mjs';
import { startPostgres } from './postgres.mjs';
import { fillTokens, secretOf } from './store-tokens.mjs';

const [ROUNDS = 0, SECONDS = 0, MORE = 0] = numbersFor(BENCHMARKS.tokens, [
  [3, 1],
  [5, 1],
  [100_000, 200],
]);
const HOSTS = 500;

/** @param {string} url of a store @param {number} hosts with a token each */
function fillStore(url, hosts) {
  return fillTokens(url, hosts, (store, ownerName) =>
    store.hosts.put({ ownerName, enabled: true, addresses: { allow: [], deny: [] }, fallback: [], members: [] }),
  );
}

/** @param {string} store its URL, or `sqlite:` for a database of its own @param {number} hosts with a token each */
async function startServer(store, hosts = HOSTS) {
  const directory = makeDirectory();
  const url = store.startsWith('sqlite:') ? `sqlite:${join(directory, 'dyndns.db')}` : store;
  await fillStore(url, hosts);
  const options = {
    dns: { listen: [`127.0.0.1:${await freePort()}`], database: join(directory, 'zones.db') },
    store: url,
    zones: [{ name: ZONE, nameserver: 'embedded', ns: ['ns.example.net'] }],
  };
  return serve(options, { directory });
}

/** The clients of dyndns2, each host with its token. */
const tokenClients = Array.from({ length: HOSTS }, (_, n) => ({
  path: `/nic/update?hostname=h${n}.${ZONE}&myip=`,
  header: `Authorization: Basic ${Buffer.from(`user:${secretOf(n)}`).toString('base64')}`,
}));
const masterClients = originalClients(HOSTS);

const report = new Report();
const note = (/** @type {string} */ name, /** @type {number} */ value) => report.note(name, value).toFixed(0);

/** @param {{directory: string, url: string}} server @param {string} label */
function round(server, label) {
  const master = { ...server, clients: masterClients, connections: 64, seconds: SECONDS };
  const tokens = { ...master, clients: tokenClients };
  const changed = note(`changed ${label}`, measureHttp({ ...master, kind: 'changed' }).rate);
  const good = note(`good ${label}`, measureHttp({ ...tokens, kind: 'changed' }).rate);
  measureHttp({ ...master, kind: 'unchanged', seconds: 1 });
  const unchanged = note(`unchanged ${label}`, measureHttp({ ...master, kind: 'unchanged' }).rate);
  const nochg = note(`nochg ${label}`, measureHttp({ ...tokens, kind: 'unchanged' }).rate);
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
await stop(inSqlite.child);
// Both databases are new: more history makes one slower as well.
const few = await startServer('sqlite:');
const many = await startServer('sqlite:', HOSTS + MORE);
for (let i = 0; i < ROUNDS; i++) {
  round(few, 'few');
  round(many, 'many');
}
await stop(few.child);
await stop(many.child);
await stop(postgres.child);

say('');
for (const [label, bound] of /** @type {const} */ ([
  ['SQLite', 0.9],
  ['PostgreSQL', 0.6],
])) {
  report.atLeast(
    `good with tokens in ${label} / changed with the master secret`,
    report.middle(`good ${label}`) / report.middle(`changed SQLite`),
    bound,
  );
  report.atLeast(
    `nochg with tokens in ${label} / unchanged with the master secret`,
    report.middle(`nochg ${label}`) / report.middle(`unchanged SQLite`),
    bound,
  );
}
for (const kind of ['good', 'nochg']) {
  report.atLeast(
    `${kind} with ${MORE} tokens and hosts more / without`,
    report.middle(`${kind} many`) / report.middle(`${kind} few`),
    0.9,
  );
}

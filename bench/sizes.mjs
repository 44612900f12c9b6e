// @ts-check
/**
 * Large things, beside BIND in the same run: an RRset of 100 records, in one message and one by one; a message of nearly
 * 64 KiB; many records at one name; an import of a zone file. Alternating rounds, medians; targets are ratios.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DomainName } from '#dist/dns/name.js';
import { RRType } from '#dist/dns/rdata.js';
import { TcpExchanger } from '#dist/net/tcp.js';
import { BENCHMARKS } from './commands.mjs';
import { keyOf, update } from './dns-client.mjs';
import { IS_SMOKE_RUN, KEY, MAIN, makeDirectory, numbersFor, Report, say, stop, ZONE } from './lab.mjs';
import { bindPeer, ownPeer } from './peers.mjs';

/** @typedef {import('#dist/dns/zone-change.js').ZoneEdit} ZoneEdit */

const [ROUNDS = 0, NAMES = 0] = numbersFor(BENCHMARKS.sizes, [
  [9, 1],
  [100_000, 1000],
]);
const MEMBERS = 100;
/** With names of this form, and a TSIG, just under 65,535 octets. */
const IN_MESSAGE = 2400;

const apex = DomainName.parse(ZONE);
const key = keyOf(ZONE, KEY);
const report = new Report();

/** @param {string} label @param {number} index @returns {ZoneEdit} */
function addA(label, index) {
  const rdatas = [
    { kind: /** @type {const} */ ('A'), address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` },
  ];
  const ownerName = DomainName.parse(label, apex);
  return { kind: 'add-to-rrset', rrset: { ownerName, type: RRType.A, ttl: 60, rdatas } };
}

/** @param {string} label @returns {ZoneEdit} */
const deleteName = (label) => ({ kind: 'delete-name', ownerName: DomainName.parse(label, apex) });
const members = Array.from({ length: MEMBERS }, (_, i) => addA('many', i));
const hosts = Array.from({ length: IN_MESSAGE }, (_, i) => addA(`large-${i}`, i));

const own = await ownPeer(1, []);
const bind = await bindPeer(1);
const peers = [own, bind].map(({ title, port }) => ({
  title,
  exchanger: new TcpExchanger({ host: '127.0.0.1', port }),
}));

/** Time of some UPDATEs, one after the other, in ms. @param {TcpExchanger} exchanger @param {ZoneEdit[][]} messages */
async function timeOf(exchanger, messages) {
  const begin = performance.now();
  for (const edits of messages) {
    const rcode = await update(exchanger, key, apex, edits);
    if (rcode !== 0) throw new Error(`RCODE ${rcode}`);
  }
  return performance.now() - begin;
}

for (let round = 0; round < ROUNDS; round++) {
  for (const { title, exchanger } of round % 2 === 0 ? peers : [...peers].reverse()) {
    report.note(`one message ${title}`, await timeOf(exchanger, [members]));
    await timeOf(exchanger, [[deleteName('many')]]);
    report.note(
      `one by one ${title}`,
      await timeOf(
        exchanger,
        members.map((edit) => [edit]),
      ),
    );
    await timeOf(exchanger, [[deleteName('many')]]);
    report.note(`64 KiB ${title}`, await timeOf(exchanger, [hosts]));
    const removal = Array.from({ length: IN_MESSAGE }, (_, i) => deleteName(`large-${i}`));
    report.note(`64 KiB of removals ${title}`, await timeOf(exchanger, [removal]));
  }
}
for (const { exchanger } of peers) exchanger.close();
await Promise.all([stop(own.child), stop(bind.child)]);

/** Runs a program and returns its time in ms. @param {string} command @param {string[]} args @param {number[]} codes */
function run(command, args, codes = [0]) {
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { maxBuffer: 2 ** 28 });
  if (!codes.includes(status ?? -1)) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return performance.now() - begin;
}

/** @param {string} title @param {Iterable<string>} lines @returns {string} */
function writeZone(title, lines) {
  const file = join(makeDirectory(), `${title}.zone`);
  writeFileSync(
    file,
    `$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n${[...lines].join('\n')}\n`,
  );
  return file;
}

const manyNames = writeZone(
  'names',
  Array.from({ length: NAMES }, (_, i) => `h${i} A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
);
const oneName = writeZone(
  'one',
  Array.from({ length: Math.ceil(NAMES * 0.6) }, (_, i) => `one TXT "text number ${i}"`),
);
for (let round = 0; round < Math.ceil(ROUNDS / 3); round++) {
  const directory = makeDirectory();
  const config = join(directory, 'dyndns.yml');
  const zone = `{name: ${ZONE}, nameserver: embedded, ns: [ns1.${ZONE}]}`;
  writeFileSync(config, `dns: {database: zones.db}\nzones: [${zone}]\n`, { mode: 0o600 });
  const dyndns = (/** @type {string[]} */ args, codes = [0]) =>
    run(process.execPath, [MAIN, '--config', config, ...args], codes);
  report.note('start of the program', dyndns(['zone', 'list']));
  report.note('import, dry run', dyndns(['zone', 'import', '--dry-run', ZONE, manyNames]));
  report.note('import', dyndns(['zone', 'import', ZONE, manyNames]));
  // Refused: more records than limits.records_per_rrset.
  report.note('one name', dyndns(['zone', 'import', '--dry-run', ZONE, oneName], [1, 2]));
  report.note('named-checkzone names', run('named-checkzone', ['-i', 'none', ZONE, manyNames]));
  report.note('named-checkzone one name', run('named-checkzone', ['-i', 'none', ZONE, oneName], [0, 1]));
}

/** @param {string} what */
const ms = (what) => `${report.middle(what).toFixed(1)} ms`;
say(`${ROUNDS} rounds, node ${process.version}; medians`);
for (const what of ['one message', 'one by one', '64 KiB', '64 KiB of removals']) {
  say(`${what}: ${ms(`${what} dyndns`)}, BIND ${ms(`${what} BIND`)}`);
}
say(
  `import of ${NAMES} names: ${ms('import')}, dry run ${ms('import, dry run')}, of which the start of the program ${ms('start of the program')}`,
);
say(`  named-checkzone ${ms('named-checkzone names')}`);
say(
  `${Math.ceil(NAMES * 0.6)} TXT at one name, refused: ${ms('one name')}; named-checkzone ${ms('named-checkzone one name')}`,
);
for (const what of ['one message', 'one by one', '64 KiB', '64 KiB of removals']) {
  report.atMost(
    `${what}, dyndns / BIND`,
    report.middle(`${what} dyndns`) / report.middle(`${what} BIND`),
    IS_SMOKE_RUN ? 100 : 2,
  );
}
report.atMost('TXT at one name / names', report.middle('one name') / report.middle('import, dry run'), 1.5);

// @ts-check
/** The benchmarks, fuzzers and fault campaigns: the name of each for `npm run`, its file, and its arguments. */
import { amount, count, file, word, words } from './usage.mjs';

/** @typedef {import('./usage.mjs').Usage} Usage */
/** @typedef {Usage & {file: string}} Program the file is in this folder */

const ROUNDS = count('ROUNDS');
const SECONDS = amount('SECONDS');
const NAMES = count('NAMES');
const SEED = count('SEED', 0);
const SMOKE = { '--smoke': 'A short run, which only shows that the program works.' };

/** `npm run bench`. */
export const BENCHMARKS = {
  updates: bench('updates', 'update-rate.mjs', [ROUNDS, SECONDS], 'Updates a second with BIND as the primary.'),
  nameserver: bench(
    'nameserver',
    'nameserver.mjs',
    [ROUNDS, SECONDS, NAMES],
    'The embedded nameserver, BIND, Knot and PowerDNS: queries, updates, memory.',
  ),
  tokens: bench(
    'tokens',
    'tokens.mjs',
    [ROUNDS, SECONDS, count('MORE')],
    'A token for each client, in SQLite and PostgreSQL; then the same with MORE tokens in the store.',
  ),
  site: bench('site', 'site.mjs', [ROUNDS, count('MEMBERS')], 'Many hosts behind one prefix.'),
  sizes: bench('sizes', 'sizes.mjs', [ROUNDS, NAMES], 'Large RRsets and messages, and an import of NAMES names.'),
  receipts: bench(
    'receipts',
    'receipts.mjs',
    [count('SINGLE'), count('CONTINUOUS')],
    'The time until secondaries serve a change, for so many single updates and so many without a pause.',
  ),
  powerdns: bench('powerdns', 'powerdns.mjs', [NAMES, ROUNDS], 'The PowerDNS-compatible API on a zone of NAMES names.'),
  stream: bench(
    'stream',
    'stream.mjs',
    [ROUNDS, SECONDS, amount('MEMORY_SECONDS')],
    'Readers of event streams; MEMORY_SECONDS is the time of the run that measures memory.',
  ),
  page: bench(
    'page',
    'page.mjs',
    [SECONDS, count('UPDATES_A_SECOND'), ROUNDS],
    'The dashboard in a browser, by default an hour at 5,000 updates a second, and five rounds.',
  ),
  waits: bench(
    'waits',
    'waits.mjs',
    [file('MAIN'), ROUNDS, SECONDS, NAMES],
    'The time until a DNS answer while something else is done; MAIN is dist/cli/main.js of another checkout to compare with.',
  ),
  queries: bench('queries', 'queries.mjs', [ROUNDS, SECONDS, count('THREADS')], 'More and more threads that answer.'),
  signed: bench('signed', 'signed.mjs', [ROUNDS, SECONDS, NAMES], 'A zone with and without DNSSEC.'),
  reconnect: bench(
    'reconnect',
    'reconnect.mjs',
    [NAMES, SECONDS, amount('SHARE'), ROUNDS],
    'Each of NAMES routers makes a new TLS connection within SECONDS; SHARE of them (0.5 is half) resume a session.',
  ),
  growth: bench(
    'growth',
    'growth.mjs',
    [ROUNDS, SECONDS, count('SERVERS'), words('bind', 'knot', 'powerdns', 'powerdns-pg')],
    'Several servers that share a PostgreSQL, in front of one primary.',
  ),
  codec: bench('codec', 'codec.mjs', [count('OPERATIONS')], 'The wire codec and dns-packet.'),
  compare: bench(
    'compare',
    'compare.mjs',
    [file('MAIN'), ROUNDS, SECONDS],
    'This build and another one, whose dist/cli/main.js is MAIN.',
  ),
};

/** @type {typeof BENCHMARKS & {all: Usage}} */
export const BENCH_COMMANDS = {
  all: {
    command: 'npm run bench -- [all]',
    options: SMOKE,
    about: 'Builds, installs the other nameservers where it can, and runs all benchmarks but compare.',
  },
  ...BENCHMARKS,
};

/** `npm run fuzz`. */
export const FUZZERS = {
  codec: program({
    command: 'npm run fuzz -- codec',
    file: 'fuzz-codec.mjs',
    takes: [count('PACKETS'), SEED],
    about: 'Random and damaged packets for the wire codec. Numbers alone are for it, too.',
  }),
  nameserver: program({
    command: 'npm run fuzz -- nameserver',
    file: 'fuzz-nameserver.mjs',
    takes: [count('REQUESTS', 1000), SEED],
    about: 'Random and damaged requests for the embedded nameserver.',
  }),
  growth: program({
    command: 'npm run fuzz -- growth',
    file: 'fuzz-growth.mjs',
    takes: [count('PART')],
    about: 'Texts that could take a parser more than linear time; only each PARTth of them.',
  }),
  updates: program({
    command: 'npm run fuzz -- updates',
    file: 'fuzz-updates.mjs',
    takes: [count('MESSAGES'), SEED],
    options: SMOKE,
    about: 'Compares random UPDATEs with BIND, and BIND, Knot and NSD as secondaries.',
  }),
  signed: program({
    command: 'npm run fuzz -- signed',
    file: 'fuzz-signed.mjs',
    takes: [count('CHANGES'), SEED, word('nsec3', 'nsec')],
    about: 'Changes a signed zone that BIND, Knot and NSD follow, 10,000 times for each chain by default.',
  }),
};

/** @type {typeof FUZZERS & {all: Usage, requests: Usage}} */
export const FUZZ_COMMANDS = {
  all: { command: 'npm run fuzz -- [all]', about: 'Builds, and runs codec, nameserver and growth.' },
  ...FUZZERS,
  requests: {
    command: 'npm run fuzz -- requests',
    about: 'Sends malformed HTTP requests, five thousand to each route, and measures DNS meanwhile.',
  },
};

const SIGNED = { '--signed': 'With a signed zone, like the campaign signed.' };
const KILL = {
  file: 'kill-campaign.mjs',
  takes: [ROUNDS, SEED],
  about:
    'Builds, ends the embedded nameserver with SIGKILL under load, 200 times by default, and checks each time that no acknowledged change was lost.',
};

/** `npm run faults`. */
export const FAULTS = {
  kill: program({ ...KILL, command: 'npm run faults -- [kill]', options: SIGNED }),
  signed: program({
    ...KILL,
    command: 'npm run faults -- signed',
    about: 'Like kill, with a signed zone: no signature may be made again after a start.',
  }),
  reload: program({
    command: 'npm run faults -- reload',
    file: 'reload-campaign.mjs',
    takes: [ROUNDS, SEED],
    options: SMOKE,
    about: 'Sends SIGHUP in bursts and during starts, and checks that the last configuration file is in force.',
  }),
  connections: program({
    command: 'npm run faults -- connections',
    file: 'connection-campaign.mjs',
    takes: [count('CONNECTIONS'), count('DESCRIPTORS')],
    options: SMOKE,
    about:
      'Leaves 1,000 connections behind, and checks that the server has its descriptors back within 60 seconds, and that DNS, control socket and backup work meanwhile.',
  }),
  damage: program({
    command: 'npm run faults -- damage',
    file: 'damage-campaign.mjs',
    takes: [count('CASES'), SEED, count('FIRST_CASE')],
    options: SMOKE,
    about:
      'Damages databases at random, 1,000 times by default, and checks that nothing is lost without a message that says what to do.',
  }),
  servers: program({
    command: 'npm run faults -- servers',
    file: 'servers-campaign.mjs',
    takes: [SECONDS, words('bind', 'knot', 'powerdns')],
    options: {
      '--before=DIRECTORY': 'A built checkout of the version before: one server begins with it.',
      ...SMOKE,
    },
    about:
      'Three servers on one PostgreSQL under load, while servers, PostgreSQL and the primary are killed, restarted, frozen and upgraded.',
  }),
  readers: program({
    command: 'npm run faults -- readers',
    file: 'reader-campaign.mjs',
    takes: [SECONDS, count('READERS'), NAMES, SEED],
    options: SMOKE,
    about: 'Threads read a zone that changes; each answer must be whole.',
  }),
};

/** @param {Program} each */
function program(each) {
  return each;
}

/** @param {string} name @param {string} file @param {NonNullable<Usage['takes']>} takes @param {string} about */
function bench(name, file, takes, about) {
  return program({ command: `npm run bench -- ${name}`, file, takes, options: SMOKE, about });
}

// @ts-check
/**
 * Sends random UPDATEs of all types and octets (bench/update-corpus.mjs) to our server and to a BIND with its checks, and compares the
 * RCODEs; after each thousand BIND, Knot and NSD as secondaries of ours must hold the same zone and serial. Then both zones are emptied.
 * Exit code 1 for a difference that bench/update-differences.mjs does not list, for a secondary that is stuck, and for unequal
 * contents; with `--smoke` only for a campaign that does not run.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainName } from '#dist/dns/name.js';
import { formatRRType } from '#dist/dns/rdata.js';
import { formatRcode } from '#dist/dns/wire/message.js';
import { FUZZERS } from './commands.mjs';
import { seeded } from './damage.mjs';
import { freePort, IS_SMOKE_RUN, makeDirectory } from './lab.mjs';
import { missingIn, rawTransfer } from './raw-transfer.mjs';
import { apex, deletionOf, describe, makeUpdates, namesOf, plainUpdate, STATIC } from './update-corpus.mjs';
import { classOf, LISTED, LISTED_CONTENT } from './update-differences.mjs';
import { bindPrimary, key, makeSender, NAMESERVER, ownPrimary, SECONDARY_KINDS, secondary } from './update-peers.mjs';
import { readArguments } from './usage.mjs';

/** @typedef {import('./update-corpus.mjs').Update} Update */
/** @typedef {import('./raw-transfer.mjs').TransferredRecord} TransferredRecord */
/** @typedef {Awaited<ReturnType<typeof secondary>>} Server */

const [count, seed] = readArguments(FUZZERS.updates).values;
/** All servers are started anew for each step of a search. */
process.setMaxListeners(0);

const COUNT = Number(count ?? 100_000);
const SEED = Number(seed ?? Date.now() % 2 ** 32) >>> 0;

/** Messages between two comparisons of the secondaries. */
const ROUND = 1000;
/** A secondary that does not have our serial after this time is stuck: a change takes it less than a second. */
const FOLLOW_MS = 15_000;
/** The same while the message is searched that stopped it, with a smaller zone. */
const FOLLOW_IN_SEARCH_MS = 4_000;
/** A search takes up to a minute. */
const SEARCHES = IS_SMOKE_RUN ? 0 : 12;
const QUIET_MS = 20;
const REASON_MS = 500;
const DELETIONS_IN_MESSAGE = 200;
const EXAMPLES = 60;
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const number = (/** @type {number} */ value) => value.toLocaleString('en');
const delay = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Findings by class, with the number of times and an example. @type {Map<string, {times: number, example: string}>} */
const findings = new Map();
/** @type {Map<string, number>} */
const listed = new Map();
/** @type {Map<string, number>} */
const rcodes = new Map();
const add = (/** @type {Map<string, number>} */ map, /** @type {string} */ what) =>
  map.set(what, (map.get(what) ?? 0) + 1);

/** @param {string} what @param {string} example */
function find(what, example) {
  const finding = findings.get(what);
  if (finding !== undefined) finding.times += 1;
  else {
    findings.set(what, { times: 1, example });
    // At once: the run is long, and a finding may be looked at meanwhile.
    if (findings.size <= EXAMPLES) say(`  new: ${what}\n    ${example}`);
  }
}

const ports = await Promise.all(SECONDARY_KINDS.map(freePort));
const ownPort = await freePort();
const bindPort = await freePort();
const directories = { ours: makeDirectory(), bind: makeDirectory(), secondaries: SECONDARY_KINDS.map(makeDirectory) };
const toOurs = makeSender(ownPort);
const toBind = makeSender(bindPort);

/** Starts all servers with an empty zone. */
async function startAll() {
  const [ours, bind] = await Promise.all([
    ownPrimary(directories.ours, ownPort, ports),
    bindPrimary(directories.bind, bindPort),
  ]);
  const secondaries = await Promise.all(
    SECONDARY_KINDS.map((kind, index) =>
      secondary(kind, directories.secondaries[index] ?? '', ports[index] ?? 0, ownPort),
    ),
  );
  return { ours, bind, secondaries };
}

let { ours, bind, secondaries } = await startAll();

/** Ends all servers. */
async function stopAll() {
  toOurs.close();
  toBind.close();
  await Promise.all([ours, bind, ...secondaries].map((server) => server.stop()));
}

/** Starts all servers anew with an empty zone: the journal of ours has nothing from before. */
async function renew() {
  await stopAll();
  ({ ours, bind, secondaries } = await startAll());
}

/** What both logs say of the last message. @param {string} our RCODE @param {string} their RCODE @param {number} ourAt @param {number} bindAt */
async function reasons(our, their, ourAt, bindAt) {
  const ourLine = () =>
    ours
      .logSince(ourAt)
      .split('\n')
      .findLast((line) => line.includes('"msg":"UPDATE by')) ?? '';
  // Our log is written in batches. A message that is not readable has no line.
  const end = performance.now() + (our === 'NOERROR' || our === 'FORMERR' ? 5 * QUIET_MS : REASON_MS);
  do await delay(QUIET_MS);
  while (performance.now() < end && !ourLine().includes(`"rcode":"${our}"`));
  await delay(QUIET_MS);
  const ourReason = new RegExp(`"msg":"UPDATE by [^:]*: ${our}, (.*)"}`).exec(ourLine())?.[1] ?? '';
  const lines = bind.logSince(bindAt).split('\n');
  const isReason = (/** @type {string} */ text) =>
    /updat/.test(text) && !/(adding an RR|deleting (rrset|an RR))/.test(text);
  const theirLine = lines.findLast((line) => isReason(line) || (their === 'NOERROR' && /ignored/.test(line))) ?? '';
  return { ourReason, theirReason: theirLine.replace(/^.*?(?:IN': (?:update (?:unsuccessful|failed): )?)/, '') };
}

/** Deletes all RRsets at the names, and those of the apex, in both zones. @param {readonly DomainName[]} names */
async function erase(names) {
  for (let at = 0; at < names.length || at === 0; at += DELETIONS_IN_MESSAGE) {
    const deletion = deletionOf([...names.slice(at, at + DELETIONS_IN_MESSAGE), apex]);
    const outcomes = await Promise.all([toOurs.send(deletion.octets), toBind.send(deletion.octets)]);
    if (outcomes.some((outcome) => outcome !== 0)) {
      find(
        `names cannot be deleted: ours ${nameOfRcode(outcomes[0])}, BIND ${nameOfRcode(outcomes[1])}`,
        describe(deletion),
      );
    }
  }
}

const octetsOf = (/** @type {string} */ name) => Buffer.from(DomainName.parse(name).octets);

/** Restores the static name, and the NS RRset of the apex, which only BIND lets UPDATEs change. */
async function repairStatic() {
  const nameserver = octetsOf(NAMESERVER);
  const owner = Buffer.from(apex.octets);
  const staticOwner = octetsOf(STATIC);
  const added = (await rawTransfer(bind.port, key, apex))
    .filter((record) => record.owner === apex.key && record.type === 2)
    .map(({ rdata }) => Buffer.from(rdata, 'hex'))
    .filter((rdata) => !rdata.equals(nameserver));
  const toRestore = plainUpdate([
    { owner: staticOwner, type: 255, class: 255, ttl: 0, rdata: Buffer.alloc(0) },
    { owner: staticOwner, type: 1, class: 1, ttl: 300, rdata: Buffer.of(192, 0, 2, 1) },
    { owner, type: 2, class: 1, ttl: 3600, rdata: nameserver },
    ...added.map((rdata) => ({ owner, type: 2, class: 254, ttl: 0, rdata })),
  ]);
  const foreign = (await rawTransfer(ours.port, key, apex))
    .filter((record) => record.owner === staticOwner.toString('latin1') && record.type !== 1)
    .map(({ type }) => ({ owner: staticOwner, type, class: 255, ttl: 0, rdata: Buffer.alloc(0) }));
  const outcomes = await Promise.all([toOurs.send(plainUpdate(foreign).octets), toBind.send(toRestore.octets)]);
  if (outcomes.some((outcome) => outcome !== 0)) {
    throw new Error(`the static records cannot be restored: ${outcomes.map(nameOfRcode).join(', ')}`);
  }
}

/** Whether it may have changed what `repairStatic` restores. @param {Update} update */
function touchesStatic({ edits, isDamaged }) {
  return (
    isDamaged ||
    edits.some(({ owner, type }) => {
      const name = DomainName.ofWire(owner);
      return name.equals(DomainName.parse(STATIC)) || (name.equals(apex) && type === 2);
    })
  );
}

/** @param {number | 'closed' | 'silent' | undefined} outcome */
const nameOfRcode = (outcome) => (typeof outcome === 'number' ? formatRcode(outcome) : `${outcome}`);

/** Sends one message to both. @param {Update} update @param {readonly Update[]} earlier of the episode */
async function compare(update, earlier) {
  const [ourAt, bindAt] = [ours.logEnd(), bind.logEnd()];
  const outcomes = await Promise.all([toOurs.send(update.octets), toBind.send(update.octets)]);
  const [our, their] = [nameOfRcode(outcomes[0]), nameOfRcode(outcomes[1])];
  add(rcodes, our);
  for (const server of [ours, bind]) {
    if (server.isRunning()) continue;
    throw new Error(`${server.title} has ended: ${describe(update)}\n${server.logSince(0).slice(-2000)}`);
  }
  if (our === their) return { isAccepted: our === 'NOERROR', isEqual: true };
  let difference = { update, earlier, ours: our, theirs: their, ...(await reasons(our, their, ourAt, bindAt)) };
  const listedOne = () => LISTED.find(({ is }) => is(difference));
  if (listedOne() === undefined) {
    // On a busy machine the line that was found may be that of an earlier message, and the right one still on its way.
    await delay(REASON_MS);
    difference = { ...difference, ...(await reasons(our, their, ourAt, bindAt)) };
  }
  const known = listedOne();
  if (known !== undefined) add(listed, known.title);
  else {
    const { ourReason, theirReason } = difference;
    find(classOf(difference), `${describe(update)}\n    ours: ${ourReason}\n    BIND: ${theirReason}`);
  }
  return { isAccepted: our === 'NOERROR', isEqual: false };
}

/** Sends the messages of one episode. @param {readonly Update[]} updates @param {Update[]} accepted receives those that we accepted */
async function runEpisode(updates, accepted) {
  for (const [index, update] of updates.entries()) {
    const { isAccepted, isEqual } = await compare(update, updates.slice(0, index));
    if (isAccepted) accepted.push(update);
    if (isEqual) continue;
    // From here on the zones would differ, and every later message of the episode with them.
    const names = namesOf(updates.slice(0, index + 1));
    await erase(names);
    if (isAccepted) accepted.push(deletionOf([...names, apex]));
    if (touchesStatic(update)) await repairStatic();
  }
}

/** Waits until the secondary has our serial. @param {Server} server @param {number} limitMs */
async function follows(server, limitMs) {
  const end = performance.now() + limitMs;
  const wanted = await ours.serial();
  while (performance.now() < end) {
    if ((await server.serial()) === wanted) return true;
    await delay(20);
  }
  return false;
}

/** @param {TransferredRecord} record */
function textOf({ owner, type, ttl, rdata }) {
  const name = DomainName.ofWire(Buffer.from(owner, 'latin1'));
  return `${name} ${ttl} ${formatRRType(type)} ${rdata.length > 160 ? `${rdata.slice(0, 160)}…` : rdata}`;
}

/**
 * Compares contents; the messages of the subtree of the first difference are the example.
 * @param {string} title @param {readonly TransferredRecord[]} left ours @param {readonly TransferredRecord[]} right @param {readonly Update[]} accepted
 */
function compareContents(title, left, right, accepted) {
  for (const [where, records] of /** @type {const} */ ([
    [`only ours, not at ${title}`, missingIn(left, right)],
    [`only at ${title}`, missingIn(right, left)],
  ])) {
    for (const record of records) {
      if (LISTED_CONTENT.some(({ is }) => is(title, record, left))) continue;
      const name = DomainName.ofWire(Buffer.from(record.owner, 'latin1'));
      const concerned = accepted.filter((update) => namesOf([update]).some((owner) => owner.equals(name)));
      const messages = concerned.map((update) => `\n    ${describe(update)}`).join('');
      find(`content: ${where}: ${formatRRType(record.type)}`, `${textOf(record)}; messages of this name:${messages}`);
    }
  }
}

/** Empties both zones by UPDATEs. */
async function eraseAll() {
  const transferBoth = async () => [
    ...(await rawTransfer(ours.port, key, apex)),
    ...(await rawTransfer(bind.port, key, apex)),
  ];
  const kept = new Set([apex.key, DomainName.parse(STATIC).key]);
  const others = (await transferBoth()).filter(({ owner }) => !kept.has(owner));
  const names = new Map(others.map(({ owner }) => [owner, DomainName.ofWire(Buffer.from(owner, 'latin1'))]));
  await erase([...names.values()]);
  await repairStatic();
  // SOA, NS and the static address, in each zone.
  const left = await transferBoth();
  if (left.length === 6) return;
  // The last is BIND's own: the state of signing, since a DNSKEY was added.
  const strange = left.filter(({ owner, type }) => !kept.has(owner) || ![1, 2, 6, 65_534].includes(type));
  for (const record of strange) find(`a record that cannot be deleted: ${formatRRType(record.type)}`, textOf(record));
  await renew();
}

/** Whether the secondary follows us after these messages. @param {number} index @param {readonly Update[]} updates */
async function isStopped(index, updates) {
  for (const { octets } of updates) await toOurs.send(octets);
  const server = secondaries[index];
  return server !== undefined && !(await follows(server, FOLLOW_IN_SEARCH_MS));
}

let searches = 0;

/**
 * Finds the fewest messages that stop the secondary, by halves: one, unless two must come together.
 * @param {number} index @param {readonly Update[]} accepted
 */
async function searchStop(index, accepted) {
  let candidates = accepted;
  searches += 1;
  while (candidates.length > 1) {
    say(`  what stops ${SECONDARY_KINDS[index]}? one of ${candidates.length}`);
    const half = candidates.length >> 1;
    const halves = [candidates.slice(0, half), candidates.slice(half)];
    let stopping;
    for (const part of halves) {
      await renew();
      if (await isStopped(index, part)) {
        stopping = part;
        break;
      }
    }
    if (stopping === undefined) return candidates;
    candidates = stopping;
  }
  return candidates;
}

/** @param {number} index @param {string} fullLog @param {readonly Update[]} accepted */
async function reportStuck(index, fullLog, accepted) {
  const kind = SECONDARY_KINDS[index] ?? '';
  const log = fullLog.trim().split('\n').slice(-3).join('\n      ');
  const file = join(tmpdir(), `dyndns-fuzz-updates-${SEED}-${kind}-${searches}.hex`);
  writeFileSync(file, accepted.map(({ octets }) => `${octets.toString('hex')}\n`).join(''));
  const place = `messages in ${file}; its log:\n      ${log}`;
  if (searches >= SEARCHES) find(`${kind} as a secondary is stuck`, place);
  else {
    const culprits = await searchStop(index, accepted);
    const [culprit, ...others] = culprits;
    const [record, ...records] = culprit?.edits ?? [];
    const what = others.length + records.length === 0 && record ? formatRRType(record.type) : 'several records';
    const messages = culprits.slice(0, 5).map(describe).join('\n    ');
    find(`${kind} as a secondary is stuck: ${what}`, `${messages}\n    ${culprits.length} of the ${place}`);
  }
  await renew();
}

/** Messages of NSD's transfers have 16,383 octets at most; RDATA is in hex here. @param {TransferredRecord} record */
const isTooLargeForNsd = ({ rdata }) => rdata.length / 2 > 16_000;

/** Secondaries and BIND hold what we hold. @param {readonly Update[]} accepted by us since the zones were empty */
async function checkRound(accepted) {
  const stuck = [];
  const mine = await rawTransfer(ours.port, key, apex);
  const withoutSoa = (/** @type {readonly TransferredRecord[]} */ records) => records.slice(1);
  compareContents('BIND', withoutSoa(mine), withoutSoa(await rawTransfer(bind.port, key, apex)), accepted);
  for (const [index, server] of secondaries.entries()) {
    if (!server.isRunning()) {
      find(`${server.title} as a secondary has ended`, server.logSince(0).slice(-1000));
      stuck.push(index);
    } else if (await follows(server, FOLLOW_MS)) {
      if (server.title === 'NSD' && mine.some(isTooLargeForNsd)) {
        add(listed, 'a record above 16 KiB, of which NSD makes an AXFR without end');
      } else
        compareContents(`the secondary ${server.title}`, mine, await rawTransfer(server.port, key, apex), accepted);
    } else stuck.push(index);
  }
  // One after the other: a search empties the zones.
  const logs = stuck.map((index) => secondaries[index]?.logSince(0) ?? '');
  for (const [at, index] of stuck.entries()) await reportStuck(index, logs[at] ?? '', accepted);
  return { records: mine.length, stuck: stuck.length };
}

say(`${number(COUNT)} UPDATEs, seed ${SEED}, Node ${process.version}`);
const corpus = makeUpdates(seeded(SEED));
const began = performance.now();
let sent = 0;
while (sent < COUNT) {
  const end = Math.min(COUNT, sent + ROUND);
  /** @type {Update[]} */
  const accepted = [];
  while (sent < end) {
    const updates = corpus.next().slice(0, end - sent);
    await runEpisode(updates, accepted);
    sent += updates.length;
  }
  const { records, stuck } = await checkRound(accepted);
  await eraseAll();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const times = [...findings.values()].reduce((sum, finding) => sum + finding.times, 0);
  say(
    `  ${number(sent)} UPDATEs in ${seconds} s: ${number(records)} records, ${SECONDARY_KINDS.length - stuck} of ${SECONDARY_KINDS.length} secondaries hold them; ${number(times)} findings of ${findings.size} classes`,
  );
}
await stopAll();

const lines = (/** @type {Map<string, number>} */ map) =>
  [...map]
    .sort((a, b) => b[1] - a[1])
    .map(([what, times]) => `${what} ${number(times)}`)
    .join(', ');
say(`our RCODEs: ${lines(rcodes)}`);
say(`listed differences: ${lines(listed) || 'none'}`);
const sorted = [...findings].sort((a, b) => b[1].times - a[1].times);
for (const [what, { times, example }] of sorted.slice(0, EXAMPLES))
  say(`FOUND ${number(times)} times: ${what}\n    ${example}`);
if (sorted.length > EXAMPLES) say(`and ${sorted.length - EXAMPLES} more classes`);
say(`${number(COUNT)} UPDATEs compared with BIND: ${findings.size} classes of findings`);
process.exit(findings.size > 0 && !IS_SMOKE_RUN ? 1 : 0);

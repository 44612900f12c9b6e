// @ts-check
/**
 * Every parser that reads a client's text or octets takes at most three times as long for 64 KiB as for 32 KiB: a pattern that
 * backtracks, or a search inside a loop, would let one request stop HTTP and DNS for everyone. The texts are made for that
 * (growth-texts.mjs). The fastest of several runs, each after a collection of garbage, are compared, only above a floor, and a
 * result counts if it is the same three times, so that noise does not. The floor and the ceiling are multiples of what a sort
 * takes in the same run: a slow or busy machine moves them along. Exit code 1 if a parser grows faster.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FUZZERS } from './commands.mjs';
import { MESSAGES, TEXT_PARSERS } from './growth-parsers.mjs';
import { ALL_FAMILIES, MAIN_FAMILIES } from './growth-texts.mjs';
import { readArguments } from './usage.mjs';

const PART = Number(readArguments(FUZZERS.growth).values[0] ?? 1);

const SMALL = 32 * 1024;
const LARGE = 64 * 1024;
const MAX_GROWTH = 3;
/** Values of the sort of comparison, which takes about 40 ms. */
const SORTED_VALUES = 64 * 1024;
/** A parser that is faster than this many sorts does no harm. Quadratic work on 64 KiB takes several times as long. */
const FLOOR_SORTS = 1;
/** Too long for one message, whatever its growth. */
const CEILING_SORTS = 4;
const RUNS = 5;
const ATTEMPTS = 3;

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collectGarbage = runInNewContext('gc');

let faults = 0;
let inputs = 0;
let judged = 0;
let slowest = { ms: 0, sorts: 0, name: '' };

/** Milliseconds of the processor for one call: other programs on the machine do not count. @template T @param {(input: T) => unknown} read @param {T} input */
async function timeOf(read, input) {
  const start = process.cpuUsage();
  try {
    await read(input);
  } catch (error) {
    // Whatever is wrong with the text: here only the time counts. A programming error is no such answer.
    if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** What this machine can do now: the same values, made and sorted as text. */
function sortValues() {
  const values = [];
  let value = 1;
  for (let index = 0; index < SORTED_VALUES; index++) {
    value = (value * 48_271) % 2_147_483_647;
    values.push(value.toString(36));
  }
  return values.sort();
}

/** The fastest runs for the two lengths and of the sort, measured in turn. @template T @param {(input: T) => unknown} read @param {T} small @param {T} large @param {number} runs */
async function fastest(read, small, large, runs) {
  const times = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY, sort: Number.POSITIVE_INFINITY };
  for (let run = 0; run < runs; run++) {
    collectGarbage();
    times.small = Math.min(times.small, await timeOf(read, small));
    collectGarbage();
    times.large = Math.min(times.large, await timeOf(read, large));
    times.sort = Math.min(times.sort, await timeOf(sortValues, undefined));
  }
  return times;
}

/** @template T @param {string} name @param {(input: T) => unknown} read @param {(octets: number) => T} make */
async function judge(name, read, make) {
  inputs += 1;
  const large = make(LARGE);
  const first = await timeOf(read, large);
  if (first < FLOOR_SORTS * sortMs) return;
  judged += 1;
  const small = make(SMALL);
  let growth = 0;
  let ms = 0;
  let sorts = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // One run shows enough where each takes seconds.
    const takesSeconds = first > 10 * CEILING_SORTS * sortMs;
    const times = await fastest(read, small, large, takesSeconds ? 1 : RUNS);
    growth = times.large / times.small;
    ms = times.large;
    sorts = times.large / times.sort;
    if (sorts < FLOOR_SORTS || (growth <= MAX_GROWTH && sorts < CEILING_SORTS)) break;
    if (attempt < ATTEMPTS - 1 && !takesSeconds) continue;
    faults += 1;
    console.error(
      `${name}: 64 KiB take ${ms.toFixed(0)} ms, ${growth.toFixed(1)} times as long as 32 KiB and ${sorts.toFixed(1)} times as long as the sort`,
    );
    break;
  }
  if (sorts > slowest.sorts) slowest = { ms, sorts, name };
}

const { sort: sortMs } = await fastest(() => undefined, 0, 0, RUNS);
const started = performance.now();
console.log(`${TEXT_PARSERS.length} parsers of text, ${MESSAGES.length} kinds of messages, Node ${process.version}`);
let index = 0;
for (const { name, prefixes = [''], isRoute, read } of TEXT_PARSERS) {
  for (const prefix of prefixes) {
    for (const family of isRoute ? MAIN_FAMILIES : ALL_FAMILIES) {
      index += 1;
      if (index % PART !== 0) continue;
      const make = (/** @type {number} */ octets) => prefix + family.make(octets - prefix.length);
      await judge(`${name}: ${JSON.stringify(prefix)}, then ${family.name}`, read, make);
    }
  }
  const seconds = (performance.now() - started) / 1000;
  if (!isRoute || index % 50 === 0) console.log(`  ${name}, ${seconds.toFixed(0)} s`);
}
for (const { name, make, read } of MESSAGES) await judge(name, read, make);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `${inputs.toLocaleString('en')} inputs in ${seconds} s, ${judged} slower than a sort of ${sortMs.toFixed(0)} ms; the slowest takes ${slowest.ms.toFixed(0)} ms, ${slowest.sorts.toFixed(1)} sorts (${slowest.name})`,
);
console.log(faults === 0 ? `no parser grows more than ${MAX_GROWTH} times` : `${faults} inputs grow too fast`);
process.exitCode = faults === 0 ? 0 : 1;

// @ts-check
/**
 * Feeds the wire codec with random packets and with damaged copies of recorded ones (test/vectors/messages.hex) and of signed ones.
 * Each must give a message or a WireError; a message that is encoded and decoded again must be equal. A signature that is valid must
 * be of records that were signed. Damaged key files, a pair for each hundred packets, must give the key or a KeyFileError. Exit code 1
 * on any other exception, a difference, a slow packet, or growing memory.
 */
import { isDeepStrictEqual } from 'node:util';
import { DomainName } from '#dist/dns/name.js';
import { decodeMessage, encodeMessage, makeMessage } from '#dist/dns/wire/message.js';
import { WireError } from '#dist/dns/wire/reader.js';
import { FUZZERS } from './commands.mjs';
import { damagesOf, recordedPackets, seeded } from './damage.mjs';
import { readDamagedKeyFiles, signedPackets, verifyMessage } from './signed-corpus.mjs';
import { readArguments } from './usage.mjs';

const [packets, seed] = readArguments(FUZZERS.codec).values;
const COUNT = Number(packets ?? 10_000_000);
const SEED = Number(seed ?? Date.now() % 2 ** 32) >>> 0;
/** Growth between a tenth of the run and its end that counts as noise: heap with buffers, and resident memory. */
const GROWTH_LIMIT_MIB = { heap: 4, rss: 32 };
/** Packets for each pair of key files, which take longer. */
const KEY_FILE_STEP = 100;
/** A packet of at most 64 KiB takes a few milliseconds; more time means that the work is not linear. */
const SLOW_MS = 100;

const { random, below } = seeded(SEED);

/** A message near the maximum size, with names that compression pointers can reach and names that they cannot. */
function largePacket() {
  const answers = Array.from({ length: 1200 }, (_, i) => ({
    ownerName: DomainName.parse(`h${i % 900}.${'deep.'.repeat(i % 7)}example.com`),
    type: 16,
    class: 1,
    ttl: i,
    rdata: { kind: /** @type {const} */ ('TXT'), strings: [Buffer.alloc(i % 40, i)] },
  }));
  return encodeMessage(makeMessage({ answers }));
}

const RECORDED = [...recordedPackets(), ...signedPackets()];
const LARGE = largePacket();
const scratch = Buffer.alloc(70_000);

const DAMAGES = damagesOf(scratch, below, (index) => RECORDED[index % RECORDED.length] ?? LARGE);

/** The next packet, in `scratch`. @returns {number} its length */
function nextPacket() {
  const kind = below(100);
  if (kind < 15) {
    const length = below(kind < 3 ? 2000 : 200);
    for (let i = 0; i < length; i++) scratch[i] = random();
    if (kind < 10 && length >= 12) for (let i = 4; i < 12; i++) scratch[i] = i & 1 ? below(3) : 0;
    return length;
  }
  const packet = below(20_000) === 0 ? LARGE : (RECORDED[below(RECORDED.length)] ?? LARGE);
  packet.copy(scratch);
  let length = packet.length;
  for (let times = below(3) === 0 ? 1 + below(4) : 1; times > 0 && length > 0; times--)
    length = DAMAGES[below(DAMAGES.length)]?.(length) ?? 0;
  return length;
}

/** @param {number} length @returns {import('#dist/dns/wire/message.js').DecodedMessage | undefined} */
function decodeOrRefuse(length) {
  try {
    return decodeMessage(scratch.subarray(0, length));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** @param {import('#dist/dns/wire/message.js').DecodedMessage} message */
function checkRoundTrip(message) {
  const { tsigOffset: _before, ...written } = message;
  const { tsigOffset: _after, ...read } = decodeMessage(encodeMessage(message));
  if (!isDeepStrictEqual(read, written)) throw new Error('the message is another one after it was written and read');
}

/** A garbage collection does not make a packet slow: the shortest of three more tries decides. @param {number} length */
function shortestDecode(length) {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    decodeOrRefuse(length);
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}

/** Memory after a garbage collection, in MiB (scripts/fuzz.mjs starts this with --expose-gc). */
function memoryNow() {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heap: (heapUsed + external) / 2 ** 20 };
}
const step = Math.max(1, Math.floor(COUNT / 20));
const atStart = memoryNow();
let atTenth = atStart;
let messages = 0;
const signatures = { valid: 0, invalid: 0 };
const keyFiles = { read: 0, refused: 0 };
let longest = { ms: 0, length: 0, index: 0 };
const started = performance.now();
console.log(`${COUNT.toLocaleString('en')} packets, seed ${SEED}, Node ${process.version}`);

for (let index = 0; index < COUNT; index++) {
  const length = nextPacket();
  try {
    const start = performance.now();
    const message = decodeOrRefuse(length);
    const ms = performance.now() - start;
    if (ms > longest.ms) {
      const again = shortestDecode(length);
      if (again > longest.ms) longest = { ms: again, length, index };
    }
    if (message !== undefined) {
      messages += 1;
      checkRoundTrip(message);
      const { valid, invalid } = verifyMessage(message);
      signatures.valid += valid;
      signatures.invalid += invalid;
    }
    if (index % KEY_FILE_STEP === 0) keyFiles[readDamagedKeyFiles(below)] += 1;
  } catch (error) {
    console.error(`packet ${index} of seed ${SEED}: ${scratch.toString('hex', 0, length)}`);
    throw error;
  }
  if ((index + 1) % step === 0) {
    const memory = memoryNow();
    if (index + 1 === step * 2) atTenth = memory;
    const seconds = (performance.now() - started) / 1000;
    const percent = Math.round((100 * (index + 1)) / COUNT);
    console.log(
      `${String(percent).padStart(3)} %  ${seconds.toFixed(0)} s  ${messages.toLocaleString('en')} messages  ` +
        `longest decode ${longest.ms.toFixed(2)} ms (${longest.length} octets)  RSS ${memory.rss.toFixed(0)} MiB`,
    );
  }
}

const atEnd = memoryNow();
const seconds = (performance.now() - started) / 1000;
console.log(
  `done in ${seconds.toFixed(0)} s: ${messages.toLocaleString('en')} messages, ` +
    `${(COUNT - messages).toLocaleString('en')} refused; longest decode ${longest.ms.toFixed(2)} ms ` +
    `(packet ${longest.index}, ${longest.length} octets)`,
);
console.log(
  `${signatures.valid.toLocaleString('en')} valid signatures, ${signatures.invalid.toLocaleString('en')} others; ` +
    `key files: ${keyFiles.read.toLocaleString('en')} read, ${keyFiles.refused.toLocaleString('en')} refused`,
);
for (const kind of /** @type {const} */ (['rss', 'heap'])) {
  const [start, tenth, end] = [atStart, atTenth, atEnd].map((memory) => memory[kind].toFixed(1));
  const limit = GROWTH_LIMIT_MIB[kind];
  console.log(
    `${kind}: ${start} MiB at the start, ${tenth} at 10 %, ${end} at the end (at most ${limit} more than at 10 %)`,
  );
  if (atEnd[kind] - atTenth[kind] > limit) {
    console.error(`memory grew: ${kind}`);
    process.exitCode = 1;
  }
}
if (longest.ms > SLOW_MS) {
  console.error(`a packet took more than ${SLOW_MS} ms`);
  process.exitCode = 1;
}

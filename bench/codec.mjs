// @ts-check
/**
 * The speed of the wire codec and of dns-packet, on one core: decoding and encoding a typical A answer with an OPT record.
 * Both process the same octets in alternating rounds; the median round of each is compared. The exit code is 1 when decoding is not
 * 1.5 times or encoding not 3 times as fast. `both` decodes a message and encodes the result; it has no target.
 * Needs `npm run build`.
 */
import { decode as peerDecode, encode as peerEncode } from 'dns-packet';
import { decodeMessage, encodeMessage } from '#dist/dns/wire/message.js';
import { BENCHMARKS } from './commands.mjs';
import { IS_SMOKE_RUN, median, numbersFor } from './lab.mjs';

const ROUNDS = IS_SMOKE_RUN ? 1 : 7;
const [OPERATIONS = 0] = numbersFor(BENCHMARKS.codec, [[100_000, 2000]]);
const TARGETS = { decode: 1.5, encode: 3, both: 0 };

/** An answer as named gives it to `dig +norecurse home.example.com A`: QR AA RD, one A record, OPT with 1232. */
const ANSWER = Buffer.from(
  '1a2b850000010001000000010468' +
    '6f6d65076578616d706c6503636f6d0000010001' +
    'c00c000100010000012c0004c0000207' +
    '00002904d0000000000000',
  'hex',
);

const ours = decodeMessage(ANSWER);
const theirs = peerDecode(ANSWER);
if (!encodeMessage(ours).equals(ANSWER)) throw new Error('our encoding of the answer differs from the answer');
if (peerDecode(peerEncode(theirs)).answers?.length !== 1) throw new Error('dns-packet does not read its own answer');

/** Uses every result, so that the compiler cannot remove a call. */
let sink = 0;

/** @type {Record<'decode' | 'encode' | 'both', Record<'ours' | 'theirs', () => void>>} */
const CONTESTS = {
  decode: {
    ours: () => {
      sink += decodeMessage(ANSWER).answers.length;
    },
    theirs: () => {
      sink += peerDecode(ANSWER).answers?.length ?? 0;
    },
  },
  encode: {
    ours: () => {
      sink += encodeMessage(ours).length;
    },
    theirs: () => {
      sink += peerEncode(theirs).length;
    },
  },
  both: {
    ours: () => {
      sink += encodeMessage(decodeMessage(ANSWER)).length;
    },
    theirs: () => {
      sink += peerEncode(peerDecode(ANSWER)).length;
    },
  },
};

/** @param {() => void} operation @returns {number} operations a second */
function measure(operation) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < OPERATIONS; i++) operation();
  return (OPERATIONS * 1e9) / Number(process.hrtime.bigint() - start);
}

let reached = true;
for (const task of /** @type {const} */ (['decode', 'encode', 'both'])) {
  const contest = CONTESTS[task];
  /** @type {{ ours: number[], theirs: number[] }} */
  const rates = { ours: [], theirs: [] };
  measure(contest.ours);
  measure(contest.theirs);
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push(measure(contest.ours));
    rates.theirs.push(measure(contest.theirs));
  }
  const own = median(rates.ours);
  const peer = median(rates.theirs);
  const ratio = own / peer;
  reached &&= ratio >= TARGETS[task];
  console.log(
    `${task}: ${Math.round(own).toLocaleString('en')}/s, dns-packet ${Math.round(peer).toLocaleString('en')}/s, ` +
      `ratio ${ratio.toFixed(2)}${TARGETS[task] > 0 ? ` (target ${TARGETS[task]})` : ''}`,
  );
}
if (sink === 0) throw new Error('nothing was measured');
process.exitCode = reached || IS_SMOKE_RUN ? 0 : 1;

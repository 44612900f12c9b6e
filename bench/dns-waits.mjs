// @ts-check
/** How long DNS answers take while something else is going on. */
import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { ZONE } from './lab.mjs';

const QUERY_EVERY_MS = 10;
const SECOND_MS = 1_000;

/** @param {readonly number[]} values @param {number} percent */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)] ?? Number.NaN;
}

/** Queries the address of a host again and again, from the start of the call until `end`. @param {number} port */
export function queryDns(port) {
  const socket = createSocket('udp4');
  /** @type {Map<number, number>} */
  const sentMs = new Map();
  /** @type {number[]} */
  const times = [];
  const name = Buffer.concat(
    `h0.${ZONE}`.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
  );
  const question = Buffer.concat([Buffer.from('01000001000000000000', 'hex'), name, Buffer.from('0000010001', 'hex')]);
  let id = 0;
  socket.on('message', (answer) => {
    const begin = sentMs.get(answer.readUInt16BE(0));
    if (begin !== undefined) times.push(performance.now() - begin);
    sentMs.delete(answer.readUInt16BE(0));
  });
  const timer = setInterval(() => {
    id = (id + 1) & 0xffff;
    const header = Buffer.alloc(2);
    header.writeUInt16BE(id);
    sentMs.set(id, performance.now());
    socket.send(Buffer.concat([header, question]), port, '127.0.0.1');
  }, QUERY_EVERY_MS);
  return {
    /** @returns the times of the answers, in ms; those that never came count as a second */
    end() {
      clearInterval(timer);
      socket.close();
      const nowMs = performance.now();
      for (const begin of sentMs.values()) if (nowMs - begin > SECOND_MS) times.push(SECOND_MS);
      return times;
    },
  };
}

const FILE = fileURLToPath(import.meta.url);

/** The same from a process of its own, whose times do not have the waits of the caller. @param {number} port */
export function queryDnsApart(port) {
  const child = fork(FILE, [`${port}`]);
  return {
    /** @returns {Promise<number[]>} */
    end() {
      return new Promise((resolve, reject) => {
        child.once('message', (times) => resolve(/** @type {number[]} */ (times)));
        child.once('exit', () => reject(new Error('the process that queries has ended')));
        child.send('end');
      });
    },
  };
}

if (process.send !== undefined && process.argv[1] === FILE) {
  const queries = queryDns(Number(process.argv[2]));
  process.once('message', () => process.send?.(queries.end(), () => process.exit()));
  process.once('disconnect', () => process.exit());
}

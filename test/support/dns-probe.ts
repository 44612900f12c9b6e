/**
 * Measures how long a nameserver takes to answer while something else goes on: a query every few milliseconds, from a thread of
 * its own, so that a busy test does not count.
 */
import { Worker } from 'node:worker_threads';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { encodeMessage, makeMessage } from '../../src/dns/wire/message.ts';

const INTERVAL_MS = 10;
/** A query without an answer counts as this long. */
const LOST_MS = 1000;

/** The thread; plain JavaScript, as Node.js 20 does not run TypeScript. */
const PROGRAM = `
const { createSocket } = require('node:dgram');
const { parentPort, workerData } = require('node:worker_threads');
const { port, query, intervalMs, lostMs } = workerData;
const sent = new Map();
const times = [];
let id = 0;
const socket = createSocket('udp4');
socket.on('error', () => {});
socket.on('message', (octets) => {
  const startMs = sent.get(octets.readUInt16BE(0));
  if (startMs === undefined || !sent.delete(octets.readUInt16BE(0))) return;
  times.push(performance.now() - startMs);
});
const timer = setInterval(() => {
  id = (id + 1) & 0xffff;
  const message = Buffer.from(query);
  message.writeUInt16BE(id, 0);
  sent.set(id, performance.now());
  socket.send(message, port, '127.0.0.1');
}, intervalMs);
parentPort.on('message', function stop(least) {
  if (times.length + sent.size < least) return void setTimeout(stop, intervalMs, least);
  clearInterval(timer);
  setTimeout(() => {
    socket.close();
    parentPort.postMessage([...times, ...[...sent].map(() => lostMs)]);
  }, lostMs);
});
`;

export interface ProbeResult {
  readonly queries: number;
  /** In milliseconds. */
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly longestMs: number;
}

export interface DnsProbe {
  /** @param queries that are at least sent before */
  stop(queries?: number): Promise<ProbeResult>;
}

/** Queries the SOA record of a zone at a port of 127.0.0.1 until it is stopped. */
export function startDnsProbe(port: number, zone: string): DnsProbe {
  const questions = [{ qname: DomainName.parse(zone), qtype: RRType.SOA, qclass: 1 }];
  const query = encodeMessage(makeMessage({ questions }));
  const workerData = { port, query, intervalMs: INTERVAL_MS, lostMs: LOST_MS };
  const worker = new Worker(PROGRAM, { eval: true, workerData });
  return {
    async stop(queries = 0) {
      const ended = new Promise<number[]>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      worker.postMessage(queries);
      const times = (await ended).sort((a, b) => a - b);
      await worker.terminate();
      const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
      return { queries: times.length, medianMs: at(0.5), p95Ms: at(0.95), longestMs: at(1) };
    },
  };
}

// @ts-check
/**
 * TCP streams of DNS messages (RFC 1035 §4.2.2) as no client should send them: cut at every octet and then ended, reset, half
 * closed or continued; several messages in one segment; wrong lengths. Each connection must end in time.
 */
import { connect } from 'node:net';

const HANG_MS = 15_000;
/** Below the server's limit of connections from one address. */
const AT_ONCE = 64;

const framed = (/** @type {Uint8Array} */ message) =>
  Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]);

/**
 * Sends parts in turn, each in a segment of its own, then ends its side or resets the connection.
 * @param {number} port @param {Buffer[]} parts @param {'end' | 'reset'} how
 * @returns {Promise<{messages: number, ms: number, hung: boolean, rest: number}>} `rest`: octets of an incomplete message
 */
function talk(port, parts, how) {
  const began = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    let messages = 0;
    let incoming = Buffer.alloc(0);
    const timer = setTimeout(() => finish(true), HANG_MS);
    const finish = (/** @type {boolean} */ hung) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ messages, ms: performance.now() - began, hung, rest: incoming.length });
    };
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('end', () => finish(false));
    socket.on('data', (chunk) => {
      incoming = Buffer.concat([incoming, chunk]);
      while (incoming.length >= 2 && incoming.length >= 2 + incoming.readUInt16BE(0)) {
        incoming = incoming.subarray(2 + incoming.readUInt16BE(0));
        messages += 1;
      }
    });
    const send = (/** @type {number} */ index) => {
      const part = parts[index];
      if (part !== undefined) socket.write(part, () => setTimeout(() => send(index + 1), 1));
      else if (how === 'end') socket.end();
      else socket.resetAndDestroy();
    };
    socket.once('connect', () => send(0));
  });
}

/**
 * @param {number} port @param {Uint8Array[]} messages
 * @param {(what: string, request?: Uint8Array) => void} fault
 */
export async function cutStreams(port, messages, fault) {
  const total = { connections: 0, replies: 0, slowestMs: 0 };
  /** @type {(() => Promise<void>)[]} */
  const work = [];
  /** @param {string} what @param {Buffer[]} parts @param {'end' | 'reset'} how @param {number} [wanted] messages that must come */
  const add = (what, parts, how, wanted) => {
    work.push(async () => {
      const { messages: came, ms, hung, rest } = await talk(port, parts, how);
      total.connections += 1;
      total.replies += came;
      total.slowestMs = Math.max(total.slowestMs, ms);
      if (hung) fault(`a connection that does not end (${what})`, Buffer.concat(parts));
      else if (how === 'end' && rest > 0) fault(`half a message came back (${what})`, Buffer.concat(parts));
      else if (wanted !== undefined && came !== wanted)
        fault(`${came} messages, not ${wanted} (${what})`, Buffer.concat(parts));
    });
  };
  const run = async () => {
    const next = async () => {
      for (let task = work.shift(); task !== undefined; task = work.shift()) await task();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  };

  const counts = new Map();
  for (const message of messages) counts.set(message, (await talk(port, [framed(message)], 'end')).messages);
  for (const message of messages) {
    const stream = framed(message);
    for (let at = 1; at < stream.length; at++) {
      const [head, tail] = [stream.subarray(0, at), stream.subarray(at)];
      add(`ended after ${at} octets`, [head], 'end', 0);
      add(`reset after ${at} octets`, [head], 'reset');
      add(`in two parts, ${at} octets first`, [head, tail], 'end', counts.get(message));
      add(`a whole one, then ${at} octets`, [Buffer.concat([stream, head])], 'end', counts.get(message));
    }
    for (const length of [0, 1, 11, 12, message.length - 1, message.length + 1, 65_535]) {
      const lying = Buffer.from(stream);
      lying.writeUInt16BE(Math.max(0, length), 0);
      add(`a length of ${length}`, [lying], 'end');
      add(`a length of ${length}, then reset`, [lying], 'reset');
    }
    add(
      'octet by octet',
      [...stream].map((octet) => Buffer.of(octet)),
      'end',
      counts.get(message),
    );
  }
  // All in one segment, as often as fits; the replies may come in any order, but all must come.
  const all = Buffer.concat(messages.map(framed));
  const wanted = messages.reduce((sum, message) => sum + counts.get(message), 0);
  for (const times of [1, 2, 10]) {
    add(`${times} times all in one`, [Buffer.concat(Array.from({ length: times }, () => all))], 'end', wanted * times);
  }
  await run();
  return total;
}
